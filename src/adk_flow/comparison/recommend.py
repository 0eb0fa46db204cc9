"""What a comparison lets one say: a recommendation with its conditions, and caveats."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from adk_flow._text import one_line, plural
from adk_flow.analysis.latency import PROFILES
from adk_flow.comparison.aggregate import Comparison, ConstructMetrics, Setting
from adk_flow.comparison.crossovers import CLOSE

DEPRECATIONS = {
    "agent_tool": "ADK's own AgentTool documentation advises mode='single_turn' in its place",
    "agent_tool_skip_summarization": (
        "ADK's own AgentTool documentation advises mode='single_turn' in its place"
    ),
    "mixed": "it calls with AgentTool, in whose place ADK advises mode='single_turn'",
    "deprecated_sequential": "SequentialAgent is deprecated in favour of Workflow",
    "deprecated_parallel": "ParallelAgent is deprecated in favour of Workflow",
    "deprecated_loop": "LoopAgent is deprecated in favour of Workflow",
}
"""What ADK 2.13 says of constructs that it still supports (`agent_tool.py`)."""


def write_recommendation(comparison: Comparison) -> list[str]:
    """Says which construct to take, and under which conditions another; a sentence each.

    Of the constructs that held all conversations and passed the checks of most, the one whose
    tokens cost least; then, where it is another, the one that waits least, and the cheapest of
    those that keep specialists apart.
    """
    if comparison.setting.stopped:
        return ["No recommendation, because not all runs were made."]
    fit = _fittest(comparison)
    if not fit:
        return ["No construct answered any conversation as it asks, so none is recommended."]
    cost = _cost_of(fit)
    if cost is None:
        return [_no_cheapest(comparison, fit)]
    cheapest = min(fit, key=cost)
    if len(comparison.constructs) == 1:
        return [f"Only {cheapest.construct} was run, so there is nothing to choose between."]
    told = [_first_choice(comparison, cheapest, len(fit))]
    quickest = _quickest(fit, cost)
    if _is_timed(comparison) and quickest is not cheapest and _differ(quickest, cheapest):
        told.append(
            f"If waiting matters more, take {quickest.construct}: "
            f"{quickest.critical_path_seconds:.2f} s on the critical path instead of "
            f"{cheapest.critical_path_seconds:.2f} s{_over(comparison)}, for "
            f"{_cost_told(quickest)}."
        )
    apart = [one for one in fit if one.shown == "request"]
    if cheapest.shown != "request" and apart:
        other = min(apart, key=cost)
        told.append(
            f"If specialists must receive nothing but their request, take {other.construct}: "
            f"{_cost_told(other)}, {_calls(other)}."
        )
    current = [one for one in fit if one.construct not in DEPRECATIONS]
    if cheapest.construct in DEPRECATIONS and current:
        other = min(current, key=cost)
        told.append(
            f"To avoid what ADK advises against "
            f"({DEPRECATIONS[cheapest.construct]}), take {other.construct}: {_cost_told(other)}, "
            f"{_calls(other)}."
        )
    return told


def _fittest(comparison: Comparison) -> list[ConstructMetrics]:
    """Finds the constructs that passed most conversations; none if nobody passed any.

    One that held fewer conversations than others is left out: its sums are of less. So is one
    that lost the lead's own tools, unless its answers were checked.
    """
    lost = comparison.setting.lost_tools
    held = max((len(one.after_turns) for one in comparison.constructs), default=0)
    passed = {
        one.construct: len(one.after_turns) - len(one.failed_conversations)
        for one in comparison.constructs
        if len(one.after_turns) == held and (one.pass_k is not None or one.construct not in lost)
    }
    most = max(passed.values(), default=0)
    return [one for one in comparison.constructs if most and passed.get(one.construct) == most]


def _first_choice(comparison: Comparison, chosen: ConstructMetrics, rivals: int) -> str:
    asked = len(chosen.after_turns)
    passed = asked - len(chosen.failed_conversations)
    others = len(comparison.constructs)
    what = f"{passed} of {asked} conversations" if asked > 1 else "the conversation"
    how = f"answered {what} as asked"
    if chosen.pass_k is None:
        how = f"completed {what} (no answer was checked)"
    condition = {
        "others": " if specialists may receive messages of the user and of other agents:",
        "user": " if specialists may receive messages of the user:",
        "request": ", whose specialists receive nothing but their request:",
        "one agent": " if one agent may hold every instruction and tool:",
        "not asked": ", which asked no specialist anything:",
        "unknown": ", though what its specialists receive is not known:",
    }[chosen.shown]
    return (
        f"For conversations like these take {chosen.construct}{condition} of the {rivals} of "
        f"{others} constructs that {how}, it costs least ({_cost_told(chosen)}, "
        f"{_calls(chosen)}{_over(comparison)})."
    )


def _cost_of(fit: Sequence[ConstructMetrics]) -> Callable[[ConstructMetrics], float] | None:
    """Compares by dollars if all of them are known, else by tokens, else not at all."""
    if all(one.dollars is not None for one in fit):
        return lambda one: one.dollars or 0
    if all(one.tokens is not None for one in fit):
        return lambda one: one.tokens or 0
    return None


def _no_cheapest(comparison: Comparison, fit: Sequence[ConstructMetrics]) -> str:
    """Says that costs cannot be compared, and who waits least."""
    reason = "Which construct costs least is unknown, because a model reported no tokens"
    if not _is_timed(comparison):
        return f"{reason}."
    quickest = min(fit, key=lambda one: one.critical_path_seconds)
    return (
        f"{reason}; {quickest.construct} has the shortest critical path "
        f"({quickest.critical_path_seconds:.2f} s{_over(comparison)})."
    )


def _cost_told(figures: ConstructMetrics) -> str:
    tokens = f"{figures.tokens or 0:,.0f} tokens"
    return tokens if figures.dollars is None else f"${figures.dollars:.4f}, {tokens}"


def _calls(figures: ConstructMetrics) -> str:
    return plural(figures.llm_calls, "LLM call")


def _quickest(
    fit: Sequence[ConstructMetrics], cost: Callable[[ConstructMetrics], float]
) -> ConstructMetrics:
    """Finds who waits least; the cheapest of those whose waits hardly differ."""
    least = min(one.critical_path_seconds for one in fit)
    return min((one for one in fit if one.critical_path_seconds <= CLOSE * least), key=cost)


def _is_timed(comparison: Comparison) -> bool:
    """Whether times are those of a real model, be it projected, and not of an offline one."""
    return bool(comparison.setting.pace) or comparison.kind == "live"


def _over(comparison: Comparison) -> str:
    """Says that sums are of several conversations."""
    number = len(comparison.conversations)
    return f" over all {number} conversations" if number > 1 else ""


def _differ(quickest: ConstructMetrics, cheapest: ConstructMetrics) -> bool:
    """Whether the wait differs by more than noise."""
    return CLOSE * quickest.critical_path_seconds < cheapest.critical_path_seconds


def write_caveats(comparison: Comparison) -> list[str]:
    """Says what the figures do not show; a sentence each."""
    setting = comparison.setting
    told = [_kind(comparison)]
    if setting.pace:
        told.append(_pace(setting))
    if any(one.tokens is None for one in comparison.constructs):
        told.append("Costs are unknown: a model reported no tokens.")
    elif any(one.dollars is None for one in comparison.constructs):
        model = setting.price_model or "a model"
        told.append(f"Costs are unknown: LiteLLM's table is missing or has no price for {model}.")
    elif setting.price_model:
        keyless = {"controlled": "planned", "offline": "the offline model's"}
        whose = f"{keyless.get(comparison.kind, '')} tokens".strip()
        told.append(f"Costs are {whose} at the price of {setting.price_model}.")
    held = len(comparison.conversations)
    told.append(
        f"{setting.trials} trial{'s' if setting.trials > 1 else ''} of "
        f"{f'each of {held} conversations' if held > 1 else 'one conversation'}; "
        f"google-adk {', '.join(comparison.adk)}; model {', '.join(comparison.models) or 'none'}."
    )
    named = [one.construct for one in comparison.constructs if one.construct in DEPRECATIONS]
    told += [f"{name}: {DEPRECATIONS[name]}." for name in named]
    told += [f"{name} could not be wired: {cause}" for name, cause in setting.skipped.items()]
    told += [f"Not rewired: {one}" for one in setting.left_out]
    told += _lost(setting)
    told += _failures(comparison)
    cut = sum(not run.is_whole for run in comparison.runs)
    if cut:
        told.append(
            f"{cut} of {len(comparison.runs)} logs are cut or damaged; they count as failed."
        )
    if setting.stopped:
        told.append(f"Not all runs were made: {setting.stopped}.")
    return told


def _lost(setting: Setting) -> list[str]:
    """Says under which constructs nobody has the lead's own tools."""
    names = ", ".join(setting.lost_tools)
    tools = ", ".join(next(iter(setting.lost_tools.values()), []))
    return [f"Nobody has the lead's own tools ({tools}) under {names}."] if names else []


def _failures(comparison: Comparison) -> list[str]:
    """Says why turns failed, the first reason of each construct."""
    reasons: dict[str, str] = {}
    for run in comparison.runs:
        if run.total.failed:
            reasons.setdefault(
                run.construct, f"{run.conversation}: {one_line(run.total.error, 200) or 'unknown'}"
            )
    return [f"A turn failed under {name}, in {reason}" for name, reason in reasons.items()]


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


def _kind(comparison: Comparison) -> str:
    if comparison.kind == "controlled":
        return (
            "Controlled: the same stated decisions are made under every construct, so every "
            "difference is the construct's. It shows structure (calls, tokens, order, waiting, who "
            "receives what) and says nothing of the quality of answers."
        )
    if comparison.kind == "offline":
        return (
            "Offline: a model that is no language model routes by likeness, and may decide "
            "otherwise under another construct. It shows structure and says nothing of the quality "
            "of answers; a plan in the conversation makes the runs controlled."
        )
    if comparison.kind == "live":
        return "Live: a real model's behaviour; another trial gives other figures."
    return "Live runs and runs without a key are mixed here; compare only what is alike."
