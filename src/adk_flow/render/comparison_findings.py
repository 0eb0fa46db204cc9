"""The findings of a comparison by kind, each with the places that prove it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from adk_flow.analysis.findings import KINDS, Finding
from adk_flow.analysis.run_metrics import RunMetrics
from adk_flow.comparison.aggregate import Comparison
from adk_flow.render.tables import Cell, Column, Table, TableRow, short_name

_MOST_PLACES, _MOST_FINDINGS, _MOST_RECORDS = 3, 20, 12
"""How much is listed: places of a finding, findings of a kind under a construct, records."""

EXPLANATIONS = {
    "ping_pong": "Two agents handed the turn to and fro.",
    "dead_end": "An agent took the turn over and could hand it on to nobody.",
    "unexpected_holder": "The user's next message goes to another agent than the one who answered.",
    "unclosed_frame": "An agent ran without ADK ever calling its after_agent callbacks.",
    "hidden_conversation": "Calls and tokens were paid for that ADK's session does not show.",
    "needless_series": "Calls waited for each other though nothing forced them to.",
    "lost_state_write": "Concurrent agents wrote the same state key, so one write is lost.",
    "hallucinated_name": "A model asked for an agent or a tool that does not exist.",
    "unrelayed_answer": "A called agent answered, and the user did not get the answer.",
    "leak": "An agent was shown what is not for it.",
}


class FindingGroup(NamedTuple):
    """The findings of a kind."""

    kind: str
    name: str
    explanation: str
    level: str
    times: int
    constructs: list[tuple[str, int]]
    table: Table
    """Each finding once, with its places."""
    left_out: int
    """Findings that are not listed."""


def findings_table(comparison: Comparison) -> Table:
    """Counts findings by kind, with the constructs that have them."""
    columns = [Column("level"), Column("total"), Column("by construct")]
    rows = []
    for group in group_findings(comparison):
        constructs = ", ".join(f"{name} {count}" for name, count in group.constructs)
        rows.append(
            TableRow(group.name, [Cell(group.level), Cell(str(group.times)), Cell(constructs)])
        )
    return Table("finding", columns, rows, is_prose=True)


def group_findings(comparison: Comparison) -> list[FindingGroup]:
    """Groups findings by kind, serious kinds first, a repeated finding once."""
    groups: dict[str, list[tuple[RunMetrics, Finding]]] = {}
    order = [figures.construct for figures in comparison.constructs]
    for run in sorted(comparison.runs, key=lambda run: order.index(run.construct)):
        for finding in run.findings:
            groups.setdefault(finding.kind, []).append((run, finding))
    made = [_group(kind, findings) for kind, findings in groups.items()]
    return sorted(made, key=lambda group: (group.level != "serious", _rank(group.kind)))


def _rank(kind: str) -> int:
    return KINDS.index(kind) if kind in KINDS else len(KINDS)


def _group(kind: str, findings: Sequence[tuple[RunMetrics, Finding]]) -> FindingGroup:
    places: dict[tuple[str, str], list[str]] = {}
    for run, finding in findings:
        places.setdefault((run.construct, finding.text), []).append(_place(run, finding))
    listed: Counter[str] = Counter()
    rows, left_out = [], 0
    for (construct, text), of_finding in places.items():
        listed[construct] += 1
        if listed[construct] > _MOST_FINDINGS:
            left_out += len(of_finding)
        else:
            rows.append(TableRow(short_name(construct), _cells(text, of_finding)))
    constructs = Counter(short_name(run.construct) for run, _ in findings)
    columns = [Column("finding"), Column("times"), Column("where")]
    return FindingGroup(
        kind,
        name=kind.replace("_", " "),
        explanation=EXPLANATIONS.get(kind, ""),
        level="serious" if any(one.level == "serious" for _, one in findings) else "notice",
        times=len(findings),
        constructs=list(constructs.items()),
        table=Table("construct", columns, rows, is_prose=True),
        left_out=left_out,
    )


def _cells(text: str, places: Sequence[str]) -> list[Cell]:
    more = len(places) - _MOST_PLACES
    where = [*places[:_MOST_PLACES], *([f"and {more} more"] if more > 0 else [])]
    return [Cell(text), Cell(str(len(places))), Cell(where[0], notes=where[1:])]


def _place(run: RunMetrics, finding: Finding) -> str:
    """Names conversation, turn, records and log."""
    trial = f" trial {run.trial}" if run.trial > 1 else ""
    records = ", ".join(map(str, finding.records[:_MOST_RECORDS]))
    more = ", …" if len(finding.records) > _MOST_RECORDS else ""
    return (
        f"{short_name(run.conversation)}{trial}, turn {finding.turn or 'unknown'}, "
        f"record{'' if len(finding.records) == 1 else 's'} {records}{more}, {run.log or 'no log'}"
    )
