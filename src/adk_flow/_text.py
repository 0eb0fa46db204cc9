"""Text from models, users and logs made safe to print."""

import re

_UNSAFE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # a terminal's control sequences, whole
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"
    r"|[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)


def plain(text: str) -> str:
    """Strips control sequences, control characters and changes of writing direction."""
    return _UNSAFE.sub("", text.replace("\t", " "))


def one_line(text: str, limit: int) -> str:
    """Writes a text on one line of at most `limit` characters, the cut marked by `…`."""
    # What lies far behind the cut need not be cleaned.
    line = " ".join(plain(text[: limit * 8]).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def counted(number: int, noun: str) -> str:
    """Writes a number with its noun: `1 line`, `2 lines`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
