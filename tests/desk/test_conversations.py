"""The conversations that constructs are compared on, held with the desk on the offline model."""

import os
from pathlib import Path

import pytest

from adk_flow.run.conversation_run import ConversationRun, run_conversation
from adk_flow.scenario.conversation import read_conversation
from adk_flow.wiring import CONSTRUCTS

FOLDER = Path(__file__).parents[2] / "conversations"
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))

CALLS = {
    "single_agent": [2, 4],
    "transfer": [3, 5],
    "agent_tool": [4, 8],
    "agent_tool_skip_summarization": [3, 6],
    "mixed": [3, 5],
    "single_turn": [4, 8],
    "task": [4, 8],
    "router": [3, 6],
    "coordinator": [4, 8],
}
"""Model calls after the question, and after its follow-up, each answered with one tool call."""

"""Those without specialists, so that none can take part."""

LAST = {"sequential", "loop"}
"""The last stage has the last word, and it is Pension: what the stages before said is not in it."""

FAILED = {
    "one_question": LAST,
    "follow_up": LAST,
    "five_follow_ups": LAST,
    "three_topics": LAST,
    # A router has one specialist for the whole message.
    "two_in_one_message": {"router", *LAST},
    "three_in_one_message": {"router", *LAST},
    # A router must choose a specialist, and a stage is a specialist: each knows but its own field.
    # The other two could do better with a language model: the coordinator's lead is asked to answer
    # in its own words, and a candidate, being a node, is not told that it leads.
    "out_of_scope": {"router", "coordinator", "best_of_n", *LAST},
    # A node is not shown what other nodes said in the turn before, not even the coordinator's
    # dispatching lead what it said itself when summing up.
    "needs_another": {"router", "coordinator", "parallel", *LAST},
}
"""Which constructs fail a check of an answer, other than for want of specialists."""

_held: dict[tuple[str, str], ConversationRun] = {}


@pytest.fixture
def talk(tmp_path_factory):
    os.environ["MODEL_NAME"] = "offline"
    from constructs.desk import desk

    async def held(construct: str, name: str) -> ConversationRun:
        """Holds a conversation once for all tests."""
        if (construct, name) not in _held:
            log = tmp_path_factory.mktemp(construct) / "log.jsonl"
            conversation = read_conversation(FOLDER / f"{name}.yaml")
            _held[construct, name] = await run_conversation(desk(construct), conversation, file=log)
        return _held[construct, name]

    return held


@pytest.mark.parametrize("construct", CALLS)
async def test_a_follow_up_costs_what_the_construct_makes_it_cost(construct, talk):
    held = await talk(construct, "follow_up")

    assert _running([turn.llm_calls for turn in held.turns]) == CALLS[construct]
    assert [turn.tool_calls for turn in held.turns] == [1, 1]


@pytest.mark.parametrize(
    ("construct", "calls"),
    [
        ("single_agent", [2, 4, 6, 8, 10, 12]),
        ("transfer", [3, 5, 7, 9, 11, 13]),
        ("agent_tool", [4, 8, 12, 16, 20, 24]),
        ("agent_tool_skip_summarization", [3, 6, 9, 12, 15, 18]),
        ("router", [3, 6, 9, 12, 15, 18]),
    ],
)
async def test_a_transfer_is_paid_once_and_a_call_with_every_follow_up(construct, calls, talk):
    held = await talk(construct, "five_follow_ups")

    assert _running([turn.llm_calls for turn in held.turns]) == calls


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("construct", CONSTRUCTS)
async def test_the_answers_hold_what_they_must_or_the_table_says_why_not(construct, name, talk):
    held = await talk(construct, name)

    failed = [check for turn in held.failed_checks for check in turn]
    idle = [check for check in failed if check.endswith("took no part")]
    asked_for = [
        agent
        for turn in read_conversation(FOLDER / f"{name}.yaml").turns
        for agent in turn.specialists
    ]
    assert held.faults == 0
    assert not any(turn.failed for turn in held.turns)
    assert bool(set(failed) - set(idle)) == (construct in FAILED[name]), failed
    if construct == "router" and name in ("two_in_one_message", "three_in_one_message"):
        assert len(idle) == len(asked_for) - 1
    else:
        assert not idle


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("one_question", [10_000 * 1.05**10]),
        ("follow_up", [10_000 * 1.05**10, 10_000 * 1.05**20]),
        (
            "five_follow_ups",
            [
                10_000 * 1.05**10,
                10_000 * 1.05**20,
                10_000 * 1.04**20,
                15_000 * 1.04**20,
                15_000 * 1.04**30,
                20_000 * 1.03**30,
            ],
        ),
        # 2% from £125,000 and 5% from £250,000; relief of 20% + 20%, all of it in the higher band.
        ("two_in_one_message", [125_000 * 0.02 + 180_000 * 0.05, 5_000 * 0.6]),
        (
            "three_in_one_message",
            [
                250_000 * 0.00375 / (1 - 1.00375**-300),
                10_000 * 1.05**10,
                5_000 * 0.6,
            ],
        ),
        (
            "needs_another",
            [
                250_000 * 0.00375 / (1 - 1.00375**-300),
                sum(1389.58 * 1.05 ** (month / 12) for month in range(300)),
            ],
        ),
    ],
)
def test_the_figures_asked_for_are_right(name, expected):
    turns = read_conversation(FOLDER / f"{name}.yaml").turns

    assert [near.value for turn in turns for near in turn.numbers] == [
        pytest.approx(figure, abs=0.01) for figure in expected
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_canary_is_in_what_the_user_says_or_in_a_figure_asked_for(name):
    conversation = read_conversation(FOLDER / f"{name}.yaml")
    said = " ".join(turn.say for turn in conversation.turns)
    values = [near.value for turn in conversation.turns for near in turn.numbers]
    figures = {f"{value:,.2f}".removesuffix(".00") for value in values}

    for canary in conversation.planted.values():
        assert canary.text in said or canary.text in figures


def _running(calls: list[int]) -> list[int]:
    return [sum(calls[: number + 1]) for number in range(len(calls))]
