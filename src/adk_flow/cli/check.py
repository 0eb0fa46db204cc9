"""`adk-flow check`: whether a flow keeps the rules of a file, for CI."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adk_flow.checking import Checked, checked
from adk_flow.cli.shared import newest_log, quieten_adk, told_plainly
from adk_flow.conversation import Conversation, of_questions, read_conversation
from adk_flow.expectations import ExpectationError, Written, check_agents, read_expectations
from adk_flow.flow import Flow, read_flow
from adk_flow.problem import Problem
from adk_flow.views.checks import Told, as_github, as_json, as_junit, as_text

if TYPE_CHECKING:
    from google.adk.apps import App

    from adk_flow.models.decisions import Decided

_MARKS = ("agent.py", "__init__.py", "root_agent.yaml")
"""Files by which a folder is an app and no folder of logs."""


class Format(StrEnum):
    """How to write what was checked."""

    text = "text"
    junit = "junit"
    github = "github"
    json = "json"


_WRITERS: dict[Format, Callable[[Told], str]] = {
    Format.text: as_text,
    Format.junit: as_junit,
    Format.github: as_github,
    Format.json: as_json,
}


def check(
    subject: Annotated[
        Path, typer.Argument(metavar="LOG | APP", help="A flow log, a folder of them, or an app.")
    ],
    expect: Annotated[Path, typer.Option(help="YAML file of rules (docs/ci.md).")],
    form: Annotated[Format, typer.Option("--format", help="How to write it.")] = Format.text,
) -> None:
    """Checks that a flow keeps the rules of a file; of an app, in a conversation that it names.

    Exits with 1 if a rule is broken.
    """
    with told_plainly():
        written = read_expectations(expect)
        if _is_app(subject):
            flow, asked = _held(subject, written)
        else:
            flow, asked = read_flow(newest_log(subject) if subject.is_dir() else subject), []
        rules = sorted([*asked, *checked(flow, written)], key=lambda rule: rule.line)
    told = Told(str(expect), flow.log.path, rules)
    print(_WRITERS[form](told))
    if told.broken:
        raise typer.Exit(1)


def _is_app(subject: Path) -> bool:
    if subject.is_dir():
        return any((subject / mark).exists() for mark in _MARKS)
    return subject.suffix == ".py"


def _held(path: Path, written: Written) -> tuple[Flow, list[Checked]]:
    """Holds the conversation that the rules name, and gives what its answers lack."""
    conversation = _conversation(written)
    # ADK takes seconds to import, which a check of a log need not wait for.
    quieten_adk()
    from adk_flow.experiment import hold
    from adk_flow.tree import agents_of

    app, script = _loaded(path, written)
    if app.root_agent is not None:
        check_agents(written, [node.name for node in agents_of(app.root_agent)])
    held = asyncio.run(hold(app, conversation))
    if held.log is None:
        raise Problem(f"{path}: its flow log could not be written")
    line = written.document.line("hold")
    lacking = [
        Checked("hold", line, f"turn {number}: {reason}")
        for number, reasons in enumerate(held.failed_checks, start=1)
        for reason in reasons
        if not reason.startswith("failed: ")  # which is a rule of its own
    ]
    if script is not None:
        lacking += _left(script, written.document.line("decisions"))
    return read_flow(held.log, conversation.planted), lacking


def _left(script: Decided, line: int) -> list[Checked]:
    """Tells of decisions that nobody asked for."""
    try:
        script.finish()
    except Problem as error:
        return [Checked("decisions", line, str(error))]
    return []


def _loaded(path: Path, written: Written) -> tuple[App, Decided | None]:
    """Loads an app on the model, or with the decisions, that the rules name."""
    from adk_flow.application import load_application

    rules = written.rules
    if rules.model and rules.decisions:
        raise ExpectationError(
            f"{written.document.path}: line {written.document.line('decisions')}: decisions: "
            "give either them or a model, and not both"
        )
    if rules.model:
        # An app that chooses its model by this name need not have the key of another.
        os.environ["MODEL_NAME"] = rules.model
    app = load_application(path)
    if rules.decisions:
        from adk_flow.models.decisions import decided

        return decided(app, Path(written.document.path).parent / rules.decisions)
    if rules.model:
        from adk_flow.models.choice import model_named
        from adk_flow.models.given import set_model

        set_model(app, model_named(rules.model))
    return app, None


def _conversation(written: Written) -> Conversation:
    hold, path = written.rules.hold, Path(written.document.path)
    if not hold:
        raise ExpectationError(
            f"{path}: line 1: hold: is missing; expected what to ask the app: a conversation file, "
            "or questions"
        )
    return read_conversation(path.parent / hold) if isinstance(hold, str) else of_questions(hold)
