"""Logs, and folders of them, as the command line names them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from adk_flow.cli.output import print_note
from adk_flow.errors import AdkFlowError
from adk_flow.log.parts import names_in, read_sessions
from adk_flow.log.reader import Log, LogError, LogFile, is_flow_log, read_log
from adk_flow.log.story import join_logs


def load_story(paths: Sequence[Path]) -> Log:
    """Reads the session of files, or of folders the newest, with all its parts and A2A servers.

    A folder that has no part of the session is searched for what its servers recorded.

    Raises:
      LogError: a folder holds no log, or a file is none, or does not belong to the first.
    """
    named, others = _files_of_story(paths)
    return join_logs([read_log(path) for path in named], [read_log(path) for path in others])


def open_story(paths: Sequence[Path]) -> Log | LogFile:
    """Reads the same, but a session that lies in one file not before it is asked for.

    Raises:
      LogError: as `load_story`.
    """
    named, others = _files_of_story(paths)
    return load_story(paths) if len(named) > 1 or others else LogFile(named[0])


def _files_of_story(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Lists the files that are named, and others that may belong to them."""
    files = [path for path in paths if not path.is_dir()]
    folders = {path: _log_files(path) for path in paths if path.is_dir()}
    named = files or [_newest([file for inside in folders.values() for file in inside], paths[0])]
    names, others = names_in(named[0]), []
    for folder, inside in folders.items():
        parts = [file for file in inside if file not in named and names_in(file) == names]
        is_theirs = parts or any(file in named for file in inside)
        others += parts if is_theirs else _logs_in(folder)
    return named, others


def _newest(files: Sequence[Path], folder: Path) -> Path:
    """Gives the log that was written last."""
    logs = sorted(files, key=lambda file: file.stat().st_mtime, reverse=True)
    if newest := next(filter(is_flow_log, logs), None):
        return newest
    raise _no_log(folder)


def _log_files(folder: Path) -> list[Path]:
    """Lists what may be logs in a folder; lines of a comparison's trials are known to be none."""
    files = (file for file in folder.rglob("*.jsonl") if file.is_file())
    trials = {file.parent / "trials" for file in folder.rglob("experiment.json")}
    return sorted(file for file in files if file.parent not in trials)


def _no_log(folder: Path) -> LogError:
    return LogError(f"{folder}: holds no flow log (*.jsonl)")


def is_app(path: Path) -> bool:
    """Whether a path is an app, and no log nor a folder of logs."""
    marks = ("agent.py", "__init__.py", "root_agent.yaml")
    if path.is_dir():
        return any((path / mark).exists() for mark in marks)
    return path.suffix == ".py"


def only_app(subjects: Sequence[Path]) -> Path:
    """Gives the app that a command is about, where it takes one app or several logs.

    Raises:
      AdkFlowError: more than it is given.
    """
    if len(subjects) > 1:
        raise AdkFlowError(f"{subjects[1]}: give either one app, or flow logs (*.jsonl) and no app")
    return subjects[0]


def list_logs(paths: Sequence[Path]) -> Iterator[Path]:
    """Gives the logs that are named, and of a folder those that are in it.

    Raises:
      LogError: a folder holds none.
    """
    for path in paths:
        yield from _logs_in(path) if path.is_dir() else [path]


def _logs_in(folder: Path) -> Iterator[Path]:
    is_empty = True
    for path in _log_files(folder):
        try:
            LogFile(path)
            is_empty = False
        except LogError as error:
            print_note(f"left out: {error}")
            continue
        yield path
    if is_empty:
        raise _no_log(folder)


def read_logs(paths: Sequence[Path]) -> Iterator[Log]:
    """Reads the sessions of logs one by one, each log once; of a folder, what is a flow log.

    Raises:
      LogError: a file that was named, or all of a folder, is no flow log.
    """
    files = {path.resolve(): path for path in list_logs(paths)}
    for log in read_sessions(files.values()):
        if log.losses:
            print_note(f"{log.path}: {log.losses}")
        yield log
