"""The functions of adk-flow that a construct needs, with all that they use, as source."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from functools import cache
from importlib import import_module

from adk_flow.wiring.copies import WiringError
from adk_flow.wiring.source.imports import Imports

PACKAGE = "adk_flow"


class OwnCode:
    """Definitions, each after those that it uses."""

    def __init__(self) -> None:
        self._imports = Imports()
        self._imports.use("__future__", "annotations")
        self._places: dict[str, str] = {}
        self._pieces: list[str] = []

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def add(self, module: str, name: str) -> str:
        """Takes a definition over, and those that it uses; gives its name.

        Raises:
          WiringError: something of its name is there already, of another module.
        """
        if (place := self._places.setdefault(name, "")) == module:
            return name
        if place:
            raise WiringError(f"{name} is of both {place} and {module}")
        definitions = _definitions(module)
        self._places.update(dict.fromkeys(names_defined_by(definitions[name]), module))
        nodes = (node for node in ast.walk(definitions[name]) if isinstance(node, ast.Name))
        for used in dict.fromkeys(node.id for node in nodes):
            if used in definitions:
                self._use(module, used, definitions[used])
        self._pieces.append(_text_of(module, name))
        return name

    def _use(self, module: str, name: str, node: ast.stmt) -> None:
        if isinstance(node, ast.Import):
            self._imports.use(node.names[0].name, alias=name)
        elif not isinstance(node, ast.ImportFrom):
            self.add(module, name)
        elif (source := node.module or "").startswith(PACKAGE):
            self.add(source, name)
        else:
            self._imports.use(source, name)

    def text(self) -> str:
        """Writes the module."""
        return "\n\n\n".join(["\n".join(self._imports.lines()), *self._pieces]) + "\n"


@cache
def _definitions(module: str) -> dict[str, ast.stmt]:
    """Finds the statement that defines each name of a module."""
    found: dict[str, ast.stmt] = {}
    for node in ast.parse(inspect.getsource(import_module(module))).body:
        found.update((name, node) for name in names_defined_by(node))
    return found


def names_defined_by(node: ast.stmt) -> Iterator[str]:
    """Gives the names that a statement at the top of a module gives something."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, (ast.Assign, ast.AnnAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = (part for target in targets for part in ast.walk(target))
        yield from (name.id for name in names if isinstance(name, ast.Name))


def _text_of(module: str, name: str) -> str:
    """Gives a definition's lines, with what says what it is below."""
    body = ast.parse(inspect.getsource(import_module(module))).body
    lines = inspect.getsource(import_module(module)).splitlines()
    place = next(n for n, node in enumerate(body) if name in names_defined_by(node))
    node, following = body[place], body[place + 1 : place + 2]
    decorators = getattr(node, "decorator_list", ())
    first = min(each.lineno for each in (node, *decorators))
    is_said = following and isinstance(following[0], ast.Expr)
    last = following[0] if is_said and isinstance(node, (ast.Assign, ast.AnnAssign)) else node
    return "\n".join(lines[first - 1 : last.end_lineno])
