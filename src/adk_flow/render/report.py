"""A comparison as one HTML page: no network, no script, readable when printed."""

from __future__ import annotations

import functools
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from adk_flow._text import one_line, plain
from adk_flow.comparison.aggregate import Comparison
from adk_flow.comparison.recommend import write_caveats, write_recommendation
from adk_flow.render import (
    report_crossovers,
    report_drawings,
    report_findings,
    report_tables,
    report_visibility,
)

_LONGEST_NAME = 80
"""Characters shown of a name that may come from anywhere."""


def report(comparison: Comparison) -> str:
    """Writes the report; everything that is not the template's own is escaped."""
    style, setting = _style(), comparison.setting
    drawn = report_drawings.drawn_conversation(comparison)
    longest = report_drawings.longest_conversation(comparison)
    planted = report_visibility.canaries(comparison)
    projected = report_drawings.is_projected(comparison)
    names = [one.construct for one in comparison.constructs]
    return _template().render(
        style=Markup(style),
        style_hash=b64encode(sha256(style.encode()).digest()).decode(),
        comparison=comparison,
        setting=setting,
        names=names,
        app=setting.app or next((run.app for run in comparison.runs), ""),
        recommended=write_recommendation(comparison),
        caveats=[*write_caveats(comparison), *_more_caveats(comparison)],
        checked=any(run.checked for run in comparison.runs),
        calls=[
            (one.construct, report_tables.call_row(one, comparison.conversations))
            for one in comparison.constructs
        ],
        figures=[
            (report_tables.COUNTS, report_tables.counts(comparison)),
            (report_tables.times_header(projected), report_tables.times(comparison, projected)),
        ],
        hidden=report_tables.hidden_calls(comparison),
        drawn=drawn,
        sequences=report_drawings.sequences(comparison, drawn),
        other_sequences=report_drawings.other_sequences(comparison, drawn),
        undrawn=max(0, len(comparison.conversations) - report_drawings.MOST_CONVERSATIONS),
        planted=planted,
        sight_columns=report_visibility.COLUMNS,
        matrices=[report_visibility.matrix(comparison, name, planted) for name in names],
        unseen=report_visibility.unseen_canaries(comparison),
        projected=projected,
        waterfalls=report_drawings.waterfalls(comparison, drawn),
        axes=report_crossovers.axis_tables(comparison),
        longest=longest,
        growths=report_drawings.growths(comparison, longest),
        agents=[(name, report_tables.agent_rows(comparison, name)) for name in names],
        crossings=report_visibility.crossings(comparison),
        findings=report_findings.found_kinds(comparison),
        answers=[
            (name, report_findings.answers(comparison, name)) for name in comparison.conversations
        ],
    )


def _more_caveats(comparison: Comparison) -> list[str]:
    damaged = sum(run.damaged_lines for run in comparison.runs)
    return [f"Lines of the logs that could not be read and are left out: {damaged}."] * bool(
        damaged
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
    environment.filters["named"] = _named
    return environment


def _template() -> Any:
    return _environment().get_template("report.html.j2")


def _style() -> str:
    return Path(__file__).with_name("report.css").read_text(encoding="utf-8")


def _clean(value: Any) -> Any:
    """Strips control characters and changes of writing direction from whatever is written."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return plain(value).encode(errors="replace").decode()


def _named(name: str) -> str:
    """Writes a name that may come from anywhere."""
    return _clean(one_line(name, _LONGEST_NAME) or "(no name)")


def _breakable(name: str) -> Markup:
    """Lets a long name break after its underscores."""
    pieces = _named(name).replace("_", "_\n").split("\n")
    return Markup("<wbr>").join(pieces)
