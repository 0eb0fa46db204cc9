"""Best of n on real runs: who is shown what, what fails, and a selector that chooses nobody."""

import asyncio
import json
from collections import Counter
from typing import Any

import msgspec
import pytest
from google.adk.tools.tool_context import ToolContext
from google.adk.workflow import RetryConfig

import adk_flow.models  # noqa: F401 - makes the model name "offline" known
from adk_flow.analysis.metrics import measure
from adk_flow.models.scripted import Scripted, call
from adk_flow.wiring import WiringError
from adk_flow.wiring.best_of import best_of, select
from adk_flow.wiring.coordinator import coordinate, coordinator
from adk_flow.wiring.selection import (
    Selection,
    SelectionError,
    Verdict,
    in_fair_order,
    reason_key,
    slate_key,
)
from tests.doubles.flow import agent, expected, record
from tests.doubles.models import Watched

TASK = "Say it."
NAMES = ("Ann", "Ben", "Cid")
ORDER = in_fair_order(TASK, NAMES)
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
    selector = agent("Judge", model, instruction="You judge.", **(judge or {}))
    return best_of("Best", team, selector, **{"retry": AT_ONCE, **options})


def requests_of(flow, name):
    """Gives all words that an agent's model was sent, as the log has them."""
    asked = [one.request for one in flow.log.records if one.request and one.agent == name]
    sent = [[one.system, *(part.text for part in one.parts)] for one in asked]
    return ["\n".join(flow.log.texts[number] for number in numbers if number) for numbers in sent]


def selection_of(flow) -> Selection:
    state = [event.actions.state_delta for event in flow.events]
    (made,) = [one["Best_selection"] for one in state if "Best_selection" in one]
    return msgspec.convert(made, Selection)


async def test_a_choice_moves_like_this(tmp_path):
    model = Scripted(script=script())

    flow = await record(best(model), [TASK], tmp_path, model=model)

    assert not flow.errors
    assert flow.picture == expected("""
        start user to Best
        user say Best "Say it."
        Best -> Ann (node)
        Best -< Ann, Ben
        Best -> Ben (node)
        Best -> Cid (node)
        Ann answer Best "Ja."
        Best <- Ann
        Ben answer Best "Jawohl."
        Best <- Ben
        Cid answer Best "Doch."
        Best <- Cid
        Best >-
        Best -> Judge (node)
        Judge answer Best "{"best": "B", "reason": "It is short."}"
        Best <- Judge
        Best reply user "Jawohl. (Ben, of 3: It is short.)"
        end Best to user
    """)


async def test_the_selector_sees_the_task_and_candidates_in_an_order_of_their_own(tmp_path):
    model = Watched(script=script())

    flow = await record(best(model), [TASK], tmp_path, model=model)

    assert ORDER == ["Cid", "Ben", "Ann"]
    assert model.texts("Judge") == [
        [
            "Which candidate is best?",
            "For context:",
            "The task: Say it.",
            "[Candidate A] said: Doch.",
            "[Candidate B] said: Jawohl.",
            "[Candidate C] said: Ja.",
        ]
    ]
    assert selection_of(flow) == Selection(
        task=TASK,
        candidates={"Cid": "Doch.", "Ben": "Jawohl.", "Ann": "Ja."},
        failed={},
        best="Ben",
        reason="It is short.",
        selector_calls=1,
    )


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
    orders = [in_fair_order(f"Text number {number}.", NAMES) for number in range(3_000)]

    for place in range(3):
        counted = Counter(order[place] for order in orders)
        assert all(900 < counted[name] < 1_100 for name in NAMES), counted
    assert len(set(map(tuple, orders))) == 6
    assert orders[0] == in_fair_order("Text number 0.", reversed(NAMES))


async def test_a_second_turn_begins_afresh(tmp_path):
    model = Watched(script={name: [*steps, *steps] for name, steps in script().items()})

    await record(best(model), ["a", "b"], tmp_path, model=model)

    assert model.texts("Ann") == [["a"], ["b"]]
    assert "The task: b" in model.texts("Judge")[1]
    assert "The task: a" not in model.texts("Judge")[1]


# The selector's tools


def check(tool_context: ToolContext) -> dict[str, Any]:
    """Shows what the tool finds."""
    return tool_context.state[slate_key(tool_context.agent_name)]


def answering(best: str, reason: str = "So."):
    return call("set_model_response", best=best, reason=reason)


async def test_a_selectors_tool_finds_what_it_is_shown(tmp_path):
    model = Watched(script=script(Judge=[call("check"), answering("C")]))

    flow = await record(best(model, judge={"tools": [check]}), [TASK], tmp_path, model=model)

    (found,) = [
        one.text for one in flow.log.records if one.hook == "after_tool" and one.tool == "check"
    ]
    assert json.loads(found) == {
        "task": "Say it.",
        "texts": {"A": "Doch.", "B": "Jawohl.", "C": "Ja."},
        "times": {"A": 1, "B": 1, "C": 1},
    }
    assert selection_of(flow).best == "Ann"


@pytest.mark.parametrize("answer", [answering("none"), call("set_model_response", best=None)])
async def test_beside_tools_too_a_selector_that_names_nobody_is_asked_twice(answer, tmp_path):
    model = Scripted(script=script(Judge=[call("check"), answer, answer]))

    flow = await record(best(model, judge={"tools": [check]}), [TASK], tmp_path, model=model)

    assert not flow.errors
    assert (selection_of(flow).is_fallback, selection_of(flow).selector_calls) == (True, 2)


# A selector that names no candidate

NOBODY = [
    ('{"best": "D", "reason": "x"}', "it names 'D'; there are only A, B, C"),
    ('{"best": "Ben", "reason": "x"}', "it names 'Ben'; there are only A, B, C"),
    ('{"best": "", "reason": "x"}', "it names none; there are only A, B, C"),
    ('{"best": null}', "it names none; there are only A, B, C"),
    ('{"reason": "All are bad."}', "it names none; there are only A, B, C"),
    ('["A"]', "it names none; there are only A, B, C"),
    ("None of them.", "it names none; there are only A, B, C"),
    ("", "it names none; there are only A, B, C"),
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
    made = selection_of(flow)
    assert (made.best, made.selector_calls, made.is_fallback) == ("Ben", 2, False)


@pytest.mark.parametrize(("answer", "fault"), NOBODY)
async def test_if_it_does_so_twice_code_chooses_and_says_so(answer, fault, tmp_path):
    model = Scripted(script=script(Judge=[answer, answer]))

    def last(slate):
        return Verdict(list(slate.texts)[-1], f"last of {len(slate.texts)}.")

    flow = await record(best(model, fallback=last), [TASK], tmp_path, model=model)

    assert not flow.errors
    (turn,) = measure(flow.trace)
    cause = f"Judge named no candidate ({fault}), so code chose: last of 3."
    assert turn.answer == f"Ja.\n\n(Ann, of 3: {cause})"
    assert selection_of(flow).is_fallback


async def test_a_selector_that_hangs_is_given_up(tmp_path):
    model = Scripted(script=script(Judge=[call("linger")] * 2))
    hanging = {"tools": [linger], "timeout": 1.0}

    flow = await record(best(model, judge=hanging), [TASK], tmp_path, model=model)

    assert not flow.errors
    made = selection_of(flow)
    assert made.best == ORDER[0]
    assert "NodeTimeoutError" in made.reason
    assert made.reason.endswith("it was shown first.")


# Candidates that fail


async def test_a_candidate_that_fails_is_run_again(tmp_path):
    model = Watched(script=script(Ann=[DOWN[0], "Ja."]))

    flow = await record(best(model), [TASK], tmp_path, model=model)

    assert selection_of(flow).failed == {}
    assert len(model.to("Ann")) == 2


async def test_of_a_candidate_that_raises_the_user_is_told_and_the_others_are_chosen_from(tmp_path):
    model = Watched(script=script(Ann=DOWN))

    flow = await record(best(model), [TASK], tmp_path, model=model)

    assert not flow.errors
    assert model.texts("Judge")[0][3:] == [
        "[Candidate A] said: Doch.",
        "[Candidate B] said: Jawohl.",
    ]
    (turn,) = measure(flow.trace)
    assert not turn.failed
    assert turn.answer == (
        "Jawohl.\n\n(Ben, of 2: It is short. Ann failed: RuntimeError: line is down.)"
    )


async def test_a_candidate_that_hangs_is_left_out(tmp_path):
    model = Scripted(script=script(Ann=[call("linger")] * 2))

    flow = await record(best(model, ann={"tools": [linger], "timeout": 1.0}), [TASK], tmp_path)

    assert not flow.errors
    assert selection_of(flow).failed["Ann"].startswith("NodeTimeoutError: ")
    assert list(selection_of(flow).candidates) == ["Cid", "Ben"]


async def test_one_that_is_left_alone_is_taken_and_nobody_is_asked(tmp_path):
    model = Scripted(script=script(Ann=DOWN, Cid=[""], Judge=[]))

    flow = await record(best(model), [TASK], tmp_path, model=model)

    made = selection_of(flow)
    assert (made.best, made.selector_calls) == ("Ben", 0)
    assert made.failed == {"Ann": "RuntimeError: line is down", "Cid": "it answered nothing"}


async def test_what_two_say_alike_is_shown_once_and_how_many_said_it(tmp_path):
    model = Watched(script=script(Ann=["Doch."]))

    flow = await record(best(model), [TASK], tmp_path, model=model)

    assert model.texts("Judge")[0][3:] == [
        "[Candidate A] said: Doch.",
        "[Candidate B] said: Jawohl.",
        "Candidate A is what 2 of 3 said alike.",
    ]
    assert list(selection_of(flow).candidates) == ORDER


async def test_what_all_say_alike_is_taken_for_that_reason(tmp_path):
    model = Scripted(script=script(Ann=["Ja."], Ben=["Ja."], Cid=["Ja."], Judge=[]))

    flow = await record(best(model), [TASK], tmp_path, model=model)

    made = selection_of(flow)
    assert (made.text, made.reason, made.selector_calls) == ("Ja.", "all 3 say the same.", 0)


async def test_a_task_that_is_refused_reaches_nobody(tmp_path):
    model = Watched(script={})

    flow = await record(
        best(model, refuse=lambda task: f"not {task}"), [TASK], tmp_path, model=model
    )

    (error,) = flow.errors
    assert str(error) == "Best has no candidate to choose from: not Say it."
    assert model.sent == []


async def test_a_candidate_may_leave_why_it_says_nothing(tmp_path):
    def despair(tool_context: ToolContext) -> str:
        """Knows no answer."""
        tool_context.state[reason_key(tool_context.agent_name)] = "it is at a loss"
        return "No."

    model = Scripted(script=script(Ann=[call("despair"), ""]))

    flow = await record(best(model, ann={"tools": [despair]}), [TASK], tmp_path, model=model)

    assert selection_of(flow).failed == {"Ann": "it is at a loss"}


async def test_it_is_an_error_only_when_all_fail(tmp_path):
    model = Scripted(script=script(Ann=DOWN, Ben=[""], Cid=DOWN, Judge=[]))

    flow = await record(best(model), [TASK], tmp_path, model=model)

    (error,) = flow.errors
    assert isinstance(error, SelectionError)
    assert str(error) == (
        "Best has no candidate to choose from: Ann: RuntimeError: line is down; "
        "Ben: it answered nothing; Cid: RuntimeError: line is down"
    )
    assert measure(flow.trace)[0].failed
    with pytest.raises(SelectionError):
        await select(best(Scripted(script=script(Ann=DOWN, Ben=DOWN, Cid=DOWN))), TASK)


# As a part, and what cannot be made


async def test_a_coordinators_child_answers_with_the_choice_alone():
    model = Scripted(
        script=script(Lead=['{"Best": "Say it.", "Poet": "A line?"}', "Yes, with a line."])
        | {"Poet": ["O moon."]}
    )
    root = coordinator("Page", agent("Lead", model), [best(model), agent("Poet", model)])

    run = await coordinate(root, "Go.")

    model.finish()
    assert run.answers == {"Best": "Jawohl.", "Poet": "O moon."}


def test_no_candidates_too_many_or_two_of_a_name_are_refused():
    ann, judge = agent("Ann", "offline"), agent("Judge", "offline")
    many = [agent(f"Ann_{number}", "offline") for number in range(27)]
    for team, told in (
        ([], "Best takes 1 to 26 candidates, not 0"),
        (many, "Best takes 1 to 26 candidates, not 27"),
        ([ann, ann], "two go by the name Ann"),
        ([ann, judge], "two go by the name Judge"),
        ([ann, agent("Best", "offline")], "two go by the name Best"),
    ):
        with pytest.raises(WiringError, match=told):
            best_of("Best", team, judge)


def test_the_originals_stay_as_they_are():
    ann, judge = agent("Ann", "offline"), agent("Judge", "offline")
    best_of("Best", [ann], judge)

    assert (judge.output_schema, judge.after_model_callback, ann.timeout) == (None, None, None)
