"""Plans that play where a user speaks the words of a turn, as in `adk run` and `adk web`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.adk.agents.invocation_context import InvocationContext
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.plugins.base_plugin import BasePlugin
from google.genai import types

from adk_flow._adk import BaseNode
from adk_flow.models.enforcement import is_overridden
from adk_flow.models.from_env import OFFLINE, model_from_env
from adk_flow.models.planned.model import Planned
from adk_flow.record.extract import words_of
from adk_flow.scenario.conversation import read_conversation

if TYPE_CHECKING:
    from google.adk.models import LlmCapabilities

NO_PLAN = (
    "Without a language model, only the questions of {} have an answer here. For any other, set "
    "MODEL_NAME and its key."
)

_playing: ContextVar[BaseLlm | None] = ContextVar("adk_flow_playing", default=None)
_in_a_call: ContextVar[bool] = ContextVar("adk_flow_in_a_call", default=False)
"""Whether a tool is being called, in whose task a run of an AgentTool's agent takes place."""


class SpokenPlan(BaseLlm):
    """Answers by the plan that `SpokenPlans` has found for the turn."""

    model: str = "planned"

    @property
    def capabilities(self) -> LlmCapabilities:
        """See `Planned`."""
        return _model().capabilities

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        """Gives the next step of the agent that asks."""
        async for response in _model().generate_content_async(llm_request, stream):
            yield response


class SpokenPlans(BasePlugin):
    """Plays the plan of the turn whose words the user says; anything else gets one honest line.

    Put it behind the recorder in `App(plugins=[…])` and give the agents its `model`. Where a
    language model is named, or there is a key for one, it does nothing.
    """

    def __init__(self, file: Path, root: Callable[[], BaseNode]) -> None:
        """Takes a conversation's file, and what gives the root of the agents once it stands.

        Raises:
          ConversationError: the file cannot be read, or is none of a conversation.
        """
        super().__init__(name="adk_flow_spoken_plans")
        self._file, self._root, self._turns = file, root, read_conversation(file).turns
        named = model_from_env()
        self.model = SpokenPlan() if named == OFFLINE else named
        """The model for the app's agents: what `MODEL_NAME` or a key names, else one that plays."""

    async def before_run_callback(
        self, *, invocation_context: InvocationContext
    ) -> types.Content | None:
        """Finds the plan of a turn; ends one that has none."""
        if not isinstance(self.model, SpokenPlan) or is_overridden() or _in_a_call.get():
            return None
        said = words_of(invocation_context.user_content).split()
        for turn in self._turns:
            if turn.plan is not None and turn.say.split() == said:
                _playing.set(Planned(turn, self._root()))
                return None
        return types.ModelContent(NO_PLAN.format(self._file.name))

    async def before_tool_callback(self, **_: Any) -> None:
        """Notes that what runs from here on is part of the turn."""
        _in_a_call.set(True)  # in a task of the call's own (2.13, flows/llm_flows/functions.py)


def _model() -> BaseLlm:
    playing = _playing.get()
    if playing is None:
        raise LookupError("no turn's plan is playing: the app lacks the plugin SpokenPlans")
    return playing
