"""Files that people write: YAML (or JSON, which YAML contains) of a given shape, with its lines."""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
import yaml

from adk_flow._text import suggest
from adk_flow.errors import AdkFlowError

T = TypeVar("T")

MOST_BYTES = 10_000_000
"""Of a file that people write."""
MOST_VALUES = 1_000_000
"""That a file may hold once its aliases are replaced: nine lines can stand for billions."""
MOST_DIGITS = 400

_MERGE = "tag:yaml.org,2002:merge"
"""What `<<` is, which may stand twice: nothing of the first is lost."""

_NAMES = ("tag:yaml.org,2002:str", _MERGE)
"""What a key of a field may be."""

_A_KEY = "key` in `"
"""How msgspec's path begins if a key of the mapping is meant."""

_A_NUMBER = re.compile("Expected `(?:float|int).*, got `str`")

_TYPES = {"array": "a list", "bool": "true or false", "float": "a number", "int": "a whole number"}
_TYPES |= {"null": "nothing", "object": "names with values", "str": "text"}
"""What msgspec's types are to somebody who writes YAML."""

_UNKNOWN = re.compile(r"unknown field `(.+)`")


_HINT = "indent alike, by spaces, and quote text that holds any of : ? , [ {"
"""What most often is wrong where YAML cannot be read."""


class Document(NamedTuple):
    """A file as read."""

    path: str
    root: yaml.Node
    data: Any

    def line(self, *keys: str | int) -> int:
        """Returns the line of a field, or of the nearest one around it that is there."""
        return self._node(keys).start_mark.line + 1

    def _node(self, keys: Sequence[str | int]) -> yaml.Node:
        node = self.root
        for key in keys:
            if isinstance(node, yaml.MappingNode):
                pairs = [value for name, value in node.value if name.value == key]
                node = pairs[0] if pairs else node
            elif isinstance(node, yaml.SequenceNode) and isinstance(key, int):
                node = node.value[key] if key < len(node.value) else node
        return node

    def converted(self, shape: type[T]) -> T:
        """Checks the file against a shape.

        Raises:
          AdkFlowError: it does not fit; the text names file, line and field.
        """
        try:
            return msgspec.convert(self.data, shape)
        except msgspec.ValidationError as error:
            located = self._located(str(error))
            unknown, (_, parts) = _UNKNOWN.search(located), msgspec.json.schema_components([shape])
            fields = [name for part in parts.values() for name in part.get("properties", ())]
            meant = suggest(unknown[1], fields) if unknown else ""
            raise AdkFlowError(f"{self.path}: {located}{meant}") from error

    def by_name(self, shape: type[T]) -> dict[str, T]:
        """Checks a file that says something of each of several names, as `converted` does."""
        if not (isinstance(self.root, yaml.MappingNode) and self.data):
            raise self.refused((), "expected names with what is said of them")
        nodes = {key.value: value for key, value in self.root.value}
        return {
            str(name): Document(self.path, nodes.get(str(name), self.root), value).converted(shape)
            for name, value in self.data.items()
        }

    def refused(self, place: Sequence[str | int], reason: str) -> AdkFlowError:
        """Says what is wrong at a place of the file."""
        field = f"{field_of(place)}: " if place else ""
        return AdkFlowError(f"{self.path}: line {self.line(*place)}: {field}{reason}")

    def _located(self, message: str) -> str:
        """Turns msgspec's path (`$.turns[0].say`) into a line of the file."""
        reason, _, path = message.partition(" - at `")
        of_key, path = path.startswith(_A_KEY), path.removeprefix(_A_KEY)
        keys = [key or int(index) for key, index in re.findall(r"\.(\w+)|\[(\d+)\]", path)]
        place, line = path.strip("`$."), self.line(*keys)
        if of_key and (wrong := next(self._keys(keys, lambda key: key.tag not in _NAMES), None)):
            line, reason = wrong.start_mark.line + 1, f"{wrong.value} is no name of a field"
        elif unknown := _UNKNOWN.search(reason):
            named = self._keys(keys, lambda key: key.value == unknown[1])
            line = next((key.start_mark.line + 1 for key in named), line)
        elif _A_NUMBER.match(reason) and re.match(
            r"[-+]?[.\d]+e", str(self._node(keys).value), re.I
        ):
            reason += f": {self._node(keys).value[:40]} is text to YAML; write out its digits"
        words = reason.replace("Object contains ", "").replace("Expected", "expected").split("`")
        quoted = [each.split(" | ") for each in words[1::2]]
        words[1::2] = [" or ".join(_TYPES.get(n, f"`{n}`") for n in names) for names in quoted]
        return f"line {line}: {f'{place}: ' if place else ''}{''.join(words)}"

    def _keys(
        self, place: Sequence[str | int], matches: Callable[[yaml.Node], bool]
    ) -> Iterator[yaml.Node]:
        """Gives the keys of a mapping that match."""
        node = self._node(place)
        if isinstance(node, yaml.MappingNode):
            yield from (key for key, _ in node.value if matches(key))


def field_of(place: Sequence[str | int]) -> str:
    """Writes a place in a file, such as `turns[1].llm_calls`."""
    path = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in place)
    return path.lstrip(".")


def read_document(path: str | Path, expected: str) -> Document:
    """Reads a file.

    Raises:
      AdkFlowError: it cannot be read, is no YAML, holds nothing of what was expected, or holds a
        key twice.
    """
    text = ""
    try:
        with Path(path).open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise AdkFlowError(f"{path}: has over {MOST_BYTES:,} bytes; expected {expected}")
        text = content.decode()
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if root is not None:
            _count_values(root)
        data = yaml.safe_load(text)
    except RecursionError as error:
        raise AdkFlowError(f"{path}: is nested too deeply; expected {expected}") from error
    except OSError as error:
        raise AdkFlowError(f"{path}: cannot be read: {error.strerror or error}") from error
    except yaml.MarkedYAMLError as error:
        place = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise AdkFlowError(f"{path}: {place}no YAML: {error.problem or error}; {_HINT}") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        reason = f"character U+{error.character:04X} cannot stand in YAML; save the file as UTF-8"
        raise AdkFlowError(f"{path}: line {line}: {reason}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise AdkFlowError(f"{path}: line {line}: is not UTF-8; save the file as UTF-8") from error
    except (yaml.YAMLError, ValueError) as error:
        reason = str(error)
        has_place = reason.startswith("line ")
        raise AdkFlowError(f"{path}: {reason if has_place else f'no YAML: {reason}'}") from error
    if root is None:
        raise AdkFlowError(f"{path}: is empty; expected {expected}")
    if repeated := next(_repeated(root), ""):
        raise AdkFlowError(f"{path}: {repeated}")
    return Document(str(path), root, data)


def _count_values(node: yaml.Node, known: dict[int, int] | None = None) -> int:
    """Counts the values of a document, those behind aliases each time that they stand for.

    Raises:
      ValueError: an alias stands for what it is in, there are too many values, or one is a number
        that takes long to read: to YAML `1:59:59` is one.
    """
    known = {} if known is None else known
    place = f"line {node.start_mark.line + 1}"
    if node.tag.endswith((":int", ":float")) and len(node.value) > MOST_DIGITS:
        raise ValueError(f"{place}: a number has over {MOST_DIGITS} digits")
    if id(node) not in known:
        known[id(node)] = -1
        parts = node.value if isinstance(node, yaml.CollectionNode) else ()
        pairs = (part if isinstance(part, tuple) else (part,) for part in parts)
        known[id(node)] = 1 + sum(_count_values(part, known) for pair in pairs for part in pair)
    if known[id(node)] < 0:
        raise ValueError(f"{place}: an alias stands for what it is itself a part of")
    if known[id(node)] > MOST_VALUES:
        raise ValueError(f"{place}: aliases stand for over {MOST_VALUES:,} values")
    return known[id(node)]


def _repeated(root: yaml.Node) -> Iterator[str]:
    """Tells of keys that stand in a mapping twice, of which YAML would keep the last."""
    # Keys are one if their values are: 1 and 0x1. The file was read, so that each has a value.
    value_of = yaml.constructor.SafeConstructor().construct_object
    nodes, met = [root], set()
    for node in nodes:
        if id(node) in met:  # by an alias
            continue
        met.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            nodes += node.value
        elif isinstance(node, yaml.MappingNode):
            nodes += [value for _, value in node.value]
            lines: dict[Any, int] = {}
            for key in (key for key, _ in node.value if key.tag != _MERGE):
                line, value = key.start_mark.line + 1, value_of(key)
                if value in lines:
                    yield f"line {line}: {key.value!r} stands twice, first on line {lines[value]}"
                lines.setdefault(value, line)
