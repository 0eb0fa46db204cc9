"""Runs compared: means and sums, winners, pass^k, what specialists receive, and costs."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from adk_flow.analysis import pricing
from adk_flow.analysis.latency import LatencyProfile
from adk_flow.analysis.metrics import TurnMetrics, summed
from adk_flow.analysis.run_metrics import (
    AS_IS,
    ONE_BY_ONE,
    RunMetrics,
    measure_run,
    shown_to_specialists,
)
from adk_flow.analysis.trace import Trace
from adk_flow.analysis.visibility import Exposure, Visibility
from adk_flow.comparison.aggregate import (
    Setting,
    compare_runs,
    estimate_pass_k,
    wilson_interval,
)
from adk_flow.comparison.recommend import write_caveats
from adk_flow.models.scripted import Scripted, call
from tests.doubles.flow import agent, record

PACE = LatencyProfile("test", call_milliseconds=1000, token_milliseconds=10)
PRICED = "gpt-4o-mini"


def made(construct="a", conversation="c", calls=(1,), **changes) -> RunMetrics:
    """A run of one specialist that took so many LLM calls in each turn, of 10 tokens each."""
    turns = [
        TurnMetrics(turn=number, llm_calls=count, input_tokens=10 * count, complete=True)
        for number, count in enumerate(calls, start=1)
    ]
    defaults = {"specialists": [["Loans"]] * len(calls), "visibility": visibility_of()}
    return RunMetrics(
        construct=construct,
        conversation=conversation,
        turns=turns,
        **{"total": summed(turns), **defaults, **changes},
    )


def visibility_of(*sights: Exposure, agents=("Root",), reason="") -> Visibility:
    return Visibility(
        agents=list(agents),
        canaries=[],
        unseen=[],
        sights=list(sights),
        leaks=[],
        crossings=[],
        unknown_reason=reason,
    )


def winners_of(*runs: RunMetrics, figure="LLM calls") -> dict[tuple[str, int], list[str]]:
    winners = compare_runs(runs, Setting()).winners
    return {(one.axis, one.point): one.constructs for one in winners if one.figure == figure}


def test_the_winner_changes_where_the_sums_cross():
    """A pays 5 once and 1 a turn; b pays 3 a turn: 5, 6, 7 against 3, 6, 9."""
    dear_first, even = made("a", calls=(5, 1, 1)), made("b", calls=(3, 3, 3))

    assert winners_of(dear_first, even) == {
        ("follow-ups", 0): ["b"],
        ("follow-ups", 1): ["a", "b"],
        ("follow-ups", 2): ["a"],
    }


def test_topics_are_counted_in_a_message_of_its_own_conversation():
    one, three = made("a"), made("a", "d", specialists=[["Loans", "Funds", "Taxes"]])

    assert winners_of(one, three) == {
        ("topics in one message", 1): ["a"],
        ("topics in one message", 3): ["a"],
    }


def test_a_construct_that_failed_the_dear_conversation_does_not_look_cheap():
    cheap, dear = made("a", "cheap", calls=(2,)), made("a", "dear", calls=(8,))
    rival = made("b", "cheap", calls=(3,))
    failed = made("b", "dear", calls=(9,), failed_checks=[["lacks"]])

    assert winners_of(cheap, dear, rival, failed)["topics in one message", 1] == ["a"]


def test_another_specialist_is_no_follow_up():
    assert not winners_of(made(calls=(1, 1), specialists=[["Loans"], ["Funds"]]))
    assert not winners_of(made(specialists=[]))
    assert not winners_of(made(failed_checks=[["lacks"]]))


def test_trials_are_averaged_and_conversations_added_up():
    runs = [made(calls=(2, 1)), made(calls=(4,), trial=2), made(conversation="d", calls=(10,))]

    (figures,) = compare_runs(runs, Setting()).constructs

    assert figures.llm_calls == 3.5 + 10
    assert figures.input_tokens == 35 + 100
    assert figures.after_turns == {"c": [3, 3], "d": [10]}
    assert figures.parallelism is None
    assert (figures.pass_k, figures.pass_interval) == (None, None)
    assert (figures.checked_runs, figures.passed_runs) == (0, None)


def test_pass_k_takes_the_most_trials_that_every_conversation_has():
    """Of c 3 of 4 passed, of d both: pass^2 is (3/6 + 1) / 2."""
    failing = {"failed_checks": [["lacks"]], "checked": True}
    runs = [made(checked=True, trial=trial) for trial in (1, 2, 3)]
    runs += [made(**failing, trial=4)]
    runs += [made(conversation="d", checked=True, trial=trial) for trial in (1, 2)]
    runs += [made(conversation="unchecked")]
    runs = [replace(run, controlled=False) for run in runs]

    (figures,) = compare_runs(runs, Setting()).constructs

    assert figures.pass_k == 0.75
    assert figures.pass_interval == wilson_interval(0.75, 2)
    assert figures.failed_conversations == ["c"]
    assert (figures.checked_runs, figures.passed_runs) == (6, 5)

    (controlled,) = compare_runs(
        [replace(run, controlled=True) for run in runs], Setting()
    ).constructs
    assert controlled.pass_interval is None  # the same decisions again are no sample


@pytest.mark.parametrize(
    ("trials", "passed", "k", "chance"),
    [(5, 3, 2, 3 / 10), (5, 3, 1, 3 / 5), (5, 1, 2, 0), (4, 4, 4, 1), (8, 6, 3, 20 / 56)],
)
def test_pass_k_is_the_share_of_draws_in_which_all_pass(trials, passed, k, chance):
    assert estimate_pass_k(trials, passed, k) == pytest.approx(chance)


@pytest.mark.parametrize(
    ("share", "number", "low", "high"),
    [
        (0.5, 10, 0.2366, 0.7634),
        (81 / 263, 263, 0.2553, 0.3662),  # Newcombe 1998, table I
        (15 / 148, 148, 0.0624, 0.1605),
        (0 / 20, 20, 0.0000, 0.1611),
        (1 / 29, 29, 0.0061, 0.1718),
        (1, 10, 0.7225, 1),
    ],
)
def test_wilsons_interval_agrees_with_published_values(share, number, low, high):
    assert wilson_interval(share, number) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("sights", "shown"),
    [
        ([], "request"),
        ([("Loans", "Root", "request")], "request"),
        ([("Root", "Loans", "words")], "request"),
        ([("Loans", "user", "words")], "user"),
        ([("Loans", "user", "words"), ("Loans", "Funds", "tool")], "others"),
    ],
)
def test_what_a_specialist_is_shown_counts_and_not_what_the_lead_is(sights, shown):
    found = [Exposure(who, source, kind, 0, 1) for who, source, kind in sights]
    isolated = visibility_of(*found, agents=("Root", "Loans"))

    for team in (["Loans"], []):
        (figures,) = compare_runs([made(visibility=isolated, team=team)], Setting()).constructs
        assert figures.shown == shown


def test_a_log_without_words_does_not_tell_what_was_shown():
    runs = [made(), made(conversation="d", visibility=visibility_of(reason="texts=none"))]

    assert compare_runs(runs, Setting()).constructs[0].shown == "unknown"


def test_the_kind_is_controlled_offline_live_or_mixed():
    live, offline = made(controlled=False), made(controlled=False, offline=True)

    assert compare_runs([made()], Setting()).kind == "controlled"
    assert compare_runs([made(), offline], Setting()).kind == "offline"
    assert compare_runs([live], Setting()).kind == "live"
    assert compare_runs([offline, live], Setting()).kind == "mixed"
    assert compare_runs([made(), live], Setting()).kind == "mixed"


async def trace_of_two_calls(folder: Path) -> Trace:
    """A lead that calls a function, then answers."""

    def rate() -> str:
        """Tells the rate."""
        return "5%"

    model = Scripted(script={"Root": [call("rate"), "It is 5%."]})
    return (await record(agent("Root", model, tools=[rate]), ["Rate?"], folder)).trace


async def test_a_projected_critical_path_adds_up_what_each_call_takes_at_that_pace(tmp_path):
    trace = await trace_of_two_calls(tmp_path)

    run = measure_run(trace, construct="a", conversation="c", pace=PACE)

    (spans,) = run.spans
    first, tool, second = spans
    assert [span.kind for span in spans] == ["model", "tool", "model"]
    by_hand = sum(1_000_000 + 10_000 * (span.output_tokens or 0) for span in (first, second))
    assert run.total.llm_microseconds == by_hand
    assert run.total.critical_path_microseconds == by_hand + tool.took
    assert run.critical == [[0, 1, 2]]


async def test_tokens_are_priced_at_the_models_price(tmp_path, monkeypatch):
    monkeypatch.setattr(pricing, "_OWN", {})
    own = tmp_path / "prices.yaml"
    own.write_text("priced by the test: {input: 2, output: 5}")
    pricing.use_prices(own)
    trace = await trace_of_two_calls(tmp_path)

    run = measure_run(trace, construct="a", conversation="c", price_model="priced by the test")

    tokens = (run.total.input_tokens or 0, run.total.output_tokens or 0)
    assert min(tokens) > 0
    assert run.dollars == pytest.approx(2e-6 * tokens[0] + 5e-6 * tokens[1])


async def test_a_model_without_a_price_has_no_cost(tmp_path):
    trace = await trace_of_two_calls(tmp_path)
    run = measure_run(trace, construct="a", conversation="c")
    known = measure_run(trace, construct="a", conversation="d", price_model=PRICED)

    (figures,) = compare_runs([known, run], Setting()).constructs

    assert run.dollars is None
    assert figures.dollars is None


async def test_logs_of_no_known_conversation_are_compared_all_the_same(tmp_path):
    trace = await trace_of_two_calls(tmp_path)

    run = measure_run(trace, construct="mine", conversation="")

    (figures,) = compare_runs([run], Setting()).constructs
    assert (run.checked, run.specialists, run.passed) == (False, [], True)
    assert (figures.llm_calls, figures.tool_calls, figures.pass_k) == (2, 1, None)
    assert (figures.shown, figures.after_turns) == ("one agent", {"": [2]})
    assert compare_runs([run], Setting()).winners == []
    assert (run.app, run.model, run.controlled) == ("app", "scripted", True)


def test_follow_ups_are_compared_within_the_longest_conversation_only():
    """A short conversation would change the winner at the points that it has."""
    short = [made("a", "short", calls=(9, 9), specialists=[["Loans"]] * 2)]
    long = [
        made(name, "long", calls=calls, specialists=[["Loans"]] * 3)
        for name, calls in {"a": (2, 2, 2), "b": (1, 2, 4)}.items()
    ]

    found = winners_of(*short, *long)

    assert [found["follow-ups", number] for number in (0, 1, 2)] == [["b"], ["b"], ["a"]]


@pytest.mark.parametrize(
    ("construct", "shown"),
    [("single_agent", "one agent"), (AS_IS, "not asked"), (ONE_BY_ONE, "not asked")],
)
def test_one_agent_alone_may_be_one_of_several_that_the_owner_wired(construct, shown):
    assert shown_to_specialists(made(construct)) == shown


def test_why_a_turn_failed_is_a_caveat():
    failed = TurnMetrics(turn=1, failed=True, error="KeyError: 'blog_outline'", complete=True)
    broken = made("task", "blog", total=failed)

    told = write_caveats(compare_runs([made("transfer", "blog"), broken], Setting()))

    assert "task in blog: a turn failed: KeyError: 'blog_outline'" in told
