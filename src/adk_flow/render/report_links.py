"""Where what a report says is proved: on the pages of its runs, which lie beside it."""

from __future__ import annotations

from adk_flow.analysis.run_metrics import RunMetrics
from adk_flow.comparison.store import Trial, page_name, safe_name
from adk_flow.render.tables import short_name


def runs_of(construct: str) -> str:
    """Names the place in the report that lists a construct's runs."""
    return f"runs-{safe_name(short_name(construct))}"


def link_to(run: RunMetrics, turn: int = 0, record: int = -1) -> str:
    """Links to a run, to a turn of it, or to a record; empty for a run that has no page."""
    page = page_name(Trial(run.construct, run.conversation, run.trial))
    place = [f"turn-{turn}"] * (turn > 0) + [f"record-{record}"] * (record >= 0)
    return page and "#".join(filter(None, (page, "/".join(place))))
