"""A page of the documentation, followed as a reader would: its files, its commands, its code."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


class Block(NamedTuple):
    """A fenced block of a page."""

    language: str
    """What stands behind the fence, such as `sh` or `python eval`."""
    text: str


class Page:
    """A page, by its path from the repository's root."""

    def __init__(self, path):
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
        return [line for text in self.of("sh") for line in text.splitlines()]

    def write(self, folder):
        """Makes the project that the page describes."""
        for name, text in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")

    def run_code(self, logs):
        """Runs its Python blocks as one program in the repository."""
        return ran([sys.executable, "-W", "ignore", "-c", "\n".join(self.of("python"))], logs)

    def run_commands(self, logs):
        """Runs its commands in the repository, until one fails."""
        lines = "\n".join(self.commands).replace(".venv/bin/", f"{shlex.quote(str(BIN))}/")
        return ran(["sh", "-ec", lines.replace(" flow_logs/", f" {shlex.quote(str(logs))}/")], logs)


def ran(command, logs):
    """Runs a program in the repository, on the offline model; flow logs go to a folder."""
    settings = {"MODEL_NAME": "offline", "ADK_FLOW_DIR": str(logs), "ADK_FLOW_NARRATE": "0"}
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=120,
    )


def shell(line, folder, programs=BIN):
    """Runs a line of shell in a folder that is a user's project, with an environment's programs."""
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        line,
        shell=True,
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(folder), "COLUMNS": "80"},
        capture_output=True,
        text=True,
    )
