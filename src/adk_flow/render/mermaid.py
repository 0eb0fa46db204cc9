"""A log's moves as a Mermaid sequence diagram.

Control is solid and red, and so are the bars of those who have it; a transfer is an open arrow, for
it does not come back. Conversation is dashed and blue, what failed crossed and amber. An
AgentTool's nested run stands in a shaded box, calls made at once side by side in a `par` block.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import groupby, takewhile

from adk_flow._data import group_by
from adk_flow._text import one_line
from adk_flow.analysis.move import USER, Move
from adk_flow.render.flow_text import FlowView
from adk_flow.render.sequence import lanes_of

_LONGEST_LABEL = 70
"""Characters of a text that an arrow bears."""

_SHADE = "rect rgba(128, 128, 128, 0.06)"
"""See-through, so that words on it stay readable on light and on dark."""
CONTROL_COLOUR = "#e34c42"
_COLOURS = (
    f".messageLine0 {{ stroke: {CONTROL_COLOUR}; }} "
    ".messageLine1 { stroke: #3f83dd; } "
    "[marker-end*=cross] { stroke: #b87309; } "
    ".activation0, .activation1, .activation2 "
    f"{{ fill: {CONTROL_COLOUR}; fill-opacity: .15; "
    f"stroke: {CONTROL_COLOUR}; stroke-width: 1.5px; }} "
    "marker path { fill: context-stroke !important; stroke: context-stroke !important; } "
    ".actor, .actor-line, .actor-man line, .actor-man circle, .loopLine, .labelBox, .note, .rect "
    "{ stroke: #7d8590 !important; } .note { fill: none !important; }"
)
"""Each with a contrast of 3 to 1 and more to GitHub's pages, light and dark, and to the shade.

Mermaid's own lifelines (11.12) have 1.5 to 1 in light, its notes in dark a text of 4.49 to 1.
"""


def sequence_diagram(moves: Iterable[Move], view: FlowView = "both") -> str:
    """Draws moves as the text of a Mermaid sequence diagram."""
    drawn = list(moves)
    names = {name: f"p{number}" for number, name in enumerate(lanes_of(drawn))}
    lines = [f'%%{{init: {{"themeCSS": "{_COLOURS}"}}}}%%', "sequenceDiagram"]
    for name, alias in names.items():
        role = "actor" if name == USER else "participant"
        lines.append(f"    {role} {alias} as {escape_mermaid(name)}")
    over = "p0" if len(names) == 1 else f"p0,p{len(names) - 1}"
    for turn, of_turn in groupby(drawn, key=lambda move: move.turn):
        in_turn = list(of_turn)
        lines.append(f"    Note over {over}: Turn {turn}")
        lines += [f"    {line}" for line in _Diagram(names, view).draw(in_turn)]
        if all(move.kind != "end" for move in in_turn):
            lines.append(f"    Note over {over}: the log stops in the middle of this turn")
    return "\n".join(lines) + "\n"


class _Diagram:
    """The lines of one turn."""

    def __init__(self, names: dict[str, str], view: FlowView) -> None:
        self._lines: list[str] = []
        self._names = names
        self._view = view
        self._active: list[str] = []
        self._boxes: list[str] = []
        self._begins = ""
        """Agent whose bar begins with the next arrow: the words that it is given."""

    def draw(self, moves: Sequence[Move]) -> list[str]:
        """Draws a turn, and closes what it left open."""
        self._draw_all(moves)
        self._begin()
        self._leave_boxes(0)
        for name in reversed(self._active[:]):
            self._deactivate(name)
        return self._lines

    def _draw_all(self, moves: Sequence[Move]) -> None:
        waiting = iter(moves)
        for move in waiting:
            if move.kind == "fork":
                self._draw_fork(list(takewhile(partial(_is_within, move), waiting)))
            else:
                self._draw_move(move)

    def _draw_fork(self, moves: Sequence[Move]) -> None:
        branches = _branches(moves)
        for number, branch in enumerate(branches):
            first = branch[0]
            agent = first.target if first.kind == "call" else first.source
            self._lines.append(f"{'and' if number else 'par'} {escape_mermaid(agent)}")
            open_boxes = len(self._boxes)
            self._draw_all(branch)
            self._leave_boxes(open_boxes)
        if branches:
            self._lines.append("end")

    def _draw_move(self, move: Move) -> None:
        if move.kind == "call" and move.cause == "agent_tool" and self._view != "conversation":
            self._boxes.append(move.call)
            self._lines.append(_SHADE)
        if move.is_control:
            self._draw_control(move)
        elif self._view != "control":
            self._arrow(move, "-->>", one_line(move.text, _LONGEST_LABEL) or "…")
        if move.kind == "return" and move.call in self._boxes:
            self._leave_boxes(len(self._boxes) - 1)

    def _draw_control(self, move: Move) -> None:
        if self._view == "conversation" or move.kind == "join":
            return
        self._begin()
        # A workflow's node is called without words.
        wordless = move.kind == "transfer" or (move.kind == "call" and move.cause == "node")
        drawn = self._view == "control" or wordless or bool(move.text)
        if move.failed:
            self._arrow(move, "-x", f"failed: {one_line(move.text, _LONGEST_LABEL)}")
        elif drawn:
            # With the words shown too, their arrows stand for start, call, return and end.
            arrow = "-)" if move.kind == "transfer" else "->>"
            self._arrow(move, arrow, ": ".join(filter(None, (move.kind, move.text))))
        if move.kind in ("transfer", "return", "end"):
            self._deactivate(move.source)
        if move.kind in ("start", "transfer", "call"):
            self._begins = move.target
            if drawn:
                self._begin()

    def _leave_boxes(self, number: int) -> None:
        """Closes all boxes but the first so many."""
        self._lines += ["end"] * (len(self._boxes) - number)
        del self._boxes[number:]

    def _arrow(self, move: Move, arrow: str, words: str) -> None:
        source, target = self._names[move.source], self._names[move.target]
        self._lines.append(f"{source}{arrow}{target}: {escape_mermaid(words)}")
        self._begin()

    def _begin(self) -> None:
        if self._begins:
            self._active.append(self._begins)
            self._lines.append(f"activate {self._names[self._begins]}")
            self._begins = ""

    def _deactivate(self, name: str) -> None:
        if name in self._active:
            self._active.remove(name)
            self._lines.append(f"deactivate {self._names[name]}")


def _is_within(fork: Move, move: Move) -> bool:
    return (move.kind, move.activation) != ("join", fork.activation)


def _branches(moves: Sequence[Move]) -> list[list[Move]]:
    """Splits what happened between fork and join by the call in whose course it happened."""
    branch_of: dict[int, str] = {}

    def branch(move: Move) -> str:
        known = branch_of.get(move.activation) or branch_of.get(move.parent)
        branch_of[move.activation] = known or move.call or f"activation {move.activation}"
        return branch_of[move.activation]

    return list(group_by(moves, branch).values())


_ENTITIES = str.maketrans(
    {sign: f"#{ord(sign)};" for sign in "#;%{}`"} | {"<": "#lt;", ">": "#gt;", '"': "#quot;"}
)


def escape_mermaid(text: str) -> str:
    """Writes a text so that Mermaid neither parses nor renders any of it."""
    safe = one_line(text, _LONGEST_LABEL).translate(_ENTITIES)
    # A lone "end" would close a block.
    return re.sub(r"\bend\b", "e#110;d", safe, flags=re.IGNORECASE)
