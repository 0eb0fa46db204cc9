"""The report's tables of figures: calls by turn, every construct and every agent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from adk_flow.analysis.metrics import AgentMetrics
from adk_flow.comparison.aggregate import Comparison, ConstructMetrics

SHOWN = {
    "one agent": "one agent does all",
    "not asked": "nothing: none was asked",
    "request": "their request only",
    "user": "the user’s words too",
    "others": "the others’ words too",
    "unknown": "unknown",
}
"""What specialists are shown, see `compare.shown_to_specialists`."""


class CallCell(NamedTuple):
    """LLM calls by the end of each turn of a conversation."""

    told: str
    failed: bool


class Figure(NamedTuple):
    """A figure, what it differs by from the baseline's, and a remark."""

    told: str
    difference: str = ""
    remark: str = ""
    warns: bool = False


class FigureRow(NamedTuple):
    """A construct's figures."""

    construct: str
    is_baseline: bool
    figures: list[Figure]


COUNTS = (
    "LLM calls",
    "in ADK’s session",
    "tokens",
    "tokens in the session",
    "cost",
)
_TIMES = (
    "LLM time",
    "critical path",
    "parallelism",
    "passed",
    "specialists are shown",
    "findings",
)


def call_row(one: ConstructMetrics, conversations: Iterable[str]) -> list[CallCell]:
    """Gives a construct's cells of the call table."""
    return [
        CallCell(
            " → ".join(f"{count:.4g}" for count in one.after_turns.get(name, [])) or "–",
            name in one.failed_conversations,
        )
        for name in conversations
    ]


def hidden_calls(comparison: Comparison) -> str:
    """Says where ADK's session shows fewer LLM calls than were made; empty if nowhere."""
    told = [
        f"{one.reported_llm_calls:,.5g} of {one.llm_calls:,.5g} LLM calls under {one.construct}"
        for one in comparison.constructs
        if one.reported_llm_calls < one.llm_calls
    ]
    return f"ADK’s session shows {listed(told)}." if told else ""


def counts(comparison: Comparison) -> list[FigureRow]:
    """Gives what every construct takes and costs, beside what ADK's session shows of it."""
    return _rows(comparison, _counts)


def times_header(projected: bool) -> tuple[str, ...]:
    """Names the columns of times."""
    return _TIMES if projected else ("wall time", *_TIMES)


def times(comparison: Comparison, projected: bool) -> list[FigureRow]:
    """Gives every construct's times, what passed, and what it shows to whom.

    Where times are projected, nobody waited as long as the wall clock says, so it is left out.
    """
    return _rows(comparison, _times if projected else _measured_times)


def _rows(
    comparison: Comparison,
    figures: Callable[[ConstructMetrics, ConstructMetrics | None], list[Figure]],
) -> list[FigureRow]:
    """Compares with the baseline where the same conversations were held."""
    base = comparison.baseline
    rows = []
    for one in comparison.constructs:
        is_alike = base is not None and one.after_turns.keys() == base.after_turns.keys()
        against = base if is_alike and one is not base else None
        rows.append(FigureRow(one.construct, one is base, figures(one, against)))
    return rows


def _counts(one: ConstructMetrics, base: ConstructMetrics | None) -> list[Figure]:
    tokens, shown = _tokens(one), one.reported_tokens
    return [
        Figure(f"{one.llm_calls:,.5g}", _difference(one.llm_calls, base and base.llm_calls)),
        _reported(one),
        Figure(f"{tokens:,.0f}", _difference(tokens, base and _tokens(base))),
        Figure(f"{shown:,.0f}", remark=f"{100 * shown / tokens:.0f} %", warns=True)
        if shown < tokens
        else Figure("all"),
        Figure("unknown")
        if one.dollars is None
        else Figure(
            f"${one.dollars:.4f}", _difference(one.dollars, base and base.dollars, "{:+.4f}")
        ),
    ]


def _tokens(one: ConstructMetrics) -> float:
    return one.input_tokens + one.output_tokens


def _reported(one: ConstructMetrics) -> Figure:
    if one.reported_llm_calls >= one.llm_calls:
        return Figure("all")
    told = f"{one.reported_llm_calls:,.5g} of {one.llm_calls:,.5g}"
    return Figure(told, remark="not all are shown", warns=True)


def _measured_times(one: ConstructMetrics, base: ConstructMetrics | None) -> list[Figure]:
    wall = one.wall_seconds
    told = Figure(_seconds(wall), _difference(wall, base and base.wall_seconds, "{:+,.1f}"))
    return [told, *_times(one, base)]


def _times(one: ConstructMetrics, base: ConstructMetrics | None) -> list[Figure]:
    llm, path = one.llm_seconds, one.critical_path_seconds
    return [
        Figure(_seconds(llm), _difference(llm, base and base.llm_seconds, "{:+,.1f}")),
        Figure(_seconds(path), _difference(path, base and base.critical_path_seconds, "{:+,.1f}")),
        Figure("–" if one.parallelism is None else f"{one.parallelism:.2f}"),
        _passed(one),
        Figure(SHOWN[one.shown]),
        Figure(f"{sum(one.finding_kinds.values())}"),
    ]


def _difference(value: float, base: float | None, form: str = "{:+,.4g}") -> str:
    """Writes a difference with its share of the baseline: `+40 (+114 %)`."""
    if base is None:
        return ""
    difference = value - base
    if abs(difference) < 1e-9:
        return "±0"
    told = form.format(difference) if abs(difference) < 1e4 else f"{difference:+,.0f}"
    share = f" ({100 * difference / base:+.0f} %)" if base else ""
    return f"{told}{share}".replace("-", "−")


def _seconds(value: float) -> str:
    return f"{value:,.1f} s" if value >= 10 else f"{value:.2f} s"


def _passed(one: ConstructMetrics) -> Figure:
    if one.pass_k is None:
        failed = one.runs - one.passed_runs
        return Figure("not checked", remark=f"{failed} failed" if failed else "")
    interval = ""
    if one.pass_interval is not None:
        low, high = one.pass_interval
        interval = f", 95 %: {100 * low:.0f}–{100 * high:.0f} %"
    runs = f"{one.passed_runs} of {one.runs}"
    return Figure(runs, remark=f"pass^k {100 * one.pass_k:.0f} %{interval}")


def agent_rows(comparison: Comparison, construct: str) -> list[tuple[str, AgentMetrics]]:
    """Adds up what each agent took in the first trial of every conversation."""
    agents: dict[str, AgentMetrics] = {}
    for run in comparison.runs:
        if run.construct == construct and run.trial == 1:
            for name, figures in run.total.agents.items():
                agents.setdefault(name, AgentMetrics()).add(figures)
    return list(agents.items())


def listed(names: Sequence[str]) -> str:
    """Joins words into a list."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
