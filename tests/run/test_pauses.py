"""Runs that wait for a person: answered by the next words, by a file, under every construct."""

import asyncio
import warnings

import msgspec
import pytest
from google.adk.agents import LlmAgent, SequentialAgent
from google.adk.apps import App, ResumabilityConfig
from google.adk.tools import FunctionTool
from google.adk.tools.agent_tool import AgentTool

from adk_flow.check.snapshot import draw_snapshot
from adk_flow.comparison.runner import compare
from adk_flow.errors import AdkFlowError
from adk_flow.models.override import override_models
from adk_flow.models.scripted import Scripted, call, transfer
from adk_flow.run.conversation_run import run_conversation
from adk_flow.run.pauses import Pauses
from adk_flow.scenario.conversation import Conversation, read_conversation
from adk_flow.wiring import CONSTRUCTS
from tests.doubles.app_cases import CASES, scripted
from tests.doubles.flow import expected
from tests.doubles.somebody import load, place

payments: list[int] = []
"""What was really paid."""


@pytest.fixture(autouse=True)
def nothing_paid():
    payments.clear()


def pay(amount: int) -> dict[str, int]:
    """Pays an amount."""
    payments.append(amount)
    return {"paid": amount}


PAY = FunctionTool(pay, require_confirmation=True)


def payer(model: str | Scripted = "gemini-2.5-flash", name: str = "Payer") -> LlmAgent:
    return LlmAgent(name=name, model=model, description="Pays.", tools=[PAY])


async def hold(root, folder, *turns, resumable=False):
    config = ResumabilityConfig(is_resumable=True) if resumable else None
    app = App(name="app", root_agent=root, resumability_config=config)
    asked = [{"say": turn} if isinstance(turn, str) else turn for turn in turns]
    talk = msgspec.convert({"turns": asked}, Conversation)
    return await run_conversation(app, talk, file=folder / "log.jsonl")


@pytest.mark.parametrize(
    ("words", "result"),
    [("yes", "Paid."), (" Y ", "Paid."), ('{"confirmed": true}', "Paid."), ("no", "Refused.")],
)
@pytest.mark.parametrize("resumable", [False, True])
async def test_the_next_words_answer_a_confirmation(words, result, resumable, tmp_path):
    script = {"Root": [transfer("Payer")], "Payer": [call("pay", amount=5), result]}
    model = Scripted(script=script)
    root = LlmAgent(name="Root", model=model, sub_agents=[payer(model)])

    run = await hold(root, tmp_path, "pay 5", words, resumable=resumable)

    model.finish()
    assert run.failed_checks == [[], []]
    assert (run.turns[1].answer, run.turns[1].answered_by) == (result, "Payer")
    assert payments == ([5] if result == "Paid." else [])


@pytest.mark.parametrize("name", ["expenses", "tickets", "vault", "visa"])
async def test_a_file_answers_whatever_waits(name, tmp_path):
    answers = {"expenses": {"approved": True}, "tickets": {"status": "here"}}
    answer = {"vault": True, "visa": "yes"} | answers
    first = CASES[name].turns[0]
    app = override_models(load(place(name, tmp_path)), scripted(name))
    talk = msgspec.convert({"turns": [{"say": first}, {"answer": answer[name]}]}, Conversation)

    run = await run_conversation(app, talk, file=tmp_path / "log.jsonl")

    assert draw_snapshot(run.moves) == expected(CASES[name].drawn)
    assert run.failed_checks == [[], []]


PLANNED = {
    "expenses": [
        [
            {"agent": "clerk", "tools": [{"name": "approve", "args": {"amount": 5}}]},
            {"agent": "payer", "says": "Paid."},
        ],
        None,
    ],
    "tickets": [
        [
            {
                "agent": "tickets",
                "tools": [{"name": "order", "args": {"part": "x"}}],
                "says": "Ordered.",
            }
        ],
        [{"agent": "tickets", "says": "It is here."}],
    ],
    "visa": [
        [{"agent": "checker", "says": "complete"}],
        [{"agent": "writer", "says": "Dear Ann"}],
    ],
}


@pytest.mark.parametrize("name", PLANNED)
async def test_a_plan_pauses_as_a_model_does(name, tmp_path, monkeypatch):
    monkeypatch.delenv("MODEL_NAME", raising=False)
    first, second = CASES[name].turns
    before, after = PLANNED[name]
    turns = [{"say": first, "plan": before}, {"answer": second.value, "plan": after}]

    run = await run_conversation(
        load(place(name, tmp_path)),
        msgspec.convert({"turns": turns}, Conversation),
        file=tmp_path / "log.jsonl",
    )

    assert draw_snapshot(run.moves) == expected(CASES[name].drawn)


PLAN = [{"agent": "Payer", "tools": [{"name": "pay", "args": {"amount": 5}}]}]
STUB = [{"agent": "Payer", "tools": [{**PLAN[0]["tools"][0], "returns": {"paid": 7}}]}]


@pytest.mark.parametrize(("plan", "paid"), [(PLAN, 5), (STUB, 7)])
@pytest.mark.parametrize("agrees", [True, False])
async def test_a_plan_pauses_and_goes_on_with_the_answer(agrees, plan, paid, tmp_path, monkeypatch):
    monkeypatch.delenv("MODEL_NAME", raising=False)
    root = LlmAgent(name="Root", model="gemini-2.5-flash", sub_agents=[payer()])

    run = await hold(root, tmp_path, {"say": "pay 5", "plan": plan}, {"answer": agrees})

    said = f'{{"paid": {paid}}}' if agrees else "This tool call is rejected."
    answer = f'{{"confirmed":{"true" if agrees else "false"}}}'
    lines = f"""
        start user to Root
        user say Root "pay 5"
        Root => Payer
        Payer reply user "waits for adk_request_confirmation: Please approve or reject the tool
        end Payer to user

        start user to Payer
        user say Payer "{answer}"
        Payer reply user "{said}"
        end Payer to user
        """
    drawn = [line.split(" call pay()")[0] for line in draw_snapshot(run.moves)]
    assert [line for line in drawn if "requires confirmation" not in line] == expected(lines).split(
        "\n"
    )
    assert run.failed_checks == [[], []]
    assert payments == ([5] if agrees and plan is PLAN else [])


async def test_an_answer_that_nobody_waits_for_is_told_and_sent_as_words(tmp_path, monkeypatch):
    monkeypatch.delenv("MODEL_NAME", raising=False)
    root = LlmAgent(name="Root", model="gemini-2.5-flash", tools=[AgentTool(payer())])

    run = await hold(root, tmp_path, {"say": "pay 5", "plan": PLAN}, {"answer": "yes"})

    # A confirmation below an AgentTool never reaches the user (ADK 2.13).
    assert run.failed_checks[1] == ["nobody waited for an answer"]
    assert run.turns[1].question == "yes"


def of_another(latest):
    return property(lambda pauses: (pause := latest.fget(pauses)) and pause._replace(agent="Do"))


async def test_who_is_resumed_is_compared_with_who_paused(tmp_path, monkeypatch):
    script = {"Plan": [call("pay", amount=5), "Planned."] * 2}
    model = Scripted(script=script)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        root = SequentialAgent(
            name="Root",
            sub_agents=[
                payer(model, "Plan"),
                LlmAgent(name="Do", model=model, description="Does."),
            ],
        )

    resumed = await hold(root, tmp_path, "pay 5", "yes")
    # No wiring is known in which ADK 2.13 resumes another: who paused is misread here.
    monkeypatch.setattr(Pauses, "latest", of_another(Pauses.latest))
    (tmp_path / "again").mkdir()
    misread = await hold(root, tmp_path / "again", "pay 5", "yes")

    assert resumed.turns[1].answered_by == "Plan"
    assert resumed.failed_checks == [[], []]
    assert misread.failed_checks == [[], ["Do had paused, but Plan was resumed"]]


async def test_all_constructs_are_compared_past_a_pause(tmp_path, monkeypatch):
    monkeypatch.delenv("MODEL_NAME", raising=False)
    other = LlmAgent(name="Teller", model="gemini-2.5-flash", description="Tells.")
    lead = LlmAgent(name="Lead", model="gemini-2.5-flash", sub_agents=[payer(), other])
    turns = [{"say": "pay 5", "plan": PLAN}, {"answer": True, "numbers": [{"value": 5}]}]
    talk = msgspec.convert({"turns": turns}, Conversation)

    compared = await asyncio.to_thread(
        compare, App(name="app", root_agent=lead), {"pay": talk}, folder=tmp_path
    )

    calls = {run.construct: run.total.llm_calls for run in compared.runs}
    lacking = {run.construct for run in compared.runs if not run.passed}
    assert (compared.kind, compared.models) == ("controlled", ["planned"])
    assert list(calls) == ["as_is", *(name for name in CONSTRUCTS if name != "advisor")]
    # One call before the pause is made again in none: the tool is run, then its agent is asked.
    assert (calls["single_agent"], calls["transfer"], calls["router"]) == (2, 3, 3)
    assert (calls["single_turn"], calls["coordinator"]) == (4, 4)
    # Below an AgentTool nobody is asked to confirm.
    assert lacking == {"agent_tool", "agent_tool_skip_summarization"}


def test_a_turn_without_words_or_answer_is_refused(tmp_path):
    file = tmp_path / "talk.yaml"
    file.write_text("turns:\n  - specialist: A\n", encoding="utf-8")

    with pytest.raises(AdkFlowError, match=r"line 2: turns\[0\]: expected say or answer"):
        read_conversation(file)
