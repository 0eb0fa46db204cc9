"""What recording costs: FlowPlugin beside no plugin, ADK's LoggingPlugin and OpenInference.

All four take turns in one process over a model that answers at once, so that nothing but the
framework and the recorder is measured. Each round is one session a peer. Prints the median of
each peer's rounds, the median of the ratios round by round to the bare app, and what that makes a
hook; the first turn of a session, in which FlowPlugin creates its file, stands apart.

    python benchmarks/recorder.py [--rounds 40] [--turns 10]

OpenInference is left out, with a line that says so, unless
`openinference-instrumentation-google-adk` is installed (`pip install adk-flow[benchmark]`).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import importlib
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from google.adk.agents import LlmAgent
from google.adk.apps import App
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
from adk_flow.models.scripted import call, transfer
from adk_flow.record.plugin import FlowPlugin

AIM_HOOK_MICROSECONDS = 15
AIM_TURN_PERCENT = 3


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


async def _time_turns(peer: Peer, root: Callable[[], LlmAgent], turns: int) -> list[float]:
    """Times the turns of one session, in seconds; the first opens the session's log."""
    app = App(name="app", root_agent=root(), plugins=peer.plugins())
    runner = Runner(app=app, session_service=InMemorySessionService())
    session = await runner.session_service.create_session(app_name="app", user_id="u")
    times = []
    for _ in range(turns):
        began = time.perf_counter()
        async for _ in runner.run_async(
            user_id="u", session_id=session.id, new_message=types.UserContent("How much is it?")
        ):
            pass
        times.append(time.perf_counter() - began)
    await runner.close()
    return times


def _hooks_of(root: Callable[[], LlmAgent]) -> int:
    """Counts the hooks that one turn fires."""
    with tempfile.TemporaryDirectory() as folder:
        plugin = FlowPlugin(directory=folder)
        peer = Peer("count", lambda: [plugin])
        asyncio.run(_time_turns(peer, root, 1))
        return len(read_log(plugin.paths[0]).records)


def _measure(root: Callable[[], LlmAgent], rounds: int, turns: int, folder: str) -> None:
    peers = _peers(folder)
    first: dict[str, list[float]] = {peer.name: [] for peer in peers}
    later: dict[str, list[float]] = {peer.name: [] for peer in peers}
    for number in range(rounds + 1):
        # Turn about, so that no peer always runs first or on the warmest machine.
        for peer in peers[number % len(peers) :] + peers[: number % len(peers)]:
            gc.collect()
            with peer.around():
                times = asyncio.run(_time_turns(peer, root, turns + 1))
            if number:  # the first round warms up
                first[peer.name].append(times[0])
                later[peer.name].append(statistics.median(times[1:]))
    hooks = _hooks_of(root)
    _report("a turn", later, hooks)
    _report("the first turn of a session", first, hooks)


def _report(what: str, medians: dict[str, list[float]], hooks: int) -> None:
    bare = medians["no plugin"]
    print(f"  {what}")
    for name, own in medians.items():
        ratio = statistics.median(a / b for a, b in zip(own, bare, strict=True))
        extra = statistics.median(a - b for a, b in zip(own, bare, strict=True))
        line = f"    {name:<20} {statistics.median(own) * 1e3:7.3f} ms"
        if own is not bare:
            line += f" {(ratio - 1) * 100:+7.1f} % {extra * 1e6 / hooks:7.1f} us a hook"
        print(line)


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description="What recording costs.")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--turns", type=int, default=10, help="turns a round")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    print(f"Aim: under {AIM_HOOK_MICROSECONDS} us a hook, under {AIM_TURN_PERCENT} % of a turn.")
    with tempfile.TemporaryDirectory() as folder:
        for name, root in TURNS.items():
            print(f"{name} ({_hooks_of(root)} hooks)")
            _measure(root, options.rounds, options.turns, folder)


if __name__ == "__main__":
    main()
