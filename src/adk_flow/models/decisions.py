"""A model that does what a file says, agent by agent and request by request (docs/decisions.md)."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from google.adk.apps import App
from google.adk.models.llm_request import LlmRequest
from pydantic import PrivateAttr

from adk_flow._text import one_line
from adk_flow.errors import AdkFlowError
from adk_flow.models.override import override_models
from adk_flow.models.recordings import RecordedStep, read_recording
from adk_flow.models.request.turns import answers_so_far, read_request_turns
from adk_flow.models.scripted import Scripted, ScriptError, call, transfer
from adk_flow.scenario.yaml_file import read_document

MOST_QUOTED = 80
"""Characters of a request that an error repeats."""


class DecisionError(AdkFlowError, ScriptError):
    """A file of decisions that cannot be used, or a run that did not go as it says."""


class DecidedCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A function call."""

    name: str
    arguments: dict[str, Any] = {}


class DecidedStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a model does in one call: words, function calls, a transfer, or a fault."""

    text: str = ""
    calls: list[DecidedCall] = []
    transfer: str = ""
    error: str = ""

    @property
    def decision(self) -> Any:
        """The step as `Scripted` takes it; None if it says nothing."""
        if self.error:
            return None if self.text or self.calls or self.transfer else RuntimeError(self.error)
        calls = [call(step.name, **step.arguments) for step in self.calls]
        handover = [transfer(self.transfer)] if self.transfer else []
        return [*([self.text] if self.text else []), *calls, *handover] or None


class DecidedRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an agent does about one request."""

    agent: str
    steps: list[DecidedStep]
    request: str = ""
    """The words that it answers; empty for any."""


class DecisionFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of decisions."""

    decisions: list[DecidedRequest]
    about: str = ""


@dataclass
class _Part:
    """An entry of the file, and how far it has been played."""

    line: int
    agent: str
    request: str
    decisions: list[Any]
    taken: int = 0

    @property
    def left(self) -> int:
        return len(self.decisions) - self.taken


class Decided(Scripted):
    """Answers each request with the next step that the file lays down for its agent and words.

    Where several entries have the same agent and words, as when an agent is called twice at once,
    a request goes on with the one that has come as far as its own turn has.
    """

    model: str = "decisions"
    path: str = ""
    answered: str = ""
    """The words by which the user answered a pause, which no request shows."""
    _parts: list[_Part] = PrivateAttr(default_factory=list)

    def _next(self, request: LlmRequest) -> Any:
        agent = (request.config.labels or {}).get("adk_agent_name", "")
        asked = _plain(read_request_turns(request.contents)[-1].text)
        own = [part for part in self._parts if part.agent == agent]
        requests = [asked, "", *([_plain(self.answered)] if self.answered else [])]
        fitting = [part for request in requests for part in own if part.request == request]
        left = [part for part in fitting if part.left]
        if not left:
            who = f"{agent or 'an agent without a name'}, asked {_quoted(asked)}"
            if not fitting:
                raise DecisionError(f"{self.path}: nothing is laid down for {who}")
            place = f"{self.path}: line {fitting[-1].line}"
            raise DecisionError(f"{place}: {who}, came for one step more than are laid down")
        far = answers_so_far(request.contents)
        part = next((part for part in left if part.taken == far), left[0])
        part.taken += 1
        return part.decisions[part.taken - 1]

    def finish(self) -> None:
        """Checks that every step was asked for; the DecisionError names lines and agents."""
        left = [
            f"line {part.line}: {part.agent}, asked {_quoted(part.request)}: {part.left} of "
            f"{len(part.decisions)}"
            for part in self._parts
            if part.left
        ]
        if left:
            raise DecisionError(f"{self.path}: steps that nobody asked for: {'; '.join(left)}")


def read_decisions(path: str | Path) -> Decided:
    """Makes a model of a file of decisions, in YAML or JSON, or of a recording of ADK's.

    Raises:
      AdkFlowError: the file cannot be read or does not fit; the text names its line and field.
    """
    document = read_document(path, "decisions")
    recording = read_recording(document)
    model = Decided(path=str(path))
    if recording is not None:
        model._parts += _recorded(path, recording)
        return model
    entries = document.converted(DecisionFile).decisions
    if not entries:
        raise document.refused((), "decisions is empty")
    for number, entry in enumerate(entries):
        place, steps = ("decisions", number), [step.decision for step in entry.steps]
        if not steps:
            line = document.line(*place, "steps")
            raise AdkFlowError(f"{path}: line {line}: decisions[{number}].steps is empty")
        if None in steps:
            expected = "expected text, calls or transfer, or else error alone"
            raise document.refused((*place, "steps", steps.index(None)), expected)
        part = _Part(document.line(*place), entry.agent, _plain(entry.request), steps)
        model._parts.append(part)
    return model


def _recorded(path: str | Path, recording: list[RecordedStep]) -> Iterable[_Part]:
    """Has each agent do in order what it did when it was recorded."""
    if not recording:
        raise AdkFlowError(f"{path}: holds no answer of a model")
    parts: dict[str, _Part] = {}
    for step in recording:
        part = parts.setdefault(step.agent, _Part(step.line, step.agent, "", []))
        part.decisions.append([*([step.text] if step.text else []), *step.calls])
    return parts.values()


def decided(app: App, path: str | Path) -> tuple[App, Decided]:
    """Copies an app so that all its agents ask the model of a file, however it is wired.

    Raises:
      AdkFlowError: the file cannot be used.
    """
    model = read_decisions(path)
    return override_models(app, model), model


def _plain(text: str) -> str:
    return " ".join(text.split())


def _quoted(text: str) -> str:
    return f"“{one_line(text, MOST_QUOTED)}”" if text else "anything"
