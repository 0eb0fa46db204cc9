"""Model requests as lines name them: what one has in common with an earlier one, and the rest."""

from __future__ import annotations

from array import array
from functools import partial
from itertools import chain

from msgspec.structs import force_setattr, replace

from adk_flow.log.schema import BASE_AGE, Contents, Part, Record, Request

_SAID = "u user text, m model text, c model call, r user response, d user data"
_PARTS = {letter: partial(Part, *said) for letter, *said in map(str.split, _SAID.split(", "))}
"""Makes a part of its text's number, by the letter that stands for role and kind on a line."""
_UNKNOWN = partial(Part, "", "")
_NO_BASE = Request()


def add_number(ranges: array[int], number: int) -> None:
    """Adds a text's number to ranges, each a first and a last one."""
    if ranges and number == ranges[-1] + 1:
        ranges[-1] = number
    else:
        ranges.extend((number, number))


def add_ranges(ranges: array[int], further: array[int]) -> None:
    """Adds ranges behind others."""
    if ranges and further and further[0] == ranges[-1] + 1:
        ranges[-1] = further[1]
        further = further[2:]
    ranges.extend(further)


def _read_contents(contents: Contents) -> tuple[Part, ...]:
    firsts, lasts = contents.ranges[::2], contents.ranges[1::2]
    numbers = chain.from_iterable(map(range, firsts, [last + 1 for last in lasts]))
    parts = zip(contents.letters, numbers, strict=False)
    return tuple([_PARTS.get(letter, _UNKNOWN)(number) for letter, number in parts])


class Requests:
    """Completes the records of one part of a log, one by one, with what their lines leave out."""

    def __init__(self) -> None:
        self._known: dict[int, Request] = {}
        """Whole requests of the latest records, by its number."""
        self._forgets_at = BASE_AGE

    def complete(self, record: Record) -> None:
        """Puts into a record what follows from the rest, and from those before it."""
        if record.text and not record.size:
            force_setattr(record, "size", len(record.text))
        if (usage := record.usage) is not None and not usage.total:
            force_setattr(usage, "total", usage.tokens)
        if record.request is not None:
            self._complete_request(record, record.request)

    def _complete_request(self, record: Record, request: Request) -> None:
        """Makes a request whole, unless it goes on from one that was lost."""
        base = self._known.get(request.after) if request.after else _NO_BASE
        if base is None or request.same > len(base.parts):
            return
        further = _read_contents(request.contents) if request.contents else request.parts
        if request.after:
            parts = (base.parts[: request.same] if request.same else base.parts) + further
            request = replace(base, parts=parts, system=request.system or base.system)
        elif request.contents:
            request = replace(request, contents=None, parts=further)
        force_setattr(record, "request", request)
        if record.number:
            self._note(record.number, request)

    def _note(self, number: int, request: Request) -> None:
        self._known[number] = request
        if number > self._forgets_at:
            self._forgets_at, oldest = number + BASE_AGE, number - BASE_AGE
            self._known = {
                number: known for number, known in self._known.items() if number >= oldest
            }
