"""Plans in `adk run` and `adk web`: where the user's words are a planned turn's, its plan plays."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from google.adk.agents.invocation_context import InvocationContext
from google.adk.plugins.base_plugin import BasePlugin
from google.genai import types

from adk_flow._adk import BaseNode, tools_inline
from adk_flow._text import join_names
from adk_flow.models.enforcement import in_force, override_in_force
from adk_flow.models.planned.model import Planned
from adk_flow.models.planned.playing import check_tasks, planned_override, runs_offline
from adk_flow.record.extract import words_of
from adk_flow.scenario.conversation import AskedTurn, read_conversation


class PlanPlugin(BasePlugin):
    """Plays the plans of conversations where an app's agents run on the offline model.

    Other words go to that model; with `alone`, one line answers them in its place.
    """

    def __init__(
        self,
        *files: str | Path,
        alone: bool = False,
        root: Callable[[], BaseNode | None] = lambda: None,
    ) -> None:
        """Reads the conversation files; `root` gives a graph as root, which ADK does not (2.13).

        Raises:
          AdkFlowError: one cannot be read, or does not fit.
        """
        super().__init__(name="adk_flow_plans")
        self._asked = {str(file): read_conversation(file) for file in files}
        self.turns: dict[str, tuple[AskedTurn, str]] = {}
        """By their words, each with its file."""
        for place, asked in self._asked.items():
            for turn in asked.turns:
                if turn.plan is not None:
                    self.turns.setdefault(_plain(turn.say), (turn, place))
        self.alone, self._root = alone, root
        self._playing: dict[str, ExitStack] = {}

    async def before_run_callback(
        self, *, invocation_context: InvocationContext
    ) -> types.Content | None:
        """Lets a plan play until the run ends, or answers in its place.

        Raises:
          AdkFlowError: the plan names an agent that there is not.
        """
        agent, override = invocation_context.agent, override_in_force()
        root = getattr(agent, "root_agent", agent) or self._root()
        if root is None or (override and override.exclusive) or not runs_offline(root):
            return None
        turn, place = self.turns.get(_plain(words_of(invocation_context.user_content)), (None, ""))
        if turn is not None:
            check_tasks(root, {place: self._asked[place]})
            stack = self._playing[invocation_context.invocation_id] = ExitStack()
            stack.enter_context(in_force(planned_override(Planned(turn, root), override)))
            stack.enter_context(tools_inline())
            return None
        asked = join_names(f"“{turn.say.strip()}”" for turn, _ in self.turns.values())
        line = f"Without a language model this app plays only its plans: ask {asked}; or "
        return types.ModelContent(f"{line}set MODEL_NAME and a key.") if self.alone else None

    async def after_run_callback(self, *, invocation_context: InvocationContext) -> None:
        """Ends a plan with its run."""
        if stack := self._playing.pop(invocation_context.invocation_id, None):
            stack.close()

    async def on_run_error_callback(
        self, *, invocation_context: InvocationContext, error: Exception
    ) -> None:
        """Ends a plan with its run."""
        await self.after_run_callback(invocation_context=invocation_context)


def _plain(text: str) -> str:
    return " ".join(text.split())
