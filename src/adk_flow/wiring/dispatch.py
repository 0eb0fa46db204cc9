"""What a lead answers by a schema, checked before anybody acts on it."""

import json
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from google.adk.agents.callback_context import CallbackContext
from google.adk.agents.llm_agent import LlmAgent
from google.adk.models.llm_response import LlmResponse
from google.adk.utils._schema_utils import validate_schema
from google.genai import types

LONGEST = 2_000
_SHOWN, _SHOWN_AGAIN = 120, 4_000
"""Characters of what was wrong: to whoever reads the error, and to the model."""
_MOST_NAMED = 3
UNKNOWN_FUNCTION = "no answer, but a call of a function that there is not: "


class DispatchError(RuntimeError):
    """A dispatch that was refused again after it had been repaired."""


class MergeError(RuntimeError):
    """A merge that is a call of a function, where a lead has none."""


class Guardrail(NamedTuple):
    """What a sub-goal must not be."""

    longest: int = LONGEST
    """Characters."""
    forbidden: Sequence[str] = ()
    """Patterns that it must not hold, in any case."""


GUARDRAIL = Guardrail()


def schema_of_sub_goals(
    descriptions: Mapping[str, str], required: Collection[str]
) -> dict[str, Any]:
    """Makes the response schema of sub-goals by child, of whom some must have one."""
    return {
        "title": "Dispatch",
        "type": "object",
        "properties": {
            name: {"type": "string", "description": description}
            | ({"pattern": r"\S"} if name in required else {})
            for name, description in descriptions.items()
        },
        "required": [*required],
    }


def fault_of(
    answer: Any, names: Sequence[str], required: Collection[str], guardrail: Guardrail
) -> str:
    """Says what is wrong with a dispatch; empty if nothing is."""
    if not isinstance(answer, dict):
        if isinstance(answer, str) and (twice := named_twice(answer)):
            return f"it names {_shown(twice)} twice"
        return f"it is no JSON object: {_shown(answer)}"
    if missing := [name for name in required if name not in answer]:
        return f"it has no sub-goal for {', '.join(missing)}"
    if unknown := [name for name in answer if name not in names]:
        named = ", ".join(map(_shown, unknown[:_MOST_NAMED]))
        return f"it names {named}; there are only {', '.join(names)}"
    for name, sub_goal in answer.items():
        if fault := _fault_of_sub_goal(sub_goal, guardrail, may_be_empty=name not in required):
            return f"the sub-goal of {name} {fault}"
    return ""


def _fault_of_sub_goal(sub_goal: Any, guardrail: Guardrail, *, may_be_empty: bool) -> str:
    if may_be_empty and not sub_goal:
        return ""
    if not isinstance(sub_goal, str):
        return f"is no string: {_shown(sub_goal)}"
    if not sub_goal.strip():
        return "is empty"
    if len(sub_goal) > guardrail.longest:
        return f"has {len(sub_goal):,} characters; {guardrail.longest:,} are allowed"
    for pattern in guardrail.forbidden:
        if match := re.search(pattern, sub_goal, re.IGNORECASE):
            return f"holds {_shown(match[0])}, which is forbidden"
    return ""


def named_twice(text: str) -> str:
    """Finds a key that an object in a JSON text has twice, of which `json` would keep the last."""
    keys: list[str] = []

    def read(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        counted = Counter(key for key, _ in pairs)
        keys.extend(key for key, times in counted.items() if times > 1)
        return dict(pairs)

    try:
        json.loads(text[text.index("{") : text.rindex("}") + 1], object_pairs_hook=read)
    except (ValueError, RecursionError):
        return ""
    return next(iter(keys), "")


def asking_again(asked: Sequence[types.Part], answer: Any, fault: str) -> types.Content:
    """Writes what was asked with what was wrong with the answer to it."""
    refused = f"Your answer to this was refused: {fault}. It was: {_shown(answer, _SHOWN_AGAIN)}"
    return types.UserContent([*asked, types.Part(text=f"{refused}\nAnswer again.")])


def checked_answers(agent: LlmAgent) -> list[Any]:
    """Gives an agent's after_model_callbacks, with those that leave its answer to be checked."""
    return [*agent.canonical_after_model_callbacks, drop_calls, write_as_json]


def write_as_json(callback_context: CallbackContext, llm_response: LlmResponse) -> None:
    """Makes a JSON string of an answer that ADK would not take for JSON, or takes half of.

    It would end the run on the one before anybody could say what is wrong (2.13, _schema_utils.py),
    and of two values under the same key drop the first.
    """
    content = llm_response.content
    if llm_response.partial or content is None or not content.parts:
        return
    text = "".join(part.text or "" for part in content.parts if not part.thought)
    try:
        validate_schema({}, text)
        is_whole = not named_twice(text)
    except (ValueError, RecursionError):
        is_whole = False
    if not is_whole:
        content.parts = [types.Part(text=json.dumps(text, ensure_ascii=False))]


def drop_calls(callback_context: CallbackContext, llm_response: LlmResponse) -> None:
    """Drops calls of functions by an agent that has none, and says so if it said nothing else.

    ADK would answer them that there is no such function, and ask the model again without an end
    (2.13, flows/llm_flows/functions.py).
    """
    content = llm_response.content
    if llm_response.partial or content is None or not content.parts:
        return
    called = [part.function_call.name or "" for part in content.parts if part.function_call]
    if not called:
        return
    content.parts = [part for part in content.parts if not part.function_call]
    if not any((part.text or "").strip() for part in content.parts if not part.thought):
        content.parts = [types.Part(text=f"{UNKNOWN_FUNCTION}{', '.join(called)}")]


def refuse_calls(callback_context: CallbackContext, llm_response: LlmResponse) -> None:
    """Refuses, by a MergeError, an answer of which `drop_calls` has left nothing."""
    parts = (llm_response.content and llm_response.content.parts) or []
    for text in (part.text or "" for part in parts):
        if text.startswith(UNKNOWN_FUNCTION):
            raise MergeError(f"{callback_context.agent_name}'s merge was refused: {text}")


def _shown(value: Any, most: int = _SHOWN) -> str:
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= most else f"{text[:most]}…"
