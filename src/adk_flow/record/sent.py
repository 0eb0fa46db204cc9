"""What the models of a session were sent: of each request the log gets what is new in it."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from itertools import compress, count
from operator import ne
from typing import TypeVar

from google.adk.models.llm_request import LlmRequest
from msgspec.structs import replace

from adk_flow.log.requests import Requests, write_contents
from adk_flow.log.schema import BASE_AGE, Request
from adk_flow.record import extract

WHOLE_EVERY = 100
"""Requests of which one is told whole, so that little is unknown after a line that was lost."""

BASES = 16
"""Requests that others may go on from, of agents that take turns or run at once."""

KNOWN_TEXTS = 1024
"""Texts whose numbers are remembered; one that comes again later is written again."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(slots=True)
class Sent:
    """A request as it is told, and what a later one is compared with; 17 bytes a part."""

    place: Hashable
    request: Request
    """As its line has it."""
    offer: Request
    """What the model was offered: all but its contents."""
    hashes: array[int]
    """Of each part."""
    letters: str
    numbers: array[int]
    """Of each part's text."""
    texts: dict[int, str] = field(default_factory=dict)
    """Those that the log has not yet, by number."""
    record: int = 0
    """Number of its record."""
    since_whole: int = 0

    def may_go_on(self, offer: Request, number: int) -> bool:
        """Whether a request, told after the line of that number, may go on from this one."""
        is_near = number - self.record < BASE_AGE and self.since_whole < WHOLE_EVERY - 1
        return is_near and self.offer == offer


class SentRequests:
    """The latest requests in one part of a session's log, and the numbers of texts in it."""

    def __init__(self, keep: Callable[[str], str]) -> None:
        self._keep = keep
        """What of a text the log keeps."""
        self._count = 0
        """Texts numbered."""
        self._numbers: dict[Hashable, int] = {}
        """Of the latest texts, by hash."""
        self._declared: dict[Hashable, int] = {}
        """Numbers of texts that need not be written out to be known."""
        self._latest: dict[Hashable, Sent] = {}
        self.told = Requests()
        """What a listener was told."""

    def draft(self, place: tuple[Hashable, ...], request: LlmRequest, number: int) -> Sent:
        """Compares a request with the latest of the same place.

        Args:
          place: whose it is: requests that are made at once differ in it.
          request: what a model is sent.
          number: that of the log's latest line.
        """
        texts: dict[int, str] = {}
        offer = extract.offer_of(request, self._number_declared(place, request, texts))
        parts = list(extract.parts_of(request.contents))
        hashes = array("q", map(hash, parts))
        before = self._latest.get(place)
        same = _common(before.hashes, hashes) if before else 0
        numbers = before.numbers[:same] if before else array("q")
        numbers.extend([self._number(hash(part), part[1], texts) for part in parts[same:]])
        letters = "".join([letter for letter, _ in parts])
        told, since_whole, first = offer, 0, 0
        if before and before.may_go_on(offer, number):
            told = Request(after=before.record, same=same)
            since_whole, first = before.since_whole + 1, same
        system = extract.instruction_of(request)
        told = replace(
            told,
            system=self._number(hash(system), system, texts) if system else 0,
            contents=write_contents(letters[first:], numbers[first:]),
        )
        return Sent(place, told, offer, hashes, letters, numbers, texts, since_whole=since_whole)

    def keep(self, sent: Sent, record: int) -> None:
        """Notes that a request was written, so that later ones may go on from it."""
        sent.record, sent.texts = record, {}
        _renew(self._latest, sent.place, sent, BASES)

    def forget(self, sent: Sent) -> None:
        """Forgets the numbers of texts whose record could not be written."""
        for numbers in (self._numbers, self._declared):
            for key in [key for key, number in numbers.items() if number in sent.texts]:
                del numbers[key]

    def _number(self, key: Hashable, text: str, new: dict[int, str]) -> int:
        """Numbers a text; one that is not known is added to `new`."""
        number = self._numbers.get(key, 0)
        if not number:
            self._count += 1
            number = self._count
            new[number] = self._keep(text)
        _renew(self._numbers, key, number, KNOWN_TEXTS)
        return number

    def _number_declared(
        self, place: tuple[Hashable, ...], request: LlmRequest, new: dict[int, str]
    ) -> int:
        """Numbers what a request declares, written out only where it offers anything new."""
        key = (place, tuple(request.tools_dict))
        number = self._declared.get(key)
        if number is None:
            text = extract.declarations_of(request)
            number = self._number(hash(text), text, new) if text else 0
            _renew(self._declared, key, number, BASES)
        return number


def _common(before: array[int], after: array[int]) -> int:
    """Counts the first elements in which two are the same."""
    size = min(len(before), len(after))
    if before[:size] == after[:size]:
        return size
    return next(compress(count(), map(ne, before, after)))


def _renew(latest: dict[K, V], key: K, value: V, most: int) -> None:
    """Puts a value last, and forgets the first of too many."""
    latest.pop(key, None)
    latest[key] = value
    if len(latest) > most:
        del latest[next(iter(latest))]
