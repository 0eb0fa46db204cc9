"""What the page shows of a folder: the list of its sessions, and one of them."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

from adk_flow.render.flow_text import list_findings
from adk_flow.render.page import page_to_html
from adk_flow.render.page_details import Details
from adk_flow.render.page_pieces import SessionPieces, draw_row, redraw
from adk_flow.watch.sessions import MOST_LOGS, TICK, Session, WatchedFolder

_SHARE = 4
"""How much longer than a look, in time of the processor, is the pause before the next."""
_SOON = 100
"""Looks at which nothing was new, after which they are half as many."""
_PATIENCE = 0.02
"""Seconds in which lines of the list are drawn, so that the open session does not wait."""


class Board:
    """Draws a folder's sessions; what has not changed is not drawn again."""

    def __init__(self, root: Path, base: str) -> None:
        self.pause = TICK
        """Seconds until it is worth looking again."""
        self._folder, self._base = WatchedFolder(root), base
        self._looked = 0.0
        self._quiet = 0
        """Looks at which nothing was new."""
        self._rows: dict[str, tuple[object, str]] = {}
        self._pieces: dict[str, SessionPieces] = {}
        self._drawn: dict[str, tuple[object, dict[str, str]]] = {}

    def pieces(self, id: str) -> dict[str, str]:
        """Gives the elements of the page by their ids: of a session, by default the newest."""
        self._look()
        shown = (s for s in self._folder.sessions.values() if s.id not in self._folder.of_others)
        newest = sorted(shown, key=lambda session: session.began, reverse=True)
        until = time.monotonic() + _PATIENCE
        session = self._folder.sessions.get(id) if id else next(iter(newest), None)
        rows = {f"row-{each.id}": self._row(each, until) for each in newest}
        return (self._draw(session) if session else {}) | rows

    def page(self, id: str) -> str | None:
        """Gives the whole page; None if there is no such session."""
        pieces = self.pieces(id)
        if id and id not in self._folder.sessions:
            return None
        own = [html for name, html in pieces.items() if not name.startswith("row-")]
        rows = [html for name, html in pieces.items() if name.startswith("row-")]
        more = self._folder.most + MOST_LOGS if self._folder.unread else 0
        return page_to_html(own, rows, base=self._base, unread=self._folder.unread, more=more)

    def list_more(self, most: int) -> None:
        """Lists so many logs from now on, where it listed fewer."""
        self._folder.most = max(self._folder.most, most)
        self._looked = 0

    def model(self, id: str, record: int) -> str:
        """Gives the model that a record names; empty if it names none."""
        session = self._folder.sessions.get(id)
        records = session.trace.log.records if session else []
        return records[record].model if record < len(records) else ""

    def detail(self, id: str, record: int) -> str | None:
        """Says what is known of a record; None if there is none."""
        session = self._folder.sessions.get(id)
        if session is None or record >= len((trace := session.trace).log.records):
            return None
        return Details(trace, list_findings(trace)).draw(record)

    def _look(self) -> None:
        if time.monotonic() - self._looked < TICK / 2:
            return
        used = time.thread_time()
        self._quiet = 0 if list(self._folder.look()) else self._quiet + 1
        self._looked = time.monotonic()
        tick = TICK if self._quiet < _SOON else 2 * TICK
        self.pause = max(tick, _SHARE * (time.thread_time() - used))
        for kept in (self._rows, self._pieces, self._drawn):
            for id in kept.keys() - self._folder.sessions.keys():
                del kept[id]

    def _row(self, session: Session, until: float) -> str:
        """Draws a session's line; where time is up the one before stays for now."""
        id, state = session.id, (session.stage, session.is_live)
        if id in self._rows and time.monotonic() >= until:
            return self._rows[id][1]
        draw = partial(draw_row, session.trace, id, self._base, session.is_live)
        return redraw(self._rows, id, state, draw)

    def _draw(self, session: Session) -> dict[str, str]:
        def draw() -> dict[str, str]:
            pieces, trace = self._pieces.setdefault(session.id, SessionPieces()), session.trace
            return pieces.draw(trace, list_findings(trace), session.id)

        return redraw(self._drawn, session.id, session.version, draw)
