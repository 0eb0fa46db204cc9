"""A model that answers as another, late or wrongly; and what goes wrong, in one turn only."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.tools.base_tool import BaseTool
from google.adk.tools.tool_context import ToolContext
from google.genai import errors, types
from pydantic import ConfigDict, SkipValidation

from adk_flow._data import map_texts, parse_json
from adk_flow.analysis.latency import LatencyProfile
from adk_flow.models.request.functions import CONSULT, FINISH, LOAD, RESPOND, TRANSFER
from adk_flow.record.activations import kind_of
from adk_flow.scenario.fault import FAULT_NAME, FAULT_WORDS, FaultKind

_ONCE = frozenset({"raises", "hangs", "rate limit", "unknown tool", "unknown agent"})
"""Faults of one model call, the first; the others last as long as the turn."""


class Fault(BasePlugin):
    """What goes wrong with one agent in the turn that is named the faulty one.

    ADK's own `InjectionConfig` (2.13, tools/environment_simulation) finds a tool by its name alone,
    whose agent's and whose turn it is, and makes a Gemini model to do so; so results are replaced
    here.
    """

    def __init__(self, kind: FaultKind, agent: str, seconds: float) -> None:
        """Takes the agent, empty for the first that is asked, and how long a turn may last."""
        super().__init__(name="adk_flow_fault")
        self.kind: FaultKind = kind
        self.agent, self.seconds = agent, seconds
        self.turn = 0
        self._has_happened = False

    @property
    def _is_on(self) -> bool:
        return self.turn == 1

    def strikes(self, agent: str) -> bool:
        """Whether a model call of an agent is at fault, which it is once if it is of one call."""
        if not self._is_on or self.kind == "poisoned tool" or self._has_happened:
            return False
        self.agent = self.agent or agent
        if agent != self.agent:
            return False
        self._has_happened = self.kind in _ONCE
        return True

    async def before_tool_callback(
        self, *, tool: BaseTool, tool_args: dict[str, Any], tool_context: ToolContext
    ) -> dict[str, Any] | None:
        """Gives a result that carries an instruction in the place of a tool's."""
        # What a skill or a stronger model tells the agent to do is no tool's result.
        is_own = kind_of(tool) == "function" and tool.name not in (LOAD, CONSULT)
        is_poisoned = self._is_on and self.kind == "poisoned tool" and is_own
        if not is_poisoned or self.agent not in ("", tool_context.agent_name):
            return None
        return {"result": FAULT_WORDS[self.kind]}


class AlteredModel(BaseLlm):
    """Answers as another model does, but where its agent is at fault, in a real model's time."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    inner: BaseLlm
    fault: SkipValidation[Fault | None] = None
    profile: LatencyProfile | None = None

    @property
    def capabilities(self) -> Any:  # of a class that releases before 2.x do not have
        """Says what the other model can do."""
        return self.inner.capabilities

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        """Gives the answer; with a profile, once its output tokens would have been generated."""
        answers = self._answers(llm_request, stream)
        if self.profile is None:
            async for answer in answers:
                yield answer
            return
        whole = [answer async for answer in answers]
        usages = [one.usage_metadata for one in whole if one.usage_metadata and not one.partial]
        generated = [(usage.candidates_token_count, usage.thoughts_token_count) for usage in usages]
        tokens = sum(count or 0 for counts in generated for count in counts)
        await asyncio.sleep(self.profile.microseconds(tokens) / 1e6)
        for answer in whole:
            yield answer

    async def _answers(
        self, request: LlmRequest, stream: bool
    ) -> AsyncGenerator[LlmResponse, None]:
        """Fails, makes a name up or answers wrongly, if the agent that asks is at fault."""
        agent = (request.config.labels or {}).get("adk_agent_name", "")
        is_struck = self.fault is not None and self.fault.strikes(agent)
        if self.fault and is_struck and self.fault.kind != "wrong answer":
            yield await _fail(self.fault.kind)
            return
        async for answer in self.inner.generate_content_async(request, stream):
            yield _wrong(answer) if is_struck else answer


async def _fail(kind: FaultKind) -> LlmResponse:
    if kind == "raises":
        raise RuntimeError(FAULT_WORDS[kind])
    if kind == "rate limit":
        raise errors.ClientError(429, {"error": {"message": FAULT_WORDS[kind]}})
    if kind == "hangs":
        await asyncio.Event().wait()
    arguments = {"agent_name": FAULT_NAME} if kind == "unknown agent" else {}
    name = TRANSFER if kind == "unknown agent" else FAULT_NAME
    part = types.Part.from_function_call(name=name, args=arguments)
    return LlmResponse(content=types.Content(role="model", parts=[part]), partial=False)


def _wrong(response: LlmResponse) -> LlmResponse:
    """Puts something wrong into the place of the words of an agent."""
    content = response.content
    if not content or not content.parts:
        return response
    parts = [_wrong_part(part) for part in content.parts]
    return response.model_copy(update={"content": content.model_copy(update={"parts": parts})})


def _wrong_part(part: types.Part) -> types.Part:
    call = part.function_call
    if call and call.name in (FINISH, RESPOND):
        changed = call.model_copy(update={"args": _wrong_value(call.args or {})})
        return part.model_copy(update={"function_call": changed})
    if not part.text or part.thought:
        return part
    value = parse_json(part.text)
    is_form = isinstance(value, (dict, list))
    text = json.dumps(_wrong_value(value)) if is_form else _wrong_value(part.text)
    return part.model_copy(update={"text": text})


def _wrong_value(value: Any) -> Any:
    return map_texts(value, lambda _: FAULT_WORDS["wrong answer"])
