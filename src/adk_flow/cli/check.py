"""`adk-flow check`: whether a flow keeps the rules of a file, for CI."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from adk_flow.check.evaluate import check_rules
from adk_flow.check.rules import read_rules
from adk_flow.check.subjects import check_app_answers, check_log_answers
from adk_flow.cli.options import FORMAT, CassetteFile, CheckFormat
from adk_flow.cli.output import app_output_on_stderr, print_note, silence_adk
from adk_flow.cli.paths import is_app, load_story, only_app
from adk_flow.cli.signals import keeping, recorded
from adk_flow.errors import AdkFlowError
from adk_flow.render.checks import CHECK_WRITERS, CheckReport


def check_flow(
    subjects: Annotated[
        list[Path],
        typer.Argument(metavar="LOG... | APP", help="An app, or logs as `show` takes them."),
    ],
    expect: Annotated[Path, typer.Option(help="YAML file of rules (docs/ci.md).")],
    cassette: CassetteFile = None,
    form: Annotated[CheckFormat, FORMAT] = "text",
) -> None:
    """Checks a flow against the rules of a file; an app runs the conversation that they name.

    Exits with 1 if a rule is broken.
    """
    written = read_rules(expect)
    if is_app(subjects[0]):
        output = app_output_on_stderr("github" if form == "github" else "")
        with output, keeping(recorded):
            silence_adk()
            flow, answers, notes = check_app_answers(only_app(subjects), written, cassette)
    elif cassette:
        reason = "is for an app; a log asks no model"
        raise AdkFlowError(reason, argument="cassette", value=cassette)
    else:
        flow, answers, notes = check_log_answers(load_story(subjects), written)
    for note in notes:
        print_note(note)
    rules = sorted([*answers, *check_rules(flow, written)], key=lambda rule: rule.line)
    report = CheckReport(str(expect), flow.log.path, rules)
    print(CHECK_WRITERS[form](report))
    if report.broken:
        raise typer.Exit(1)
