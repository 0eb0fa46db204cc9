"""Words that an agent's model was shown, and what makes two texts alike."""

import json
import re
from typing import Literal, NamedTuple

from adk_flow._data import object_in

ExposureKind = Literal["words", "request", "answer", "tool", "canary"]


class Attribution(NamedTuple):
    """Words in a model request, and whose they are, as `Exposure` tells them."""

    source: str
    kind: ExposureKind
    key: str = ""


def folded(text: str) -> str:
    """Makes texts alike that differ in case, in spacing, or in being quoted within JSON."""
    if "\\" in text:
        text = text.replace("\\n", " ").replace('\\"', '"').replace("\\'", "'")
    return " ".join(text.casefold().split())


_NUMBER = re.compile(
    r"(?:(\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.(\d+))?|(?<![\w.])\.(\d+))(?: ?(%|per ?cent\b))?"
)
_MARK = re.compile(r"[^\w \x02\x03%]|_")


def spelled_out(text: str) -> tuple[str, str]:
    """Makes texts alike that differ in punctuation too, or in how a number is written.

    Gives a text with its punctuation left out, as in `U.K.`, and with blanks in its place, as in
    `blue-door`; a number stands between marks, so that it is not found in a longer one.
    """
    text = _NUMBER.sub(_plain_number, folded(text))
    return _MARK.sub("", text).strip(), " ".join(_MARK.sub(" ", text).split())


def _plain_number(number: re.Match[str]) -> str:
    """Writes a number without separators and zeros that say nothing: 4.50 % as 4.5%."""
    whole, part, fraction, percent = number.groups()
    part = (part or fraction or "").rstrip("0")
    digits = (whole or "0").replace(",", "") + (f".{part}" if part else "")
    return f"\x02{digits}\x03" + ("%" if percent else "")


def key_of(text: str) -> str:
    """Folds a text; of an object of one string, as a call's arguments may be, that string."""
    value = object_in(text)
    if len(value) == 1 and isinstance(only := next(iter(value.values())), str):
        return folded(only)
    return folded(json.dumps(value, ensure_ascii=False) if value else text)
