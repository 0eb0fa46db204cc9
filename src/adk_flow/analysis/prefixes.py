"""How much of each request a provider's prompt cache may know: what it begins with unchanged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import takewhile
from typing import NamedTuple

from adk_flow.analysis.trace import ModelCall

_Piece = tuple[str, str]
"""What it is (`system`, `declared`, or the role and kind of a part), and its text."""


class Prefix(NamedTuple):
    """How much of a request is the beginning of one before it, byte for byte."""

    shared: int
    size: int
    """Bytes: the instruction, then the functions declared, then the contents."""


def shared_prefixes(calls: Iterable[ModelCall], texts: Mapping[int, str]) -> Iterator[Prefix]:
    """Compares each request with all before it; one that the log has not whole shares nothing."""
    sent: list[list[_Piece]] = []
    for call in calls:
        pieces = _pieces(call, texts)
        shared = max((_common(pieces, before) for before in sent), default=0)
        yield Prefix(shared, sum(_bytes(text) for _, text in pieces))
        sent.append(pieces)


def _pieces(call: ModelCall, texts: Mapping[int, str]) -> list[_Piece]:
    request = call.request
    if request is None or request.stateful:
        return []
    numbered = [("system", request.system), ("declared", request.declared)]
    numbered += [(f"{part.role} {part.kind}", part.text) for part in request.parts]
    return [(what, texts.get(number, "")) for what, number in numbered]


def _common(pieces: list[_Piece], before: list[_Piece]) -> int:
    """Counts the bytes in which two begin alike."""
    same = [*takewhile(lambda pair: pair[0] == pair[1], zip(pieces, before, strict=False))]
    total = sum(_bytes(text) for (_, text), _ in same)
    rest = pieces[len(same) :], before[len(same) :]
    if all(rest) and rest[0][0][0] == rest[1][0][0]:
        letters = zip(rest[0][0][1], rest[1][0][1], strict=False)
        total += _bytes("".join(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], letters)))
    return total


def _bytes(text: str) -> int:
    return len(text.encode(errors="replace"))
