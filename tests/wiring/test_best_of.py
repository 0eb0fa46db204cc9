"""Best of n on real runs: who is shown what, what fails, and a selector that chooses nobody."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from google.adk.workflow import RetryConfig

import adk_flow.models  # noqa: F401 - makes the model name "offline" known
from adk_flow.analysis.metrics import measure
from adk_flow.analysis.trace_reader import trace_log
from adk_flow.models.scripted import Scripted, call
from adk_flow.wiring import WiringError
from adk_flow.wiring.best_of import SelectionError, fair_order, wire_best_of
from adk_flow.wiring.coordination import wire_coordinator
from tests.doubles.flow import agent, record
from tests.doubles.models import Hanging, Watched

TASK = "Say it."
NAMES = ("Ann", "Ben", "Cid")
ORDER = fair_order(TASK, NAMES)
"""Cid, Ben, Ann."""
AT_ONCE = RetryConfig(max_attempts=2, initial_delay=0.0, jitter=0.0)
DOWN = [RuntimeError("line is\ndown")] * 2


def script(**changed: Any) -> dict[str, list[Any]]:
    judge = ['{"best": "B", "reason": "It is short."}']
    return {"Ann": ["Ja."], "Ben": ["Jawohl."], "Cid": ["Doch."], "Judge": judge} | changed


async def linger() -> None:
    """Never comes back."""
    await asyncio.Event().wait()


def best(model, *, ann=None, judge=None, **options):
    team = [agent(name, model, **((ann or {}) if name == "Ann" else {})) for name in NAMES]
    selector = agent("Judge", **{"model": model, "instruction": "You judge.", **(judge or {})})
    return wire_best_of("Best", team, selector, **{"retry": AT_ONCE, **options})


def requests_of(flow, name):
    """Gives all words that an agent's model was sent, as the log has them."""
    asked = [one.request for one in flow.log.records if one.request and one.agent == name]
    sent = [[one.system, *(part.text for part in one.parts)] for one in asked]
    return ["\n".join(flow.log.texts[number] for number in numbers if number) for numbers in sent]


def answer_of(flow):
    (turn,) = measure(trace_log(flow.log))
    assert not flow.errors
    assert not turn.failed
    return turn.answer


async def test_the_selector_sees_the_task_and_candidates_in_an_order_of_their_own(tmp_path):
    model = Watched(script=script())

    flow = await record(best(model), [TASK], tmp_path, model=model)

    assert ORDER == ["Cid", "Ben", "Ann"]
    assert model.texts("Judge") == [
        [
            "Say it.",
            "For context:",
            "[Candidate A] said: Doch.",
            "[Candidate B] said: Jawohl.",
            "[Candidate C] said: Ja.",
        ]
    ]
    assert answer_of(flow) == "Jawohl."


async def test_the_selector_is_told_no_name_and_the_losers_stay_in_the_log(tmp_path):
    model = Scripted(script=script(Judge=["D", '{"best": "A", "reason": ""}']))

    flow = await record(best(model), [TASK], tmp_path, model=model)

    asked = requests_of(flow, "Judge")
    assert len(asked) == 2
    assert [name for name in NAMES for words in asked if name in words] == []
    assert [one.request.schema for one in flow.log.records if one.request] == [
        *[False] * 3,
        *[True] * 2,
    ]
    said = {one.agent: one.text for one in flow.log.records if one.hook == "after_model"}
    assert {name: said[name] for name in NAMES} == {"Ann": "Ja.", "Ben": "Jawohl.", "Cid": "Doch."}


def test_each_candidate_is_as_often_first_second_and_last_as_any_other():
    orders = [fair_order(f"Text number {number}.", NAMES) for number in range(3_000)]

    for place in range(3):
        counted = Counter(order[place] for order in orders)
        assert all(900 < counted[name] < 1_100 for name in NAMES), counted
    assert len(set(map(tuple, orders))) == 6
    assert orders[0] == fair_order("Text number 0.", NAMES[::-1])


async def test_a_second_turn_begins_afresh(tmp_path):
    model = Watched(script={name: [*steps, *steps] for name, steps in script().items()})

    await record(best(model), ["a", "b"], tmp_path, model=model)

    assert model.texts("Ann") == [["a"], ["b"]]
    assert model.texts("Judge")[1][0] == "b"
    assert "a" not in model.texts("Judge")[1]


# A selector that names no candidate

NOBODY = [
    ('{"best": "D", "reason": "x"}', "it names 'D'; there are only A, B, C"),
    ('{"best": "Ben", "reason": "x"}', "it names 'Ben'; there are only A, B, C"),
    ('{"best": "", "reason": "x"}', "it names none; there are only A, B, C"),
    ('{"best": null}', "it names none; there are only A, B, C"),
    ('{"reason": "All are bad."}', "it names none; there are only A, B, C"),
    ('["A"]', "it names none; there are only A, B, C"),
    ("None of them.", "it names none; there are only A, B, C"),
    ("", "it answered nothing"),
    (call("check"), "it names none; there are only A, B, C"),
    (RuntimeError("line is\ndown"), "RuntimeError: line is down"),
]


@pytest.mark.parametrize(("answer", "fault"), NOBODY)
async def test_a_selector_that_names_nobody_is_asked_once_more(answer, fault, tmp_path):
    model = Watched(script=script(Judge=[answer, '{"best": "candidate b", "reason": "Short."}']))

    flow = await record(best(model), [TASK], tmp_path, model=model)

    model.finish()
    first, second = model.texts("Judge")
    assert second[: len(first)] == first
    assert second[-1].startswith(f"Your answer to this was refused: {fault}.")
    assert answer_of(flow) == "Jawohl."


@pytest.mark.parametrize(("answer", "fault"), NOBODY)
async def test_if_it_does_so_twice_code_chooses_and_says_so(answer, fault, tmp_path):
    model = Scripted(script=script(Judge=[answer, answer]))

    flow = await record(best(model), [TASK], tmp_path, model=model)

    assert answer_of(flow) == f"Doch.\n\n(Judge named no candidate: {fault}; so code chose)"


async def test_code_chooses_what_most_of_them_said(tmp_path):
    model = Scripted(script=script(Ann=["Jawohl."], Judge=["None."] * 2))

    flow = await record(best(model), [TASK], tmp_path, model=model)

    assert answer_of(flow).startswith("Jawohl.\n\n(Judge named no candidate: ")


async def test_a_selector_that_hangs_is_given_up(tmp_path):
    model = Scripted(script=script(Judge=[]))
    judge = {"model": Hanging(), "timeout": 0.1}

    flow = await record(best(model, judge=judge), [TASK], tmp_path, model=model)

    assert answer_of(flow).startswith("Doch.\n\n(Judge named no candidate: NodeTimeoutError")


# Candidates that fail


async def test_a_candidate_that_fails_is_run_again(tmp_path):
    model = Watched(script=script(Ann=[DOWN[0], "Ja."]))

    flow = await record(best(model), [TASK], tmp_path, model=model)

    assert answer_of(flow) == "Jawohl."
    assert len(model.to("Ann")) == 2


@pytest.mark.parametrize(
    ("steps", "options", "told"),
    [
        ({"Ann": DOWN}, {}, "Ann: RuntimeError: line is down"),
        (
            {"Ann": [call("linger")] * 2},
            {"tools": [linger], "timeout": 0.1},
            "Ann: NodeTimeoutError: ",
        ),
        # One that is left alone is taken, and nobody is asked.
        (
            {"Ann": DOWN, "Cid": [""], "Judge": []},
            {},
            "Ann: RuntimeError: line is down)\n\n(failed: Cid: it answered nothing",
        ),
    ],
)
async def test_of_a_candidate_that_fails_the_user_is_told_and_the_others_are_chosen_from(
    steps, options, told, tmp_path
):
    model = Watched(script=script(**steps))

    flow = await record(best(model, ann=options), [TASK], tmp_path, model=model)

    others = ["[Candidate A] said: Doch.", "[Candidate B] said: Jawohl."]
    assert [texts[2:] for texts in model.texts("Judge")] == [others] * ("Cid" not in steps)
    assert answer_of(flow).startswith(f"Jawohl.\n\n(failed: {told}")


async def test_it_is_an_error_only_when_all_fail(tmp_path):
    model = Scripted(script=script(Ann=DOWN, Ben=[""], Cid=DOWN, Judge=[]))

    flow = await record(best(model), [TASK], tmp_path, model=model)

    (error,) = flow.errors
    assert isinstance(error, SelectionError)
    assert str(error) == (
        "Best has no candidate to choose from: Ann: RuntimeError: line is down; "
        "Ben: it answered nothing; Cid: RuntimeError: line is down"
    )
    assert measure(trace_log(flow.log))[0].failed


# As a part, and what cannot be made


async def test_a_coordinators_child_answers_with_the_choice_alone(tmp_path):
    model = Watched(
        script=script(Lead=['{"Best": "Say it.", "Poet": "A line?"}', "Yes, with a line."])
        | {"Poet": ["O moon."]}
    )
    root = wire_coordinator("Page", agent("Lead", model), [best(model), agent("Poet", model)])

    await record(root, ["Go."], tmp_path, model=model)

    assert "[Best] said: Jawohl." in model.texts("Lead")[1]


async def test_with_the_conversation_all_hear_it(tmp_path):
    model = Watched(script={name: [*steps, *steps] for name, steps in script().items()})

    await record(best(model, conversation=True), ["a", "b"], tmp_path, model=model)

    assert model.texts("Ann")[1] == ["a", "Ja.", "b"]
    asked = model.texts("Judge")[1]
    assert asked[:2] == ["a", '{"best": "B", "reason": "It is short."}']
    assert asked[4] == "b"


ANN, JUDGE = agent("Ann", "offline"), agent("Judge", "offline")


@pytest.mark.parametrize(
    ("team", "told"),
    [
        ([], "Best takes 1 to 26 candidates, not 0"),
        ([ANN] * 27, "Best takes 1 to 26 candidates, not 27"),
        ([ANN, ANN], "two go by the name Ann"),
        ([ANN, JUDGE], "two go by the name Judge"),
        ([ANN, agent("Best", "offline")], "two go by the name Best"),
    ],
)
def test_no_candidates_too_many_or_two_of_a_name_are_refused(team, told):
    with pytest.raises(WiringError, match=told):
        wire_best_of("Best", team, JUDGE)


def test_the_originals_stay_as_they_are():
    wire_best_of("Best", [ANN], JUDGE)

    assert (JUDGE.output_schema, JUDGE.after_model_callback, ANN.timeout) == (None, None, None)
