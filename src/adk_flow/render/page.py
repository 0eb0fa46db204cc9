"""The page of flows: one template and one script, in one file or served."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from adk_flow.analysis.critical_path import Schedule
from adk_flow.analysis.findings import Finding
from adk_flow.analysis.run_metrics import RunMetrics
from adk_flow.analysis.trace import Trace
from adk_flow.render.flow_text import list_findings
from adk_flow.render.page_details import Details
from adk_flow.render.page_pieces import SessionPieces
from adk_flow.render.templates import fill_template, inline


def run_to_html(trace: Trace, run: RunMetrics) -> str:
    """Writes the page of a run that was measured, with its findings and its projected times."""
    return trace_to_html(trace, run.findings, run.schedules if run.pace else ())


def trace_to_html(
    trace: Trace, findings: Sequence[Finding] | None = None, projected: Sequence[Schedule] = ()
) -> str:
    """Writes the page of one trace, which loads nothing, with its findings or those given.

    Its turns are projected to the default pace, where no schedules of theirs are given.
    """
    findings = list_findings(trace) if findings is None else findings
    details = Details(trace, findings)
    drawn = [(index, details.draw(index)) for index in range(len(trace.log.records))]
    pieces = SessionPieces(projected).draw(trace, findings)
    return page_to_html(pieces.values(), details=drawn)


def page_to_html(
    pieces: Iterable[str],
    rows: Iterable[str] = (),
    *,
    base: str = "",
    details: Iterable[tuple[int, str]] = (),
    unread: int = 0,
    more: int = 0,
) -> str:
    """Puts a page together of pieces that are HTML already; everything else is escaped.

    `base` is the path below which more is served, empty for a page that is one file. Of sessions
    it has `rows`; `unread` logs are not among them, of which `more` asks for so many next.
    """
    return fill_template(
        "page",
        style=inline("shared.css", "page.css"),
        script=inline("page.js"),
        policy=policy(is_served=bool(base)),
        base=base,
        pieces=list(pieces),
        rows=rows,
        details=details,
        unread=unread,
        more=more,
    )


def policy(*, is_served: bool) -> str:
    """Gives the page's Content-Security-Policy: its own style and script, and nothing else."""
    style, script = inline("shared.css", "page.css"), inline("page.js")
    connect = "; connect-src 'self'" if is_served else ""
    return (
        f"default-src 'none'; style-src {style.hash}; script-src {script.hash}; img-src data:; "
        f"base-uri 'none'; form-action 'none'{connect}"
    )
