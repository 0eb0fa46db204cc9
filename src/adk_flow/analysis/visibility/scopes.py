"""In the course of which call each frame runs, and what was asked of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from adk_flow.analysis.moves import Move
from adk_flow.analysis.visibility.matching import Found, key_of
from adk_flow.log.schema import AGENT_CALLS, Record


class Scopes:
    """Follows calls of agents, frame by frame."""

    def __init__(self) -> None:
        self._scopes: dict[int, str] = {}
        """The call in whose course a frame runs."""
        self._requests: dict[str, dict[str, str]] = {}
        """Who asked what, by call; a task agent's lasts over several turns."""
        self._asks: dict[int, dict[str, str]] = {}
        """The same by frame."""
        self._members: defaultdict[str, set[str]] = defaultdict(set)
        self._addressed: set[tuple[str, str]] = set()
        """The user's words to a task agent that holds the turn, by its call."""

    def begin(self, record: Record, moves: Sequence[Move]) -> None:
        """Notes what a frame was called with; after a transfer, what the frame before was."""
        activation, is_called = record.activation, record.cause in AGENT_CALLS
        scope = record.call if is_called else self._scopes.get(record.parent, "")
        for move in moves:
            if move.kind == "ask":
                self._requests[record.call] = {key_of(move.text): move.source}
            elif move.kind == "say":
                self._addressed.add((scope, key_of(move.text)))
        if record.cause != "resume":
            asks = self._requests.get(scope) if is_called else self._asks.get(record.parent)
            self._scopes[activation], self._asks[activation] = scope, asks or {}
            self._members[scope].add(record.agent)

    def asked(self, activation: int) -> Mapping[str, str]:
        """Gives who asked a frame's agent what, by the key of the words."""
        return self._asks.get(activation, {})

    def is_beyond(self, found: Found, activation: int) -> bool:
        """Whether a called agent is shown what was said outside its call."""
        scope = self._scopes.get(activation, "")
        is_inside = found.source in self._members[scope] or (scope, found.key) in self._addressed
        return bool(scope) and found.kind in ("words", "tool") and not is_inside
