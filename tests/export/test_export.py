"""Flow logs as tables for a notebook."""

import csv
import errno
import itertools
import json
import re
import runpy
from contextlib import contextmanager
from typing import get_args

import pytest
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_response import LlmResponse
from google.genai import types
from msgspec.structs import replace

from adk_flow.errors import AdkFlowError
from adk_flow.export import files
from adk_flow.export.files import TableFormat, harmless, write_tables
from adk_flow.export.tables import ROWS, tables_of
from tests.doubles.command import assert_refused, run_command
from tests.doubles.flow import agent, record
from tests.doubles.pages import Page
from tests.export.spans import desk

HOSTILE = '=HYPERLINK("http://x";"a")\x1b[31m,\u202e\n\'; DROP TABLE turns; --'
PAGE = Page("docs/export.md")


async def held(folder, question="Cost?"):
    """Records a conversation with two calls at once and a transfer."""
    return await record(desk(), [question, "Pensions?"], folder, construct="mixed")


def table(folder, name):
    with (folder / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


async def test_several_logs_fill_the_same_tables(tmp_path):
    one, two = await held(tmp_path / "one"), await held(tmp_path / "two")

    result = run_command("export", one.log.path, "two", "--out", "tables", folder=tmp_path)

    assert result.returncode == 0, result.stderr
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["tables/turns.csv", "4", "rows"],
        ["tables/agents.csv", "10", "rows"],
        ["tables/moves.csv", f"{2 * len(one.moves)}", "rows"],
        ["tables/calls.csv", "22", "rows"],
    ]
    turns = table(tmp_path / "tables", "turns")
    sessions = [flow.log.header.session for flow in (one, one, two, two)]
    assert [turn["session"] for turn in turns] == sessions
    assert {turn["construct"] for turn in turns} == {"mixed"}
    assert [turn["answered_by"] for turn in turns] == ["Root", "Pension"] * 2
    assert [turn["llm_calls"] for turn in turns] == ["5", "2"] * 2
    assert len({turn["log"] for turn in turns}) == 2


async def test_the_rows_tell_the_flow(tmp_path):
    flow = await held(tmp_path)
    rows = tables_of(flow.log)

    assert [(row.kind, row.source, row.target) for row in rows["moves"]] == [
        (move.kind, move.source, move.target) for move in flow.moves
    ]
    calls = {(row.agent, row.kind, row.name, row.tool_kind) for row in rows["calls"]}
    assert calls == {
        ("Root", "model", "scripted", ""),
        ("Root", "tool", "Loans", "agent_tool"),
        ("Root", "tool", "Savings", "agent_tool"),
        ("Root", "tool", "transfer_to_agent", "transfer"),
        ("Loans", "model", "scripted", ""),
        ("Loans", "tool", "rate", "function"),
        ("Savings", "model", "scripted", ""),
        ("Pension", "model", "scripted", ""),
    }
    for turn in rows["turns"]:
        critical = [row for row in rows["calls"] if row.turn == turn.turn and row.critical]
        assert sum(row.took for row in critical) == turn.critical_path_microseconds
        agents = [row for row in rows["agents"] if row.turn == turn.turn]
        assert sum(row.llm_calls or 0 for row in agents) == turn.llm_calls


async def test_every_format_says_the_same(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs adk-flow[parquet]")
    rows = tables_of((await held(tmp_path, HOSTILE)).log)
    for form in get_args(TableFormat):
        write_tables([rows, rows], tmp_path, form)

    for name in ROWS:
        told = json.loads((tmp_path / f"{name}.json").read_text())
        assert parquet.read_table(tmp_path / f"{name}.parquet").to_pylist() == told
        assert [row["log"] for row in table(tmp_path, name)] == [row["log"] for row in told]
    turns = json.loads((tmp_path / "turns.json").read_text())
    assert turns[0]["question"] == HOSTILE


async def test_hostile_text_stays_text_in_a_spreadsheet(tmp_path):
    rows = tables_of((await held(tmp_path, HOSTILE)).log)
    write_tables([rows], tmp_path, "csv")

    turns = table(tmp_path, "turns")
    assert len(turns) == 2
    assert turns[0]["question"] == '\'=HYPERLINK("http://x";"a"),\n\'; DROP TABLE turns; --'


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\r=1", "＝1", "\x00=1", "\x1b[1m=1"]
)
def test_what_a_spreadsheet_would_compute_is_made_harmless(text):
    assert harmless(text).startswith("'")


@pytest.mark.parametrize("text", ["", "5% a year", "It's £10", "a=b", "'=1"])
def test_other_text_stays_as_it_is(text):
    assert harmless(text) == text


async def test_a_second_export_takes_the_place_of_the_first(tmp_path):
    await held(tmp_path / "logs")
    run_command("export", "logs", "--format", "json", folder=tmp_path)
    result = run_command("export", "logs", "logs", "--format", "json", folder=tmp_path)

    assert json.loads(result.stdout)["tables"]["flow_tables/turns.json"] == 2
    assert len(json.loads((tmp_path / "flow_tables" / "turns.json").read_text())) == 2
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("form", get_args(TableFormat))
async def test_where_one_table_cannot_be_written_all_stay_what_they_were(
    tmp_path, monkeypatch, form
):
    if form == "parquet":
        pytest.importorskip("pyarrow", reason="needs adk-flow[parquet]")
    rows = tables_of((await held(tmp_path / "logs")).log)
    write_tables([rows], tmp_path / "tables", form)
    before = contents(tmp_path / "tables")
    write, endings = files._WRITERS[form], itertools.count()

    @contextmanager
    def filling_the_disk(*table):
        with write(*table) as writer:
            yield writer
        if next(endings) == 1:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setitem(files._WRITERS, form, filling_the_disk)
    with pytest.raises(AdkFlowError, match="cannot be written: No space left"):
        write_tables([rows, rows], tmp_path / "tables", form)

    assert contents(tmp_path / "tables") == before


async def test_a_number_too_large_for_parquet_is_refused(tmp_path):
    pytest.importorskip("pyarrow", reason="needs adk-flow[parquet]")
    log = (await held(tmp_path / "logs")).log
    records = [replace(record, time=10**25) for record in log.records]
    with pytest.raises(AdkFlowError, match="cannot be written as parquet"):
        write_tables([tables_of(log._replace(records=records))], tmp_path, "parquet")


async def test_a_folder_in_a_tables_place_is_refused_before_any_is_written(tmp_path):
    rows = tables_of((await held(tmp_path / "logs")).log)
    write_tables([rows], tmp_path / "tables", "csv")
    (tmp_path / "tables" / "turns.csv").unlink()
    (tmp_path / "tables" / "turns.csv").mkdir()
    before = contents(tmp_path / "tables")

    with pytest.raises(AdkFlowError, match=r"turns\.csv: is a folder; expected a table"):
        write_tables([rows, rows], tmp_path / "tables", "csv")

    assert contents(tmp_path / "tables") == before


def contents(folder):
    """Reads what lies in a folder, by name; None for what is a folder itself."""
    return {one.name: one.read_bytes() if one.is_file() else None for one in folder.iterdir()}


async def test_of_a_folder_what_is_no_flow_log_is_left_out_and_damage_is_told(tmp_path):
    flow = await held(tmp_path / "logs")
    (tmp_path / "logs" / "other.jsonl").write_text('{"some":"thing"}\n')
    path = flow.plugin.paths[0]
    path.write_bytes(path.read_bytes()[:-10])  # as a killed process leaves it

    result = run_command("export", "logs", "--out", "tables", folder=tmp_path)

    assert result.returncode == 0
    assert "left out: logs/other.jsonl: line 1: no flow log" in result.stderr
    assert "1 line could not be read" in result.stderr
    assert [turn["complete"] for turn in table(tmp_path / "tables", "turns")] == ["true", "false"]


async def test_what_cannot_be_exported_is_refused_in_one_line(tmp_path):
    await held(tmp_path / "logs")
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("no log\n")

    for words, *arguments in (
        ("No such file", "none.jsonl"),
        ("file: line 1: no flow log", "file"),
        ("empty: holds no flow log", "empty"),
        ("file/x: cannot be written", "logs", "--out", "file/x"),
        ("give either --otlp ENDPOINT or --format with", "logs", "--format", "csv", "--otlp", "x"),
    ):
        assert_refused(run_command("export", *arguments, folder=tmp_path), words)
    assert not (tmp_path / "flow_tables" / "turns.csv").exists()


async def test_the_document_does_what_it_says(tmp_path, monkeypatch, capsys):
    """Runs every block of docs/export.md over a folder of logs; what it sends goes to a server."""
    pytest.importorskip("pyarrow", reason="needs adk-flow[parquet]")
    pytest.importorskip("duckdb", reason="needs duckdb")
    pytest.importorskip("adk_flow.export.otlp", reason="needs adk-flow[otlp]")
    from tests.doubles.collector import collecting

    for name in ("flow_logs", "comparisons"):
        await held(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert [kind for kind, _ in PAGE.blocks] == ["sh", "python", "python", "sh", "sh", "python"]
    with collecting() as (endpoint, taken):
        for kind, code in PAGE.blocks:
            if kind == "sh":
                _run(code.replace("http://localhost:4318", endpoint), tmp_path)
            else:
                (tmp_path / "block.py").write_text(code)
                runpy.run_path("block.py")
    told = capsys.readouterr().out
    assert len(taken) == 1
    assert re.search(r"mixed\s*│\s*2\s*│\s*7\s*│\s*4\s*│", told), told
    assert re.search(r"Root\s*│ Pension\s*│\s*1\s*│\s*1\s*│", told), told
    assert (tmp_path / "tables" / "moves.csv").is_file()
    assert (tmp_path / "trace.json").is_file()


class Streaming(BaseLlm):
    """Answers in pieces, then as a whole; each says what the call has taken so far."""

    model: str = "streaming"

    async def generate_content_async(self, llm_request, stream=False):
        usage = types.GenerateContentResponseUsageMetadata(prompt_token_count=100)
        for piece in ("5", "%"):
            said = types.ModelContent(piece)
            yield LlmResponse(content=said, partial=True, usage_metadata=usage)
        yield LlmResponse(content=types.ModelContent("5%"), usage_metadata=usage)


async def test_the_documents_query_of_logs_counts_a_streamed_call_once(tmp_path, monkeypatch):
    duckdb = pytest.importorskip("duckdb", reason="needs duckdb")
    flow = await record(agent("Root", Streaming()), ["Cost?"], tmp_path / "flow_logs")
    monkeypatch.chdir(tmp_path)
    query = next(code for _, code in PAGE.blocks if "read_json" in code).split('"""')[1]

    told = duckdb.sql(query)

    assert sum(one.hook == "after_model" for one in flow.log.records) == 3
    assert told.columns == ["filename", "agent", "calls", "input_tokens"]
    assert [row[1:] for row in told.fetchall()] == [("Root", 1, 100)]
    (turn,) = tables_of(flow.log)["turns"]
    assert (turn.llm_calls, turn.input_tokens) == (1, 100)


def _run(code, folder):
    for line in code.splitlines():
        program, *arguments = line.split()
        if program == "adk-flow":
            result = run_command(*arguments, folder=folder)
            assert result.returncode == 0, result.stderr
        else:
            assert line == 'pip install "path/to/adk-flow[otlp]"'
