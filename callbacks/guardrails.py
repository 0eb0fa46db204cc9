"""What the desk does not let happen: lost transfers, endless passing on, over-long questions."""

from collections.abc import Iterator
from typing import Any

from google.adk.agents.base_agent import BaseAgent
from google.adk.agents.callback_context import CallbackContext
from google.adk.agents.invocation_context import InvocationContext
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.tools.base_tool import BaseTool
from google.adk.tools.tool_context import ToolContext
from google.genai import types

MAX_TRANSFERS = 6
"""Transfers that one turn may ask for; the longest sensible way is down, up and down again."""

MAX_CHARACTERS = 8_000
"""Length of one message."""

_REFUSED = "[A message of {} characters was refused: it was too long.]"


class Guardrails(BasePlugin):
    """Keeps a model's mistakes and a user's excesses from ending a run or running up calls."""

    def __init__(
        self, max_transfers: int = MAX_TRANSFERS, max_characters: int = MAX_CHARACTERS
    ) -> None:
        super().__init__(name="guardrails")
        self.max_transfers = max_transfers
        self.max_characters = max_characters

    async def before_tool_callback(
        self, *, tool: BaseTool, tool_args: dict[str, Any], tool_context: ToolContext
    ) -> dict[str, Any] | None:
        """Answers a transfer to no legal target with an error; plain ADK ends the run."""
        # ADK 1.18's tool is a plain function, which does not know the legal targets.
        named, targets = tool_args.get("agent_name"), getattr(tool, "_agent_names", None)
        if tool.name != "transfer_to_agent" or targets is None or named in targets:
            return None
        return {"error": f"There is no agent {named!r} to transfer to; use {_either(targets)}."}

    async def before_model_callback(
        self, *, callback_context: CallbackContext, llm_request: LlmRequest
    ) -> LlmResponse | None:
        """Ends a turn that was passed on too often with an answer."""
        if _transfers(callback_context) <= self.max_transfers:
            return None
        return _say(
            "Your question was passed between the desk's specialists without an answer. "
            "Could you put it another way, or ask one thing at a time?"
        )

    async def on_user_message_callback(
        self, *, invocation_context: InvocationContext, user_message: types.Content
    ) -> types.Content | None:
        """Keeps an over-long message out of the conversation."""
        length = _length(user_message)
        if length <= self.max_characters:
            return None
        return types.UserContent(_REFUSED.format(f"{length:,}"))

    async def before_agent_callback(
        self, *, agent: BaseAgent, callback_context: CallbackContext
    ) -> types.Content | None:
        """Answers a refused message instead of the agent."""
        message = callback_context.user_content
        words = message.parts[0].text if message and message.parts else None
        if not words or not words.startswith(_REFUSED.split("{}")[0]):
            return None
        return types.ModelContent(
            f"Your message is too long for the desk, which reads up to {self.max_characters:,} "
            "characters at a time. Please shorten it, or ask in several steps."
        )


def _say(text: str) -> LlmResponse:
    return LlmResponse(content=types.ModelContent(text))


def _either(names: list[str]) -> str:
    return " or ".join(names) or "no other agent"


def _length(message: types.Content) -> int:
    return sum(len(part.text or "") for part in message.parts or ())


def _transfers(context: CallbackContext) -> int:
    """Counts the transfers that this turn's models have asked for, legal or not."""
    return sum(
        call.name == "transfer_to_agent"
        for event in _events_of_turn(context)
        for call in event.get_function_calls()
    )


def _events_of_turn(context: CallbackContext) -> Iterator[Any]:
    for event in reversed(context.session.events):
        if event.invocation_id != context.invocation_id:
            return
        yield event
