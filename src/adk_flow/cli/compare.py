"""`adk-flow compare`: the same conversations under every construct, or logs that exist."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from adk_flow.cli.shared import (
    INTERRUPTED,
    apart,
    quieten_adk,
    tell,
    told_plainly,
)
from adk_flow.comparison.aggregate import Comparison
from adk_flow.comparison.from_logs import compare_logs
from adk_flow.comparison.spec import read_constructs, read_conversations
from adk_flow.comparison.store import Folder
from adk_flow.errors import AdkFlowError
from adk_flow.render.comparison_json import comparison_to_data
from adk_flow.render.comparison_markdown import comparison_to_markdown
from adk_flow.render.comparison_text import print_comparison
from adk_flow.render.terminal import plain_console
from adk_flow.scenario.conversation import Conversation, of_questions, read_state, with_state


class Format(StrEnum):
    """How to write a comparison on stdout."""

    text = "text"
    markdown = "markdown"
    json = "json"


def compare(
    subjects: Annotated[
        list[Path], typer.Argument(metavar="APP | LOG...", help="An ADK app, or flow logs.")
    ],
    constructs: Annotated[
        str, typer.Option(help="Names with commas between; `as_is` is the app's own wiring.")
    ] = "all",
    conversation: Annotated[
        list[Path] | None, typer.Option(help="YAML file of turns, or a folder of them; repeatable.")
    ] = None,
    question: Annotated[
        list[str] | None, typer.Option(help="A turn to ask, instead of a file; repeatable.")
    ] = None,
    state: Annotated[
        str, typer.Option(help="What each session holds at first: a JSON object, or its file.")
    ] = "",
    trials: Annotated[int, typer.Option(min=1, max=1000, help="How often to hold each.")] = 1,
    jobs: Annotated[
        int, typer.Option(min=1, max=1000, help="Conversations held at the same time.")
    ] = 4,
    baseline: Annotated[str, typer.Option(help="What to compare with; by default the first.")] = "",
    model: Annotated[str, typer.Option(help="Model of every agent; by default the app's.")] = "",
    budget: Annotated[
        float | None, typer.Option(min=0, help="What live runs may spend, in US dollars.")
    ] = None,
    max_calls: Annotated[
        int | None, typer.Option(min=1, help="How many model calls live runs may make.")
    ] = None,
    latency: Annotated[
        str,
        typer.Option(
            help="Whose pace projected times are at, or `none` for times as measured; "
            "by default gemini-2.5-flash for controlled runs."
        ),
    ] = "",
    real_latency: Annotated[
        bool, typer.Option("--real-latency", help="Take that time for real.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder of logs and results; what is there is kept.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="How to write it.")] = Format.text,
) -> None:
    """Lays the same conversations under several constructs side by side.

    Exits with 1 if not all runs could be made, and with 130 after Ctrl-C; what was made is kept,
    and the same command goes on.
    """
    with told_plainly():
        if _are_logs(subjects):
            folder = out or _default_folder("logs", subjects)
            comparison = compare_logs(subjects, baseline, latency)
        else:
            quieten_adk()
            conversations = _asked(conversation or [], question or [], state)
            options = {
                "baseline": baseline,
                "trials": trials,
                "jobs": jobs,
                "model": model,
                "latency": latency,
                "real_latency": real_latency,
                "dollars": budget,
                "calls": max_calls,
            }
            about = [conversations, constructs, options]
            folder = out or _default_folder(subjects[0].resolve().name, about)
            # ADK takes seconds to import, which a comparison of logs need not wait for.
            from adk_flow.comparison import runner

            with (
                nullcontext() if form is Format.text else apart(harmless=False),
                _progress(folder) as progress,
            ):
                comparison = runner.compare(
                    _only(subjects),
                    conversations,
                    read_constructs(constructs),
                    folder=folder,
                    progress=progress,
                    **options,
                )
        path = _written(comparison, folder)
    _print(comparison, form, path)
    if comparison.setting.stopped:
        raise typer.Exit(1)


def _asked(files: list[Path], questions: list[str], state: str) -> dict[str, Conversation]:
    found = read_conversations(files)
    if questions and "question" in found:
        raise AdkFlowError("--question: there is a conversation file of that name; rename the file")
    asked = found | ({"question": of_questions(questions)} if questions else {})
    if not asked:
        raise AdkFlowError("say what to ask: --conversation FILE_OR_FOLDER, or --question WORDS")
    beginning = read_state(state) if state else {}
    return {name: with_state(one, beginning) for name, one in asked.items()}


def _are_logs(subjects: Sequence[Path]) -> bool:
    return all(path.suffix == ".jsonl" or _is_a_log(path) for path in subjects)


def _is_a_log(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(12) == b'{"flow_log":'
    except OSError:
        return False


def _only(subjects: Sequence[Path]) -> Path:
    if len(subjects) > 1:
        raise AdkFlowError(
            f"{subjects[1]}: compare either one app, or flow logs (*.jsonl) and no app"
        )
    return subjects[0]


def _default_folder(name: str, about: Sequence[object]) -> Path:
    """Names a folder that the same command finds again."""
    digest = hashlib.blake2b("\0".join(map(str, about)).encode(errors="replace"), digest_size=4)
    return Path("comparisons") / f"{name}-{digest.hexdigest()}"


@contextmanager
def _progress(folder: Path) -> Iterator[Callable[[int, int], None]]:
    """Shows how many runs are made, also when Ctrl-C ends them."""
    made = 0
    with _bar() if sys.stderr.isatty() else nullcontext(_tell_line) as show:

        def progress(done: int, planned: int) -> None:
            nonlocal made
            made = done
            show(done, planned)

        try:
            yield progress
        except KeyboardInterrupt:
            tell(f"stopped; {made} runs are kept in {folder}, and the same command goes on")
            raise typer.Exit(INTERRUPTED) from None


def _tell_line(done: int, planned: int) -> None:
    if done == planned or done % max(1, planned // 10) == 0:
        print(f"{done} of {planned} runs", file=sys.stderr)


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    columns = (TextColumn("runs"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=plain_console(sys.stderr), transient=True) as bar:
        task = bar.add_task("runs", total=None)
        yield lambda done, planned: bar.update(task, completed=done, total=planned)


def _written(comparison: Comparison, folder: Path) -> Path:
    # The page's template engine is needed by no other command.
    from adk_flow.render.comparison_html import comparison_to_html

    files = Folder(folder)
    files.write("results.json", msgspec.json.encode(comparison_to_data(comparison)).decode())
    files.write("report.md", comparison_to_markdown(comparison))
    return files.write("report.html", comparison_to_html(comparison))


def _print(comparison: Comparison, form: Format, path: Path) -> None:
    if form is Format.json:
        print(msgspec.json.encode(comparison_to_data(comparison)).decode())
    elif form is Format.markdown:
        print(comparison_to_markdown(comparison))
    else:
        console = plain_console()
        print_comparison(comparison, console)
        console.print(Text(f"\nReport: {path}"), soft_wrap=True)
