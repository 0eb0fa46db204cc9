"""Where a model may be entered, and which entries no hook of ADK tells of."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import NamedTuple

from google.adk.models.llm_request import LlmRequest
from msgspec import Struct

from adk_flow.record import extract
from adk_flow.record.activations import OpenRun
from adk_flow.record.model_entries import Entry
from adk_flow.record.sent import SentRequest

_COMPACTION = "google.adk.apps.compaction"
_CASCADE = "google.adk.live._cascade_live_connection"


class RecordedRequest(NamedTuple):
    """A request as its hook told it, which callbacks may change before it is sent."""

    request: LlmRequest
    sent: SentRequest
    """As it was then."""
    declared: frozenset[str | None]
    """The functions that it declared then."""

    @property
    def as_sent(self) -> LlmRequest:
        """The request as it is now, without tools whose declarations were taken out."""
        tools, gone = self.request.tools_dict, self.declared - extract.declared_names(self.request)
        if not gone:
            return self.request
        left = {name: tool for name, tool in tools.items() if name not in gone}
        return self.request.model_copy(update={"tools_dict": left})


class Scene(Struct, eq=False):
    """A run, an activation, a model call or a tool call under way, as far as models are entered.

    ADK's own entry is told by the hooks `after_model` and `model_error`; each other one is handed
    to `untold` when it ended, or when it is known that ADK's own did not take place. What was
    `recorded` of ADK's own request is handed to `changed` when it is sent.
    """

    run: OpenRun
    untold: Callable[[Scene, Entry], None]
    changed: Callable[[Scene, RecordedRequest], None]
    activation: int
    agent: str
    call: str
    """Function call id of a tool call."""
    model: str = ""
    """The model that ADK is about to ask."""
    is_asking: bool = False
    """Whether ADK is about to enter a model, or has."""
    is_late: bool = False
    """Whether it began in a task that went on after the run."""
    is_whole: bool = False
    """Whether a hook has told a whole answer of ADK's own entry, or its failure."""
    recorded: RecordedRequest | None = None
    _outermost: Entry | None = None
    """The entry that ADK waits for, or that a plugin makes before it."""
    own: Entry | None = None
    """ADK's own entry, once it answered or failed."""
    _latest: Entry | None = None
    _pending: tuple[Entry, ...] = ()

    def follows(self) -> bool:
        """Whether what enters a model now belongs to the run."""
        return not self.run.ended or self.is_late or _compacts()

    def sums_up(self) -> bool:
        """Whether what enters a model now sums the session up: after a run, or within one."""
        return not self.is_asking and _compacts()

    def connects(self) -> bool:
        """Whether what enters a model now is a live connection."""
        return self.run.live and is_around(_CASCADE)

    def entered(self, entry: Entry, request: object) -> None:
        """Notes what is entered, and with what."""
        if self.recorded is not None and self.recorded.request is request:
            recorded, self.recorded = self.recorded, None
            self.changed(self, recorded)
        if self._outermost is None or self._outermost.has_left:
            self._outermost = entry

    def awaits(self) -> bool:
        """Whether a model is entered that has yet to answer."""
        entry = self._outermost
        return entry is not None and not (entry.has_left or entry.has_answered)

    def yielded(self, entry: Entry) -> None:
        """Notes who answered last."""
        self._latest = entry

    def left(self, entry: Entry) -> None:
        """Takes an entry that ended."""
        if entry is self.own:
            return
        if self.is_asking and self.own is None and not _is_cancelled(entry):
            self._pending += (entry,)
        else:
            self.untold(self, entry)

    def answer(self, *, is_whole: bool) -> str:
        """Notes that ADK's own entry gave an answer, or failed; names its model if it is another.

        Of a fallback that is the one that answered.
        """
        self.is_whole |= is_whole
        if self.own is None:
            failed = [entry for entry in self._pending if entry.error] if self._pending else []
            self.own = self._latest or (failed[-1] if failed else None)
            self.give_up()
        name = self.own.name if self.own else ""
        return "" if name == self.model else name

    def give_up(self) -> Entry | None:
        """Tells of the entries that were not ADK's own.

        Gives that one, if it ended and no hook told more than parts of its answer.
        """
        self.is_asking, own = False, self.own
        pending, self._pending = self._pending, ()
        for entry in pending:
            if entry is not own:
                self.untold(self, entry)
        return own if own is not None and own.has_left and not self.is_whole else None


def _is_cancelled(entry: Entry) -> bool:
    return isinstance(entry.error, asyncio.CancelledError)


def _compacts() -> bool:
    """Whether ADK sums a session up, also once the run has ended (2.13, runners.py).

    What else enters a model in the task that held a conversation is none of that conversation's.
    """
    return is_around(_COMPACTION)


def is_around(module: str) -> bool:
    """Whether a function of a module, or of a package's, waits for what runs here."""
    frame = sys._getframe(1)
    while frame is not None:
        if str(frame.f_globals.get("__name__")).startswith(module):
            return True
        frame = frame.f_back
    return False
