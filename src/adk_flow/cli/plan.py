"""`adk-flow plan`: a conversation with a plan, to fill in or as a log tells it."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from adk_flow.cli.loading import import_app
from adk_flow.cli.options import AppPath, Questions
from adk_flow.cli.output import app_output_on_stderr, report_errors
from adk_flow.errors import AdkFlowError
from adk_flow.scenario.conversation import write_conversation

RunTools = Annotated[bool, typer.Option(help="Have tools run; else the plan says what they give.")]


def plan_conversation(
    app: AppPath, question: Questions = None, run_tools: RunTools = False
) -> None:
    """Prints a conversation with a plan, which needs no model (docs/conversations.md)."""
    with report_errors(), app_output_on_stderr():
        if not question:
            raise AdkFlowError("give --question TEXT")
        loaded = import_app(app)
        from adk_flow.models.planned.draft import draft_conversation

        drafted = asyncio.run(draft_conversation(loaded, question, run_tools=run_tools))
    print("# A plan to fill in (docs/conversations.md). Leave out tasks that nobody needs.")
    print(write_conversation(drafted), end="")
