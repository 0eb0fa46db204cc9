"""A page of the documentation, followed as a reader would: its files, its commands, its code."""

import os
import re
import shlex
import sys
from pathlib import Path
from typing import NamedTuple

from tests.doubles.command import run_program
from tests.doubles.desk import ROOT

BIN = Path(sys.executable).parent


class Block(NamedTuple):
    """A fenced block of a page."""

    language: str
    """What stands behind the fence, such as `sh` or `python eval`."""
    text: str


class Page:
    """A page, by its path from the repository's root."""

    def __init__(self, path: str) -> None:
        self.text = (ROOT / path).read_text(encoding="utf-8")
        found = re.findall(r"^```(\w[\w ]*)\n(.*?)^```$", self.text, re.DOTALL | re.MULTILINE)
        self.blocks = [Block(*one) for one in found]

    def of(self, language):
        """The texts of its blocks in a language."""
        return [block.text for block in self.blocks if block.language == language]

    @property
    def files(self):
        """Text by name, of each Python or YAML block whose first line is a comment with a name."""
        texts = [block.text for block in self.blocks if block.language in ("python", "yaml")]
        named = [(re.match(r"# (\S+\.\w+)\n", text), text) for text in texts]
        return {name[1]: text for name, text in named if name}

    @property
    def commands(self):
        """Its lines of shell, without those that install."""
        lines = [line for text in self.of("sh") for line in text.splitlines()]
        return [line for line in lines if not line.startswith("pip install ")]

    def write(self, folder):
        """Makes the project that the page describes."""
        for name, text in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")


def shell(line, folder, programs=BIN, settings=None):
    """Runs a line of shell in a folder that is a user's project, with an environment's programs."""
    environment = {"PYTHONPATH": str(folder), **(settings or {})}
    if programs == BIN and not re.search(r"[|&;<>`]|\$\(", line):
        words, own = _parsed(line, folder)
        if words and words[0] in ("adk", "adk-flow"):
            return run_program(*words, folder=folder, **environment | own)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    return run_program("sh", "-ec", line, folder=folder, PATH=path, **environment)


def _parsed(line, folder):
    """Splits a line into a program with its arguments, and the environment set before it."""
    words, settings = [], {}
    for word in shlex.split(line, comments=True):
        name, is_setting, value = word.partition("=")
        if is_setting and not words and name.isidentifier():
            settings[name] = value
        else:
            files = sorted(folder.glob(word)) if "*" in word else []
            words += [str(file.relative_to(folder)) for file in files] or [word]
    return words, settings


PAGES = {name: Page(f"docs/{name}.md") for name in ("record", "choose")}


def write_projects(folder):
    for page in PAGES.values():
        page.write(folder)


def follow(page, folder, programs=BIN, settings=None):
    """Runs a page's commands in order, and finds what it shows in what they print."""
    printed, compared = "", 0
    for block in page.blocks:
        if block.language == "sh":
            for line in block.text.splitlines():
                done = shell(line.replace(".venv/bin/", ""), folder, programs, settings)
                assert done.returncode == 0, (line, done.stdout, done.stderr)
                printed = done.stdout
        elif block.language == "text":
            in_order(block.text.splitlines(), printed.splitlines())
            compared += 1
    return compared


def in_order(shown, printed):
    """Checks that lines were printed in this order; `…` stands for any words at a line's end.

    Seconds may be others: tools take as long as the machine takes.
    """
    left = iter(printed)
    for line in shown:
        wanted = re.escape(line.replace(" …", "…")).replace("…", ".*")
        wanted = re.sub(r"\d+\\\.\d\d\\ s", r"\\d+\\.\\d\\d s", wanted)
        assert any(re.fullmatch(wanted, one.rstrip()) for one in left), (line, printed)
