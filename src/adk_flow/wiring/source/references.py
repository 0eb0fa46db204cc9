"""How a value of a loaded app can be named in a file of its own: by an import, or from an agent."""

from __future__ import annotations

import ast
import inspect
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

from google.adk.apps import App

from adk_flow._adk import BaseNode
from adk_flow.wiring.source.imports import public_module
from adk_flow.wiring.source.own_code import PACKAGE, names_defined_by

_LONG = 40
"""Characters from which on a text is looked for among the app's constants."""
_PLAIN = (str, int, float, bytes, bool, type(None))
_APART = (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))


class Origin(NamedTuple):
    """Where a value stands."""

    module: str
    name: str
    rest: str = ""
    """How to come from there to the value: `.sub_agents[0].planner`."""

    def then(self, rest: str) -> Origin:
        """Gives the place of what the value holds."""
        return self._replace(rest=self.rest + rest)


class References:
    """The values that an app's modules and agents hold."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._objects: dict[int, Origin] = {}
        self._texts: dict[str, Origin] = {}
        for module in filter(is_of_app, list(sys.modules.values())):
            for name, value in _values(module):
                self._note(module.__name__, name, value)
        self._paths = dict(self._walk())

    def find(self, value: Any) -> Origin | None:
        """Finds what a module holds by this very object, or a long text by its words."""
        if isinstance(value, str):
            return self._texts.get(value)
        if place := _defined(value):
            return place
        if place := self._objects.get(id(value)):
            return place
        if inspect.ismethod(value) and (owner := self.find(value.__self__)):
            return owner.then(f".{value.__name__}")
        home = type(value).__module__
        if home.startswith("google.adk."):  # such as `google_search`
            names = vars(sys.modules[home]).items()
            name = next((name for name, other in names if other is value), "")
            return Origin(_public(home, name), name) if name else None
        return None

    def reach(self, value: Any) -> Origin | None:
        """Finds an object that an agent or the app holds."""
        return self.find(value) or self._paths.get(id(value))

    def _note(self, module: str, name: str, value: Any) -> None:
        if isinstance(value, str):
            if len(value) >= _LONG:
                self._texts.setdefault(value, Origin(module, name))
        elif not isinstance(value, _PLAIN):
            self._objects.setdefault(id(value), Origin(module, name))

    def _walk(self) -> Iterator[tuple[int, Origin]]:
        """Walks what the app and its agents hold, from the outside in."""
        waiting: list[tuple[Any, Origin | None]] = [(self._app, None)]
        seen: set[int] = set()
        for value, reached in waiting:
            place = self.find(value) or reached
            if id(value) in seen or isinstance(value, _PLAIN):
                continue
            seen.add(id(value))
            if place:
                yield id(value), place
            waiting += [(part, place and place.then(rest)) for rest, part in _parts(value)]


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    """Gives what an agent, a tool or a list holds, and how to come to it."""
    if isinstance(value, (App, BaseNode)):
        for name in type(value).model_fields:
            if name not in ("parent_agent", "graph"):
                yield f".{name}", getattr(value, name)
    elif isinstance(value, (list, tuple)):
        yield from ((f"[{number}]", part) for number, part in enumerate(value))
    elif isinstance(value, dict):
        yield from ((f"[{key!r}]", part) for key, part in value.items() if isinstance(key, str))
    else:
        for name in ("agent", "node"):  # of an AgentTool, a NodeTool
            if isinstance(node := getattr(value, name, None), BaseNode):
                yield f".{name}", node


def is_of_app(module: ModuleType) -> bool:
    """Whether a module is the app's: neither Python's nor installed, nor adk-flow's."""
    file = getattr(module, "__file__", None) or ""
    is_apart = file.startswith(_APART) or "site-packages" in file
    others = (PACKAGE, "__main__")
    return bool(file) and not is_apart and module.__name__.partition(".")[0] not in others


def _values(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Gives what a module assigns; what it imports stands in another."""
    with suppress(OSError, SyntaxError, TypeError):
        for name in _names_assigned(inspect.getsource(module)):
            if hasattr(module, name):
                yield name, getattr(module, name)


@cache
def _names_assigned(source: str) -> list[str]:
    """Reads a module once, for however many constructs the app is written."""
    nodes = (n for n in ast.parse(source).body if not isinstance(n, (ast.Import, ast.ImportFrom)))
    return [name for node in nodes for name in names_defined_by(node)]


def _public(module: str, name: str) -> str:
    return public_module(module, name) if module.startswith("google.") else module


def _defined(value: Any) -> Origin | None:
    """Finds a function or class by the name under which it was defined."""
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if not (isinstance(module, str) and isinstance(name, str) and module in sys.modules):
        return None
    definition: Any = sys.modules[module]
    for part in name.split("."):
        definition = getattr(definition, part, None)
    first, _, rest = name.partition(".")
    if definition is not value or module == "__main__":
        return None
    return Origin(_public(module, first), first, f".{rest}" if rest else "")
