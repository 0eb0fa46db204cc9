"""What the offline model takes from a text for a function's arguments."""

import re
from typing import Annotated, Any, Literal

import pytest
from google.adk.tools.function_tool import FunctionTool
from google.genai import types
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from adk_flow.models.offline.arguments import fill
from adk_flow.models.request.functions import Function, declared_functions


def repayment(loan_amount: float, annual_rate_percent: float, years: int) -> None:
    """Computes a repayment.

    Args:
        loan_amount: The sum borrowed, in pounds.
        annual_rate_percent: The interest rate a year, in percent, such as 4.5.
        years: The term, in whole years.
    """


def loan_to_value(loan_amount: float, property_price: float) -> None:
    """Computes the loan to value."""


def affordability(
    annual_income: float, second_income: float = 0, monthly_commitments: float = 0
) -> None:
    """Computes what can be borrowed.

    Args:
        annual_income: Income before tax, in pounds a year.
        second_income: A partner's income before tax, in pounds a year.
        monthly_commitments: Loans, cards and the like, in pounds a month.
    """


def stamp_duty(
    property_price: float, first_time_buyer: bool = False, additional_property: bool = False
) -> None:
    """Computes stamp duty.

    Args:
        property_price: The price of the property, in pounds.
        first_time_buyer: True if the buyer never owned a home.
        additional_property: True for another home: a second home or buy to let.
    """


def saving(monthly_saving: float, growth: float, years: Annotated[int, Field(ge=1, le=60)]) -> None:
    """Computes savings.

    Args:
        monthly_saving: The sum saved, in pounds a month.
        growth: Growth a year, as a fraction.
        years: How long, in whole years.
    """


def relief(annual_income: float, contribution: float) -> None:
    """Computes tax relief.

    Args:
        annual_income: Earnings before tax, in pounds a year.
        contribution: What is paid into the pension, in pounds.
    """


def deal(months: int, fee: float = 0) -> None:
    """Looks at a deal of so many months."""


def look_up(question: str) -> None:
    """Looks things up."""


def weather(city: str, days: int = 1) -> None:
    """Gives the weather."""


def trains(origin: str, destination: str, mode: Literal["train", "bus"] = "train") -> None:
    """Gives departures."""


def order(order_id: str) -> None:
    """Tracks an order."""


def add(numbers: list[float]) -> None:
    """Adds numbers."""


def shop(items: list[str], size: Literal["small", "large"]) -> None:
    """Orders things."""


FUNCTIONS = (
    repayment, loan_to_value, affordability, stamp_duty, saving, relief, deal, look_up, weather,
    trains, order, add, shop,
)  # fmt: skip


def declared(function: Any) -> Function:
    declaration = FunctionTool(function)._get_declaration()
    tool = types.Tool(function_declarations=[declaration] if declaration else [])
    return declared_functions(types.GenerateContentConfig(tools=[tool]))[0]


LOAN = {"loan_amount": 250_000, "annual_rate_percent": 4.5, "years": 25}


@pytest.mark.parametrize(
    ("function", "text", "expected"),
    [
        (repayment, "What would a £250,000 mortgage at 4.5% over 25 years cost a month?", LOAN),
        (repayment, "250k at 4.5 per cent over a 25-year term", LOAN),
        (repayment, "a quarter of a million? No: 250 thousand pounds, 4.5 percent, 25 yrs", LOAN),
        (repayment, "Borrow 250000 for twenty-five years at 4.5%", LOAN),
        (repayment, "£0.25m at 4.5% for 25 years", LOAN),
        (
            repayment,
            "I have two children and borrow £200,000 at 4%",
            {"loan_amount": 200_000, "annual_rate_percent": 4},
        ),
        (repayment, "FTSE 100, S&P 500, a 401(k) in 2026/27 at 9:15", {}),
        (repayment, "over 30 years", {"years": 30}),
        (
            loan_to_value,
            "I owe £150k on a property priced at £300k",
            {"loan_amount": 150_000, "property_price": 300_000},
        ),
        (
            loan_to_value,
            "a house worth £250,000 with a loan of £200,000",
            {"loan_amount": 200_000, "property_price": 250_000},
        ),
        (affordability, "I earn 60 thousand", {"annual_income": 60_000}),
        (affordability, "I earn £3,000 a month", {"monthly_commitments": 3_000}),
        (
            affordability,
            "My salary is £45,000 and I pay £300 a month on my car",
            {"annual_income": 45_000, "monthly_commitments": 300},
        ),
        (
            affordability,
            "I earn £45,000 and my partner £30,000 a year",
            {"annual_income": 45_000, "second_income": 30_000},
        ),
        (
            stamp_duty,
            "£400,000 for a first-time buyer",
            {"property_price": 400_000, "first_time_buyer": True},
        ),
        (
            stamp_duty,
            "I'm not a first time buyer and pay 1.2m",
            {"property_price": 1_200_000, "first_time_buyer": False},
        ),
        (
            stamp_duty,
            "£300k for a second home",
            {"property_price": 300_000, "additional_property": True},
        ),
        (
            saving,
            "£300 a month at 5% for 10 years",
            {"monthly_saving": 300, "growth": 0.05, "years": 10},
        ),
        (saving, "£10,000 at 5% for 10 years", {"growth": 0.05, "years": 10}),
        # Out of bounds: the function says so itself.
        (saving, "£300pcm for 90 years", {"monthly_saving": 300, "years": 90}),
        (
            relief,
            "tax relief on £5,000 into a pension on £60,000",
            {"annual_income": 60_000, "contribution": 5_000},
        ),
        (
            relief,
            "I earn £60,000 and put £5,000 into my pension",
            {"annual_income": 60_000, "contribution": 5_000},
        ),
        (deal, "a two-year fix", {"months": 24}),
        (deal, "a deal of 18 months with a fee of £999", {"months": 18, "fee": 999}),
        (look_up, "How do ISAs work?", {"question": "How do ISAs work?"}),
        (weather, "What's the weather in New York for 3 days?", {"city": "New York", "days": 3}),
        (weather, "will it rain in leeds tomorrow", {"city": "leeds"}),
        (weather, "will it rain?", {}),
        (
            trains,
            "From Leeds to York by bus",
            {"origin": "Leeds", "destination": "York", "mode": "bus"},
        ),
        (order, "Where is my parcel, order A1234?", {"order_id": "A1234"}),
        (add, "Add 3, 5 and 7.5", {"numbers": [3, 5, 7.5]}),
        (add, "4,5,6 and 7", {"numbers": [4, 5, 6, 7]}),
        (shop, "A large box with: apples, pears and 2 figs", {
            "items": ["apples", "pears", "2 figs"], "size": "large",
        }),
    ],
)  # fmt: skip
def test_arguments_come_from_the_text_by_unit_and_name(function, text, expected):
    assert fill(declared(function), text).arguments == expected


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("The interest rate a year, in percent (annual rate percent): 4.5.", 4.5),
        ("The interest rate a year, in percent (annual rate percent): 4.5%.", 4.5),
        ("annual rate percent: 5", 5),
        ("The interest rate a year, in percent (annual rate percent): £900.", None),
    ],
)
def test_a_labelled_value_goes_to_its_parameter(label, expected):
    filled = fill(declared(repayment), f"What would £250,000 cost over 25 years? {label}")

    assert filled.arguments.get("annual_rate_percent") == expected
    assert filled.arguments["years"] == 25


def test_missing_parameters_are_told_in_words():
    missing = fill(declared(repayment), "a £250,000 mortgage").missing

    assert [parameter.label for parameter in missing] == [
        "interest rate a year, in percent (annual rate percent)",
        "term, in whole years",
    ]


NUMBER = st.one_of(
    st.integers(0, 10_000_000).map(str),
    st.integers(0, 10_000_000).map("{:,}".format),
    st.decimals(0, 1000, places=2).map(str),
)
WORDY = st.sampled_from(
    re.findall(
        r"\S+",
        """
        £ $ % k m thousand million percent per cent a month a year over at for in and or years
        months mortgage loan income earn save pension price first-time buyer not Leeds to from 🙂
        ? . , ; : - ( ) ' " house salary partner rate growth The loan amount: yes no none small
        """,
    )
)
TEXT = st.lists(st.one_of(NUMBER, WORDY, st.text(max_size=8)), max_size=25).map(" ".join)

SCALES = (1, 100, 1e3, 1e6, 1e9, 12, 0.01, 7, -1)
"""What a number's own words may turn it into: thousands, 2 years in months, 5% as 0.05."""


def numbers_in(value: Any) -> list[float]:
    if isinstance(value, list):
        return [number for one in value for number in numbers_in(one)]
    return [value] if isinstance(value, int | float) and not isinstance(value, bool) else []


def spelt_in(text: str) -> list[float]:
    """Every number that the digits of a text can be read as, in whatever way they stand."""
    plain = [float(run) for run in re.findall(r"\d+(?:\.\d+)?|\.\d+", text) if len(run) < 300]
    grouped = [float(run.replace(",", "")) for run in re.findall(r"\d[\d,]*(?:\.\d+)?", text)]
    return plain + grouped


@given(st.sampled_from(FUNCTIONS), TEXT)
def test_arguments_have_their_types_and_no_number_is_invented(function, text):
    filled = fill(declared(function), text)

    spelt = spelt_in(text)
    for parameter in declared(function).parameters:
        if parameter.name not in filled.arguments:
            continue
        value = filled.arguments[parameter.name]
        kinds = {"number": (int, float), "integer": int, "boolean": bool, "string": str}
        assert isinstance(value, kinds.get(parameter.kind, list)), parameter
        assert not parameter.choices or value in parameter.choices
        for number in numbers_in(value):
            assert any(
                abs(number - one * scale) <= 1e-6 * max(1, abs(number))
                for one in spelt
                for scale in SCALES
            ), (number, text)
