"""Decides for which number parameter a quantity is meant, or that this is not sure.

A parameter is called by the words of its name and description. Where its description has words in
quotes, one of them must stand by the quantity: so a tool says how its users tell two sums apart.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from adk_flow.analysis.quantities import MONEY, Quantity
from adk_flow.models.offline.reading import Reading, Word, sayings
from adk_flow.models.request.functions import Parameter
from adk_flow.models.request.values import fault_of_value
from adk_flow.models.request.words import NEUTRAL, spell_out, split_words, stem, stems

_IN_UNIT = re.compile(
    r"\b(?:in|as a)\s+(?:whole\s+)?(?P<unit>pounds|dollars|euros|percent|fraction|years|months"
    r"|weeks|days|hours|minutes)(?:\s+(?:a|per|each)\s+(?P<per>month|year|week|day))?",
    re.I,
)
_NAME_UNITS = {
    **{unit: unit for unit in ("years", "months", "weeks", "days", "hours", "minutes", "age")},
    **dict.fromkeys(("percent", "percentage", "rate"), "percent"),
    "nights": "days",
}
_NAME_PERIODS = {"monthly": "month", "annual": "year", "yearly": "year", "weekly": "week"}
_SAME_AMOUNT = {("years", "months"): 12, ("months", "years"): 1 / 12, ("percent", "fraction"): 0.01}
_SPLITTERS = frozenset(
    split_words("on at over for with and of from to by plus or but if when while as because")
)
_CLAUSES = frozenset(split_words("if when while because but"))
_TRANSPARENT = frozenset(
    split_words("a an the my our your his her their this that about me us of is are was were be")
)
_OPEN = frozenset(
    split_words("on at with and in into if for by as would does do did will can could what have")
)
"""Words before a quantity that leave open what it is."""
_MODIFIERS = frozenset(
    split_words("after before net less more plus minus each extra without under")
)
_LATER = ("in", "after", "within", "during")
_END = re.compile(r"[,.;?!\d]")
"""Between two words: they do not belong together, be it for a sign or another quantity."""


class Measure(NamedTuple):
    """What a number parameter counts."""

    unit: str
    """As a quantity's unit, or fraction; empty if nothing says."""
    per: str


@lru_cache(maxsize=1024)
def read_measure(name: str, description: str) -> Measure:
    """Reads what a parameter counts from its description, else from its name."""
    spelt = spell_out(name).split()
    per = next((_NAME_PERIODS[word] for word in spelt if word in _NAME_PERIODS), "")
    if match := _IN_UNIT.search(description):
        unit, is_yearly = match["unit"].lower(), re.search(r"\ba year\b", description)
        per = (match["per"] or per or ("year" if is_yearly else "")).lower()
        return Measure(unit, per if unit in (*MONEY, "percent") else "")
    return Measure(next((_NAME_UNITS[word] for word in spelt if word in _NAME_UNITS), ""), per)


def cues(parameter: Parameter) -> frozenset[str]:
    """Returns the stems of the words that a parameter is called by."""
    return stems(f"{spell_out(parameter.name)} {parameter.description}")


class Places(NamedTuple):
    """What the quantities of a text are placed by."""

    reading: Reading
    before: Mapping[str, Any]
    """The arguments that an earlier question gave: a bare figure takes the place of one."""
    said: frozenset[int]
    """Where words begin that say something else, such as "second home"."""
    own: frozenset[str]
    """Stems of the words that the function says of itself."""

    def given(self, parameters: Sequence[Parameter]) -> dict[str, Quantity]:
        """Gives number parameters those quantities that can be meant for nothing else."""
        chosen: dict[str, list[Quantity]] = {}
        waiting: list[tuple[Quantity, list[Parameter]]] = []
        for quantity in self.reading.quantities:
            fitting = [parameter for parameter in parameters if self._fits(parameter, quantity)]
            called = self._called(fitting, quantity)
            if len(called) == 1:
                chosen.setdefault(called[0].name, []).append(quantity)
            elif not called:
                waiting.append((quantity, fitting))
        for quantity, fitting in waiting:
            left = [one for one in fitting if one.name not in chosen]
            if self.before:
                left = [one for one in left if one.name in self.before]
            else:
                left = [one for one in left if one.required and not sayings(one.description)]
            if len(left) == 1:
                chosen.setdefault(left[0].name, []).append(quantity)
        return {name: given[0] for name, given in chosen.items() if len(given) == 1}

    def _fits(self, parameter: Parameter, quantity: Quantity) -> bool:
        """Tells whether unit and type fit, and no word right at a quantity calls it otherwise."""
        value, names = convert_quantity(parameter, quantity), self._names(quantity)
        is_sum, known = quantity.unit in MONEY and not quantity.per, cues(parameter)
        is_called = any(stem(word) in known for word in names)
        is_open = all(stem(word) in self.own and not is_sum for word in names)
        is_other = any(word in _MODIFIERS and stem(word) not in known for word in names)
        following = next((q for q in self.reading.quantities if q.start >= quantity.end), None)
        is_later = following is not None and is_sum and following.lead in _LATER
        if is_later and following:  # "£10,000 after 10 years"
            is_later = not self.reading.text[quantity.end : following.start].strip()
        if value is None or is_other or is_later or not (is_called or is_open):
            return False
        if quantity.unit == "plain" and read_measure(parameter.name, parameter.description).unit:
            return is_called and not fault_of_value(parameter.schema, value)
        return counts(parameter, quantity)

    def _names(self, quantity: Quantity) -> list[str]:
        """Returns the words right before and after a quantity that may say what it is."""
        text, words = self.reading.text, self.reading.words
        after = next((word for word in words if word.start >= quantity.end), None)
        names, start = [], quantity.start
        if after and not text[quantity.end : after.start].strip(" -"):
            is_name = after.text not in NEUTRAL | _SPLITTERS and after.start not in self.said
            names += [after.text] * is_name
        for word in reversed([word for word in words if word.end <= quantity.start]):
            if text[word.end : start].strip(" -(:") or quantity.lead:
                break
            start = word.start
            if word.text not in _TRANSPARENT:
                names += [word.text] * (word.text not in _OPEN)
                break
        return names

    def _called(self, fitting: Sequence[Parameter], quantity: Quantity) -> list[Parameter]:
        """Returns the parameters that the words around a quantity call it by."""
        around = {stem(word.text) for word in around_quantity(self.reading, quantity)}
        around = {stem(quantity.unit), *around} - NEUTRAL  # "over 25 years" is called by `years`
        said = {one.name: [stems(each) for each in sayings(one.description)] for one in fitting}
        if called := [one for one in fitting if any(need <= around for need in said[one.name])]:
            return called
        shared = frozenset.intersection(*map(cues, fitting)) if len(fitting) > 1 else frozenset()
        return [
            one
            for one in fitting
            if not said[one.name]
            and (around & (cues(one) - shared) or (len(fitting) == 1 and one.required))
        ]


def around_quantity(reading: Reading, quantity: Quantity) -> list[Word]:
    """Returns the words that go with a quantity: up to a sign, "if", a quantity or preposition."""
    before: list[Word] = []
    after: list[Word] = []
    gap = ""
    for word in reversed([word for word in reading.words if word.end <= quantity.start]):
        gap = reading.text[word.end : before[0].start if before else quantity.start]
        if _END.search(gap) or (before and before[0].text in _CLAUSES):
            break
        before.insert(0, word)
    # What follows another quantity up to a preposition is of that one.
    if re.search(r"\d[^,.;?!]*$", gap):
        places = (n for n, word in enumerate(before) if word.text in _SPLITTERS)
        before = before[next(places, len(before)) :]
    for word in [word for word in reading.words if word.start >= quantity.end]:
        is_for = quantity.per and not after and word.text in ("of", "on", "for")  # £9 a month for a
        if _END.search(reading.text[after[-1].end if after else quantity.end : word.start]) or (
            word.text in _SPLITTERS and not is_for
        ):
            break
        after.append(word)
    return before + after


def convert_quantity(parameter: Parameter, quantity: Quantity) -> float | int | None:
    """Writes a quantity in the parameter's unit and type; None if it cannot be."""
    unit = read_measure(parameter.name, parameter.description).unit
    value = round(quantity.value * _SAME_AMOUNT.get((quantity.unit, unit), 1), 9)
    if value == int(value):
        return int(value)
    return None if parameter.kind == "integer" else value


def counts(parameter: Parameter, quantity: Quantity) -> bool:
    """Tells whether a quantity is of the unit and period that a parameter takes."""
    unit, per = read_measure(parameter.name, parameter.description)
    is_same = quantity.unit == unit or (quantity.unit, unit) in _SAME_AMOUNT
    if not is_same and (unit or quantity.unit not in ("plain", *MONEY)):
        return False
    if quantity.lead in _LATER:
        return "after" in parameter.description
    return quantity.per == per or (not quantity.per and per == "year")
