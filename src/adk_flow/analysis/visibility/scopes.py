"""What was asked in each call of an agent, and what was said outside it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from adk_flow.analysis.moves import Move
from adk_flow.analysis.trace import Activation, ToolCall
from adk_flow.analysis.visibility.matching import Found, key_of


class Scopes:
    """Follows calls of agents, activation by activation."""

    def __init__(self) -> None:
        self._requests: dict[ToolCall, dict[str, str]] = {}
        """Who asked what, by call; a task agent's lasts over several turns."""
        self._members: defaultdict[ToolCall | None, set[str]] = defaultdict(set)
        self._addressed: set[tuple[ToolCall | None, str]] = set()
        """The user's words to a task agent that holds the turn, by its call."""

    def begin(self, activation: Activation, moves: Sequence[Move]) -> None:
        """Notes what an activation was called with."""
        scope = activation.scope
        if scope is not None and scope.kind == "node_tool":
            self._requests[scope] = {key_of(scope.text): scope.agent}
        for move in moves:
            if move.kind == "ask" and scope is not None:
                self._requests[scope] = {key_of(move.text): move.source}
            elif move.kind == "say":
                self._addressed.add((scope, key_of(move.text)))
        self._members[scope].add(activation.agent)

    def asked(self, activation: Activation | None) -> Mapping[str, str]:
        """Gives who asked an agent what, by the key of the words."""
        scope = activation.scope if activation else None
        return self._requests.get(scope, {}) if scope else {}

    def is_beyond(self, found: Found, activation: Activation | None) -> bool:
        """Whether a called agent is shown what was said outside its call."""
        scope = activation.scope if activation else None
        is_inside = found.source in self._members[scope] or (scope, found.key) in self._addressed
        return bool(scope) and found.kind in ("words", "tool") and not is_inside
