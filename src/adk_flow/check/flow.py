"""A flow log as tests and rules ask it: pictures, figures, findings, who was shown whose words."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import cached_property
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adk_flow._data import group_by
from adk_flow._text import plural
from adk_flow.analysis.critical_path import schedule_turn
from adk_flow.analysis.findings import Finding, detect_findings, detect_leaks
from adk_flow.analysis.metrics import TurnMetrics, measure, summed
from adk_flow.analysis.move import USER, Move
from adk_flow.analysis.pricing import priced
from adk_flow.analysis.trace import Trace, Turn
from adk_flow.analysis.trace_reader import read_trace
from adk_flow.analysis.visibility import Visibility, trace_visibility
from adk_flow.check.snapshot import Snapshot, draw_snapshot
from adk_flow.check.state import instructions_of, state_after
from adk_flow.errors import AdkFlowError

if TYPE_CHECKING:
    from adk_flow.scenario.conversation import Canary


def _of(path: str) -> Any:
    """Makes a property of what stands at a path."""
    return property(attrgetter(path))


class Flow:
    """A conversation as it went, or one turn of it."""

    def __init__(self, trace: Trace, canaries: Mapping[str, Canary] = {}) -> None:
        """Takes a log as it was read, and traces canaries in it."""
        self.trace, self.log = trace, trace.log
        self.moves: list[Move] = trace.moves
        self.figures: list[TurnMetrics] = measure(trace)
        """By turn."""
        self.known: list[str] = []
        """The app's agents and graphs, where whoever ran it knows them; else none."""
        self._canaries = canaries
        self._turns: list[Turn] = trace.turns
        self._is_part = False

    def turn(self, number: int) -> Flow:
        """Gives one turn by its number, from 1; of its log, all records.

        Raises:
          IndexError: there is no such turn.
        """
        if number not in self._by_number:
            raise IndexError(f"there is no turn {number}; there are {len(self.figures)}")
        part, (figures, turn) = copy.copy(self), self._by_number[number]
        part._turns, part._by_number, part._is_part = [turn], {number: (figures, turn)}, True
        part.figures, part.total, part.moves = [figures], figures, turn.moves
        part.visibility, part.findings = self.visibility, self._findings_of.get(number, [])
        return part

    @cached_property
    def _by_number(self) -> dict[int, tuple[TurnMetrics, Turn]]:
        pairs = zip(self.figures, self._turns, strict=True)
        return {turn.number: (figures, turn) for figures, turn in pairs}

    @cached_property
    def _findings_of(self) -> dict[int, list[Finding]]:
        return group_by(self.findings, lambda finding: finding.turn)

    @property
    def turns(self) -> list[Flow]:
        """Each turn."""
        return [self.turn(figures.turn) for figures in self.figures]

    # What happened

    @property
    def control(self) -> Snapshot:
        """Which agent ran."""
        return draw_snapshot(move for move in self.moves if move.is_control)

    @property
    def conversation(self) -> Snapshot:
        """Who said what to whom."""
        return draw_snapshot(move for move in self.moves if not move.is_control)

    @property
    def picture(self) -> Snapshot:
        """Control and conversation."""
        return draw_snapshot(self.moves)

    @cached_property
    def findings(self) -> list[Finding]:
        """What is striking, in the order of the log, then leaks."""
        return [*detect_findings(self.trace), *detect_leaks(self.trace, self.visibility)]

    @property
    def ping_pong(self) -> list[Finding]:
        """Agents of whom one handed over to the other more than once in a turn."""
        return [finding for finding in self.findings if finding.kind == "ping_pong"]

    @property
    def state(self) -> dict[str, Any]:
        """What the session's state holds at the end, keys of one turn only left out.

        Raises:
          ValueError: the log does not hold all values.
        """
        return state_after(self.trace, self._turns[-1].number if self._turns else 0)

    def instructions(self, agent: str) -> list[str]:
        """Gives the system instructions that an agent's model was sent, each once."""
        return list(instructions_of(self.trace, self._turns, agent))

    # Who

    answer: str = _of("_last.answer")
    """The last final text."""
    answered_by: str = _of("_last.answered_by")
    """Who gave it; empty if nobody did."""
    active_agent: str = _of("_last.active_agent")
    """Agent that gets the next message, as ADK says; empty where it cannot say."""

    @property
    def _last(self) -> TurnMetrics:
        return self.figures[-1] if self.figures else TurnMetrics(turn=0)

    read: str = _of("total.read")
    """All that the user read."""
    messages_read: int = _of("total.messages_read")
    """Messages that the user read."""

    @property
    def agents(self) -> list[str]:
        """Agents that ran, in order of appearance."""
        return list(dict.fromkeys(name for turn in self.figures for name in turn.agents))

    @property
    def names(self) -> set[str]:
        """All that its log names: agents, tools, and whom an agent could have handed over to."""
        names = {name for move in self.moves for name in (move.source, move.target)}
        for record in self.log.records:
            names |= {record.agent, record.tool, *(call.name for call in record.calls)}
            if record.request is not None:
                names |= {*record.request.tools, *record.request.targets}
        return names - {""}

    @property
    def speakers(self) -> list[str]:
        """Agents whose words the user read, in order of appearance."""
        return list(dict.fromkeys(move.source for move in self.moves if move.kind == "reply"))

    @cached_property
    def visibility(self) -> Visibility:
        """What each agent was shown, over the whole log."""
        return trace_visibility(self.trace, self._canaries)

    def shared(self, one: str, other: str) -> list[str]:
        """Tells what of one agent the other was shown, either way; empty if they are isolated.

        What an agent is called with, and answers to who called it, is told too. Of a log that does
        not hold what would tell, that is told.

        Raises:
          ValueError: a name is none of the app's agents, where those are known.
        """
        there = dict.fromkeys([*self.known, *self.agents])
        for name in (one, other):
            if self.known and name not in (*there, USER, *self._canaries):
                raise ValueError(f"the app has no agent {name!r}; there are {', '.join(there)}")
        pair, visibility = {one, other}, self.visibility
        shown = [
            f"{sight.agent} was shown {sight.kind} of {sight.source} (record {sight.record})"
            for sight in visibility.sights
            if {sight.agent, sight.source} == pair
        ]
        shown += [
            f"{reader} had {crossing.kind} {crossing.key} of {crossing.writer} in view "
            f"(record {crossing.record})"
            for crossing in visibility.crossings
            for reader in crossing.reached
            if {reader, crossing.writer} == pair
        ]
        unknown = visibility.unknown_reason
        return [*shown, f"not all is known: {unknown}"] if unknown else shown

    # Figures

    @cached_property
    def total(self) -> TurnMetrics:
        """All figures, added up."""
        return summed(self.figures, lacks_lines=self.lacks_lines())

    llm_calls: int | None = _of("total.llm_calls")
    """Model calls made, in nested runs and failed ones too; None where it is not known."""
    reported_llm_calls: int = _of("total.reported_llm_calls")
    """Model calls that ADK's session shows."""
    transfers: int | None = _of("total.transfers")
    """Times that control was handed over."""
    agent_calls: int | None = _of("total.agent_calls")
    """Calls of agents that come back."""
    tool_calls: int | None = _of("total.tool_calls")
    """Calls of plain functions."""
    input_tokens: int | None = _of("total.input_tokens")
    """Tokens that models were sent."""
    output_tokens: int | None = _of("total.output_tokens")
    """Tokens that models generated, thoughts among them."""
    tokens: int | None = _of("total.tokens")
    """Tokens in both directions."""

    def cost(self, model: str = "") -> float:
        """Prices all model calls in US dollars, at their own models' prices or at that of `model`.

        Raises:
          AdkFlowError: a price is not known, or what was taken.
        """
        if self.llm_calls is None or self.tokens is None:
            raise AdkFlowError("cannot be known: not all calls were seen, or their tokens told")
        spans = [span for turn in self._turns for span in schedule_turn(turn).spans]
        dollars = priced(spans, model)
        if dollars is None:
            models = (span.name or "an unknown model" for span in spans if span.kind == "model")
            names = [model] if model else dict.fromkeys(models)
            reason = f"no price is known of {', '.join(names)}; name a model that has one"
            raise AdkFlowError(f"{reason} (in rules: price_model)")
        return dollars

    # What went wrong

    def lacks_lines(self, *, by_number: bool = False) -> bool:
        """Whether the log lost lines that may have been of it.

        Args:
          by_number: whether its turn is one by its number, which a turn that was lost would change.
        """
        if not self._is_part:
            return bool(self.log.holes)
        (turn,) = self._turns
        before = (hole <= turn.record for hole in self.log.holes)
        return turn.lacks_lines or (by_number and any(before))

    @property
    def faults(self) -> list[str]:
        """Tells which turns failed, or stop in the middle, and what of the log is not there."""
        faults = []
        for turn in self.figures:
            if turn.failed:
                faults.append(f"turn {turn.turn} failed: {turn.error or 'the reason was not kept'}")
            elif not turn.complete and self.log.header.tells_end:
                faults.append(f"the log stops in the middle of turn {turn.turn}")
        faults += [
            f"line {damage.line} of {damage.path or 'the log'}: {damage.reason}"
            for damage in self.log.damage
        ]
        faults += map(str, self.log.gaps)
        if unrecorded := self.log.unrecorded:
            hooks = plural(unrecorded, "hook")
            faults.append(f"{hooks} could not be recorded, so figures may be too low")
        return faults if self.figures else [*faults, "the log holds no turn"]


def read_flow(path: str | Path, canaries: Mapping[str, Canary] = {}) -> Flow:
    """Reads a flow log, and traces canaries in it.

    Raises:
      LogError: it cannot be read.
    """
    return Flow(read_trace(path), canaries)
