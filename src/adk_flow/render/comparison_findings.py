"""The findings of a comparison by kind, each with the places that prove it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import starmap
from typing import NamedTuple

from adk_flow._data import group_by
from adk_flow.analysis.findings import KINDS, Finding
from adk_flow.analysis.findings.finding import MAST_MODES
from adk_flow.analysis.run_metrics import RunMetrics
from adk_flow.comparison.aggregate import Comparison
from adk_flow.render.report_links import link_to
from adk_flow.render.tables import Cell, Column, Table, TableRow, short_name, word_table

_MOST_PLACES, _MOST_FINDINGS, _MOST_RECORDS = 3, 20, 12
"""How much is listed: places of a finding, findings of a kind under a construct, records."""

EXPLANATIONS = {
    "ping_pong": "Two agents handed the turn to and fro.",
    "dead_end": "An agent took the turn over and could hand it on to nobody.",
    "unexpected_holder": "The user's next message goes to another agent than the one who answered.",
    "hidden_conversation": "Calls and tokens were paid for that ADK's session does not show.",
    "needless_series": "Calls waited for each other though nothing forced them to.",
    "lost_state_write": "Concurrent agents wrote the same state key, so one write is lost.",
    "hallucinated_name": "A model asked for an agent or a tool that does not exist.",
    "ignored_transfer": "An agent handed over to one that never began.",
    "misroute": "A classifier would have sent a message elsewhere than its plan.",
    "hidden_hook": "A plugin before the recorder hid a hook from it.",
    "unrelayed_answer": "A called agent answered, and the user did not get the answer.",
    "withheld_fact": "A fact of the user's, or of a called agent's, was not passed on.",
    "repeated_answer": "The user reads an answer twice.",
    "shown_candidates": "The user reads candidates that were to be chosen from.",
    "raw_json": "The user reads JSON that was meant for code.",
    "glued_answers": "The user reads two agents' answers without a space between them.",
    "cut_answer": "A model stopped before it was done.",
    "ended_loop": "An agent ended the loop that it is in.",
    "stage_not_begun": "A stage of a sequence was not reached.",
    "open_call": "A long-running call is still waited for.",
    "failed_tool": "A function failed.",
    "replaced_turns": "A summary replaced earlier turns of the session.",
    "rewound_turns": "Earlier turns of the session were taken back.",
    "lost_words": "Words that a callback or plugin adds under the baseline are not read here.",
    "leak": "An agent was shown what is not for it.",
}


class FindingGroup(NamedTuple):
    """The findings of a kind."""

    name: str
    explanation: str
    level: str
    times: int
    constructs: dict[str, int]
    """How often each has it."""
    table: Table
    """Each finding once, with its places."""
    left_out: int
    """Findings that are not listed."""


def findings_table(comparison: Comparison) -> Table:
    """Counts findings by kind, with the constructs that have them."""
    rows = []
    for group in group_findings(comparison):
        constructs = ", ".join(f"{name} {count}" for name, count in group.constructs.items())
        rows.append((group.name, group.level, str(group.times), constructs))
    return word_table(("finding", "level", "total", "by construct"), rows)


def group_findings(comparison: Comparison) -> list[FindingGroup]:
    """Groups findings by kind, serious kinds first, a repeated finding once."""
    runs = [run for each in comparison.constructs for run in comparison.runs_of(each.construct)]
    findings = [(run, finding) for run in runs for finding in run.findings]
    groups = group_by(findings, lambda pair: pair[1].kind)
    made = [_group(kind, groups[kind]) for kind in sorted(groups, key=KINDS.index)]
    return sorted(made, key=lambda group: group.level != "serious")


def _group(kind: str, findings: Sequence[tuple[RunMetrics, Finding]]) -> FindingGroup:
    rows, left_out, mode = [], 0, MAST_MODES.get(kind, "")
    for construct, pairs in group_by(findings, lambda pair: pair[0].construct).items():
        texts = group_by(pairs, lambda pair: pair[1].text)
        cells = [_cells(text, list(starmap(_place, places))) for text, places in texts.items()]
        rows += [TableRow(short_name(construct), row) for row in cells[:_MOST_FINDINGS]]
        left_out += sum(map(len, list(texts.values())[_MOST_FINDINGS:]))
    columns = [Column("finding"), Column("times"), Column("where")]
    return FindingGroup(
        name=kind.replace("_", " "),
        explanation=f"{EXPLANATIONS[kind]}{f' MAST: {mode}.' if mode else ''}",
        level="serious" if any(finding.level == "serious" for _, finding in findings) else "notice",
        times=len(findings),
        constructs=Counter(short_name(run.construct) for run, _ in findings),
        table=Table("construct", columns, rows, is_prose=True),
        left_out=left_out,
    )


def _cells(text: str, places: Sequence[tuple[str, str]]) -> list[Cell]:
    more = len(places) - _MOST_PLACES
    words, links = zip(*places[:_MOST_PLACES], strict=True)
    notes = [*words[1:], *([f"and {more} more"] if more > 0 else [])]
    return [Cell(text), Cell(str(len(places))), Cell(words[0], notes=notes, links=links)]


def _place(run: RunMetrics, finding: Finding) -> tuple[str, str]:
    """Names conversation, turn and records, and links to them."""
    trial = f" trial {run.trial}" if run.trial > 1 else ""
    records = ", ".join(map(str, finding.records[:_MOST_RECORDS]))
    more = ", …" if len(finding.records) > _MOST_RECORDS else ""
    words = (
        f"{short_name(run.conversation)}{trial}, turn {finding.turn or 'unknown'}, "
        f"record{'' if len(finding.records) == 1 else 's'} {records}{more}"
    )
    return words, link_to(run, finding.turn, next(iter(finding.records), -1))
