"""What the models of a session were sent: of each request the log gets what is new in it."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Callable, Container, Hashable
from itertools import compress, count
from operator import ne

from google.adk.models.llm_request import LlmRequest
from msgspec import Struct
from msgspec.structs import replace

from adk_flow.log.requests import Requests, add_number, add_ranges
from adk_flow.log.schema import BASE_AGE, Contents, Request
from adk_flow.record import extract

WHOLE_EVERY = 100
"""Requests of which one is told whole, so that little is unknown after a line that was lost."""

BASES = 16
"""Requests that others may go on from, of agents that take turns or run at once."""

LATEST_PARTS = 1024
"""Parts of such a request that are told apart; those before them are one to whoever compares."""

MOST_RANGES = 512
"""Ranges of numbers in such a request; of one with more, each text is written again."""

KNOWN_TEXTS = 1024
"""Texts whose numbers are remembered; one that comes again later is written again."""

SHORT = 40
"""Characters of texts that are written again rather than break a range of numbers."""


class SentRequest(Struct):
    """A request as it is told, and what a later one is compared with, of bounded size."""

    place: Hashable
    offer: Request
    """All of it but its instruction and contents."""
    system: int
    """Number of its instruction."""
    instruction: int
    """Hash of that."""
    size: int
    """How many parts it has."""
    head: int
    """Hash of all parts but the latest."""
    hashes: array[int]
    """Of each of the latest parts."""
    ranges: array[int]
    """First and last of each range of numbers of its parts' texts."""
    texts: dict[int, str]
    """Those that the log has not yet, by number."""
    request: Request
    """As its line has it."""
    since_whole: int = 0
    record: int = 0
    """Number of its record."""

    def count_common(self, hashes: array[int]) -> int:
        """Counts the first parts that another has too; none if it is another before the latest."""
        before = self.size - len(self.hashes)
        if before and (len(hashes) < before or _hash_first(hashes, before) != self.head):
            return 0
        latest = hashes[before : self.size]
        if latest == self.hashes:
            return self.size
        return before + next(compress(count(), map(ne, self.hashes, latest)), len(latest))

    def is_of(self, request: LlmRequest) -> bool:
        """Whether it is what a model is sent by a request."""
        hashes = extract.hash_parts(request.contents)
        return (
            len(hashes) == self.size == self.count_common(hashes)
            and hash(extract.instruction_of(request)) == self.instruction
            and extract.of_request(request, self.offer.declared) == self.offer
        )

    def ranges_of(self, size: int) -> array[int]:
        """Gives the ranges of its first parts."""
        ranges, surplus = self.ranges[:], self.size - size
        while surplus:
            last = ranges.pop()
            length = last - ranges[-1] + 1
            if length > surplus:
                ranges.append(last - surplus)
                break
            ranges.pop()
            surplus -= length
        return ranges

    def may_go_on(self, offer: Request, system: int, line: int) -> bool:
        """Whether a request, told after the line of that number, may go on from this one."""
        is_near = line - self.record < BASE_AGE and self.since_whole < WHOLE_EVERY - 1
        # A line can name another instruction, but not none.
        return is_near and offer == self.offer and bool(system or not self.system)


class SentRequests:
    """The latest requests in one part of a session's log, and the numbers of texts in it."""

    def __init__(self, keep: Callable[[str], str], count: int = 0) -> None:
        self._keep = keep
        """What of a text the log keeps."""
        self.count = count
        """Texts numbered, those of earlier parts among them."""
        self._numbers: OrderedDict[Hashable, int] = OrderedDict()
        """Of the latest texts, by hash."""
        self._latest: dict[Hashable, SentRequest] = {}
        self.listened = Requests()
        """Those that a listener was given."""

    def draft(self, place: Hashable, request: LlmRequest, line: int) -> SentRequest:
        """Compares a request with the latest of the same place.

        Args:
          place: whose it is: requests that are made at once differ in it.
          request: what a model is sent.
          line: number of the log's latest.
        """
        texts: dict[int, str] = {}
        base, hashes = self._latest.get(place), extract.hash_parts(request.contents)
        if base and base.offer.tools == tuple(request.tools_dict):
            declared = base.offer.declared
        else:
            declared = self.number(("s", extract.declarations_of(request)), texts)
        offer = extract.of_request(request, declared)
        is_anew = base is not None and len(base.ranges) > 2 * MOST_RANGES
        same = base.count_common(hashes) if base and not is_anew else 0
        ranges, new = base.ranges_of(same) if base and same else array("q"), array("q")
        letters, number = "", ranges[-1] if ranges else 0
        for part in extract.latest_parts(request.contents, len(hashes) - same):
            is_anew = is_anew or len(ranges) + len(new) > 2 * MOST_RANGES
            number, is_new = self._find(part, number, anew=is_anew)
            if is_new:
                texts[number] = self._keep(part[1])
            add_number(new, number)
            letters += part[0]
        add_ranges(ranges, new)
        instruction = extract.instruction_of(request)
        hashed = hash(instruction)
        if base and hashed == base.instruction:
            system = base.system
        else:
            system = self.number(("s", instruction), texts)
        since_whole = 0
        if base and same and base.may_go_on(offer, system, line):
            since_whole = base.since_whole + 1
            written = Request(
                after=base.record,
                same=same if same < base.size else 0,
                contents=Contents(letters, tuple(new)) if letters else None,
                system=system if system != base.system else 0,
            )
        else:
            letters = extract.letters_of(request.contents) if same else letters
            contents = Contents(letters, tuple(ranges)) if letters else None
            written = replace(offer, system=system, contents=contents)
        size, before = len(hashes), max(0, len(hashes) - LATEST_PARTS)
        head, latest = _hash_first(hashes, before) if before else 0, hashes[before:]
        return SentRequest(
            place, offer, system, hashed, size, head, latest, ranges, texts, written, since_whole
        )

    def keep(self, sent: SentRequest, record: int) -> None:
        """Notes that a request was written, so that later ones may go on from it."""
        sent.record, sent.texts = record, {}
        self._latest.pop(sent.place, None)
        self._latest[sent.place] = sent
        if len(self._latest) > BASES:
            del self._latest[next(iter(self._latest))]

    def forget(self, numbers: Container[int]) -> None:
        """Forgets the numbers of texts whose record could not be written."""
        for key in [key for key, number in self._numbers.items() if number in numbers]:
            del self._numbers[key]

    def number_words(self, letter: str, words: str) -> int:
        """Numbers words that a record holds and requests will; 0 if the log has them already."""
        number, is_new = self._find((letter, words), self.count)
        return number if is_new else 0

    def number(self, part: tuple[str, str], new: dict[int, str]) -> int:
        """Numbers a text, an empty one by 0; one that the log has not yet is put in `new`."""
        if not part[1]:
            return 0
        number, is_new = self._find(part, 0)
        if is_new:
            new[number] = self._keep(part[1])
        return number

    def _find(self, part: tuple[str, str], before: int, *, anew: bool = False) -> tuple[int, bool]:
        """Gives the number of a text, and whether it is new.

        Args:
          part: its letter, and the text.
          before: the number after which it stands; a short text is numbered anew where that
            makes one range of both.
          anew: whether it gets a number of its own, be it known or not.
        """
        key = hash(part)
        number = self._numbers.pop(key, 0)  # put last, as the first of too many is forgotten
        is_apart = number != before + 1 and before == self.count
        is_new = anew or not number or (is_apart and len(part[1]) <= SHORT)
        if is_new:
            self.count += 1
            number = self.count
        self._numbers[key] = number
        if len(self._numbers) > KNOWN_TEXTS:
            self._numbers.popitem(last=False)
        return number, is_new


def _hash_first(hashes: array[int], size: int) -> int:
    return hash(hashes[:size].tobytes())
