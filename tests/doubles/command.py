"""Commands as a user types them, run in this process: a new one imports ADK for seconds."""

import logging
import os
import subprocess
import sys
import sysconfig
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, chdir, contextmanager, redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path
from runpy import run_path
from types import ModuleType
from typing import NamedTuple
from unittest.mock import patch

from adk_flow import cli

KEYS = ("GOOGLE_API_KEY", "GEMINI_API_KEY", "OPENAI_API_KEY")

APP = """
from google.adk.agents import LlmAgent
from google.adk.tools.agent_tool import AgentTool
from adk_flow.models.scripted import Scripted, call, transfer

model = Scripted(script={
    "Root": [call("Loans", request="How dear?"), "It is 5%.", transfer("Savings")],
    "Loans": ["5"],
    "Savings": ["Save."],
})
loans = LlmAgent(name="Loans", model=model, description="Loans.")
savings = LlmAgent(name="Savings", model=model, description="Savings.")
root_agent = LlmAgent(name="Root", model=model, tools=[AgentTool(loans)], sub_agents=[savings])
"""
"""The text of `agent.py`: a lead that calls one specialist and hands over to the other."""

PATH = list(sys.path)
"""As it is before a test loads an app, whose folder ADK leaves on it."""

_TESTS = Path(__file__).parents[1]
_KEPT = (sysconfig.get_path("stdlib"), str(Path(cli.__file__).parents[1]), str(_TESTS))
"""Folders of modules that a command shares with the tests; all else is an app's."""


def write_app(place: Path, text: str = APP) -> Path:
    """Writes an app into a new folder."""
    place.mkdir(parents=True)
    (place / "agent.py").write_text(text, encoding="utf-8")
    return place


class Finished(NamedTuple):
    """What a command leaves."""

    returncode: int
    stdout: str
    stderr: str


def run_command(*arguments: object, folder: Path, **environment: str) -> Finished:
    """Runs `adk-flow` in a folder, without keys but those given, 80 columns wide."""
    return run_program("adk-flow", *arguments, folder=folder, **environment)


def run_program(*words: object, folder: Path, **environment: str) -> Finished:
    """Runs `adk-flow`, `adk` and Python code in this process, and any other program in its own.

    Raises:
      FileNotFoundError: there is no such program.
    """
    program, *arguments = map(str, words)
    with _environment({"COLUMNS": "80", **environment}):
        match Path(program).name, arguments:
            case "adk-flow", _:
                return run_here(cli.main, [program, *arguments], folder)
            case "adk", _:
                return run_here(adk_command, [program, *arguments], folder)
            case _, ["-c", code]:
                return run_here(lambda: exec(code, {"__name__": "__main__"}), ["-c"], folder)
            case _, [script, *_] if script.endswith(".py"):
                return run_here(lambda: run_path(script, run_name="__main__"), arguments, folder)
        done = subprocess.run([program, *arguments], cwd=folder, capture_output=True, text=True)
    return Finished(done.returncode, done.stdout, done.stderr)


def adk_command() -> None:
    """Runs ADK's own."""
    from google.adk.cli import main

    main()


def run_here(main: Callable[[], object], words: list[str], folder: Path) -> Finished:
    """Runs what a program does in this process, with what it changes of it undone."""
    out, err = (TextIOWrapper(BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with ExitStack() as stack:
        for context in (
            chdir(folder),
            patch.object(sys, "argv", words),
            warnings.catch_warnings(),
            own_modules(),
            _own_logging(),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            stack.enter_context(context)
        code = _exit_code(main)
    return Finished(code, *(_text(stream) for stream in (out, err)))


def _exit_code(main: Callable[[], object]) -> int:
    try:
        main()
    except SystemExit as ended:
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
            return 1
        return ended.code or 0
    return 0


def _text(stream: TextIOWrapper) -> str:
    buffer = stream.buffer
    assert isinstance(buffer, BytesIO)
    return buffer.getvalue().decode()


@contextmanager
def _environment(given: dict[str, str]) -> Iterator[None]:
    inherited = {name: value for name, value in os.environ.items() if name not in KEYS}
    with patch.dict(os.environ, {**inherited, **given}, clear=True):
        yield


@contextmanager
def own_modules() -> Iterator[None]:
    """Lets the command import apps as if no test had, and forgets them."""
    path, apart = list(sys.path), _take_apps()
    sys.path[:] = [*filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)), *PATH]
    try:
        yield
    finally:
        _take_apps()
        sys.modules.update(apart)
        sys.path[:] = path


_shared: dict[str, ModuleType] = {}
"""Modules that were seen to be no app's: thousands, which are not looked at again."""


def _take_apps() -> dict[str, ModuleType]:
    new = [(name, each) for name, each in sys.modules.items() if _shared.get(name) is not each]
    apps = {name: module for name, module in new if _is_of_an_app(name, module)}
    _shared.update((name, module) for name, module in new if name not in apps)
    return {name: sys.modules.pop(name) for name in apps}


def _is_of_an_app(name: str, module: ModuleType) -> bool:
    places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
    place = next((place for place in places if place), "")
    return bool(place) and name != "__main__" and not _is_kept(place)


def _is_kept(place: str) -> bool:
    return "site-packages" in place or place.startswith(_KEPT)


@contextmanager
def _own_logging() -> Iterator[None]:
    """Sends what is logged to stderr, as where nobody has set up logging."""
    loggers = [logging.root, logging.getLogger("google_adk")]
    levels, disabled = [logger.level for logger in loggers], logging.root.manager.disable
    with patch.object(logging.root, "handlers", []):
        yield
        for handler in logging.root.handlers:
            handler.close()
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
    logging.disable(disabled)


def assert_refused(result: Finished, words: str) -> None:
    """Checks for one line on stderr, nothing on stdout, and exit code 2."""
    assert (result.returncode, result.stdout) == (2, ""), result
    assert words in result.stderr
    assert result.stderr.count("\n") == 1
