"""A comparison as GitHub Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from adk_flow._text import one_line
from adk_flow.comparison.aggregate import Comparison
from adk_flow.comparison.recommend import write_caveats, write_recommendation
from adk_flow.render import comparison_model, statements
from adk_flow.render.comparison_model import Cells

_SIGNS = re.compile(r"[\\`*\[\]<>&|~$]|(?<![^\W_])_|_(?![^\W_])")
"""What means something in a line of Markdown; an underscore within a word does not."""
_STARTS = re.compile(r"^(#|[-+](?=\s|$)|=+$|-+$|\d+(?=[.)](?:\s|$)))")
"""What means something where a line begins."""
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
_LONGEST_SENTENCE = 1000


def as_markdown(comparison: Comparison) -> str:
    """Writes tables and what follows from them."""
    first, *others = statements.heading(comparison)
    hidden = statements.hidden(comparison)
    findings = comparison_model.findings_told(comparison)
    failed, difference = (
        comparison_model.failed_legend(comparison),
        comparison_model.difference_legend(comparison),
    )
    blocks = [
        f"# {escaped(first)}",
        *map(escaped, others),
        f"## {comparison_model.CALLS}",
        _table(comparison_model.calls(comparison)),
        *([escaped(failed)] if failed else []),
        f"## {comparison_model.COSTS}",
        _table(comparison_model.costs(comparison)),
        *([escaped(difference)] if difference else []),
        f"## {comparison_model.TIMES}",
        _table(comparison_model.times(comparison)),
        escaped(comparison_model.sight_legend(comparison)),
        *_listed(comparison_model.HIDDEN, [hidden] if hidden else []),
        *_listed(comparison_model.CHANGES, statements.changes(comparison)),
        f"## {comparison_model.FINDINGS}",
        _table(findings, is_prose=True) if findings.rows else "None.",
        *_listed(comparison_model.RECOMMENDATION, write_recommendation(comparison)),
        *_listed(comparison_model.CAVEATS, write_caveats(comparison)),
    ]
    return "\n\n".join(blocks) + "\n"


def call_table(comparison: Comparison, conversation: str) -> str:
    """Writes the LLM calls of each construct in one conversation, with a column for all turns."""
    told = {
        one.construct: one.after_turns[conversation]
        for one in comparison.constructs
        if conversation in one.after_turns
    }
    failed = {
        one.construct for one in comparison.constructs if conversation in one.failed_conversations
    }
    turns = max(map(len, told.values()), default=0)
    when = {0: "", 1: "", 2: " after turn 1 → after the follow-up"}.get(turns, " after each turn")
    rows = [
        [
            comparison_model.named(name),
            comparison_model.after_turns(counts)
            + (comparison_model.FAILED if name in failed else ""),
        ]
        for name, counts in told.items()
    ]
    return _table(Cells(["construct", f"LLM calls{when}"], rows))


def escaped(text: str) -> str:
    """Writes words of anybody's on one line, so that they mean nothing but themselves."""
    line = one_line(text, _LONGEST_SENTENCE)
    line = _SIGNS.sub(lambda sign: _ENTITIES.get(sign[0], "\\" + sign[0]), line)
    return _STARTS.sub(_escape_start, line)


def _escape_start(start: re.Match[str]) -> str:
    return start[0] + "\\" if start[0].isdigit() else "\\" + start[0]


def _table(cells: Cells, *, is_prose: bool = False) -> str:
    rule = [":--" if is_prose or not index else "--:" for index in range(len(cells.header))]
    rows = [map(escaped, row) for row in cells.rows]
    return "\n".join(map(_row, [map(escaped, cells.header), rule, *rows]))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _listed(title: str, sentences: Sequence[str]) -> list[str]:
    if not sentences:
        return []
    return [f"## {title}", "\n".join(f"- {escaped(sentence)}" for sentence in sentences)]
