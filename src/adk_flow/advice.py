"""What a comparison lets one say: a recommendation with its conditions, and caveats."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from adk_flow.compare import Comparison, ConstructFigures

DEPRECATIONS = {
    "agent_tool": "ADK's own AgentTool documentation advises mode='single_turn' in its place",
    "agent_tool_skip_summarization": (
        "ADK's own AgentTool documentation advises mode='single_turn' in its place"
    ),
    "mixed": "it calls with AgentTool, in whose place ADK advises mode='single_turn'",
}
"""What ADK 2.13 says of constructs that it still supports (`agent_tool.py`)."""


def recommendation(comparison: Comparison) -> list[str]:
    """Says which construct to take, and under which conditions another; a sentence each.

    Of the constructs that passed the checks of most conversations, the one whose tokens cost
    least; then, where it is another, the one that waits least, and the cheapest of those that keep
    specialists apart.
    """
    fit = _fittest(comparison)
    if not fit:
        return ["No construct answered any conversation as it asks, so none is recommended."]
    cheapest = min(fit, key=_cost)
    told = [_first_choice(comparison, cheapest, len(fit))]
    quickest = _least(fit, lambda one: one.critical_path_seconds)
    if quickest is not cheapest and _differ(quickest, cheapest):
        told.append(
            f"If waiting matters more, take {quickest.construct}: "
            f"{quickest.critical_path_seconds:.1f} s on the critical path instead of "
            f"{cheapest.critical_path_seconds:.1f} s, for {_cost_told(quickest)}."
        )
    apart = [one for one in fit if one.shown == "request"]
    if cheapest.shown != "request" and apart:
        other = min(apart, key=_cost)
        told.append(
            f"If specialists must see nothing but their request, take {other.construct}: "
            f"{_cost_told(other)}, {other.llm_calls:g} LLM calls."
        )
    return told


def _fittest(comparison: Comparison) -> list[ConstructFigures]:
    """Finds the constructs that passed most conversations; none if nobody passed any."""
    passed = {
        one.construct: len(one.after_turns) - len(one.failed_conversations)
        for one in comparison.constructs
    }
    most = max(passed.values(), default=0)
    return [one for one in comparison.constructs if passed[one.construct] == most and most]


def _first_choice(comparison: Comparison, chosen: ConstructFigures, rivals: int) -> str:
    asked = len(comparison.conversations)
    passed = asked - len(chosen.failed_conversations)
    others = len(comparison.constructs)
    what = f"{passed} of {asked} conversations" if asked > 1 else "the conversation"
    condition = {
        "others": "if specialists may read what the others and the user said",
        "user": "if specialists may read what the user said",
        "request": "and its specialists see nothing but their request",
        "one agent": "if one agent may hold every instruction and tool",
        "unknown": "though what its specialists see is not known",
    }[chosen.shown]
    return (
        f"Take {chosen.construct} {condition}: of the {rivals} of {others} constructs that "
        f"answered {what} as asked, it costs least ({_cost_told(chosen)}, "
        f"{chosen.llm_calls:g} LLM calls)."
    )


def _cost(figures: ConstructFigures) -> float:
    if figures.dollars is not None:
        return figures.dollars
    return figures.input_tokens + figures.output_tokens


def _cost_told(figures: ConstructFigures) -> str:
    tokens = f"{figures.input_tokens + figures.output_tokens:,.0f} tokens"
    return tokens if figures.dollars is None else f"${figures.dollars:.4f}, {tokens}"


def _least(
    fit: Sequence[ConstructFigures], of: Callable[[ConstructFigures], float]
) -> ConstructFigures:
    return min(fit, key=of)


def _differ(quickest: ConstructFigures, cheapest: ConstructFigures) -> bool:
    """Whether the wait differs by more than noise."""
    return quickest.critical_path_seconds < 0.95 * cheapest.critical_path_seconds


def caveats(comparison: Comparison) -> list[str]:
    """Says what the figures do not show; a sentence each."""
    setting = comparison.setting
    told = [_kind(comparison)]
    if setting.pace:
        how = (
            "Every model call slept"
            if setting.slept
            else "LLM time and critical path are projected: each model call counts"
        )
        told.append(
            f"{how} as long as {setting.pace} takes for as many output tokens (a fit to recorded "
            "responses)."
        )
    if setting.price_model:
        told.append(f"Costs are the offline model's tokens at the price of {setting.price_model}.")
    elif any(one.dollars is None for one in comparison.constructs):
        told.append("Costs are unknown: LiteLLM's table has no price for the model.")
    told.append(
        f"{setting.trials} trial{'s' if setting.trials > 1 else ''} of each of "
        f"{len(comparison.conversations)} conversations; google-adk {', '.join(comparison.adk)}; "
        f"model {', '.join(comparison.models)}."
    )
    named = [one.construct for one in comparison.constructs if one.construct in DEPRECATIONS]
    told += [f"{name}: {DEPRECATIONS[name]}." for name in named]
    told += [f"{name} could not be wired: {why}" for name, why in setting.skipped.items()]
    told += [f"Not rewired: {one}" for one in setting.left_out]
    if setting.stopped:
        told.append(f"Not all runs were made: {setting.stopped}.")
    return told


def _kind(comparison: Comparison) -> str:
    if comparison.kind == "controlled":
        return (
            "Controlled: a model that is no language model decides the same way under every "
            "construct, so every difference is the construct's. It shows structure (calls, tokens, "
            "order, waiting, who sees what) and says nothing of the quality of answers."
        )
    if comparison.kind == "live":
        return "Live: a real model's behaviour; another trial gives other figures."
    return "Controlled and live runs are mixed here; compare only what is alike."
