"""A comparison as one HTML page: no network, no script, readable when printed."""

from __future__ import annotations

import functools
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from adk_flow._text import encodable, plain, plural
from adk_flow.comparison.aggregate import Comparison
from adk_flow.render.comparison_findings import group_findings
from adk_flow.render.comparison_model import KIND_MEANINGS, describe_comparison
from adk_flow.render.comparison_tables import agents_table
from adk_flow.render.report_answers import list_answers
from adk_flow.render.report_drawings import draw_comparison
from adk_flow.render.report_visibility import (
    describe_unseen_canaries,
    exposure_table,
    shared_state_table,
)
from adk_flow.render.tables import short_name


def comparison_to_html(comparison: Comparison) -> str:
    """Writes the page; everything that is not the template's own is escaped."""
    style = Path(__file__).with_name("report.css").read_text(encoding="utf-8")
    report = describe_comparison(comparison)
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            style=Markup(style),
            style_hash=b64encode(sha256(style.encode()).digest()).decode(),
            report=report,
            sections=report.sections,
            kind=comparison.kind,
            kind_meaning=KIND_MEANINGS[comparison.kind],
            setting=comparison.setting,
            is_checked=any(run.checked for run in comparison.runs),
            drawings=draw_comparison(comparison),
            exposures=exposure_table(comparison),
            unseen=describe_unseen_canaries(comparison),
            shared_state=shared_state_table(comparison),
            agents=agents_table(comparison),
            findings=group_findings(comparison),
            answers=[(name, list_answers(comparison, name)) for name in comparison.conversations],
        )
    )


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        finalize=_clean,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["breakable"] = _breakable
    environment.filters["plural"] = plural
    environment.filters["short_name"] = lambda name: _clean(short_name(name))
    return environment


def _clean(value: Any) -> Any:
    """Strips control characters and changes of writing direction from whatever is written."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return encodable(plain(value))


def _breakable(text: str) -> Markup:
    """Lets a long text break after underscores and between turns."""
    pieces = _clean(text).replace("_", "_\n").replace("→", "→\n").split("\n")
    return Markup("<wbr>").join(pieces)
