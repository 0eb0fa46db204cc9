"""A model that answers with decisions laid down beforehand, agent by agent."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any

from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.genai import types
from pydantic import Field, PrivateAttr

Decision = str | types.FunctionCall | Exception | Sequence[str | types.FunctionCall]
"""What a model does in one call: a text, a function call, several of them at once, or a fault."""


class ScriptError(AssertionError):
    """A run that did not go as its script says."""


def call(name: str, /, **arguments: Any) -> types.FunctionCall:
    """Decides to call a function."""
    return types.FunctionCall(name=name, args=arguments)


def transfer(agent: str) -> types.FunctionCall:
    """Decides to hand over to an agent."""
    return call("transfer_to_agent", agent_name=agent)


def _parts(decision: Any) -> list[types.Part]:
    steps = decision if isinstance(decision, (list, tuple)) else [decision]
    return [*map(_part, steps)]


def _part(step: Any) -> types.Part:
    match step:
        case types.FunctionCall():
            return types.Part(function_call=step.model_copy())
        case types.Part():
            return step.model_copy(deep=True)
        case str():
            return types.Part(text=step)
    raise ScriptError(f"{step!r:.100} is no decision; expected words, a call, or a list of them")


class Scripted(BaseLlm):
    """Answers each agent's model calls with the next of that agent's decisions.

    A call that the script does not expect raises `ScriptError`; `finish` raises it for decisions
    that nobody asked for. ADK names the agent in the request's label `adk_agent_name`.
    """

    model: str = "scripted"
    script: dict[str, list[Any]] = Field(default_factory=dict)
    """Decisions by agent, in the order of its calls: words, a function call, an error, or a list
    of words, function calls and parts."""
    tokens: tuple[int, int] = (20, 10)
    """Input and output tokens that each call reports."""
    _taken: dict[str, int] = PrivateAttr(default_factory=dict)

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        """Gives the next decision of the agent that asks.

        Raises:
          ScriptError: the agent has no decision left.
        """
        decision = self._next(llm_request)
        if isinstance(decision, Exception):
            raise decision
        sent, said = self.tokens
        yield LlmResponse(
            content=types.Content(role="model", parts=_parts(decision)),
            usage_metadata=types.GenerateContentResponseUsageMetadata(
                prompt_token_count=sent, candidates_token_count=said, total_token_count=sent + said
            ),
        )

    def _next(self, request: LlmRequest) -> Any:
        agent = (request.config.labels or {}).get("adk_agent_name", "")
        decisions = self.script.get(agent, [])
        taken = self._taken.get(agent, 0)
        if taken >= len(decisions):
            has = f"its script has {len(decisions)}" if decisions else f"scripted: {[*self.script]}"
            name = agent or "an agent without a name"
            raise ScriptError(f"{name} asked for decision {taken + 1}; {has}")
        self._taken[agent] = taken + 1
        return decisions[taken]

    def finish(self) -> None:
        """Checks that every decision was asked for; the error names agents and numbers."""
        pairs = self.script.items()
        left = {agent: len(steps) - self._taken.get(agent, 0) for agent, steps in pairs}
        unused = ", ".join(f"{agent} {number}" for agent, number in left.items() if number)
        if unused:
            raise ScriptError(f"decisions that nobody asked for: {unused}")
