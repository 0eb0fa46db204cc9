"""The conversations that constructs are compared on, held with the desk: their plans are played."""

import os
from pathlib import Path

import pytest

from adk_flow.log.reader import read_log
from adk_flow.record.secrets import MASK
from adk_flow.run.conversation_run import ConversationRun, run_conversation
from adk_flow.scenario.conversation import read_conversation
from adk_flow.wiring import CONSTRUCTS

FOLDER = Path(__file__).parents[2] / "conversations"
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))

CALLS = {
    "single_agent": ([2, 4], 2),
    "advisor": ([4, 6], 4),
    "skills": ([3, 5], 3),
    "transfer": ([3, 5], 7),
    "agent_tool": ([4, 8], 8),
    "agent_tool_skip_summarization": ([3, 6], 7),
    "mixed": ([3, 5], 8),
    "single_turn": ([4, 8], 8),
    "task": ([4, 8], 10),
    "workflow_tool": ([6, 12], 8),
    "router": ([3, 6], 3),
    "classifier_router": ([2, 4], 2),
    "router_many": ([4, 8], 8),
    "coordinator": ([4, 8], 8),
    "sequential": ([4, 8], 6),
    "parallel": ([4, 8], 6),
    "loop": ([8, 16], 12),
    "best_of_n": ([7, 14], 7),
}
"""Model calls after the question and after its follow-up, each answered with one tool call; and for
three topics in one message. Counted by hand from what each construct is."""

LACKING = {
    "router": {"two_in_one_message", "three_in_one_message", "out_of_scope"},
    "classifier_router": {"two_in_one_message", "three_in_one_message"},
}
"""Conversations that a construct which must choose one specialist cannot answer whole. What nobody
deals with a router's lead cannot say; behind a classifier the first specialist plays its part."""

EVERYWHERE = ("follow_up", "three_in_one_message")
TALKS = [
    pytest.param(
        construct,
        name,
        marks=()
        if name in EVERYWHERE or construct in ("agent_tool", "task", *LACKING)
        else pytest.mark.environments,
    )
    for construct in CONSTRUCTS
    for name in NAMES
]
"""Every conversation under every construct: all of them take their time."""

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


@pytest.mark.parametrize("construct", ["single_agent", "transfer", "agent_tool"])
@pytest.mark.parametrize("name", ["three_topics", "five_follow_ups"])
async def test_nothing_that_the_desk_says_is_masked(construct, name, talk):
    held = await talk(construct, name)

    assert MASK not in held.log.read_text()


@pytest.mark.parametrize("construct", CONSTRUCTS)
async def test_a_turn_costs_what_the_construct_makes_it_cost(construct, talk):
    follow_up = await talk(construct, "follow_up")
    three = await talk(construct, "three_in_one_message")

    counted = _running([turn.llm_calls for turn in follow_up.turns]), three.turns[0].llm_calls
    assert counted == CALLS[construct]


@pytest.mark.parametrize(
    ("construct", "calls"),
    [
        ("single_agent", [2, 4, 6, 8, 10, 12]),
        ("skills", [3, 5, 7, 9, 11, 13]),
        ("transfer", [3, 5, 7, 9, 11, 13]),
        ("agent_tool", [4, 8, 12, 16, 20, 24]),
        ("agent_tool_skip_summarization", [3, 6, 9, 12, 15, 18]),
        ("router", [3, 6, 9, 12, 15, 18]),
    ],
)
async def test_a_transfer_is_paid_once_and_a_call_with_every_follow_up(construct, calls, talk):
    held = await talk(construct, "five_follow_ups")

    assert _running([turn.llm_calls for turn in held.turns]) == calls


@pytest.mark.parametrize(("construct", "name"), TALKS)
async def test_the_answers_hold_what_they_must_or_the_table_says_why_not(construct, name, talk):
    held = await talk(construct, name)

    failed = [check for turn in held.failed_checks for check in turn]
    assert held.faults == 0
    assert held.trace
    assert held.trace.log == read_log(held.trace.log.path)  # what is told live is what is kept
    assert not any(turn.failed for turn in held.turns)
    assert bool(failed) == (name in LACKING.get(construct, ())), failed


async def test_what_a_construct_never_offers_is_left_over_and_named(talk):
    held = await talk("router", "three_in_one_message")

    assert [check for check in held.failed_checks[0] if "left over" in check] == [
        "left over, as nobody was asked: Investment_Agent (future_value_lump_sum)",
        "left over, as nobody was asked: Pension_Agent (tax_relief)",
    ]


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
