"""How sure the offline model is: the desk answers questions whose figures were worked out by hand.

    python benchmarks/sureness.py

An answer is right (its figure is the one worked out by hand), wrong (it has another), asked (a
question back or a refusal) or looked up (a passage of guidance, which is no figure).
"""

import asyncio
import logging
import os
import sys
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ["MODEL_NAME"] = "offline"
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from google.adk.apps import App
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.runners import InMemoryRunner

from adk_flow.wiring import wire
from root_agent.agent import root_agent
from sub_agents.investment import investment_agent
from sub_agents.mortgage import mortgage_agent
from sub_agents.pension import pension_agent
from tests.models.offline.hand import Asked, read_talks

OUTCOMES = ("right", "asked", "looked up", "wrong")


class Worked(BasePlugin):
    """Notes which tools have worked out a figure."""

    def __init__(self) -> None:
        super().__init__(name="worked")
        self.summaries: list[str] = []

    async def after_tool_callback(self, *, tool: Any, result: Any, **_: Any) -> None:
        """Notes what a tool returned, if it is neither an agent nor a look-up."""
        if isinstance(result, dict) and "passages" not in result:
            self.summaries += [result["summary"]] if "summary" in result else []


async def outcomes(construct: str, talk: Sequence[Asked]) -> list[str]:
    """Holds one conversation with the desk and tells what became of each turn."""
    root = wire(root_agent, [mortgage_agent, investment_agent, pension_agent], construct)
    worked = Worked()
    runner = InMemoryRunner(app=App(name="sureness", root_agent=root, plugins=[worked]))
    became = []
    for asked in talk:
        worked.summaries.clear()
        events = await runner.run_debug(asked.say, quiet=True)
        contents = [event.content for event in events if event.content]
        texts = ("".join(part.text or "" for part in content.parts or ()) for content in contents)
        answer = [text for text in texts if text][-1:]
        became.append(_outcome(asked, "".join(answer), worked.summaries))
    return became


def _outcome(asked: Asked, answer: str, summaries: Sequence[str]) -> str:
    if summaries:
        is_right = asked.figure and any(
            asked.figure in summary and summary in answer for summary in summaries
        )
        return "right" if is_right else "wrong"
    return "asked" if "?" in answer or answer.startswith("Refused") else "looked up"


async def all_outcomes(construct: str) -> dict[str, list[tuple[Asked, str]]]:
    """Holds every conversation of each set."""
    sets: dict[str, list[tuple[Asked, str]]] = {}
    for name, talks in read_talks().items():
        became = [(talk, await outcomes(construct, talk)) for talk in talks]
        sets[name] = [turn for pair in became for turn in zip(*pair, strict=True)]
    return sets


def table(sets: Mapping[str, Sequence[tuple[Asked, str]]]) -> str:
    """Writes the outcomes as a table, of each set those that state every input, then the others."""
    lines = [f"| turns | of them | {' | '.join(OUTCOMES)} |", "|---|---|" + "--:|" * len(OUTCOMES)]
    for name, turns in sets.items():
        whole = [turn for turn in turns if turn[0].is_whole]
        others = [turn for turn in turns if not turn[0].is_whole]
        for kind, chosen in (("state every input in figures", whole), ("others", others)):
            counted = Counter(outcome for _, outcome in chosen)
            cells = " | ".join(str(counted[one]) for one in OUTCOMES)
            lines += [f"| {name} | {kind} | {cells} |"] if chosen else []
    return "\n".join(lines)


async def main() -> None:
    sets = await all_outcomes("mixed")
    for asked, outcome in (turn for turns in sets.values() for turn in turns):
        print(f"{outcome:10} {asked.figure:12} {asked.say}")
    print(f"\n{table(sets)}")


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    asyncio.run(main())
