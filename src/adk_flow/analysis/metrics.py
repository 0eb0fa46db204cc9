"""Figures of each turn, true (every call) and as ADK's session events report them."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from adk_flow.analysis.critical_path import Schedule, Span
from adk_flow.analysis.latency import LatencyProfile
from adk_flow.analysis.moves import USER, FlowReader, Move
from adk_flow.log.schema import AGENT_CALLS, Record, Usage


class Final(msgspec.Struct, frozen=True):
    """An event with text that ADK calls a final response."""

    agent: str
    text: str
    record: int


_JSON_NAMES = {
    "activations": "frames",
    "unclosed_activations": "unclosed_frames",
    "active_agent": "holder",
}


class AgentMetrics(msgspec.Struct, kw_only=True, rename=_JSON_NAMES):
    """What one agent took."""

    llm_calls: int = 0
    tool_calls: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    llm_microseconds: int = 0
    tool_microseconds: int = 0
    activations: int = 0
    """How often it was activated."""
    unclosed_activations: int = 0
    """Activations for which ADK has not called `after_agent`."""

    def add(self, other: AgentMetrics) -> None:
        """Adds figures up."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class TurnMetrics(msgspec.Struct, kw_only=True, rename=_JSON_NAMES):
    """What one turn took: one user message and all it caused."""

    turn: int
    question: str = ""
    llm_calls: int = 0
    """Model calls made, those inside AgentTool's nested runs and failed ones too."""
    reported_llm_calls: int = 0
    """Model calls that ADK's session events show."""
    tool_calls: int = 0
    """Calls of plain functions."""
    transfers: int = 0
    agent_calls: int = 0
    """Calls of agents that come back: AgentTool, `single_turn`, `task`."""
    input_tokens: int = 0
    cached_tokens: int = 0
    """The part of the input tokens that came from a cache."""
    output_tokens: int = 0
    """Generated tokens, thoughts among them."""
    reported_input_tokens: int = 0
    reported_output_tokens: int = 0
    began: int = 0
    ended: int = 0
    """Microseconds since the epoch; the last record's if the turn was cut."""
    llm_microseconds: int = 0
    """Sum over model calls, those side by side too."""
    tool_microseconds: int = 0
    """Sum over calls of plain functions."""
    critical_path_microseconds: int = 0
    """Longest chain of model and tool calls that had to follow each other."""
    finals: list[Final] = []
    active_agent: str = ""
    """Agent that gets the next user message, as ADK says; empty where it cannot say."""
    complete: bool = False
    """Whether the turn's end was logged."""
    failed: bool = False
    error: str = ""
    """What it failed with, as far as it was kept."""
    agents: dict[str, AgentMetrics] = {}
    """In the order in which they first did something."""

    @property
    def answered_by(self) -> str:
        """Author of the last final text; empty if there was none."""
        return self.finals[-1].agent if self.finals else ""

    @property
    def answer(self) -> str:
        """The last final text."""
        return self.finals[-1].text if self.finals else ""

    @property
    def wall_seconds(self) -> float:
        """Time from the user's message to the end of the turn."""
        return (self.ended - self.began) / 1e6

    @property
    def parallelism(self) -> float | None:
        """LLM time over critical path; None for a turn in which nothing took time."""
        path = self.critical_path_microseconds
        return self.llm_microseconds / path if path else None

    @property
    def overhead_seconds(self) -> float:
        """Wall time off the critical path: the framework's, and waiting for nothing."""
        return self.wall_seconds - self.critical_path_microseconds / 1e6


class Meter:
    """Adds up figures record by record, and gives the moves on the way.

    With a pace, LLM time and critical path are those that the model of that pace would have
    taken; wall times stay as they were. `serial` says that calls asked for in one model turn were
    made to follow each other.
    """

    def __init__(self, pace: LatencyProfile | None = None, *, serial: bool = False) -> None:
        self.turns: dict[int, TurnMetrics] = {}
        self.timings: dict[int, Schedule] = {}
        """Model and tool calls by turn."""
        self._pace = pace
        self._serial = serial
        self._flow = FlowReader()
        self._index = -1

    def read(self, record: Record) -> list[Move]:
        """Reads the next record and gives the moves that it shows."""
        self._index += 1
        is_open = self._is_unbalanced(record)
        moves = self._flow.read(record)
        number = self._flow.turn_of(record)
        if not number:
            return moves
        turn = self.turns.get(number)
        if turn is None:
            turn = self.turns[number] = TurnMetrics(turn=number, began=record.time)
            self.timings[number] = Schedule(self._pace, self._serial)
        turn.ended = max(turn.ended, record.time)
        nested = self._flow.is_nested(record)
        self._time(turn, record, nested=nested)
        self._count(turn, record, nested=nested)
        if record.hook == "before_agent" and record.cause != "resume":
            agent = _agent(turn, record.agent)
            agent.activations += 1
            agent.unclosed_activations += 1
        elif is_open:
            begun = self.turns.get(self._flow.activations[record.activation].turn, turn)
            _agent(begun, record.agent).unclosed_activations -= 1
        for move in moves:
            self._count_move(turn, move)
        return moves

    def spans(self, turn: int) -> list[Span]:
        """Gives the model and tool calls of a turn."""
        return self.timings[turn].spans

    def _is_unbalanced(self, record: Record) -> bool:
        """Whether a record is the first `after_agent` of a frame."""
        activation = (
            self._flow.activations.get(record.activation) if record.hook == "after_agent" else None
        )
        return activation is not None and not activation.balanced

    def _time(self, turn: TurnMetrics, record: Record, *, nested: bool) -> None:
        timing = self.timings[turn.turn]
        timing.read(record, self._index, nested=nested)
        calls, llm = timing.llm_calls - turn.llm_calls, timing.llm - turn.llm_microseconds
        tools = timing.tools - turn.tool_microseconds
        if calls or llm or tools:
            agent = _agent(turn, record.agent)
            agent.llm_calls += calls
            agent.llm_microseconds += llm
            agent.tool_microseconds += tools
            turn.llm_calls = timing.llm_calls
            turn.llm_microseconds = timing.llm
            turn.tool_microseconds = timing.tools
            turn.critical_path_microseconds = timing.critical_path

    def _count(self, turn: TurnMetrics, record: Record, *, nested: bool) -> None:
        match record.hook:
            case "after_model":
                if record.usage is not None and not record.partial:
                    _add_usage(turn, record.usage)
                    _add_usage(_agent(turn, record.agent), record.usage)
            case "before_tool":
                if record.kind == "function":
                    turn.tool_calls += 1
                    _agent(turn, record.agent).tool_calls += 1
            case "event":
                if not nested:
                    self._count_event(turn, record)
            case "user_message":
                if not nested:
                    turn.question = record.text
            case "after_run" | "run_error":
                if not nested:
                    turn.complete = True
                    turn.active_agent = turn.active_agent or record.active_agent
                    if record.hook == "run_error":
                        turn.failed, turn.error = True, record.error

    def _count_event(self, turn: TurnMetrics, record: Record) -> None:
        if record.usage is not None and not record.partial:
            turn.reported_llm_calls += 1
            turn.reported_input_tokens += record.usage.input
            turn.reported_output_tokens += record.usage.output + record.usage.thoughts
        if record.final and record.error:
            turn.failed, turn.error = True, record.error
        elif record.final and record.size and record.agent != USER:
            turn.failed, turn.error = False, ""
            turn.finals.append(Final(record.agent, record.text, self._index))

    def _count_move(self, turn: TurnMetrics, move: Move) -> None:
        if move.kind == "transfer":
            turn.transfers += 1
        elif move.kind == "call" and move.cause in AGENT_CALLS:
            turn.agent_calls += 1
        elif move.kind == "end":
            activation = self._flow.activations.get(move.activation)
            if activation is not None and activation.cause == "task" and not move.failed:
                # ADK names the delegating agent, but the task agent reads the next message.
                turn.active_agent = activation.agent
            elif activation is None and not turn.active_agent:
                # A workflow has no frame, and ADK asks only agents who is next.
                turn.active_agent = move.source


def _agent(turn: TurnMetrics, name: str) -> AgentMetrics:
    return turn.agents.setdefault(name, AgentMetrics())


def _add_usage(figures: TurnMetrics | AgentMetrics, usage: Usage) -> None:
    figures.input_tokens += usage.input
    figures.cached_tokens += usage.cached
    figures.output_tokens += usage.output + usage.thoughts


def measure(records: Iterable[Record], pace: LatencyProfile | None = None) -> list[TurnMetrics]:
    """Measures the turns of a log, with a pace as if its model had answered."""
    meter = Meter(pace)
    for record in records:
        meter.read(record)
    return list(meter.turns.values())


_SUMMED = (
    "llm_calls",
    "reported_llm_calls",
    "tool_calls",
    "transfers",
    "agent_calls",
    "input_tokens",
    "cached_tokens",
    "output_tokens",
    "reported_input_tokens",
    "reported_output_tokens",
    "llm_microseconds",
    "tool_microseconds",
    "critical_path_microseconds",
)


def summed(turns: Iterable[TurnMetrics]) -> TurnMetrics:
    """Adds turns up to the figures of a run, whose turn is 0 and whose wall time is their sum."""
    run = TurnMetrics(turn=0, complete=True)
    for turn in turns:
        for name in _SUMMED:
            setattr(run, name, getattr(run, name) + getattr(turn, name))
        run.ended += turn.ended - turn.began
        run.finals.extend(turn.finals)
        run.active_agent = turn.active_agent
        run.complete &= turn.complete
        run.failed |= turn.failed
        run.error = run.error or turn.error
        for name, agent in turn.agents.items():
            _agent(run, name).add(agent)
    return run
