"""Models that tools and callbacks ask by Google's own client, past ADK: entries of their own."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from inspect import iscoroutinefunction
from types import SimpleNamespace
from typing import Any

from google.genai.models import AsyncModels, Models

from adk_flow.errors import passes_on
from adk_flow.record.model_entries import Entry, entry_past_adk

_ASKING = ("_generate_content", "_generate_content_stream", "_generate_images")
"""Each is one request: the public methods may ask several times over, as for functions that they
call by themselves (google-genai 2.34, models.py)."""


_watched: set[type] = set()


def watch_client() -> None:
    """Watches the client's requests of models, as far as this release has them."""
    for client in {Models, AsyncModels} - _watched:
        _watched.add(client)
        for name in _ASKING:
            if method := vars(client).get(name):
                setattr(client, name, _as_entry(method, name.endswith("_stream")))


def _as_entry(method: Callable[..., Any], is_stream: bool) -> Callable[..., Any]:
    @functools.wraps(method)
    @passes_on
    def asked(client: Any, *args: Any, **named: Any) -> Any:
        entry = entry_past_adk(SimpleNamespace(model=str(named.get("model", ""))))
        if entry is None:
            return method(client, *args, **named)
        asking = functools.partial(method, client, *args, **named)
        if is_stream:
            return _opened(entry, asking()) if is_async else _read(entry, asking())
        return _awaited(entry, asking) if is_async else _answered(entry, asking)

    is_async = iscoroutinefunction(method)
    return asked


@contextmanager
def _under_way(entry: Entry) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        entry.error = error
        raise
    finally:
        entry.leave()


@passes_on
def _answered(entry: Entry, asking: Callable[[], Any]) -> Any:
    with _under_way(entry):
        answer = asking()
        entry.read(answer)
        return answer


async def _awaited(entry: Entry, asking: Callable[[], Any]) -> Any:
    with _under_way(entry):
        answer = await asking()
        entry.read(answer)
        return answer


def _read(entry: Entry, stream: Iterator[Any]) -> Iterator[Any]:
    with _under_way(entry):
        for chunk in stream:
            entry.read(chunk)
            yield chunk


async def _opened(entry: Entry, opening: Any) -> AsyncIterator[Any]:
    try:
        return _aread(entry, await opening)
    except Exception as error:
        entry.error = error
        entry.leave()
        raise


async def _aread(entry: Entry, stream: AsyncIterator[Any]) -> AsyncIterator[Any]:
    with _under_way(entry):
        async for chunk in stream:
            entry.read(chunk)
            yield chunk
