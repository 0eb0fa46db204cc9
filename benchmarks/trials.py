"""Ten thousand trials: one process, one for each core, and Ray: `make trials N=10000`.

The desk under ten constructs with its eight conversations, again and again; each way writes a
folder of its own, and all must have the same results but for times and places. Prints seconds from
start to report, processor seconds of all processes, and what the folder takes.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
CONSTRUCTS = "single_agent,transfer,agent_tool,mixed,single_turn,task,router,coordinator,sequential"
A_ROUND = 80
"""Ten constructs, `as_is` among them, with eight conversations."""
CLOCK = {"wall_seconds", "overhead_seconds", "began", "ended", "log"}


class Row(NamedTuple):
    """One way of making the trials."""

    way: str
    seconds: float
    cpu: float
    megabytes: float
    results: Any


def run(way: str, options: list[str], rounds: int, folder: Path) -> Row:
    command = [sys.executable, "-m", "adk_flow", "compare", "root_agent", "--trials", str(rounds)]
    command += ["--constructs", CONSTRUCTS, "--conversation", "conversations", "--out", str(folder)]
    began, before = time.monotonic(), _cpu()
    done = subprocess.run(
        [*command, *options],
        cwd=ROOT,
        env={**os.environ, "MODEL_NAME": "offline"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"{way}: exit code {done.returncode}\n{done.stderr}")
    seconds, files = time.monotonic() - began, [p for p in folder.rglob("*") if p.is_file()]
    size = sum(path.stat().st_size for path in files) / 1e6
    results = without_clock(json.loads((folder / "results.json").read_text()))
    shutil.rmtree(folder)
    return Row(way, seconds, _cpu() - before, size, results)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def without_clock(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_clock(part) for key, part in value.items() if key not in CLOCK}
    return [without_clock(part) for part in value] if isinstance(value, list) else value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=10_000)
    parser.add_argument("--ways", nargs="+", default=["1", "2", "ray"])
    arguments = parser.parse_args()
    rounds = max(1, arguments.number // A_ROUND)
    print(f"{rounds * A_ROUND:,} trials, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print("| way | seconds | × one process | CPU seconds | CPU s a trial | folder MB | equal |")
    print("|---|--:|--:|--:|--:|--:|---|")
    first = None
    for way in arguments.ways:
        options = ["--engine", "ray"] if way == "ray" else ["--jobs", way]
        name = "Ray, local" if way == "ray" else f"--jobs {way}"
        with tempfile.TemporaryDirectory() as folder:
            row = run(name, options, rounds, Path(folder, "out"))
        first = first or row
        # Ray's own processes are no children that are waited for.
        cpu = "" if way == "ray" else f"{row.cpu:,.0f}"
        each = "" if way == "ray" else f"{row.cpu / rounds / A_ROUND:.3f}"
        equal = "yes" if row.results == first.results else "NO"
        print(
            f"| {row.way} | {row.seconds:,.0f} | {first.seconds / row.seconds:.2f} | {cpu} "
            f"| {each} | {row.megabytes:,.0f} | {equal} |",
            flush=True,
        )
        if equal == "NO":
            raise SystemExit(f"{name} gives other results")


if __name__ == "__main__":
    main()
