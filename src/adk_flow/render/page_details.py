"""What the page says of a record: its moves, the call that it belongs to, what it proves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import msgspec

from adk_flow._text import UNKNOWN, format_dollars, format_number, format_seconds
from adk_flow.analysis.findings import Finding
from adk_flow.analysis.moves import Move
from adk_flow.analysis.pricing import dollars, is_priced
from adk_flow.analysis.run_metrics import KEYLESS_MODELS
from adk_flow.analysis.trace import ModelCall, ToolCall, Trace
from adk_flow.analysis.visibility.exposure import attribute_requests
from adk_flow.analysis.visibility.matching import Found
from adk_flow.log.schema import Part, Request
from adk_flow.render.flow_text import describe_finding, describe_move
from adk_flow.render.templates import environment

_LONGEST_KNOWN = 160
"""Characters shown of what an agent's model was sent before."""
_WORDS = {
    "words": "said by {}",
    "request": "the request of {}",
    "answer": "the answer of {}",
    "tool": "a tool call of {}",
    "canary": "{}",
}


class SentPart(NamedTuple):
    """A part of what a model was sent."""

    source: str
    """Who it came from."""
    text: str
    first: int
    """Record of the agent's request that had it first; -1 for this one."""


class Detail(NamedTuple):
    """What is known of a record."""

    number: int
    turn: int
    hook: str
    agent: str
    since: str
    """When it came, from the turn's start."""
    moves: list[Move]
    findings: list[Finding]
    model_call: ModelCall | None
    figures: dict[str, str]
    """Of the model call."""
    system: SentPart | None
    parts: list[SentPart]
    tool_call: ToolCall | None
    result: str
    fields: dict[str, str]


class Details:
    """Everything that a trace tells of its records, one by one."""

    def __init__(self, trace: Trace, findings: Sequence[Finding]) -> None:
        self._trace = trace
        self._moves: defaultdict[int, list[Move]] = defaultdict(list)
        for move in trace.moves:
            self._moves[move.record].append(move)
        self._findings: defaultdict[int, list[Finding]] = defaultdict(list)
        for finding in findings:
            for record in finding.records:
                self._findings[record].append(finding)
        self._calls = {
            index: call
            for turn in trace.turns
            for call in (*turn.tool_calls, *turn.model_calls)
            for index in (call.ended, call.record)
            if index >= 0
        }

    def draw(self, index: int) -> str:
        """Writes what is known of a record as HTML.

        Raises:
          IndexError: there is no such record.
        """
        template = environment().get_template("page_details.html.j2")
        words = {"describe_move": describe_move, "describe_finding": describe_finding}
        return template.render(detail=self._detail(index), **words)

    def _detail(self, index: int) -> Detail:
        record = self._trace.log.records[index]
        run = self._trace.runs.get(record.run)
        call = self._calls.get(index)
        model_call = call if isinstance(call, ModelCall) else None
        tool_call = call if isinstance(call, ToolCall) else None
        request = model_call.request if model_call else None
        sources = self._all_sources.get(model_call.record, []) if model_call else []
        seconds = (record.time - run.turn.began) / 1e6 if run else 0
        return Detail(
            number=index,
            turn=run.turn.number if run else 0,
            hook=record.hook,
            agent=record.agent,
            since=format_seconds(seconds),
            moves=self._moves[index],
            findings=self._findings[index],
            model_call=model_call,
            figures=dict(_figures(model_call)) if model_call else {},
            system=self._system(request, sources) if request else None,
            parts=list(self._parts(model_call, request, sources)) if model_call and request else [],
            tool_call=tool_call,
            result=self._result(tool_call),
            fields=_fields(msgspec.to_builtins(record)),
        )

    def _result(self, call: ToolCall | None) -> str:
        is_over = call is not None and call.ended >= 0
        return self._trace.log.records[call.ended].text if call and is_over else ""

    # What a model was sent

    @cached_property
    def _all_sources(self) -> dict[int, list[list[Found]]]:
        return {each.record: each.sources for each in attribute_requests(self._trace)}

    @cached_property
    def _first_sent(self) -> dict[tuple[str, int], int]:
        """The first request of an agent that had a text, by agent and the text's number."""
        first: dict[tuple[str, int], int] = {}
        for turn in self._trace.turns:
            for call in turn.model_calls:
                for part in call.request.parts if call.request else ():
                    first.setdefault((call.agent, part.text), call.record)
        return first

    def _system(self, request: Request, sources: list[list[Found]]) -> SentPart | None:
        text = self._trace.log.texts.get(request.system, "")
        held = f", holds what was {_named(sources[-1])}" if sources and sources[-1] else ""
        return SentPart(f"instruction{held}", text, -1) if text else None

    def _parts(
        self, call: ModelCall, request: Request, sources: list[list[Found]]
    ) -> Iterator[SentPart]:
        for number, part in enumerate(request.parts):
            found = sources[number] if number < len(sources) else []
            first = self._first_sent.get((call.agent, part.text), call.record)
            text = self._trace.log.texts.get(part.text, "")
            if first == call.record:
                yield SentPart(_source(part, found, call.agent), text, -1)
            else:
                yield SentPart(_source(part, found, call.agent), text[:_LONGEST_KNOWN], first)


def _source(part: Part, found: list[Found], agent: str) -> str:
    if part.role == "model":
        return f"{agent}'s own {'function call' if part.kind == 'call' else 'words'}"
    if found:
        return _named(found)
    is_result = part.kind == "response"
    return "result of its function call" if is_result else "said by no agent: of ADK or the app"


def _named(found: list[Found]) -> str:
    return ", ".join(dict.fromkeys(_WORDS[kind].format(source) for source, kind, _ in found))


def _figures(call: ModelCall) -> Iterator[tuple[str, str]]:
    yield "model", call.version or call.model or UNKNOWN
    usage = call.tokens
    if usage is None:
        yield "tokens", UNKNOWN
    else:
        cached = f" ({format_number(usage.cached)} cached)" if usage.cached else ""
        thoughts = f", {format_number(usage.thoughts)} of them thoughts" if usage.thoughts else ""
        yield "sent", f"{format_number(usage.input)} tokens{cached}"
        yield "generated", f"{format_number(usage.generated)} tokens{thoughts}"
    if call.ended >= 0:
        yield "time", format_seconds((call.ended_time - call.began) / 1e6)
    if call.model not in KEYLESS_MODELS:
        name = call.version if is_priced(call.version) else call.model
        cost = dollars(name, usage) if usage else None
        yield "cost", UNKNOWN if cost is None else format_dollars(cost)


def _fields(fields: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else msgspec.json.encode(value).decode()
        for name, value in fields.items()
        if name not in ("texts", "request", "hook", "agent")
    }
