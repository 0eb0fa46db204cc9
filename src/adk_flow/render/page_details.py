"""What the page says of a record: its moves, the call that it belongs to, what it proves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain, repeat
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec

from adk_flow._data import group_by
from adk_flow._text import UNKNOWN, format_dollars, format_number, format_seconds
from adk_flow.analysis.findings import Finding
from adk_flow.analysis.pricing import dollars, is_priced
from adk_flow.analysis.run_metrics import KEYLESS_MODELS
from adk_flow.analysis.trace import ModelCall, ToolCall, Trace
from adk_flow.analysis.visibility.exposure import attribute_requests
from adk_flow.analysis.visibility.matching import Attribution
from adk_flow.log.schema import Part
from adk_flow.render.flow_text import describe_finding, describe_move
from adk_flow.render.templates import template

_LONGEST_KNOWN = 160
"""Characters shown of what an agent's model was sent before."""
_MOST_KNOWN = 20
"""Parts shown of those, the newest: each request has all before it, and a page every request."""
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


class Details:
    """Everything that a trace tells of its records, one by one."""

    def __init__(self, trace: Trace, findings: Sequence[Finding]) -> None:
        self._trace = trace
        self._moves = group_by(trace.moves, lambda move: move.record)
        proofs = ((record, finding) for finding in findings for record in finding.records)
        self._findings = group_by(proofs, itemgetter(0))
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
        records = self._trace.log.records
        record, call = records[index], self._calls.get(index)
        turn = self._trace.turns_by_run.get(record.run)
        return template("page_details").render(
            number=index,
            record=record,
            turn=turn.number if turn else 0,
            since=format_seconds((record.time - turn.began) / 1e6 if turn else 0),
            moves=self._moves.get(index, ()),
            findings=[finding for _, finding in self._findings.get(index, ())],
            describe_move=describe_move,
            describe_finding=describe_finding,
            fields=_fields(msgspec.to_builtins(record)),
            model_call=call if isinstance(call, ModelCall) else None,
            figures=_figures,
            sent=self._sent,
            tool_call=call if isinstance(call, ToolCall) else None,
            result=records[call.ended].text if call and call.ended >= 0 else "",
        )

    @cached_property
    def _all_sources(self) -> dict[int, list[list[Attribution]]]:
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

    def _sent(self, call: ModelCall) -> tuple[SentPart, list[SentPart], int]:
        """Gives what a model was sent: instruction, parts, and how many of those are left out."""
        *sources, of_system = self._all_sources.get(call.record, [[]])
        held = f", holds what was {_named(of_system)}" if of_system else ""
        given = call.request.parts if call.request else ()
        firsts = [self._first_sent[call.agent, part.text] for part in given]
        known = [index for index, first in enumerate(firsts) if first != call.record]
        left_out = {*known[:-_MOST_KNOWN]}
        pairs = enumerate(zip(given, chain(sources, repeat([])), strict=False))
        parts = [self._sent_part(call, *pair) for index, pair in pairs if index not in left_out]
        system = self._trace.log.texts.get(call.request.system, "") if call.request else ""
        return SentPart(f"instruction{held}", system, -1), parts, len(left_out)

    def _sent_part(self, call: ModelCall, part: Part, found: list[Attribution]) -> SentPart:
        text = self._trace.log.texts.get(part.text, "")
        first = self._first_sent[call.agent, part.text]
        source = _source(part, found, call.agent)
        if first == call.record:
            return SentPart(source, text, -1)
        return SentPart(source, text[:_LONGEST_KNOWN], first)


def _source(part: Part, found: list[Attribution], agent: str) -> str:
    if part.role == "model":
        return f"{agent}'s own {'function call' if part.kind == 'call' else 'words'}"
    is_result = part.kind == "response"
    other = "result of its function call" if is_result else "said by no agent: of ADK or the app"
    return _named(found) or other


def _named(found: list[Attribution]) -> str:
    return ", ".join(dict.fromkeys(_WORDS[kind].format(source) for source, kind, _ in found))


def _figures(call: ModelCall) -> Iterator[tuple[str, str]]:
    yield "model", call.version or call.model or UNKNOWN
    if usage := call.tokens:
        cached = f" ({format_number(usage.cached)} cached)" if usage.cached else ""
        thoughts = f", {format_number(usage.thoughts)} of them thoughts" if usage.thoughts else ""
        yield "sent", f"{format_number(usage.input)} tokens{cached}"
        yield "generated", f"{format_number(usage.generated)} tokens{thoughts}"
    else:
        yield "tokens", UNKNOWN
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
