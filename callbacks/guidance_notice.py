"""Says once a conversation that the desk gives guidance, not regulated advice."""

from contextvars import ContextVar
from typing import Any

from google.adk.agents.callback_context import CallbackContext
from google.adk.agents.invocation_context import InvocationContext
from google.adk.events.event import Event
from google.adk.models.llm_response import LlmResponse
from google.adk.plugins.base_plugin import BasePlugin

NOTICE = "(This is guidance, not regulated financial advice.)"
SAID = "guidance_notice_said"

_is_called = ContextVar("guidance_notice_is_called", default=False)
"""Whether a tool called what runs; ADK runs each call in a task of its own (1.18 to 2.13)."""


class GuidanceNotice(BasePlugin):
    """Adds the notice to the first answer that a user reads in a session.

    It is added to the event, not to the model's words: what a graph passes on from node to node
    would repeat it. Listed before a recorder, so that the event is recorded as the user reads it.
    """

    def __init__(self) -> None:
        super().__init__(name="guidance_notice")

    async def before_tool_callback(self, **hook: Any) -> None:
        """Marks all that runs inside a tool call."""
        _is_called.set(True)

    async def after_model_callback(
        self, *, callback_context: CallbackContext, llm_response: LlmResponse
    ) -> None:
        """Marks a first, whole text answer."""
        content = llm_response.content
        if llm_response.partial or content is None or not content.parts:
            return
        if callback_context.state.get(SAID) or not _faces_user(callback_context):
            return
        if any(part.function_call for part in content.parts) or not content.parts[-1].text:
            return
        llm_response.custom_metadata = {**(llm_response.custom_metadata or {}), SAID: True}
        callback_context.state[SAID] = True

    async def on_event_callback(
        self, *, invocation_context: InvocationContext, event: Event
    ) -> None:
        """Adds the notice to a marked answer, or to a called agent's that is passed on as it is."""
        parts = (event.content and event.content.parts) or []
        texts = [part for part in parts if part.text]
        if (event.custom_metadata or {}).pop(SAID, False):
            texts[-1].text = _with_notice(texts[-1].text)
        elif event.actions.skip_summarization and not _is_called.get():
            if not texts or invocation_context.session.state.get(SAID):
                return
            texts[-1].text = _with_notice(texts[-1].text)
            event.actions.state_delta[SAID] = True


def _with_notice(text: str | None) -> str:
    return f"{text}\n\n{NOTICE}"


def _faces_user(context: CallbackContext) -> bool:
    """Whether an agent speaks to the user: nobody called it, and no schema shapes its words."""
    agent = context._invocation_context.agent
    return not _is_called.get() and getattr(agent, "output_schema", None) is None
