"""Apps, conversations and logs as the command line names them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from adk_flow._text import encodable, plural
from adk_flow.cli.output import print_note, silence_adk
from adk_flow.comparison.spec import read_conversations
from adk_flow.errors import AdkFlowError
from adk_flow.log.reader import Log, LogError, is_flow_log, read_log
from adk_flow.log.story import join_logs
from adk_flow.scenario.conversation import (
    Conversation,
    of_questions,
    read_conversation,
    read_state,
    with_state,
)

if TYPE_CHECKING:
    from google.adk.apps import App

    from adk_flow.models.decisions import Decided


def import_app(path: Path, model: str = "") -> App:
    """Loads an app, and with it ADK, whose import takes seconds that other commands are spared."""
    silence_adk()
    from adk_flow.run import app

    return app.load_app(path, model)


def load_decided_app(path: Path, model: str, decisions: Path | None) -> tuple[App, Decided | None]:
    """Loads an app, on one model or with decisions where they are given."""
    if model and decisions:
        raise AdkFlowError("cannot be given with --decisions", argument="model", value=model)
    app = import_app(path, model)
    if decisions is None:
        return app, None
    from adk_flow.models.decisions import decided

    return decided(app, decisions)


def load_conversation(
    questions: Sequence[str] | None, file: Path | None, state: str = ""
) -> Conversation:
    """Reads a conversation of a file, or of questions."""
    if bool(questions) == bool(file):
        raise AdkFlowError("give either a question or --conversation FILE, and not both")
    conversation = read_conversation(file) if file else _of_questions(questions)
    return with_state(conversation, read_state(state)) if state else conversation


def load_conversations(
    questions: Sequence[str] | None, files: Sequence[Path] | None, state: str
) -> dict[str, Conversation]:
    """Reads conversations by name; questions make another."""
    conversations = read_conversations(files or [])
    if questions and "question" in conversations:
        raise AdkFlowError(
            "there is a conversation file of that name; rename the file", argument="question"
        )
    if questions:
        conversations["question"] = _of_questions(questions)
    if not conversations:
        raise AdkFlowError("give --conversation FILE_OR_FOLDER, or --question TEXT")
    initial = read_state(state) if state else {}
    return {name: with_state(talk, initial) for name, talk in conversations.items()}


def _of_questions(questions: Sequence[str] | None) -> Conversation:
    return of_questions([encodable(question) for question in questions or ()])


def find_log(path: Path) -> Path:
    """Gives a log, or the one of a folder that was written last.

    Raises:
      LogError: the folder holds none.
    """
    if not path.is_dir():
        return path
    logs = sorted(_log_files(path), key=lambda file: file.stat().st_mtime, reverse=True)
    if newest := next(filter(is_flow_log, logs), None):
        return newest
    raise _no_log(path)


def read_story(paths: Sequence[Path]) -> Log:
    """Reads a log, or of a folder the newest; of several, those of one conversation over A2A.

    Raises:
      LogError: a log cannot be read, or does not belong to the first.
    """
    first, *others = paths
    log = read_log(find_log(first))
    if not others:
        return log
    return join_logs([(str(first), [log]), *((str(one), [*read_logs([one])]) for one in others)])


def _log_files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*.jsonl") if file.is_file())


def _no_log(folder: Path) -> LogError:
    return LogError(f"{folder}: holds no flow log (*.jsonl)")


def read_logs(paths: Sequence[Path]) -> Iterator[Log]:
    """Reads logs one by one, each once; of a folder, what is a flow log.

    Raises:
      LogError: a file that was named, or all of a folder, is no flow log.
    """
    seen: set[Path] = set()
    for path in paths:
        for log in _logs_of_folder(path) if path.is_dir() else [read_log(path)]:
            resolved = Path(log.path).resolve()
            if resolved in seen:
                continue
            seen.add(resolved)
            if log.damage:
                print_note(f"{log.path}: {plural(len(log.damage), 'line')} could not be read")
            yield log


def _logs_of_folder(folder: Path) -> Iterator[Log]:
    is_empty = True
    for path in _log_files(folder):
        try:
            log = read_log(path)
        except LogError as error:
            print_note(f"left out: {error}")
            continue
        is_empty = False
        yield log
    if is_empty:
        raise _no_log(folder)
