"""Words that an agent's model was shown, and what makes two texts alike."""

from __future__ import annotations

import json
from typing import Literal, NamedTuple

ExposureKind = Literal["words", "request", "answer", "tool", "canary"]


class Found(NamedTuple):
    """Words in a model request, as `Sight` tells them."""

    source: str
    kind: ExposureKind
    key: str = ""


def folded(text: str) -> str:
    """Makes texts alike that differ in case, in spacing, or in being quoted within JSON."""
    if "\\" in text:
        text = text.replace("\\n", " ").replace('\\"', '"').replace("\\'", "'")
    return " ".join(text.casefold().split())


def object_in(text: str) -> dict[str, object]:
    """Reads a JSON object; empty if it is none."""
    try:
        value = json.loads(text) if text.startswith("{") else {}
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def key_of(text: str) -> str:
    """Folds a text; of an object of one string, as a call's arguments may be, that string."""
    value = object_in(text)
    if len(value) == 1 and isinstance(only := next(iter(value.values())), str):
        return folded(only)
    return folded(json.dumps(value, ensure_ascii=False) if value else text)
