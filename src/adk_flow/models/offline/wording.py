"""What the offline model says in its own words, and how it knows its own questions again."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from adk_flow.models.offline.likeness import Option
from adk_flow.models.offline.words import readable
from adk_flow.models.request.functions import Parameter

NOTHING = "It returned nothing."
LONGEST_QUOTE = 200
"""Characters of the user's words that are repeated."""

FAILED = "That did not work:"
BEYOND = "This needs a language model:"

_SUMMARY_KEYS = ("summary", "result", "answer", "output", "text", "message", "content")
_ERROR_KEYS = ("error", "error_message")
_ASKED = re.compile(
    r"(?:What is the|Is this so:|Which) (.+?)(?: do you mean: [^?]*| \(yes or no\))?\?"
)


def ask(missing: Sequence[Parameter]) -> str:
    """Asks for what a function still needs."""
    return " ".join(_ask_one(parameter) for parameter in missing)


def _ask_one(parameter: Parameter) -> str:
    label = parameter.label.replace("?", "")
    if parameter.choices:
        choices = " or ".join(str(choice) for choice in parameter.choices)
        return f"Which {label} do you mean: {choices}?"
    if parameter.kind == "boolean":
        return f"Is this so: {label} (yes or no)?"
    return f"What is the {label}?"


def asked(text: str) -> list[str]:
    """Returns the labels that a text asks for, if it asks as `ask` does."""
    return [match[1] for match in _ASKED.finditer(text)]


def labelled(label: str, value: str) -> str:
    """Writes down what was given for a label, in the way `arguments.fill` reads it."""
    return f"The {label}: {value.strip().rstrip('.')}."


def relayed(response: Any) -> str:
    """Writes out what a function returned, and nothing else."""
    if isinstance(response, dict):
        for key in (*_SUMMARY_KEYS, *_ERROR_KEYS):
            if response.get(key) not in (None, ""):
                told = relayed(response[key])
                return f"{FAILED} {told}" if key in _ERROR_KEYS else told
        pairs = (f"{readable(str(key))}: {_plain(value)}" for key, value in response.items())
        return "; ".join(pairs) or NOTHING
    if isinstance(response, list):
        return "\n".join(relayed(one) for one in response) or NOTHING
    return _plain(response) or NOTHING


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        return str(value)


def offers(options: Iterable[Option]) -> str:
    """Asks what is meant, and says what there is."""
    listed = [f"- {_offer(option)}" for option in options]
    if not listed:
        return "What would you like to know?"
    opening = "Nothing here fits that. This is what can be asked:"
    return "\n".join([opening, *listed, "What would you like to know?"])


def _offer(option: Option) -> str:
    name = readable(option.name).capitalize()
    first = re.split(r"(?<=[.])\s|\n", option.description.strip(), maxsplit=1)[0]
    return f"{name}: {first}" if first else name


def unfit(parts: Sequence[str]) -> str:
    """Says which parts of the question nothing here answers."""
    return f"Not answered, as nothing here fits it: {_listed(parts)}" if parts else ""


def waiting(parts: Sequence[str]) -> str:
    """Says which parts of the question come after the answer to a question back."""
    return f"After that I go on to: {_listed(parts)}" if parts else ""


def no_prose(question: str) -> str:
    """Says that there is nothing to answer with."""
    return (
        f"I was asked {_listed([question])} but have no tool to answer it with, and adk-flow's "
        "offline model is no language model: it relays what tools return and writes nothing itself."
    )


def beyond(reason: str) -> str:
    """Says that a sum is not one of those that can be read, and what could not be."""
    return (
        f"{BEYOND} adk-flow's offline model only works out sums that are written out, and "
        f"quantities at prices each, plus charges. Here it could not make out {reason}."
    )


def is_failure(text: str) -> bool:
    """Tells whether an answer says that there is no result."""
    return text.startswith((FAILED, BEYOND))


def _listed(parts: Iterable[str]) -> str:
    return " ".join(f"“{_shortened(part)}”" for part in parts)


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE].rstrip()}…"
