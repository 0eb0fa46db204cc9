"""The page of flows: one template and one script, in one file or served."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from adk_flow.analysis.findings import Finding
from adk_flow.analysis.run_metrics import RunMetrics
from adk_flow.analysis.trace import Trace
from adk_flow.render.flow_text import list_findings
from adk_flow.render.page_details import Details
from adk_flow.render.page_pieces import SessionPieces
from adk_flow.render.templates import inline, template


def trace_to_html(
    trace: Trace, run: RunMetrics | None = None, findings: Sequence[Finding] | None = None
) -> str:
    """Writes the page of one trace, which loads nothing.

    A run that was measured has its findings and projected times; else findings are those given, or
    what is found, and turns are projected to the default pace.
    """
    if findings is None:
        findings = run.findings if run else list_findings(trace)
    projected = run.schedules if run and run.pace else ()
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
    return template("page").render(
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
