"""Small steps with data that Python's library leaves to each: grouping, JSON that may be none."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any, TypeVar

_Key = TypeVar("_Key")
_Item = TypeVar("_Item")


def load_lazily(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """Makes a package's `__getattr__`: each name out of its module, which is loaded for it."""

    def load(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{modules[name]}"), name)

    return load


def group_by(items: Iterable[_Item], key: Callable[[_Item], _Key]) -> dict[_Key, list[_Item]]:
    """Groups items that have the same key, wherever they stand, in the order of appearance."""
    groups: dict[_Key, list[_Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def walk_once(
    starts: Iterable[_Item], below: Callable[[_Item], Iterable[_Item]]
) -> Iterator[_Item]:
    """Walks objects and those below them, depth first, each once by its identity."""
    waiting, seen = list(starts), set[int]()
    while waiting:
        item = waiting.pop(0)
        if id(item) not in seen:
            seen.add(id(item))
            yield item
            waiting[:0] = below(item)


def map_texts(value: Any, change: Callable[[str], Any]) -> Any:
    """Changes each text of a value made of lists and mappings, but the names in these."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {str(name): map_texts(part, change) for name, part in value.items()}
    is_list = isinstance(value, (list, tuple))
    return [map_texts(part, change) for part in value] if is_list else value


def parse_json(text: str) -> Any:
    """Reads JSON; None for what is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def object_in(text: str) -> dict[str, Any]:
    """Reads a JSON object; empty if it is none."""
    value = parse_json(text) if text.startswith("{") else None
    return value if isinstance(value, dict) else {}


def as_words(value: Any) -> str:
    """Writes a value as words: a text as it is, other values as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def digest_of(text: str, size: int) -> str:
    """Digests a text into so many bytes, in hexadecimal; what of it is no text counts as `?`."""
    return hashlib.blake2b(text.encode(errors="replace"), digest_size=size).hexdigest()
