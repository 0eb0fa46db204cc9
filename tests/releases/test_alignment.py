"""ADK releases side by side: what is told of them."""

from adk_flow.analysis.metrics import TurnMetrics
from adk_flow.models.scripted import Scripted, call, transfer
from adk_flow.releases.alignment import align_releases
from adk_flow.releases.hook_trace import HookCall, read_hook_calls
from adk_flow.releases.runner import ReleaseRun
from adk_flow.releases.worker import Outcome
from adk_flow.render.releases import (
    describe_differences,
    releases_to_data,
    releases_to_markdown,
)
from tests.doubles.flow import agent, record
from tests.releases.faked import UNTOLD


def laid(**lines):
    """Lays releases beside each other that fired what the lines of each say."""
    outcome = Outcome(root="Root", kind="LlmAgent")
    ran = [
        ReleaseRun(
            name.replace("_", ".").strip("v"),
            outcome,
            [fired(line) for line in text.splitlines() if line.strip()],
        )
        for name, text in lines.items()
    ]
    return align_releases("desk", 1, ran)


def fired(line):
    named, _, about = line.strip().partition(": ")
    turn, hook, agent_name = named.split(" ")
    return HookCall(int(turn), hook, agent_name, about)


NESTED = """
    1 before_agent Root
    1 event Root: hands over to Savings
    1 before_agent Savings
    1 event Savings: final
    1 after_agent Savings
    1 after_agent Root
"""
FLAT = NESTED.replace("    1 after_agent Root\n", "")


def test_releases_alike_have_no_difference():
    beside = laid(v1_0_0=NESTED, v1_1_0=NESTED)

    assert list(describe_differences(beside)) == []
    assert "None." in releases_to_markdown(beside, "adk-flow")


def test_an_agent_that_is_no_longer_told_its_end_is_named_first():
    beside = laid(v1_39_1=NESTED, v2_0_0=FLAT, v2_13_0=FLAT)

    assert list(describe_differences(beside)) == [f"2.0.0 on: {UNTOLD} (turn 1)"]
    told = "under an LlmAgent root, Root gets after_agent after it transfers away"
    assert f"| {told} | 1 | yes | no | no |" in releases_to_markdown(beside, "adk-flow")


def test_a_hook_that_never_fires_is_named_once():
    before = NESTED + "1 after_run Root\n2 after_run Root\n"

    told = list(describe_differences(laid(v1_0_0=before, v2_0_0=NESTED, v3_0_0=before)))

    assert told == ["2.0.0: after_run never fires"]


def test_what_comes_elsewhere_and_what_is_told_otherwise_is_named():
    turned = FLAT.replace("    1 before_agent Savings\n", "").replace(
        "    1 after_agent Savings\n", "    1 after_agent Savings\n    1 before_agent Savings\n"
    )
    other = FLAT.replace("event Savings: final", "event Savings: final, writes seen")

    assert list(describe_differences(laid(v1_0_0=FLAT, v2_0_0=turned))) == [
        "2.0.0: before_agent Savings comes right after “after_agent Savings”, not “event Root: "
        "hands over to Savings” (turn 1)"
    ]
    assert list(describe_differences(laid(v1_0_0=FLAT, v2_0_0=other))) == [
        "2.0.0: event of Savings is “final, writes seen”, not “final” (turn 1)"
    ]


def test_what_a_conversation_takes_is_laid_side_by_side():
    outcome, same = Outcome(root="Root", kind="LlmAgent"), [fired("1 after_run Root")]
    taken = {"1.0.0": 2400, "2.0.0": 2400, "2.1.0": 4002}
    ran = [
        ReleaseRun(release, outcome, same, TurnMetrics(turn=0, llm_calls=3, input_tokens=tokens))
        for release, tokens in taken.items()
    ]

    beside = align_releases("desk", 1, ran)

    assert list(describe_differences(beside)) == ["2.1.0: input tokens are “4,002”, not “2,400”"]
    assert releases_to_data(beside)["figures"]["LLM calls"] == dict.fromkeys(taken, 3)
    page = releases_to_markdown(beside, "adk-flow")
    assert "| input tokens are |  | 2,400 | 2,400 | 4,002 |" in page
    assert "| LLM calls | 3 | 3 | 3 |" in page


def test_what_fires_more_often_and_in_several_turns_is_counted():
    twice = FLAT.replace(
        "1 event Savings: final\n", "1 event Savings: final\n1 event Savings: final\n"
    )
    again = [text + text.replace("1 ", "2 ") for text in (NESTED, FLAT)]

    assert list(describe_differences(laid(v1_0_0=FLAT, v2_0_0=twice))) == [
        "2.0.0: Savings gets event (final) “twice”, not “once” (turn 1)"
    ]
    assert list(describe_differences(laid(v1_0_0=again[0], v2_0_0=again[1]))) == [
        f"2.0.0: {UNTOLD} (turns 1 and 2)"
    ]


async def test_the_firings_of_a_log_are_told_with_what_they_are_about(tmp_path):
    model = Scripted(script={"Root": [transfer("Savings")], "Savings": [call("look"), "s"]})

    def look() -> str:
        """Looks."""
        return "5%"

    root = agent("Root", model, sub_agents=[agent("Savings", model, tools=[look])])
    told = read_hook_calls((await record(root, ["?"], tmp_path)).log.records)

    assert [one.words for one in told if one.hook in ("event", "before_tool")] == [
        "event Root: calls transfer_to_agent",
        "before_tool Root: transfer_to_agent",
        "event Root: hands over to Savings",
        "event Savings: calls look",
        "before_tool Savings: look",
        "event Savings: brings results",
        "event Savings: final",
    ]
    assert {one.turn for one in told} == {1}
