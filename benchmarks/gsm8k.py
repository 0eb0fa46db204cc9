"""Whether the calculator solves word problems when a scripted model breaks them down rightly.

Each problem's gold steps become a file of decisions (docs/decisions.md): the orchestrator calls
Calculator_Assistant for all steps of a level in one model turn, each of which calls its tools; a
level's results stand in the next level's requests. A problem is solved if the run asked for every
decision, every tool gave the gold value of its step, and the last of them the gold answer.

    python benchmarks/gsm8k.py [FILE.jsonl]     # or GSM8K=FILE.jsonl

The file is outside material and no part of this repository: a line a problem, with `question`,
`final_answer` and `steps` of `expr`, `value`, `level` and `calls` (`tool`, `args`, `result`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

os.environ["MODEL_NAME"] = "offline"  # the decisions take its place
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from google.adk.apps import App

from adk_flow.log.reader import read_log
from adk_flow.models.decisions import DecisionError, decided
from adk_flow.run.conversation_run import ConversationRun, run_conversation
from adk_flow.scenario.conversation import of_questions
from callbacks.tool_threads import ToolThreads
from examples.calculator.agent import orchestrator

FUNCTIONS = {"sum": "sum_numbers"}
CLOSE = 1e-6


def _step(expression: str, level: int, tool: str, *figures: float) -> dict[str, Any]:
    *args, result = figures
    calls = [{"tool": tool, "args": args, "result": result}]
    return {"expr": expression, "value": result, "level": level, "calls": calls}


STEPS = {
    # Its gold steps only state the result, of an equation that was solved in words.
    "gsm8k-test-1045": [
        _step("2*80", 1, "multiply", 2, 80, 160),
        _step("1+1+2", 1, "sum", 2, 2, 4),
        _step("80+160", 2, "sum", 80, 160, 240),
        _step("1920-240", 3, "subtract", 1920, 240, 1680),
        _step("1680/4", 4, "divide", 1680, 4, 420),
    ]
}


class Outcome(NamedTuple):
    """How a problem went."""

    reason: str
    """Why it is not solved; empty if it is."""
    width: int = 0
    """Agent calls that were under way at once."""
    figures: Any = None


def decisions_of(problem: dict[str, Any]) -> dict[str, Any]:
    """Writes the gold steps as decisions."""
    levels = list(_levels(problem))
    calling = [
        {"calls": [{"name": "Calculator_Assistant", "arguments": {"request": _request(step)}}
                   for step in level]}
        for level in levels
    ]  # fmt: skip
    answer = {"text": f"The answer is {problem['final_answer']:g}."}
    lead = {"agent": "Orchestrator", "request": problem["question"], "steps": [*calling, answer]}
    parts = [
        {
            "agent": "Calculator_Assistant",
            "request": _request(step),
            "steps": [*map(_call, step["calls"]), {"text": f"{step['expr']} = {step['value']:g}"}],
        }
        for level in levels
        for step in level
    ]
    return {"decisions": [lead, *parts]}


def _levels(problem: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """Gives the steps level by level; a step without a call only names a figure of the text."""
    steps = sorted((one for one in problem["steps"] if one["calls"]), key=lambda one: one["level"])
    for _, level in groupby(steps, key=lambda one: one["level"]):
        yield list(level)


def _request(step: dict[str, Any]) -> str:
    return f"Work out {step['expr']}."


def _call(call: dict[str, Any]) -> dict[str, Any]:
    name = FUNCTIONS.get(call["tool"], call["tool"])
    return {"calls": [{"name": name, "arguments": dict(zip("ab", call["args"], strict=True))}]}


async def solve(problem: dict[str, Any], folder: Path) -> Outcome:
    """Runs one problem from a file of decisions."""
    file = folder / f"{problem['id']}.json"
    file.write_text(json.dumps(decisions_of(problem)), encoding="utf-8")
    app = App(name="calculator", root_agent=orchestrator(), plugins=[ToolThreads()])
    app, script = decided(app, file)
    held = await run_conversation(
        app, of_questions([problem["question"]]), file=folder / f"{file.stem}.jsonl"
    )
    return Outcome(_fault(problem, held, script), _width(held), held.turns[0])


def _fault(problem: dict[str, Any], held: ConversationRun, script: Any) -> str:
    """Tells what keeps a problem from being solved."""
    try:
        script.finish()
    except DecisionError as error:
        return str(error)
    assert held.log
    given = [
        json.loads(record.text).get("result")
        for record in read_log(held.log).records
        if record.hook == "after_tool" and record.kind == "function"
    ]
    wanted = [call["result"] for step in problem["steps"] for call in step["calls"]]
    if (
        not given
        or len(given) != len(wanted)
        or not all(map(_close, sorted(given), sorted(wanted)))
    ):
        return f"tools gave {given}, not {wanted}"
    if not _close(wanted[-1], problem["final_answer"]):
        return f"the last step gave {wanted[-1]}, not {problem['final_answer']}"
    return "" if held.turns[0].answer.endswith(f"{problem['final_answer']:g}.") else "no answer"


def _close(one: float, other: float) -> bool:
    return abs(one - other) <= CLOSE * max(1.0, abs(other))


def _width(held: ConversationRun) -> int:
    """Counts the agent calls that were under way at once."""
    open_calls = widest = 0
    for move in held.moves:
        open_calls += {"call": 1, "return": -1}.get(move.kind, 0)
        widest = max(widest, open_calls)
    return widest


async def _solve_all(problems: list[dict[str, Any]]) -> list[Outcome]:
    with tempfile.TemporaryDirectory() as folder:
        return [await solve(problem, Path(folder)) for problem in problems]


def _read(line: str) -> dict[str, Any]:
    problem = json.loads(line)
    return problem | {"steps": STEPS.get(problem["id"], problem["steps"])}


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description="Word problems from files of decisions.")
    parser.add_argument("file", nargs="?", default=os.environ.get("GSM8K", ""))
    file = Path(parser.parse_args().file)
    if not file.is_file():
        print(f"Skipped: no file of problems at {file}; name one, or set GSM8K.")
        return
    warnings.filterwarnings("ignore")
    logging.getLogger("google_adk").setLevel(logging.CRITICAL)
    problems = [_read(line) for line in file.read_text(encoding="utf-8").splitlines()]
    outcomes = asyncio.run(_solve_all(problems))
    for problem, outcome in zip(problems, outcomes, strict=True):
        wanted = max(len(level) for level in _levels(problem))
        reason = outcome.reason or (f"{outcome.width} at once, not {wanted}") * (
            outcome.width != wanted
        )
        if reason:
            print(f"{problem['id']}: {reason}")
    solved = sum(not one.reason for one in outcomes)
    together = sum(one.width > 1 for one in outcomes)
    calls = sum(one.figures.llm_calls for one in outcomes)
    print(
        f"{solved} of {len(problems)} solved through tool calls, {together} with agent calls side "
        f"by side, the widest {max(one.width for one in outcomes)}; {calls} model calls."
    )
    sys.exit(solved < len(problems))


if __name__ == "__main__":
    main()
