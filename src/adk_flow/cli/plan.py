"""`adk-flow plan`: a conversation with a plan, to fill in or taken out of a log."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Literal

import typer

from adk_flow.analysis.trace_reader import trace_log
from adk_flow.cli.loading import import_app
from adk_flow.cli.options import FORMAT, AppPath, Questions
from adk_flow.cli.output import app_output_on_stderr, print_json, print_note
from adk_flow.cli.paths import load_story
from adk_flow.errors import AdkFlowError
from adk_flow.log.reader import Log
from adk_flow.render.terminal import plain_console
from adk_flow.scenario.conversation import Conversation, write_conversation

RunTools = Annotated[bool, typer.Option(help="Run tools; else the plan says what they return.")]
FromLog = Annotated[
    list[Path] | None,
    typer.Option("--from", metavar="LOG", help="Flow log to take the plan out of; repeatable."),
]


def plan_conversation(
    app: AppPath,
    question: Questions = None,
    log: FromLog = None,
    run_tools: RunTools = False,
    form: Annotated[Literal["yaml", "json"], FORMAT] = "yaml",
) -> None:
    """Prints a conversation with a plan, which says who does what: to fill in, or out of a log.

    A plan out of a log is played once to check it; where that differs from the log, stderr says.
    """
    with app_output_on_stderr():
        if bool(question) == bool(log):
            raise AdkFlowError("give --question TEXT, or --from LOG and no question")
        if log:
            conversation = asyncio.run(_taken(app, load_story(log), run_tools))
        else:
            loaded = import_app(app)
            from adk_flow.models.planned.draft import draft_conversation

            draft = draft_conversation(loaded, question or [], run_tools=run_tools)
            conversation = asyncio.run(draft)
    if form == "json":
        print_json("plan", {"conversation": conversation})
        return
    if question:
        print("# A plan to fill in (docs/conversations.md). Leave out tasks that nobody needs.")
    print(write_conversation(conversation, plain_console().width), end="")


async def _taken(app: Path, log: Log, run_tools: bool) -> Conversation:
    loaded = import_app(app, "offline")
    from adk_flow.check.replay import replay_differences
    from adk_flow.inspect.agent_graph import agents_of
    from adk_flow.models.planned.from_log import plan_of

    trace = trace_log(log)
    known = {node.name for node in agents_of(loaded.root_agent)} if loaded.root_agent else set()
    asked = [activation.agent for activation in trace.activations.values()]
    if asked and not known.intersection(asked):
        raise AdkFlowError(
            f"{log.path}: is of an app with other agents ({', '.join(dict.fromkeys(asked))}); "
            f"expected a log of {app}"
        )
    replayed, planned = plan_of(trace), plan_of(trace, run_tools=run_tools)
    differences = await replay_differences(loaded, trace, replayed.conversation)
    for note in planned.notes:
        print_note(note)
    for difference in differences:
        print_note(f"played under the app's own wiring, {difference}")
    return planned.conversation
