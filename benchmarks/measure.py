"""How fast a long flow log is measured, and in how much memory.

Writes a log of a million records, made of the lines of the desk's real conversation again and again
(their numbers moved on, as a recorder numbers them), measures it as `adk-flow compare` does
in a process of its own, and prints the time and the peak of that process's memory. Reading the
lines with the standard library's `json` alone, without measuring, is timed beside it.

    python benchmarks/measure.py [--records 1000000] [--repeat 3] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec.structs import replace

from adk_flow.analysis.metrics import measure_turn
from adk_flow.analysis.trace_reader import read_turns
from adk_flow.log.reader import LogFile, shifted
from adk_flow.log.schema import Record

AIM_SECONDS = 6
AIM_MEGABYTES = 50
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


def written(path: Path, records: int) -> dict[str, float]:
    """Writes the log in a process of its own: a child's peak of memory begins at its parent's."""
    print("recording the desk and writing the log …", file=sys.stderr)
    with path.open("wb") as file:
        for line in lines_of(recorded_desk(path.parent), records):
            file.write(line + b"\n")
    return {"megabytes": path.stat().st_size / 1e6}


def measured(path: Path) -> dict[str, float]:
    """Measures a log turn by turn; gives seconds and the peak of this process's memory."""
    began = time.process_time()
    gc.set_threshold(50_000)  # as the command does
    turns = read_turns(LogFile(path).records)
    llm_calls = sum(measure_turn(turn).seen_llm_calls for turn in turns)
    seconds = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "megabytes": peak, "llm_calls": llm_calls}


def parsed(path: Path) -> dict[str, float]:
    """Parses every line with the standard library; the time that any reader needs."""
    began = time.process_time()
    with path.open("rb") as lines:
        for line in lines:
            json.loads(line)
    return {"seconds": time.process_time() - began}


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--records", type=int, default=1_000_000)
    options.add_argument("--repeat", type=int, default=3)
    options.add_argument("--json", action="store_true")
    options.add_argument("--one", nargs=2, metavar=("WHAT", "LOG"), help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.one:
        what, path = chosen.one
        if what == "write":
            print(json.dumps(written(Path(path), chosen.records)))
        else:
            print(json.dumps({"measure": measured, "json": parsed}[what](Path(path))))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.jsonl"
        size = _one("write", path, "--records", str(chosen.records))["megabytes"]
        rounds = [(_one("measure", path), _one("json", path)) for _ in range(chosen.repeat)]
    ratio = statistics.median(mine["seconds"] / parsing["seconds"] for mine, parsing in rounds)
    result = {
        "records": chosen.records,
        "log_megabytes": round(size, 1),
        "seconds": round(statistics.median(mine["seconds"] for mine, _ in rounds), 2),
        "peak_megabytes": round(max(mine["megabytes"] for mine, _ in rounds), 1),
        "llm_calls": rounds[0][0]["llm_calls"],
        "ratio_to_json": round(ratio, 2),
    }
    if chosen.json:
        print(json.dumps(result))
        return
    print(f"{chosen.records:,} records, {size:,.0f} MB, {result['llm_calls']:,} LLM calls")
    print(f"measured in {result['seconds']} s (aim {AIM_SECONDS}), median of {chosen.repeat}")
    print(f"peak memory {result['peak_megabytes']} MB (aim {AIM_MEGABYTES})")
    print(f"{result['ratio_to_json']} times the time of json.loads on every line")


def _one(what: str, path: Path, *options: str) -> dict[str, float]:
    """Runs one part in a process of its own."""
    command = [sys.executable, __file__, "--one", what, str(path), *options]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


if __name__ == "__main__":
    main()
