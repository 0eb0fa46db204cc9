"""What was said and done so far, turn by turn, as the contents of a request show it."""

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import dropwhile, takewhile
from typing import Any

from google.genai import types

from adk_flow._data import as_words, parse_json
from adk_flow.models.request.functions import TRANSFER
from adk_flow.models.request.words import clipped, spell_out

# ADK 2.13, flows/llm_flows/context/_contents.py and _fencing.py: how it marks text that the user
# never wrote. Releases before 2 put "For context:" alone and fenced nothing.
_CONTEXT = re.compile(r"For context:(\s*$| below is a transcript of what another agent did)")
_NOT_THE_USER = ("Important: You will not receive any user replies", "Referenced inline data: ")
_INSTRUCTION = "The text between <<<BEGIN_SYSTEM_INSTRUCTION>>>"
_FENCE = re.compile(r"<<<(?:BEGIN|END)_\w+>>>\n?")
_BLANKS = re.compile(r"[^\S\n]+")
_DOING = re.compile(
    r"\[(?P<agent>[^\]]+)\] (?:(?P<said>said)|(?P<failed>failed)"
    r"|called tool `(?P<called>[^`]+)` with parameters"
    r"|`(?P<returned>[^`]+)` tool returned result): *\n?(?P<rest>.*)",
    re.S,
)


@dataclass(frozen=True)
class AgentSaid:
    """An agent said something; the name is empty for the agent whose request this is."""

    agent: str
    text: str


@dataclass(frozen=True)
class Called:
    """An agent called a function."""

    agent: str
    function: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Returned:
    """A function that an agent called returned."""

    agent: str
    function: str
    response: Any


RequestStep = AgentSaid | Called | Returned


@dataclass(frozen=True)
class RequestTurn:
    """A message of the user and what the agents did about it."""

    text: str
    steps: tuple[RequestStep, ...] = ()

    @property
    def answer(self) -> str:
        """What was last said in it."""
        return next((step.text for step in reversed(self.steps) if isinstance(step, AgentSaid)), "")

    @property
    def has_result(self) -> bool:
        """Tells whether a tool or a called agent gave something back."""
        return any(isinstance(step, Returned) and step.function != TRANSFER for step in self.steps)


def read_request_turns(contents: Sequence[types.Content]) -> tuple[RequestTurn, ...]:
    """Reads the turns, the current one last; there is always one, though its text may be empty.

    An agent that is shown no message of the user's answers to what another agent said last.
    """
    turns: list[RequestTurn] = []
    for content in contents:
        if _is_message(content):
            texts = [text for text in _of_user(content) if not _is_frameworks(text)]
            text = "\n".join(_unwrapped(text.strip()) for text in texts)
            text = clipped(_BLANKS.sub(" ", text)).strip()
            turns.append(RequestTurn(text, tuple(_doings(content))))
        elif steps := tuple(_steps(content)):
            before = turns.pop() if turns else RequestTurn("")
            turns.append(RequestTurn(before.text, (*before.steps, *steps)))
    if len(turns) == 1 and not turns[0].text:
        said = [step.text for step in turns[0].steps if isinstance(step, AgentSaid) and step.agent]
        return (RequestTurn(clipped(["", *said][-1]), turns[0].steps),)
    return tuple(turns) or (RequestTurn(""),)


def latest_steps(contents: Sequence[types.Content]) -> tuple[RequestStep, ...]:
    """Reads what was done in the current turn, and nothing of those before it."""
    return read_request_turns(_latest_turn(contents))[-1].steps


def instructions(contents: Iterable[types.Content]) -> str:
    """Returns the instructions that ADK puts among the contents beside a static instruction."""
    texts = [text for content in contents for text in _texts(content)]
    return "\n\n".join(_FENCE.sub("", text) for text in texts if text.startswith(_INSTRUCTION))


def answers_so_far(contents: Sequence[types.Content]) -> int:
    """Counts what the agent has answered in the current turn, be it words or calls."""
    return sum(content.role == "model" for content in _latest_turn(contents))


def latest_message(contents: Sequence[types.Content]) -> str:
    """Returns the latest message as it was sent, without what ADK puts beside it."""
    sent = next(filter(_is_message, reversed(contents)), None)
    texts = _of_user(sent) if sent else []
    return "\n".join(text for text in texts if not _is_frameworks(text))


def _latest_turn(contents: Sequence[types.Content]) -> Sequence[types.Content]:
    """Gives the latest message and what follows it; all, where there is none."""
    places = reversed(range(len(contents)))
    return contents[next((n for n in places if _is_message(contents[n])), 0) :]


def _of_user(content: types.Content) -> list[str]:
    return list(takewhile(lambda text: not _CONTEXT.match(text), _texts(content)))


def _is_message(content: types.Content) -> bool:
    """Tells whether the user sent it: not a result, nor what ADK puts among the contents."""
    texts = _texts(content)
    if content.role == "model" or not content.parts or _results(content):
        return False
    return not texts or (not all(map(_is_frameworks, texts)) and not _CONTEXT.match(texts[0]))


def _is_frameworks(text: str) -> bool:
    return text.startswith((*_NOT_THE_USER, _INSTRUCTION))


def _results(content: types.Content) -> int:
    """Counts results: ADK shows a summary that was skipped as a text beside one."""
    return sum(part.function_response is not None for part in content.parts or [])


def _texts(content: types.Content) -> list[str]:
    return [part.text for part in content.parts or [] if part.text and not part.thought]


def _unwrapped(text: str) -> str:
    """Writes a request that came as JSON, as task agents get it, in words."""
    values = parse_json(text) if text.startswith("{") else None
    if not isinstance(values, dict):
        return text
    if set(values) == {"request"}:
        return str(values["request"])
    return " ".join(f"The {spell_out(key)}: {as_words(value)}." for key, value in values.items())


def _steps(content: types.Content) -> Iterator[RequestStep]:
    texts, results = _texts(content), _results(content)
    said = [AgentSaid("", "".join(texts))] if texts else []
    # An agent goes on after results of which a called agent that waits for the user gave one, and
    # ADK shows the others as if it did not (2.13, tools/agent_tool.py).
    goes_on = 0 < len(texts) < results
    yield from said if goes_on else ()
    for part in content.parts or []:
        if part.function_call and part.function_call.name:
            yield Called("", part.function_call.name, dict(part.function_call.args or {}))
        elif part.function_response and part.function_response.name:
            yield Returned("", part.function_response.name, part.function_response.response)
    if content.role == "model" or results:
        yield from () if goes_on else said
    else:
        yield from _doings(content)


def _doings(content: types.Content) -> Iterator[RequestStep]:
    """Reads what other agents did, be it all that stands there or what follows a message."""
    quoted = dropwhile(lambda text: not _CONTEXT.match(text), _texts(content))
    for match in filter(None, map(_DOING.match, quoted)):
        agent, rest = match["agent"], _FENCE.sub("", match["rest"]).strip()
        if match["said"]:
            yield AgentSaid(agent, rest)
        elif match["failed"]:
            yield AgentSaid(agent, f"{spell_out(agent).capitalize()} failed: {rest}")
        elif match["returned"]:
            yield Returned(agent, match["returned"], _literal(rest))
        else:
            arguments = _literal(rest)
            yield Called(agent, match["called"], arguments if isinstance(arguments, dict) else {})


def _literal(text: str) -> Any:
    """Reads a value that ADK wrote as Python shows it, or leaves the text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
