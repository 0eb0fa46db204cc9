"""What a request shows of the agent that asks: its functions, its task, what it has done."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from google.adk.models.llm_request import LlmRequest
from google.genai import types

from adk_flow._data import group_by, object_in
from adk_flow.log.schema import AGENT_CALLS
from adk_flow.models.request.functions import FINISH, RESPOND, TRANSFER, declarations
from adk_flow.models.request.schemas import Schema, answer_schema, resolve_schema
from adk_flow.models.request.situation import loaded_skills, read_situation
from adk_flow.models.request.turns import (
    AgentSaid,
    Called,
    RequestStep,
    Returned,
    latest_message,
    latest_steps,
)
from adk_flow.models.request.values import PLACEHOLDER, canonical
from adk_flow.record.activations import kind_of

_ASKED = re.compile(r"\[([^\]]+)\] was asked: ")
"""How a coordinator is shown what it had asked (`wiring.nodes.report`)."""

_SPECIAL = (TRANSFER, FINISH, RESPOND)


class Offer(NamedTuple):
    """A function that may be called: its kind, see `FunctionCall.kind`, and arguments' schema."""

    name: str
    kind: str
    schema: Schema

    @property
    def is_agent(self) -> bool:
        """Whether another agent or a graph stands behind it."""
        return self.kind in AGENT_CALLS or self.kind == "node_tool"


@dataclass(frozen=True)
class RequestView:
    """One request."""

    agent: str
    message: str
    """What the agent's session was last told, written as `written` writes it."""
    offers: dict[str, Offer]
    targets: list[str]
    """Agents that it may transfer to."""
    schema: Schema | None
    """The shape that the answer as text must have."""
    made: tuple[tuple[Called, Returned | None], ...]
    """What it has called in this activation, each with what came back."""
    heard: tuple[str, ...]
    """What others have found for it: those who transferred on, or whom it had asked."""
    came_by_transfer: bool
    is_new: bool
    """Whether it has neither called nor said anything in this activation."""
    skills: frozenset[str]
    """Those that it has loaded."""


def read_view(request: LlmRequest) -> RequestView:
    """Reads a request."""
    config = request.config
    steps = latest_steps(request.contents)
    # Its own steps since others were last heard of, or since it last ended in words.
    ends = (n for n, step in enumerate(steps, 1) if step.agent or _is_end(steps[n - 1 : n + 1]))
    place = max(ends, default=0)
    before, own = steps[:place], steps[place:]
    transfers = [step for step in before if isinstance(step, Called) and step.function == TRANSFER]
    name = (config.labels or {}).get("adk_agent_name", "")
    came = bool(transfers) and transfers[-1].arguments.get("agent_name") == name
    offers = _offers(request)
    return RequestView(
        agent=name,
        message=written(latest_message(request.contents)),
        offers=offers,
        targets=_targets(request, offers),
        schema=answer_schema(config),
        made=tuple(_made(own)),
        heard=tuple(_heard(before, transfers, request.contents, came)),
        came_by_transfer=came,
        is_new=not own,
        skills=loaded_skills(request.contents),
    )


def _is_end(steps: Sequence[RequestStep]) -> bool:
    """Whether the first of two steps is last words; words beside a call come before its result."""
    return isinstance(steps[0], AgentSaid) and not isinstance(steps[-1], Returned)


def written(ask: Any) -> str:
    """Writes what an agent is asked so that a request shows it alike, however ADK wraps it."""
    if isinstance(ask, str):
        if not (values := object_in(ask.lstrip())):
            return " ".join(ask.split())
        ask = values
    if isinstance(ask, dict) and set(ask) == {"request"}:
        return written(ask["request"])
    return canonical(ask)


def said(value: Any) -> str:
    """Writes a result in words: the text that it holds, else JSON."""
    if isinstance(value, dict):
        for key in ("summary", "result", "output", "guidance", "error"):
            text = value.get(key)
            if (isinstance(text, str) and text) or (text is not None and len(value) == 1):
                return said(text)
    return value if isinstance(value, str) else canonical(value)


def _offers(request: LlmRequest) -> dict[str, Offer]:
    tools = request.tools_dict
    return {
        function.name: Offer(
            function.name,
            kind_of(tools[function.name]) if function.name in tools else "function",
            resolve_schema(function.parameters_json_schema or function.parameters or {}),
        )
        for function in declarations(request.config)
        if function.name
    }


def _targets(request: LlmRequest, offers: dict[str, Offer]) -> list[str]:
    if TRANSFER not in offers:
        return []
    parts = offers[TRANSFER].schema.get("properties", {})
    # Older releases name them in the instruction only (1.18, flows/llm_flows/agent_transfer.py).
    named = parts.get("agent_name", {}).get("enum") or ()
    return [*named] or [agent.name for agent in read_situation(request).reachable]


def _made(own: Sequence[RequestStep]) -> Iterator[tuple[Called, Returned | None]]:
    """Pairs calls with results: of calls of one function, the results come in the same order."""
    results = [step for step in own if isinstance(step, Returned)]
    returned = group_by(results, lambda step: step.function)
    for step in own:
        if isinstance(step, Called):
            results = returned.get(step.function)
            yield step, results.pop(0) if results else None


def _heard(
    steps: Sequence[RequestStep],
    transfers: Sequence[Called],
    contents: Sequence[types.Content],
    came_by_transfer: bool,
) -> Iterator[str]:
    texts = [part.text for content in contents for part in content.parts or () if part.text]
    asked = {match[1] for text in texts if (match := _ASKED.match(text))}
    sources = {step.agent for step in transfers} | asked | ({""} if came_by_transfer else set())
    spoken = {step.agent for step in steps if isinstance(step, AgentSaid) and step.agent}
    for step in steps:
        text = ""
        if isinstance(step, AgentSaid) and step.agent:
            text = step.text
        elif isinstance(step, Returned) and step.agent not in spoken:
            text = "" if step.function in _SPECIAL else said(step.response)
        if step.agent in sources and text.strip() not in ("", PLACEHOLDER):
            yield text
