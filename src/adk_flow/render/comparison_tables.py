"""The tables of a comparison: which columns each has, and how its figures are written."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial

from adk_flow._text import UNKNOWN, format_dollars, format_number, format_seconds, one_line, plural
from adk_flow.analysis.metrics import AgentMetrics
from adk_flow.analysis.run_metrics import RunMetrics, Shown
from adk_flow.comparison.aggregate import Comparison, ConstructMetrics
from adk_flow.comparison.recommend import choose_constructs, rank_constructs
from adk_flow.render.report_links import link_to
from adk_flow.render.tables import Cell, Column, Table, TableRow, group_rows, short_name

CONTEXTS: dict[Shown, str] = {
    "one agent": "there are no specialists",
    "not asked": "no specialist was asked",
    "request": "the request only",
    "user": "the user's messages too",
    "others": "other agents' messages too",
    "unknown": "not known",
}
"""What a specialist receives besides its own messages and tool calls."""

_NONE = "–"
_MOST_TURNS = 24
"""Turns of a conversation whose calls are written one by one."""

_AGREEMENT = Column(
    "agree",
    legend="runs in which the user reads the figures, or else the words, of the baseline's answers",
)

_CRITICAL_PATH = Column(
    "critical path", legend="the longest chain of calls that had to wait for one another"
)

CellOf = Callable[[ConstructMetrics, ConstructMetrics | None], Cell]
"""Writes a construct's figure, with its difference to the baseline's if there is one."""


def calls_table(comparison: Comparison) -> Table:
    """Gives the LLM calls made by the end of each turn, by conversation."""
    columns = [Column(short_name(name)) for name in comparison.conversations]
    rows = [_row(comparison, f, list(_calls(comparison, f))) for f in comparison.constructs]
    has_failures = any(figures.failed_conversations for figures in comparison.constructs)
    notes = ["! an answer lacks what was asked for, or a turn failed"] * has_failures
    return Table("construct", columns, rows, notes=notes)


def summary_table(comparison: Comparison, most: int) -> Table:
    """Gives the figures to choose by, of the constructs that serve best and of the baseline."""
    ranked = rank_constructs(comparison)
    named = [comparison.baseline, *choose_constructs(comparison)]
    others = [figures for figures in ranked if figures not in named]
    left_out = others[max(0, most - (len(ranked) - len(others))) :]
    shown = [figures for figures in ranked if figures not in left_out]
    columns: dict[Column, CellOf] = {
        Column("calls"): _figure(lambda f: f.llm_calls, format_number),
        Column("tokens"): _figure(lambda f: f.tokens, format_number),
        Column("cost"): _figure(lambda f: f.dollars, format_dollars),
        _CRITICAL_PATH: _figure(lambda f: f.critical_path_seconds, format_seconds),
        Column("passed"): partial(_passed, comparison.setting.incomplete),
    }
    rows = [_row(comparison, f, [cell(f, None) for cell in columns.values()]) for f in shown]
    more = plural(len(left_out), "more construct")
    gloss = "wirings of the same agents"
    note = (
        f"{more} ({gloss}): dearer, or with fewer answers" if left_out else f"constructs: {gloss}"
    )
    return Table("construct", list(columns), rows, notes=[note])


def _calls(comparison: Comparison, figures: ConstructMetrics) -> Iterator[Cell]:
    runs = reversed(comparison.runs_of(figures.construct))
    links = {run.conversation: link_to(run) for run in runs}
    for name in comparison.conversations:
        if name not in figures.after_turns:
            yield Cell(_NONE)
            continue
        counts = _abridge(figures.after_turns[name])
        has_failed = name in figures.failed_conversations
        words, mark = (f"{counts}!", "failed") if has_failed else (counts, "")
        yield Cell(words, mark=mark, links=[links[name]])


def _abridge(after_turns: Sequence[float | None]) -> str:
    """Joins the calls made by the end of each turn, of a long conversation the first and last."""
    counts = [format_number(count) for count in after_turns]
    if len(counts) > _MOST_TURNS:
        counts[_MOST_TURNS // 2 : -_MOST_TURNS // 2] = ["…"]
    return "→".join(counts) or "0"


def costs_table(comparison: Comparison) -> Table:
    """Gives calls, tokens and cost, and what ADK's session shows of them."""
    return _fill_columns(
        comparison,
        {
            Column("LLM calls", narrow="difference"): _figure(lambda f: f.llm_calls, format_number),
            Column("in session", legend="LLM calls that ADK's session shows"): _reported_calls,
            Column("tokens"): _figure(lambda f: f.tokens, format_number),
            Column("tokens in ADK's session", is_detail=True): _reported_tokens,
            Column("cost", narrow="share"): _figure(lambda f: f.dollars, format_dollars),
        },
    )


def times_table(comparison: Comparison) -> Table:
    """Gives times, checks passed, and the context of specialists.

    Where times are projected, nobody waited as long as the wall clock says, so it is left out.
    """
    wall = {Column("wall time"): _figure(lambda f: f.wall_seconds, format_seconds)}
    columns: dict[Column, CellOf] = {
        **(wall if comparison.setting.is_measured else {}),
        Column("LLM time"): _figure(lambda f: f.llm_seconds, format_seconds),
        _CRITICAL_PATH: _figure(lambda f: f.critical_path_seconds, format_seconds),
        Column("parallelism", legend="LLM time divided by the critical path"): lambda f, _: Cell(
            _NONE if f.parallelism is None else f"{f.parallelism:.2f}"
        ),
        Column("passed"): partial(_passed, comparison.setting.incomplete),
        **({_AGREEMENT: _agreeing} if other_baseline(comparison) else {}),
        Column(
            "pass^k",
            is_detail=comparison.setting.trials == 1,
            legend="conversations that pass in every trial; of live runs with a 95 % interval",
        ): _pass_k,
        Column(
            "context", legend="what a specialist receives besides its own messages and tool calls"
        ): lambda figures, _: Cell(figures.shown, notes=[CONTEXTS[figures.shown]]),
        Column("findings", is_detail=True): lambda f, _: Cell(f"{sum(f.finding_kinds.values()):,}"),
    }
    return _fill_columns(comparison, columns)


def constructs_table(comparison: Comparison) -> Table:
    """Says what each construct is, and what it changes besides the wiring."""
    setting = comparison.setting
    known = {**setting.meanings, **setting.changes}
    columns = [Column("what it is"), *([Column("what else it changes")] * bool(setting.changes))]
    rows = []
    for name in (f.construct for f in comparison.constructs if f.construct in known):
        lines = setting.in_adk.get(name, "").replace("`", "")
        meaning = Cell(setting.meanings.get(name, ""), notes=[lines] * bool(lines))
        changes = one_line("; ".join(setting.changes.get(name, [])), 300)
        rows.append(TableRow(short_name(name), [meaning, Cell(changes or _NONE)][: len(columns)]))
    return Table("construct", columns, rows, is_prose=True)


def runs_table(comparison: Comparison) -> Table:
    """Gives the figures of each run, which those of its construct add up."""
    names = "run, LLM calls, input tokens, output tokens, cost, LLM time, critical path, answers"
    return _grouped_table(comparison, names, lambda runs: list(map(_run, runs)))


def _grouped_table(
    comparison: Comparison, names: str, tell: Callable[[list[RunMetrics]], list[list[Cell]]]
) -> Table:
    """Tells of the runs of each construct in several rows."""
    constructs = [figures.construct for figures in comparison.constructs]
    groups = ((short_name(name), tell(comparison.runs_of(name))) for name in constructs)
    return Table("construct", list(map(Column, names.split(", "))), group_rows(groups))


def _run(run: RunMetrics) -> list[Cell]:
    total, trial = run.total, f", trial {run.trial}" if run.trial > 1 else ""
    counts = (total.llm_calls, total.input_tokens, total.output_tokens)
    times = (total.llm_microseconds / 1e6, total.critical_path_microseconds / 1e6)
    passed = ("passed" if run.checked else "unchecked") if run.passed else "failed"
    return [
        Cell(f"{short_name(run.conversation)}{trial}", links=[link_to(run)]),
        *(Cell(format_number(count)) for count in counts),
        Cell(UNKNOWN if run.dollars is None else format_dollars(run.dollars)),
        *(Cell(format_seconds(seconds)) for seconds in times),
        Cell(passed, mark="" if run.passed else "failed"),
    ]


def agents_table(comparison: Comparison) -> Table:
    """Gives what each agent used in the first trial of every conversation."""
    names = (
        "agent, LLM calls, tool calls, input tokens, cached input tokens, output tokens, LLM time, "
        "tool time, activations, never closed"
    )
    return _grouped_table(comparison, names, _agents)


def _agents(runs: Sequence[RunMetrics]) -> list[list[Cell]]:
    agents: dict[str, AgentMetrics] = {}
    for run in runs:
        for name, metrics in run.total.agents.items() if run.trial == 1 else ():
            agents.setdefault(name, AgentMetrics()).add(metrics)
    return [_agent(*each) for each in agents.items()]


def _agent(name: str, used: AgentMetrics) -> list[Cell]:
    tokens = used.input_tokens, used.cached_tokens, used.output_tokens
    times = used.llm_microseconds / 1e6, used.tool_microseconds / 1e6
    unclosed = used.unclosed_activations
    return [
        Cell(short_name(name)),
        *(Cell(format_number(count)) for count in (used.llm_calls, used.tool_calls, *tokens)),
        *(Cell(format_seconds(seconds)) for seconds in times),
        Cell(format_number(used.activations)),
        Cell(format_number(unclosed), mark="warning" if unclosed else ""),
    ]


def _fill_columns(comparison: Comparison, columns: Mapping[Column, CellOf]) -> Table:
    """Fills columns of figures, compared with the baseline."""
    rows = []
    for figures in comparison.constructs:
        base = comparable_baseline(comparison, figures)
        other = None if base is figures else base
        rows.append(_row(comparison, figures, [cell(figures, other) for cell in columns.values()]))
    return Table("construct", list(columns), rows, baseline=other_baseline(comparison))


def other_baseline(comparison: Comparison) -> str:
    """Names the baseline, if there is another construct to compare with it."""
    has_others = len(comparison.constructs) > 1 and comparison.baseline
    return short_name(comparison.setting.baseline) if has_others else ""


def _row(comparison: Comparison, figures: ConstructMetrics, cells: list[Cell]) -> TableRow:
    return TableRow(short_name(figures.construct), cells, figures is comparison.baseline)


def comparable_baseline(
    comparison: Comparison, figures: ConstructMetrics
) -> ConstructMetrics | None:
    """Gives the baseline if it had the same conversations as a construct."""
    base = comparison.baseline
    return base if base and base.after_turns.keys() == figures.after_turns.keys() else None


def _figure(
    value: Callable[[ConstructMetrics], float | None], form: Callable[[float], str]
) -> CellOf:
    """Writes a figure, and how much more or less it is than the baseline's, also in percent."""

    def write_cell(figures: ConstructMetrics, base: ConstructMetrics | None) -> Cell:
        number, other = value(figures), value(base) if base else None
        if number is None or other is None:
            return Cell(UNKNOWN if number is None else form(number))
        change = number - other
        if form(number) == form(other):  # or less than is written
            return Cell(form(number), "±0")
        sign = "+" if change > 0 else "−"
        share = f"{sign}{abs(100 * change / other):.0f} %" if other else ""
        return Cell(form(number), f"{sign}{form(abs(change))}", share)

    return write_cell


def reported_calls(figures: ConstructMetrics) -> str:
    """Writes how many of the LLM calls ADK's session shows."""
    return f"{format_number(figures.reported_llm_calls)} of {format_number(figures.llm_calls)}"


def _reported_calls(figures: ConstructMetrics, _: ConstructMetrics | None) -> Cell:
    if figures.llm_calls is None:
        return Cell(format_number(figures.reported_llm_calls), mark="warning")
    if figures.reported_llm_calls >= figures.llm_calls:
        return Cell("all")
    return Cell(reported_calls(figures), mark="warning")


def _reported_tokens(figures: ConstructMetrics, _: ConstructMetrics | None) -> Cell:
    reported, tokens = figures.reported_tokens, figures.tokens
    if reported is None or tokens is None:
        return Cell(UNKNOWN)
    if reported >= tokens:
        return Cell("all")
    share = f"{100 * reported / tokens:.0f} %"
    return Cell(format_number(reported), notes=[share], mark="warning")


def _passed(
    incomplete: Collection[str], figures: ConstructMetrics, _: ConstructMetrics | None
) -> Cell:
    """Writes how many runs passed; of none checked, how many conversations had no answer."""
    if figures.pass_k is not None:
        return Cell(f"{figures.passed_runs} of {figures.checked_runs}")
    if figures.gaps:
        return Cell(f"{len(figures.gaps)} of {len(figures.after_turns)} not answered")
    is_whole = figures.construct not in incomplete
    return Cell("unchecked") if is_whole else Cell("incomplete", mark="warning")


def _agreeing(figures: ConstructMetrics, base: ConstructMetrics | None) -> Cell:
    if base is None:
        return Cell(_NONE)
    if figures.agreeing_runs is None:
        return Cell(UNKNOWN)
    mark = "" if figures.agreeing_runs == figures.runs else "warning"
    return Cell(f"{figures.agreeing_runs} of {figures.runs}", mark=mark)


def _pass_k(figures: ConstructMetrics, _: ConstructMetrics | None) -> Cell:
    if figures.pass_k is None:
        return Cell(_NONE)
    share = f"{100 * figures.pass_k:.0f} %"
    if figures.pass_interval is None:
        return Cell(share)
    low, high = figures.pass_interval
    return Cell(f"{share} ({100 * low:.0f}–{100 * high:.0f})")
