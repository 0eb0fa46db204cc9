"""One choice among several candidates that nobody is favoured in: its words, checks and outcome."""

from __future__ import annotations

import hashlib
import string
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from pydantic import BaseModel, Field, create_model, model_validator

from adk_flow.errors import AdkFlowError
from adk_flow.wiring.nodes import as_text

LETTERS = string.ascii_uppercase
QUESTION = "Which candidate is best?"
CANDIDATE = "Candidate "


def reason_key(candidate: str) -> str:
    """Names where the session's state has why a candidate says nothing, if it can tell."""
    return f"temp:{candidate}_reason"


def slate_key(selector: str) -> str:
    """Names where the session's state has a `Slate` while a selector runs, for its tools."""
    return f"temp:{selector}_slate"


class SelectionError(AdkFlowError):
    """No candidate to choose from: all of them failed."""


class Slate(NamedTuple):
    """What a selector is shown."""

    task: str
    texts: dict[str, str]
    """Candidates by letter; what several said alike is one."""
    times: dict[str, int]
    """How many said it, by letter."""

    @property
    def said(self) -> int:
        """How many candidates there were, those alike too."""
        return sum(self.times.values())


class Verdict(NamedTuple):
    """A choice, and why."""

    best: str
    """A letter."""
    reason: str


Judge = Callable[[Slate], Verdict]
Refusal = Callable[[str], str]
"""Says why a task is none for these candidates; empty if it is one."""


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """One task that several did, and whose work was chosen."""

    task: str
    candidates: dict[str, str]
    """What each one said, by name, in the order in which the selector was shown them."""
    failed: dict[str, str]
    """Why the others said nothing, by name."""
    best: str
    """The name of the one who was chosen."""
    reason: str
    selector_calls: int
    """How often the selector was asked: 1, or 2 if it named no candidate, or 0 without a choice."""
    is_fallback: bool = False
    """Whether code chose, because the selector had named no candidate twice."""

    @property
    def text(self) -> str:
        """The candidate that was chosen."""
        return self.candidates[self.best]


def in_fair_order(task: str, names: Iterable[str]) -> list[str]:
    """Shuffles names by a hash of the task: always alike, and each as often first as any other."""

    def place(name: str) -> bytes:
        return hashlib.sha256(f"{name}\n{task}".encode(errors="replace")).digest()

    return sorted(names, key=place)


def slate_of(task: str, candidates: Mapping[str, str]) -> Slate:
    """Gives each different text a letter, in the order of the candidates."""
    counted = Counter(candidates.values())
    letters = LETTERS[: len(counted)]
    return Slate(
        task,
        dict(zip(letters, counted, strict=True)),
        dict(zip(letters, counted.values(), strict=True)),
    )


def shown(slate: Slate) -> list[str]:
    """Writes a slate for the selector; no name stands in it."""
    texts = [f"[{CANDIDATE}{letter}] said: {text}" for letter, text in slate.texts.items()]
    alike = [
        f"{CANDIDATE}{letter} is what {times} of {slate.said} said alike."
        for letter, times in slate.times.items()
        if times > 1
    ]
    return [f"The task: {slate.task}", *texts, *alike]


def schema_of_verdict(number: int) -> type[BaseModel]:
    """Makes the response schema of a choice among so many candidates.

    It lets any answer pass, for `verdict_of` to judge: beside tools, ADK would ask again without an
    end for one that does not validate (2.13, tools/set_model_response_tool.py).
    """
    letters = LETTERS[:number]
    either = f"The letter of the best candidate, one of {', '.join(letters)}."
    fields: dict[str, Any] = {
        "best": (str, Field(description=either, json_schema_extra={"enum": [*letters]})),
        "reason": (str, Field(description="Why it is better than the others, in one sentence.")),
    }
    validators: Any = {"lenient": model_validator(mode="before")(_filled)}
    return create_model("Verdict", **fields, __validators__=validators)


def _filled(given: Any) -> dict[str, str]:
    said = given if isinstance(given, Mapping) else {}
    return {name: as_text(said.get(name) or "") for name in ("best", "reason")}


def verdict_of(answer: Any) -> Verdict:
    """Reads a selector's answer; it may name "candidate b" as well as "B"."""
    best, reason = _filled(answer).values()
    letter = best.strip().upper().removeprefix(CANDIDATE.upper()).strip()
    return Verdict(letter if len(letter) == 1 else best, reason)


def fault_of(verdict: Verdict, letters: Sequence[str]) -> str:
    """Says what is wrong with a choice; empty if nothing is."""
    if verdict.best in letters:
        return ""
    told = f"it names {as_text(verdict.best[:40])!r}" if verdict.best.strip() else "it names none"
    return f"{told}; there are only {', '.join(letters)}"


def refuse_nothing(task: str) -> str:
    """Takes any task."""
    return ""


def first_shown(slate: Slate) -> Verdict:
    """Chooses the candidate that was shown first."""
    return Verdict(next(iter(slate.texts)), "it was shown first.")


def told(selection: Selection) -> str:
    """Writes the chosen candidate and, in brackets, whose it is and why it was chosen."""
    failed = "".join(f" {name} failed: {reason}." for name, reason in selection.failed.items())
    number = len(selection.candidates)
    return f"{selection.text}\n\n({selection.best}, of {number}: {selection.reason}{failed})"
