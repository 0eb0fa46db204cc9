"""How soon a hook's record is on the page of `adk-flow watch`, and what the page costs.

A lead calls a specialist through AgentTool, which calls a function, with a real model's latency; 1
and then 100 such sessions at once are recorded in this process, the page is served by another, and
Chromium shows one of them. A latency is the time from the record of the function's call to its
shape in the document, by the machine's clock. Processor time is the server's while nobody writes.

    python benchmarks/watch.py [--turns 20] [--sessions 1 100] [--seconds 10]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from google.adk.agents import LlmAgent
from google.adk.apps import App
from google.adk.runners import InMemoryRunner
from google.adk.tools.agent_tool import AgentTool
from playwright.sync_api import Page, sync_playwright

from adk_flow import FlowPlugin
from adk_flow.analysis.latency import DEFAULT_PROFILE, PROFILES
from adk_flow.log.reader import read_log
from adk_flow.models.faulty import AlteredModel
from adk_flow.models.scripted import Scripted, call

PAUSE = 0.5
"""Seconds that the function takes, and in which its call is to be seen."""
TURN = 2.4
"""Seconds that a turn takes, about."""
SEEN = """
window.seen = {};
new MutationObserver(() => {
  for (const shape of document.querySelectorAll(".sequence a[aria-label='Rates: rate']"))
    window.seen[shape.dataset.record] ??= Date.now();
}).observe(document, {subtree: true, childList: true});
"""


async def rate() -> str:
    """Gives the rate."""
    await asyncio.sleep(PAUSE)
    return "5"


def new_runner(folder: Path, turns: int) -> InMemoryRunner:
    """Makes a lead that calls a specialist in each turn."""
    answers = [call("Rates", request="How dear?"), "5%"] * turns
    script = Scripted(script={"Lead": answers, "Rates": [call("rate"), "5"] * turns})
    model = AlteredModel(model="delayed", inner=script, profile=PROFILES[DEFAULT_PROFILE])
    rates = LlmAgent(name="Rates", model=model, description="Rates.", tools=[rate])
    root = LlmAgent(name="Lead", model=model, tools=[AgentTool(rates)])
    plugin = FlowPlugin(directory=folder)
    return InMemoryRunner(app=App(name="watched", root_agent=root, plugins=[plugin]))


async def converse(folder: Path, turns: int, sessions: int) -> None:
    """Holds conversations at once, each turn after the other."""

    async def one(number: int) -> None:
        await asyncio.sleep(number * TURN / sessions)  # no two begin at once
        runner = new_runner(folder, turns)
        asked = ["How dear is it?"] * turns
        await runner.run_debug(asked, session_id=str(number), quiet=True)
        await runner.close()

    await asyncio.gather(*map(one, range(sessions)))


@contextmanager
def watching(folder: Path) -> Iterator[tuple[str, int]]:
    """Serves the page of a folder; gives its address and the server's process id."""
    command = [sys.executable, "-m", "adk_flow", "watch", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            found = re.search(r"http\S+", process.stdout.readline() if process.stdout else "")
            assert found
            yield found[0], process.pid
        finally:
            process.terminate()


def latencies(page: Page, folder: Path, turns: int, sessions: int) -> list[float]:
    """Measures milliseconds from hook to page, of the session that the page stays with."""
    with ThreadPoolExecutor(1) as thread:
        talk = thread.submit(asyncio.run, converse(folder, turns, sessions))
        page.wait_for_selector(".turn")
        page.keyboard.press("ArrowRight")  # from now on it stays with this session
        page.keyboard.press("Escape")
        while not talk.done():
            page.wait_for_timeout(200)
        talk.result()
        page.wait_for_timeout(1000)
    seen: dict[str, int] = page.evaluate("window.seen")
    path = page.locator(".path").first.text_content() or ""
    records = enumerate(read_log(path).records)
    called = [(str(i), r.time) for i, r in records if r.hook == "before_tool" and r.tool == "rate"]
    missing = [index for index, _ in called if index not in seen]
    assert not missing, f"{len(missing)} of {len(called)} calls never came"
    return [seen[index] - time / 1000 for index, time in called]


def processor_share(process: int, seconds: float) -> float:
    """Measures what part of one processor a process takes."""

    def used() -> float:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    before = used()
    time.sleep(seconds)
    return (used() - before) / seconds


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--turns", type=int, default=20)
    options.add_argument("--sessions", type=int, nargs="+", default=[1, 100])
    options.add_argument("--seconds", type=float, default=10)
    asked = options.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as name:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for sessions in asked.sessions:
            folder = Path(name) / str(sessions)
            folder.mkdir(mode=0o700)
            with watching(folder) as (address, process):
                report(browser, folder, address, process, sessions, asked)
        browser.close()


def report(
    browser: Any, folder: Path, address: str, process: int, sessions: int, asked: Any
) -> None:
    """Prints the figures of one folder."""
    page = browser.new_page()
    page.add_init_script(SEEN)
    page.goto(address)
    took = sorted(latencies(page, folder, asked.turns, sessions))
    p95 = took[min(len(took) - 1, round(0.95 * len(took)))]
    print(
        f"{sessions} sessions at once, {len(took)} calls: median {statistics.median(took):.0f} ms, "
        f"p95 {p95:.0f} ms, longest {took[-1]:.0f} ms"
    )
    time.sleep(10)  # after which it looks less often
    idle = processor_share(process, asked.seconds)
    page.close()
    time.sleep(1)
    nobody = processor_share(process, asked.seconds)
    print(
        f"  server when nothing is written: page open {idle:.1%}, no page {nobody:.1%} of one core"
    )


if __name__ == "__main__":
    main()
