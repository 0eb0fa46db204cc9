"""Laws for the terminal and for Markdown: formulas, what may come from a cache, crossings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import chain, groupby

from adk_flow._data import group_by
from adk_flow._text import format_dollars, format_seconds, join_names, one_line, plain, plural
from adk_flow.comparison.crossovers import Winner
from adk_flow.laws.crossings import (
    BASE,
    LawSetting,
    compared_values,
    find_crossings,
    find_law_winners,
)
from adk_flow.laws.formulas import LARGE, Law
from adk_flow.laws.prediction import Prediction
from adk_flow.laws.table import LawTable
from adk_flow.render.comparison_crossovers import NOUNS, tell_winners
from adk_flow.render.terminal import ANY_WIDTH, fold_words

_LEGEND = (
    "k topics in the first message, f follow-ups to whom was asked last, n specialists with m "
    "tools each, h words of history; f₁ is f after a first message of one topic, else 0."
)
_ROUGH = (
    "A weak prediction: of agents that run others at once or in rounds, or that share a name "
    "(here {}), the laws know little; adk-flow compare tells."
)
_TRIED = {"calls": "calls", "tokens": "tokens", "path_calls": "path", "shared_bytes": "prefixes"}
_RIVALS = ("single_agent", "transfer", "agent_tool", "single_turn")
"""Constructs that are compared two by two."""
_BEYOND = "can answer one topic only"
_START = re.compile(r"( *(?:- |\w.*? {2,})?)(.*)")
"""What a line begins with that goes on below the rest: a mark, or a label of a formula."""
_REASONS = {
    "advisor": "tokens not exact: advice says how many its model was sent, each digit is a token",
    "router": "holds for one topic a message; of several it answers one",
    "classifier_router": "holds for one topic a message; of several it answers one",
    "mixed": "holds for those handed over to; whom it calls takes what agent_tool takes",
}


def write_laws(laws: Sequence[Law], setting: LawSetting, width: int = ANY_WIDTH) -> str:
    """Writes all that the laws say, in lines of a width."""
    winners = list(find_law_winners(laws, setting))
    formulas = chain.from_iterable(map(_formulas, laws))
    pairs = _pairs(winners, [law.construct for law in laws])
    parts = [_LEGEND, "", *formulas, *_shares(laws, setting), "", *_changes(winners), "", *pairs]
    return _write(parts, width)


def _write(lines: Iterable[str], width: int) -> str:
    """Folds lines; what goes on stands below the words behind a mark or a label."""
    parts = [_START.match(line) for line in map(plain, lines)]
    folded = [fold_words(part[1], part[2], width) for part in parts if part]
    return "".join(f"{line}\n" for lines in folded for line in lines)


def _formulas(law: Law) -> Iterator[str]:
    factors = law.factors
    sent, given = factors["input_tokens"], factors["output_tokens"]
    tokens = {term: sent.get(term, 0) + given.get(term, 0) for term in {**sent, **given}}
    path, said = write_formula(factors["path_calls"]), write_formula(factors["path_tokens"])
    yield law.construct
    yield f"  LLM calls      {write_formula(factors['calls'])}"
    yield f"  tokens         {write_formula(tokens)}"
    yield f"  critical path  {path} calls, {said} tokens generated"
    shares = {noun: law.errors[name] for name, noun in _TRIED.items()}
    errors = [f"{noun} {f'off by {n:.2%}' if n else 'exact'}" for noun, n in shares.items()]
    yield f"  tried          at {plural(law.tried, 'other place')}: {', '.join(errors)}"
    if reason := _REASONS.get(law.construct):
        yield f"  note           {reason}"
    yield ""


def write_formula(factors: Mapping[str, Fraction | int]) -> str:
    """Writes a sum of terms, those together that grow with the same: `2 + 2f + k(3 + 5m)`."""
    parts: list[str] = []
    for talk, terms in groupby(sorted(factors, key=_order), key=lambda term: term.split("·")[0]):
        rounded = {term.split("·")[1]: f"{float(factors[term]):.1f}" for term in terms}
        sizes = {size: number.removesuffix(".0") for size, number in rounded.items()}
        sizes = {size: number for size, number in sizes.items() if number not in ("0", "-0")}
        inner = [number if size == "1" else _times(number, size) for size, number in sizes.items()]
        if talk == "1":
            parts += inner
        elif len(inner) > 1:
            parts.append(f"{talk}({_sum(inner)})")
        elif inner:
            parts.append(_times(inner[0], talk) if "1" in sizes else f"{inner[0]}·{talk}")
    return _sum(parts) or "0"


_TALK, _SIZES = (
    ("1", "f", "k", "f²", "kf", "k²", "f₁"),
    ("1", "n", "m", "nm", "h", "n²", "n²m", "nh"),
)


def _order(term: str) -> tuple[int, int]:
    talk, _, size = term.partition("·")
    return _TALK.index(talk), _SIZES.index(size)


def _times(number: str, name: str) -> str:
    return name if number == "1" else f"-{name}" if number == "-1" else f"{number}{name}"


def _sum(parts: Sequence[str]) -> str:
    return " + ".join(parts).replace("+ -", "- ")


def _shares(laws: Sequence[Law], setting: LawSetting) -> Iterator[str]:
    cost = f", and cost at {setting.model}'s price" if setting.model else ""
    yield (
        f"Share of the requests that is, byte for byte, the beginning of an earlier one"
        f"{cost}, with {_place(BASE)}:"
    )
    yield ""
    heads = {"cost": "cost", "cost with cached prefixes": "cached"}
    known = compared_values(laws[0].at(BASE), setting)
    heads = {name: head for name, head in heads.items() if known[name] is not None}
    columns = "".join(f"{head:>11}" for head in heads.values())
    yield f"{'construct':<30} {'share':>6}{columns} {'critical path':>14}"
    for law in laws:
        figures = law.at(BASE)
        values = compared_values(figures, setting)
        shown = "".join(f"{format_dollars(values[name] or 0):>11}" for name in heads)
        share = figures.shared_bytes / max(figures.sent_bytes, 1)
        path = format_seconds(values["critical path"] or 0)
        yield f"{law.construct:<30} {share:>6.0%}{shown} {path:>14}"


def _changes(winners: Sequence[Winner]) -> Iterator[str]:
    most = map(max, zip(*LARGE, strict=True))
    yield f"Where the winner changes, from {_place(BASE)} on:"
    yield f"(Tried up to {_place(most)}; beyond, as the formulas say.)"
    yield "(Critical paths within 5 % of the shortest count as shortest, too.)"
    yield ""
    for axis, group in groupby(winners, key=lambda winner: winner.axis):
        series = group_by(group, lambda winner: winner.figure)
        yield from (f"- {sentence}" for sentence in tell_winners(axis, series, _BEYOND))


def _place(sizes: Iterable[int]) -> str:
    return ", ".join(f"{name} = {size}" for name, size in zip("kfnmh", sizes, strict=True))


def _pairs(winners: Sequence[Winner], constructs: Sequence[str]) -> Iterator[str]:
    for crossing in find_crossings(winners, [name for name in _RIVALS if name in constructs]):
        noun = plural(crossing.point, NOUNS[crossing.axis])
        yield f"- {crossing.winner} beats {crossing.loser} by {crossing.figure} from {noun} on"


def write_prediction(prediction: Prediction, table: LawTable, width: int = ANY_WIDTH) -> str:
    """Writes who takes least with an app, in lines of a width."""
    asked = f"all {plural(prediction.specialists, 'specialist')} asked in one message"
    lines = [
        f"{one_line(prediction.app, 60)}, before any run: {asked}, as adk-flow plan drafts it.",
        f"By laws fitted to {table.samples} other apps with google-adk {table.adk}.",
        *([_ROUGH.format(join_names(prediction.rough))] if prediction.rough else []),
        "",
    ]
    for figure, winner in prediction.at_once.items():
        least = min(winner.values.values())
        lines.append(f"fewest {figure:<10} {', '.join(winner.constructs)}: {least:,.0f}")
    if not prediction.at_once:
        lines.append("Nothing is predicted where all are asked; adk-flow compare tells.")
    lines += ["", "The first specialist asked alone, then again, each time with all its tools:"]
    series = group_by(prediction.in_turn, lambda winner: winner.figure)
    lines += [f"- {sentence}" for sentence in tell_winners("follow-ups", series)]
    reasons = group_by(prediction.left_out, prediction.left_out.__getitem__)
    lines += ["", "Left out where all are asked:"] if reasons else []
    lines += [f"- {', '.join(names)}: {one_line(why, 500)}" for why, names in reasons.items()]
    return _write(lines, width)
