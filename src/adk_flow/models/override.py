"""One model in the place of every other that ADK would ask, while a conversation is held."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from contextvars import ContextVar
from functools import wraps
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple

from google.adk.agents.llm_agent import LlmAgent
from google.adk.models.base_llm import BaseLlm
from google.genai.models import AsyncModels, Models


class Given(NamedTuple):
    """The model that a conversation is held with."""

    model: BaseLlm
    own: Mapping[str, str]
    """The model that each agent was written for, by the agent's name."""

    def holds(self, model: BaseLlm) -> bool:
        """Whether a model is the given one, or one that it asks itself."""
        return any(one is model for one in _parts(self.model))


class _Here(NamedTuple):
    """A conversation that is held, and what with; None where each agent has its own model."""

    given: Given | None
    thread: int
    asked: set[str]


class _Change:
    """A change of the process that lasts while anybody wants it."""

    def __init__(self, make: Callable[[ExitStack], None]) -> None:
        self._make = make
        self._wanted = 0
        self._undo = ExitStack()

    @contextmanager
    def wanted(self) -> Iterator[None]:
        """Makes the change for the first that wants it; the last undoes it."""
        with _lock:
            if not self._wanted:
                self._make(self._undo)
            self._wanted += 1
        try:
            yield
        finally:
            with _lock:
                self._wanted -= 1
                if not self._wanted:
                    self._undo.close()


_here: ContextVar[_Here | None] = ContextVar("adk_flow_model", default=None)
_lock = threading.RLock()
_held: list[_Here] = []


@contextmanager
def only(given: Given | None) -> Iterator[set[str]]:
    """Has ADK ask the given model whatever is named, within this task and what it starts.

    That includes agents on Runners that nobody told of the recorder, and models that are asked
    without an agent. Other conversations of the process keep theirs. Gives the names of models
    that are asked all the same: all of them if none is given, else those that code asks without
    ADK, by Google's client.
    """
    here = _Here(given, threading.get_ident(), set())
    token = _here.set(here)
    try:
        with _ADK.wanted(), _ENVIRONMENT.wanted() if given else nullcontext(), _listed(here):
            yield here.asked
    finally:
        _here.reset(token)


@contextmanager
def _listed(here: _Here) -> Iterator[None]:
    with _lock:
        _held.append(here)
    try:
        yield
    finally:
        with _lock:
            _held[:] = [one for one in _held if one is not here]


def _conversation() -> _Here | None:
    """Finds the conversation for which something is asked."""
    if here := _here.get():
        return here
    # A thread that the app starts itself, unlike one of ADK's, does not know for whom it works.
    with _lock:
        is_foreign = threading.get_ident() not in {one.thread for one in _held}
        return _held[-1] if _held and is_foreign else None


def _given_here() -> Given | None:
    here = _conversation()
    return here.given if here else None


def _change_environment(undo: ExitStack) -> None:
    # Google's built-in tools refuse other models than Gemini (2.13, google_search_tool.py); the
    # given ones pass them over.
    name = "ADK_DISABLE_GEMINI_MODEL_ID_CHECK"
    if name not in os.environ:
        os.environ[name] = "true"
        undo.callback(os.environ.pop, name, None)


_ASKING = {"generate_content", "generate_content_stream", "generate_images"}
"""Methods of Google's client that ask a model."""


def _change_adk(undo: ExitStack) -> None:
    # Agents ask for their model by this; their log then names the model that answers.
    resolve = LlmAgent.__dict__["canonical_model"].fget
    _replace(undo, LlmAgent, "canonical_model", property(_given_or(resolve)))
    # Summarizers and tools hold a model without an agent. A model's class may be imported later,
    # so the base class is changed, and not the method of each.
    _replace(undo, BaseLlm, "__getattribute__", _attribute)
    for module in _transfer_modules():
        _replace(undo, module, _CHECK, _for_own_model(vars(module)[_CHECK]))
    for client in (Models, AsyncModels):
        for name in _ASKING & vars(client).keys():
            _replace(undo, client, name, _noted(getattr(client, name)))


def _replace(undo: ExitStack, owner: Any, name: str, value: Any) -> None:
    if name in vars(owner):
        undo.callback(setattr, owner, name, vars(owner)[name])
    else:
        undo.callback(delattr, owner, name)
    setattr(owner, name, value)


def _noted(method: Callable[..., Any]) -> Callable[..., Any]:
    """Lets a method of Google's client note its model where another was given."""

    @wraps(method)
    def noted(client: Any, *args: Any, **named: Any) -> Any:
        here = _conversation()
        if here and here.given:
            here.asked.add(str(named.get("model")))
        return method(client, *args, **named)

    return noted


def _given_or(resolve: Callable[[LlmAgent], BaseLlm]) -> Callable[[LlmAgent], BaseLlm]:
    def canonical_model(agent: LlmAgent) -> BaseLlm:
        given = _given_here()
        return given.model if given else resolve(agent)

    return canonical_model


def _attribute(model: BaseLlm, name: str) -> Any:
    """Looks up an attribute of any model; that which asks it is the given model's."""
    here = _conversation() if name == "generate_content_async" else None
    if here and here.given is None:
        here.asked.add(object.__getattribute__(model, "model"))
    elif here and here.given and not here.given.holds(model):
        return here.given.model.generate_content_async
    return object.__getattribute__(model, name)


_CHECK = "_get_incompatible_builtin_tool_error"


def _transfer_modules() -> Iterator[ModuleType]:
    """Finds where ADK checks whether an agent with a search tool may transfer, if it does."""
    for name in ("extensions._agent_transfer", "agent_transfer"):
        try:
            module = import_module(f"google.adk.flows.llm_flows.{name}")
        except ImportError:
            continue
        if getattr(vars(module).get(_CHECK), "__module__", "") == module.__name__:
            yield module


def _for_own_model(check: Callable[..., str | None]) -> Callable[..., str | None]:
    """Lets ADK refuse what it would under the model that the agent was written for."""

    def checked(agent: Any, model: str | None = None) -> str | None:
        given = _given_here()
        return check(agent, given.own.get(agent.name, model) if given else model)

    return checked


def _parts(model: BaseLlm) -> Iterator[BaseLlm]:
    yield model
    for value in list(vars(model).values()):
        if isinstance(value, BaseLlm):
            yield from _parts(value)


_ADK = _Change(_change_adk)
_ENVIRONMENT = _Change(_change_environment)
