"""The import lines of a Python file, and the names that it has given out."""

import builtins
import keyword
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import import_module
from typing import Any

from adk_flow._data import group_by
from adk_flow.wiring.source.layout import WIDTH, lay_out, listing


class Imports:
    """What a file imports, each under a name of its own."""

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        """Takes names that stand for something else."""
        self._taken = {*keyword.kwlist, *dir(builtins), *reserved}
        self._names: dict[tuple[str, str], str] = {}

    def name(self, preferred: str) -> str:
        """Gives out a name that nothing else has."""
        name, number = preferred, 1
        while name in self._taken:
            number += 1
            name = f"{preferred}_{number}"
        self._taken.add(name)
        return name

    def use(self, module: str, name: str = "", alias: str = "") -> str:
        """Imports a name of a module, or the module; gives the name that it goes by here."""
        key = (module, name)
        if key not in self._names:
            self._names[key] = self.name(alias or name or module)
        return self._names[key]

    def modules(self) -> list[str]:
        """Names the modules."""
        return sorted({module for module, _ in self._names})

    def lines(self) -> Iterator[str]:
        """Writes the lines: Python's own modules, others, relative ones last."""
        names = sorted((module, name, alias) for (module, name), alias in self._names.items())
        modules = group_by(names, lambda name: name[0])
        order = {name: (_group(name), bool(names[0][1]), name) for name, names in modules.items()}
        last = None
        for module in sorted(modules, key=order.__getitem__):
            if last not in (None, _group(module)):
                yield ""
            last = _group(module)
            yield from _lines(module, [name[1:] for name in modules[module]])


def _lines(module: str, names: list[tuple[str, str]]) -> Iterator[str]:
    parts = [_as(name, alias) for name, alias in names if name]
    if len(parts) < len(names):
        yield f"import {_as(module, names[0][1])}"
    if parts:
        before = f"from {module} import "
        line = f"{before}{', '.join(parts)}"
        yield line if len(line) <= WIDTH else lay_out(listing(parts, "(", ")"), before)


def _as(name: str, alias: str) -> str:
    return name if name == alias else f"{name} as {alias}"


def _group(module: str) -> int:
    first = module.partition(".")[0]
    if first == "__future__":
        return 0
    return 1 if first in sys.stdlib_module_names else 2 + (not first)


@cache
def public_module(module: str, name: str) -> str:
    """Finds the package by which a name of a library is meant to be imported."""
    value = getattr(import_module(module), name)
    parts = module.split(".")
    for length in range(3, len(parts)):
        package = ".".join(parts[:length])
        if _offers(package, name, value):
            return package
    return module


def _offers(package: str, name: str, value: Any) -> bool:
    try:
        return getattr(import_module(package), name, None) is value
    except ImportError:  # of an extra that is not installed
        return False
