"""What a tool's parameters may hold, checked before it runs; how money and years are written."""

import functools
import inspect
import re
from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated, Any, ParamSpec, get_args, get_type_hints

from pydantic import Field
from pydantic.fields import FieldInfo

_ADK = tuple(int(part) for part in version("google-adk").split(".")[:2])

P = ParamSpec("P")

Answer = dict[str, Any]
"""Figures by name and a `summary` sentence, or an `error` sentence alone."""

# ADK copies these limits into the function declaration, so the model sees them as well.
Pounds = Annotated[float, Field(ge=0, le=100_000_000)]
PositivePounds = Annotated[float, Field(ge=1, le=100_000_000)]
AnnualPercent = Annotated[float, Field(ge=0, le=25)]

LONGEST_TEXT = 2_000  # characters; a question needs no more
_NUMBER = re.compile(r"[-+]?£? ?(\d{1,3}(,\d{3})+|\d{1,15})(\.\d{1,15})? ?%?")
_TRUTH = {"true": True, "false": False}


class BadValueError(ValueError):
    """A value its parameter cannot hold; the text says what was expected and what came."""


def checked(tool: Callable[P, Answer]) -> Callable[P, Answer]:
    """Answers a bad value with `{"error": sentence}`; gives the tool clean values otherwise.

    A number may come as text ("£250,000", "4.5%"); None for an optional parameter leaves it out.
    """
    signature = inspect.signature(tool)
    declared = get_type_hints(tool, include_extras=True)

    @functools.wraps(tool)
    def check_then_call(*args: P.args, **kwargs: P.kwargs) -> Answer:
        call = signature.bind(*args, **kwargs)
        for name, value in list(call.arguments.items()):
            if value is None and signature.parameters[name].default is not inspect.Parameter.empty:
                del call.arguments[name]
                continue
            try:
                call.arguments[name] = _clean(value, declared[name])
            except BadValueError as problem:
                return {"error": f"{name} must be {problem}, got {_shown(value)}"}
        return tool(*call.args, **call.kwargs)

    if _ADK < (1, 39):
        check_then_call.__dict__["__signature__"] = _without_limits(signature, declared)
    return check_then_call


def _without_limits(signature: inspect.Signature, declared: dict[str, Any]) -> inspect.Signature:
    """Writes a signature as ADK 1.18 can declare it, which fails on limits and on `float = 0`."""
    parameters = []
    for name, parameter in signature.parameters.items():
        kind = (get_args(declared[name]) or (declared[name],))[0]
        is_optional = parameter.default is not inspect.Parameter.empty
        default = kind(parameter.default) if is_optional else parameter.default
        parameters.append(parameter.replace(annotation=kind, default=default))
    return signature.replace(parameters=parameters)


def pounds(amount: float) -> str:
    """Writes a sum of money, with pence only where there are any: £20,000 or £1,389.58."""
    return f"£{round(amount, 2) + 0:,.2f}".removesuffix(".00")  # + 0 makes of -0.0 plain 0


def span(years: int) -> str:
    """Writes a number of years: 1 year, 25 years."""
    return f"{years} year{'' if years == 1 else 's'}"


def _clean(value: object, declared: Any) -> float | str:
    """Returns the value as its declared type, or raises BadValueError."""
    kind, *notes = get_args(declared) or (declared,)
    if kind is bool:
        return _truth(value)
    if kind is str:
        return _text(value)
    low, high = _limits(notes)
    between = f"between {low:,} and {high:,}"
    whole = "whole " if kind is int else ""
    number = _number(value)
    if number is None or number != number:  # not a number: NaN differs from itself
        raise BadValueError(f"a {whole}number {between}")
    if not low <= number <= high:
        raise BadValueError(between)
    if kind is int and number != int(number):
        raise BadValueError(f"a whole number {between}")
    return kind(number)


def _limits(notes: list[Any]) -> tuple[float, float]:
    (field,) = (note for note in notes if isinstance(note, FieldInfo))
    low = next(limit.ge for limit in field.metadata if hasattr(limit, "ge"))
    high = next(limit.le for limit in field.metadata if hasattr(limit, "le"))
    return low, high


def _number(value: object) -> float | None:
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return float(re.sub(r"[£,% ]", "", value))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    return None


def _truth(value: object) -> bool:
    if isinstance(value, str):
        value = _TRUTH.get(value.strip().lower(), value)
    if not isinstance(value, bool):
        raise BadValueError("true or false")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_TEXT:
        raise BadValueError(f"a text of 1 to {LONGEST_TEXT:,} characters")
    return value.encode("utf-8", "replace").decode()  # half a surrogate pair breaks tokenizers


def _shown(value: object) -> str:
    """Shows a rejected value in a few characters, whatever it is."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return repr(value) if len(value) <= 40 else f"a text of {len(value):,} characters"
    if isinstance(value, int) and abs(value) >= 10**20:
        return "a number of more than 20 digits"
    if isinstance(value, bool | int | float):
        return str(value)
    return f"a {type(value).__name__}"
