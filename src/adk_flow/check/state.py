"""What a session's state holds after a flow, and what agents' instructions were filled with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from adk_flow.analysis.trace import Trace, Turn
from adk_flow.check.snapshot import ANY

_GAP = re.compile(r"(\{\w[\w:]*\??\}|" + re.escape(ANY) + ")")
"""A state key as an instruction names it, or any words."""


def state_after(trace: Trace, last: int) -> dict[str, Any]:
    """Gives a session's state at the end of a turn by number, without keys of one turn only.

    Raises:
      ValueError: the log does not hold all values.
    """
    state: dict[str, Any] = {}
    turns = [turn for turn in trace.turns if turn.number <= last]
    own = {run.number for turn in turns for run in turn.runs if run.parent is None}
    for record in trace.log.records:
        keys = [key for key in record.state if not key.startswith("temp:")]
        if record.run not in own or not (keys or record.values):
            continue
        try:
            values = msgspec.json.decode(record.values, type=dict[str, Any])
        except (msgspec.DecodeError, RecursionError) as error:
            raise ValueError("the log does not hold all values of state") from error
        state |= values
    return state


def instructions_of(trace: Trace, turns: list[Turn], agent: str) -> Iterator[str]:
    """Gives the system instructions that an agent's model was sent, each once."""
    calls = (call for turn in turns for call in turn.model_calls if call.agent == agent)
    numbers = dict.fromkeys(call.request.system for call in calls if call.request)
    yield from (trace.log.texts.get(number, "") for number in numbers)


def is_filled(template: str, instruction: str) -> bool:
    """Whether an instruction holds a template, each `{key}` of it filled with words."""
    parts = _GAP.split(template.strip())
    following = [*parts[1:], ""]
    pattern = "".join(
        _gap(part, after) if place % 2 else _literal(part)
        for place, (part, after) in enumerate(zip(parts, following, strict=True))
    )
    return re.search(pattern, instruction, re.DOTALL) is not None


def _gap(gap: str, after: str) -> str:
    """Writes a pattern of words; not of none, so that what follows would be taken for them."""
    if gap == ANY:
        return ".*?"
    follows = _literal(after.strip())
    return rf"(?!\s*{follows}).*?\w.*?" if follows else r"[^\n.,;:!?]*?\w"


def _literal(text: str) -> str:
    spaces = re.split(r"(\s+)", text)
    return "".join(
        (r"\s+" if "\n" in part else r"[^\S\n]+") if place % 2 else re.escape(part)
        for place, part in enumerate(spaces)
    )


def nearest_line(template: str, instruction: str) -> str:
    """Finds the line of an instruction that begins as a template does; else its first."""
    start = _GAP.split(template.strip())[0].strip()
    lines = [line.strip() for line in instruction.splitlines() if line.strip()]
    return next((line for line in lines if start and start in line), lines[0] if lines else "")
