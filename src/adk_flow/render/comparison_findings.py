"""The findings of a comparison by kind, each with the places that prove it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from adk_flow.analysis.findings import KINDS, Finding
from adk_flow.analysis.run_metrics import RunMetrics
from adk_flow.comparison.aggregate import Comparison
from adk_flow.render.tables import Cell, Column, Row, Table, short_name

_MOST_PLACES, _MOST_FINDINGS = 3, 20
"""How much is listed: places of a finding, findings of a kind under a construct."""

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


class Place(NamedTuple):
    """Where a finding can be looked up."""

    conversation: str
    trial: int
    turn: int
    records: str
    log: str


class RepeatedFinding(NamedTuple):
    """A finding, with how often a construct had it."""

    construct: str
    text: str
    times: int
    places: list[Place]


class FindingGroup(NamedTuple):
    """The findings of a kind."""

    kind: str
    name: str
    explanation: str
    level: str
    times: int
    constructs: list[tuple[str, int]]
    findings: list[RepeatedFinding]
    left_out: int
    """Findings that are not listed."""


def findings_table(comparison: Comparison) -> Table:
    """Counts findings by kind, with the constructs that have them."""
    columns = [Column("level"), Column("total"), Column("by construct")]
    rows = []
    for group in group_findings(comparison):
        constructs = ", ".join(f"{name} {count}" for name, count in group.constructs)
        rows.append(Row(group.name, [Cell(group.level), Cell(str(group.times)), Cell(constructs)]))
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
    repeated = _repeated(findings)
    counts: Counter[str] = Counter()
    listed = []
    for finding in repeated:
        counts[finding.construct] += 1
        if counts[finding.construct] <= _MOST_FINDINGS:
            listed.append(finding)
    constructs = Counter(short_name(run.construct) for run, _ in findings)
    return FindingGroup(
        kind,
        name=kind.replace("_", " "),
        explanation=EXPLANATIONS.get(kind, ""),
        level="serious" if any(one.level == "serious" for _, one in findings) else "notice",
        times=len(findings),
        constructs=list(constructs.items()),
        findings=listed,
        left_out=len(findings) - sum(finding.times for finding in listed),
    )


def _repeated(findings: Sequence[tuple[RunMetrics, Finding]]) -> list[RepeatedFinding]:
    places: dict[tuple[str, str], list[Place]] = {}
    for run, finding in findings:
        records = _indices(finding.records)
        place = Place(run.conversation, run.trial, finding.turn, records, run.log)
        places.setdefault((run.construct, finding.text), []).append(place)
    return [
        RepeatedFinding(short_name(construct), text, len(all_places), all_places[:_MOST_PLACES])
        for (construct, text), all_places in places.items()
    ]


def _indices(records: Sequence[int], most: int = 12) -> str:
    shown = ", ".join(map(str, records[:most])) + (", …" if len(records) > most else "")
    return f"record{'' if len(records) == 1 else 's'} {shown}"
