"""A comparison as one HTML page: no network, readable without its script and when printed."""

from __future__ import annotations

from adk_flow.comparison.aggregate import Comparison
from adk_flow.comparison.recommend import find_recommended
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
from adk_flow.render.templates import environment, inline


def comparison_to_html(comparison: Comparison) -> str:
    """Writes the page; everything that is not the template's own is escaped."""
    report = describe_comparison(comparison)
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            style=inline("drawing.css", "report.css"),
            script=inline("report.js"),
            comparison=comparison,
            recommended=find_recommended(comparison),
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
