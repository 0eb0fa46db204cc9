"""GitHub Markdown: words that mean nothing but themselves, and tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from adk_flow._text import one_line

_SIGNS = re.compile(r"[\\`*\[\]<>&|~$]|(?<![^\W_])_|_(?![^\W_])")
"""What means something in a line of Markdown; an underscore within a word does not."""
_STARTS = re.compile(r"^(#|[-+](?=\s|$)|=+$|-+$|\d+(?=[.)](?:\s|$)))")
"""What means something where a line begins."""
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
_LONGEST_SENTENCE = 1000


def escape_markdown(text: str) -> str:
    """Writes a text on one line, so that Markdown renders it as it is."""
    line = one_line(text, _LONGEST_SENTENCE)
    line = _SIGNS.sub(lambda sign: _ENTITIES.get(sign[0], "\\" + sign[0]), line)
    return _STARTS.sub(_escape_start, line)


def _escape_start(start: re.Match[str]) -> str:
    return start[0] + "\\" if start[0].isdigit() else "\\" + start[0]


def markdown_table(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, align: str = "--:"
) -> str:
    """Writes a table, all columns but the first aligned alike; cells are Markdown already."""
    rule = [":--", *(align for _ in header[1:])]
    return "\n".join(f"| {' | '.join(line)} |" for line in (header, rule, *rows))


def markdown_list(sentences: Iterable[str]) -> str:
    """Writes a list of sentences."""
    return "\n".join(f"- {escape_markdown(sentence)}" for sentence in sentences)
