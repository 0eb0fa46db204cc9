"""The content stages: what they do, what each agent is shown, what fails, and as the page tells."""

import asyncio
import json
from typing import Any

import pytest
from google.adk.workflow import RetryConfig

import adk_flow.models  # noqa: F401 - makes the model name "offline" known
from adk_flow.analysis.metrics import measure
from adk_flow.models.scripted import Scripted, call
from adk_flow.run.app import load_app
from adk_flow.run.conversation_run import run_conversation
from adk_flow.scenario.conversation import of_questions
from adk_flow.wiring import WiringError
from examples.content.result import RESULT, ContentError
from examples.content.staff import Staff
from examples.content.stages import staged
from sub_agents.optimiser import Heading
from sub_agents.reviewers import Verdict
from tests.doubles.flow import agent, expected, record
from tests.doubles.models import Watched
from tests.doubles.pages import ROOT, Page
from tools.piece import check_facts, check_style, mend_draft, outline_draft

PAGE = Page("docs/patterns/content.md")
SAFE = "Is my money safe if a provider fails?"
TOPIC = "How much can I save?"
AT_ONCE = RetryConfig(max_attempts=2, initial_delay=0.0, jitter=0.0)

FILLER = "It is free of tax, and what you do not use in a year is lost, so plan ahead in good time."
ISAS = f"You may pay £20,000 a year into ISAs. {FILLER} (GOV.UK: ISAs)"
POTS = f"You may pay £60,000 a year into pensions. {FILLER} (HMRC Manual)"
DRAFT = f"{ISAS}\n\n{POTS}"
INVENTED = DRAFT.replace("£20,000", "£25,000")
STRANGE = DRAFT.replace("GOV.UK: ISAs", "The Daily Guess")
YES, NO = '{"approved": true, "remarks": ""}', '{"approved": false, "remarks": "It is dull."}'
HEADING = '{"title": "What to save", "summary": "£20,000 and £60,000."}'
SCRIPT: dict[str, list[Any]] = {
    "Isas": [call("look_up_isas"), ISAS],
    "Pots": [call("look_up_pots"), POTS],
    "Writer": [DRAFT],
    "Facts": [call("check_facts"), YES],
    "Style": [call("check_style"), YES],
    "Optimiser": [HEADING],
}


def look_up_isas() -> dict[str, Any]:
    """Looks ISAs up."""
    return found("GOV.UK: ISAs", "£20,000 a year")


def look_up_pots() -> dict[str, Any]:
    """Looks pensions up."""
    return found("HMRC Manual", "£60,000 a year")


def look_up_wills() -> dict[str, Any]:
    """Looks wills up."""
    return {"error": "no guidance on wills fits this question"}


async def linger() -> None:
    """Never comes back."""
    await asyncio.Event().wait()


def found(source: str, text: str) -> dict[str, Any]:
    passage = {"title": source, "text": text, "tax_year": "2026/27", "source": source}
    return {"passages": [passage], "summary": text}


def script(**changed: Any) -> dict[str, list[Any]]:
    return SCRIPT | changed


def staff(model, **changed) -> Staff:
    options = {
        "Isas": {"tools": [look_up_isas]},
        "Pots": {"tools": [look_up_pots]},
        "Writer": {"tools": [mend_draft]},
        "Facts": {"tools": [check_facts], "output_schema": Verdict},
        "Style": {"tools": [check_style], "output_schema": Verdict},
        "Optimiser": {"tools": [outline_draft], "output_schema": Heading},
    }
    isas, pots, writer, facts, style, optimiser = (
        agent(name, model, **{**own, **changed.get(name, {})}) for name, own in options.items()
    )
    return Staff([isas, pots], writer, [facts, style], optimiser)


async def run(folder, model, rounds=3, turns=1, **changed):
    root = staged("Piece", staff(model, **changed), rounds=rounds, retry=AT_ONCE)
    flow = await record(root, [TOPIC] * turns, folder, model=model)
    made = [one.actions.state_delta[RESULT] for one in flow.events if RESULT in delta(one)]
    return flow, made[-1] if made else None


def delta(event):
    return event.actions.state_delta


def answer(flow):
    return measure(flow.log.records)[-1].answer


# How it moves


async def test_a_piece_that_is_sent_back_once_moves_like_this(tmp_path):
    twice = [call("check_facts"), YES]
    model = Scripted(
        script=script(
            Writer=[INVENTED, DRAFT],
            Facts=[call("check_facts"), NO, *twice],
            Style=[call("check_style"), YES] * 2,
        )
    )

    flow, made = await run(tmp_path, model)

    assert not flow.errors
    assert flow.control == expected("""
        start user to Piece
        Piece -> Isas (node)
        Piece -< Isas, Pots
        Piece -> Pots (node)
        Piece <- Isas
        Piece <- Pots
        Piece >-
        Piece -> Writer (node)
        Piece <- Writer
        Piece -> Facts (node)
        Piece -< Facts, Style
        Piece -> Style (node)
        Piece <- Facts
        Piece <- Style
        Piece >-
        Piece -> Writer (node)
        Piece <- Writer
        Piece -> Facts (node)
        Piece -< Facts, Style
        Piece -> Style (node)
        Piece <- Facts
        Piece <- Style
        Piece >-
        Piece -> Optimiser (node)
        Piece <- Optimiser
        end Piece to user
    """)
    assert made["drafts"] == [INVENTED, DRAFT]
    assert made["reviews"][0]["Facts"]["remarks"].startswith("£25,000 stands nowhere")


async def test_the_log_shows_rounds_and_what_each_reviewer_said(tmp_path):
    model = Scripted(
        script=script(
            Writer=[DRAFT, DRAFT],
            Facts=[call("check_facts"), YES] * 2,
            Style=[call("check_style"), NO, call("check_style"), YES],
        )
    )

    flow, _ = await run(tmp_path, model)

    said = [(one.source, one.text) for one in flow.moves if one.kind == "answer"]
    assert said[3:5] == [("Facts", YES), ("Style", NO)]
    began = [one for one in flow.log.records if one.hook == "before_agent"]
    assert [one.branch for one in began if one.agent == "Style"] == ["ask_Style@1", "ask_Style@2"]
    written = {key for one in flow.log.records for key in one.state}
    assert {"research_Isas", "research_Pots", "draft_1", "draft_2", "review_1_Style"} < written


async def test_each_is_shown_what_it_needs(tmp_path):
    model = Watched(
        script=script(
            Writer=[INVENTED, DRAFT],
            Facts=[call("check_facts"), YES] * 2,
            Style=[call("check_style"), YES] * 2,
        )
    )

    await run(tmp_path, model)

    notes = ["For context:", f"[Isas] said: {ISAS}", f"[Pots] said: {POTS}"]
    first, second = (one for one in model.sent if one.agent == "Writer")
    assert (first.texts, first.tools) == ([TOPIC, *notes], [])
    remark = "Your draft was sent back. £25,000 stands nowhere in the research: take it out."
    assert (second.texts, second.tools) == (
        [remark, *notes, f"[Writer] said: {INVENTED}"],
        ["mend_draft"],
    )
    asked = {one.agent: one.texts for one in reversed(model.sent)}
    assert asked["Isas"] == asked["Pots"] == [TOPIC]
    assert asked["Style"] == ["Style knows.", *notes, f"[Writer] said: {INVENTED}"]
    assert asked["Optimiser"] == ["Optimiser knows.", "For context:", f"[Writer] said: {DRAFT}"]


async def test_a_second_turn_begins_afresh(tmp_path):
    first = script(
        Writer=[INVENTED, DRAFT],
        Facts=[call("check_facts"), YES] * 2,
        Style=[call("check_style"), YES] * 2,
    )
    model = Scripted(script={name: [*first[name], *steps] for name, steps in SCRIPT.items()})

    flow, made = await run(tmp_path, model, turns=2)

    assert not flow.errors
    assert (made["drafts"], made["approved"]) == ([DRAFT], True)


# What the checks catch


@pytest.mark.parametrize(
    ("draft", "remark"),
    [
        (INVENTED, "£25,000 stands nowhere in the research: take it out."),
        (STRANGE, "“The Daily Guess” is no source of the research."),
    ],
)
async def test_what_is_invented_is_sent_back_whatever_the_reviewer_says(draft, remark, tmp_path):
    model = Scripted(
        script=script(
            Writer=[draft, DRAFT],
            Facts=[call("check_facts"), YES] * 2,
            Style=[call("check_style"), YES] * 2,
        )
    )

    flow, made = await run(tmp_path, model)

    assert not flow.errors
    assert remark in made["reviews"][0]["Facts"]["remarks"]
    counted, last = (
        one.text for one in flow.moves if one.kind == "answer" and one.source == "Facts"
    )
    assert json.loads(counted) == {
        "approved": False,
        "remarks": made["reviews"][0]["Facts"]["remarks"],
    }
    assert last == YES
    thought = [one for one in flow.log.records if (one.hook, one.agent) == ("after_model", "Facts")]
    assert thought[1].text == YES
    assert (made["approved"], made["drafts"][-1]) == (True, DRAFT)
    assert "2 drafts. Approved by Facts and Style." in answer(flow)


async def test_a_verdict_without_its_check_is_none(tmp_path):
    flow, made = await run(tmp_path, Scripted(script=script(Facts=[YES])))

    assert not flow.errors
    assert not made["approved"]
    assert "- Facts: it gave a verdict without its check" in answer(flow)
    (said,) = (one.text for one in flow.moves if one.kind == "answer" and one.source == "Facts")
    remarks = "Not approved: it gave a verdict without its check."
    assert json.loads(said) == {"approved": False, "remarks": remarks}


async def test_a_verdict_that_is_given_by_adks_tool_says_what_counted_too(tmp_path):
    args = {"approved": True, "remarks": ""}
    given = [call("check_facts"), call("set_model_response", **args)]
    steps = script(
        Writer=[INVENTED, DRAFT],
        Facts=[*given, *given],
        Style=[call("check_style"), YES] * 2,
    )

    flow, made = await run(tmp_path, Scripted(script=steps))

    assert not flow.errors
    assert [one["Facts"]["approved"] for one in made["reviews"]] == [False, True]
    said = [one.text for one in flow.moves if one.kind == "answer" and one.source == "Facts"]
    assert [json.loads(one)["approved"] for one in said] == [False, True]
    assert "£25,000 stands nowhere" in said[0]


async def test_a_verdict_without_its_check_is_none_in_a_second_turn_either(tmp_path):
    steps = {name: [*own, *own] for name, own in SCRIPT.items()}
    model = Scripted(script=steps | {"Facts": [*SCRIPT["Facts"], YES]})

    _, made = await run(tmp_path, model, turns=2)

    assert not made["approved"]


@pytest.mark.parametrize(
    ("heading", "reason"),
    [
        ({"title": "Save £99,000", "summary": "Now."}, "£99,000 in its heading stands nowhere"),
        ({"title": "Save " * 20, "summary": "Now."}, "its title is longer than 80 characters"),
        (RuntimeError("no ideas"), "RuntimeError: no ideas"),
    ],
)
async def test_a_heading_that_will_not_do_is_left_out(heading, reason, tmp_path):
    said = [heading] * 2 if isinstance(heading, Exception) else [json.dumps(heading)]

    flow, made = await run(tmp_path, Scripted(script=script(Optimiser=said)))

    assert not flow.errors
    assert reason in made["heading"]["failed"]
    assert answer(flow).startswith(DRAFT[:20])
    assert f"Without a heading: {made['heading']['failed']}" in answer(flow)


# What fails


async def test_a_researcher_that_raises_is_named_and_the_piece_goes_on(tmp_path):
    model = Watched(script=script(Pots=[RuntimeError("shelf is empty")] * 2, Writer=[ISAS]))
    heading = ['{"title": "What to save", "summary": "£20,000."}']
    model.script["Optimiser"] = heading

    flow, made = await run(tmp_path, model)

    assert not flow.errors
    assert made["missing"] == {"Pots": "RuntimeError: shelf is empty"}
    assert made["approved"]
    assert "Pots gave nothing: RuntimeError: shelf is empty" in answer(flow)
    (sent,) = (one for one in model.sent if one.agent == "Writer")
    assert sent.texts == [TOPIC, "For context:", f"[Isas] said: {ISAS}"]


async def test_a_researcher_that_fails_once_is_run_again(tmp_path):
    model = Scripted(script=script(Pots=[RuntimeError("line is down"), *SCRIPT["Pots"]]))

    flow, made = await run(tmp_path, model)

    assert not flow.errors
    assert made["missing"] == {}


async def test_a_researcher_that_hangs_is_named_and_the_piece_goes_on(tmp_path):
    model = Scripted(script=script(Pots=[call("linger")] * 2, Writer=[ISAS]))
    model.script["Optimiser"] = ['{"title": "What to save", "summary": "£20,000."}']

    flow, made = await run(tmp_path, model, Pots={"tools": [linger], "timeout": 1.0})

    assert not flow.errors
    assert made["missing"]["Pots"].startswith("NodeTimeoutError: ")
    assert made["approved"]
    assert "Pots gave nothing: NodeTimeoutError" in answer(flow)


async def test_a_researcher_that_finds_no_passage_is_missing(tmp_path):
    model = Scripted(script=script(Pots=["£60,000, I believe."], Writer=[DRAFT] * 3))
    model.script |= {
        "Facts": [call("check_facts"), YES] * 3,
        "Style": [call("check_style"), YES] * 3,
        "Optimiser": ['{"title": "What to save", "summary": "£20,000."}'],
    }

    _, made = await run(tmp_path, model)

    assert made["missing"] == {"Pots": "it found no passage on this"}
    assert "£60,000 stands nowhere in the research" in made["reviews"][0]["Facts"]["remarks"]
    assert not made["approved"]


async def test_a_look_up_that_failed_is_no_note(tmp_path):
    refusal = "That did not work: no guidance on wills fits this question."
    looked = [[call("look_up_isas"), call("look_up_wills")], f"{ISAS}\n\n{refusal}"]
    model = Watched(script=script(Isas=looked))

    flow, made = await run(tmp_path, model, Isas={"tools": [look_up_isas, look_up_wills]})

    assert not flow.errors
    assert made["approved"]
    (sent,) = (one for one in model.sent if one.agent == "Writer")
    assert sent.texts[2] == f"[Isas] said: {ISAS}"


async def test_a_researcher_with_nothing_but_failed_look_ups_is_missing(tmp_path):
    looked = [call("look_up_wills"), "That did not work: no guidance on wills fits this question."]
    model = Scripted(script=script(Pots=looked, Writer=[ISAS]))
    model.script["Optimiser"] = ['{"title": "What to save", "summary": "£20,000."}']

    _, made = await run(tmp_path, model, Pots={"tools": [look_up_wills]})

    assert made["missing"] == {"Pots": "it found no passage on this"}
    assert made["approved"]


async def test_both_researchers_failing_ends_the_run_with_their_reasons(tmp_path):
    down = {"Isas": [RuntimeError("fire")] * 2, "Pots": [ValueError("flood")] * 2}
    model = Scripted(script=down)

    flow, made = await run(tmp_path, model)

    (error,) = flow.errors
    assert isinstance(error, ContentError)
    assert str(error) == (
        "there is nothing to write from: "
        "Isas failed: RuntimeError: fire; Pots failed: ValueError: flood"
    )
    assert made is None
    (turn,) = measure(flow.log.records)
    assert turn.failed
    assert "there is nothing to write from" in turn.error


async def test_a_writer_that_fails_ends_the_run(tmp_path):
    steps = {name: SCRIPT[name] for name in ("Isas", "Pots")}
    model = Scripted(script=steps | {"Writer": [RuntimeError("block")] * 2})

    flow, _ = await run(tmp_path, model)

    assert [str(one) for one in flow.errors] == ["no draft 1: Writer failed: RuntimeError: block"]


@pytest.mark.parametrize("said", ["What is the most words that it may have?", "I cannot help."])
async def test_an_answer_that_is_no_draft_is_never_published(said, tmp_path):
    model = Scripted(script=script(Writer=[INVENTED, said]))
    del model.script["Optimiser"]

    flow, made = await run(tmp_path, model)

    assert [str(one) for one in flow.errors] == [f"no draft 2: Writer answered with none: “{said}”"]
    assert made is None
    (turn,) = measure(flow.log.records)
    assert turn.failed


async def test_a_draft_without_sources_goes_to_the_reviewers(tmp_path):
    bare = DRAFT.replace("(GOV.UK: ISAs)", "").replace("(HMRC Manual)", "")
    model = Scripted(
        script=script(
            Writer=[bare, DRAFT],
            Facts=[call("check_facts"), YES] * 2,
            Style=[call("check_style"), YES] * 2,
        )
    )

    flow, made = await run(tmp_path, model)

    assert not flow.errors
    assert (made["approved"], len(made["drafts"])) == (True, 2)


async def test_a_reviewer_that_never_approves_ends_at_the_round_limit(tmp_path):
    model = Scripted(
        script=script(
            Writer=[DRAFT] * 3,
            Facts=[call("check_facts"), YES] * 3,
            Style=[call("check_style"), NO] * 3,
        )
    )

    flow, made = await run(tmp_path, model, rounds=3)

    assert not flow.errors
    assert len(made["drafts"]) == len(made["reviews"]) == 3
    assert not made["approved"]
    assert answer(flow).split("\n\n")[-2] == expected("""
        60 words, 3 drafts. Not approved:
        - Style: It is dull.
    """)


async def test_a_reviewer_that_hangs_is_named_and_holds_nothing_up(tmp_path):
    model = Scripted(script=script(Style=[call("linger")] * 2))

    flow, made = await run(tmp_path, model, Style={"tools": [linger], "timeout": 1.0})

    assert not flow.errors
    assert len(made["drafts"]) == 1
    assert "- Style: NodeTimeoutError" in answer(flow)


# What cannot be made


def test_a_stage_with_nobody_or_two_of_a_name_is_refused():
    good = staff("offline")
    with pytest.raises(WiringError, match="Piece needs at least one researcher"):
        staged("Piece", good._replace(researchers=[]))
    with pytest.raises(WiringError, match="and one round"):
        staged("Piece", good, rounds=0)
    with pytest.raises(WiringError, match="two go by the name Facts"):
        staged("Piece", good._replace(reviewers=[good.reviewers[0]] * 2))
    with pytest.raises(WiringError, match="two go by the name Writer"):
        staged("Writer", good)


def test_the_originals_stay_as_they_are():
    good = staff("offline")
    staged("Piece", good)

    assert {one.timeout for one in good.everybody} == {None}
    assert good.writer.tools == [mend_draft]


# The example, offline


@pytest.fixture
def content(monkeypatch):
    monkeypatch.setenv("MODEL_NAME", "offline")
    return load_app(ROOT / "examples" / "content")


async def test_offline_the_fact_reviewer_catches_what_a_writer_invents(content, tmp_path):
    from examples.content.agent import staff as desk

    source = "(Financial Services Compensation Scheme, tax year 2026/27)"
    draft = f"The scheme repays up to £120,000 per person and firm. {FILLER} {FILLER} {source}"
    wrong = draft.replace("£120,000", "£220,000").replace(source, "(FT Money: Cover)")
    writer = agent("Writer", Scripted(script={"Writer": [wrong, draft]}))
    newsroom = desk._replace(writer=writer)

    flow = await record(staged("Piece", newsroom), [SAFE], tmp_path)

    said = [one.text for one in flow.moves if one.source == "Fact_Reviewer" and one.text]
    assert json.loads(said[0]) == {
        "approved": False,
        "remarks": "“FT Money: Cover” is no source of the research. "
        "£220,000 stands nowhere in the research: take it out.",
    }
    assert said[1:] == [YES]
    assert "2 drafts. Approved by" in answer(flow)


async def test_a_topic_that_nobody_knows_ends_with_an_error(content, tmp_path):
    questions = of_questions(["Best pizza recipes in Naples"])

    held = await run_conversation(content, questions, file=tmp_path / "log.jsonl")

    assert "there is nothing to write from" in held.turns[0].error


# Its commands and its page


def test_the_pages_code_runs(tmp_path):
    done = PAGE.run_code(tmp_path)

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("critical path") == 2
