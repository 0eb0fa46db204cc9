"""The six operations: exact where decimals are, and errors that a model can read."""

import math
from decimal import Decimal
from typing import Any

import pytest
from google.adk.tools.function_tool import FunctionTool
from hypothesis import given
from hypothesis import strategies as st

from tools.arithmetic import (
    LARGEST,
    OPERATIONS,
    divide,
    multiply,
    power,
    square_root,
    subtract,
    sum_numbers,
)

TWO: Any = "two"
NOTHING: Any = None

prices = st.integers(-(10**7), 10**7).map(lambda pence: pence / 100)


@pytest.mark.parametrize(
    ("answer", "result", "summary"),
    [
        (sum_numbers(0.1, 0.2), 0.3, "0.1 + 0.2 = 0.3"),
        (subtract(1.1, 1), 0.1, "1.1 − 1 = 0.1"),
        (multiply(3, 19.99), 59.97, "3 × 19.99 = 59.97"),
        (multiply(-1.0, 0), 0, "-1 × 0 = 0"),
        (divide(1, 3), 0.333333333333, "1 ÷ 3 = 0.333333333333"),
        (divide(1250.5, 0.5), 2501, "1,250.5 ÷ 0.5 = 2,501"),
        (power(2, 10), 1024, "2 to the power of 10 = 1,024"),
        (power(4, -0.5), 0.5, "4 to the power of -0.5 = 0.5"),
        (power(-2, 3), -8, "-2 to the power of 3 = -8"),
        (power(0, 0), 1, "0 to the power of 0 = 1"),
        (square_root(81), 9, "√81 = 9"),
        (square_root(0), 0, "√0 = 0"),
        (sum_numbers(1e-7, 0), 1e-7, "0.0000001 + 0 = 0.0000001"),
    ],
)
def test_results_are_those_of_decimal_arithmetic(answer, result, summary):
    assert answer == {"result": result, "summary": summary}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (divide(5, 0), "b must not be 0: 5 cannot be divided by 0"),
        (divide(5, -0.0), "b must not be 0"),
        (square_root(-4), "number must not be negative: -4 has no real square root"),
        (power(-8, 0.5), "no real number"),
        (power(0, -1), "divides by 0"),
        (power(10, 400), "10 to the power of 400 is too large"),
        (multiply(LARGEST, 2), "too large: numbers here go up to 1,000,000,000,000,000"),
        (divide(LARGEST, 0.5), "too large"),
        (power(10, -14), "too small"),
        (sum_numbers(TWO, 2), "a must be a number between"),
        (sum_numbers(math.inf, 2), "a must be between"),
        (sum_numbers(2, math.nan), "b must be a number"),
        (square_root(NOTHING), "number must be a number"),
        (multiply(True, 2), "got True"),
    ],
)
def test_what_cannot_be_worked_out_is_an_error_to_read(answer, error):
    assert list(answer) == ["error"]
    assert error in answer["error"]


def test_numbers_may_come_as_a_model_writes_them():
    arguments: Any = ("£1,250.50", "3")

    assert sum_numbers(*arguments)["result"] == 1253.5


@given(prices, prices)
def test_sums_of_money_are_exact_to_the_penny(first, second):
    one, other = Decimal(str(first)), Decimal(str(second))

    assert Decimal(str(sum_numbers(first, second)["result"])) == one + other
    assert Decimal(str(subtract(first, second)["result"])) == one - other
    assert Decimal(str(multiply(first, second)["result"])) == one * other


@given(st.floats(), st.floats())
def test_any_two_numbers_give_a_number_or_an_error(first, second):
    for operation in OPERATIONS:
        arguments = (first,) if operation is square_root else (first, second)
        answer = operation(*arguments)
        assert ("error" in answer) != math.isfinite(answer.get("result", math.inf))


async def test_adk_declares_and_runs_them():
    declared = [FunctionTool(operation)._get_declaration() for operation in OPERATIONS]

    assert [one.name for one in declared] == [
        "sum_numbers",
        "subtract",
        "multiply",
        "divide",
        "power",
        "square_root",
    ]
    assert all(one.parameters_json_schema["required"] for one in declared)
