"""The content example: what code finds of a draft, and a loop that rejects until its limit."""

import pytest

from adk_flow.models.scripted import Scripted
from examples.content.agent import optimiser, reviewer, writer
from examples.content.stages import ROUNDS, staged
from examples.content.tools import faults_of, look_up_saving
from tests.doubles.flow import agent, record
from tests.doubles.models import Watched

GOOD = "Up to £120,000 per person is covered."
NO, YES = '{"approved": false, "remarks": "Too dry."}', '{"approved": true, "remarks": ""}'
HEADING = '{"title": "Safe", "summary": "What is covered."}'


@pytest.mark.parametrize(
    ("draft", "faults"),
    [
        (GOOD, []),
        ("Word. " * 90, []),
        ("Word. " * 91, ["It has 91 words: cut it to 90."]),
        ("word " * 36, ["A sentence has 36 words: make it two."]),
        ("Cover is £120,001, or 1.4 million.", ["120,001 stands in no passage."]),
    ],
)
def test_what_code_finds(draft, faults):
    assert faults_of(draft) == faults


def test_a_passage_is_found_by_its_title_or_the_titles_are_named():
    found = look_up_saving("The ISA allowance")
    error = look_up_saving("Gold")["error"]

    assert found["summary"].startswith("You can pay up to £20,000 into ISAs")
    assert "there is no passage 'Gold'; there are " in error
    assert "The ISA allowance" in error


def graph(model, rounds):
    script = {"Ann": ["Notes of Ann."], "Ben": ["Notes of Ben."], "Head": [HEADING]}
    model.script, own = script | rounds, {"model": model}
    made = [agent(name, model) for name in ("Ann", "Ben")]
    reviewers = [reviewer(name, "style", "is it plain?") for name in ("Cid", "Dan")]
    reviewers = [one.clone(update=own) for one in reviewers]
    return staged(
        "Piece",
        made,
        writer.clone(update=own),
        reviewers,
        optimiser.clone(update=own | {"name": "Head"}),
    )


async def answered(model, rounds, folder):
    flow = await record(graph(model, rounds), ["Safe?"], folder, model=model)
    assert not flow.errors
    return flow.moves[-2].text


async def test_one_who_rejects_sends_the_draft_back_with_all_remarks(tmp_path):
    model = Watched()
    rounds = {"Writer": ["Is £7 safe?", GOOD], "Cid": [NO, YES], "Dan": [YES, YES]}

    answer = await answered(model, rounds, tmp_path)

    assert answer == f"# Safe\n\nWhat is covered.\n\n{GOOD}\n\n2 drafts. Approved."
    first, second = (texts[0] for texts in model.texts("Writer"))
    assert first == "Safe?\n\nNotes:\n[Ann] Notes of Ann.\n\n[Ben] Notes of Ben."
    assert second.startswith(
        "Your draft was sent back: 7 stands in no passage. Too dry.\n\nIs £7 safe?\n\nNotes:"
    )
    assert all("Code finds: 7 stands in no passage." in one[0] for one in model.texts("Cid")[:1])
    assert model.texts("Ann") == [["Safe?"]]
    assert model.texts("Head") == [[GOOD]]


async def test_what_code_finds_sends_it_back_whatever_the_reviewers_say(tmp_path):
    rounds = {"Writer": ["Is £7 safe?", GOOD], "Cid": [YES, YES], "Dan": [YES, YES]}

    assert "2 drafts. Approved." in await answered(Scripted(), rounds, tmp_path)


async def test_a_reviewer_that_never_approves_is_told_of_at_the_limit(tmp_path):
    rounds = {"Writer": [GOOD] * ROUNDS, "Cid": [NO] * ROUNDS, "Dan": [YES] * ROUNDS}

    assert (await answered(Scripted(), rounds, tmp_path)).endswith(
        "3 drafts. Not approved: Too dry."
    )
