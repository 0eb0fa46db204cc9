"""What a comparison lets one say: a recommendation with its conditions, and caveats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from adk_flow._data import group_by
from adk_flow._text import format_dollars, format_seconds, join_names, plural
from adk_flow.analysis.latency import PROFILES
from adk_flow.analysis.run_metrics import AS_IS, ONE_BY_ONE
from adk_flow.comparison.aggregate import Comparison, ConstructMetrics, Setting
from adk_flow.comparison.crossovers import CLOSE, is_unadvised
from adk_flow.comparison.evidence import describe_gaps, describe_unasked

_NO_AGENT_TOOL = "ADK's own AgentTool documentation advises mode='single_turn' in its place"
DEPRECATIONS = {
    "agent_tool": _NO_AGENT_TOOL,
    "agent_tool_skip_summarization": _NO_AGENT_TOOL,
    "remote": _NO_AGENT_TOOL,
    "mixed": "it calls with AgentTool, in whose place ADK advises mode='single_turn'",
    "deprecated_sequential": "SequentialAgent is deprecated in favour of Workflow",
    "deprecated_parallel": "ParallelAgent is deprecated in favour of Workflow",
    "deprecated_loop": "LoopAgent is deprecated in favour of Workflow",
}
"""What ADK 2.13 says of constructs that it still supports (`agent_tool.py`)."""

Cost = Callable[[ConstructMetrics], float]

_CONDITIONS = {
    "others": " if specialists may receive messages of the user and of other agents:",
    "user": " if specialists may receive messages of the user:",
    "request": ", whose specialists receive nothing but their request:",
    "one agent": " if one agent may hold every instruction and tool:",
    "not asked": ", which asked no specialist anything:",
    "unknown": ", though what its specialists receive is not known:",
}
"""On what a construct is recommended, by what it shows its specialists."""

_READ = {
    "raw_json": "JSON that was meant for code",
    "repeated_answer": "answers twice",
    "shown_candidates": "candidates to be chosen from",
}
"""What findings of these kinds are, to who reads the conversation."""

_KINDS = {
    "controlled": (
        "Controlled: the same stated decisions are made under every construct, so every "
        "difference is the construct's. It shows structure (calls, tokens, order, waiting, who "
        "receives what) and says nothing of the quality of answers."
    ),
    "offline": (
        "Offline: a model that is no language model routes by likeness, and may decide "
        "otherwise under another construct. It shows structure and says nothing of the quality "
        "of answers; a plan in the conversation makes the runs controlled."
    ),
    "live": "Live: a real model's behaviour; another trial gives other figures.",
    "cassette": (
        "With a cassette: a real model's answers, which are kept; the same requests get the same "
        "answers, so that another comparison is no other sample."
    ),
    "mixed": "Live runs and runs without a key are mixed here; compare only what is alike.",
}


def find_obstacle(comparison: Comparison) -> str:
    """Says why constructs cannot be compared, and what to do; empty if they can be.

    They can be if some construct answered a conversation (see `evidence`), some specialist was
    asked, and what it cost is known.
    """
    fit = _fittest(comparison)
    if not fit:
        reasons = describe_gaps(comparison.runs) or "There are no runs."
        return f"Cannot compare: no construct answered a conversation as asked. {reasons}"
    if len(comparison.constructs) == 1:
        return ""
    if _cost_of(fit) is None:
        return _no_cheapest(comparison, fit)
    shown = {figures.shown for figures in comparison.constructs}
    if "not asked" in shown and shown <= {"not asked", "one agent"}:
        return f"Cannot compare: {describe_unasked()}"
    return ""


def write_recommendation(comparison: Comparison) -> list[str]:
    """Says which construct to take, and under which conditions another; a sentence each.

    Of the constructs that answered most conversations, the one whose tokens cost least; then,
    where it is another, the one that waits least, and the cheapest of those that keep specialists
    apart. Without evidence, why there is none.
    """
    if comparison.setting.stopped:
        return ["No recommendation, because not all runs were made."]
    if obstacle := find_obstacle(comparison):
        return [obstacle]
    fit = _fittest(comparison)
    cost = _cost_of(fit)
    if len(comparison.constructs) == 1 or cost is None:
        return [f"Only {fit[0].construct} was run, so there is nothing to choose between."]
    first = _first_choice(comparison, fit, cost)
    read = _also_read(min(fit, key=cost))
    return [first, *read, *_warnings(fit), *_others(comparison, fit, cost)]


def find_recommended(comparison: Comparison) -> str:
    """Names the construct that the recommendation takes first; empty if it takes none."""
    is_open = comparison.setting.stopped or find_obstacle(comparison)
    if is_open or len(comparison.constructs) == 1:
        return ""
    return next((figures.construct for figures in choose_constructs(comparison)), "")


def rank_constructs(comparison: Comparison) -> list[ConstructMetrics]:
    """Orders constructs: those that a recommendation chooses from, the cheapest first; others."""
    fit = _fittest(comparison)
    others = [figures for figures in comparison.constructs if figures not in fit]
    return [*sorted(fit, key=_cost_of(fit) or (lambda figures: 0)), *others]


def choose_constructs(comparison: Comparison) -> list[ConstructMetrics]:
    """Gives the construct that costs least, waits least, and costs least of those kept apart."""
    fit = _fittest(comparison)
    cost = _cost_of(fit)
    if not fit or cost is None:
        return []
    return [min(fit, key=cost), _quickest(fit, cost), *_kept_apart(fit, cost)[:1]]


def _quickest(fit: Sequence[ConstructMetrics], cost: Cost) -> ConstructMetrics:
    waits = [figures.critical_path_seconds for figures in fit]
    quick = [figures for figures in fit if figures.critical_path_seconds <= CLOSE * min(waits)]
    return min(quick, key=cost)


def _kept_apart(fit: Sequence[ConstructMetrics], cost: Cost) -> list[ConstructMetrics]:
    """Orders by cost those whose specialists receive nothing but their request."""
    return sorted((figures for figures in fit if figures.shown == "request"), key=cost)


def _also_read(figures: ConstructMetrics) -> Iterator[str]:
    """Says what besides the answer the user reads, for ADK shows every whole text of a session."""
    counts = figures.finding_kinds
    if what := [f"{_READ[kind]} ({counts[kind]})" for kind in _READ if counts.get(kind)]:
        yield f"Under {figures.construct} the user also reads {join_names(what)}."


def _warnings(fit: Sequence[ConstructMetrics]) -> Iterator[str]:
    """Warns where even the fittest did not answer all that was asked."""
    asked, answered = len(fit[0].after_turns), _answered(fit[0])
    if answered < asked:
        names = join_names(dict.fromkeys(name for figures in fit for name in figures.gaps))
        yield (
            f"Beware: no construct answered more than {answered} of {asked} conversations; those "
            f"named here did not answer {names}."
        )


def _others(comparison: Comparison, fit: Sequence[ConstructMetrics], cost: Cost) -> Iterator[str]:
    """Names what to take in place of the cheapest where something else matters more."""
    cheapest = min(fit, key=cost)
    quickest = _quickest(fit, cost)
    seconds, rival = quickest.critical_path_seconds, cheapest.critical_path_seconds
    if _is_timed(comparison) and CLOSE * seconds < rival:
        yield (
            f"If waiting matters more, take {quickest.construct}: {format_seconds(seconds)} on the "
            f"critical path instead of {format_seconds(rival)}{_over(comparison)}, for "
            f"{_cost(quickest)}."
        )
    apart = _kept_apart(fit, cost)
    if cheapest.shown != "request" and apart:
        other = apart[0]
        yield (
            f"If specialists must receive nothing but their request, take {other.construct}: "
            f"{_cost_and_calls(other)}."
        )
    current = [figures for figures in fit if not _is_advised_against(figures)]
    if cheapest.construct in DEPRECATIONS and current:
        other = min(current, key=cost)
        yield (
            f"To avoid what ADK advises against ({DEPRECATIONS[cheapest.construct]}), take "
            f"{other.construct}: {_cost_and_calls(other)}."
        )


def _is_advised_against(figures: ConstructMetrics) -> bool:
    """An app as its owner wired it is known by what its session lacks: AgentTool's nested runs."""
    if figures.construct in (AS_IS, ONE_BY_ONE):
        return figures.llm_calls is None or figures.llm_calls > figures.reported_llm_calls
    return figures.construct in DEPRECATIONS


def _fittest(comparison: Comparison) -> list[ConstructMetrics]:
    """Finds the constructs that answered most conversations; none if nobody answered any.

    One that had other conversations is left out: its sums are of something else. So is one
    that lacks somebody of the app, or the lead's own tools, unless its answers were checked.
    """
    incomplete, common = comparison.setting.incomplete, _common(comparison)
    candidates = [
        figures
        for figures in comparison.constructs
        if figures.after_turns.keys() == common
        and (figures.pass_k is not None or figures.construct not in incomplete)
    ]
    best = max(map(_answered, candidates), default=0)
    return [figures for figures in candidates if best and _answered(figures) == best]


def _common(comparison: Comparison) -> frozenset[str]:
    """Finds the conversations to choose by: the most that several constructs had, and no other."""
    counts = Counter(frozenset(figures.after_turns) for figures in comparison.constructs)
    return max(counts, key=lambda names: (counts[names] > 1, len(names)), default=frozenset())


def _answered(figures: ConstructMetrics) -> int:
    """Counts the conversations that are evidence for a construct."""
    return len(figures.after_turns.keys() - figures.gaps.keys())


def _first_choice(comparison: Comparison, fit: Sequence[ConstructMetrics], cost: Cost) -> str:
    chosen = min(fit, key=cost)
    asked, answered = len(chosen.after_turns), _answered(chosen)
    total = len(comparison.constructs)
    what = f"{answered} of {asked} conversations" if asked > 1 else "the conversation"
    count = f"{total}" if len(fit) == total else f"{len(fit)} of {total}"
    group = f"of the {count} constructs that"
    price = f"{_cost_and_calls(chosen)}{_over(comparison)}"
    equals = [each.construct for each in fit if cost(each) <= cost(chosen) * (1 + 1e-9)]
    is_priced = all(figures.dollars is not None for figures in fit)
    verb = "cost" if is_priced else "take"
    tie = f"; {join_names(equals)} {verb} the same" if len(equals) > 1 else ""
    is_checked = chosen.pass_k is not None
    subject = "For conversations like these take" if is_checked else "The cheapest that ran is"
    lacking = " and lack nothing" if comparison.setting.incomplete else ""
    how = f"answered {{}}{' as asked' if is_checked else lacking}"
    least = "costs least" if is_priced else "takes fewest tokens, costs being unknown"
    unchecked = "" if is_checked else "; no answer was checked"
    return (
        f"{subject} {chosen.construct}{_CONDITIONS[chosen.shown]} {group} {how.format(what)}, it "
        f"{least} ({price}){tie}{unchecked}."
    )


def _cost_of(fit: Sequence[ConstructMetrics]) -> Cost | None:
    """Compares by dollars if all of them are known, else by tokens, else not at all."""
    if all(figures.dollars is not None for figures in fit):
        return lambda figures: figures.dollars or 0
    if all(figures.tokens is not None for figures in fit):
        return lambda figures: figures.tokens or 0
    return None


def _no_cheapest(comparison: Comparison, fit: Sequence[ConstructMetrics]) -> str:
    """Says that costs cannot be compared, and who waits least."""
    reason = (
        "Cannot compare costs: a model reported no tokens. What to do: take a model that does, or "
        "state in the conversation who does what (`plan:`)"
    )
    if not _is_timed(comparison):
        return f"{reason}."
    quickest = min(fit, key=lambda figures: figures.critical_path_seconds)
    return (
        f"{reason}; {quickest.construct} has the shortest critical path "
        f"({format_seconds(quickest.critical_path_seconds)}{_over(comparison)})."
    )


def _is_timed(comparison: Comparison) -> bool:
    """Whether times are those of a real model, be it projected: an offline one's are noise."""
    return bool(comparison.setting.pace) or comparison.kind == "live"


def _cost(figures: ConstructMetrics) -> str:
    tokens = f"{figures.tokens or 0:,.0f} tokens"
    return tokens if figures.dollars is None else f"{format_dollars(figures.dollars)}, {tokens}"


def _cost_and_calls(figures: ConstructMetrics) -> str:
    return f"{_cost(figures)}, {plural(figures.llm_calls, 'LLM call')}"


def _over(comparison: Comparison) -> str:
    """Says that sums are of several conversations."""
    number = len(_common(comparison))
    return f" over all {number} conversations" if number > 1 else ""


def write_caveats(comparison: Comparison) -> list[str]:
    """Says what the figures do not show; a sentence each."""
    return [*_caveats(comparison), *write_troubles(comparison)]


def _caveats(comparison: Comparison) -> Iterator[str]:
    setting, number = comparison.setting, len(comparison.conversations)
    yield _KINDS[comparison.kind]
    if setting.cassette:
        yield f"{setting.cassette.words}."
    if setting.pace:
        yield _pace(setting)
    yield from _costs(comparison)
    yield (
        f"{plural(setting.trials, 'trial')} of "
        f"{f'each of {number} conversations' if number > 1 else 'one conversation'}; "
        f"google-adk {', '.join(comparison.adk)}; model {', '.join(comparison.models) or 'none'}."
    )
    names = [figures.construct for figures in comparison.constructs]
    yield from (f"{name}: {DEPRECATIONS[name]}." for name in names if name in DEPRECATIONS)
    if unadvised := {run.conversation: None for run in comparison.runs if is_unadvised(run)}:
        yield (
            f"advisor asks no stronger model in {join_names(unadvised)}, whose plans have no "
            "`consults`: there it is single_agent with a tool more."
        )
    yield from _failures(comparison)


def write_troubles(comparison: Comparison) -> Iterator[str]:
    """Says what is left out or was not made; a sentence each."""
    setting = comparison.setting
    for cause, names in group_by(setting.skipped, setting.skipped.__getitem__).items():
        yield f"{join_names(names)} could not be wired: {cause}"
    yield from setting.notes
    unchecked = {f.construct for f in comparison.constructs if f.pass_k is None}
    incomplete = [name for name in setting.incomplete if name in unchecked]
    for reason, names in group_by(incomplete, setting.incomplete.__getitem__).items():
        yield f"Incomplete, and so not chosen from: {join_names(names)} ({reason})."
    common, total = _common(comparison), len(comparison.constructs)
    if others := sum(f.after_turns.keys() != common for f in comparison.constructs):
        yield f"Not chosen from: {others} of {total} constructs, which had other conversations."
    if cut := sum(not run.is_whole for run in comparison.runs):
        yield f"{cut} of {len(comparison.runs)} logs are cut or damaged; they count as failed."
    if setting.stopped:
        yield f"Not all runs were made: {setting.stopped}."


def _costs(comparison: Comparison) -> Iterator[str]:
    """Says whose tokens are priced, and at which model's price."""
    keyless = {"controlled": "planned ", "offline": "the offline model's "}
    model, pace = comparison.setting.price_model, comparison.setting.pace
    if any(figures.tokens is None for figures in comparison.constructs):
        yield "Costs are unknown: a model reported no tokens."
    elif any(figures.dollars is None for figures in comparison.constructs):
        unpriced = model or (comparison.kind in keyless and pace) or "a model"
        yield f"Costs are unknown: the table has no price for {unpriced}."
    elif model:
        yield f"Costs are {keyless.get(comparison.kind, '')}tokens at the price of {model}."


def _failures(comparison: Comparison) -> Iterator[str]:
    """Says why constructs have nothing to show, each reason once."""
    gaps = [(f.construct, *item) for f in comparison.constructs for item in f.gaps.items()]
    reasons = group_by(gaps, lambda gap: f"{gap[1]}: {gap[2].reason}")
    for reason, group in reasons.items():
        yield f"{join_names(construct for construct, *_ in group)} in {reason}"


def _pace(setting: Setting) -> str:
    how = (
        "Every model call slept"
        if setting.slept
        else "LLM time and critical path are projected, wall time is not: each model call counts"
    )
    if setting.pace in PROFILES:
        what = f"as long as {setting.pace} takes for as many output tokens"
        return f"{how} {what} (a fit to recorded responses)."
    return f"{how} {setting.pace.removesuffix(' a call')}."
