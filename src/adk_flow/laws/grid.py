"""Points of a grid, each an app made by code and a conversation with it, run as a plan says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from google.adk.agents.llm_agent import LlmAgent
from google.adk.apps import App
from google.adk.tools.function_tool import FunctionTool

from adk_flow.analysis.critical_path import schedule_turn
from adk_flow.analysis.latency import DEFAULT_PROFILE, profile_named
from adk_flow.analysis.prefixes import shared_prefixes
from adk_flow.analysis.trace import Trace
from adk_flow.analysis.trace_reader import read_trace
from adk_flow.comparison.variants import make_variants
from adk_flow.run.conversation_run import run_conversation
from adk_flow.scenario.conversation import AskedTurn, Conversation
from adk_flow.scenario.plan import PlannedCall, Task
from adk_flow.wiring import CONSTRUCTS

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Point(NamedTuple):
    """A place on the grid."""

    topics: int
    """Specialists whom the first message is for."""
    follow_ups: int
    """Later messages, each for the specialist asked last."""
    specialists: int
    tools: int
    """Of each specialist; whoever is asked calls them all, at once."""
    words: int
    """Of history: in the first message, beside what a specialist has to know."""


class Figures(NamedTuple):
    """What a conversation takes under a construct."""

    calls: int
    input_tokens: int
    output_tokens: int
    path_calls: int
    """Model calls on the critical path."""
    path_tokens: int
    """Tokens generated on it."""
    shared_bytes: int
    """Of the requests, the beginnings that an earlier request has too."""
    sent_bytes: int

    @property
    def tokens(self) -> int:
        """Tokens in both directions."""
        return self.input_tokens + self.output_tokens


class LawRow(NamedTuple):
    """A point and what it takes under a construct."""

    construct: str
    point: Point
    figures: Figures


def make_app(specialists: int, tools: int) -> App:
    """Makes an app of a lead and specialists that differ in a letter of their names."""
    team = [
        LlmAgent(
            name=f"agent_{name}",
            description="Knows all about one matter.",
            instruction="You look after one matter. Work out each figure with your tools.",
            tools=[_tool(f"tool_{name}_{letter}") for letter in _LETTERS[:tools]],
        )
        for name in _LETTERS[:specialists]
    ]
    lead = LlmAgent(
        name="lead",
        description="Faces the user.",
        model=DEFAULT_PROFILE,
        instruction="You face the user. See that each question gets to whoever knows the matter.",
        sub_agents=[*team],
    )
    return App(name="grid", root_agent=lead)


def _tool(name: str) -> FunctionTool:
    def work_out(amount: int) -> str:
        """Works out one figure of the matter."""
        return "the figure is five"

    work_out.__name__ = name
    return FunctionTool(work_out)


def make_conversation(point: Point) -> Conversation:
    """Makes what is asked at a point."""
    names = _LETTERS[: point.topics]
    words = "word " * point.words
    first = AskedTurn(say=f"{words}What of these?", plan=[_task(name, point) for name in names])
    later = AskedTurn(say="And now what of it?", plan=[_task(names[-1], point)])
    return Conversation([first, *[later] * point.follow_ups])


def _task(name: str, point: Point) -> Task:
    tools = [f"tool_{name}_{letter}" for letter in _LETTERS[: point.tools]]
    calls = [PlannedCall(tool, args={"amount": 1}) for tool in tools]
    return Task(
        f"agent_{name}",
        ask=f"What of {name}?",
        tools=calls,
        says=f"So much for {name}.",
        consults={f"How about {name}?": "Take the first."},
    )


def measure_turns(trace: Trace) -> Iterator[Figures]:
    """Measures a conversation up to each of its turns."""
    pace, total = profile_named(DEFAULT_PROFILE), Figures(0, 0, 0, 0, 0, 0, 0)
    calls = [call for turn in trace.turns for call in turn.asked_models]
    prefixes = dict(zip(map(id, calls), shared_prefixes(calls, trace.log.texts), strict=True))
    for turn in trace.turns:
        schedule = schedule_turn(turn, pace, tool_time=lambda _: 0)
        path = [schedule.spans[number] for number in schedule.critical_spans]
        models = [span for span in path if span.kind == "model"]
        used = [call.usage for call in turn.asked_models if call.usage]
        prefixed = [prefixes[id(call)] for call in turn.asked_models]
        figures = (
            len(turn.asked_models),
            sum(usage.input for usage in used),
            sum(usage.generated for usage in used),
            len(models),
            sum(span.output_tokens or 0 for span in models),
            sum(prefix.shared for prefix in prefixed),
            sum(prefix.size for prefix in prefixed),
        )
        total = Figures(*map(sum, zip(total, figures, strict=True)))
        yield total


def run_point(point: Point, constructs: Iterable[str] = CONSTRUCTS) -> list[LawRow]:
    """Runs a point under each construct, which gives those with fewer follow-ups, too."""
    app, talk = make_app(point.specialists, point.tools), make_conversation(point)
    return [
        LawRow(name, point._replace(follow_ups=follow_ups), figures)
        for name, wired in make_variants(app, [*constructs]).apps.items()
        for follow_ups, figures in enumerate(asyncio.run(run_talk(wired, talk, name)))
    ]


async def run_talk(app: App, talk: Conversation, construct: str) -> list[Figures]:
    """Measures a conversation up to each turn; gives nothing if somebody was left out."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "log.jsonl"
        run = await run_conversation(app, talk, file=file, construct=construct)
        return [] if any(run.failed_checks) else [*measure_turns(read_trace(file))]
