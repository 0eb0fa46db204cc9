"""An app under a construct as the files of a folder that `adk run` runs."""

import re
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from difflib import unified_diff
from importlib.metadata import version
from typing import NamedTuple

from google.adk.apps import App

from adk_flow._text import join_names
from adk_flow.wiring.constructs import MEANINGS
from adk_flow.wiring.copies import WiringError
from adk_flow.wiring.source.arguments import fields_of
from adk_flow.wiring.source.layout import call_of, lay_out, listing, literal
from adk_flow.wiring.source.own_code import PACKAGE
from adk_flow.wiring.source.packages import find_packages
from adk_flow.wiring.source.references import is_of_app
from adk_flow.wiring.source.writer import SourceWriter, Statement

AGENTS_FILE, NODES_FILE = "agent.py", "nodes.py"
_LONG = 200
"""Characters of a text from which on it is written once."""
_OF_NODES = "Functions of the graph: adk-flow's (Apache-2.0), to be changed as you like."


class WrittenApp(NamedTuple):
    """An app as source."""

    files: dict[str, str]
    """By name, that of the agents first."""
    notes: list[str]
    """What its user has to know besides, a sentence each."""


def write_app(
    app: App,
    wired: App,
    construct: str,
    *,
    name: str = "",
    changes: Sequence[str] = (),
    modules: str = "",
) -> WrittenApp:
    """Writes an app under a construct.

    Args:
      app: the app as it was loaded.
      wired: the same under the construct.
      construct: its name.
      name: the new app's; by default the construct's.
      changes: what is different besides the wiring, a clause each.
      modules: the folder of the app's own modules, seen from the new one; empty if that is beside
        the app.

    Raises:
      WiringError: something of the app can be neither written nor imported, also by its name.
    """
    try:
        writer = SourceWriter(app, _repeated(app, wired))
        statements = [*_statements(writer, wired, name or construct)]
    except WiringError as error:
        raise WiringError(f"{construct}: {error}") from None
    nodes = writer.own_code.text() if writer.own_code else ""
    imports = [*writer.imports.lines()]
    packages = find_packages(["\n".join(imports), nodes])
    about = _about(app.name, construct, changes, packages)
    places = _own_places(writer) if name else []
    if name in places:
        raise WiringError(f"{name} is a module of the app, which another of that name would hide")
    search = _search(modules) if places else ()
    body = "\n\n".join(statement.text for statement in statements)
    files = {AGENTS_FILE: "\n".join([f'"""{about}\n"""', "", *search, *imports, "", body, ""])}
    if nodes:
        files[NODES_FILE] = f'"""{_OF_NODES}"""\n\n{nodes}'
    besides = [f"besides the wiring, {change}" for change in changes]
    return WrittenApp(files, [*besides, *_notes(writer, packages, places, modules)])


def _repeated(app: App, wired: App) -> list[str]:
    """Finds the long texts that several agents have."""
    writer = SourceWriter(app)
    deque(_statements(writer, wired, ""), maxlen=0)
    return [text for text, times in writer.texts.items() if times > 1 and len(text) > _LONG]


def wiring_diff(app: App, wired: App, construct: str) -> list[str]:
    """Says what another construct changes in the code of an app's agents, as a diff's lines.

    Raises:
      WiringError: something of the app can be neither written nor imported.
    """
    old, new = SourceWriter(app), SourceWriter(app)
    before = {each.subject: each.text for each in _statements(old, app, construct)}
    after = [*_statements(new, wired, construct)]
    lines = [line for line in new.imports.lines() if line not in old.imports.lines()]
    changed = [f"+{line}" for line in lines if line]
    for subject, text in after:
        changed += _changed(before.get(subject, ""), text)
    gone = [text for subject, text in before.items() if subject not in {each[0] for each in after}]
    return [*changed, *(f"-{text.splitlines()[0]} …" for text in gone)]


def _changed(before: str, after: str) -> list[str]:
    """Gives the lines in which a statement differs, behind its first line."""
    diff = unified_diff(before.strip().splitlines(), after.strip().splitlines(), n=0, lineterm="")
    lines = [line for line in diff if not line.startswith(("---", "+++", "@@"))]
    first = after.partition("\n")[0]
    is_shown = not lines or lines[0][1:] == before.strip().partition("\n")[0] or not before
    return lines if is_shown else [f" {first}", *lines]


def _statements(writer: SourceWriter, wired: App, name: str) -> Iterator[Statement]:
    if wired.root_agent is not None:
        writer.assign(wired.root_agent, "root_agent")
    fields = {field: value for field, value in fields_of(wired) if field not in _OWN_OF_APP}
    own = [plugin for plugin in wired.plugins if type(plugin).__module__.startswith(PACKAGE)]
    writer.left_out.update((f"the plugin {type(plugin).__name__}", True) for plugin in own)
    plugins = [plugin for plugin in wired.plugins if plugin not in own]
    written = {field: writer.write(value) for field, value in fields.items()}
    if plugins:
        written["plugins"] = listing(map(writer.write, plugins))
    yield from writer.statements
    if written:
        kind = writer.imports.use("google.adk.apps", "App")
        named = {"name": literal(name), "root_agent": "root_agent"}
        yield Statement("", lay_out(call_of(kind, **named, **written), "app = "))


_OWN_OF_APP = ("name", "root_agent", "plugins")


def _about(name: str, construct: str, changes: Sequence[str], packages: Sequence[str]) -> str:
    needed = [f"google-adk {version('google-adk')}", *packages]
    lines = [
        f"{name} under {construct}.",
        "",
        MEANINGS.get(construct, "The agents as they are wired."),
        "",
        f"Written by adk-flow for {join_names(needed)}.",
        *(f"Besides the wiring, {change}." for change in changes),
    ]
    # Names come from anywhere.
    return re.sub(r'[\\"]|[^\x20-\x7e\n]', "?", "\n".join(lines))


def _own_places(writer: SourceWriter) -> list[str]:
    """Names the app's own modules and packages, by their first names."""
    modules = filter(None, map(sys.modules.get, writer.imports.modules()))
    names = (module.__name__.partition(".")[0] for module in modules if is_of_app(module))
    return [*dict.fromkeys(names)]


def _search(modules: str) -> Iterator[str]:
    """Has modules looked for in a folder first, as ADK does (2.13, cli/utils/agent_loader.py)."""
    if modules:
        yield from ("import sys", "from pathlib import Path", "")
        yield f"sys.path.insert(0, str(Path(__file__).parent / {modules!r}))"
        yield ""


def _notes(
    writer: SourceWriter, packages: Sequence[str], places: Sequence[str], modules: str
) -> Iterator[str]:
    for what in writer.left_out:
        yield f"{what} is left out, as it is adk-flow's"
    if places:
        where = modules or "the folder that it is in"
        yield f"it imports {join_names(places)} from {where}: move them together or not at all"
    if packages:
        yield f"it needs more than google-adk: pip install {' '.join(packages)}"
