"""What the user reads twice, or should not read."""

from typing import Any

import pytest
from google.adk.agents import ParallelAgent, SequentialAgent

from adk_flow.models.scripted import Scripted, call
from tests.doubles.findings import desk, found, hooks
from tests.doubles.flow import agent, record

SHOWN = ("repeated_answer", "shown_candidates", "raw_json")


async def shown(root, folder):
    flow, told = await found(root, ["?"], folder)
    return flow, [one for one in told if one.kind in SHOWN]


async def test_an_answer_that_its_caller_says_again_is_told_with_both(tmp_path):
    script = {"Root": [call("Loans", request="?"), "He says 5%."], "Loans": ["It is 5%."]}

    flow, (one,) = await shown(desk(script, mode="single_turn"), tmp_path)

    assert one.text == "The user reads what Loans answered twice: Root says it again."
    assert (one.turn, one.agents, one.level) == (1, ("Loans", "Root"), "notice")
    assert hooks(flow, one) == ["event:Loans", "event:Root"]


def stages(*said: str, kind: Any = SequentialAgent, last: str = ""):
    model = Scripted(script={f"S{n}": [words] for n, words in enumerate(said)} | {"Last": [last]})
    team = kind(name="Team", sub_agents=[agent(f"S{n}", model) for n in range(len(said))])
    return SequentialAgent(name="All", sub_agents=[team, agent("Last", model)]) if last else team


PLAN = "Buy cheap index funds every month and keep them"


@pytest.mark.parametrize(
    ("root", "texts"),
    [
        (stages('{"to": "Loans"}', "fine"), ["The user reads raw JSON of S0."]),
        (stages('```json\n["a"]\n```', "{}", "[not JSON]"), ["The user reads raw JSON of S0."]),
        (stages("It is 5%.", "It is 6%."), []),
        (stages(PLAN, "Pay debts first, then think of shares and a pension"), []),
        (
            stages(f"{PLAN}.", "Pay debts before.", f"{PLAN}!", kind=ParallelAgent, last=PLAN),
            ["The user reads all 3 candidates, of S0, S1 and S2, before Last gives one of them."],
        ),
        (
            stages("It is 5%.", "Or 6%.", kind=ParallelAgent, last="It is 5%. Or, if not, 6%."),
            ["The user reads what S0 and S1 answered twice: Last says it again."],
        ),
    ],
)
async def test_json_and_candidates_are_told_and_texts_that_differ_are_not(tmp_path, root, texts):
    _, told = await shown(root, tmp_path)

    assert sorted(one.text for one in told) == texts


async def test_nothing_is_told_of_texts_that_the_log_did_not_keep(tmp_path):
    script = {"Root": [call("Loans", request="?"), "It is 5%."], "Loans": ["It is 5%."]}

    flow = await record(desk(script, mode="single_turn"), ["?"], tmp_path, capture="none")

    assert not [one for one in flow.findings if one.kind in SHOWN]
