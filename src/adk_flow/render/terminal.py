"""What every text for a terminal is made of: titles, remarks and lines of its width."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from typing import TextIO

from rich.cells import cell_len, chop_cells
from rich.console import Console
from rich.text import Text

from adk_flow._text import one_line

FAILED_STYLE = "bold yellow"
ANY_WIDTH = 1_000_000


def plain_console(stream: TextIO | None = None) -> Console:
    """Makes a console that prints text as it is; on stdout by default.

    Lines are folded to the width of a terminal, or to COLUMNS; what goes elsewhere is not folded.
    """
    out: TextIO = stream or sys.stdout
    is_narrow = out.isatty() or os.environ.get("COLUMNS", "").isdigit()
    size = shutil.get_terminal_size()
    width = size.columns if is_narrow else ANY_WIDTH
    console = Console(file=out, highlight=False, markup=False, emoji=False)
    console.size = width, size.lines  # else rich asks the terminal anew at each line
    return console


def print_words(words: str, console: Console, *, style: str = "", start: str = "") -> None:
    """Prints words in lines as wide as the console, the first behind a start."""
    print_lines(fold_words(start, words, console.width), style, console)


def print_title(title: str, console: Console) -> None:
    """Prints a title below an empty line."""
    print_lines([""], "", console)
    print_words(one_line(title, 1000), console, style="bold")


def print_remark(remark: str, console: Console) -> None:
    """Prints a line that explains others."""
    print_words(remark, console, style="dim")


def print_failure(words: str, console: Console) -> None:
    """Prints what went wrong."""
    print_words(words, console, style=FAILED_STYLE)


def print_lines(lines: Iterable[str], style: str, console: Console) -> None:
    """Prints lines that are laid out; where no colours are, by far faster than rich does."""
    text = "\n".join(lines)
    if console.color_system:
        console.print(Text(text, style=style), soft_wrap=True)
    else:
        console.file.write(f"{text}\n")


def fold_words(start: str, words: str, width: int) -> Iterator[str]:
    """Folds words into lines of a width, of which the first begins with a start."""
    measure = len if (start + words).isascii() else cell_len
    if measure(start) + measure(words) <= width:
        yield start + words
        return
    indent = " " * measure(start)
    line, most = start, width - len(indent)
    room, gap = most, ""
    for word in words.split(" "):
        size = measure(word)
        if gap and size >= room:
            yield line
            line, room, gap = indent, most, ""
        if size > most:
            *whole, word = chop_cells(word, most)
            for part in whole:
                yield line + part
                line = indent
            size = measure(word)
        line += gap + word
        room -= size + len(gap)
        gap = " "
    yield line
