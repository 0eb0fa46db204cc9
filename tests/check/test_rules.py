"""`adk-flow check`: given these rules and this flow, what breaks, told for whom."""

import json
import os
import re
import shutil
import time
from itertools import zip_longest
from pathlib import Path
from xml.etree import ElementTree

import pytest
from google.adk.tools.agent_tool import AgentTool

from adk_flow.check.evaluate import check_rules
from adk_flow.check.flow import read_flow
from adk_flow.check.rules import read_rules
from adk_flow.errors import AdkFlowError
from adk_flow.models.scripted import Scripted, call, transfer
from tests.doubles.command import APP, assert_refused, run_command, write_app
from tests.doubles.flow import agent, record

KEPT = """
control: |
  start user to Root
  Root -> Loans (agent_tool)
  Root <- Loans
  end Root to user

  start user to Root
  Root => Savings
  end Savings to user
llm_calls: 5
reported_llm_calls: 4
transfers: 1
agent_calls: 1
tool_calls: 0
input_tokens: 100
output_tokens: 50
tokens: 150
cost: 0.01
price_model: gemini-2.5-flash
answered_by: Savings
holder: Savings
never_speaks: [Loans]
no_ping_pong: true
no_findings: [unrelayed_answer, leak]
isolated: [[Loans, user]]
each_turn:
  llm_calls: 3
turns:
  - answered_by: Root
    conversation:
      - user say Root "Cost?"
      - Root ask Loans "How dear?"
      - Loans answer Root "5"
      - Root reply user "It is ..."
"""


@pytest.fixture
async def log(tmp_path):
    """Root asks Loans, then hands over to Savings."""
    script = {
        "Root": [call("Loans", request="How dear?"), "It is 5%.", transfer("Savings")],
        "Loans": ["5"],
        "Savings": ["Save."],
    }
    model = Scripted(script=script)
    tools = [AgentTool(agent("Loans", model))]
    root = agent("Root", model, tools=tools, sub_agents=[agent("Savings", model)])
    recorded = await record(root, ["Cost?", "Savings?"], tmp_path / "logs", model=model)
    return Path(recorded.log.path)


def broken(log, rules):
    """Gives what of some rules the log breaks, as `field: reason`."""
    path = log.parent / "rules.yaml"
    path.write_text(rules, encoding="utf-8")
    found = check_rules(read_flow(log), read_rules(path))
    return [f"{rule.line} {rule.rule}: {rule.reason}" for rule in found if rule.reason]


def test_every_kind_of_rule_may_be_kept(log):
    assert broken(log, KEPT) == []


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ("llm_calls: 4", "1 llm_calls: 5, expected at most 4"),
        ("\ntokens: 149", "2 tokens: 150, expected at most 149"),
        ("answered_by: Root", "1 answered_by: Savings, expected Root"),
        ("holder: Root", "1 holder: Savings, expected Root"),
        ("never_speaks: [Savings]", "1 never_speaks: Savings spoke to the user"),
        ("cost: 0", "1 cost: no price is known of scripted; name a model that has one"),
        ("{cost: 0, price_model: gemini-2.5-flash}", "1 cost: $0.000155, expected at most $0.0"),
        (
            "isolated: [[Root, Loans]]",
            "1 isolated[0]: Loans was shown request of Root (record 10), and 1 more",
        ),
        (
            "no_findings: [hidden_conversation]",
            "1 no_findings: hidden_conversation: 1 of 3 LLM calls",
        ),
        ("each_turn:\n  transfers: 0", "2 each_turn.transfers: turn 2: 1, expected at most 0"),
        ("turns:\n- {}\n- llm_calls: 1", "3 turns[1].llm_calls: turn 2: 2, expected at most 1"),
        ("turns:\n- {}\n- {}\n- {}", "4 turns[2]: there is no turn 3"),
        (
            "turns:\n- control: |\n    start user to Root\n    Root => Loans\n    end Root to user",
            "2 turns[0].control: turn 1: Root -> Loans (agent_tool), expected Root => Loans "
            "(2 of 4 lines differ)",
        ),
        ("turns: [{control: [start user to Root]}]", "not expected: Root -> Loans (agent_tool)"),
        ("conversation: [x]", 'user say Root "Cost?", expected x (6 of 6 lines differ)'),
        (KEPT[: KEPT.index("llm")] + "  Root => Loans", "2 control: lacks: Root => Loans"),
    ],
)
def test_a_broken_rule_is_told_with_its_line(log, rules, told):
    found = broken(log, rules)

    assert len(found) == 1
    assert told in found[0]


async def test_ping_pong_breaks_its_rule(tmp_path):
    script = {"Root": [transfer("Loans")] * 2 + ["Well."], "Loans": [transfer("Root")] * 2}
    model = Scripted(script=script)
    root = agent("Root", model, sub_agents=[agent("Loans", model)])
    recorded = await record(root, ["Go"], tmp_path, model=model)

    [told] = broken(Path(recorded.log.path), "no_ping_pong: true")

    assert told.startswith("1 no_ping_pong: ping_pong: Root handed over to Loans twice in one turn")


def test_a_flow_that_is_not_whole_breaks_a_rule_of_its_own(log):
    log.write_bytes(log.read_bytes()[:-200])

    told = broken(log, "may_fail: false")

    assert told[0] == "1 whole: the log stops in the middle of turn 2"
    assert told[1].endswith("the line was cut short")
    assert broken(log, "may_fail: true\nllm_calls: 9") == []


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ([4], []),  # of sessions before
        ([3, 0], []),  # and of a process before
        ([0, 1, 3], ["1 whole: 3 hooks could not be recorded, so figures may be too low"]),
        ([9, 0, 1], ["1 whole: 1 hook could not be recorded, so figures may be too low"]),
    ],
)
def test_hooks_that_were_not_recorded_break_the_rule_whole(log, counts, told):
    lines = log.read_text().splitlines(keepends=True)
    telling = [
        n for n, line in enumerate(lines) if re.search('hook":"(user_m|before_r|after_r)', line)
    ]
    for at, count in zip_longest(telling, counts, fillvalue=counts[-1]):
        lines[at] = f'{{"faults":{count},{lines[at][1:]}'
    log.write_text("".join(lines))

    assert broken(log, "llm_calls: 9") == told


def test_what_a_log_without_words_cannot_show_is_not_taken_for_kept(log):
    log.write_bytes(log.read_bytes().replace(b'"model":', b'"texts":"none","model":', 1))

    told = sorted(broken(log, "isolated: [[Loans, user]]\nno_findings: [leak]"))

    assert [line.split(":")[0] for line in told] == ["1 isolated[0]", "2 no_findings"]
    assert all("not all is known: recorded with texts=none" in line for line in told)


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ("llm_call: 4", "line 1: unknown field `llm_call`"),
        ("tokens: 1\nllm_call: 4", "line 2: unknown field `llm_call`"),
        (
            "turns:\n- tokens: 1\n  talk:\n    - x",
            "line 3: turns[0]: unknown field `talk`",
        ),
        ("tokens: 1\n7: 1", "line 2: 7 is no name of a field"),
        ("turns:\n- tokens: 1\n  7: 1", "line 3: turns[0]: 7 is no name of a field"),
        ("tokens: 1\nllm_calls:", "line 2: llm_calls: has no value"),
        ("turns:\n- tokens: 1\n  control:", "line 3: turns[0].control: has no value"),
        ("{}", "line 1: holds no rule"),
        ("each_turn: {}\nmodel: offline", "line 1: holds no rule"),
        ("may_fail: true\nhold: [Hello]", "line 1: holds no rule"),
        (
            "tokens: 1\nllm_calls: many",
            "line 2: llm_calls: expected a whole number or nothing, got text",
        ),
        ("tokens: -1", "line 1: tokens: expected a whole number >= 0"),
        ("turns:\n- {}\n- holders: Root", "line 3: turns[1]: unknown field"),
        ("hold: [Hi, '']", "line 1: hold[1]: expected text of length >= 1"),
        ("isolated: [[Root]]", "line 1: isolated[0]: expected a list of length 2, got 1"),
        (
            "no_findings:\n  - ping_pong\n  - pingpong",
            "line 3: no_findings[1]: Invalid enum value 'pingpong'; expected one of ping_pong, ",
        ),
        ("each_turn: {isolated: []}", "line 1: each_turn: unknown field"),
    ],
)
def test_a_wrong_file_is_refused_by_file_line_and_field(tmp_path, rules, reason):
    path = tmp_path / "rules.yaml"
    path.write_text(rules)

    with pytest.raises(AdkFlowError) as error:
        read_rules(path)

    assert str(error.value).startswith(f"{path}: ")
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


# The command

RULES = """# Rules
control: |
  start user to Root
  Root => Loans
llm_calls: 4
holder: Savings
"""


def run_check(folder, subject, rules, *words):
    return run_command("check", subject, "--expect", rules, *words, folder=folder)


def names_of_cases(folder, rules):
    out = run_check(folder, "own.jsonl", rules, "--format", "junit").stdout
    return [case.get("name") for case in ElementTree.fromstring(out).iter("testcase")]


@pytest.fixture
def app(tmp_path):
    """Makes an app of the desk's name in the test's folder."""
    write_app(tmp_path / "desk_app")
    return tmp_path


@pytest.fixture
def folder(log, tmp_path):
    shutil.copy(log, tmp_path / "own.jsonl")
    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "kept.yaml").write_text("llm_calls: 5\n")
    return tmp_path


def test_text_is_one_line_a_broken_rule(folder):
    result = run_check(folder, "own.jsonl", "rules.yaml")

    assert result.returncode == 1
    assert result.stdout.splitlines() == [
        "rules.yaml:2: control: not expected: Root -> Loans (agent_tool) (6 of 7 lines differ)",
        "rules.yaml:5: llm_calls: 5, expected at most 4",
        "2 of 4 rules broken; flow log: own.jsonl",
    ]


def test_rules_that_are_kept_exit_with_0_and_a_folder_is_its_newest_log(folder):
    result = run_check(folder, "logs", "kept.yaml")

    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("all 2 rules kept; flow log: logs/")


def test_junit_is_a_test_case_a_rule(folder):
    result = run_check(folder, "own.jsonl", "rules.yaml", "--format", "junit")

    assert result.returncode == 1
    suite = ElementTree.fromstring(result.stdout).find("testsuite")
    assert (suite.get("tests"), suite.get("failures")) == ("4", "2")
    assert [case.get("name") for case in suite] == ["whole", "control", "llm_calls", "holder"]
    assert "Root => Loans                          ! Root => Savings" in str(
        suite[1].findtext("failure")
    )


def test_github_annotates_the_file_of_rules(folder):
    result = run_check(folder, "own.jsonl", "rules.yaml", "--format", "github")

    assert result.returncode == 1
    assert result.stdout.splitlines()[1:] == [
        "::error file=rules.yaml,line=5,title=adk-flow%3A llm_calls::5, expected at most 4",
        "::notice::adk-flow: 2 of 4 rules kept; own.jsonl",
    ]


def test_json_is_for_a_machine(folder):
    result = run_check(folder, "own.jsonl", "rules.yaml", "--format", "json")

    data = json.loads(result.stdout)
    assert (result.returncode, data["kept"], data["log"]) == (1, False, "own.jsonl")
    assert data["rules"][2] == {
        "rule": "llm_calls",
        "line": 5,
        "reason": "5, expected at most 4",
        "details": [],
        "about": "",
        "kept": False,
    }


def test_words_of_a_model_are_no_commands_for_a_ci(log):
    hostile = log.read_bytes().replace(
        b'"Savings"', b'"\\u001b[2J\\n::error::%0A]]>\\ufffe\\ud800"'
    )
    (log.parent / "own.jsonl").write_bytes(hostile)
    (log.parent / "rules.yaml").write_text("holder: Root\n")

    for form in ("text", "github", "junit"):
        out = run_check(log.parent, "own.jsonl", "rules.yaml", "--format", form).stdout
        assert not [line for line in out.splitlines() if line.startswith("::error::")]
        assert "\x1b" not in out
        if form == "junit":
            ElementTree.fromstring(out)


def test_an_app_is_asked_what_the_rules_say(tmp_path, app):
    (tmp_path / "talk.yaml").write_text(
        "turns:\n  - say: Cost?\n    contains: [7%]\n  - say: Savings?\n"
    )
    (tmp_path / "rules.yaml").write_text("hold: talk.yaml\nllm_calls: 4\nholder: Savings\n")

    result = run_check(tmp_path, "desk_app", "rules.yaml")

    assert result.returncode == 1, result.stderr
    *lines, sum_up = result.stdout.splitlines()
    assert lines == [
        "rules.yaml:1: hold: turn 1: lacks '7%'",
        "rules.yaml:2: llm_calls: 5, expected at most 4",
    ]
    assert (tmp_path / sum_up.split("flow log: ")[1]).is_file()


def test_an_app_that_fails_breaks_a_rule_and_the_offline_model_needs_no_key(tmp_path, app):
    parts = APP.replace("model=model", 'model="gemini-2.5-flash"').split("model = ")
    (tmp_path / "desk_app" / "agent.py").write_text(
        parts[0] + "loans = " + parts[1].split("loans = ")[1]
    )
    (tmp_path / "rules.yaml").write_text("hold: [Hello]\nmodel: offline\nanswered_by: Root\n")

    result = run_check(tmp_path, "desk_app", "rules.yaml")

    assert result.returncode == 0, result.stdout + result.stderr


def test_decisions_may_take_the_models_place(tmp_path, app):
    root = "{agent: Root, steps: [{transfer: Savings}]}"
    savings = "{agent: Savings, steps: [{text: Hi}]}"
    (tmp_path / "decisions.yaml").write_text(f"decisions: [{root}, {savings}]\n")
    (tmp_path / "more.yaml").write_text(f"decisions: [{root}, {savings}, {savings}]\n")
    (tmp_path / "rules.yaml").write_text(
        "hold: [Hello]\ndecisions: decisions.yaml\nturns: [{answered_by: Savings}]\n"
    )
    (tmp_path / "left.yaml").write_text("hold: [Hello]\ndecisions: more.yaml\n")
    (tmp_path / "both.yaml").write_text("hold: [Hello]\nmodel: offline\ndecisions: x.yaml\n")

    result = run_check(tmp_path, "desk_app", "rules.yaml")

    assert result.returncode == 0, result.stdout + result.stderr
    left = run_check(tmp_path, "desk_app", "left.yaml")
    assert left.returncode == 1
    assert left.stdout.startswith("left.yaml:2: decisions: ")
    both = run_check(tmp_path, "desk_app", "both.yaml")
    assert_refused(both, "both.yaml: line 3: decisions: give either them or a model")


def test_what_cannot_be_checked_is_refused_in_one_line(folder, app):
    (folder / "slip.yaml").write_text("hold: [Hi]\nturns:\n  - {}\n  - never_speaks: [Loan]\n")

    assert_refused(run_check(folder, "own.jsonl", "none.yaml"), "none.yaml: cannot be read")
    assert_refused(run_check(folder, "none.jsonl", "kept.yaml"), "none.jsonl: cannot be read")
    taped = run_check(folder, "own.jsonl", "kept.yaml", "--cassette", "tape.jsonl")
    assert_refused(taped, "--cassette tape.jsonl: is for an app; a log asks no model")
    assert_refused(
        run_check(folder, "desk_app", "kept.yaml"), "kept.yaml: line 1: hold: is missing"
    )
    assert_refused(
        run_check(folder, "desk_app", "slip.yaml"),
        "slip.yaml: line 4: turns[1].never_speaks[0]: the app has no agent 'Loan'; there are Root",
    )


def test_a_plan_of_somebody_whom_the_app_has_not_is_refused(tmp_path):
    (tmp_path / "desk").mkdir()
    app = """
from google.adk.agents import LlmAgent

root_agent = LlmAgent(name="Root", sub_agents=[LlmAgent(name="Loans")])
"""
    (tmp_path / "desk" / "agent.py").write_text(app)
    (tmp_path / "talk.yaml").write_text("turns: [{say: Hi, plan: [{agent: Loan}]}]\n")
    (tmp_path / "rules.yaml").write_text("hold: talk.yaml\nanswered_by: Root\n")

    result = run_check(tmp_path, "desk", "rules.yaml")

    known = "the app has no agent 'Loan'; there are Root, Loans"
    assert_refused(result, f"turns[0].plan[0].agent: {known}")


def test_an_unknown_model_is_refused_by_file_line_and_field(tmp_path, app):
    (tmp_path / "own").mkdir()
    own = "from adk_flow.models.from_env import chosen_model\nchosen_model()\n"
    (tmp_path / "own" / "agent.py").write_text(own + APP)
    (tmp_path / "rules.yaml").write_text("hold: [Hi]\nmodel: ofline\n")

    for subject in ("desk_app", "own"):
        assert_refused(
            run_check(tmp_path, subject, "rules.yaml"),
            "rules.yaml: line 2: model: ofline is not a known model; expected offline, a gemini-",
        )


def test_a_log_is_checked_as_the_app_is_by_the_conversation_that_the_rules_name(folder):
    canaries = "canaries:\n  secret: {text: dear, only: [Root]}\n"
    ask = "\n    contains: [7%]\n    specialist: Savings\n"
    (folder / "talk.yaml").write_text(f"turns:\n  - say: Cost?{ask}  - say: Savings?\n{canaries}")
    (folder / "less.yaml").write_text(f"turns:\n  - say: Price?{ask}{canaries}")
    (folder / "rules.yaml").write_text("hold: talk.yaml\nno_findings: [leak]\n")
    (folder / "other.yaml").write_text("hold: less.yaml\nno_findings: [leak]\n")

    told = run_check(folder, "own.jsonl", "rules.yaml")
    other = run_check(folder, "own.jsonl", "other.yaml")

    leak = "2: no_findings: leak: Loans was shown the canary “secret”, which is not for it."
    assert told.stderr == ""
    assert told.stdout.splitlines()[:-1] == [
        "rules.yaml:1: hold: turn 1: lacks '7%'",
        "rules.yaml:1: hold: turn 1: Savings took no part",
        f"rules.yaml:{leak}",
    ]
    assert other.stdout.splitlines()[:-1] == [f"other.yaml:{leak}"]
    assert other.stderr.startswith("adk-flow: other.yaml: line 1: hold: note: answers are not ")
    assert other.stderr.count("\n") == 1


@pytest.mark.parametrize("form", ["junit", "github"])
def test_what_an_app_prints_stays_out_of_the_output_and_is_no_command(tmp_path, form, capfd):
    (tmp_path / "loud").mkdir()
    words = "import sys\nprint('loading\\n::error file=x::forged\\n##[error]forged', end='')\n"
    said = f"{words}print('::error::too', file=sys.stderr)\nimport os\nos.system('echo child')\n"
    (tmp_path / "loud" / "agent.py").write_text(said + APP)
    (tmp_path / "rules.yaml").write_text("hold: ['Cost?', 'Savings?']\nllm_calls: 5\n")

    done = run_check(tmp_path, "loud", "rules.yaml", "--format", form)

    assert done.returncode == 0, done.stderr
    assert capfd.readouterr() == ("", "child\n")
    assert "loading" in done.stderr
    assert "forged" not in done.stdout
    assert done.stdout.startswith("<testsuites" if form == "junit" else "::notice::adk-flow")
    if form == "github":
        assert "forged" in done.stderr
        assert "::" not in done.stderr
        assert "##[" not in done.stderr


def test_no_two_test_cases_have_one_name(folder):
    speaks = "never_speaks: [Root, Savings]\n"
    (folder / "rules.yaml").write_text(
        f"{speaks}no_findings: [leak, dead_end]\neach_turn:\n  transfers: 0\n  {speaks}"
    )

    assert names_of_cases(folder, "rules.yaml") == [
        "whole",
        "never_speaks (Root)",
        "never_speaks (Savings)",
        "no_findings (leak)",
        "no_findings (dead_end)",
        "each_turn.transfers (turn 1)",
        "each_turn.transfers (turn 2)",
        "each_turn.never_speaks (turn 1, Root)",
        "each_turn.never_speaks (turn 1, Savings)",
        "each_turn.never_speaks (turn 2, Root)",
        "each_turn.never_speaks (turn 2, Savings)",
    ]


def test_faults_of_one_turn_are_test_cases_with_numbers(folder):
    log = folder / "own.jsonl"
    log.write_bytes(log.read_bytes()[:-200])

    assert names_of_cases(folder, "kept.yaml")[:2] == ["whole", "whole #2"]


def test_a_name_that_a_log_does_not_hold_is_noted(folder):
    rules = "never_speaks: [Loans, Loan, '']\nholder: Savings\n"
    (folder / "rules.yaml").write_text(rules)

    done = run_check(folder, "own.jsonl", "rules.yaml")

    assert done.returncode == 0
    assert done.stderr == (
        "adk-flow: rules.yaml: line 1: never_speaks[1]: note: the log names no agent 'Loan'; "
        "is it a typing error?\nadk-flow: rules.yaml: line 1: never_speaks[2]: note: the log names "
        "no agent ''; is it a typing error?\n"
    )


def test_other_files_in_a_folder_of_logs_are_passed_over(folder):
    now = time.time()
    for name, words in (("new", '{"a":1}\n'), ("empty", ""), ("noise", "\xff")):
        (folder / "logs" / f"{name}.jsonl").write_text(words)
        os.utime(folder / "logs" / f"{name}.jsonl", (now + 60, now + 60))

    for command in (("check", "logs", "--expect", "kept.yaml"), ("show", "logs")):
        done = run_command(*command, folder=folder)
        assert (done.returncode, done.stderr) == (0, "")


def test_a_name_that_is_no_unicode_ends_no_command(folder):
    name = "\udcff"
    shutil.copy(folder / "own.jsonl", folder / f"{name}.jsonl")
    shutil.copy(folder / "kept.yaml", folder / f"{name}.yaml")

    for form in ("github", "json"):
        done = run_check(folder, f"{name}.jsonl", f"{name}.yaml", "--format", form)
        assert (done.returncode, done.stderr) == (0, "")
