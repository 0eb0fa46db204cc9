"""What the offline model takes from a text for a function's arguments, and what it leaves."""

import re
from typing import Annotated, Any, Literal

import pytest
from google.adk.tools.function_tool import FunctionTool
from google.genai import types
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from adk_flow.models.offline.arguments import fill
from adk_flow.models.offline.reading import read
from adk_flow.models.request.functions import Function, declared_functions


def repayment(loan_amount: float, annual_rate_percent: float, years: int) -> None:
    """Computes the monthly repayment on a mortgage.

    Args:
        loan_amount: The mortgage or loan, in pounds, that is borrowed.
        annual_rate_percent: The interest rate a year, in percent, such as 4.5.
        years: The term, in whole years.
    """


def stamp_duty(
    property_price: float, first_time_buyer: bool = False, additional_property: bool = False
) -> None:
    """Computes stamp duty.

    Args:
        property_price: The price of the home, in pounds.
        first_time_buyer: True if the buyer never owned a home: "never owned".
        additional_property: True for another home: "second home" or "buy to let".
    """


def relief(annual_income: float, contribution: float) -> None:
    """Computes tax relief.

    Args:
        annual_income: What you earn before tax, in pounds a year: "earn", "salary".
        contribution: What is paid into the pension, in pounds: "pay", "paid", "put".
    """


def saving(monthly_saving: float, growth: float, years: Annotated[int, Field(ge=1)]) -> None:
    """Computes savings.

    Args:
        monthly_saving: The sum saved, in pounds a month.
        growth: Growth a year, as a fraction.
        years: The time, in whole years, after which they are counted.
    """


def weather(city: str, days: int = 1) -> None:
    """Gives the weather forecast."""


def flights(origin: str, destination: str, date: str, cabin: Literal["economy", "first"]) -> None:
    """Finds flights."""


def look_up(question: str) -> None:
    """Looks things up."""


def multiply(a: float, b: float) -> None:
    """Multiplies two numbers."""


FUNCTIONS = (repayment, stamp_duty, relief, saving, weather, flights, look_up, multiply)


def declared(function: Any) -> Function:
    declaration = FunctionTool(function)._get_declaration()
    tool = types.Tool(function_declarations=[declaration] if declaration else [])
    return declared_functions(types.GenerateContentConfig(tools=[tool]))[0]


LOAN = {"loan_amount": 250_000, "annual_rate_percent": 4.5, "years": 25}


@pytest.mark.parametrize(
    ("function", "text", "expected", "faults"),
    [
        (repayment, "£250,000 mortgage, 4.5% interest, 25-year term", LOAN, ()),
        (repayment, "Borrow £0.25m at 4.5 per cent over twenty-five years", LOAN, ()),
        (repayment, "a mortgage of £250 000 over 25 years at 4.5%", LOAN, ()),
        (
            repayment,
            "a mortgage of $250,000 over 25 years",
            {"years": 25},
            ("$250,000",),
        ),
        (repayment, "£250.000 at 4,5% over 10 to 15 years", {}, (
            "£250.000", "4,5%", "10", "15 years", "over",
        )),
        (repayment, "What mortgage has a repayment of £1,000?", {}, ("£1,000",)),
        (stamp_duty, "£400,000 as a first-time buyer", {
            "property_price": 400_000, "first_time_buyer": True,
        }, ()),
        (stamp_duty, "I'm not a first-time buyer, the price is £1.2m", {
            "property_price": 1_200_000, "first_time_buyer": False,
        }, ()),
        (stamp_duty, "£300k for a home in Wales", {"property_price": 300_000}, ("wales",)),
        (relief, "I earn £60,000 and put £5,000 into my pension", {
            "annual_income": 60_000, "contribution": 5_000,
        }, ()),
        (relief, "I pay £5,000 into my pension and my salary is £60,000", {
            "annual_income": 60_000, "contribution": 5_000,
        }, ()),
        (relief, "tax relief on £5,000 and £60,000", {}, ("£5,000", "£60,000")),
        (saving, "£300 a month at 5% after 10 years", {
            "monthly_saving": 300, "growth": 0.05, "years": 10,
        }, ()),
        (saving, "£300 a year saved for 18 months", {}, ("£300 a year", "for 18 months")),
        (flights, "Find me flights from London to New York on 12 May in economy", {
            "origin": "London", "destination": "New York", "date": "12 May", "cabin": "economy",
        }, ("12",)),
        (weather, "the forecast for Leeds", {"city": "Leeds"}, ()),
        (look_up, "How do 2 ISAs work?", {"question": "How do 2 ISAs work?"}, ("2", "isas")),
        (multiply, "multiply 3 by 4", {}, ("3", "4")),
    ],
)  # fmt: skip
def test_arguments_come_from_the_text_by_unit_and_word_and_the_rest_is_a_fault(
    function, text, expected, faults
):
    filled = fill(declared(function), text)

    assert (filled.arguments, filled.faults) == (expected, faults)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("4.5.", 4.5), ("4.5%.", 4.5), ("£900.", None), ("5% but tracking.", None)],
)
def test_an_answer_goes_to_what_was_asked_for_if_it_says_nothing_more(answer, expected):
    filled = fill(
        declared(repayment),
        f"The annual rate percent: {answer}",
        ["The repayment on a £250,000 mortgage over 25 years"],
    )

    assert filled.is_sure == (expected is not None)
    assert not filled.is_sure or filled.arguments["annual_rate_percent"] == expected


def test_a_truth_of_whose_words_one_is_said_is_asked_for():
    filled = fill(declared(stamp_duty), "Stamp duty on a £300,000 home, my second")

    assert [parameter.name for parameter in filled.missing] == ["additional_property"]
    assert not filled.is_sure


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
        ? . , ; : - ( ) ' " house salary partner rate growth The loan amount: yes no none economy
        """,
    )
)
TEXT = st.lists(st.one_of(NUMBER, WORDY, st.text(max_size=8)), max_size=25).map(" ".join)
SCALES = (1, 1e3, 1e6, 1e9, 100, 12, 1 / 12, 0.01)
"""What a number's own words may turn it into: thousands, 2 years in months, 5% as 0.05."""


def spelt_in(text: str) -> list[float]:
    """Every number that the digits of a text can be read as, in whatever way they stand."""
    runs = re.findall(r"\d[\d, \u00a0\u2009\u202f]*(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+", text)
    plain = re.findall(r"\d+(?:\.\d+)?", text) + re.findall(r"\d[\d,]*(?:\.\d+)?", text)
    numbers = [re.sub(r"[^\d.]", "", run) for run in (*runs, *plain)]
    return [float(one) for one in numbers if one and len(one) < 300]


@given(st.sampled_from(FUNCTIONS), TEXT)
def test_arguments_have_their_types_and_no_number_is_invented(function, text):
    filled = fill(declared(function), text)

    spelt = spelt_in(read(text).text)
    kinds = {"number": (int, float), "integer": int, "boolean": bool, "string": str}
    for parameter in declared(function).parameters:
        value = filled.arguments.get(parameter.name)
        assert value is None or isinstance(value, kinds[parameter.kind]), parameter
        assert not parameter.choices or value in (None, *parameter.choices)
        if isinstance(value, int | float) and not isinstance(value, bool):
            assert any(
                abs(value - one * scale) <= 1e-6 * max(1, abs(value))
                for one in spelt
                for scale in SCALES
            ), (value, text)


@given(TEXT)
def test_every_digit_of_a_text_is_in_a_quantity(text):
    reading = read(text)
    digits = {place for place, sign in enumerate(reading.text) if sign.isdecimal()}

    held = {place for one in reading.quantities for place in range(one.start, one.end)}
    assert digits <= held
