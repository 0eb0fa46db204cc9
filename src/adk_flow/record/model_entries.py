"""Entries into models, seen where they happen: ADK has no hook for many of them.

Compaction's summarizer, a consulted model, each attempt of a fallback and a model that a plugin
asks in ADK's place pass every hook (2.13: apps/llm_event_summarizer.py,
tools/model_consult/_advisor.py, models/_fallback_model.py). All of them enter a `BaseLlm`.
"""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_response import LlmResponse

from adk_flow.errors import passes_on
from adk_flow.record.threads import carried, value_here

if TYPE_CHECKING:
    from adk_flow.record.scenes import Scene

_METHOD = "generate_content_async"


class Entry:
    """One entry into a model, as far as it went."""

    def __init__(self, model: Any, scenes: list[Scene], request: object = None) -> None:
        self.model = model
        self.scenes = scenes
        self._began = time.perf_counter_ns()
        self.has_left = False
        self.took = 0
        """Microseconds until it ended."""
        self.name = getattr(model, "model", "")
        self.node = "" if all(scene.activation for scene in scenes) else _node_around()
        """The node of a graph in which it was entered, of which no hook tells."""
        self.kind = "summarizer" if any(scene.sums_up() for scene in scenes) else ""
        """`summarizer` if ADK sums a session up by it, `connection` if a live one makes it."""
        if not self.kind and any(scene.connects() for scene in scenes):
            self.kind = "connection"
        self.version = ""
        """The model that answered, as its provider names it."""
        self.usage: Any = None
        """Latest usage that was reported; None if there was none."""
        self.error: BaseException | None = None
        self.is_wrapper = False
        """Whether it asked another model, whose entries count in its place."""
        self.base: Entry | None = None
        """The latest that its model made by its base class's method."""
        self.has_answered = False
        for scene in scenes:
            scene.entered(self, request)

    def read(self, response: Any) -> None:
        """Takes over what a response reports, for a base class as its heir gives it."""
        self.has_answered = True
        if self.base is not None:
            self.base.read(response)
            return
        self.usage = getattr(response, "usage_metadata", None) or self.usage
        self.version = getattr(response, "model_version", None) or self.version
        if not self.is_wrapper:
            for scene in self.scenes:
                scene.yielded(self)

    def leave(self) -> None:
        """Tells, once, that the model gave all that it will give."""
        if self.has_left:
            return
        self.has_left = True
        self.took = (time.perf_counter_ns() - self._began) // 1000
        if not self.is_wrapper:
            for scene in self.scenes:
                scene.left(self)


def _node_around() -> str:
    frame = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_name == "_run_impl":
            # ADK's class is not imported for it: that takes as long as all of its graphs.
            node: Any = frame.f_locals.get("self")
            is_node = any(kind.__name__ == "BaseNode" for kind in type(node).__mro__)
            return node.name if is_node else ""
        frame = frame.f_back
    return ""


_NOWHERE: Mapping[int, Scene] = MappingProxyType({})
scenes: ContextVar[Mapping[int, Scene]] = carried(ContextVar("adk_flow_scenes", default=_NOWHERE))
"""Where models are entered in this context, by recorder; each is told of the entries."""

_current: ContextVar[Entry | None] = carried(ContextVar("adk_flow_entry", default=None))
_watched: set[type[BaseLlm]] = set()


def watch_models() -> None:
    """Watches every class of models: those that are loaded, and others once they are made."""
    if _watched:
        return
    kinds = [BaseLlm]
    for kind in kinds:  # which grows
        kinds += kind.__subclasses__()
        _watch(kind)
    setattr(BaseLlm, "__init_subclass__", classmethod(_watch_new))  # noqa: B010 - pyright allows no assignment to a method


def _watch(kind: type[BaseLlm]) -> None:
    if kind not in _watched:
        _watched.add(kind)
        if kind is not BaseLlm and _METHOD in vars(kind):
            setattr(kind, _METHOD, as_entry(vars(kind)[_METHOD]))


def _watch_new(kind: type[BaseLlm], **options: Any) -> None:
    super(BaseLlm, kind).__init_subclass__(**options)
    _watch(kind)


def _following() -> list[Scene]:
    return [scene for scene in value_here(scenes).values() if scene.follows()]


def entry_past_adk(model: Any) -> Entry | None:
    """Begins an entry that no model of ADK's makes; None within one, and where nobody listens."""
    following = [] if value_here(_current) else _following()
    return Entry(model, following) if following else None


def as_entry(method: Callable[..., AsyncGenerator[LlmResponse, None]]) -> Callable[..., Any]:
    """Has those who listen hear of each entry into a method of a model."""

    @functools.wraps(method)
    @passes_on
    def entered(model: BaseLlm, *args: Any, **named: Any) -> AsyncGenerator[LlmResponse, None]:
        stream, following = method(model, *args, **named), _following()
        if not following:
            return stream
        request = args[0] if args else named.get("llm_request")
        return _Answers(Entry(model, following, request), stream)

    return entered


class _Answers(AsyncGenerator[LlmResponse, None]):
    """A model's stream that tells its entry what it gives, and its end.

    No generator, because one that nobody reads to its end ends only when the event loop comes to
    it: ADK's summarizer leaves its model's stream so (2.13, apps/llm_event_summarizer.py).
    """

    def __init__(self, entry: Entry, stream: AsyncGenerator[LlmResponse, None]) -> None:
        self._entry, self._stream = entry, stream
        self._has_begun = False
        """Whether anybody read of it; before that no model is asked."""

    async def asend(self, value: None) -> LlmResponse:
        response = await self._run(anext(self._stream))  # it may be an iterator that ADK can read
        self._entry.read(response)
        return response

    async def athrow(self, *error: Any) -> LlmResponse:
        return await self._run(self._stream.athrow(*error))

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._leave()

    def __del__(self) -> None:
        self._leave()

    def _leave(self) -> None:
        if self._has_begun:
            self._entry.leave()

    async def _run(self, step: Awaitable[LlmResponse]) -> LlmResponse:
        """Takes a step while the entry is the current one of its context."""
        outer, entry = _current.get(), self._entry
        if not self._has_begun and outer is not None:
            outer.is_wrapper = True
            outer.base = entry if outer.model is entry.model else None
        self._has_begun, token = True, _current.set(entry)
        try:
            return await step
        except BaseException as error:
            if not isinstance(error, StopAsyncIteration):
                self._entry.error = error
            self._entry.leave()
            raise
        finally:
            _current.reset(token)
