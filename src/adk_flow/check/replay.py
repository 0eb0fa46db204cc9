"""A plan taken out of a log, played under the log's own wiring and compared with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from google.adk.apps import App

from adk_flow.analysis.trace import Trace
from adk_flow.analysis.trace_reader import read_trace
from adk_flow.check.diff import TurnDifference, diff_flows
from adk_flow.run.conversation_run import run_conversation
from adk_flow.scenario.conversation import Conversation

_OF_THE_MODEL = ("input_tokens", "cached_tokens", "output_tokens")
"""Figures that another model gives otherwise."""


async def replay_differences(app: App, trace: Trace, conversation: Conversation) -> list[str]:
    """Plays the plan of a log and lists what differs: calls, agents and what was said, by turn."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "replay.jsonl"
        await run_conversation(app, conversation, file=file)
        difference = diff_flows(trace, read_trace(file))
    return [line for turn in difference.turns for line in _lines(turn)]


def _lines(turn: TurnDifference) -> Iterator[str]:
    # Of what ran at once, the machine's speed decided an order.
    is_concurrent = any(" -< " in row.left for row in turn.control) or not turn.control
    for rows in (turn.control, turn.conversation):
        recorded, played = Counter(row.left for row in rows), Counter(row.right for row in rows)
        for row in () if is_concurrent and recorded == played else rows:
            if not row.same:
                sides = f"recorded: {row.left or 'nothing'}; played: {row.right or 'nothing'}"
                yield f"turn {turn.turn}: {sides}"
    for change in turn.figures:
        if change.field not in _OF_THE_MODEL:
            yield f"turn {turn.turn}: {change.field}: {change.before}, played {change.after}"
