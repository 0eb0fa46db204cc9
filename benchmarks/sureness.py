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
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ["MODEL_NAME"] = "offline"
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from google.adk.apps import App
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.runners import InMemoryRunner
from google.genai import types

from adk_flow.wiring import wire
from root_agent.agent import root_agent
from sub_agents.investment import investment_agent
from sub_agents.mortgage import mortgage_agent
from sub_agents.pension import pension_agent
from tests.models.offline.hand import TALKS, Asked

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
    runner.auto_create_session = True
    found = []
    for asked in talk:
        worked.summaries.clear()
        message, answer = types.UserContent(asked.say), ""
        async for event in runner.run_async(user_id="u", session_id="s", new_message=message):
            texts = [part.text for part in (event.content and event.content.parts) or []]
            answer = "".join(filter(None, texts)) or answer
        found.append(_outcome(asked, answer, worked.summaries))
    return found


def _outcome(asked: Asked, answer: str, summaries: Sequence[str]) -> str:
    if summaries:
        is_right = asked.figure and any(
            asked.figure in summary and summary in answer for summary in summaries
        )
        return "right" if is_right else "wrong"
    return "asked" if "?" in answer or answer.startswith("Refused") else "looked up"


def table(turns: Sequence[tuple[Asked, str]]) -> str:
    """Writes the outcomes as a table, those of turns that state every input first."""
    whole = [(asked, outcome) for asked, outcome in turns if asked.is_whole and asked.figure]
    rows = [("state every input in figures", whole)]
    rows.append(("others", [turn for turn in turns if turn not in whole]))
    lines = [f"| turns that | {' | '.join(OUTCOMES)} |", "|---|" + "--:|" * len(OUTCOMES)]
    for name, chosen in rows:
        counted = Counter(outcome for _, outcome in chosen)
        lines.append(f"| {name} | {' | '.join(str(counted[one]) for one in OUTCOMES)} |")
    return "\n".join(lines)


async def main() -> None:
    turns = [
        turn for talk in TALKS for turn in zip(talk, await outcomes("mixed", talk), strict=True)
    ]
    for asked, outcome in turns:
        print(f"{outcome:10} {asked.figure:12} {asked.say}")
    print(f"\n{table(turns)}")


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    asyncio.run(main())
