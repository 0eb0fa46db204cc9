"""`adk-flow check`: whether a flow keeps the rules of a file, for CI."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adk_flow.cli.shared import newest_log, quieten_adk, told_plainly
from adk_flow.conversation import Conversation, of_questions, read_conversation
from adk_flow.expectations import Checked, ExpectationError, Written, broken_rules, named_agents
from adk_flow.expectations import read_expectations
from adk_flow.flow import Flow, read_flow
from adk_flow.problem import Problem
from adk_flow.views.checks import Told, as_github, as_json, as_junit, as_text

if TYPE_CHECKING:
    from google.adk.apps import App

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
