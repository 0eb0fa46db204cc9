"""Says once a conversation that the desk gives guidance, not regulated advice."""

from google.adk.agents.callback_context import CallbackContext
from google.adk.models.llm_response import LlmResponse
from google.adk.plugins.base_plugin import BasePlugin

from adk_flow.record.activations import current_calls

NOTICE = "(This is guidance, not regulated financial advice.)"
SAID = "guidance_notice_said"


class GuidanceNotice(BasePlugin):
    """Adds the notice to the first answer that a user reads in a session."""

    def __init__(self) -> None:
        super().__init__(name="guidance_notice")

    async def after_model_callback(
        self, *, callback_context: CallbackContext, llm_response: LlmResponse
    ) -> None:
        """Adds the notice to a first, whole text answer."""
        content = llm_response.content
        if llm_response.partial or content is None or not content.parts:
            return
        if callback_context.state.get(SAID) or not _faces_user(callback_context):
            return
        last = content.parts[-1]
        if any(part.function_call for part in content.parts) or not last.text:
            return
        last.text = f"{last.text}\n\n{NOTICE}"
        callback_context.state[SAID] = True


def _faces_user(context: CallbackContext) -> bool:
    """Whether an agent speaks to the user: nobody called it, and no schema shapes its words."""
    agent = context._invocation_context.agent
    return not current_calls.get() and getattr(agent, "output_schema", None) is None
