"""Answers of called agents that nobody told the user."""

import pytest

from adk_flow.models.scripted import call
from tests.doubles.findings import BOTH, desk, found, hooks

ANSWER = "The monthly repayment comes to £1,043.29 over 25 years."


def relaying(*said, funds=(), **options):
    script = {"Root": [call("Loans", request="Cost?"), *said], "Loans": [ANSWER], "Funds": funds}
    return desk(script, **({"as_tools": True} | options))


async def test_an_answer_that_the_user_read_itself_is_not_untold(tmp_path):
    root = relaying("Please ask somebody else.", as_tools=False, mode="single_turn")

    _, none = await found(root, ["What does it cost?"], tmp_path, "unrelayed_answer")

    assert none == []


async def test_a_reply_without_any_of_an_answers_figures_leaves_it_untold(tmp_path):
    root = relaying("Please ask somebody else.")

    flow, (one,) = await found(root, ["What does it cost?"], tmp_path, "unrelayed_answer")

    assert one.text == (
        "Loans answered Root, but the replies hold none of its 2 figures and almost none of its "
        "words."
    )
    assert one.agents == ("Loans", "Root")
    assert hooks(flow, one) == ["after_tool:Root", "event:Root", "after_run:Root"]


async def test_a_turn_that_ends_without_a_reply_leaves_an_answer_untold(tmp_path):
    _, (one,) = await found(relaying(""), ["?"], tmp_path, "unrelayed_answer")

    assert one.text == "Loans answered Root, but the turn ended without a reply."
    assert one.level == "serious"


async def test_a_call_that_failed_without_a_word_is_told(tmp_path):
    root = desk({"Root": [BOTH[0]], "Loans": [RuntimeError("no")]}, as_tools=True)

    flow, (one,) = await found(root, ["?"], tmp_path, "unrelayed_answer")

    assert one.text == (
        "Root got no answer from Loans: its call failed and the turn ended without a reply."
    )
    assert hooks(flow, one) == ["tool_error:Root", "run_error:Root"]


@pytest.mark.parametrize(
    "said",
    [
        ["About £1,040 a month."],
        ["Ihre monatliche Rate: 1,043.29"],
        ["Every repayment is monthly, over many years."],
        [call("Funds", request="Is £1,043 a month dear?"), "Dear."],
    ],
)
async def test_an_answer_told_in_other_words_or_used_is_relayed(said, tmp_path):
    root = relaying(*said, funds=["Dear."])

    assert (await found(root, ["?"], tmp_path, "unrelayed_answer"))[1] == []


@pytest.mark.parametrize("texts", ["none", "preview"])
async def test_without_words_an_answer_with_a_reply_is_never_called_untold(texts, tmp_path):
    root = relaying("No. " * 200)

    assert (await found(root, ["?"], tmp_path, "unrelayed_answer", capture=texts))[1] == []
