"""Commands as tools over the Model Context Protocol, each run in a process of its own."""

from __future__ import annotations

import json
import re
import sys
from asyncio import StreamReader, create_subprocess_exec, gather
from asyncio.subprocess import DEVNULL, PIPE
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool

from adk_flow._text import join_names, one_line

_GUIDE = """Measures Google ADK apps: which agent has control, who says what to whom, what it costs.
To choose how one agent should use another, `inspect` the app, `compare` constructs on questions or
conversations, and keep what was chosen with `check`. With the model `offline` no run needs a key or
costs anything; runs on an app's own models need `budget` or `max_calls`."""
_PROGRESS = re.compile(r"(\d+) of (\d+) runs")
_LONGEST_LINE = 2**16

Progress = Callable[[int, int], Awaitable[None]]
"""Takes how many runs are done, and how many there are to be."""


def make_server() -> MCPServer[Any]:
    """Makes the server; each tool gives what its command prints, then a text for each note."""
    tools: list[Tool] = []
    for run in (_inspect, _plan, _compare, _check):
        name = run.__name__.strip("_")
        tools.append(tool := _Tool.from_function(run, name, structured_output=False))
        tool.parameters["additionalProperties"] = False
    return MCPServer("adk-flow", instructions=_GUIDE, log_level="WARNING", tools=tools)


class _Tool(Tool):
    """Refuses an argument that it has not: MCP's SDK passes over it."""

    async def run(
        self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False
    ) -> Any:
        if unknown := [name for name in arguments if name not in self.parameters["properties"]]:
            known = join_names(self.parameters["properties"])
            raise ToolError(one_line(f"{self.name} takes {known}, not {join_names(unknown)}", 300))
        return await super().run(arguments, context, convert_result)


async def _inspect(app: str) -> list[str]:
    """Shows an app's agents, tools and allowed transfers, and what may go wrong. No agent runs.

    app: folder or module of an ADK app.
    """
    return await _run("inspect", "--format=json", "--", app)


async def _plan(
    app: str, question: list[str] | None = None, log: list[str] | None = None
) -> list[str]:
    """Gives a conversation with a plan (YAML), for a file that `compare` takes.

    A plan makes the same decisions under every construct, without a model. Give either `question`,
    for a plan to fill in, or `log`: flow logs of the app, for the decisions in them.
    """
    words = [*_each("question", question), *_each("from", log)]
    return await _run("plan", *words, "--", app)


async def _compare(
    app: str,
    ctx: Context,
    constructs: str = "all",
    question: list[str] | None = None,
    conversation: list[str] | None = None,
    model: str = "",
    baseline: str = "",
    trials: int = 1,
    budget: float | None = None,
    max_calls: int | None = None,
    out: str = "",
) -> list[str]:
    """Holds the same conversations with an app that is wired in several ways, and measures each.

    constructs: names separated by commas, or `all`.
    question: messages of one conversation; conversation: YAML files, or folders of them.
    model: of every agent, such as `offline`; by default the app's own, unless a plan plays.
    baseline: construct to compare with; by default `as_is`, the app's own wiring.
    budget, max_calls: what live runs may cost in US dollars, how many model calls they may make.
    out: folder of `report.html` and `results.json`, which has each run, too. What is complete in it
    is kept, and the same call continues; an app that was changed since needs another folder.
    """
    limits = {"budget": budget, "max-calls": max_calls}
    options = {"model": model, "baseline": baseline, "out": out, **limits}
    result, *notes = await _run(
        *("compare", "--format=json", f"--constructs={constructs}", f"--trials={trials}"),
        *(f"--{name}={value}" for name, value in options.items() if value not in ("", None)),
        *_each("question", question),
        *_each("conversation", conversation),
        *("--", app),
        progress=ctx.report_progress,
    )
    measured = json.loads(result)
    del measured["runs"]  # a megabyte for 8 conversations under 19 constructs
    return [json.dumps(measured), *notes]


async def _check(subjects: list[str], expect: str) -> list[str]:
    """Checks a flow against a YAML file of rules.

    subjects: flow logs, or one app, which then holds the conversation that the rules name.
    """
    return await _run("check", "--format=json", f"--expect={expect}", "--", *subjects)


def _each(option: str, values: Iterable[str] | None) -> list[str]:
    return [f"--{option}={value}" for value in values or ()]


async def _run(*words: str, progress: Progress | None = None) -> list[str]:
    """Runs a command in a process of its own, so that it imports the app as it stands now."""
    command = (sys.executable, "-P", "-m", "adk_flow", *words)
    try:
        process = await create_subprocess_exec(*command, stdin=DEVNULL, stdout=PIPE, stderr=PIPE)
    except (OSError, ValueError) as error:  # arguments too long for a process, or with a NUL
        raise ToolError(f"{words[0]}: cannot be run: {error}") from error
    assert process.stdout and process.stderr
    try:
        reading = process.stdout.read(), _read_lines(process.stderr, progress)
        result, (notes, lines) = await gather(*reading)
        await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
    if not result:
        raise ToolError("\n".join(notes or lines) or f"ended with exit code {process.returncode}")
    return [result.decode(), *notes]


async def _read_lines(
    stream: StreamReader, progress: Progress | None
) -> tuple[list[str], deque[str]]:
    """Reads what a command says beside its result: its notes, and the last lines of all."""
    notes, lines, rest = list[str](), deque[str](maxlen=20), b""
    while chunk := await stream.read(_LONGEST_LINE):
        *whole, rest = (rest + chunk).split(b"\n")
        rest = rest[-_LONGEST_LINE:]
        for line in (each.decode(errors="replace") for each in whole):
            lines.append(line)
            if line.startswith("adk-flow: "):
                notes.append(line.removeprefix("adk-flow: "))
            elif progress and (runs := _PROGRESS.fullmatch(line)):
                await progress(int(runs[1]), int(runs[2]))
    return notes, lines
