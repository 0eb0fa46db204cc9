"""The house keeps its order: who imports whom, what stands flat, and which names there are."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parents[1] / "src" / "adk_flow"

LAYERS = (
    *("errors", "_text", "_adk", "log", "record", "scenario", "analysis", "inspect", "models"),
    *("run", "wiring", "comparison", "check", "export", "releases", "render", "cli"),
)
"""Each imports only from itself and from those before it."""

FLAT = {"__init__", "__main__", "errors", "_text", "_adk"}


def room_of(module: str) -> str:
    return module.removeprefix("adk_flow").lstrip(".").partition(".")[0]


def module_of(file: Path) -> str:
    parts = ("adk_flow", *file.relative_to(SRC).with_suffix("").parts)
    return ".".join(parts).removesuffix(".__init__")


FILES = {module_of(file): file for file in sorted(SRC.rglob("*.py"))}
TREES = {module: ast.parse(file.read_text()) for module, file in FILES.items()}


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


@pytest.mark.parametrize("module", FILES)
def test_a_module_imports_only_from_its_own_layer_and_those_before(module):
    room = room_of(module)
    if room in ("", "__main__"):
        return  # names what others offer, and imports it late
    allowed = LAYERS[: LAYERS.index(room) + 1]
    rooms = {room_of(name) for name in imports_of(module, TREES[module]) if is_own(name)}

    assert rooms <= set(allowed), f"{module} imports {rooms - set(allowed)}"


def is_own(name: str) -> bool:
    return name == "adk_flow" or name.startswith("adk_flow.")


def test_nothing_else_stands_flat():
    assert {file.stem for file in SRC.glob("*.py")} == FLAT
    folders = {folder.name for folder in SRC.iterdir() if (folder / "__init__.py").exists()}
    assert folders | (FLAT - {"__init__", "__main__"}) == set(LAYERS)
