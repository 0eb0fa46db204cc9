"""What every command prints: to a terminal, into a pipe, and to a machine."""

import json

import pytest
from rich.cells import cell_len

from adk_flow.render.documents import SCHEMAS
from tests.doubles.command import APP, run_command

LONG = " ".join(f"reason{number}" for number in range(16))
RULES = f"""
hold: ["Cost?"]
llm_calls: 9
answered_by: {LONG.replace(" ", "_")[:60]}
control: start user to Nobody
"""
TEXT = {
    "run": ("run", "desk_app", f"Cost, for {LONG}?"),
    "show": ("show", "long.jsonl"),
    "show a turn": ("show", "both.jsonl", "--turn", 2),
    "show records": ("show", "long.jsonl", "--view", "records"),
    "compare": ("compare", "long.jsonl", "again.jsonl"),
    "compare verbose": ("compare", "long.jsonl", "again.jsonl", "--verbose"),
    "check": ("check", "long.jsonl", "--expect", "rules.yaml"),
    "diff": ("diff", "long.jsonl", "both.jsonl"),
    "inspect": ("inspect", "desk_app"),
    "init": ("init", "desk_app"),
    "plan": ("plan", "desk_app", "--from", "long.jsonl"),
    "export": ("export", "long.jsonl"),
}
SAYING = ("run", "show", "show a turn", "diff", "inspect", "plan")
"""Commands that print a long text whole; others cut it."""
JSON = {
    "run": ("run", "desk_app", "Cost?"),
    "show": ("show", "long.jsonl"),
    "record": ("show", "long.jsonl", "--view", "records"),
    "compare": ("compare", "long.jsonl", "again.jsonl"),
    "check": ("check", "long.jsonl", "--expect", "rules.yaml"),
    "diff": ("diff", "long.jsonl", "both.jsonl"),
    "inspect": ("inspect", "desk_app"),
}
PLACES = ("Flow log: ", "All figures", "flow_tables/", "rules broken", "rules.yaml:", "- say: ")
"""In lines that stay whole: of files, of CI's annotations, and of YAML."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("output")
    (folder / "desk_app").mkdir()
    (folder / "desk_app" / "agent.py").write_text(APP.replace('"Loans."', f'"Loans, for {LONG}."'))
    (folder / "rules.yaml").write_text(RULES)
    for name, questions in {
        "long": [f"Cost, for {LONG}?"],
        "again": [f"Cost, for {LONG}?"],
        "both": ["Cost?", f"Savings, for {LONG}?"],
    }.items():
        run_command("run", "desk_app", *questions, "--log", f"{name}.jsonl", folder=folder)
    return folder


@pytest.mark.parametrize("name", TEXT)
def test_lines_are_folded_on_a_terminal_only_and_never_filled_up(name, folder):
    narrow, wide = (
        run_command(*TEXT[name], folder=folder, COLUMNS=columns).stdout.splitlines()
        for columns in ("80", "")
    )

    assert [
        line
        for line in narrow
        if cell_len(line) > 80 and not any(words in line for words in PLACES)
    ] == []
    assert [line for line in [*narrow, *wide] if line != line.rstrip()] == []
    assert len(wide) <= len(narrow)
    is_whole = [any(LONG in line for line in lines) for lines in (narrow, wide)]
    assert is_whole == [False, name in SAYING]


@pytest.mark.parametrize("kind", JSON)
def test_whatever_a_machine_reads_names_its_schema(kind, folder):
    result = run_command(*JSON[kind], "--format", "json", folder=folder)

    for line in result.stdout.splitlines():
        assert json.loads(line)["schema"] == SCHEMAS[kind]
    assert result.stdout.count("\n") >= 1


def test_every_kind_of_json_is_tested():
    assert {*JSON, "versions"} == {*SCHEMAS}  # that of versions: tests/releases
