"""Writes what `README.md` shows of real runs between its markers; `--check` only compares.

python docs/readme.py [--check]
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

os.environ["MODEL_NAME"] = "offline"  # before the desk is loaded, and whatever .env says

from adk_flow.analysis.latency import DEFAULT_PROFILE, PROFILES
from adk_flow.analysis.run_metrics import RunMetrics, measure_run
from adk_flow.cli.output import silence_adk
from adk_flow.comparison.aggregate import Comparison
from adk_flow.comparison.runner import compare
from adk_flow.log.reader import read_log
from adk_flow.render.comparison_tables import CONTEXTS
from adk_flow.render.mermaid import sequence_diagram
from adk_flow.run.app import load_app
from adk_flow.run.conversation_run import run_conversation
from adk_flow.scenario.conversation import read_conversation
from adk_flow.wiring import CONSTRUCTS

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
CONVERSATIONS = ROOT / "conversations"


def three_topics() -> str:
    """Holds the three-topics conversation offline and draws it."""
    app = load_app(ROOT / "root_agent")
    conversation = read_conversation(CONVERSATIONS / "three_topics.yaml")
    with tempfile.TemporaryDirectory() as folder:
        held = asyncio.run(run_conversation(app, conversation, file=Path(folder) / "log.jsonl"))
    return f"```mermaid\n{sequence_diagram(held.moves)}```\n"


def calls() -> str:
    """Compares the desk's constructs on a follow-up and on three topics in one message."""
    names = ("follow_up", "three_in_one_message")
    conversations = {name: read_conversation(CONVERSATIONS / f"{name}.yaml") for name in names}
    with tempfile.TemporaryDirectory() as folder:
        comparison = compare(
            ROOT / "root_agent", conversations, folder=Path(folder), baseline="single_agent"
        )
        rows = [_row(comparison, construct) for construct in CONSTRUCTS]
    return "\n".join([*HEADING, *rows]) + "\n"


HEADING = (
    "| construct | question → follow-up | ADK's session shows | tokens "
    "| three topics at once | critical path (LLM calls) | context of specialists |",
    "|---|--:|--:|--:|--:|--:|---|",
)


def _row(comparison: Comparison, construct: str) -> str:
    follow_up, three = [run for run in comparison.runs if run.construct == construct]
    figures = comparison.figures_of(construct)
    total = follow_up.total
    after = "→".join(f"{count:g}" for count in figures.after_turns["follow_up"]) if figures else ""
    cells = (
        f"`{construct}`",
        f"**{after}**{_mark(follow_up)}",
        str(total.reported_llm_calls),
        f"{total.input_tokens + total.output_tokens:,}",
        f"{three.total.llm_calls}{_mark(three)}",
        str(_in_a_row(_without_tools(three))),
        CONTEXTS[figures.shown if figures else "unknown"],
    )
    return f"| {' | '.join(cells)} |"


def _mark(run: RunMetrics) -> str:
    return "" if run.passed else " †"


def _in_a_row(run: RunMetrics) -> int:
    """Counts the model calls on the critical path."""
    return sum(
        spans[index].kind == "model"
        for spans, critical in zip(run.spans, run.critical, strict=True)
        for index in critical
    )


PATTERNS = {
    "calculator": ("orchestrator with parallel agent calls", "three_stores"),
    "evening_brief": ("dispatch, fan out, merge", "evening_brief"),
    "translation": ("best of n, with a selector", "translation"),
    "content": ("stages, with a review loop", "content"),
}


def examples() -> str:
    """Measures what each example's parallel work saves against doing it one after the other."""
    rows = []
    for name, (pattern, asked) in PATTERNS.items():
        conversation = read_conversation(CONVERSATIONS / "examples" / f"{asked}.yaml")
        with tempfile.TemporaryDirectory() as folder:
            comparison = compare(
                ROOT / "examples" / name,
                {asked: conversation},
                ["as_is", "one_by_one"],
                folder=Path(folder),
            )
            run, plain = map(_without_tools, comparison.runs)
        path, plain_path = (one.total.critical_path_microseconds / 1e6 for one in (run, plain))
        page = f"[{name}](docs/patterns/{name}.md)"
        figures = f"{run.total.llm_calls} | {_in_a_row(run)} | {plain_path:.1f} | {path:.1f}"
        rows.append(f"| {page} | {pattern} | {figures} | {plain_path / path:.1f} |")
    heading = (
        "| example | pattern | LLM calls | critical path (LLM calls) | one by one, s | as it is, s "
        "| speed-up |",
        "|---|---|--:|--:|--:|--:|--:|",
    )
    return "\n".join([*heading, *rows]) + "\n"


def _without_tools(run: RunMetrics) -> RunMetrics:
    """Measures a run again as if its tools took no time, which varies from run to run."""
    pace = PROFILES[DEFAULT_PROFILE]._replace(tool_milliseconds=0)
    log = read_log(run.log)
    return measure_run(log, construct=run.construct, conversation=run.conversation, pace=pace)


BLOCKS: dict[str, Callable[[], str]] = {
    "calls": calls,
    "examples": examples,
    "three topics": three_topics,
}


def main() -> None:
    """Writes the README, or exits with 1 if it shows something else than the runs."""
    silence_adk()
    text = fresh = README.read_text(encoding="utf-8")
    for name, written in BLOCKS.items():
        block = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        if not block.search(text):
            sys.exit(f"README.md: lacks the markers <!-- {name} --> and <!-- end -->")
        made = written()
        fresh = block.sub(lambda match, made=made: match[1] + made + match[2], fresh)
    if "--check" not in sys.argv:
        README.write_text(fresh, encoding="utf-8")
    elif fresh != text:
        sys.exit("README.md: shows something else than the runs give; write it with: make readme")


if __name__ == "__main__":
    main()
