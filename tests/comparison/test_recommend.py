"""What a comparison recommends, and what it warns of, over figures made by hand."""

from typing import Literal

import pytest

from adk_flow.analysis.run_metrics import Shown
from adk_flow.comparison.aggregate import Comparison, ConstructMetrics, Setting
from adk_flow.comparison.evidence import Gap
from adk_flow.comparison.recommend import DEPRECATIONS, write_caveats, write_recommendation

ASKED = ["one", "two"]


def gaps(*conversations) -> dict[str, Gap]:
    return {name: Gap("unmet", "an answer lacks what was asked for") for name in conversations}


def figures(
    construct, dollars: float | None = 0.01, shown: Shown = "others", seconds=10.0, **changes
) -> ConstructMetrics:
    """A construct that had both conversations, and passed the checks of each."""
    defaults = {
        "llm_calls": 5,
        "input_tokens": 900,
        "output_tokens": 100,
        "pass_k": 1.0,
        "after_turns": {name: [5.0] for name in ASKED},
        "failed_conversations": [],
    }
    return ConstructMetrics(
        construct=construct,
        dollars=dollars,
        critical_path_seconds=seconds,
        shown=shown,
        **{**defaults, **changes},
    )


def of(
    *constructs: ConstructMetrics,
    kind: Literal["controlled", "offline", "live", "mixed"] = "controlled",
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


PACE = "gemini-2.5-flash"


def test_the_cheapest_is_taken_on_the_condition_of_what_its_specialists_receive():
    dear, cheap = figures("task", dollars=0.02), figures("transfer", dollars=0.01)

    assert write_recommendation(of(dear, cheap)) == [
        "For conversations like these take transfer if specialists may receive messages of the "
        "user and of other agents: of the 2 constructs that answered 2 of 2 conversations as "
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
def test_each_context_is_a_condition_of_its_own(shown, condition):
    (first, *_) = write_recommendation(of(figures("a", shown=shown), figures("b", dollars=1)))

    assert first.startswith(f"For conversations like these take a{condition}: ")


@pytest.mark.parametrize(
    ("constructs", "alternatives"),
    [
        (
            [figures("transfer"), figures("parallel", dollars=0.02, seconds=4)],
            [
                "If waiting matters more, take parallel: 4.00 s on the critical path instead of "
                "10.00 s over all 2 conversations, for $0.0200, 1,000 tokens."
            ],
        ),
        (  # of those who wait about as little, the cheapest
            [
                figures("transfer"),
                figures("parallel", dollars=0.9, seconds=4),
                figures("coordinator", dollars=0.5, seconds=4.1),
            ],
            [
                "If waiting matters more, take coordinator: 4.10 s on the critical path instead of "
                "10.00 s over all 2 conversations, for $0.5000, 1,000 tokens."
            ],
        ),
        ([figures("a"), figures("b", dollars=1, seconds=9.6)], []),
        (
            [
                figures("transfer"),
                figures("task", dollars=0.03, shown="request"),
                figures("agent_tool", dollars=0.02, shown="request", llm_calls=8),
            ],
            [
                "If specialists must receive nothing but their request, take agent_tool: $0.0200, "
                "1,000 tokens, 8 LLM calls."
            ],
        ),
        (
            [figures("mixed"), figures("single_turn", dollars=0.02)],
            [
                "To avoid what ADK advises against (it calls with AgentTool, in whose place ADK "
                "advises mode='single_turn'), take single_turn: $0.0200, 1,000 tokens, 5 LLM calls."
            ],
        ),
        (  # the owner's own wiring calls with AgentTool too: its session lacks calls
            [
                figures("agent_tool"),
                figures("as_is", dollars=0.02, reported_llm_calls=4),
                figures("task", dollars=0.03),
            ],
            [
                "To avoid what ADK advises against (ADK's own AgentTool documentation advises "
                "mode='single_turn' in its place), take task: $0.0300, 1,000 tokens, 5 LLM calls."
            ],
        ),
        (  # ADK shows every whole text of a session
            [
                figures("router", finding_kinds={"raw_json": 3, "leak": 1}),
                figures("a", dollars=1, finding_kinds={"repeated_answer": 2}),
            ],
            ["Under router the user also reads JSON that was meant for code (3)."],
        ),
        ([figures("b"), figures("a")], []),
    ],
)
def test_another_is_named_where_waiting_isolation_or_support_matters_more(constructs, alternatives):
    assert write_recommendation(of(*constructs, pace=PACE))[1:] == alternatives


def test_times_of_a_model_that_answers_at_once_are_noise():
    assert len(write_recommendation(of(figures("a"), figures("b", dollars=1, seconds=4)))) == 1


@pytest.mark.parametrize(
    ("constructs", "words"),
    [
        (  # cheap, but passed fewer conversations
            [figures("router", 0.001, gaps=gaps("two")), figures("transfer")],
            "of the 1 of 2 constructs that answered 2 of 2 conversations as asked",
        ),
        (  # cheap, but its sum is of fewer conversations
            [
                figures("router", 0.001, after_turns={"one": [5.0]}),
                figures("transfer", gaps=gaps("two")),
            ],
            "answered 1 of 2 conversations",
        ),
        (  # cheap, but of another conversation; as many had only one
            [
                figures("router", 0.001, after_turns={"three": [1.0]}),
                figures("transfer", after_turns={"one": [5.0]}),
                figures("task", 0.02, after_turns={"one": [9.0]}),
            ],
            "of the 2 of 3 constructs that answered the conversation as asked, it costs least "
            "($0.0100, 1,000 tokens, 5 LLM calls).",
        ),
        ([figures("transfer"), figures("task")], "of the 2 constructs"),
        (  # tokens decide where a price is unknown
            [figures("a", 0.9, input_tokens=400), figures("transfer", None, input_tokens=300)],
            "(400 tokens, 5 LLM calls over all 2 conversations)",
        ),
    ],
)
def test_only_constructs_that_did_as_well_as_any_are_chosen_from(constructs, words):
    sentence, *_ = write_recommendation(of(*constructs))

    assert "For conversations like these take transfer " in sentence
    assert words in sentence


@pytest.mark.parametrize(
    ("comparison", "sentence"),
    [
        (
            of(),
            "Cannot compare: no construct answered a conversation as asked. There are no runs.",
        ),
        (
            of(*(figures(name, shown="not asked") for name in "ab")),
            "Cannot compare: no specialist was asked under any construct. What to do: state in the "
            "conversation who does what (`plan:`; `adk-flow plan` drafts it), or ask what a "
            "specialist is for.",
        ),
        (
            of(*(figures(name, None, input_tokens=None) for name in "ab")),
            "Cannot compare costs: a model reported no tokens. What to do: take a model that does, "
            "or state in the conversation who does what (`plan:`).",
        ),
        (
            of(figures("transfer")),
            "Only transfer was run, so there is nothing to choose between.",
        ),
        (
            of(figures("a"), figures("b"), stopped="the budget is spent"),
            "No recommendation, because not all runs were made.",
        ),
    ],
)
def test_nothing_is_recommended_where_there_is_no_choice(comparison, sentence):
    assert write_recommendation(comparison) == [sentence]


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
    projected = write_caveats(of(pace=PACE))[1]
    slept = write_caveats(of(pace=PACE, slept=True))[1]

    assert projected.startswith("LLM time and critical path are projected")
    assert f"as long as {PACE} takes" in projected
    assert slept.startswith(f"Every model call slept as long as {PACE} takes")
    assert not any("slept" in words or "projected" in words for words in write_caveats(of()))


@pytest.mark.parametrize(
    ("dollars", "setting", "costs"),
    [
        (0.1, {"price_model": "gemini"}, ["are planned tokens at the price of gemini."]),
        (
            0.1,
            {"price_model": "gemini", "kind": "offline"},
            ["are the offline model's tokens at the price of gemini."],
        ),
        (0.1, {"price_model": "gemini", "kind": "live"}, ["are tokens at the price of gemini."]),
        (
            None,
            {"price_model": "gemini"},
            ["are unknown: the table has no price for gemini."],
        ),
        (None, {}, ["are unknown: the table has no price for a model."]),
        (0.1, {}, []),
    ],
)
def test_costs_are_somebody_elses_or_unknown(dollars, setting, costs):
    caveats = write_caveats(of(figures("a", dollars=dollars), **setting))

    assert [words[6:] for words in caveats if words.startswith("Costs")] == costs


def test_trials_conversations_releases_and_models_are_counted():
    rest = "google-adk 2.13.0; model offline."

    assert f"1 trial of each of 2 conversations; {rest}" in write_caveats(of())
    assert f"3 trials of one conversation; {rest}" in write_caveats(
        of(trials=3, conversations=["one"])
    )


def test_what_adk_advises_against_and_what_was_not_run_is_a_caveat():
    caveats = write_caveats(
        of(
            figures("agent_tool"),
            figures("task"),
            skipped={"loop": "the lead has a callback.", "skills": "No.", "remote": "No."},
            notes=["Not rewired: a planner."],
            stopped="the budget of 10 calls was spent",
        )
    )

    assert caveats[2:] == [
        f"agent_tool: {DEPRECATIONS['agent_tool']}.",
        "loop could not be wired: the lead has a callback.",
        "skills and remote could not be wired: No.",
        "Not rewired: a planner.",
        "Not all runs were made: the budget of 10 calls was spent.",
    ]


@pytest.mark.parametrize(("pass_k", "chosen"), [(None, "task"), (1.0, "router")])
def test_a_construct_that_lost_the_leads_tools_is_taken_only_if_its_answers_were_checked(
    pass_k, chosen
):
    constructs = figures("router", pass_k=pass_k), figures("task", dollars=0.02, pass_k=pass_k)
    comparison = of(*constructs, incomplete={"router": "nobody has a tool"})

    assert f" {chosen} if specialists" in write_recommendation(comparison)[0]


@pytest.mark.parametrize(
    ("constructs", "parts"),
    [
        (
            [figures("a", pass_k=None), figures("b", 1, pass_k=None)],
            ["The cheapest that ran is a if ", "; no answer was checked."],
        ),
        ([figures("b"), figures("a"), figures("c", 1)], ["; b and a cost the same."]),
        (
            [figures("task", None), figures("transfer", None, input_tokens=901)],
            ["take task", "it takes fewest tokens, costs being unknown (1,000 tokens"],
        ),
    ],
)
def test_the_first_sentence_says_what_it_rests_on(constructs, parts):
    first, *_ = write_recommendation(of(*constructs))

    assert [part for part in parts if part not in first] == []


def test_constructs_that_had_other_conversations_are_counted():
    told = write_caveats(of(figures("a"), figures("b"), figures("c", after_turns={"one": [5.0]})))

    assert "Not chosen from: 1 of 3 constructs, which had other conversations." in told


def test_a_construct_that_answered_most_but_not_all_comes_with_a_warning():
    _, warning = write_recommendation(of(*(figures(name, gaps=gaps("two")) for name in "ab")))

    assert warning == (
        "Beware: no construct answered more than 1 of 2 conversations; those named here did not "
        "answer two."
    )
