"""Planted facts, looked for in any case, spacing and punctuation, numbers in any spelling.

A canary must come through masking (`texts.mask`), so it is no run of 8 or more digits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import contains
from typing import TYPE_CHECKING

from adk_flow.analysis.visibility.matching import spelled_out
from adk_flow.log.reader import Log
from adk_flow.log.schema import Request

if TYPE_CHECKING:
    from adk_flow.scenario.conversation import Canary


class Planted:
    """The canaries of a conversation, in the texts of a log."""

    def __init__(self, texts: Mapping[int, str], canaries: Mapping[str, Canary]) -> None:
        self._texts, self._canaries = texts, canaries
        self._words = {
            name: spellings
            for name, canary in canaries.items()
            if all(spellings := spelled_out(canary.text))
        }
        self._held: dict[int, list[str]] = {}
        """Which canaries a text holds, by its number."""

    def shown_in(self, request: Request) -> list[str]:
        """Names the canaries that a model request holds."""
        numbers = {request.system, *(part.text for part in request.parts)}
        names = {name for number in numbers for name in self._held_by(number)}
        return [name for name in self._words if name in names]

    def _held_by(self, number: int) -> list[str]:
        if self._words and number not in self._held:
            self._held[number] = self._among(self._words, self._texts.get(number, ""))
        return self._held.get(number, [])

    def _among(self, names: Mapping[str, object], text: str) -> list[str]:
        there = spelled_out(text)
        return [name for name in names if any(map(contains, there, self._words.get(name, ())))]

    def is_astray(self, name: str, agent: str) -> bool:
        """Whether a canary is not for an agent."""
        only = self._canaries[name].only
        return bool(only) and not {agent, agent.rpartition("/")[2]}.intersection(only)

    def unseen(self, log: Log) -> list[str]:
        """Names the canaries that occur nowhere in a log."""
        unseen = dict.fromkeys(self._canaries)
        for text in dict.fromkeys(_all_texts(log)):  # many stand in requests and records
            for name in self._among(unseen, text) if unseen else ():
                del unseen[name]
        return list(unseen)


def _all_texts(log: Log) -> Iterator[str]:
    yield from log.texts.values()
    for record in log.records:
        yield record.text
        yield from (call.text for call in record.calls)
