"""The desk is asked, keylessly: it gives the right figure or none, and asks back or refuses."""

from collections import Counter
from pathlib import Path

import pytest

from adk_flow.models.request.words import NEUTRAL
from benchmarks.sureness import outcomes, table
from tests.models.offline.hand import TALKS

PAGE = Path(__file__).parents[3] / "docs" / "offline.md"


async def turns_of(construct):
    told = [(talk, await outcomes(construct, talk)) for talk in TALKS]
    return [turn for talk, found in told for turn in zip(talk, found, strict=True)]


@pytest.mark.parametrize("construct", ["single_agent", "transfer", "agent_tool", "mixed"])
async def test_no_figure_is_wrong_and_most_that_are_stated_in_full_are_given(construct):
    turns = await turns_of(construct)

    assert [asked.say for asked, outcome in turns if outcome == "wrong"] == []
    whole = Counter(outcome for asked, outcome in turns if asked.is_whole and asked.figure)
    assert len(turns) >= 60
    assert whole.total() >= 30
    assert whole["right"] >= whole.total() / 2
    if construct == "mixed":
        assert table(turns) in PAGE.read_text("utf-8")


def test_the_list_of_words_that_change_no_figure_is_short():
    assert len(NEUTRAL) <= 100
    assert not NEUTRAL & {"not", "no", "only", "more", "less", "need", "must", "another", "or"}
