"""Apps and conversations as the command line names them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from adk_flow._text import encodable
from adk_flow.analysis.latency import use_profiles
from adk_flow.analysis.pricing import is_own, use_prices
from adk_flow.cli.output import print_note, silence_adk
from adk_flow.comparison.spec import read_conversations
from adk_flow.errors import AdkFlowError
from adk_flow.scenario.conversation import (
    Conversation,
    of_questions,
    read_conversation,
    read_state,
    with_state,
)

if TYPE_CHECKING:
    from google.adk.apps import App

    from adk_flow.models.cassette import Cassette
    from adk_flow.models.decisions import Decided


def import_app(path: Path, model: str = "") -> App:
    """Loads an app, and with it ADK, whose import takes seconds that other commands are spared."""
    silence_adk()
    from adk_flow.run import app

    return app.load_app(path, model)


def load_decided_app(
    path: Path, model: str, decisions: Path | None, cassette: Path | None
) -> tuple[App, Decided | None, Cassette | None]:
    """Loads an app, on one model, with decisions or answered from a cassette where one is given."""
    if decisions and (model or cassette):
        argument, value = ("model", model) if model else ("cassette", cassette)
        raise AdkFlowError("cannot be given with --decisions", argument=argument, value=value)
    silence_adk()
    from adk_flow.run.app import load_answered_app

    return load_answered_app(path, model, decisions, cassette)


def load_conversation(
    questions: Sequence[str] | None, file: Path | None, state: str = ""
) -> Conversation:
    """Reads a conversation of a file, or of questions."""
    if bool(questions) == bool(file):
        reason = "both are given" if file else "nothing is asked"
        raise AdkFlowError(f"{reason}: give either a question or --conversation FILE")
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


def use_files(latency: str, profiles: Path | None, prices: Path | None) -> str:
    """Takes a user's own prices and paces; names the pace, by default the first of their file."""
    if prices:
        use_prices(prices)
    first = use_profiles(profiles) if profiles else ""
    return latency or first


def note_prices(prices: Path | None, model: str, pace: str) -> None:
    """Says that a file has no price of the model that tokens are priced at, or its pace has none.

    `model` is empty where the pace's has no price, both where a real model answers.
    """
    if pace and not model:
        print_note(f"{pace} has no price, so that costs are unknown: give it one by --prices FILE")
    elif prices and model and not is_own(model):
        print_note(
            f"{prices} has no price of {model}, at whose price tokens are here: give it one, "
            "or name a model of it by --latency-profile FILE"
        )


def _of_questions(questions: Sequence[str] | None) -> Conversation:
    if file := next((q for q in questions or () if q.endswith(".yaml") and Path(q).exists()), ""):
        raise AdkFlowError(f"{file}: is a file, and no question; give it by --conversation")
    return of_questions([encodable(question) for question in questions or ()])
