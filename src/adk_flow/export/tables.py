"""A log as flat rows, for a notebook or a database: turns, agents, moves, model and tool calls."""

from __future__ import annotations

from typing import Any, get_type_hints

import msgspec

from adk_flow.analysis.critical_path import Schedule, schedule_turn
from adk_flow.analysis.metrics import AgentMetrics, TurnMetrics, measure_turn
from adk_flow.analysis.move import Move
from adk_flow.analysis.trace import Trace
from adk_flow.analysis.trace_reader import trace_log
from adk_flow.export import EXPORT_SCHEMA
from adk_flow.export.spans import spans_of
from adk_flow.log.reader import Log


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What every row says of its log; `log` and `turn` join the tables."""

    log: str
    """Where it was read from."""
    app: str
    session: str
    construct: str
    turn: int
    """Number of the turn, from 1."""
    schema: int
    """Which the columns follow."""


def _rows_of(source: type[msgspec.Struct], names: str, first: str = "") -> Any:
    """Makes the rows that tell of something: columns after its fields and properties."""
    hints = get_type_hints(source) | {first: str}
    properties = {name: getattr(source, name) for name in names.split() if name not in hints}
    hints |= {name: get_type_hints(value.fget)["return"] for name, value in properties.items()}
    columns = [(name, hints[name]) for name in f"{first} {names}".split()]
    named = dict(zip(source.__struct_fields__, source.__struct_encode_fields__, strict=True))
    return msgspec.defstruct(
        f"{source.__name__}Row", columns, bases=(Row,), frozen=True, kw_only=True, rename=named
    )


_TURN = """
question answered_by answer active_agent complete failed error
llm_calls seen_llm_calls unseen_llm_calls reported_llm_calls tool_calls transfers agent_calls
messages_read input_tokens cached_tokens output_tokens reported_input_tokens reported_output_tokens
began ended llm_microseconds tool_microseconds critical_path_microseconds
parallelism overhead_seconds
"""
_AGENT = """
activations unclosed_activations llm_calls tool_calls
input_tokens cached_tokens output_tokens llm_microseconds tool_microseconds
"""
_MOVE = "kind is_control source target time record cause activation parent call text failed"


class CallRow(Row, frozen=True, kw_only=True, rename={"activation": "frame"}):
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


ROWS: dict[str, type[Row]] = {
    "turns": _rows_of(TurnMetrics, _TURN, first="model"),  # the root agent's
    "agents": _rows_of(AgentMetrics, _AGENT, first="agent"),
    "moves": _rows_of(Move, _MOVE),
    "calls": CallRow,
}


def tables_of(log: Log) -> dict[str, list[Any]]:
    """Lays a log out in rows, by the name of their table."""
    trace = trace_log(log)
    schedules = [schedule_turn(turn) for turn in trace.turns]
    turns = [measure_turn(*pair) for pair in zip(trace.turns, schedules, strict=True)]
    return {
        "turns": [_row("turns", log, turn, model=log.header.model) for turn in turns],
        "agents": [
            _row("agents", log, metrics, turn=turn.turn, agent=name)
            for turn in turns
            for name, metrics in turn.agents.items()
        ],
        "moves": [_row("moves", log, move) for move in trace.moves],
        "calls": _calls(trace, schedules),
    }


def _calls(trace: Trace, schedules: list[Schedule]) -> list[Any]:
    waits = {span.record: span.start for schedule in schedules for span in schedule.spans}
    critical = {each.spans[index].record for each in schedules for index in each.critical_spans}
    return [
        _row(
            "calls",
            trace.log,
            span,
            took=span.ended - span.began if span.complete else 0,
            answered=span.complete,
            waited=waits.get(span.record),
            critical=span.record in critical,
            input_tokens=span.usage and span.usage.input,
            cached_tokens=span.usage and span.usage.cached,
            output_tokens=span.usage and span.usage.generated,
        )
        for span in spans_of(trace).spans
        if span.kind not in ("turn", "agent")
    ]


def _row(table: str, log: Log, source: object, **fields: Any) -> Row:
    """Fills a row from what it tells of, by the names of the row's fields."""
    header, kind = log.header, ROWS[table]
    fields |= {"log": log.path, "app": header.app, "session": header.session}
    fields |= {"construct": header.construct, "schema": EXPORT_SCHEMA}
    others = (name for name in kind.__struct_fields__ if name not in fields)
    return kind(**fields, **{name: getattr(source, name) for name in others})
