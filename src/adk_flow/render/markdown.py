"""GitHub Markdown: words that mean nothing but themselves, and tables."""

from __future__ import annotations

import re
from collections.abc import Iterable

from adk_flow._text import one_line
from adk_flow.render.tables import Section, Table, flatten_table

_SIGNS = re.compile(r"[\\`*\[\]<>&|~$]|(?<![^\W_])_|_(?![^\W_])")
"""What means something in a line of Markdown; an underscore within a word does not."""
_STARTS = re.compile(r"^(#|[-+](?=\s|$)|=+$|-+$|\d+(?=[.)](?:\s|$)))")
"""What means something where a line begins."""
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}


def escape_markdown(text: str) -> str:
    """Writes a text on one line, so that Markdown renders it as it is."""
    line = one_line(text, 1000)
    line = _SIGNS.sub(lambda sign: _ENTITIES.get(sign[0], "\\" + sign[0]), line)
    return _STARTS.sub(lambda m: f"{m[0]}\\" if m[0].isdigit() else f"\\{m[0]}", line)


def _table(table: Table, align: str) -> str:
    """Writes a table with its legend below, all columns but the first aligned alike."""
    flat = flatten_table(table)
    header, *rows = [list(map(escape_markdown, line)) for line in flat.lines]
    rule = [":--", *(":--" if flat.is_prose else align for _ in header[1:])]
    lines = "\n".join(f"| {' | '.join(line)} |" for line in (header, rule, *rows))
    legend = escape_markdown("; ".join(flat.legend))
    return f"{lines}\n\n{legend}" if legend else lines


def markdown_section(section: Section, *, align: str = "--:") -> str:
    """Writes a title, with the table and the list of sentences below it."""
    blocks = [f"## {escape_markdown(section.title)}"]
    blocks += [_table(section.table, align)] if section.table else []
    blocks += [markdown_list(section.sentences)] if section.sentences else []
    return "\n\n".join(blocks)


def markdown_list(sentences: Iterable[str]) -> str:
    """Writes a list of sentences."""
    return "\n".join(f"- {escape_markdown(sentence)}" for sentence in sentences)
