"""`adk-flow diff`: what changed between two logs, and what does not count as a change."""

import json
from pathlib import Path

import pytest
from google.adk.tools.agent_tool import AgentTool

from adk_flow.analysis.trace_reader import read_trace
from adk_flow.check.diff import Change, Difference, TurnDifference, diff_flows
from adk_flow.models.scripted import Scripted, call, transfer
from adk_flow.render.diff import diff_to_text
from tests.doubles.command import assert_refused, run_command
from tests.doubles.flow import agent, record

ANSWER = "A loan costs 5% a year, which a lender may change at any time. "


async def recorded(folder, loans, construct=""):
    """Records a turn in which Root asks Loans or hands over to it, then one that Root answers."""
    asked = [call("Loans", request="How dear?"), f"{ANSWER}5%."]
    script = {"Root": [*(asked if loans == "asked" else [transfer("Loans")])], "Loans": ["5%."]}
    script["Root" if loans == "asked" else "Loans"].append("Goodbye.")
    model = Scripted(script=script)
    specialist = agent("Loans", model)
    wired = {"tools": [AgentTool(specialist)]} if loans == "asked" else {"sub_agents": [specialist]}
    root = agent("Root", model, **wired)
    done = await record(root, ["Cost?", "Bye"], folder, model=model, construct=construct)
    return Path(done.log.path)


@pytest.fixture
async def logs(tmp_path):
    asked = await recorded(tmp_path / "a", "asked")
    again = await recorded(tmp_path / "b", "asked", construct="agent_tool")
    handed = await recorded(tmp_path / "c", "handed over")
    return asked, again, handed


def test_times_and_ids_are_no_difference_and_headers_are_told_beside(logs):
    found = diff_flows(read_trace(logs[0]), read_trace(logs[1]))

    assert found.turns == []
    assert found.headers == [Change("construct", "", "agent_tool")]


def test_what_cannot_be_known_is_unknown_and_of_a_turn_that_is_not_there_none(logs):
    sent, ended = Change("input_tokens", None, 20), Change("complete", None, True)
    turns = [TurnDifference(1, [], [], [sent]), TurnDifference(2, [], [], [sent, ended])]
    log = read_trace(logs[0]).log

    text = diff_to_text(Difference([], turns), log, log, 80)

    assert "Turn 1\nfigures\ninput_tokens: unknown -> 20\n" in text
    assert text.endswith("Turn 2\nfigures\ninput_tokens: none -> 20\ncomplete: none -> yes")


def test_moves_and_figures_are_compared_turn_by_turn(logs):
    found = diff_flows(read_trace(logs[0]), read_trace(logs[2]))

    first, second = found.turns
    assert [(row.mark, row.left, row.right) for row in first.control] == [
        (" ", "start user to Root", "start user to Root"),
        ("!", "Root -> Loans (agent_tool)", "Root => Loans"),
        ("-", "Root <- Loans", ""),
        ("!", "end Root to user", "end Loans to user"),
    ]
    assert Change("llm_calls", 3, 2) in first.figures
    assert Change("holder", "Root", "Loans") in first.figures
    assert [change.field for change in second.figures] == ["answered_by", "holder"]


def test_a_turn_that_only_one_has_is_a_diff_flows(logs, tmp_path):
    cut = tmp_path / "cut.jsonl"
    lines = logs[0].read_bytes().splitlines(keepends=True)
    end = next(n for n, line in enumerate(lines) if b'"after_run"' in line and b"holder" in line)
    cut.write_bytes(b"".join(lines[: end + 1]))

    [found] = diff_flows(read_trace(logs[0]), read_trace(cut)).turns

    assert found.turn == 2
    assert {row.mark for row in found.control} == {"-"}
    assert Change("llm_calls", 1, None) in found.figures


def test_words_behind_any_cut_of_a_view_are_compared(logs, tmp_path):
    other = tmp_path / "other.jsonl"
    other.write_bytes(logs[0].read_bytes().replace(b"5%.", b"6%."))

    [found] = diff_flows(read_trace(logs[0]), read_trace(other)).turns

    assert [row.mark for row in found.conversation] == [" ", " ", "!", "!"]
    assert found.control == []


# The command


def test_the_same_flow_exits_with_0(logs, tmp_path):
    result = run_command("diff", logs[0], logs[1], folder=tmp_path)

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "construct: none -> agent_tool\nthe flow is the same\n"


def test_what_changed_stands_side_by_side_in_80_columns(logs, tmp_path):
    result = run_command("diff", logs[0], logs[2], folder=tmp_path)

    assert result.returncode == 1
    assert all(len(line) <= 80 for line in result.stdout.splitlines())
    told = result.stdout.split("Turn 2")[0]
    assert told.startswith("""
Turn 1
control
before                                   after
start user to Root                       start user to Root
Root -> Loans (agent_tool)             ! Root => Loans
Root <- Loans                          -
end Root to user                       ! end Loans to user
conversation
""")
    assert "llm_calls: 3 -> 2\n" in told
    assert "answered_by: Root -> Loans\n" in told


def test_of_two_folders_each_conversation_is_compared(logs, tmp_path):
    """The newest in which the user says the same; what only one has is told."""
    written = {
        "monday/a": (0, "Cost?"),
        "monday/b": (2, "Cost?"),
        "monday/d": (1, "Price?"),
        "monday/e": (1, "Dear?"),
        "tuesday/c": (1, "Cost?"),
        "tuesday/f": (2, "Price?"),
    }
    for name, (number, question) in written.items():
        file = tmp_path / f"{name}.jsonl"
        file.parent.mkdir(exist_ok=True)
        own = f'"session":"{name[-1]}-'  # else they were one session, told apart by nothing
        file.write_text(
            logs[number].read_text().replace("Cost?", question).replace('"session":"', own)
        )

    result = run_command("diff", "monday", "tuesday", folder=tmp_path)

    headings = [line for line in result.stdout.splitlines() if line.endswith(".jsonl")]
    assert sorted(headings) == [
        "monday/b.jsonl -> tuesday/c.jsonl",
        "monday/d.jsonl -> tuesday/f.jsonl",
    ]
    assert result.returncode == 1
    assert result.stderr == "adk-flow: monday: 1 conversation left out, as only it has them\n"

    (tmp_path / "else").mkdir()
    (tmp_path / "else" / "g.jsonl").write_text(logs[0].read_text().replace("Cost?", "Else?"))
    unlike = run_command("diff", "monday", "else", folder=tmp_path)
    assert unlike.stderr.startswith("adk-flow: no conversation is in both folders; the newest ")


def test_markdown_has_the_same_words_and_the_pictures_that_show_draws(logs, tmp_path):
    shown, told = (
        run_command("diff", logs[0], logs[2], "--format", form, folder=tmp_path).stdout
        for form in ("markdown", "text")
    )
    pictures = [
        run_command("show", log, "--turn", "2", "--format", "mermaid", folder=tmp_path).stdout
        for log in (logs[0], logs[2])
    ]

    words, _, drawn = shown.partition("\n\n**Turn 1 before:**")
    assert words.replace("\n    ", "\n").strip() == told.strip()
    second = drawn.partition("**Turn 2 before:**")[2]
    before, after = (f"\n\n```mermaid\n{picture}```\n" for picture in pictures)
    assert second == f"{before}\n**Turn 2 after:**{after}"


def test_json_is_for_a_machine(logs, tmp_path):
    result = run_command("diff", logs[0], logs[2], "--format", "json", folder=tmp_path)

    data = json.loads(result.stdout)
    assert (result.returncode, data["same"]) == (1, False)
    assert data["turns"][0]["control"][0] == {
        "left": "start user to Root",
        "right": "start user to Root",
        "same": True,
    }
    assert {"field": "llm_calls", "before": 3, "after": 2} in data["turns"][0]["figures"]


def test_what_cannot_be_compared_is_refused_in_one_line(logs, tmp_path):
    (tmp_path / "none.txt").write_text("something\n")

    assert_refused(
        run_command("diff", logs[0], "none.txt", folder=tmp_path), "none.txt: line 1: no flow log"
    )
    assert_refused(
        run_command("diff", "x.jsonl", logs[0], folder=tmp_path), "x.jsonl: cannot be read"
    )


def test_what_a_log_lacks_is_told_beside_and_any_path_may_be_written(logs, tmp_path):
    short = tmp_path / "\udcff.jsonl"
    begun, last = logs[0].read_bytes().rsplit(b'"hook":"after_run"', 1)
    short.write_bytes(begun + b'"faults":3,"hook":"after_run"' + last)

    text = run_command("diff", logs[0], short.name, folder=tmp_path)
    data = json.loads(
        run_command("diff", logs[0], short.name, "--format", "json", folder=tmp_path).stdout
    )

    assert (text.returncode, text.stderr) == (0, "")
    assert text.stdout.splitlines()[0] == "?.jsonl: 3 hooks could not be recorded"
    assert data["unrecorded"] == {str(logs[0]): 0, "?.jsonl": 3}
    shown = run_command("show", short.name, folder=tmp_path).stdout
    assert shown.splitlines()[-1] == "?.jsonl: 3 hooks could not be recorded"
