"""Six operations, exact where decimals are; they give a `result` and a `summary`, or an `error`."""

import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

LARGEST, PLACES = 10**15, 12  # beyond them a float is no longer exact
Answer = dict[str, Any]


def sum_numbers(a: float, b: float) -> Answer:
    """Adds two numbers."""
    return _worked("{} + {}", lambda x, y: x + y, a, b)


def subtract(a: float, b: float) -> Answer:
    """Subtracts the second number from the first."""
    return _worked("{} − {}", lambda x, y: x - y, a, b)


def multiply(a: float, b: float) -> Answer:
    """Multiplies two numbers."""
    return _worked("{} × {}", lambda x, y: x * y, a, b)


def divide(a: float, b: float) -> Answer:
    """Divides the first number by the second."""
    return _worked("{} ÷ {}", lambda x, y: x / y, a, b)


def power(base: float, exponent: float) -> Answer:
    """Raises a number to a power."""
    return _worked("{} to the power of {}", math.pow, base, exponent)


def square_root(number: float) -> Answer:
    """Takes the square root of a number."""
    return _worked("√{}", math.sqrt, number)


OPERATIONS = (sum_numbers, subtract, multiply, divide, power, square_root)


def _worked(form: str, operation: Callable[..., Any], *numbers: float) -> Answer:
    try:
        # As they were written: 0.1 is a tenth, which no float is.
        exact = [Fraction(Decimal(str(float(number)))) for number in numbers]
        result = float(operation(*exact))
    except (ArithmeticError, ValueError, TypeError) as error:
        cause = "division by 0" if isinstance(error, ZeroDivisionError) else error
        return {"error": f"{form.format(*numbers)} has no result: {cause}"}
    told, rounded = form.format(*map(_shown, numbers)), round(result, PLACES) + 0  # no -0.0
    if abs(result) > LARGEST or (result and not rounded):
        return {"error": f"{told} is too {'large' if rounded else 'small'} for this calculator"}
    return {"result": rounded, "summary": f"{told} = {_shown(rounded)}"}


def _shown(number: float) -> str:
    """Writes a number without an exponent: 1,250.5 or 0.000004."""
    return f"{Decimal(str(float(number) + 0)):,f}".removesuffix(".0")
