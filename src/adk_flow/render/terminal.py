"""What every text for a terminal is made of: titles, remarks and lists of sentences."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from adk_flow._text import one_line

FAILED_STYLE = "bold yellow"
_LONGEST_SENTENCE = 1000


def plain_console(stream: TextIO | None = None) -> Console:
    """Makes a console that prints text as it is; on stdout by default."""
    return Console(file=stream or sys.stdout, highlight=False, markup=False, emoji=False)


def print_title(title: str, console: Console) -> None:
    """Prints a title below an empty line."""
    console.print(Text(f"\n{one_line(title, _LONGEST_SENTENCE)}", style="bold"))


def print_remark(remark: str, console: Console) -> None:
    """Prints a line that explains others."""
    console.print(Text(remark, style="dim"))


def print_failure(words: str, console: Console) -> None:
    """Prints what went wrong."""
    console.print(Text(words, style=FAILED_STYLE))


def print_sentences(sentences: Sequence[str], console: Console) -> None:
    """Prints a list of sentences, each with a hanging indent."""
    lines = Table.grid(padding=(0, 1, 0, 0))
    lines.add_column(no_wrap=True)
    lines.add_column(overflow="fold")
    for sentence in sentences:
        lines.add_row(Text("-"), Text(one_line(sentence, _LONGEST_SENTENCE)))
    console.print(lines)
