"""How fast a long flow log is measured, shown and compared, and in how much memory.

Writes a log of a million records, made of the lines of the desk's real conversation again and again
(their numbers moved on, as a recorder numbers them), and takes the processor time and the peak of
memory of each command over it, or over its first tenth, in a process of its own. As peers stand
beside them what `json.loads` and msgspec take to read the same lines into plain data.

    python benchmarks/measure.py [--records 1000000] [--repeat 3]
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from adk_flow.analysis.metrics import measure_turn
from adk_flow.analysis.trace_reader import read_turns
from adk_flow.log.reader import LogFile, shifted
from adk_flow.log.schema import Record

TENTH = "tenth.jsonl"
COMMAND = ("-m", "adk_flow")
ROOT = Path(__file__).parents[1]


def recorded_desk(folder: Path) -> Path:
    """Holds the desk's conversation with the offline model and gives its log."""
    os.environ["MODEL_NAME"] = "offline"
    sys.path.insert(0, str(ROOT))
    from adk_flow.run.app import load_app
    from adk_flow.run.conversation_run import run_conversation
    from adk_flow.scenario.conversation import read_conversation

    app = load_app(ROOT / "root_agent")
    conversation = read_conversation(ROOT / "conversations" / "three_topics.yaml")
    run = asyncio.run(run_conversation(app, conversation, file=folder / "desk.jsonl"))
    assert run.log is not None
    return run.log


def lines_of(log: Path, count: int) -> Iterator[bytes]:
    """Repeats a log's lines as one recorder would write them in one long session."""
    header, *lines = log.read_bytes().splitlines()
    records = [msgspec.json.decode(line, type=Record) for line in lines]
    runs = max(record.run for record in records)
    activations = max(record.activation for record in records)
    texts = max(max((record.text_number, *record.texts)) for record in records)
    yield header
    for index in range(count):
        lap, place = divmod(index, len(records))
        record = shifted(records[place], (lap * runs, lap * activations, lap * texts))
        yield msgspec.json.encode(_moved_on(record, records[place], lap * len(records)))


def _moved_on(record: Record, first: Record, lines: int) -> Record:
    """Moves on the numbers of lines; what an agent is told and offered stands in the log once."""
    request = record.request
    if request is None or first.request is None or not lines:
        return replace(record, number=record.number + lines)
    offer = {first.request.system, first.request.declared}
    return replace(
        record,
        number=record.number + lines,
        texts={
            n: t
            for (n, t), was in zip(record.texts.items(), first.texts, strict=True)
            if was not in offer
        },
        request=replace(
            request,
            after=request.after and request.after + lines,
            system=first.request.system,
            declared=first.request.declared,
        ),
    )


def written(path: Path, records: int) -> None:
    """Writes the log, and its first tenth."""
    lines = lines_of(recorded_desk(path.parent), records)
    with path.open("wb") as file, (path.parent / TENTH).open("wb") as tenth:
        for number, line in enumerate(lines):
            file.write(line + b"\n")
            if number <= records // 10:
                tenth.write(line + b"\n")


def measured(path: Path) -> None:
    """Measures a log turn by turn."""
    gc.set_threshold(10_000)  # as the command does
    for turn in read_turns(LogFile(path).records):
        measure_turn(turn)


def parsed(path: Path) -> None:
    """Parses every line with the standard library."""
    with path.open("rb") as lines:
        for line in lines:
            json.loads(line)


def decoded(path: Path) -> None:
    """Parses every line with msgspec."""
    decode = msgspec.json.Decoder().decode
    with path.open("rb") as lines:
        for line in lines:
            decode(line)


PARTS = {"measured": measured, "json.loads": parsed, "msgspec": decoded}


def spent(*command: str | Path) -> tuple[float, float]:
    """Gives the processor time of a process in seconds, and its peak of memory in megabytes."""
    child = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL)
    _, _, usage = os.wait4(child.pid, 0)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--records", type=int, default=1_000_000)
    options.add_argument("--repeat", type=int, default=3)
    options.add_argument("--one", nargs=2, metavar=("WHAT", "LOG"), help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.one:
        what, path = chosen.one
        # In a process of its own: a child's peak of memory begins at its parent's.
        written(Path(path), chosen.records) if what == "write" else PARTS[what](Path(path))
        return
    with tempfile.TemporaryDirectory() as folder:
        log, tenth = Path(folder) / "long.jsonl", Path(folder) / TENTH
        spent(__file__, "--one", "write", log, "--records", str(chosen.records))
        rules, desk = Path(folder) / "rules.yaml", Path(folder) / "desk.jsonl"
        rules.write_text("llm_calls: 1000\n")
        rows: dict[str, tuple[float, Sequence[str | Path]]] = {
            **{name: (1, (__file__, "--one", name, log)) for name in PARTS},
            "show": (1, (*COMMAND, "show", log)),
            "show, a tenth": (0.1, (*COMMAND, "show", tenth)),
            "diff with its copy, a tenth": (0.1, (*COMMAND, "diff", tenth, tenth)),
            "show, starting": (0, (*COMMAND, "show", desk)),
            "diff, starting": (0, (*COMMAND, "diff", desk, desk)),
            "check, starting": (0, (*COMMAND, "check", desk, "--expect", rules)),
            "--help": (0, (*COMMAND, "--help")),
        }
        print(f"{chosen.records:,} records, {log.stat().st_size / 1e6:,.0f} MB\n")
        rounds = [{n: spent(*row) for n, (_, row) in rows.items()} for _ in range(chosen.repeat)]
    print("| | seconds | × json.loads | MB |\n|---|--:|--:|--:|")
    for name, (share, _) in rows.items():
        seconds = statistics.median(each[name][0] for each in rounds)
        ratio = statistics.median(each[name][0] / each["json.loads"][0] for each in rounds)
        peak = max(each[name][1] for each in rounds)
        of_peer = f"{ratio / share:.1f}" if share else ""
        print(f"| {name} | {seconds:.2f} | {of_peer} | {peak:.0f} |")


if __name__ == "__main__":
    main()
