"""The house keeps its order: who imports whom, what stands flat, and which names there are."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parents[1] / "src" / "adk_flow"

LAYERS = (
    *("errors", "_data", "_text", "_adk", "log", "record", "scenario", "analysis", "inspect"),
    *("models", "run", "wiring", "comparison", "laws", "check", "export", "releases", "render"),
    *("watch", "cli"),
)
"""Each imports only from itself and from those before it."""

FLAT = {"__init__", "__main__", "errors", "_data", "_text", "_adk"}


def room_of(module: str) -> str:
    return module.removeprefix("adk_flow").lstrip(".").partition(".")[0]


def module_of(file: Path) -> str:
    parts = ("adk_flow", *file.relative_to(SRC).with_suffix("").parts)
    return ".".join(parts).removesuffix(".__init__")


@pytest.fixture(scope="module")
def trees() -> dict[str, ast.Module]:
    """What each module holds."""
    return {module_of(file): ast.parse(file.read_text()) for file in sorted(SRC.rglob("*.py"))}


def imports_of(module: str, tree: ast.AST) -> Iterator[str]:
    """Gives every module of adk_flow that is imported, wherever in the file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module}:{node.lineno}: a relative import hides its layer"
            source = node.module or ""
            yield from (f"{source}.{name.name}" for name in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            yield from (str(one.value) for one in node.args if isinstance(one, ast.Constant))


def test_a_module_imports_only_from_its_own_layer_and_those_before(trees):
    climbs = {}
    for module, tree in trees.items():
        room = room_of(module)
        if room in ("", "__main__"):
            continue  # names what others offer, and imports it late
        rooms = {room_of(name) for name in imports_of(module, tree) if is_own(name)}
        climbs[module] = rooms - {*LAYERS[: LAYERS.index(room) + 1]}

    assert len(climbs) > 200
    assert {module: rooms for module, rooms in climbs.items() if rooms} == {}


def is_own(name: str) -> bool:
    return name == "adk_flow" or name.startswith("adk_flow.")


def test_nothing_else_stands_flat():
    assert {file.stem for file in SRC.glob("*.py")} == FLAT
    folders = {folder.name for folder in SRC.iterdir() if (folder / "__init__.py").exists()}
    assert folders | (FLAT - {"__init__", "__main__"}) == set(LAYERS)


def public_names(tree: ast.Module) -> Iterator[str]:
    """Gives the public names that a module defines."""
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names = [node.name]
        elif isinstance(node, ast.Assign):
            names = [name.id for name in node.targets if isinstance(name, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names = [node.target.id]
        else:
            names = []
        yield from (name for name in names if not name.startswith("_"))


def test_a_public_name_stands_in_one_module(trees):
    places = defaultdict(list)
    for module, tree in trees.items():
        for name in set(public_names(tree)):
            places[name].append(module)

    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_no_module_shares_a_name_with_a_public_function(trees):
    modules = {module.rpartition(".")[2] for module in trees}
    functions = {
        f"{module}.{node.name}"
        for module, tree in trees.items()
        for node in tree.body
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        if node.name in modules and not node.name.startswith("_")
    }

    assert functions == set()
