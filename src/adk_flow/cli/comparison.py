"""`adk-flow compare`: the same under every construct, or logs that exist; `merge`: its shards."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from adk_flow._data import digest_of
from adk_flow._text import plain
from adk_flow.cli import options
from adk_flow.cli.loading import load_conversations, note_prices, use_files
from adk_flow.cli.output import app_output_on_stderr, mention_state, print_note, silence_adk
from adk_flow.cli.paths import is_app, list_logs, only_app
from adk_flow.cli.signals import keeping
from adk_flow.comparison.aggregate import Comparison
from adk_flow.comparison.from_logs import compare_logs
from adk_flow.comparison.processes import Workers, choose_processes
from adk_flow.comparison.recommend import find_obstacle
from adk_flow.comparison.shards import merge_shards
from adk_flow.comparison.spec import read_constructs
from adk_flow.comparison.store import Folder
from adk_flow.errors import AdkFlowError
from adk_flow.log.reader import is_flow_log
from adk_flow.render.comparison_json import comparison_to_data
from adk_flow.render.comparison_text import comparison_to_markdown, print_comparison, print_summary
from adk_flow.render.documents import to_json
from adk_flow.render.page import trace_to_html
from adk_flow.render.terminal import plain_console

_ALL = 10
"""Constructs, at least, that `all` stands for: how many is known only once ADK is loaded."""
_OF_LOGS = {
    *("subjects", "baseline", "faults", "latency", "latency_profile", "prices"),
    *("out", "form", "verbose"),
}
"""What may be given where logs are compared, and nothing is run."""
_LEAST_STEP = 10
"""Runs between two lines that say how many are done, where there is no bar."""


def compare_constructs(
    context: typer.Context,
    subjects: Annotated[
        list[Path],
        typer.Argument(
            metavar="APP | LOG...", help="An ADK app, or flow logs, or folders of them."
        ),
    ],
    constructs: Annotated[
        str, typer.Option(help="Names separated by commas, besides `as_is`, the app's own wiring.")
    ] = "all",
    conversation: Annotated[
        list[Path] | None, typer.Option(help="YAML file of turns, or a folder of them; repeatable.")
    ] = None,
    question: options.Questions = None,
    state: options.State = "",
    trials: Annotated[int, typer.Option(min=1, max=1000, help="Runs of each conversation.")] = 1,
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=1000,
            help="How many runs at the same time: processes, or on a real model runs in one "
            "process; by default as many processes as pay off, or 4 runs.",
        ),
    ] = None,
    engine: Annotated[
        Literal["processes", "ray"],
        typer.Option(help="Where several processes are: here, or on Ray (RAY_ADDRESS, or local)."),
    ] = "processes",
    shard: Annotated[
        str, typer.Option(help="Make only a shard, such as `1/3`; `adk-flow merge` compares all.")
    ] = "",
    baseline: Annotated[
        str, typer.Option(help="Construct to compare with; by default `as_is`.")
    ] = "",
    deep: options.Deep = False,
    faults: Annotated[
        bool,
        typer.Option(
            "--faults", help="Also try each fault of a specialist; of logs, show what they hold."
        ),
    ] = False,
    model: options.Model = "",
    advisor_model: options.AdvisorModel = "",
    budget: Annotated[
        float | None, typer.Option(min=0, help="US dollars that runs on a real model may spend.")
    ] = None,
    max_calls: Annotated[
        int | None, typer.Option(min=1, help="Model calls that runs on a real model may make.")
    ] = None,
    latency: options.Latency = "",
    latency_profile: options.ProfilesFile = None,
    prices: options.PricesFile = None,
    real_latency: Annotated[
        bool, typer.Option("--real-latency", help="Really wait as long as --latency says.")
    ] = False,
    cassette: options.CassetteFile = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of logs and results; existing runs are kept.")
    ] = None,
    form: Annotated[options.ReportFormat, options.FORMAT] = "text",
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Print all tables, not only the verdict.")
    ] = False,
) -> None:
    """Compares the same conversations under several constructs: ways of wiring the same agents.

    Exits with 1 if some runs could not be made or if they are no evidence, and with 130 after
    Ctrl-C; completed runs are kept, and the same command continues.
    """
    latency = use_files(latency, latency_profile, prices)
    if out:
        Folder(out).check_free()
    if all(map(_is_of_logs, subjects)):
        _check_unset(context)
        folder = out or _default_folder("logs", subjects)
        pages = {"folder": folder, "page": trace_to_html}
        logs = [*list_logs(subjects)]
        comparison = compare_logs(logs, baseline, latency, faults=faults, **pages)
    else:
        silence_adk()
        app = only_app(subjects)
        is_open = faults and not (question or conversation)
        conversations = {} if is_open else load_conversations(question, conversation, state)
        given = {
            "baseline": baseline,
            "deep": deep,
            "trials": trials,
            "model": model,
            "advisor_model": advisor_model,
            "latency": latency,
            "real_latency": real_latency,
            "dollars": budget,
            "calls": max_calls,
            "faults": faults,
        }
        given |= {"cassette": cassette} if cassette else {}
        about = [conversations, constructs, given]
        folder = out or _default_folder(app.resolve().name, about) / shard.replace("/", "-of-")
        is_limited = budget is not None or max_calls is not None or cassette is not None
        many = 0 if is_limited or real_latency or shard else trials * len(conversations)
        many *= _ALL if constructs == "all" else 2 + constructs.count(",")
        number = choose_processes(many, jobs) - 1 if engine == "processes" and many else 0
        with Workers(number) if number > 0 else nullcontext() as workers:
            names = read_constructs(constructs)  # first, for it tells of an ADK that is too old
            # ADK takes seconds to import, which a comparison of logs need not wait for.
            from adk_flow.comparison import runner

            with app_output_on_stderr(form), _progress(folder) as progress:
                comparison = runner.compare(
                    *(app, conversations, names),
                    folder=folder,
                    jobs=jobs,
                    engine=engine,
                    shard=shard,
                    progress=progress,
                    page=None if shard else trace_to_html,
                    workers=workers,
                    **given,
                )
        if shard:
            if comparison.setting.stopped:
                print_note(comparison.setting.stopped)
            print_note(f"shard {shard} is in {folder}; adk-flow merge compares all shards")
            raise typer.Exit(bool(comparison.setting.stopped))
    _report(comparison, folder, form, prices, verbose=verbose)


def merge_folders(
    folders: Annotated[
        list[Path], typer.Argument(metavar="DIR...", help="Folders that `compare --shard` wrote.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the whole comparison.")],
    prices: options.PricesFile = None,
    form: Annotated[options.ReportFormat, options.FORMAT] = "text",
) -> None:
    """Merges the shards of a comparison, and compares.

    Exits with 1 if some runs are missing or if they are no evidence.
    """
    use_files("", None, prices)
    comparison = merge_shards(folders, out, trace_to_html)
    _report(comparison, out, form, prices)


def _report(
    comparison: Comparison,
    folder: Path,
    form: options.ReportFormat,
    prices: Path | None,
    *,
    verbose: bool = False,
) -> None:
    """Writes a comparison's files and prints it.

    Raises:
      Exit: with 1, if some runs could not be made or are no evidence.
    """
    setting, is_live = comparison.setting, comparison.kind in ("live", "cassette")
    note_prices(prices, setting.price_model, "" if is_live else setting.pace)
    # The page's template engine is needed by no other command.
    from adk_flow.render.comparison_html import comparison_to_html

    data = to_json("compare", comparison_to_data(comparison))
    markdown = comparison_to_markdown(comparison)
    files = Folder(folder)
    files.write("results.json", data)
    files.write("report.md", f"{markdown}\nWhat proves each: [report.html](report.html)\n")
    report = files.write("report.html", comparison_to_html(comparison))
    if form == "text":
        (print_comparison if verbose else print_summary)(comparison, plain_console())
        more = "" if verbose else " (here: --verbose)"
        print(plain(f"All figures{more}: {report}"))
    else:
        print(data if form == "json" else markdown)
    mention_state(words for run in comparison.runs for each in run.failed_checks for words in each)
    if comparison.setting.stopped or find_obstacle(comparison):
        raise typer.Exit(1)


def _check_unset(context: typer.Context) -> None:
    """Refuses what is given of runs, where nothing is run."""
    for name in context.params.keys() - _OF_LOGS:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise AdkFlowError("is for an app; flow logs are compared as they are", argument=name)


def _is_of_logs(path: Path) -> bool:
    if path.is_dir():
        return not is_app(path) and any(path.rglob("*.jsonl"))
    return path.suffix == ".jsonl" or (path.is_file() and is_flow_log(path))


def _default_folder(name: str, about: Sequence[object]) -> Path:
    """Names a folder that the same command finds again."""
    digest = digest_of("\0".join(map(str, about)), 4)
    return Path("comparisons") / f"{name}-{digest}"


@contextmanager
def _progress(folder: Path) -> Iterator[Callable[[int, int], None]]:
    """Shows how many runs are done, also when a signal ends them.

    Where no bar can be drawn, at first, in steps and at the end.
    """
    completed = due = 0
    columns = (TextColumn("runs"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=plain_console(sys.stderr), transient=True)
    task, is_drawn = bar.add_task("runs", total=None), sys.stderr.isatty()

    def progress(done: int, planned: int) -> None:
        nonlocal completed, due
        completed = done
        bar.update(task, completed=done, total=planned)
        if not is_drawn and done >= min(due, planned):
            print(f"{done} of {planned} runs", file=sys.stderr)
            due = done + max(_LEAST_STEP, planned // 4)

    kept = keeping(lambda: f"{completed} runs are kept in {folder}; the same command continues")
    with bar if is_drawn else nullcontext(), kept:
        yield progress
