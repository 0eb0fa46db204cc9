"""The packages that a written app needs besides google-adk."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions, requires
from importlib.util import resolve_name
from types import ModuleType

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from adk_flow.wiring.source.own_code import PACKAGE
from adk_flow.wiring.source.references import is_of_app


def find_packages(sources: Iterable[str]) -> list[str]:
    """Names what sources, and those of the app that they import, need besides google-adk."""
    waiting = [name for source in sources for name in _names_imported(source)]
    seen, needed = set[str](), set[str]()
    for name in waiting:
        if name in seen:
            continue
        seen.add(name)
        module = _module(name)
        if not (module and is_of_app(module)):
            needed.update(_distributions(name))
        elif name != module.__name__:
            waiting.append(module.__name__)
        else:
            waiting += filter(None, [name.rpartition(".")[0]])  # whose __init__.py runs before
            with suppress(OSError, SyntaxError, TypeError):
                source = inspect.getsource(module)
                waiting += _names_imported(source, module.__package__ or "")
    return sorted(needed - _brought_by_adk())


def _module(name: str) -> ModuleType | None:
    """Finds the loaded module that a dotted name is, or is something of."""
    while name and name not in sys.modules:
        name = name.rpartition(".")[0]
    return sys.modules.get(name)


def _names_imported(source: str, package: str = "") -> Iterator[str]:
    for node in _walk_run(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Call):
            yield from _names_looked_up(node)
        elif isinstance(node, ast.ImportFrom) and (package or not node.level):
            module = "." * node.level + (node.module or "")
            with suppress(ImportError):  # beyond the package
                place = resolve_name(module, package) if node.level else module
                yield from (f"{place}.{alias.name}" for alias in node.names)


def _walk_run(tree: ast.AST) -> Iterator[ast.AST]:
    """Walks what may run, not what is there for a type checker."""
    waiting = [tree]
    for node in waiting:
        if not (isinstance(node, ast.If) and _last_name(node.test) == "TYPE_CHECKING"):
            yield node
            waiting += ast.iter_child_nodes(node)


def _last_name(node: ast.expr) -> str:
    return getattr(node, "attr", getattr(node, "id", ""))


def _names_looked_up(call: ast.Call) -> Iterator[str]:
    """Gives the package whose files are looked for, or that is imported by a name."""
    if _last_name(call.func) in _LOOK_UPS and call.args:
        name = getattr(call.args[0], "value", None)
        if isinstance(name, str) and not name.startswith("."):
            yield name


_LOOK_UPS = ("find_spec", "import_module", "distribution")


def _distributions(name: str) -> Sequence[str]:
    """Names the distribution of a module; of several with its first name, that with its file."""
    first = name.partition(".")[0]
    if first == PACKAGE:
        return [PACKAGE.replace("_", "-")]
    if first in sys.stdlib_module_names:
        return []
    sharing = [canonicalize_name(each) for each in dict.fromkeys(_packages().get(first, ()))]
    having = sharing
    while name and len(sharing) > 1:
        path = name.replace(".", "/")
        having = [each for each in sharing if _has(each, path)]
        name = "" if having else name.rpartition(".")[0]
    return having


def _has(distribution: str, path: str) -> bool:
    return not _files(distribution).isdisjoint([f"{path}.py", f"{path}/__init__.py"])


_packages = cache(packages_distributions)


@cache
def _files(name: str) -> frozenset[str]:
    return frozenset(file.as_posix() for file in distribution(name).files or ())


@cache
def _brought_by_adk() -> frozenset[str]:
    waiting = ["google-adk"]
    for name in waiting:
        with suppress(PackageNotFoundError):
            wanted = map(Requirement, requires(name) or ())
            names = [canonicalize_name(each.name) for each in wanted if _applies(each)]
            waiting += [each for each in dict.fromkeys(names) if each not in waiting]
    return frozenset(waiting)


def _applies(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})
