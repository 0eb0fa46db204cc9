"""What a comparison recommends, and what it warns of, over figures made by hand."""

from collections.abc import Sequence
from typing import Literal

import pytest

from adk_flow.analysis.run_metrics import Shown
from adk_flow.comparison.aggregate import Comparison, ConstructMetrics, Setting
from adk_flow.comparison.recommend import DEPRECATIONS, write_caveats, write_recommendation

ASKED = ["one", "two"]


def figures(
    construct,
    dollars: float | None = 0.01,
    seconds=10.0,
    shown: Shown = "others",
    failed: Sequence[str] = (),
    **changes,
) -> ConstructMetrics:
    """A construct that held both conversations."""
    defaults = {
        "llm_calls": 5,
        "input_tokens": 900,
        "output_tokens": 100,
        "pass_k": 1.0,
        "after_turns": {name: [5.0] for name in ASKED},
    }
    return ConstructMetrics(
        construct=construct,
        dollars=dollars,
        critical_path_seconds=seconds,
        shown=shown,
        failed_conversations=list(failed),
        **{**defaults, **changes},
    )


def of(
    *constructs: ConstructMetrics,
    kind: Literal["controlled", "live", "mixed"] = "controlled",
    conversations=ASKED,
    **setting,
) -> Comparison:
    """A comparison of these figures."""
    return Comparison(
        setting=Setting(**setting),
        kind=kind,
        models=["offline"],
        adk=["2.13.0"],
        conversations=conversations,
        constructs=list(constructs),
        winners=[],
        runs=[],
    )


def test_the_cheapest_is_taken_on_the_condition_of_what_its_specialists_see():
    dear, cheap = figures("task", dollars=0.02), figures("transfer", dollars=0.01)

    assert write_recommendation(of(dear, cheap)) == [
        "For conversations like these take transfer if specialists may receive messages of the "
        "user and of other agents: of the 2 of 2 constructs that answered 2 of 2 conversations as "
        "asked, it costs least ($0.0100, 1,000 tokens, 5 LLM calls over all 2 conversations)."
    ]


@pytest.mark.parametrize(
    ("shown", "condition"),
    [
        ("user", " if specialists may receive messages of the user"),
        ("request", ", whose specialists receive nothing but their request"),
        ("one agent", " if one agent may hold every instruction and tool"),
        ("unknown", ", though what its specialists receive is not known"),
    ],
)
def test_each_sight_is_a_condition_of_its_own(shown, condition):
    (first, *_) = write_recommendation(of(figures("a", shown=shown), figures("b", dollars=1)))

    assert first.startswith(f"For conversations like these take a{condition}: ")


def test_another_that_waits_less_is_named():
    cheap, quick = figures("transfer", seconds=10), figures("parallel", dollars=0.02, seconds=4)

    assert write_recommendation(of(cheap, quick, pace="gemini-2.5-flash"))[1:] == [
        "If waiting matters more, take parallel: 4.00 s on the critical path instead of 10.00 s "
        "over all 2 conversations, for $0.0200, 1,000 tokens."
    ]
    # The times of a model that answers at once are noise.
    assert len(write_recommendation(of(cheap, quick))) == 1


def test_of_those_who_wait_about_as_little_the_cheapest_is_named():
    cheap, dear = figures("transfer", seconds=10), figures("parallel", dollars=0.9, seconds=4)
    close = figures("coordinator", dollars=0.5, seconds=4.1)

    told = write_recommendation(of(cheap, dear, close, pace="gemini-2.5-flash"))

    assert told[1].startswith("If waiting matters more, take coordinator: 4.10 s")


def test_a_wait_that_hardly_differs_is_not_named():
    close = figures("b", dollars=1, seconds=9.6)

    assert len(write_recommendation(of(figures("a"), close, pace="gemini-2.5-flash"))) == 1


def test_the_cheapest_that_keeps_specialists_apart_is_named():
    cheap = figures("transfer")
    apart = figures("task", dollars=0.03, shown="request")
    cheaper = figures("agent_tool", dollars=0.02, shown="request", llm_calls=8)

    assert write_recommendation(of(cheap, apart, cheaper))[1:] == [
        "If specialists must receive nothing but their request, take agent_tool: $0.0200, 1,000 "
        "tokens, 8 LLM calls."
    ]


def test_who_passed_fewer_conversations_is_not_taken_however_cheap():
    cheap, fit = figures("router", dollars=0.001, failed=["two"]), figures("transfer")

    (told,) = write_recommendation(of(cheap, fit))

    assert "For conversations like these take transfer" in told
    assert "of the 1 of 2 constructs that answered 2 of 2 conversations" in told


def test_who_held_fewer_conversations_is_not_taken_for_its_smaller_sum():
    cut = figures("router", dollars=0.001, after_turns={"one": [5.0]})
    fit = figures("transfer", failed=["two"])

    (told,) = write_recommendation(of(cut, fit))

    assert "For conversations like these take transfer" in told
    assert "answered 1 of 2 conversations" in told


def test_nothing_is_recommended_where_nobody_passed():
    nobody = ["No construct answered any conversation as it asks, so none is recommended."]

    assert (
        write_recommendation(of(figures("a", failed=ASKED), figures("b", failed=ASKED))) == nobody
    )
    assert write_recommendation(of()) == nobody


def test_of_equals_the_first_is_taken_and_no_other_named():
    (told,) = write_recommendation(of(figures("b"), figures("a")))

    assert told.startswith("For conversations like these take b ")


def test_one_construct_is_no_choice():
    assert write_recommendation(of(figures("transfer"))) == [
        "Only transfer was run, so there is nothing to choose between."
    ]


def test_tokens_decide_where_a_price_is_unknown():
    known = figures("a", dollars=0.9, input_tokens=400)
    unknown = figures("b", dollars=None, input_tokens=300)

    assert write_recommendation(of(known, unknown))[0].startswith(
        "For conversations like these take b "
    )
    assert (
        "(400 tokens, 5 LLM calls over all 2 conversations)"
        in write_recommendation(of(known, unknown))[0]
    )


def test_what_was_not_checked_is_not_said_to_be_answered_as_asked():
    unchecked = [figures(name, pass_k=None) for name in ("a", "b")]

    (told,) = write_recommendation(of(*unchecked))

    assert "completed 2 of 2 conversations (no answer was checked), it costs" in told


@pytest.mark.parametrize(
    ("kind", "start"),
    [
        ("controlled", "Controlled: the same stated decisions"),
        ("offline", "Offline: a model that is no language model routes by likeness"),
        ("live", "Live: a real model's behaviour"),
        ("mixed", "Live runs and runs without a key are mixed"),
    ],
)
def test_the_first_caveat_says_what_kind_of_model_it_was(kind, start):
    assert write_caveats(of(figures("a"), kind=kind))[0].startswith(start)


def test_times_of_a_pace_are_projected_or_slept():
    projected = write_caveats(of(pace="gemini-2.5-flash"))[1]
    slept = write_caveats(of(pace="gemini-2.5-flash", slept=True))[1]

    assert projected.startswith("LLM time and critical path are projected")
    assert "as long as gemini-2.5-flash takes" in projected
    assert slept.startswith("Every model call slept as long as gemini-2.5-flash takes")
    assert not any("slept" in told or "projected" in told for told in write_caveats(of()))


def test_costs_are_somebody_elses_or_unknown():
    def costs(dollars, **setting):
        told = write_caveats(of(figures("a", dollars=dollars), **setting))
        return [sentence for sentence in told if sentence.startswith("Costs")]

    assert costs(0.1, price_model="gemini") == ["Costs are planned tokens at the price of gemini."]
    assert costs(0.1, price_model="gemini", kind="offline") == [
        "Costs are the offline model's tokens at the price of gemini."
    ]
    assert costs(0.1, price_model="gemini", kind="live") == [
        "Costs are tokens at the price of gemini."
    ]
    assert costs(None, price_model="gemini") == [
        "Costs are unknown: LiteLLM's table is missing or has no price for gemini."
    ]
    assert costs(None) == [
        "Costs are unknown: LiteLLM's table is missing or has no price for a model."
    ]
    assert costs(0.1) == []


def test_trials_conversations_releases_and_models_are_counted():
    assert "1 trial of each of 2 conversations; google-adk 2.13.0; model offline." in write_caveats(
        of()
    )
    assert "3 trials of one conversation; google-adk 2.13.0; model offline." in write_caveats(
        of(trials=3, conversations=["one"])
    )


def test_what_adk_advises_against_and_what_was_not_run_is_told():
    told = write_caveats(
        of(
            figures("agent_tool"),
            figures("task"),
            skipped={"loop": "the lead has a callback."},
            left_out=["a planner."],
            stopped="the budget of 10 calls was spent",
        )
    )

    assert told[2:] == [
        f"agent_tool: {DEPRECATIONS['agent_tool']}.",
        "loop could not be wired: the lead has a callback.",
        "Not rewired: a planner.",
        "Not all runs were made: the budget of 10 calls was spent.",
    ]


def test_a_winner_that_adk_advises_against_has_its_next_best_named():
    cheap, current = figures("mixed", dollars=0.01), figures("single_turn", dollars=0.02)

    told = write_recommendation(of(cheap, current))

    assert told[-1] == (
        "To avoid what ADK advises against (it calls with AgentTool, in "
        "whose place ADK advises mode='single_turn'), take single_turn: $0.0200, 1,000 tokens, "
        "5 LLM calls."
    )


def test_a_comparison_that_was_stopped_recommends_nothing():
    told = write_recommendation(of(figures("a"), figures("b"), stopped="the budget is spent"))

    assert told == ["No recommendation, because not all runs were made."]


def test_a_construct_that_lost_the_leads_tools_is_not_taken_unless_its_answers_were_checked():
    lost = {"router": ["quote"]}
    cheap, dear = (
        figures("router", dollars=0.01, pass_k=None),
        figures("task", dollars=0.02, pass_k=None),
    )
    checked = figures("router", dollars=0.01), figures("task", dollars=0.02)

    assert "take task" in write_recommendation(of(cheap, dear, lost_tools=lost))[0]
    assert "take router" in write_recommendation(of(*checked, lost_tools=lost))[0]
    told = "Nobody has the lead's own tools (quote) under router."
    assert told in write_caveats(of(*checked, lost_tools=lost))
