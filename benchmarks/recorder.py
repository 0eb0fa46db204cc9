"""What recording costs: FlowPlugin beside no plugin, ADK's LoggingPlugin and OpenInference.

They take turns in one process, turn by turn, over a model that answers at once, so that nothing
but the framework and the recorder is measured, and a busy machine slows all of them alike. ADK's
import that fails is spared, as every app that lists the plugin has it. Times are of the processor.
`one line a hook` reads nothing and writes the same line each time: the least that a log takes.
Prints the median of each peer's turns, the median of the ratios turn by turn to the bare app, and
what that makes a hook; the first turn of a session, in which FlowPlugin creates its file, stands
apart. `--long` measures turns 10, 100 and 1000 of one session instead: what the recorder takes,
what of that it takes to scan the history that ADK hands over, and what the same line takes in its
place, which grows only with what ADK's walk through the session leaves of the processor's caches.

    python benchmarks/recorder.py [--rounds 25] [--turns 10] [--long]

OpenInference is left out, with a line that says so, unless
`openinference-instrumentation-google-adk` is installed (extra `benchmark`).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import importlib
import logging
import os
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import chain
from pathlib import Path
from typing import Any

from google.adk.agents import LlmAgent
from google.adk.apps import App
from google.adk.events.event import Event
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.plugins.logging_plugin import LoggingPlugin
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.adk.tools.agent_tool import AgentTool
from google.genai import types
from pydantic import Field

from adk_flow.log.reader import read_log
from adk_flow.log.schema import Record
from adk_flow.log.writer import LogWriter
from adk_flow.models.scripted import call, transfer
from adk_flow.record.extract import hash_parts
from adk_flow.record.failing_import import spare_failing_import
from adk_flow.record.plugin import FlowPlugin

AIM_HOOK_MICROSECONDS = 25
AIM_TURN_PERCENT = 8

AROUND = 10
"""Turns that are taken around one of a long session."""

HOOKS = 8
"""Records of a turn in which one agent answers."""


class Instant(BaseLlm):
    """Answers at once: an agent with a function of its name's choosing calls it first."""

    model: str = "instant"
    first: dict[str, types.FunctionCall] = Field(default_factory=dict)

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        """Gives the agent's first decision, or words once it has been carried out."""
        agent = (llm_request.config.labels or {})["adk_agent_name"]
        latest = llm_request.contents[-1].parts or ()
        answered = any(part.function_response for part in latest)
        decision = None if answered else self.first.get(agent)
        part = types.Part(function_call=decision) if decision else types.Part(text="Done.")
        usage = types.GenerateContentResponseUsageMetadata(
            prompt_token_count=100, candidates_token_count=10, total_token_count=110
        )
        content = types.Content(role="model", parts=[part])
        yield LlmResponse(content=content, usage_metadata=usage)


def _agent(name: str, model: BaseLlm, **options: Any) -> LlmAgent:
    return LlmAgent(name=name, model=model, description=f"Does {name}.", **options)


def _answer() -> LlmAgent:
    return _agent("Root", Instant())


def _transfer() -> LlmAgent:
    model = Instant(first={"Root": transfer("Savings")})
    # So that the next turn begins at the root again and transfers too.
    savings = _agent("Savings", model, disallow_transfer_to_parent=True)
    return _agent("Root", model, sub_agents=[savings])


def _agent_tool() -> LlmAgent:
    model = Instant(first={"Root": call("Loans", request="How much?")})
    return _agent("Root", model, tools=[AgentTool(_agent("Loans", model))])


TURNS: dict[str, Callable[[], LlmAgent]] = {
    "one agent answers": _answer,
    "one transfer": _transfer,
    "one AgentTool call": _agent_tool,
}


@contextmanager
def _openinference() -> Iterator[None]:
    # By name, so that a type checker does not ask for what only this benchmark needs.
    peer = importlib.import_module("openinference.instrumentation.google_adk")
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(InMemorySpanExporter()))
    instrumentor = peer.GoogleADKInstrumentor()
    instrumentor.instrument(tracer_provider=provider)
    try:
        yield
    finally:
        instrumentor.uninstrument()


class Lines(BasePlugin):
    """Writes the same line at each hook, as the recorder writes its own, and reads nothing."""

    def __init__(self, folder: str) -> None:
        super().__init__(name="lines")
        self._writer = LogWriter(Path(folder) / "lines.jsonl")
        for name in [name for name in dir(self) if name.endswith("_callback")]:
            setattr(self, name, self._write)

    async def _write(self, **given: Any) -> None:
        if self._writer.holds_all(may_be_gone=False):
            self._writer.write(Record(hook="event", time=1, run=1, agent="Root", text="Done."))

    async def close(self) -> None:
        """Closes the file."""
        self._writer.close()


class Peer:
    """One way of watching a run."""

    def __init__(
        self,
        name: str,
        plugins: Callable[[], list[BasePlugin]] = list,
        around: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> None:
        self.name = name
        self.plugins = plugins
        self.around = around


def _peers(folder: str) -> list[Peer]:
    def flow() -> list[BasePlugin]:
        return [FlowPlugin(directory=folder)]

    @contextmanager
    def discarded() -> Iterator[None]:
        with Path(os.devnull).open("w") as sink, contextlib.redirect_stdout(sink):
            yield

    peers = [
        Peer("no plugin"),
        Peer("adk_flow.FlowPlugin", flow),
        Peer("one line a hook", lambda: [Lines(folder)]),
        Peer("ADK's LoggingPlugin", lambda: [LoggingPlugin()], discarded),
    ]
    try:
        with _openinference():
            pass
    except ImportError as error:
        print(f"OpenInference is left out: {error}")
    else:
        peers.append(Peer("OpenInference", around=_openinference))
    return peers


class Conversation:
    """A session of an app that one peer watches."""

    def __init__(self, peer: Peer, root: LlmAgent) -> None:
        self.peer = peer
        app = App(name="app", root_agent=root, plugins=peer.plugins())
        self.runner = Runner(app=app, session_service=InMemorySessionService())

    async def begin(self) -> None:
        """Creates the session."""
        service = self.runner.session_service
        await service.create_session(app_name="app", user_id="u", session_id="s")

    async def begin_before(self, turn: int) -> None:
        """Creates a session that comes to a turn next, after copies of its second one."""
        await self.begin()
        await self.take_turn()
        await self.take_turn()
        service: Any = self.runner.session_service
        repeat_turn(service.sessions["app"]["u"]["s"].events, turn - 4)
        await self.take_turn()

    async def take_turn(self) -> float:
        """Takes a turn; gives the seconds of processor time that it took."""
        message = types.UserContent("How much is it?")
        with self.peer.around():
            began = time.process_time()
            async for _ in self.runner.run_async(user_id="u", session_id="s", new_message=message):
                pass
            return time.process_time() - began


Times = dict[str, list[float]]
"""Of turns, by peer."""


async def _take_round(
    peers: list[Peer], root: Callable[[], LlmAgent], turns: int, number: int
) -> list[dict[str, float]]:
    """Takes turns of one session a peer, turn about, so that none is always first."""
    conversations = [Conversation(peer, root()) for peer in peers]
    for conversation in conversations:
        await conversation.begin()
    times: list[dict[str, float]] = [{} for _ in range(turns)]
    for index, turn in enumerate(times, start=number):
        for place in range(len(peers)):
            conversation = conversations[(index + place) % len(peers)]
            turn[conversation.peer.name] = await conversation.take_turn()
    for conversation in conversations:
        await conversation.runner.close()
    return times


def _hooks_of(root: Callable[[], LlmAgent]) -> int:
    """Counts the hooks that one turn fires."""
    with tempfile.TemporaryDirectory() as folder:
        plugin = FlowPlugin(directory=folder)
        asyncio.run(_take_round([Peer("count", lambda: [plugin])], root, 1, 0))
        return len(read_log(plugin.paths[0]).records)


def _measure(peers: list[Peer], root: Callable[[], LlmAgent], rounds: int, turns: int) -> None:
    first: Times = {peer.name: [] for peer in peers}
    later: Times = {peer.name: [] for peer in peers}
    for number in range(rounds + 1):
        gc.collect()
        began, _, *others = asyncio.run(_take_round(peers, root, turns + 2, number))
        for peer in first if number else ():  # the first round warms up
            first[peer].append(began[peer])
            later[peer] += [turn[peer] for turn in others]
    hooks = _hooks_of(root)
    _report("a turn", later, hooks)
    _report("the first turn of a session", first, hooks)


def _report(what: str, times: Times, hooks: int) -> None:
    bare = times["no plugin"]
    print(f"  {what}")
    for name, own in times.items():
        ratio = statistics.median(a / b for a, b in zip(own, bare, strict=True))
        extra = statistics.median(a - b for a, b in zip(own, bare, strict=True))
        line = f"    {name:<20} {statistics.median(own) * 1e3:7.3f} ms"
        if own is not bare:
            line += f" {(ratio - 1) * 100:+7.1f} % {extra * 1e6 / hooks:7.1f} us a hook"
        print(line)


class _Clock:
    """Adds up what a plugin's hooks take, and what of that the history takes."""

    took = scanned = 0.0

    def __init__(self, plugin: BasePlugin) -> None:
        """Times each hook from outside, events where they are written: they never wait."""
        for name in [name for name in dir(plugin) if name.endswith(("_callback", "_on_event"))]:
            setattr(plugin, name, self._timed(getattr(plugin, name)))

    def _timed(self, hook: Callable[..., Any]) -> Callable[..., Any]:
        async def timed(*place: Any, **given: Any) -> Any:
            if request := given.get("llm_request"):
                began = time.process_time()
                hash_parts(request.contents)
                self.scanned += time.process_time() - began
            began = time.process_time()
            try:
                return await hook(*place, **given)
            finally:
                self.took += time.process_time() - began

        return timed


def repeat_turn(events: list[Event], turns: int) -> None:
    """Makes a session of two turns one of two and as many more, of other ids."""
    latest = events[len(events) // 2 :]
    for number in range(turns):
        turn = {"invocation_id": f"e-{number}"}
        for event in latest:
            copied = event.model_copy(deep=True, update={"id": f"{event.id}-{number}", **turn})
            events.append(copied)


def _kilobytes_kept(plugin: FlowPlugin) -> float:
    """What the recorder remembers of the requests of its one session."""
    (log,) = plugin.recorder.runs.sessions._logs.values()
    requests = log.requests
    parts = [(sent.hashes, sent.ranges) for sent in requests._latest.values()]
    kept = [requests._numbers, *requests._numbers, *requests._numbers.values()]
    return sum(map(sys.getsizeof, [*kept, *chain.from_iterable(parts)])) / 1e3


async def _time_hooks(plugin: BasePlugin, turn: int) -> tuple[float, float]:
    """Takes turns of one session around one; gives medians of a `_Clock`, in milliseconds."""
    clock, conversation = _Clock(plugin), Conversation(Peer("long", lambda: [plugin]), _answer())
    await conversation.begin_before(turn + 1 - AROUND // 2)
    took, scanned = [], []
    for _ in range(AROUND):
        clock.took = clock.scanned = 0.0
        await conversation.take_turn()
        took.append(clock.took * 1e3)
        scanned.append(clock.scanned * 1e3)
    return statistics.median(took), statistics.median(scanned)


def _take_long(turn: int) -> None:
    """Prints what the recorder takes of a turn, and what one line a hook takes of the same."""
    with tempfile.TemporaryDirectory() as folder:
        plugin, lines = FlowPlugin(directory=folder), Lines(folder)
        took, scanned = asyncio.run(_time_hooks(plugin, turn))
        least, _ = asyncio.run(_time_hooks(lines, turn))
        grown = sum(map(len, plugin.paths[0].read_bytes().splitlines(True)[-AROUND * HOOKS :]))
        kept = _kilobytes_kept(plugin)
        asyncio.run(plugin.close())
        asyncio.run(lines.close())
    print(
        f"  turn {turn:>4}: {took:6.3f} ms, {scanned:6.3f} ms of it to scan the history; "
        f"beyond that {took - scanned:6.3f}, where lines alone take {least:6.3f}; "
        f"{grown / AROUND:,.0f} bytes; {kept:.0f} kB kept in memory"
    )


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description="What recording costs.")
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--turns", type=int, default=10, help="turns a round")
    parser.add_argument("--long", action="store_true", help="a session of 1,000 turns")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    spare_failing_import()
    if options.long:
        print("Aim: beyond the scan, turn 1000 takes at most 1.5 times turn 10.")
        for turn in (10, 100, 1000):
            _take_long(turn)
        return
    print(f"Aim: {AIM_HOOK_MICROSECONDS} us a hook, {AIM_TURN_PERCENT} % of a turn.")
    with tempfile.TemporaryDirectory() as folder:
        peers = _peers(folder)
        for name, root in TURNS.items():
            print(f"{name} ({_hooks_of(root)} hooks)")
            _measure(peers, root, options.rounds, options.turns)


if __name__ == "__main__":
    main()
