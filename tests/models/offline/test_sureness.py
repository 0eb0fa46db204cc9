"""The desk is asked, keylessly: it gives the right figure or none, and asks back or refuses."""

from collections import Counter
from pathlib import Path

import pytest

from adk_flow.models.request.words import NEUTRAL
from benchmarks.sureness import all_outcomes, table

PAGE = Path(__file__).parents[3] / "docs" / "offline.md"


@pytest.mark.environments  # for its time: hundreds of questions
@pytest.mark.parametrize("construct", ["mixed", "single_agent", "transfer"])
async def test_no_figure_is_wrong_and_most_that_are_stated_in_full_are_given(construct):
    sets = await all_outcomes(construct)

    turns = [turn for told in sets.values() for turn in told]
    assert [asked.say for asked, outcome in turns if outcome == "wrong"] == []
    for told in list(sets.values())[:3]:
        whole = Counter(outcome for asked, outcome in told if asked.is_whole)
        assert whole.total() >= 30
        assert whole["right"] >= whole.total() / 2
    if construct == "mixed":
        assert table(sets) in PAGE.read_text("utf-8")


def test_the_list_of_words_that_change_no_figure_is_short():
    assert len(NEUTRAL) <= 100
    assert not NEUTRAL & {"not", "no", "only", "more", "less", "need", "must", "another", "or"}
