"""A specialist that fails: the trials of it, and a cell for each construct and fault."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

from adk_flow.analysis.metrics import TurnMetrics, plus
from adk_flow.analysis.run_metrics import RunMetrics
from adk_flow.comparison.baseline import figures_in
from adk_flow.comparison.store import Trial
from adk_flow.scenario.conversation import Conversation
from adk_flow.scenario.fault import FAULT_CANARY, FAULT_KINDS, FaultKind

Extent = Literal["whole", "part", "wrong", "none"]
"""How much of what the user reads without a fault is read with it."""
TurnEnd = Literal["itself", "error", "limit"]
SiblingState = Literal["read", "lost", "cancelled", "not begun"]
"""What became of another's answer in the same turn: the user reads it, or it was given in vain, or
its agent ended before it had answered, or was never asked."""


_UNSEEN = ("raises", "rate limit", "hangs")
"""Faults whose canary is in no words."""


TALK = "a specialist fails"
"""Name of the conversation that is held with each fault."""


class FaultCell(msgspec.Struct, kw_only=True):
    """One fault under one construct: a turn with it, the same again without, and what follows."""

    construct: str
    fault: FaultKind
    struck: bool
    """Whether it came to the fault at all; an agent without tools has none to be poisoned."""
    answer: Extent
    end: TurnEnd
    error: str = ""
    """What ended the turn, if an error did."""
    cause: str = ""
    """How the agent at fault came to run, see `Record.cause`."""
    siblings: dict[str, SiblingState] = {}
    retry_calls: float | None = 0
    """LLM calls of asking the same again; None where they are not known, as tokens."""
    retry_tokens: float | None = 0
    retry_answer: Extent = "whole"
    shown: dict[str, int] = {}
    """Other agents that were shown the canary, each with the turn in which it was so first."""
    read_by_user: bool = False
    said_by: list[str] = []
    """Agents whose models said the poison; of a wrong answer, others than the agent at fault."""
    log: str = ""


class FaultMatrix(msgspec.Struct, kw_only=True):
    """Every construct under every fault."""

    schema: int = 1
    agent: str
    """The specialist at fault; where the lead works alone, it is the lead."""
    controlled: bool
    """Whether plans decided, so that it is not known what a model makes of what it is shown."""
    asked_of: str = "live runs"
    """Which runs tell it, where models decided."""
    cells: list[FaultCell]
    """Of language models there may be several of one construct and fault."""
    failing: dict[str, str] = {}
    """Constructs under which the first turn comes to no answer without a fault, with the reason."""

    def cell(self, construct: str, fault: str) -> FaultCell | None:
        """Finds a cell."""
        cells = (cell for cell in self.cells if cell.construct == construct)
        return next((cell for cell in cells if cell.fault == fault), None)


class FaultTalk(msgspec.Struct, frozen=True):
    """One conversation under every construct, without a fault and with each."""

    talk: Conversation
    lead: str
    agent: str
    """The specialist at fault."""
    at_fault: dict[str, str]
    """Who is, by construct; empty for whoever is asked first, where the lead works alone."""
    times: int
    """How often each is asked."""

    @property
    def trials(self) -> list[Trial]:
        """Construct by construct, as_is first."""
        numbers = range(1, self.times + 1)
        faults: list[FaultKind | Literal[""]] = ["", *FAULT_KINDS]
        return [
            Trial(name, TALK, n, kind) for name in self.at_fault for n in numbers for kind in faults
        ]

    def read(self, runs: Mapping[Trial, RunMetrics], asked_of: str) -> FaultMatrix:
        """Reads the trials that were measured; `asked_of` says whose they are."""
        runs = {trial: runs[trial] for trial in self.trials if trial in runs}
        plain = ((trial, run) for trial, run in runs.items() if not trial.fault)
        bases = {trial.construct: run for trial, run in plain if trial.number == 1}
        failing = {name: reason for name, run in bases.items() if (reason := why_no_base(run))}
        cells = [
            read_cell(trial.fault, self.at_fault[name], self.lead, run, bases[name])
            for trial, run in runs.items()
            if trial.fault and (name := trial.construct) in bases and name not in failing
        ]
        controlled = all(run.controlled for run in runs.values())
        agent = self.agent or self.lead
        return FaultMatrix(
            agent=agent, controlled=controlled, asked_of=asked_of, cells=cells, failing=failing
        )


def why_no_base(base: RunMetrics) -> str:
    """Says why a run without a fault is nothing to compare with; empty if it is."""
    turn = next(iter(base.turns), None)
    if turn is None or turn.failed or not turn.complete:
        return (turn and turn.error) or "it does not come to its end"
    return "it waits for the user" if turn.waits_for else "" if turn.read else "nobody answers"


def read_cell(
    fault: FaultKind, agent: str, lead: str, run: RunMetrics, base: RunMetrics
) -> FaultCell:
    """Reads a run with a fault beside one without; without an agent the first asked is at fault."""
    agent = agent or next(iter(run.visibility.agents), "")
    others = [name for name in _answering(base) if name not in (agent, lead)]
    siblings: dict[str, SiblingState] = {
        name: _sibling(name, run) for name in others if _sibling(name, base) == "read"
    }
    turn, retry = run.turns[0], run.turns[1] if len(run.turns) > 1 else None
    is_read = any(map(_is_poisoned, (turn.read for turn in run.turns)))
    begun = [move.cause for move in run.moves if move.turn == 1 and move.target == agent]
    return FaultCell(
        construct=run.construct,
        fault=fault,
        struck=agent in turn.agents if fault in _UNSEEN else not run.visibility.unseen,
        answer="wrong" if fault == "wrong answer" and is_read else _answer(turn, base, 0),
        end="error" if turn.failed else "itself" if turn.complete else "limit",
        error=turn.error,
        cause=next(filter(None, begun), ""),
        siblings=siblings,
        retry_calls=retry.llm_calls if retry else None,
        retry_tokens=plus(retry.input_tokens, retry.output_tokens) if retry else None,
        retry_answer=_answer(retry, base, 1) if retry else "none",
        shown=dict(_shown(run, agent)),
        read_by_user=is_read,
        said_by=list(dict.fromkeys(_saying(run, agent if fault == "wrong answer" else ""))),
        log=run.log,
    )


def _is_poisoned(text: str) -> bool:
    return FAULT_CANARY in text.replace("_", " ").casefold()


def _saying(run: RunMetrics, but: str) -> Iterator[str]:
    """Gives the agents that asked for, answered or replied the canary, one left out."""
    agents = {*run.visibility.agents} - {but}
    for move in run.moves:
        is_said = move.kind in ("ask", "answer", "reply") and move.source in agents
        if is_said and _is_poisoned(move.text):
            yield move.source


def _answer(turn: TurnMetrics, base: RunMetrics, place: int) -> Extent:
    """Says how many lines of a turn's answers the user reads; of a language model's, the figures.

    Of words of a language model's own nobody can say that they are whole: they are a part.
    """
    other = base.turns[place]
    is_repeatable = base.controlled or base.offline
    expected = _lines(other.read) if is_repeatable else figures_in(other.read)
    if not expected:
        return "part" if turn.answer else "none"
    read = expected & (_lines(turn.read) if is_repeatable else figures_in(turn.read))
    return "whole" if read == expected else "part" if read else "none"


def _lines(text: str) -> set[str]:
    return set(filter(None, map(str.strip, text.splitlines())))


def _answering(run: RunMetrics) -> list[str]:
    moves = [move for move in run.moves if move.turn == 1 and move.kind in ("reply", "answer")]
    names = dict.fromkeys(move.source for move in moves)
    return [name for name in names if name in run.turns[0].agents]


def _sibling(name: str, run: RunMetrics) -> SiblingState:
    moves = [move for move in run.moves if move.turn == 1 and name in (move.source, move.target)]
    if not any(move.target == name and move.is_control for move in moves):
        return "not begun"
    said = [m.text for m in moves if m.source == name and m.kind in ("reply", "answer")]
    if not said:
        return "cancelled"
    return "read" if any(text in run.turns[0].read for text in said) else "lost"


def _shown(run: RunMetrics, agent: str) -> Iterator[tuple[str, int]]:
    """Gives the other agents that were shown the canary, with the turn of the first time."""
    begins = [(move.record, move.turn) for move in run.moves if move.kind == "start"]
    for sight in run.visibility.sights:
        if sight.kind == "canary" and sight.agent != agent:
            yield (
                sight.agent,
                max((turn for record, turn in begins if record < sight.record), default=1),
            )
