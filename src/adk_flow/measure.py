"""Figures of each turn, true (every call) and as ADK's session events report them."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from adk_flow.moves import USER, FlowReader, Move
from adk_flow.record import AGENT_CALLS, Record
from adk_flow.timing import Timing


class Final(msgspec.Struct, frozen=True):
    """An event with text that ADK calls a final response."""

    agent: str
    text: str
    record: int


class TurnFigures(msgspec.Struct, kw_only=True):
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
    output_tokens: int = 0
    """Generated tokens, thoughts among them."""
    reported_input_tokens: int = 0
    reported_output_tokens: int = 0
    began: int = 0
    ended: int = 0
    """Microseconds since the epoch; the last record's if the turn was cut."""
    llm_microseconds: int = 0
    """Sum over model calls, those side by side too."""
    critical_path_microseconds: int = 0
    """Longest chain of model and tool calls that had to follow each other."""
    finals: list[Final] = []
    holder: str = ""
    """Agent that gets the next user message, as ADK says; empty where it cannot say."""
    complete: bool = False
    """Whether the turn's end was logged."""
    failed: bool = False
    error: str = ""
    """What it failed with, as far as it was kept."""

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
    """Adds up figures record by record, and gives the moves on the way."""

    def __init__(self) -> None:
        self.turns: dict[int, TurnFigures] = {}
        self._flow = FlowReader()
        self._timings: dict[int, Timing] = {}
        self._asked: set[tuple[int, int]] = set()
        """Runs and frames whose model has been sent a request and has not answered."""
        self._index = -1

    def read(self, record: Record) -> list[Move]:
        """Reads the next record and gives the moves that it shows."""
        self._index += 1
        moves = self._flow.read(record)
        number = self._flow.turn_of(record)
        if not number:
            return moves
        turn = self.turns.get(number)
        if turn is None:
            turn = self.turns[number] = TurnFigures(turn=number, began=record.time)
            self._timings[number] = Timing()
        turn.ended = max(turn.ended, record.time)
        self._count(turn, record, nested=self._flow.is_nested(record))
        timing = self._timings[number]
        timing.read(record)
        turn.llm_microseconds = timing.llm
        turn.critical_path_microseconds = timing.critical_path
        for move in moves:
            self._count_move(turn, move)
        return moves

    def _count(self, turn: TurnFigures, record: Record, *, nested: bool) -> None:
        place = (record.run, record.frame)
        match record.hook:
            case "before_model":
                self._asked.add(place)
                turn.llm_calls += 1
            case "after_model" | "model_error":
                self._asked.discard(place)
                if record.usage is not None and not record.partial:
                    turn.input_tokens += record.usage.input
                    turn.output_tokens += record.usage.output + record.usage.thoughts
            case "before_tool":
                turn.tool_calls += record.kind == "function"
            case "event":
                if place in self._asked and not record.error and not record.partial:
                    # A plugin or callback has answered in the model's place.
                    self._asked.remove(place)
                    turn.llm_calls -= 1
                if not nested:
                    self._count_event(turn, record)
            case "user_message":
                if not nested:
                    turn.question = record.text
            case "after_run" | "run_error":
                if not nested:
                    turn.complete = True
                    turn.holder = turn.holder or record.holder
                    if record.hook == "run_error":
                        turn.failed, turn.error = True, record.error

    def _count_event(self, turn: TurnFigures, record: Record) -> None:
        if record.usage is not None and not record.partial:
            turn.reported_llm_calls += 1
            turn.reported_input_tokens += record.usage.input
            turn.reported_output_tokens += record.usage.output + record.usage.thoughts
        if record.final and record.error:
            turn.failed, turn.error = True, record.error
        elif record.final and record.size and record.agent != USER:
            turn.failed, turn.error = False, ""
            turn.finals.append(Final(record.agent, record.text, self._index))

    def _count_move(self, turn: TurnFigures, move: Move) -> None:
        if move.kind == "transfer":
            turn.transfers += 1
        elif move.kind == "call" and move.via in AGENT_CALLS:
            turn.agent_calls += 1
        elif move.kind == "end":
            frame = self._flow.frames.get(move.frame)
            if frame is not None and frame.why == "task" and not move.failed:
                # ADK names the delegating agent, but the task agent reads the next message.
                turn.holder = frame.agent
            elif frame is None and not turn.holder:
                # A workflow has no frame, and ADK asks only agents who is next.
                turn.holder = move.source


def measure(records: Iterable[Record]) -> list[TurnFigures]:
    """Measures the turns of a log."""
    meter = Meter()
    for record in records:
        meter.read(record)
    return list(meter.turns.values())
