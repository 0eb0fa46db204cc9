"""ADK's own evaluation scores what ran inside an AgentTool, and who answered.

The extra `eval` of google-adk is not installed; its Vertex AI metrics, which nothing here uses, are
all that needs it, so stand-ins of its packages let ADK's own command run.
"""

import json
import re
from pathlib import Path

import pytest
from google.adk.evaluation.custom_metric_evaluator import _CustomMetricEvaluator
from google.adk.evaluation.eval_case import IntermediateData, Invocation, InvocationEvents
from google.adk.evaluation.eval_config import EvalConfig, get_eval_metrics_from_config
from google.adk.evaluation.evaluation_generator import EvaluationGenerator
from google.adk.evaluation.evaluator import EvalStatus
from google.adk.tools.agent_tool import AgentTool
from google.genai import types

from adk_flow.check.adk_eval import turns_of
from adk_flow.models.scripted import Scripted, call, transfer
from tests.doubles.command import APP, adk_command
from tests.doubles.flow import agent, record
from tests.doubles.forked import run_forked

CONFIG = {
    "criteria": {
        "true_llm_calls": 3.0,
        "who_answered": {"threshold": 1.0, "agents": ["Root", "Savings"]},
    },
    "custom_metrics": {
        "true_llm_calls": {"code_config": {"name": "adk_flow.check.adk_eval.llm_calls"}},
        "who_answered": {"code_config": {"name": "adk_flow.check.adk_eval.answered_by"}},
    },
}

DESK = f"""{APP}
from google.adk.apps import App
from adk_flow import FlowPlugin

app = App(name="desk", root_agent=root_agent, plugins=[FlowPlugin()])
"""

SHOP = """
from google.adk.agents import LlmAgent
from google.adk.apps import App
from google.adk.tools.agent_tool import AgentTool
from adk_flow import FlowPlugin

def pairs_in_stock(size: int) -> dict:
    "Counts the pairs of shoes in stock of a size."
    return {"pairs": 12}

stock = LlmAgent(
    name="Stock", model="offline", description="Knows which shoes are in stock.",
    tools=[pairs_in_stock],
)
returns = LlmAgent(name="Returns", description="Takes back what customers return.")
root_agent = LlmAgent(
    name="Shop", model="offline", description="Serves customers.",
    instruction="Ask Stock what there is; hand over to Returns who wants to return something.",
    tools=[AgentTool(stock)], sub_agents=[returns],
)
app = App(name="desk", root_agent=root_agent, plugins=[FlowPlugin()])
"""

STAND_IN = """
class Anything:
    def __getattr__(self, name): return Anything()
    def __call__(self, *args, **kwargs): return Anything()
    def __or__(self, other): return self
    __ror__ = __or__
def __getattr__(name): return Anything()
"""
PACKAGES = ("pandas", "vertexai", "agentplatform", "rouge_score")


@pytest.fixture
async def invocations(tmp_path, monkeypatch):
    """A recorded session as ADK's evaluation sees it."""
    script = {
        "Root": [call("Loans", request="How dear?"), "It is 5%.", transfer("Savings")],
        "Loans": ["5"],
        "Savings": ["Save."],
    }
    return await evaluated(script, tmp_path / "flow_logs", monkeypatch)


async def evaluated(script, folder, monkeypatch, asks=("Cost?", "Savings?"), **options):
    monkeypatch.setenv("ADK_FLOW_DIR", str(folder))
    model = Scripted(script=script)
    tools = [AgentTool(agent("Loans", model))]
    root = agent("Root", model, tools=tools, sub_agents=[agent("Savings", model)])
    flow = await record(root, list(asks), folder, model=model, **options)
    asked = [line for line in flow.log.records if line.hook == "user_message" and not line.parent]
    invocations = EvaluationGenerator.convert_events_to_eval_invocations(flow.events)
    times = [line.time / 1e6 for line in asked]
    return [
        invocation.model_copy(update={"user_content": types.UserContent(line.text)})
        for invocation, line in zip(at(invocations, times), asked, strict=True)
    ]


def at(invocations, times):
    """Gives invocations as if they had been asked at other times."""
    pairs = zip(invocations, times, strict=True)
    return [each.model_copy(update={"creation_timestamp": time}) for each, time in pairs]


async def scored(name, invocations, expected=None, **criterion):
    config = {**CONFIG, "criteria": {name: criterion}} if criterion else CONFIG
    metrics = get_eval_metrics_from_config(EvalConfig.model_validate(config))
    metric = next(metric for metric in metrics if metric.metric_name == name)
    evaluator = _CustomMetricEvaluator(metric, metric.custom_function_path or "")
    return await evaluator.evaluate_invocations(invocations, expected)


def scores(result):
    return [one.score for one in result.per_invocation_results]


async def test_calls_inside_an_agent_tool_count(invocations):
    result = await scored("true_llm_calls", invocations)

    assert scores(result) == [3, 2]
    assert (result.overall_score, result.overall_eval_status) == (3, EvalStatus.PASSED)


async def test_a_turn_above_the_threshold_fails(invocations):
    result = await scored("true_llm_calls", invocations, threshold=2.0)

    assert [one.eval_status.name for one in result.per_invocation_results] == ["FAILED", "PASSED"]
    assert result.overall_eval_status == EvalStatus.FAILED


@pytest.mark.parametrize(
    ("agents", "expected"),
    [(["Root", "Savings"], [1, 1]), (["Root", "Loans"], [1, 0]), ("Savings", [0, 1])],
)
async def test_who_answered_is_compared_with_who_ought_to(invocations, agents, expected):
    result = await scored("who_answered", invocations, threshold=1.0, agents=agents)

    assert scores(result) == expected
    assert result.overall_score == sum(expected) / 2


@pytest.mark.parametrize(("recorded", "expected"), [(True, [1, 1]), (False, [1, 0])])
async def test_the_eval_case_may_say_who_ought_to_answer(invocations, recorded, expected):
    by_hand = IntermediateData(intermediate_responses=[("Root", [types.Part(text="x")])])
    case = [
        one.model_copy(update={} if recorded else {"intermediate_data": by_hand})
        for one in invocations
    ]

    result = await scored("who_answered", invocations, case, threshold=0.5)

    assert scores(result) == expected
    assert result.overall_eval_status == EvalStatus.PASSED


async def test_of_sessions_asked_the_same_the_log_is_found_by_its_calls(tmp_path, monkeypatch):
    short = {"Root": ["It is 5%.", transfer("Savings")], "Savings": ["Save."], "Loans": []}
    called = {"Root": [call("Loans", request="x"), "5%", "Bye"], "Loans": ["5"], "Savings": []}
    one = await evaluated(short, tmp_path / "flow_logs", monkeypatch)
    other = await evaluated(called, tmp_path / "flow_logs", monkeypatch)
    at_once = at(other, [first.creation_timestamp for first in one])

    assert scores(await scored("true_llm_calls", one)) == [1, 2]
    assert scores(await scored("true_llm_calls", at_once)) == [3, 1]


async def test_of_sessions_without_calls_the_log_is_found_by_its_answers(tmp_path, monkeypatch):
    folder = tmp_path / "flow_logs"
    silent = {"Loans": [], "Savings": []}
    one = await evaluated({"Root": ["A", "Bye"], **silent}, folder, monkeypatch)
    two = await evaluated({"Root": ["B", "Bye"], **silent}, folder, monkeypatch)
    called = {"Root": [call("Loans", request="x"), "A", "Bye"], "Loans": ["5"], "Savings": []}
    three = await evaluated(called, folder, monkeypatch)

    for other in (two, three):
        turns = turns_of(at(one, [near.creation_timestamp for near in other]), folder)
        assert [(turn.answer, turn.llm_calls) for turn in turns] == [("A", 1), ("Bye", 1)]


async def test_a_plugin_may_take_its_time_over_the_message(invocations, tmp_path, monkeypatch):
    """ADK makes the user's event after the plugins' hooks, of which the recorder's is the first."""
    monkeypatch.setattr("adk_flow.check.adk_eval.WITHIN_SECONDS", 0.0)
    turns = turns_of(invocations, tmp_path / "flow_logs")
    late = at(invocations, [turn.ended / 1e6 for turn in turns])

    assert scores(await scored("true_llm_calls", late)) == [3, 2]


async def test_a_question_may_come_in_parts(invocations):
    parts = [types.Part(text="thinks", thought=True), "Co", "st?"]
    asked = invocations[0].model_copy(update={"user_content": types.UserContent(parts)})

    assert scores(await scored("true_llm_calls", [asked, invocations[1]])) == [3, 2]


@pytest.mark.parametrize(
    "kept", [{}, {"redact": False}, {"capture": "preview"}, {"capture": "none"}]
)
async def test_the_log_is_found_whatever_it_keeps_of_words(kept, tmp_path, monkeypatch):
    script = {"Root": ["a@example.org"], "Loans": [], "Savings": []}
    asks = ["Is it me@example.org? " + "Please. " * 40]
    held = await evaluated(script, tmp_path / "flow_logs", monkeypatch, asks, **kept)
    whole = [one.model_copy(update={"user_content": types.UserContent(asks[0])}) for one in held]

    assert scores(await scored("true_llm_calls", whole)) == [1]


async def test_without_a_log_of_the_session_it_fails(invocations, tmp_path, caplog):
    later = at(invocations, [asked.creation_timestamp + 60 for asked in invocations])

    for asked, folder in ((later, "flow_logs"), (invocations, "none"), ([], "flow_logs")):
        caplog.clear()
        where = str(tmp_path / folder)
        result = await scored("true_llm_calls", asked, threshold=9.0, directory=where)

        assert scores(result) == [None] * len(asked)
        assert {one.eval_status for one in result.per_invocation_results} <= {EvalStatus.FAILED}
        assert (result.overall_score, result.overall_eval_status) == (None, EvalStatus.FAILED)
        assert [line.levelname for line in caplog.records] == ["ERROR"]
        told = f"true_llm_calls: {where}: holds no flow log of the evaluated session"
        assert caplog.messages[0].startswith(told)

    wrong = await scored("true_llm_calls", invocations, threshold=9.0, directory=3)
    assert wrong.overall_eval_status == EvalStatus.FAILED
    assert caplog.messages[-1].startswith("true_llm_calls: TypeError: ")
    (tmp_path / "flow_logs" / "gone.jsonl").symlink_to("nowhere")
    found = await scored("true_llm_calls", invocations, threshold=9.0)
    assert found.overall_eval_status == EvalStatus.PASSED


async def test_who_ought_to_answer_must_be_said_of_every_turn(invocations, caplog):
    silent = [Invocation(user_content=one.user_content) for one in invocations]
    empty = [one.model_copy(update={"intermediate_data": InvocationEvents()}) for one in silent]

    for criterion in ({"agents": ["Root"]}, {"agents": 3}, {"agents": ["Root", None]}, {}):
        for case in (silent, empty, None):
            caplog.clear()
            result = await scored("who_answered", invocations, case, threshold=0.0, **criterion)

            assert result.overall_eval_status == EvalStatus.FAILED
            assert caplog.messages[0].startswith("who_answered: names of 2 turns are expected in")


def adk_eval(folder, app, cases, agents, **criterion):
    """Runs ADK's own command; gives each case's metrics, turn by turn, as it prints them."""
    (folder / "desk").mkdir()
    (folder / "desk" / "__init__.py").write_text("from . import agent\n")
    (folder / "desk" / "agent.py").write_text(app)
    who = {"threshold": 1.0, "agents": agents, **criterion}
    criteria = {"true_llm_calls": 4.0, "who_answered": who}
    (folder / "config.json").write_text(json.dumps({**CONFIG, "criteria": criteria}))
    eval_cases = [
        {"eval_id": name, "conversation": [{"user_content": says(words)} for words in asked]}
        for name, asked in cases.items()
    ]
    (folder / "set.json").write_text(json.dumps({"eval_set_id": "s", "eval_cases": eval_cases}))
    options = ("--config_file_path", "config.json", "--print_detailed_results")
    done = adk(folder, "eval", "desk", "set.json", *options)
    told = re.findall(
        r"^Eval Id: (\w+)$(.*?)(?=^Eval Id|\Z)", done.stdout, re.DOTALL | re.MULTILINE
    )
    assert len(told) == len(cases), done.stdout + done.stderr
    return dict(told)


def adk(folder, *arguments):
    (folder / "stand_ins").mkdir()
    for package in PACKAGES:
        (folder / "stand_ins" / f"{package}.py").write_text(STAND_IN)
    environment = {"PYTHONPATH": str(folder / "stand_ins"), "ADK_FLOW_DIR": "logs"}
    return run_forked(adk_command, *arguments, folder=folder, **environment)


def says(words):
    return {"role": "user", "parts": [{"text": words}]}


def by_turn(metric, told):
    return re.findall(rf"^  {metric}: +(.+?)(?: \(in|$)", told, re.MULTILINE)


def test_adks_own_command_scores_it(tmp_path):
    told = adk_eval(tmp_path, DESK, {"one": ["Cost?", "Savings?"]}, ["Root", "Savings"])["one"]

    assert by_turn("true_llm_calls", told) == ["PASSED (3.0)", "PASSED (2.0)"]
    assert by_turn("who_answered", told) == ["PASSED (1.0)", "PASSED (1.0)"]
    # What ADK counts by itself: the calls in its own session.
    assert by_turn("inference_call_count_v1", told) == ["2", "2"]


def test_cases_that_ask_the_same_at_the_same_time_are_told_apart(tmp_path):
    """ADK evaluates four cases at once, each on a Runner that closes the app's one recorder."""
    stock, back = "How many of size 42 are in stock?", "I want to return what I bought."
    cases = {"a": [stock, back], "b": [stock, stock], "c": [back], "d": [stock, back]}

    told = adk_eval(tmp_path, SHOP, cases, "Shop")

    calls = {name: by_turn("true_llm_calls", text) for name, text in told.items()}
    both = ["PASSED (4.0)", "PASSED (2.0)"]
    assert calls == {"a": both, "b": ["PASSED (4.0)"] * 2, "c": both[1:], "d": both}
    assert by_turn("who_answered", told["a"]) == ["PASSED (1.0)", "FAILED (0.0)"]
    assert len(list((tmp_path / "logs").rglob("*.jsonl"))) == 4


def test_a_case_that_cannot_be_scored_does_not_pass(tmp_path):
    """Of a metric that raises, ADK says NOT_EVALUATED, and passes the case for the other one."""
    told = adk_eval(tmp_path, DESK, {"one": ["Cost?", "Savings?"]}, "Root", directory="none")["one"]

    assert by_turn("true_llm_calls", told) == ["PASSED (3.0)", "PASSED (2.0)"]
    assert by_turn("who_answered", told) == ["FAILED (None)"] * 2
    assert "Overall Eval Status: FAILED" in told


def test_the_document_can_be_followed(tmp_path):
    text = (Path(__file__).parents[2] / "docs" / "ci.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```(\w+(?: eval)?)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    [agents] = [text for _, text in blocks if text.startswith("# shop/agent.py\n")]
    init, app = [text for kind, text in blocks if kind == "python eval"]
    [config] = [text for kind, text in blocks if kind == "json"]
    [asked] = [text for kind, text in blocks if kind == "json eval"]
    _, command = [text for kind, text in blocks if kind == "sh eval"]
    agents = agents.replace("gemini-2.5-flash", "offline")
    agents = agents.replace('name="Stock",', 'name="Stock", model="offline",')
    (tmp_path / "shop").mkdir()
    for name, text in {
        "__init__.py": init,
        "agent.py": agents + app,
        "basic.evalset.json": asked,
        "test_config.json": config,
    }.items():
        (tmp_path / "shop" / name).write_text(text, encoding="utf-8")

    done = adk(tmp_path, *command.split()[1:])

    assert "Overall Eval Status: PASSED" in done.stdout, done.stdout + done.stderr
    assert by_turn("true_llm_calls", done.stdout) == ["PASSED (4.0)", "PASSED (2.0)"]
    assert by_turn("who_answered", done.stdout) == ["PASSED (1.0)"] * 2
