"""A move of control or of conversation, and how it is written down."""

from __future__ import annotations

from typing import Literal

import msgspec

from adk_flow.log.schema import Record

ControlKind = Literal["start", "transfer", "call", "return", "fork", "join", "end"]
ConversationKind = Literal["say", "ask", "answer", "reply"]

USER = "user"
CONTROL = frozenset({"start", "transfer", "call", "return", "fork", "join", "end"})

_JSON_NAMES = {"cause": "via", "activation": "frame", "parent": "caller"}


class Move(msgspec.Struct, frozen=True, omit_defaults=True, gc=False, rename=_JSON_NAMES):
    """One move of control (which agent runs) or of conversation (who says what to whom)."""

    kind: ControlKind | ConversationKind
    source: str
    target: str
    turn: int
    """Number of the turn, from 1."""
    time: int
    """Microseconds since the epoch."""
    record: int
    """Index of the record that shows it."""
    cause: str = ""
    """Why the activation began that the move opens or closes, see `Record.cause`."""
    activation: int = 0
    """The one that begins (start, transfer, call, ask) or that ends or speaks (the others)."""
    parent: int = 0
    """The activation that calls, or hands over to, that of a call, ask or transfer."""
    call: str = ""
    """Function call id of a call, its ask, answer and return."""
    text: str = ""
    """What was said; of a failed move, the error; of a node, its try, or the route taken."""
    failed: bool = False

    @property
    def is_control(self) -> bool:
        """Whether the move is one of control."""
        return self.kind in CONTROL


class Moment(msgspec.Struct, gc=False):
    """The record that is being read, and the moves that it shows."""

    index: int
    record: Record
    moves: list[Move] = []

    def add(
        self,
        kind: ControlKind | ConversationKind,
        source: str,
        target: str,
        turn: int,
        activation: int = 0,
        cause: str = "",
        *,
        parent: int = 0,
        call: str = "",
        text: str = "",
        failed: bool = False,
        at: tuple[int, int] | None = None,
    ) -> None:
        """Writes a move down, at the present record or at another's time and index."""
        time, index = at or (self.record.time, self.index)
        move = Move(
            kind, source, target, turn, time, index, cause, activation, parent, call, text, failed
        )
        self.moves.append(move)
