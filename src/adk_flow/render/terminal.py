"""What every text for a terminal is made of: titles, remarks and lists of sentences."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO

from rich.cells import cell_len, chop_cells
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


def print_lines(lines: Iterable[str], style: str, console: Console) -> None:
    """Prints lines that are laid out; where no colours are, by far faster than rich does."""
    text = "\n".join(lines)
    if console.color_system:
        console.print(Text(text, style=style), soft_wrap=True)
    else:
        console.file.write(f"{text}\n")


def fold_words(start: str, words: str, width: int) -> Iterator[str]:
    """Folds words into lines of a width, of which the first begins with a start."""
    measure = len if words.isascii() else cell_len
    line, most = start, width - len(start)
    room, gap = most, ""
    for word in words.split(" "):
        size = measure(word)
        if gap and size >= room:
            yield line
            line, room, gap = " " * len(start), most, ""
        if size > most:
            *whole, word = chop_cells(word, most)
            for part in whole:
                yield line + part
                line = " " * len(start)
            size = measure(word)
        line += gap + word
        room -= size + len(gap)
        gap = " "
    yield line


def print_sentences(sentences: Sequence[str], console: Console) -> None:
    """Prints a list of sentences, each with a hanging indent."""
    lines = Table.grid(padding=(0, 1, 0, 0))
    lines.add_column(no_wrap=True)
    lines.add_column(overflow="fold")
    for sentence in sentences:
        lines.add_row(Text("-"), Text(one_line(sentence, _LONGEST_SENTENCE)))
    console.print(lines)
