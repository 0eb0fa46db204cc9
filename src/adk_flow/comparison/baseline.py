"""What the user reads under a construct, compared with what is read under the baseline."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from adk_flow._text import one_line
from adk_flow.analysis.findings import Finding
from adk_flow.analysis.metrics import TurnMetrics
from adk_flow.analysis.run_metrics import RunMetrics

_FIGURE = re.compile(r"\d[\d,]*(?:\.\d+)?")
_WORD = re.compile(r"\w+")
_LONGEST_LINE = 120


def compare_answers(runs: Sequence[RunMetrics], baseline: str) -> list[RunMetrics]:
    """Says of each run whether it answers as the baseline does, and which added words it lost."""
    bases = {run.conversation: run for run in reversed(runs) if run.construct == baseline}
    return [_compare(run, bases.get(run.conversation)) for run in runs]


def _compare(run: RunMetrics, base: RunMetrics | None) -> RunMetrics:
    if base is None or base.construct == run.construct:
        return run
    findings = [*run.findings, *_lost_lines(run, base)]
    return replace(run, agrees=_agrees(run, base), findings=findings)


def _agrees(run: RunMetrics, base: RunMetrics) -> bool | None:
    """Says whether each answer of the baseline is among what the user reads; None if unknown.

    An answer with figures is if all its figures are, another if its words are, in their order.
    """
    if any(turn.finals and not turn.answer for turn in base.turns):
        return None  # its words were not kept
    pairs = zip(base.turns, run.turns, strict=False)
    return len(base.turns) == len(run.turns) and all(_holds(turn, other) for turn, other in pairs)


def _holds(base: TurnMetrics, turn: TurnMetrics) -> bool:
    if figures := figures_in(base.answer):
        return figures <= figures_in(turn.read)
    return f" {_words(base.answer)} " in f" {_words(turn.read)} "


def figures_in(text: str) -> set[float]:
    """Reads the figures of a text, however their thousands are written."""
    return {float(match[0].replace(",", "")) for match in _FIGURE.finditer(text)}


def _words(text: str) -> str:
    return " ".join(_WORD.findall(text.casefold()))


def _lost_lines(run: RunMetrics, base: RunMetrics) -> Iterator[Finding]:
    """Finds what a callback or plugin added under the baseline, and the user does not read here."""
    read = "\n".join(turn.read for turn in run.turns)
    for line in base.added_lines:
        if line not in read:
            text = (
                f"The user never reads {one_line(line, _LONGEST_LINE)!r}, which a callback or "
                f"plugin adds under {base.construct}."
            )
            yield Finding("lost_words", 0, (), text, (), "serious")
