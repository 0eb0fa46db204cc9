"""The functions of adk-flow that a construct needs, with all that they use, as source."""

import ast
import inspect
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from itertools import zip_longest

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
        """Takes a definition over with all that it uses; gives its name, which only it has.

        Raises:
          WiringError: something of its name is there already, of another module.
        """
        if (place := self._places.setdefault(name, "")) == module:
            return name
        if place:
            raise WiringError(f"{name} is of both {place} and {module}")
        definitions = _definitions(module)
        definition, text = definitions[name]
        self._places.update(dict.fromkeys(names_defined_by(definition), module))
        nodes = (node for node in ast.walk(definition) if isinstance(node, ast.Name))
        for used in dict.fromkeys(node.id for node in nodes):
            if used in definitions:
                self._use(module, used, definitions[used][0])
        self._pieces.append(text)
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
def _definitions(module: str) -> dict[str, tuple[ast.stmt, str]]:
    """Finds what defines each name of a module, and its lines, with what says what it is below."""
    source = inspect.getsource(import_module(module))
    lines, body = source.splitlines(), ast.parse(source).body
    definitions: dict[str, tuple[ast.stmt, str]] = {}
    for node, following in zip_longest(body, body[1:]):
        first = min(each.lineno for each in (node, *getattr(node, "decorator_list", ())))
        is_said = isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(following, ast.Expr)
        text = "\n".join(lines[first - 1 : (following if is_said else node).end_lineno])
        definitions.update((name, (node, text)) for name in names_defined_by(node))
    return definitions


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
