"""Figures of each turn, true (every call) and as ADK's session events report them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from operator import itemgetter
from typing import Any, TypeVar

import msgspec

from adk_flow.analysis.critical_path import Schedule, schedule_turn
from adk_flow.analysis.latency import LatencyProfile
from adk_flow.analysis.trace import Activation, Trace, Turn
from adk_flow.log.schema import AGENT_CALLS, Usage

_Number = TypeVar("_Number", int, float)


class ReadMessage(msgspec.Struct, frozen=True):
    """Whole words of an agent in ADK's session."""

    agent: str
    text: str
    record: int
    final: bool = False
    """Whether ADK calls it a final response."""


_JSON_NAMES = {
    "activations": "frames",
    "unclosed_activations": "unclosed_frames",
    "active_agent": "holder",
}


class AgentMetrics(msgspec.Struct, kw_only=True, rename=_JSON_NAMES):
    """What one agent took; None where it is not known."""

    llm_calls: int | None = 0
    seen_llm_calls: int = 0
    tool_calls: int = 0
    input_tokens: int | None = 0
    cached_tokens: int | None = 0
    output_tokens: int | None = 0
    llm_microseconds: int = 0
    tool_microseconds: int = 0
    activations: int = 0
    """How often it was activated."""
    unclosed_activations: int = 0
    """Activations for which ADK has not called `after_agent`."""

    def add(self, other: AgentMetrics) -> None:
        """Adds figures up."""
        _add(self, other, self.__struct_fields__)

    def count(self, counts: Mapping[str, int | None]) -> None:
        """Adds to some of its figures."""
        for name, count in counts.items():
            setattr(self, name, plus(getattr(self, name), count))


class TurnMetrics(msgspec.Struct, kw_only=True, rename=_JSON_NAMES):
    """What one turn took: one user message and all it caused; None where it is not known."""

    turn: int
    question: str = ""
    llm_calls: int | None = 0
    """Model calls made, those inside AgentTool's nested runs and failed ones too."""
    seen_llm_calls: int = 0
    """Those of which the log tells, where there may be others."""
    remote_agents: list[str] = []
    """Agents behind A2A servers that ran, whose calls nobody sees here."""
    unseen_llm_calls: int = 0
    """Calls that a plugin or callback answered with tokens, though no model was seen."""
    replayed_llm_calls: int = 0
    """Calls of before whose answers a durable engine gave again."""
    summarizer_llm_calls: int = 0
    """Those by which ADK's compaction summed the session up once the turn had ended."""
    reported_llm_calls: int = 0
    """Model calls that ADK's session events show."""
    tool_calls: int = 0
    """Calls of plain functions."""
    tools: dict[str, int] = {}
    """How often each of these ran."""
    transfers: int = 0
    agent_calls: int = 0
    """Calls of agents that come back: AgentTool, `single_turn`, `task`."""
    input_tokens: int | None = 0
    cached_tokens: int | None = 0
    """The part of the input tokens that came from a cache."""
    output_tokens: int | None = 0
    """Generated tokens, thoughts among them."""
    odd_totals: int = 0
    """Model calls whose tokens do not add up to the total that the model reported."""
    reported_input_tokens: int | None = 0
    reported_output_tokens: int | None = 0
    began: int = 0
    ended: int = 0
    """Microseconds since the epoch; the last record's if the turn was cut."""
    llm_microseconds: int = 0
    """Sum over model calls, those side by side too."""
    tool_microseconds: int = 0
    """Sum over calls of plain functions."""
    critical_path_microseconds: int = 0
    """Longest chain of model and tool calls that had to follow each other."""
    messages: list[ReadMessage] = []
    """What the user reads, in order: every text in ADK's session but the user's own."""
    active_agent: str = ""
    """Agent that gets the next user message, as ADK says; empty where it cannot say."""
    waits_for: list[str] = []
    """Agents whose question or pending call the turn was paused by."""
    complete: bool = False
    """Whether the turn's end was logged."""
    failed: bool = False
    error: str = ""
    """What it failed with, as far as it was kept."""
    agents: dict[str, AgentMetrics] = {}
    """In the order in which they first did something."""

    @property
    def finals(self) -> list[ReadMessage]:
        """What ADK calls final responses; none of a turn that waits for the user."""
        return [] if self.waits_for else [one for one in self.messages if one.final]

    @property
    def messages_read(self) -> int:
        """Messages the user reads."""
        return len(self.messages)

    @property
    def read(self) -> str:
        """All that the user reads."""
        return "\n".join(message.text for message in self.messages)

    @property
    def answered_by(self) -> str:
        """Author of the last final text; empty if there was none."""
        return self.finals[-1].agent if self.finals else ""

    @property
    def answer(self) -> str:
        """The last final text."""
        return self.finals[-1].text if self.finals else ""

    @property
    def tokens(self) -> int | None:
        """Tokens in both directions."""
        return plus(self.input_tokens, self.output_tokens)

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


def measure_turn(turn: Turn, schedule: Schedule | None = None) -> TurnMetrics:
    """Measures a turn; its schedule gives the times, by default as they were."""
    schedule = schedule or schedule_turn(turn)
    metrics = TurnMetrics(
        turn=turn.number,
        question=turn.question,
        remote_agents=_remote_agents(turn),
        unseen_llm_calls=sum(call.is_unseen for call in turn.model_calls),
        replayed_llm_calls=sum(call.replayed for call in turn.model_calls),
        summarizer_llm_calls=sum(turn.is_after_end(call) for call in turn.asked_models),
        odd_totals=sum(not (call.tokens or Usage()).adds_up for call in turn.asked_models),
        reported_llm_calls=len(turn.reported),
        transfers=sum(move.kind == "transfer" for move in turn.moves),
        agent_calls=sum(m.kind == "call" and m.cause in AGENT_CALLS for m in turn.moves),
        began=turn.began,
        ended=turn.ended,
        critical_path_microseconds=schedule.critical_path,
        tools=dict(Counter(span.name for span in schedule.spans if span.kind == "tool")),
        messages=[ReadMessage(m.agent, m.text, m.record, m.final) for m in turn.messages],
        waits_for=list(dict.fromkeys(agent for agent, _ in turn.waits)),
        active_agent=turn.active_agent,
        complete=turn.complete,
        failed=turn.failed,
        error=turn.error,
        agents=_measure_agents(turn, schedule),
    )
    for usage in turn.reported.values():
        for name, count in (
            ("input", usage and usage.input),
            ("output", usage and usage.generated),
        ):
            field = f"reported_{name}_tokens"
            setattr(metrics, field, plus(getattr(metrics, field), count))
    for agent in metrics.agents.values():
        _add(metrics, agent, _OF_CALLS)
    return metrics


def _remote_agents(turn: Turn) -> list[str]:
    return list(dict.fromkeys(one.agent for one in turn.activations if one.is_remote))


def plus(one: _Number | None, other: _Number | None) -> _Number | None:
    """Adds counts up, of which either may not be known."""
    return None if one is None or other is None else one + other


def _add(total: Any, part: Any, names: Iterable[str]) -> None:
    for name in names:
        setattr(total, name, plus(getattr(total, name), getattr(part, name)))


_OF_CALLS = (
    "llm_calls",
    "seen_llm_calls",
    "tool_calls",
    "input_tokens",
    "cached_tokens",
    "output_tokens",
    "llm_microseconds",
    "tool_microseconds",
)
"""Figures of a turn that are its agents' sums."""


def _measure_agents(turn: Turn, schedule: Schedule) -> dict[str, AgentMetrics]:
    parts = [*_of_activations(turn), *_of_spans(schedule)]
    agents: dict[str, AgentMetrics] = {}
    for _, name, counts in sorted(parts, key=itemgetter(0)):
        if name not in agents:
            agents[name] = AgentMetrics()
        agents[name].count(counts)
    return agents


_Part = tuple[int, str, Mapping[str, int | None]]
"""Where an agent did something, its name, and what that adds to its figures."""


def _of_activations(turn: Turn) -> Iterator[_Part]:
    for one in turn.activations:
        if one.cause != "resume":  # whose beginning was not recorded
            unclosed = {"unclosed_activations": 1} if one.closed < 0 else {}
            yield one.began, one.agent, {"activations": 1, **unclosed}
        if one.is_remote:
            yield one.began, one.agent, _of_remote(one)


def _of_remote(activation: Activation) -> dict[str, int | None]:
    """Gives what an A2A server reports of its agent: tokens, as far as it does, but no calls."""
    reported = list(activation.remote_usage.values())
    return {
        "llm_calls": None,
        "input_tokens": sum(usage.input for usage in reported) if reported else None,
        "cached_tokens": sum(usage.cached for usage in reported) if reported else None,
        "output_tokens": sum(usage.generated for usage in reported) if reported else None,
    }


def _of_spans(schedule: Schedule) -> Iterator[_Part]:
    for span in schedule.spans:
        if span.kind == "tool":
            counts = {"tool_calls": 1, "tool_microseconds": span.took}
        elif span.kind == "node":
            continue
        else:
            count = int(span.kind == "model")
            counts = {
                "llm_calls": None if span.is_unseen else count,
                "seen_llm_calls": count,
                "input_tokens": span.input_tokens,
                "cached_tokens": span.cached_tokens,
                "output_tokens": span.output_tokens,
                "llm_microseconds": span.took,
            }
        yield span.record, span.agent, counts


def measure(trace: Trace, latency: LatencyProfile | None = None) -> list[TurnMetrics]:
    """Measures the turns of a log, with a profile as if its model had answered."""
    return [measure_turn(turn, schedule_turn(turn, latency)) for turn in trace.turns]


_SUMMED = (
    *_OF_CALLS,
    "unseen_llm_calls",
    "replayed_llm_calls",
    "summarizer_llm_calls",
    "odd_totals",
    "reported_llm_calls",
    "transfers",
    "agent_calls",
    "reported_input_tokens",
    "reported_output_tokens",
    "critical_path_microseconds",
)


def summed(turns: Iterable[TurnMetrics]) -> TurnMetrics:
    """Adds turns up to the figures of a run, whose turn is 0 and whose wall time is their sum."""
    run = TurnMetrics(turn=0, complete=True)
    for turn in turns:
        _add(run, turn, _SUMMED)
        run.ended += turn.ended - turn.began
        run.messages.extend(turn.messages)
        run.tools = dict(Counter(run.tools) + Counter(turn.tools))
        run.waits_for = turn.waits_for
        run.remote_agents = list(dict.fromkeys([*run.remote_agents, *turn.remote_agents]))
        run.active_agent = turn.active_agent
        run.complete &= turn.complete
        run.failed |= turn.failed
        run.error = run.error or turn.error
        for name, agent in turn.agents.items():
            run.agents.setdefault(name, AgentMetrics()).add(agent)
    return run
