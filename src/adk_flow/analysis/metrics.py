"""Figures of each turn, true (every call) and as ADK's session events report them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from operator import itemgetter
from typing import Any, TypeVar

import msgspec

from adk_flow.analysis.critical_path import Schedule, Span, schedule_turn
from adk_flow.analysis.latency import LatencyProfile
from adk_flow.analysis.trace import Activation, Trace, Turn
from adk_flow.log.schema import AGENT_CALLS

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
    tool_calls: int | None = 0
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


class TurnMetrics(msgspec.Struct, kw_only=True, rename=_JSON_NAMES):
    """What one turn took: one user message and all it caused; None where it is not known."""

    turn: int
    question: str = ""
    llm_calls: int | None = 0
    """Model calls made, those inside AgentTool's nested runs and failed ones too."""
    seen_llm_calls: int = 0
    """Those of which the log tells, where there may be others."""
    remote_agents: list[str] = []
    """Agents that ran whose calls nobody sees here: behind A2A servers, or by another SDK."""
    unseen_llm_calls: int = 0
    """Calls that a plugin or callback answered with tokens, though no model was seen."""
    replayed_llm_calls: int = 0
    """Calls of before whose answers a durable engine gave again."""
    summarizer_llm_calls: int = 0
    """Those by which ADK's compaction summed the session up, in the turn or once it had ended."""
    reported_llm_calls: int = 0
    """Model calls that ADK's session events show."""
    tool_calls: int | None = 0
    """Calls of plain functions."""
    tools: dict[str, int] = {}
    """How often each of these ran."""
    transfers: int | None = 0
    agent_calls: int | None = 0
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
    lacks_lines: bool = False
    """Whether lines of the log are lost that may have been of it, and calls with them."""
    failed: bool = False
    error: str = ""
    """What it failed with, as far as it was kept."""
    agents: dict[str, AgentMetrics] = {}
    """In the order in which they first did something."""

    @property
    def finals(self) -> list[ReadMessage]:
        """What ADK calls final responses; none of a turn that waits for the user."""
        return [] if self.waits_for else [message for message in self.messages if message.final]

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
    schedule, asked = schedule or schedule_turn(turn), turn.asked_models
    metrics = TurnMetrics(
        turn=turn.number,
        question=turn.question,
        remote_agents=list(dict.fromkeys([a.agent for a in turn.activations if a.is_unseen])),
        unseen_llm_calls=len([span for span in schedule.spans if span.is_unseen]),
        replayed_llm_calls=len([call for call in turn.model_calls if call.replayed]),
        summarizer_llm_calls=len([call for call in asked if call.is_summary]),
        odd_totals=len([c for c in asked if c.usage and not c.usage.adds_up and c.tokens]),
        reported_llm_calls=len(turn.reported),
        transfers=len([move for move in turn.moves if move.kind == "transfer"]),
        agent_calls=len([m for m in turn.moves if m.kind == "call" and m.cause in AGENT_CALLS]),
        began=turn.began,
        ended=turn.ended,
        critical_path_microseconds=schedule.critical_path,
        tools=dict(Counter([span.name for span in schedule.spans if span.kind == "tool"])),
        messages=[ReadMessage(m.agent, m.text, m.record, m.final) for m in turn.messages],
        waits_for=list(dict.fromkeys([agent for agent, _ in turn.waits])),
        active_agent=turn.active_agent,
        complete=turn.complete,
        failed=turn.failed,
        error=turn.error,
        agents=_measure_agents(turn, schedule),
    )
    for usage in turn.reported.values():
        metrics.reported_input_tokens = plus(metrics.reported_input_tokens, usage and usage.input)
        output = plus(metrics.reported_output_tokens, usage and usage.generated)
        metrics.reported_output_tokens = output
    for agent in metrics.agents.values():
        _add(metrics, agent, _OF_CALLS)
    return _without_lost(metrics) if turn.lacks_lines else metrics


def _without_lost(metrics: TurnMetrics) -> TurnMetrics:
    """Counts nothing of which some may have been on lines that are lost."""
    metrics.lacks_lines = True
    metrics.transfers = metrics.agent_calls = None
    metrics.reported_input_tokens = metrics.reported_output_tokens = None
    for figures in (metrics, *metrics.agents.values()):
        figures.llm_calls = figures.tool_calls = None
        figures.input_tokens = figures.cached_tokens = figures.output_tokens = None
    return metrics


def plus(one: _Number | None, other: _Number | None) -> _Number | None:
    """Adds counts up, of which either may not be known."""
    return None if one is None or other is None else one + other


def _add(total: Any, part: Any, names: Iterable[str]) -> None:
    for name in names:
        one, other = getattr(total, name), getattr(part, name)
        setattr(total, name, None if one is None or other is None else one + other)


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
    """Measures agents, in the order in which they first did something."""
    spans = [span for span in schedule.spans if span.kind != "node"]
    begun = [each for each in turn.activations if each.cause != "resume" or each.is_unseen]
    acts = [(each.began, each.agent) for each in begun] + [(s.record, s.agent) for s in spans]
    names = dict.fromkeys([name for _, name in sorted(acts, key=itemgetter(0))])
    agents = {name: AgentMetrics() for name in names}
    for activation in begun:
        _count_activation(activation, agents[activation.agent])
    for span in spans:
        if span.kind == "tool":
            agents[span.agent].tool_calls = plus(agents[span.agent].tool_calls, 1)
            agents[span.agent].tool_microseconds += span.took
        else:
            _count_model_call(span, agents[span.agent])
    return agents


def _count_activation(activation: Activation, agent: AgentMetrics) -> None:
    if activation.cause != "resume":  # whose beginning was not recorded
        agent.activations += 1
        agent.unclosed_activations += activation.closed < 0
    if activation.is_unseen:  # who may report tokens, but no calls
        agent.llm_calls = None
        usages = () if activation.goes_on else activation.unseen_usage.values()
        for usage in usages or [None]:
            agent.input_tokens = plus(agent.input_tokens, usage and usage.input)
            agent.cached_tokens = plus(agent.cached_tokens, usage and usage.cached)
            agent.output_tokens = plus(agent.output_tokens, usage and usage.generated)


def _count_model_call(span: Span, agent: AgentMetrics) -> None:
    is_model = span.kind == "model"
    agent.seen_llm_calls += is_model
    agent.llm_calls = plus(agent.llm_calls, None if span.is_unseen else is_model)
    agent.input_tokens = plus(agent.input_tokens, span.input_tokens)
    agent.cached_tokens = plus(agent.cached_tokens, span.cached_tokens)
    agent.output_tokens = plus(agent.output_tokens, span.output_tokens)
    agent.llm_microseconds += span.took


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


def summed(turns: Iterable[TurnMetrics], *, lacks_lines: bool = False) -> TurnMetrics:
    """Adds turns up to the figures of a run, whose turn is 0 and whose wall time is their sum.

    Of a log that lacks lines a whole turn may be lost.
    """
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
        lacks_lines |= turn.lacks_lines
    return _without_lost(run) if lacks_lines else run
