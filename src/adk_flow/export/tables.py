"""A log as flat rows, for a notebook or a database: turns, agents, moves, model and tool calls."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

import msgspec

from adk_flow.analysis.critical_path import Schedule, schedule_turn
from adk_flow.analysis.metrics import TurnMetrics, measure_turn
from adk_flow.analysis.moves import Move
from adk_flow.analysis.trace import Trace
from adk_flow.analysis.trace_reader import trace_log
from adk_flow.export.spans import FlowSpan, spans_of
from adk_flow.log.reader import Log

_COLUMNS = {
    "cause": "via",
    "activation": "frame",
    "activations": "frames",
    "unclosed_activations": "unclosed_frames",
    "parent": "caller",
    "active_agent": "holder",
}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What every row says of its log; `log` and `turn` join the tables."""

    log: str
    """Where it was read from."""
    app: str
    session: str
    construct: str
    turn: int
    """Number of the turn, from 1."""


class TurnRow(Row, frozen=True, kw_only=True, rename=_COLUMNS):
    """One turn; the fields of `TurnMetrics`."""

    model: str
    """The root agent's; empty for a workflow."""
    question: str
    answered_by: str
    answer: str
    active_agent: str
    complete: bool
    failed: bool
    error: str
    llm_calls: int | None
    """None where it is not known, as tokens."""
    seen_llm_calls: int
    unseen_llm_calls: int
    reported_llm_calls: int
    tool_calls: int
    transfers: int
    agent_calls: int
    input_tokens: int | None
    cached_tokens: int | None
    output_tokens: int | None
    reported_input_tokens: int | None
    reported_output_tokens: int | None
    began: int
    ended: int
    llm_microseconds: int
    tool_microseconds: int
    critical_path_microseconds: int
    parallelism: float | None
    overhead_seconds: float


class AgentRow(Row, frozen=True, kw_only=True, rename=_COLUMNS):
    """What one agent took in a turn; the fields of `AgentMetrics`."""

    agent: str
    activations: int
    unclosed_activations: int
    llm_calls: int | None
    tool_calls: int
    input_tokens: int | None
    cached_tokens: int | None
    output_tokens: int | None
    llm_microseconds: int
    tool_microseconds: int


class MoveRow(Row, frozen=True, kw_only=True, rename=_COLUMNS):
    """One move of control or of conversation; the fields of `Move`."""

    kind: str
    is_control: bool
    source: str
    target: str
    time: int
    record: int
    cause: str
    activation: int
    parent: int
    call: str
    text: str
    failed: bool


class CallRow(Row, frozen=True, kw_only=True, rename=_COLUMNS):
    """One call of a model or of a tool, agents called as tools and transfers among them."""

    kind: str
    """`model`, `replaced` or `tool`."""
    name: str
    tool_kind: str
    """See `FunctionCall.kind`."""
    agent: str
    """Who made it."""
    activation: int
    call: str
    record: int
    began: int
    """Microseconds since the epoch."""
    took: int
    """Microseconds; 0 if it was never answered."""
    answered: bool
    waited: int | None
    """Microseconds of calls before it that it had to wait for; of models and plain functions."""
    critical: bool
    """Whether it lies on the turn's critical path."""
    nested: bool
    input_tokens: int | None
    cached_tokens: int | None
    output_tokens: int | None
    """Generated tokens, thoughts among them."""
    error: str


class Tables(NamedTuple):
    """The rows of one log, or of no log."""

    turns: list[TurnRow]
    agents: list[AgentRow]
    moves: list[MoveRow]
    calls: list[CallRow]


ROWS: dict[str, type[Row]] = {
    "turns": TurnRow,
    "agents": AgentRow,
    "moves": MoveRow,
    "calls": CallRow,
}

R = TypeVar("R", bound=Row)


def tables_of(log: Log) -> Tables:
    """Lays a log out in rows."""
    trace = trace_log(log)
    schedules = [schedule_turn(turn) for turn in trace.turns]
    turns = [measure_turn(*pair) for pair in zip(trace.turns, schedules, strict=True)]
    return Tables(
        turns=[_row(TurnRow, log, turn, model=log.header.model) for turn in turns],
        agents=[
            _row(AgentRow, log, metrics, turn=turn.turn, agent=name)
            for turn in turns
            for name, metrics in turn.agents.items()
        ],
        moves=[_row(MoveRow, log, move) for move in trace.moves],
        calls=_calls(trace, schedules),
    )


def _calls(trace: Trace, schedules: list[Schedule]) -> list[CallRow]:
    waits = _waits(schedules)
    return [
        _row(
            CallRow,
            trace.log,
            span,
            took=span.ended - span.began if span.complete else 0,
            answered=span.complete,
            waited=waits.get(span.record, (None, False))[0],
            critical=waits.get(span.record, (None, False))[1],
            input_tokens=span.usage and span.usage.input,
            cached_tokens=span.usage and span.usage.cached,
            output_tokens=span.usage and span.usage.generated,
        )
        for span in spans_of(trace).spans
        if span.kind not in ("turn", "agent")
    ]


def _waits(schedules: list[Schedule]) -> dict[int, tuple[int, bool]]:
    """Tells of each call, by its record, how long it had to wait and whether it is critical."""
    waits = {}
    for schedule in schedules:
        critical = set(schedule.critical_spans)
        for index, span in enumerate(schedule.spans):
            waits[span.record] = (span.start, index in critical)
    return waits


def _row(kind: type[R], log: Log, source: TurnMetrics | Move | FlowSpan | Any, **fields: Any) -> R:
    """Fills a row from what it tells of, by the names of the row's fields."""
    header = log.header
    fields |= {"log": log.path, "app": header.app, "session": header.session}
    fields["construct"] = header.construct
    for name in kind.__struct_fields__:
        if name not in fields:
            fields[name] = getattr(source, name)
    return kind(**fields)
