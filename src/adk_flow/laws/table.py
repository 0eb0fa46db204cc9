"""The laws that come along: `make laws` fits them anew and writes them."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from adk_flow.laws.formulas import Law
from adk_flow.laws.prediction import AppLaw

_NAME = "laws.json"


class LawTable(msgspec.Struct):
    """Laws of constructs, as they were measured with a release of google-adk."""

    adk: str
    grid: list[Law]
    """By counts, on apps of one shape."""
    apps: list[AppLaw]
    """By tokens, of apps of any shape."""
    samples: int
    """How many of those they were fitted to."""


@cache
def read_laws() -> LawTable:
    """Reads the laws that come along."""
    text = files("adk_flow.laws").joinpath(_NAME).read_bytes()
    return msgspec.json.decode(text, type=LawTable, dec_hook=_fraction)


def write_table(table: LawTable) -> None:
    """Writes the laws that come along, a line each."""
    start = b'{"construct"'
    text = msgspec.json.encode(table, enc_hook=str).replace(start, b"\n" + start)
    Path(str(files("adk_flow.laws"))).joinpath(_NAME).write_bytes(text + b"\n")


def _fraction(kind: type, value: Any) -> Any:
    return Fraction(value) if kind is Fraction else value
