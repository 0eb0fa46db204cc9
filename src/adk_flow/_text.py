"""Words and numbers as people read them, and text of any origin made safe to print."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

_UNSAFE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # a terminal's control sequences, whole
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"
    r"|[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)


def plain(text: str) -> str:
    """Strips control sequences, control characters and changes of writing direction."""
    # Nothing of that is printable; most texts are, throughout, which takes far less to see.
    return text if text.isprintable() else _UNSAFE.sub("", text.replace("\t", " "))


def one_line(text: str, limit: int) -> str:
    """Writes a text on one line of at most `limit` characters, the cut marked by `…`."""
    # What lies far behind the cut need not be cleaned.
    line = " ".join(plain(text[: limit * 8]).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def encodable(text: str) -> str:
    """Replaces what of a path or an argument is no text."""
    return text.encode(errors="replace").decode()


UNKNOWN = "unknown"
"""What stands for a figure that cannot be known."""


def plural(number: float | None, noun: str) -> str:
    """Writes a number with its noun: `1 line`, `2 lines`, `unknown lines`."""
    return f"{format_number(number)} {noun}{'' if number == 1 else 's'}"


def join_names(names: Iterable[str], word: str = "and") -> str:
    """Joins names: `a, b and c`."""
    *first, last = [*names] or [""]
    return f"{', '.join(first)} {word} {last}" if first else last


def suggest(name: str, known: Iterable[str]) -> str:
    """Asks whether a known name was meant, in words that end a message; empty if none is like."""
    words = {each.lstrip("-"): each for each in known}  # by dashes any option is like any other
    alike = get_close_matches(name.lstrip("-"), words, n=1)
    return f" (did you mean {words[alike[0]]}?)" if alike else ""


def format_number(number: float | None) -> str:
    """Writes a count or a mean of counts, with five digits at least: `3`, `2.3333`, `12,345`."""
    if number is None:
        return UNKNOWN
    return f"{number:,.5g}" if abs(number) < 1e4 else f"{number:,.0f}"


def format_seconds(seconds: float) -> str:
    """Writes a duration to hundredths of a second: `0.53 s`, `1,200.00 s`."""
    return f"{seconds:,.2f} s"


def format_dollars(dollars: float) -> str:
    """Writes a cost to hundredths of a cent, a smaller one to a hundredth of that: `$0.0259`."""
    return f"${dollars:,.6f}" if 0 < dollars < 5e-5 else f"${dollars:,.4f}"


def format_times(count: int) -> str:
    """Writes how often: `once`, `twice`, `3 times`."""
    return {1: "once", 2: "twice"}.get(count, f"{count:,} times")
