"""The fixture `flow`, and what a failed comparison of moves shows."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.adk.agents import ParallelAgent, SequentialAgent
from google.adk.apps import App
from google.adk.tools.agent_tool import AgentTool

from adk_flow.check.flow import read_flow
from adk_flow.check.snapshot import Snapshot, aligned, side_by_side
from adk_flow.errors import AdkFlowError
from adk_flow.models.scripted import Scripted, call, transfer
from adk_flow.record.plugin import FlowPlugin
from adk_flow.scenario.conversation import AskedTurn, Conversation
from tests.doubles.flow import agent

pytest_plugins = ["pytester"]

SCRIPT = {
    "Root": [call("Loans", request="How dear?"), "It is 5%.", transfer("Savings")],
    "Loans": ["5"],
    "Savings": ["Save."],
}


def desk(model: Any = ""):
    loans, savings = agent("Loans", model), agent("Savings", model)
    return agent("Root", model, tools=[AgentTool(loans)], sub_agents=[savings])


def test_a_conversation_is_held_in_a_plain_test(flow):
    flow(desk(), "Cost?", "Savings?", script=SCRIPT)

    assert (
        flow.control
        == """
        start user to Root
        Root -> Loans (agent_tool)
        Root <- Loans
        end Root to user

        start user to Root
        Root => Savings
        end Savings to user
    """
    )
    assert flow.turn(1).conversation == [
        'user say Root "Cost?"',
        'Root ask Loans "How dear?"',
        'Loans answer Root "5"',
        'Root reply user "..."',
    ]
    assert flow.llm_calls == 5
    assert flow.reported_llm_calls == 4
    assert (flow.transfers, flow.agent_calls, flow.tool_calls) == (1, 1, 0)
    assert (flow.input_tokens, flow.output_tokens, flow.tokens) == (100, 50, 150)
    assert [turn.answered_by for turn in flow.turns] == ["Root", "Savings"]
    assert (flow.answer, flow.active_agent) == ("Save.", "Savings")
    assert flow.speakers == ["Root", "Savings"]
    assert flow.agents == ["Root", "Loans", "Savings"]


async def test_a_conversation_is_held_in_an_async_test(flow, tmp_path):
    held = await flow.run(
        desk(), "Cost?", script={**SCRIPT, "Root": SCRIPT["Root"][:2], "Savings": []}
    )

    assert held is flow.latest
    assert Path(held.log.path).parent.parent == tmp_path
    assert held.picture == read_flow(held.log.path).picture


def test_the_offline_model_takes_the_place_of_every_agents_own(flow):
    root = desk(model="gemini-2.5-flash")

    flow(root, "Hello", model="offline")

    assert {record.model for record in flow.log.records if record.model} == {"offline"}
    assert root.model == "gemini-2.5-flash"


def test_an_app_keeps_its_plugins_and_all_words_are_recorded(flow, tmp_path, monkeypatch):
    monkeypatch.setenv("ADK_FLOW_TEXTS", "none")
    own = FlowPlugin(directory=tmp_path / "own", capture="none", construct="mine")
    app = App(name="desk", root_agent=desk(), plugins=[own])

    flow(app, "Cost?", "Savings?", script=SCRIPT)

    assert flow.answer == "Save."
    assert flow.log.header.construct == "mine"
    assert not (tmp_path / "own").exists()


def test_the_path_of_an_app_is_loaded(flow, tmp_path):
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "agent.py").write_text(
        "from google.adk.agents import LlmAgent\n"
        "root_agent = LlmAgent(name='Root', description='Helps.')\n"
    )

    flow(tmp_path / "plain", "Hi", script={"Root": ["Hello."]})

    assert flow.conversation == ['user say Root "Hi"', 'Root reply user "Hello."']


def test_what_one_agent_was_shown_of_another_is_told(flow):
    flow(desk(), "What does a loan cost?", "Savings?", script=SCRIPT)

    assert flow.shared("Loans", "user") == []
    assert flow.shared("Savings", "Loans") == ["Savings was shown words of Loans (record 32)"]
    assert flow.shared("Loans", "Root") == [
        "Loans was shown request of Root (record 10)",
        "Root was shown answer of Loans (record 17)",
    ]


def test_ping_pong_is_a_list_of_findings(flow):
    script = {"Root": [transfer("Savings")] * 2 + ["Well."], "Savings": [transfer("Root")] * 2}

    flow(desk(), "Go", script={**script, "Loans": []})

    assert [finding.agents for finding in flow.ping_pong] == [("Root", "Savings")]


def test_a_price_that_is_not_known_is_no_price_of_zero(flow):
    flow(desk(), "Cost?", "Savings?", script=SCRIPT)

    assert 0 < flow.cost("gemini-2.5-flash") < 0.01
    with pytest.raises(AdkFlowError, match="no price is known of scripted"):
        flow.cost()


def test_a_failed_turn_fails_the_test_unless_it_may(flow):
    script = {"Root": [RuntimeError("out of order")]}

    with pytest.raises(AssertionError, match="turn 1: failed: RuntimeError: out of order"):
        flow(agent("Root", ""), "Hi", script=script)
    flow(agent("Root", ""), "Hi", script=script, may_fail=True)
    assert flow.faults == ["turn 1 failed: RuntimeError: out of order"]


def test_a_script_that_does_not_fit_fails_the_test(flow):
    with pytest.raises(AssertionError, match="Root asked for decision 2; its script has 1"):
        flow(agent("Root", ""), "Hi", "More?", script={"Root": ["Hello."]})
    with pytest.raises(AssertionError, match=r"Root asked for decision 1; scripted: \['Rot'\]"):
        flow(agent("Root", ""), "Hi", script={"Rot": ["Hello."]})
    with pytest.raises(AssertionError, match="nobody asked for: Root 1"):
        flow(agent("Root", ""), "Hi", script={"Root": ["Hello.", "More."]})


def test_an_answer_that_lacks_what_is_asked_for_fails_the_test(flow):
    asked = Conversation(turns=[AskedTurn(say="Cost?", contains=["7%"])])

    with pytest.raises(AssertionError, match="turn 1: lacks '7%'"):
        flow(agent("Root", ""), asked, script={"Root": ["5%"]})


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "openai/gpt-4-turbo"])
def test_a_model_that_needs_a_key_is_refused(flow, model):
    with pytest.raises(ValueError, match=f"Root runs on {model}, which needs a key"):
        flow(SequentialAgent(name="Steps", sub_agents=[agent("Root", model)]), "Hi")


def test_a_model_of_the_tests_own_is_used_as_it_is(flow):
    flow(agent("Root", Scripted(script={"Root": ["Hello."]})), "Hi")

    assert flow.answered_by == "Root"


def test_what_is_not_said_rightly_is_told(flow):
    with pytest.raises(RuntimeError, match="no conversation was held"):
        _ = flow.control
    with pytest.raises(TypeError, match="say what to ask"):
        flow(desk())
    with pytest.raises(TypeError, match="a script or a model"):
        flow(desk(), "Hi", script={}, model="offline")
    flow(agent("Root", ""), "Hi", script={"Root": ["Hello."]})
    with pytest.raises(ValueError, match="Root runs on ofline, which is not a known model"):
        flow(agent("Root", ""), "Hi", model="ofline")
    flow(agent("Root", ""), "Hi", script={"Root": ["Hello."]})
    with pytest.raises(IndexError, match="there is no turn 2"):
        flow.turn(2)
    with pytest.raises(AttributeError, match="colour"):
        _ = flow.colour


@pytest.mark.parametrize(
    ("subject", "options", "told"),
    [
        ("app", {"script": {"Root": "ok"}}, "script['Root']: expected a list of decisions, got a "),
        ("app", {"script": {"Root": 3}}, "script['Root']: expected a list of decisions, got a int"),
        (
            "app",
            {"script": ["ok"]},
            "script: expected decisions by agent, {'Root': […]}, got a list",
        ),
        ("app", {"model": 3}, "model: expected a name such as 'offline', or a BaseLlm, got 3"),
        (None, {}, "expected an agent, an App, or the path of an app, got None"),
        ([], {"model": "offline"}, "expected an agent, an App, or the path of an app, got []"),
    ],
)
def test_what_is_of_the_wrong_kind_is_told(flow, subject, options, told):
    with pytest.raises(TypeError, match=re.escape(told)):
        flow(agent("Root", "") if subject == "app" else subject, "Hi", **options)


def test_a_decision_of_the_wrong_kind_is_told(flow):
    for decision in (3, ["Hi.", None]):
        with pytest.raises(AssertionError, match=r"ScriptError: (3|None) is no decision; expected"):
            flow(agent("Root", ""), "Hi", script={"Root": [decision]})


def test_a_misspelt_agent_is_no_isolated_one(flow, tmp_path):
    flow(desk(), "Cost?", "Savings?", script=SCRIPT)

    told = re.escape("the app has no agent 'Loan'; there are Root, Savings, Loans")
    with pytest.raises(ValueError, match=told):
        flow.shared("Loan", "user")
    with pytest.raises(ValueError, match=told):
        flow.turn(1).shared("user", "Loan")
    assert read_flow(flow.log.path).shared("Loan", "user") == []  # of a log nobody knows


def test_a_call_that_failed_tells_nothing_of_an_earlier_one(flow):
    for wrong in ({"script": {"Root": []}}, {"model": 3}):
        flow(agent("Root", ""), "Hi", script={"Root": ["Hello."]})
        with pytest.raises((AssertionError, TypeError)):
            flow(agent("Root", ""), "Hi", **wrong)
        with pytest.raises(RuntimeError, match="no conversation was held"):
            _ = flow.answer


async def test_conversations_of_one_agent_at_once_keep_their_models(flow):
    root = agent("Root", "gemini-2.5-flash")

    flows = await asyncio.gather(
        *(flow.run(root, "Hi", script={"Root": [words]}) for words in ("Hello.", "Bye."))
    )

    assert [one.answer for one in flows] == ["Hello.", "Bye."]
    assert root.model == "gemini-2.5-flash"


async def test_conversations_on_the_agents_own_model_may_be_held_at_once(flow):
    root = agent("Root", Scripted(script={"Root": ["Hello.", "Hello."]}))

    both = await asyncio.gather(flow.run(root, "Hi"), flow.run(root, "Hi"))

    assert [one.answer for one in both] == ["Hello.", "Hello."]


def test_who_speaks_in_a_graph_speaks_to_the_user(flow):
    called = agent("Called", "")
    first = agent("First", "", tools=[AgentTool(called)])
    side_by_side = ParallelAgent(name="Both", sub_agents=[first, agent("Second", "")])
    root = SequentialAgent(name="Steps", sub_agents=[side_by_side, agent("Last", "")])
    words = [call("Called", request="?"), "One."]

    flow(
        root,
        "Hi",
        script={"First": words, "Called": ["0"], "Second": ["Two."], "Last": ["Three."]},
    )

    assert sorted(flow.speakers[:2]) == ["First", "Second"]
    assert flow.speakers[2:] == ["Last"]
    assert flow.turn(1).speakers == flow.speakers


async def test_a_plain_call_in_an_async_test_is_refused(flow):
    with pytest.raises(RuntimeError, match=re.escape("await flow.run(…)")):
        flow(desk(), "Hi")


# Pictures


@pytest.mark.parametrize(
    ("expected", "equal"),
    [
        (["start user to Root", "Root => Loans"], True),
        (("start user to Root", "", "Root => Loans"), True),
        ("start user to Root\n\n   Root => Loans\n", True),
        ("start user to ...\nRoot => ...", True),
        ("start user to Root", False),
        (["start user to Root", "Root => Loans", "..."], False),
        (["Root => Loans", "start user to Root"], False),
        (3, False),
    ],
)
def test_a_picture_equals_what_says_the_same(expected, equal):
    drawn = Snapshot(["start user to Root", "", "Root => Loans"])

    assert (drawn == expected) is equal
    assert (expected == drawn) is equal
    assert (drawn != expected) is not equal


def test_two_pictures_stand_side_by_side_in_80_columns():
    expected = ["start user to Root", 'Root reply user "It ..."', "end Root to user"]
    actual = [
        "start user to Root",
        "Root => Loans",
        'Root reply user "It is 5% a year, whatever the term, 日本語日本語日本語日本語日本語日"',
        "end Loans to user",
    ]

    lines = side_by_side(aligned(expected, actual))

    assert lines == [
        "expected                                 actual",
        "start user to Root                       start user to Root",
        "                                       + Root => Loans",
        'Root reply user "It ..."                 Root reply user "It is 5% a year,',
        "                                           whatever the term, 日本語日本語日本",
        '                                         語日本語日本語日"',
        "end Root to user                       ! end Loans to user",
    ]


def test_any_number_of_dots_is_matched_at_once():
    line = "a" * 3600
    dots = "...".join("a" * 20) + "...b"

    assert Snapshot([line]) != [dots]
    assert Snapshot([f"{line}b"]) == [dots]
    assert Snapshot(["ab"]) != ["ab...b"]


# Failures

HEAD = """
from google.adk.agents import LlmAgent
root = LlmAgent(name="Root", description="Helps.")
SCRIPT = {"Root": ["Hello."]}
"""


def outcome(pytester, test):
    pytester.makepyfile(HEAD + test)
    # The outer run's sockets stay off.
    scope = "asyncio_default_fixture_loop_scope=function"
    return pytester.runpytest_inprocess("-p", "no:socket", "-p", "no:cacheprovider", "-o", scope)


def test_a_failure_shows_expected_and_actual_side_by_side(pytester):
    result = outcome(
        pytester,
        """
def test_hello(flow):
    flow(root, "Hi", script=SCRIPT)
    assert flow.control == ["start user to Root", "Root => Loans", "end Loans to user"]
""",
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "E  * assert the moves differ in 2 of 3 lines",
            "E  * start user to Root                       start user to Root",
            "E  * Root => Loans                          -",
            "E  * end Loans to user                      ! end Root to user",
        ]
    )


def test_a_long_comparison_stands_whole_in_its_own_section(pytester):
    result = outcome(
        pytester,
        """
def test_hello(flow):
    flow(root, *(["Hi"] * 4), script={"Root": ["Hello."] * 4})
    assert "start user to Loans" == flow.control
""",
    )

    result.stdout.fnmatch_lines(["E  * all of them: see 'flow' below", "*- flow -*"])
    # With CI set, pytest's summary below repeats the message in full.
    whole = result.stdout.str().split("- flow -")[1].split("short test summary")[0]
    assert whole.count("+ end Root to user") == 4


def test_other_comparisons_are_pytests_own(pytester):
    result = outcome(
        pytester,
        """
def test_hello(flow):
    flow(root, "Hi", script=SCRIPT)
    assert flow.llm_calls <= 0
def test_words():
    assert "a" == "b"
def test_a_picture_and_something_else(flow):
    flow(root, "Hi", script=SCRIPT)
    assert flow.control == 3
""",
    )

    result.assert_outcomes(failed=3)
    result.stdout.no_fnmatch_line("*the moves differ*")
    result.stdout.fnmatch_lines(["E  * assert 1 <= 0", "E  * where 1 = flow.llm_calls"])


def test_a_test_that_fails_shows_no_frames_of_the_fixture(pytester):
    result = outcome(pytester, "def test_hello(flow):\n    flow(root, 'Hi', script={})\n")

    result.stdout.fnmatch_lines(["E  *AssertionError: turn 1: failed: ScriptError: Root asked*"])
    result.stdout.no_fnmatch_line("*runners.py*Error*")


def test_the_plugin_needs_nothing_that_pytest_6_lacks():
    words = (
        "import pytest; del pytest.StashKey; own = pytest.hookimpl;"
        "pytest.hookimpl = lambda hookwrapper=False: own(hookwrapper=hookwrapper);"
        "import adk_flow.check.pytest.plugin"
    )

    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr


@pytest.mark.environments  # for its time: a process that imports ADK
def test_the_plugin_is_light_and_nothing_else_needs_pytest():
    words = (
        "import sys, adk_flow.check.pytest.plugin; assert 'google.adk' not in sys.modules;"
        "sys.modules['pytest'] = None; del sys.modules['adk_flow.check.pytest'];"
        "import adk_flow.check.pytest, adk_flow.check.pytest.scripted_run;"
        "import adk_flow.check.adk_eval, adk_flow.cli"
    )

    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
