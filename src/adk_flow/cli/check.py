"""`adk-flow check`: whether a flow keeps the rules of a file, for CI."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adk_flow._text import plural
from adk_flow.check.evaluate import Checked, answers_checked, checked, lacking
from adk_flow.check.flow import Flow, read_flow
from adk_flow.check.rules import (
    ExpectationError,
    Written,
    check_agents,
    read_expectations,
    strangers,
)
from adk_flow.cli.shared import apart, newest_log, quieten_adk, tell, told_plainly
from adk_flow.errors import AdkFlowError
from adk_flow.render.checks import (
    CheckReport,
    checks_to_github,
    checks_to_json,
    checks_to_junit,
    checks_to_text,
)
from adk_flow.scenario.conversation import Conversation, of_questions, read_conversation

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


_WRITERS: dict[Format, Callable[[CheckReport], str]] = {
    Format.text: checks_to_text,
    Format.junit: checks_to_junit,
    Format.github: checks_to_github,
    Format.json: checks_to_json,
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
            with apart(harmless=form is Format.github):
                flow, asked = _held(subject, written)
        else:
            flow, asked = _read(subject, written)
        rules = sorted([*asked, *checked(flow, written)], key=lambda rule: rule.line)
    report = CheckReport(str(expect), flow.log.path, rules)
    print(_WRITERS[form](report))
    if report.broken:
        raise typer.Exit(1)


def _is_app(subject: Path) -> bool:
    if subject.is_dir():
        return any((subject / mark).exists() for mark in _MARKS)
    return subject.suffix == ".py"


def _read(path: Path, written: Written) -> tuple[Flow, list[Checked]]:
    """Reads a log, and gives what its answers lack of what the rules' conversation asks for."""
    hold, line = written.rules.hold, written.document.line("hold")
    conversation = _conversation(written) if isinstance(hold, str) and hold else Conversation([])
    log = newest_log(path) if path.is_dir() else path
    flow = read_flow(log, conversation.planted)
    for place, name in strangers(written, flow.names):
        tell(f"{place}: note: the log names no agent {name!r}; is it a slip?")
    asked = answers_checked(flow, conversation, line) if conversation.is_checked else []
    if asked is None:
        tell(
            f"{written.document.path}: line {line}: hold: note: answers are not checked, for "
            f"{log} does not hold the questions of {hold}"
        )
    return flow, asked or []


def _held(path: Path, written: Written) -> tuple[Flow, list[Checked]]:
    """Holds the conversation that the rules name, and gives what its answers lack."""
    conversation = _conversation(written)
    # ADK takes seconds to import, which a check of a log need not wait for.
    quieten_adk()
    from adk_flow.inspect.agent_graph import agents_of
    from adk_flow.run.conversation_run import run_conversation

    app, script = _loaded(path, written)
    if app.root_agent is not None:
        check_agents(written, [node.name for node in agents_of(app.root_agent)])
    held = asyncio.run(run_conversation(app, conversation))
    if held.log is None:
        raise AdkFlowError(f"{path}: its flow log could not be written")
    asked = lacking(held.failed_checks, written.document.line("hold"))
    if script is not None:
        asked += _left(script, written.document.line("decisions"))
    flow = read_flow(held.log, conversation.planted)
    if held.faults and not flow.log.unrecorded and not written.rules.may_fail:
        reason = f"{plural(held.faults, 'hook')} could not be recorded"
        asked.append(Checked("whole", written.document.line(), reason))
    return flow, asked


def _left(script: Decided, line: int) -> list[Checked]:
    """Tells of decisions that nobody asked for."""
    try:
        script.finish()
    except AdkFlowError as error:
        return [Checked("decisions", line, str(error))]
    return []


def _loaded(path: Path, written: Written) -> tuple[App, Decided | None]:
    """Loads an app on the model, or with the decisions, that the rules name."""
    from adk_flow.models.from_env import ModelChoiceError
    from adk_flow.run.app import load_app

    rules = written.rules
    if rules.model and rules.decisions:
        raise ExpectationError(
            f"{written.document.path}: line {written.document.line('decisions')}: decisions: "
            "give either them or a model, and not both"
        )
    try:
        app = load_app(path, rules.model)
    except ModelChoiceError as error:
        place = f"{written.document.path}: line {written.document.line('model')}: model"
        raise ExpectationError(f"{place}: {str(error).removeprefix('MODEL_NAME=')}") from error
    if rules.decisions:
        from adk_flow.models.decisions import decided

        return decided(app, Path(written.document.path).parent / rules.decisions)
    return app, None


def _conversation(written: Written) -> Conversation:
    hold, path = written.rules.hold, Path(written.document.path)
    if not hold:
        raise ExpectationError(
            f"{path}: line 1: hold: is missing; expected what to ask the app: a conversation file, "
            "or questions"
        )
    return read_conversation(path.parent / hold) if isinstance(hold, str) else of_questions(hold)
