"""A plan taken out of a log, played under the log's own wiring and compared with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from google.adk.apps import App

from adk_flow.analysis.trace import Trace
from adk_flow.check.diff import TurnDifference, diff_flows
from adk_flow.check.flow import Flow, read_flow
from adk_flow.check.snapshot import AlignedLine
from adk_flow.run.conversation_run import run_conversation
from adk_flow.scenario.conversation import Conversation

_OF_THE_MODEL = ("input_tokens", "cached_tokens", "output_tokens")
"""Figures that another model gives otherwise."""


async def replay_differences(app: App, trace: Trace, conversation: Conversation) -> list[str]:
    """Plays the plan of a log and lists what differs: calls, agents and what was said, by turn.

    Args:
      app: the app that the log is of.
      trace: the log as it was read.
      conversation: its turns, with their plans.
    """
    with TemporaryDirectory() as folder:
        file = Path(folder) / "replay.jsonl"
        await run_conversation(app, conversation, file=file)
        difference = diff_flows(Flow(trace), read_flow(file))
    return [line for turn in difference.turns for line in _lines(turn)]


def _lines(turn: TurnDifference) -> Iterator[str]:
    for rows in (turn.control, turn.conversation):
        recorded, played = Counter(row.left for row in rows), Counter(row.right for row in rows)
        if not (recorded == played and _is_concurrent(turn)):
            yield from (f"turn {turn.turn}: {words}" for words in _rows(rows))
    for change in turn.figures:
        if change.field not in _OF_THE_MODEL:
            yield f"turn {turn.turn}: {change.field}: {change.before}, played {change.after}"


def _is_concurrent(turn: TurnDifference) -> bool:
    """Whether anything ran at once, so that the machine's speed decided an order."""
    return any(" -< " in row.left for row in turn.control) or not turn.control


def _rows(rows: list[AlignedLine]) -> Iterator[str]:
    for row in rows:
        if not row.same:
            yield f"recorded: {row.left or 'nothing'}; played: {row.right or 'nothing'}"
