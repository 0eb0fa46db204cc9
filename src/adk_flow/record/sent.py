"""What the models of a session were sent: of each request the log gets what is new in it."""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Callable, Container, Hashable
from dataclasses import dataclass, field
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

SHORT = 40
"""Characters of texts that are written again rather than break a range of numbers."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(slots=True)
class SentRequest:
    """A request as it is told, and what a later one is compared with; 17 bytes a part."""

    place: Hashable
    request: Request
    """As its line has it."""
    whole: Request
    """All of it but its contents."""
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

    def may_go_on(self, whole: Request, number: int) -> bool:
        """Whether a request, told after the line of that number, may go on from this one."""
        is_near = number - self.record < BASE_AGE and self.since_whole < WHOLE_EVERY - 1
        if whole.system:  # a line can name another, but not none
            whole = replace(whole, system=self.whole.system)
        return is_near and whole == self.whole


class SentRequests:
    """The latest requests in one part of a session's log, and the numbers of texts in it."""

    def __init__(self, keep: Callable[[str], str], count: int = 0) -> None:
        self._keep = keep
        """What of a text the log keeps."""
        self.count = count
        """Texts numbered, those of earlier parts among them."""
        self._numbers: dict[Hashable, int] = {}
        """Of the latest texts, by hash."""
        self._declared: dict[Hashable, int] = {}
        """Numbers of texts that need not be written out to be known."""
        self._latest: dict[Hashable, SentRequest] = {}
        self.listened = Requests()
        """Those that a listener was given."""

    def draft(self, place: tuple[Hashable, ...], request: LlmRequest, number: int) -> SentRequest:
        """Compares a request with the latest of the same place.

        Args:
          place: whose it is: requests that are made at once differ in it.
          request: what a model is sent.
          number: that of the log's latest line.
        """
        texts: dict[int, str] = {}
        declared = self._number_declared(place, request, texts)
        hashes = extract.hash_parts(request.contents)
        before = self._latest.get(place)
        same = _common(before.hashes, hashes) if before else 0
        numbers = before.numbers[:same] if before else array("q")
        parts = extract.latest_parts(request.contents, len(hashes) - same)
        for part in parts:
            numbers.append(self.number(part, texts, numbers[-1] if numbers else 0))
        letters = before.letters[:same] if before else ""
        letters += "".join([letter for letter, _ in parts])
        instruction = extract.instruction_of(request)
        system = self.number(("s", instruction), texts) if instruction else 0
        whole = extract.of_request(request, system, declared)
        sent = SentRequest(place, whole, whole, hashes, letters, numbers, texts)
        if before and same and before.may_go_on(whole, number):
            sent.since_whole = before.since_whole + 1
            sent.request = Request(
                after=before.record,
                same=same if same < len(before.hashes) else 0,
                system=system if system != before.whole.system else 0,
                contents=write_contents(letters[same:], numbers[same:]),
            )
        else:
            sent.request = replace(whole, contents=write_contents(letters, numbers))
        return sent

    def keep(self, sent: SentRequest, record: int) -> None:
        """Notes that a request was written, so that later ones may go on from it."""
        sent.record, sent.texts = record, {}
        _renew(self._latest, sent.place, sent, BASES)

    def forget(self, numbers: Container[int]) -> None:
        """Forgets the numbers of texts whose record could not be written."""
        for known in (self._numbers, self._declared):
            for key in [key for key, number in known.items() if number in numbers]:
                del known[key]

    def number_words(self, letter: str, words: str) -> int:
        """Numbers words that a record holds and requests will; 0 if the log has them already."""
        number, is_new = self._find((letter, words), self.count)
        return number if is_new else 0

    def number(self, part: tuple[str, str], new: dict[int, str], before: int = 0) -> int:
        """Numbers a text; one that the log has not yet is added to `new`."""
        number, is_new = self._find(part, before)
        if is_new:
            new[number] = self._keep(part[1])
        return number

    def _find(self, part: tuple[str, str], before: int) -> tuple[int, bool]:
        """Gives the number of a text, and whether it is new.

        Args:
          part: its letter, and the text.
          before: the number after which it stands; a short text is numbered anew where that
            makes one range of both.
        """
        key = hash(part)
        number = self._numbers.get(key, 0)
        is_apart = number != before + 1 and before == self.count
        is_new = not number or (is_apart and len(part[1]) <= SHORT)
        if is_new:
            self.count += 1
            number = self.count
        _renew(self._numbers, key, number, KNOWN_TEXTS)
        return number, is_new

    def _number_declared(
        self, place: tuple[Hashable, ...], request: LlmRequest, new: dict[int, str]
    ) -> int:
        """Numbers what a request declares, written out only where it offers anything new."""
        key = (place, tuple(request.tools_dict))
        number = self._declared.get(key)
        if number is None:
            text = extract.declarations_of(request)
            number = self.number(("s", text), new) if text else 0
            _renew(self._declared, key, number, BASES)
        return number


def _common(before: array[int], after: array[int]) -> int:
    """Counts the first elements in which two are the same."""
    size = min(len(before), len(after))
    if before[:size] == after[:size]:
        return size
    return next(itertools.compress(itertools.count(), map(ne, before, after)))


def _renew(latest: dict[K, V], key: K, value: V, most: int) -> None:
    """Puts a value last, and forgets the first of too many."""
    latest.pop(key, None)
    latest[key] = value
    if len(latest) > most:
        del latest[next(iter(latest))]
