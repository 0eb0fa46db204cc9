"""What the offline model says in its own words, and how it knows its own questions again."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from adk_flow._text import one_line
from adk_flow.models.request.functions import Option, Parameter
from adk_flow.models.request.words import spell_out

_KEYS = ("summary", "result", "answer", "output", "text", "message", "content")
_ASKED = re.compile(r"\(([^()?;]+?)(?:; [^()?]*)?\)\?")
_NOTE_END = re.compile(r'[.;:?"(\n](?:\s|$)?|,? (?:such as|e\.g\.|for example)\b')
_OFFER_END = "What would you like to know?"
_NO_NOUN = re.compile(r"(?:how|what|when|where|whether|which|who|if|true|false|is|are)\b", re.I)


def ask_for(parameter: Parameter) -> str:
    """Asks for what a function still needs."""
    name = spell_out(parameter.name)
    note = _NOTE_END.split(parameter.description.strip(), maxsplit=1)[0].strip(", ")
    if parameter.kind == "boolean":
        return f"Is this so: {re.sub('^True if ', '', note) or name} ({name}; yes or no)?"
    if parameter.choices:
        return f"Which is it ({name}; {' or '.join(map(str, parameter.choices))})?"
    noun = re.sub(r"^(?:the|a|an)\s+", "", note, flags=re.I)
    noun = re.sub(r"^[A-Z](?![A-Z])", lambda first: first[0].lower(), noun)
    return f"What is the {noun if noun and not _NO_NOUN.match(noun) else name} ({name})?"


def asked_for(text: str) -> list[str]:
    """Returns the names that a text asks for, if it asks as `ask` does."""
    return [match[1] for match in _ASKED.finditer(text)]


def is_open(text: str) -> bool:
    """Tells whether a text asks or refuses, so that the next question may go on from it."""
    return bool(asked_for(text)) or "Refused: " in text


def is_answer(text: str) -> bool:
    """Tells whether a text answers: it asks nothing back, refuses nothing, offers nothing."""
    return not is_open(text) and not text.endswith(_OFFER_END)


def relayed(response: Any) -> str:
    """Writes out what a function returned, and nothing else."""
    if isinstance(response, dict):
        if value := next((response[key] for key in _KEYS if response.get(key)), None):
            return relayed(value)
        if error := response.get("error") or response.get("error_message"):
            return f"That did not work: {relayed(error)}"
        return "; ".join(f"{spell_out(str(k))}: {relayed(v)}" for k, v in response.items())
    if isinstance(response, list):
        return "\n".join(map(relayed, response))
    if isinstance(response, str):
        return response.strip() or "It returned nothing."
    return json.dumps(response, ensure_ascii=False, default=str).removesuffix(".0")


def offers(options: Iterable[Option]) -> str:
    """Asks what is meant, and says what there is."""
    lines = []
    for name, description in options:
        first = re.split(r"(?<=[.])\s|\n", description.strip(), maxsplit=1)[0]
        lines.append(f"- {': '.join(filter(None, [spell_out(name).capitalize(), first]))}")
    opening = ["Nothing here fits that. This is what can be asked:"] if lines else []
    return "\n".join([*opening, *lines, _OFFER_END])


def refused(function: str, faults: Sequence[str]) -> str:
    """Says that a figure is not worked out, and which words and numbers are why."""
    return (
        f"Refused: {spell_out(function)} has no sure place for {quote_texts(*faults)}, so no "
        "figure is given. That needs a language model, which adk-flow's offline model is not."
    )


def no_prose(question: str) -> str:
    """Says that there is nothing to answer with."""
    return (
        f"Refused: there is no tool to answer {quote_texts(question)} with, and adk-flow's "
        "offline model is no language model: it relays what tools return and writes nothing itself."
    )


def remark(opening: str, things: Iterable[str], closing: str = "") -> str:
    """Says something about things, if there are any."""
    listed = ", ".join(things)
    return f"{opening} {listed}{closing}" if listed else ""


def quote_texts(*texts: str) -> str:
    """Quotes texts, each shortened to 200 characters."""
    return " ".join(f"“{one_line(text, 200)}”" for text in texts)
