"""What it costs to call an agent on the event loop (AgentTool) or in a thread of its own.

An orchestrator that answers at once calls its specialist n times in one model turn; each call is
one model call of 200 ms, so that all of them side by side would take 200 ms. Each measurement is a
process of its own; wall time and memory are medians. `sync` runs under the tool threads of the
example (8) and under as many threads as calls.

    python benchmarks/wrappers.py [--rounds 3] [--calls 1 10 100 200]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, NamedTuple

os.environ["MODEL_NAME"] = "offline"  # the models below take its place
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from google.adk.agents import LlmAgent
from google.adk.agents.run_config import RunConfig, ToolThreadPoolConfig
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.runners import InMemoryRunner
from google.genai import types
from pydantic import Field

from adk_flow.models.scripted import Scripted, call
from callbacks.tool_threads import WORKERS
from examples.calculator.wrappers import Wrapper, wrapped

MODEL_SECONDS = 0.2


class Measured(NamedTuple):
    """One run."""

    wall: float
    """Seconds."""
    threads: int
    """The most at once."""
    memory: float
    """Megabytes that the run added to the process's peak."""


class Slow(BaseLlm):
    """Answers after 200 ms, and notes how many threads there are."""

    model: str = "slow"
    threads: list[int] = Field(default_factory=list)

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        """Waits, then answers."""
        await asyncio.sleep(MODEL_SECONDS)
        self.threads.append(threading.active_count())
        yield LlmResponse(content=types.ModelContent("42"))


def measure(wrapper: Wrapper, calls: int, workers: int) -> Measured:
    """Measures one fan-out."""
    slow = Slow()
    child = LlmAgent(name="Child", model=slow, description="Answers.")
    asking = [call("Child", request=f"Part {number}") for number in range(calls)]
    warm = [[call("Child", request="Warm up")], "Done."]
    model = Scripted(script={"Lead": [*warm, asking, "Done."]})
    lead = LlmAgent(name="Lead", model=model, tools=[wrapped(child, wrapper)])
    before, wall = asyncio.run(_time(lead, workers))
    return Measured(wall, max(slow.threads), (_peak() - before) / 1024)


async def _time(lead: LlmAgent, workers: int) -> tuple[float, float]:
    """Times the second turn; the first loads what is loaded once."""
    runner = InMemoryRunner(agent=lead, app_name="wrappers")
    config = RunConfig(tool_thread_pool_config=ToolThreadPoolConfig(max_workers=workers))
    before = began = 0.0
    for words in ("Warm up", "Now"):
        before, began = _peak(), time.perf_counter()
        await runner.run_debug(words, run_config=config, quiet=True)
    return before, time.perf_counter() - began


def _peak() -> float:
    """Returns the process's peak memory in kilobytes, as Linux counts it."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _measured_apart(wrapper: str, calls: int, workers: int, rounds: int) -> list[Measured]:
    """Measures in processes of their own, one after the other."""
    command = [sys.executable, __file__, "--one", wrapper, str(calls), str(workers)]
    ran = [subprocess.run(command, check=True, capture_output=True) for _ in range(rounds)]
    return [Measured(*json.loads(one.stdout.splitlines()[-1])) for one in ran]


def _report(calls: int, rounds: int) -> None:
    print(f"{calls} calls, ideally {MODEL_SECONDS:.3f} s")
    ways = {
        "async": ("async", WORKERS),
        f"sync, {WORKERS} threads": ("sync", WORKERS),
        f"sync, {calls} threads": ("sync", calls),
    }
    for name, (wrapper, workers) in ways.items():
        measured = _measured_apart(wrapper, calls, workers, rounds)
        walls, threads, memory = zip(*measured, strict=True)
        wall = statistics.median(walls)
        print(
            f"  {name:<18} {wall:7.3f} s {wall / MODEL_SECONDS:6.1f} × ideal "
            f"{max(threads):5} threads {statistics.median(memory):7.1f} MB"
        )


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description="Agents on the event loop and in threads.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--calls", type=int, nargs="+", default=[1, 10, 100, 200])
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options: Any = parser.parse_args()
    warnings.filterwarnings("ignore")
    if options.one:
        wrapper, calls, workers = options.one
        print(json.dumps(measure(wrapper, int(calls), int(workers))))
        return
    for calls in options.calls:
        _report(calls, options.rounds)


if __name__ == "__main__":
    main()
