"""Recognises units of measure: a price for 250 g of something is hardly a price for each gram."""

import re

_FORMS = {
    "kg": "kgs? kilos? kilogram(?:me)?s?",
    "g": "g gr gram(?:me)?s?",
    "mg": "mg milligram(?:me)?s?",
    "litre": "l ltrs? lit(?:re|er)s?",
    "dl": "dl decilit(?:re|er)s?",
    "cl": "cl centilit(?:re|er)s?",
    "ml": "mls? millilit(?:re|er)s?",
    "metre": "m met(?:re|er)s?",
    "km": "km kilomet(?:re|er)s?",
    "cm": "cm centimet(?:re|er)s?",
    "mm": "mm millimet(?:re|er)s?",
    "oz": "oz ounces?",
    "lb": "lbs? pounds?",
    "ton": "tons?",
    "tonne": "tonnes?",
    "pint": "pints? pts?",
    "quart": "quarts?",
    "gallon": "gallons?",
    "inch": "inch(?:es)?",
    "foot": "foot feet ft",
    "yard": "yards? yds?",
    "mile": "miles?",
    "acre": "acres?",
    "hectare": "hectares?",
}
_KINDS = {"square": "sq square", "cubic": "cubic", "fl": "fl fluid"}


def _pattern(forms: dict[str, str]) -> str:
    return "|".join(form for written in forms.values() for form in written.split())


_MEASURE = re.compile(
    rf"(?:(?P<kind>{_pattern(_KINDS)})\s+)?(?P<unit>{_pattern(_FORMS)})(?![\w’'&-])", re.I
)


def measure(text: str) -> str:
    """Names the unit of measure that a text begins with, in one form; empty if there is none."""
    match = _MEASURE.match(text)
    if match is None:
        return ""
    named = (_name(_KINDS, match["kind"] or ""), _name(_FORMS, match["unit"]))
    return " ".join(filter(None, named))


def _name(forms: dict[str, str], text: str) -> str:
    return next(
        (
            name
            for name, written in forms.items()
            if any(re.fullmatch(form, text, re.I) for form in written.split())
        ),
        "",
    )
