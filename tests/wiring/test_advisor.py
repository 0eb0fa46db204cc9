"""A cheap model that may ask a strong one: what a plan states, what counts, what it costs."""

import msgspec
import pytest
from google.adk.apps import App
from google.adk.tools import model_consult

from adk_flow.analysis.pricing import dollars
from adk_flow.analysis.trace_reader import read_trace
from adk_flow.comparison.recommend import write_caveats
from adk_flow.comparison.runner import compare
from adk_flow.comparison.spec import why_no_advisor
from adk_flow.comparison.variants import make_variants
from adk_flow.errors import AdkFlowError
from adk_flow.models.planned.from_log import plan_of
from adk_flow.models.scripted import Scripted
from adk_flow.scenario.conversation import Conversation, of_questions
from adk_flow.wiring import wire
from tests.doubles.flow import agent, record
from tests.doubles.models import Watched
from tests.doubles.teams import SCRIPTS, rate, team

STRONG = "gemini-2.5-pro"
TASK = {"agent": "Loans", "tools": [{"name": "rate", "args": {"years": 5}}]}


def asked(*consults):
    turns = [{"say": "?", "specialist": "Loans", "plan": [{**TASK, "consults": dict(consults)}]}]
    return msgspec.convert({"turns": turns}, Conversation)


def desk():
    loans = agent("Loans", "gemini-2.5-flash", tools=[rate])
    return App(name="app", root_agent=agent("Lead", "gemini-2.5-flash", sub_agents=[loans]))


@pytest.fixture(autouse=True)
def no_model_named(monkeypatch):
    monkeypatch.delenv("MODEL_NAME", raising=False)


def compared(folder, talk, **options):
    names = ["single_agent", "advisor"]
    return compare(desk(), {"talk": talk}, names, folder=folder, **options)


async def test_an_advisor_reads_all_that_was_said_and_only_it_is_asked_without_tools(tmp_path):
    model = Watched(script=SCRIPTS["advisor"])

    await record(wire(*team(model), "advisor"), ["Cost? Canary."], tmp_path, model=model)

    (consult,) = model.to("")
    assert consult.tools == []
    assert any("[user] Cost? Canary." in text for text in consult.texts)
    assert any("You lend." in text for text in consult.texts)  # the executor's instruction
    assert "model_consult" in model.to("Lead")[0].tools


def test_two_runs_of_a_plan_send_the_same_tokens(tmp_path):
    talk = asked(("Which rate?", "That for 5 years."))

    first, second = (compared(tmp_path / name, talk) for name in "ab")

    tokens = [[run.total.tokens for run in made.runs] for made in (first, second)]
    assert tokens[0] == tokens[1]


def test_a_plan_states_the_consults_and_each_is_one_call_more(tmp_path):
    talk = asked(("Which rate?", "That for 5 years."), ("Is that all?", "Yes."))

    comparison = compared(tmp_path, talk)

    calls = {figures.construct: figures.llm_calls or 0 for figures in comparison.constructs}
    # Both are asked for in one model call, and answered by one more each.
    assert calls["advisor"] == calls["single_agent"] + 1 + 2
    (run,) = [run for run in comparison.runs if run.construct == "advisor"]
    (log,) = tmp_path.glob("logs/advisor/*.jsonl")
    records = read_trace(log).log.records
    told = [r.text for r in records if r.hook == "after_tool" and r.tool == "model_consult"]
    assert [one in "".join(told) for one in ("That for 5 years.", "Yes.")] == [True, True]
    assert run.total.reported_llm_calls == run.total.seen_llm_calls - 2
    # Two at once: the longer one is waited for.
    assert run.total.critical_path_microseconds < run.total.llm_microseconds


def test_an_advisor_whom_a_plan_does_not_ask_wins_nothing_and_it_is_said(tmp_path):
    talks = {"advised": asked(("Which rate?", "That for 5 years.")), "plain": asked()}

    comparison = compare(desk(), talks, ["single_agent", "advisor"], folder=tmp_path)

    (winner, *_) = comparison.winners
    assert winner.values == {"as_is": 3, "single_agent": 2}
    assert [words for words in write_caveats(comparison) if words.startswith("advisor")] == [
        "advisor asks no stronger model in plain, whose plans have no `consults`: there it is "
        "single_agent with a tool more."
    ]


def test_the_advisors_tokens_are_priced_at_its_own_model(tmp_path):
    talk = asked(("Which rate?", "That for 5 years."))

    named = compared(tmp_path / "named", talk, advisor_model=STRONG)

    (log,) = (tmp_path / "named").glob("logs/advisor/*.jsonl")
    total = 0.0
    for r in read_trace(log).log.records:
        if r.usage and r.hook in ("model_call", "after_model"):
            price = STRONG if r.hook == "model_call" else "gemini-2.5-flash"
            total += dollars(price, r.usage) or 0
    (run,) = [run for run in named.runs if run.construct == "advisor"]
    assert run.dollars == pytest.approx(total)


def test_without_stated_consults_or_a_named_model_it_is_left_out_with_the_reason(tmp_path):
    comparison = compared(tmp_path, asked())

    assert comparison.setting.skipped == {
        "advisor": "no plan says what advisor asks the stronger model (`consults:`)"
    }
    live = of_questions(["?"])
    assert why_no_advisor("", True, [live]) == "advisor needs an advisor model, the stronger one"
    assert why_no_advisor(STRONG, True, [live]) == ""


def test_a_live_advisor_is_held_to_the_budget_of_the_comparison(tmp_path):
    with pytest.raises(AdkFlowError, match=r"cannot be kept: .* no price for dear-model"):
        compared(tmp_path, of_questions(["?"]), advisor_model="dear-model", dollars=1.0)


async def test_a_stronger_model_that_fails_is_a_result_and_the_turn_goes_on(tmp_path):
    model = Scripted(script={**SCRIPTS["advisor"], "": [RuntimeError("line is down")]})

    flow = await record(wire(*team(model), "advisor"), ["Cost?"], tmp_path, model=model)

    (told,) = [one.text for one in flow.of("after_tool") if one.tool == "model_consult"]
    assert '"status":"error"' in told.replace(": ", ":") and "line is down" in told
    assert not flow.errors
    assert flow.picture[-2] == 'Lead reply user "5%."'


async def test_the_plan_of_a_log_has_its_consults(tmp_path):
    model = Scripted(script=SCRIPTS["advisor"])
    flow = await record(wire(*team(model), "advisor"), ["Cost?"], tmp_path, model=model)

    (task,) = plan_of(flow.trace).conversation.turns[0].plan or []

    assert task.consults == {"Which?": "Look it up."}
    assert [call.name for call in task.tools] == ["rate"]


def test_an_adk_without_the_tool_leaves_it_out_with_the_reason(monkeypatch):
    monkeypatch.delattr(model_consult, "ModelConsultTool")  # 2.4 to 2.10 have no such module

    variants = make_variants(desk(), ["advisor", "transfer"])

    assert variants.skipped == {"advisor": "advisor needs google-adk 2.11 or newer"}
