"""What a callback or plugin added to a model's words, such as a notice."""

from __future__ import annotations

from collections.abc import Iterator

from adk_flow.analysis.trace import Turn


def added_lines(turn: Turn) -> Iterator[str]:
    """Gives the lines that the user reads of an agent and none of its model's answers holds."""
    said: dict[int, set[str]] = {}
    for call in turn.asked_models:
        lines = said.setdefault(call.activation, set())
        for response in call.responses:
            lines.update(response.text.splitlines())
    for message in turn.messages:
        if message.activation in said:
            lines = said[message.activation]
            yield from (line for line in message.text.splitlines() if line and line not in lines)
