"""A comparison as one HTML page: no network, readable without its script and when printed."""

from __future__ import annotations

import gzip
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import msgspec
from markupsafe import Markup

from adk_flow.analysis.run_metrics import RunMetrics
from adk_flow.comparison.aggregate import Comparison
from adk_flow.comparison.recommend import find_recommended
from adk_flow.render.comparison_findings import group_findings
from adk_flow.render.comparison_model import describe_comparison, explain_kind
from adk_flow.render.comparison_tables import agents_table, runs_table
from adk_flow.render.report_drawings import TurnDrawings, draw_comparison
from adk_flow.render.report_links import link_to, runs_of
from adk_flow.render.report_proofs import prover
from adk_flow.render.report_visibility import (
    describe_unseen_canaries,
    exposure_table,
    shared_state_table,
)
from adk_flow.render.tables import short_name
from adk_flow.render.templates import inline, template

_LONGEST = 20_000
"""Characters of an answer or a question that are shown."""

_Answer = tuple[str, Sequence[str], str]
"""Its text, what it lacks, and the error that ended its turn."""


class _AnsweredTurn(NamedTuple):
    """A turn of a conversation with its answers."""

    turn: int
    question: str
    answers: dict[_Answer, dict[str, str]]
    """The constructs that gave each, with the link to it."""
    failures: int
    """Runs whose answer failed."""


def comparison_to_html(comparison: Comparison) -> str:
    """Writes the page; everything that is not the template's own is escaped.

    Its links lead to the pages of its runs, `page_name`.
    """
    report, drawings = describe_comparison(comparison), draw_comparison(comparison)
    is_checked = any(run.checked for run in comparison.runs)
    advice = "recommended" if is_checked else "cheapest"
    marks = {"baseline": comparison.setting.baseline, advice: find_recommended(comparison)}
    tags = partial(_tags, marks)
    return template("report").render(
        style=inline("shared.css", "report.css"),
        script=inline("report.js"),
        comparison=comparison,
        tags=tags,
        runs_of=runs_of,
        prove=prover(comparison),
        report=report,
        kind_meaning=explain_kind(comparison),
        is_checked=is_checked,
        drawings=drawings,
        packed=_pack(drawings.turns[1:], tags),
        exposures=exposure_table(comparison),
        unseen=describe_unseen_canaries(comparison),
        shared_state=shared_state_table(comparison),
        agents=agents_table(comparison),
        runs=runs_table(comparison),
        findings=group_findings(comparison),
        answers=[(name, _answers(comparison, name)) for name in comparison.conversations],
    )


def _tags(marks: Mapping[str, str], construct: str) -> Markup:
    """Marks the baseline, and the construct that is recommended or the cheapest."""
    name = short_name(construct)
    tags = [mark for mark, marked in marks.items() if marked and short_name(marked) == name]
    return Markup("".join(f' <span class="tag {tag}">{tag}</span>' for tag in tags))


def _pack(turns: Sequence[TurnDrawings], tags: Callable[[str], Markup]) -> str:
    """Packs the drawings of turns, sequences and waterfalls, which the page's script unpacks."""
    fill = partial(template("report_figures").render, missing="", tags=tags)
    drawn = [
        (
            fill(drawings=turn.sequences, style="sequence"),
            fill(drawings=turn.waterfalls, style="waterfall"),
        )
        for turn in turns
    ]
    return b64encode(gzip.compress(msgspec.json.encode(drawn), mtime=0)).decode()


def _answers(comparison: Comparison, conversation: str) -> list[_AnsweredTurn]:
    """Gives the answers to each turn of a conversation, the same words once."""
    runs = [run for run in comparison.runs if run.conversation == conversation]
    numbers = range(1, max(len(run.turns) for run in runs) + 1)
    return [
        _answered([run for run in runs if number <= len(run.turns)], number) for number in numbers
    ]


def _answered(runs: Sequence[RunMetrics], number: int) -> _AnsweredTurn:
    answers: dict[_Answer, dict[str, str]] = {}
    for run in runs:
        turn = run.turns[number - 1]
        lacks = tuple(*run.failed_checks[number - 1 : number])
        error = (turn.error or "failed") if turn.failed else ""
        trial = f" (trial {run.trial})" if run.trial > 1 else ""
        given = answers.setdefault((_shortened(turn.answer), lacks, _shortened(error)), {})
        given[f"{run.construct}{trial}"] = link_to(run, number)
    failures = sum(len(names) for (_, lacks, error), names in answers.items() if lacks or error)
    return _AnsweredTurn(number, _shortened(runs[0].turns[number - 1].question), answers, failures)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
