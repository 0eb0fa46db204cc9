"""Writes what the READMEs show of real runs between their markers; `--check` only compares.

python docs/readme.py [--check]
"""

from __future__ import annotations

import asyncio
import io
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from functools import cache, partial
from pathlib import Path

os.environ["MODEL_NAME"] = "offline"  # before the desk is loaded, and whatever .env says

import msgspec
from choices import calls_in_a_row, choices, side_by_side
from claims import CLAIMS, claim_table

from adk_flow.analysis.move import Move
from adk_flow.analysis.run_metrics import RunMetrics
from adk_flow.analysis.trace_reader import read_trace
from adk_flow.cli.output import silence_adk
from adk_flow.comparison.aggregate import Comparison
from adk_flow.comparison.fault_matrix import FaultMatrix
from adk_flow.comparison.runner import compare
from adk_flow.render.comparison_faults import fault_sections
from adk_flow.render.comparison_tables import CONTEXTS
from adk_flow.render.markdown import markdown_section
from adk_flow.render.mermaid import sequence_diagram
from adk_flow.run.app import load_app
from adk_flow.run.conversation_run import run_conversation
from adk_flow.scenario.conversation import Conversation, read_conversation
from adk_flow.wiring import CONSTRUCTS, MEANINGS, ON_DEMAND

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
CONVERSATIONS = ROOT / "conversations"
EXAMPLES = ROOT / "examples"


def three_topics() -> str:
    """Holds the three-topics conversation offline and draws it."""
    return _drawn_run(ROOT / "root_agent", read_conversation(CONVERSATIONS / "three_topics.yaml"))


def _drawn_run(app: Path, conversation: Conversation) -> str:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.jsonl"
        return _drawn(asyncio.run(run_conversation(load_app(app), conversation, file=log)).moves)


@cache
def desk_run() -> tuple[Comparison, dict[str, str]]:
    """Compares the desk's constructs on a follow-up and on three topics in one message.

    Gives a diagram of the latter by construct, too.
    """
    names = ("follow_up", "three_in_one_message")
    conversations = {name: read_conversation(CONVERSATIONS / f"{name}.yaml") for name in names}
    constructs = [*CONSTRUCTS, *ON_DEMAND]
    with tempfile.TemporaryDirectory() as folder:
        options = {"folder": Path(folder), "baseline": "single_agent"}
        comparison = compare(ROOT / "root_agent", conversations, constructs, **options)
        logs = {run.construct: run.log for run in comparison.runs if run.conversation == names[1]}
        return comparison, {name: _drawn(read_trace(log).moves) for name, log in logs.items()}


def construct_pictures() -> str:
    """Draws three topics in one message under every construct."""
    drawn = desk_run()[1]
    names = (*CONSTRUCTS, *ON_DEMAND)
    return "\n".join(f"### `{name}`\n\n{MEANINGS[name]}\n\n{drawn[name]}" for name in names)


def example_pictures() -> str:
    """Draws the first turn of each example."""
    parts = (f"### [{name}](../examples/{name}/README.md)\n\n{picture(name)}" for name in PATTERNS)
    return "\n".join(parts)


def _drawn(moves: Iterable[Move]) -> str:
    return f"```mermaid\n{sequence_diagram(moves)}```\n"


def calls() -> str:
    """Writes what each of the constructs costs the desk."""
    rows = [_row(desk_run()[0], construct) for construct in CONSTRUCTS]
    return "\n".join([*HEADING, *rows]) + "\n"


def each_construct() -> str:
    """Writes what there is to know of each construct, measured with the desk."""
    return choices(desk_run()[0], desk_at_fault())


def calls_compared() -> str:
    """Writes what there is to know of the ways to call an agent and wait, side by side."""
    names = ["agent_tool", "agent_tool_skip_summarization", "single_turn"]
    return side_by_side(names, desk_run()[0], desk_at_fault())


def releases(section: str) -> str:
    """Takes the rows of docs/versions.md in which the last 1.x and the newest 2.x differ."""
    text = (ROOT / "docs" / "versions.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| (.*) \|$", text.partition(f"## {section}\n")[2].partition("\n## ")[0], re.M
    )
    header, rule, *cells = [row.split(" | ") for row in rows]
    one, other = (header.index(release) for release in ("1.39.1", "2.13.0"))
    columns = [*range(next(n for n, cell in enumerate(header) if cell[:1].isdigit())), one, other]
    kept = [header, rule, *(row for row in cells if row[one] != row[other])]
    return "".join(f"| {' | '.join(row[column] for column in columns)} |\n" for row in kept)


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
        f"{total.tokens:,}",
        f"{three.total.llm_calls}{_mark(three)}",
        str(calls_in_a_row(three)),
        CONTEXTS[figures.shown if figures else "unknown"],
    )
    return f"| {' | '.join(cells)} |"


def _mark(run: RunMetrics) -> str:
    return "" if run.passed else " †"


PATTERNS = {
    "calculator": "orchestrator with parallel agent calls",
    "evening_brief": "dispatch, fan out, merge; a coordinator under a coordinator",
    "translation": "best of n, with a selector",
    "content": "stages, with a review loop",
}


def examples() -> str:
    """Measures what each example's parallel work saves: model time against the critical path."""
    rows = []
    for name, pattern in PATTERNS.items():
        conversation = read_conversation(EXAMPLES / name / "conversation.yaml")
        with tempfile.TemporaryDirectory() as folder:
            made = compare(EXAMPLES / name, {name: conversation}, ["as_is"], folder=Path(folder))
            (run,) = made.runs
        total = run.total
        alone, path = total.llm_microseconds / 1e6, total.critical_path_microseconds / 1e6
        page = f"[{name}](examples/{name}/README.md)"
        figures = f"{total.llm_calls} | {calls_in_a_row(run)} | {alone:.1f} | {path:.1f}"
        rows.append(f"| {page} | {pattern} | {figures} | {alone / path:.1f} |")
    heading = (
        "| example | pattern | LLM calls | critical path (LLM calls) | one by one, s | as it is, s "
        "| speed-up |",
        "|---|---|--:|--:|--:|--:|--:|",
    )
    return "\n".join([*heading, *rows]) + "\n"


@cache
def desk_at_fault() -> FaultMatrix:
    """Tries each fault of a specialist of the desk under every construct."""
    with tempfile.TemporaryDirectory() as folder:
        made = compare(ROOT / "root_agent", {}, folder=Path(folder), faults=True)
    assert made.faults is not None
    return made.faults


def faults() -> str:
    """Writes what became of them."""
    parts = (markdown_section(part) for _, part in fault_sections(desk_at_fault()))
    return "".join(f"#{part}\n\n" for part in parts)


@cache
def picture(name: str) -> str:
    """Draws the first turn of an example's conversation."""
    conversation = read_conversation(EXAMPLES / name / "conversation.yaml")
    first = msgspec.structs.replace(conversation, turns=conversation.turns[:1])
    return _drawn_run(EXAMPLES / name, first)


def callbacks(part: str) -> str:
    """Gives what plain callbacks print of a conversation, or its flow log; without seconds."""
    folder = EXAMPLES / "plain_callbacks"
    conversation, stream = read_conversation(folder / "conversation.yaml"), io.StringIO()
    with tempfile.TemporaryDirectory() as logs, redirect_stdout(stream):
        log = Path(logs) / "log.jsonl"
        asyncio.run(run_conversation(load_app(folder), conversation, file=log))
        show = [sys.executable, "-W", "ignore", "-m", "adk_flow", "show", str(log)]
        wide = {**os.environ, "COLUMNS": "110"}
        shown = subprocess.run(show, check=True, capture_output=True, text=True, env=wide).stdout
    text = stream.getvalue() if part == "print" else shown
    text = re.sub(r",\s+took\s+[\d.]+ s$", "", text, flags=re.MULTILINE)  # over two lines, too
    lines = [line.rstrip() for line in text.strip().splitlines()]
    return "\n".join(["```text", *lines, "```", ""])


PAGES: dict[Path, dict[str, Callable[[], str]]] = {
    ROOT / "docs" / "compare.md": {"faults": faults},
    ROOT / "docs" / "choose.md": {"constructs": each_construct},
    ROOT / "docs" / "claims.md": {name: partial(claim_table, name) for name in CLAIMS},
    ROOT / "docs" / "agent_tool.md": {"measured": calls_compared},
    ROOT / "docs" / "adk2.md": {
        section.lower(): partial(releases, section) for section in ("Differences", "Figures")
    },
    ROOT / "docs" / "gallery.md": {"constructs": construct_pictures, "examples": example_pictures},
    README: {"calls": calls, "examples": examples, "three topics": three_topics},
    **{EXAMPLES / name / "README.md": {"picture": partial(picture, name)} for name in PATTERNS},
    EXAMPLES / "plain_callbacks" / "README.md": {
        part: partial(callbacks, part) for part in ("print", "flow log")
    },
}


def main() -> None:
    """Writes the pages, or exits with 1 if one shows something else than the runs."""
    silence_adk()
    for page, blocks in PAGES.items():
        text = page.read_text(encoding="utf-8")
        fresh = _renewed(page, text, blocks)
        if "--check" not in sys.argv:
            page.write_text(fresh, encoding="utf-8")
        elif fresh != text:
            name = page.relative_to(ROOT)
            sys.exit(f"{name}: shows something else than the runs give; write it with: make readme")


def _renewed(page: Path, text: str, blocks: dict[str, Callable[[], str]]) -> str:
    for name, written in blocks.items():
        block = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        if not block.search(text):
            sys.exit(f"{page}: lacks the markers <!-- {name} --> and <!-- end -->")
        made = written()
        text = block.sub(lambda match, made=made: match[1] + made + match[2], text)
    return text


if __name__ == "__main__":
    main()
