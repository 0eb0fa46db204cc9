"""Arithmetic for models, which garble figures: six operations on numbers, as one calls them."""

import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Annotated

from pydantic import Field

from tools.checks import Answer, checked

LARGEST = 10**15
"""From here on a float no longer holds every whole number and two places after the point."""
PLACES = 12
"""Digits after the point that a result keeps, so that a third is 0.333333333333."""

Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]


@checked
def sum_numbers(a: Number, b: Number) -> Answer:
    """Adds two numbers.

    Args:
        a: The first number.
        b: The number to add to it.
    """
    return _answer(_exact(a) + _exact(b), f"{_shown(a)} + {_shown(b)}")


@checked
def subtract(a: Number, b: Number) -> Answer:
    """Subtracts the second number from the first.

    Args:
        a: The number to subtract from.
        b: The number to subtract.
    """
    return _answer(_exact(a) - _exact(b), f"{_shown(a)} − {_shown(b)}")


@checked
def multiply(a: Number, b: Number) -> Answer:
    """Multiplies two numbers, such as a quantity by its price.

    Args:
        a: The first number.
        b: The number to multiply it by.
    """
    return _answer(_exact(a) * _exact(b), f"{_shown(a)} × {_shown(b)}")


@checked
def divide(a: Number, b: Number) -> Answer:
    """Divides the first number by the second.

    Args:
        a: The number to divide.
        b: The number to divide by; not 0.
    """
    if b == 0:
        return {"error": f"b must not be 0: {_shown(a)} cannot be divided by 0"}
    return _answer(_exact(a) / _exact(b), f"{_shown(a)} ÷ {_shown(b)}")


@checked
def power(base: Number, exponent: Number) -> Answer:
    """Raises a number to a power.

    Args:
        base: The number to raise.
        exponent: How often it is multiplied by itself; may be negative or a fraction.
    """
    told = f"{_shown(base)} to the power of {_shown(exponent)}"
    if base == 0 and exponent < 0:
        return {"error": f"exponent must not be negative where base is 0: {told} divides by 0"}
    if base < 0 and exponent != int(exponent):
        return {"error": f"exponent must be whole where base is negative: {told} is no real number"}
    try:
        return _answer(math.pow(base, exponent), told)
    except OverflowError:
        return _too_large(told)


@checked
def square_root(number: Number) -> Answer:
    """Takes the square root of a number.

    Args:
        number: The number, 0 or more.
    """
    if number < 0:
        return {"error": f"number must not be negative: {_shown(number)} has no real square root"}
    return _answer(math.sqrt(number), f"√{_shown(number)}")


OPERATIONS: tuple[Callable[..., Answer], ...] = (
    sum_numbers,
    subtract,
    multiply,
    divide,
    power,
    square_root,
)


def _exact(number: float) -> Fraction:
    """Returns the number that was written: 0.1 is a tenth, which no float is."""
    return Fraction(Decimal(str(number)))


def _answer(result: Fraction | float, told: str) -> Answer:
    if abs(result) > LARGEST:
        return _too_large(told)
    rounded = round(float(result), PLACES) + 0  # + 0 makes of -0.0 plain 0
    if result and not rounded:
        return {"error": f"{told} is too small: it is nearer to 0 than {PLACES} places can show"}
    return {"result": rounded, "summary": f"{told} = {_shown(rounded)}"}


def _too_large(told: str) -> Answer:
    return {"error": f"{told} is too large: numbers here go up to {_shown(LARGEST)}"}


def _shown(number: float) -> str:
    """Writes a number without an exponent: 1,250.5 or 0.000004."""
    return f"{Decimal(str(number + 0)):,f}".removesuffix(".0")
