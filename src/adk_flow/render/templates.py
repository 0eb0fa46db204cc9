"""The templates of pages; everything that is not a template's own is escaped."""

from __future__ import annotations

import functools
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from adk_flow._text import encodable, plain, plural
from adk_flow.render.tables import short_name

_FOLDER = Path(__file__).parent
_LONGEST_TEXT = 100_000
"""Characters of a text that are shown; the log has all."""


class Inline(NamedTuple):
    """A style or script that stands in a page, and the hash by which its policy knows it."""

    text: Markup
    hash: str


@functools.cache
def inline(*names: str) -> Inline:
    """Reads files of this folder as one style or script."""
    text = "".join((_FOLDER / name).read_text(encoding="utf-8") for name in names)
    return Inline(Markup(text), f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'")


@functools.cache
def environment() -> Environment:
    """Gives the templates of this folder."""
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        finalize=clean,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["breakable"] = _breakable
    environment.filters["excerpt"] = _excerpt
    environment.filters["plural"] = plural
    environment.filters["short_name"] = lambda name: clean(short_name(name))
    return environment


def template(name: str) -> Template:
    """Gives the template of a page, or of a part of one."""
    return environment().get_template(f"{name}.html.j2")


def clean(value: Any) -> Any:
    """Strips control characters and changes of writing direction from whatever is written."""
    is_text = isinstance(value, str) and not isinstance(value, Markup)
    return encodable(plain(value)) if is_text else value


def _excerpt(text: str) -> str:
    """Cuts a text that no browser would lay out, and says so."""
    more = len(text) - _LONGEST_TEXT
    return f"{text[:_LONGEST_TEXT]}… (and {more:,} more characters)" if more > 0 else text


def _breakable(text: str) -> Markup:
    """Lets a long text break after underscores and between turns."""
    pieces = clean(text).replace("_", "_\n").replace("→", "→\n").split("\n")
    return Markup("<wbr>").join(pieces)
