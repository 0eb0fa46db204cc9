"""Mortgage arithmetic against figures worked by hand and against HMRC's own examples."""

from typing import Any

import pytest
from google.adk.tools import FunctionTool
from hypothesis import given
from hypothesis import strategies as st

from tools.mortgages import affordability, loan_to_value, monthly_repayment, stamp_duty

LOANS = st.floats(min_value=1, max_value=100_000_000)
PRICES = st.floats(min_value=0, max_value=100_000_000)


def test_a_repayment_mortgage_costs_what_the_annuity_formula_says():
    # r = 4.5% / 12 = 0.00375; 1.00375^300 = 3.0737429; 250,000 r / (1 - 1 / 3.0737429)
    # = 937.50 / 0.6746637 = 1,389.58; x 300 = 416,874.36 before the payment is rounded.
    answer = monthly_repayment(250_000, 4.5, 25)
    assert answer == {
        "monthly_payment": 1389.58,
        "total_paid": 416_874.36,
        "total_interest": 166_874.36,
        "summary": "A repayment mortgage of £250,000 at 4.5% over 25 years costs £1,389.58 a month"
        " and £416,874.36 in all, of which £166,874.36 is interest.",
    }


def test_interest_only_pays_the_twelfth_of_a_years_interest_and_the_loan_at_the_end():
    # 250,000 x 4.5% / 12 = 937.50; x 300 = 281,250 of interest; + 250,000 = 531,250.
    answer = monthly_repayment(250_000, 4.5, 25, interest_only=True)
    assert answer["monthly_payment"] == 937.5
    assert answer["total_interest"] == 281_250
    assert answer["total_paid"] == 531_250
    assert "whole loan still to repay" in answer["summary"]


def test_without_interest_the_loan_is_split_evenly():
    answer = monthly_repayment(120_000, 0, 10)
    assert answer["monthly_payment"] == 1_000
    assert answer["total_interest"] == 0


@given(LOANS, st.floats(min_value=0, max_value=25), st.integers(min_value=1, max_value=40))
def test_the_payments_discounted_at_the_rate_are_worth_the_loan(loan: float, rate: float, n: int):
    payment = monthly_repayment(loan, rate, n)["monthly_payment"]
    discounts = [(1 + rate / 1200) ** -month for month in range(1, 12 * n + 1)]
    # The payment is rounded to a penny, so each is up to half a penny out.
    assert payment * sum(discounts) == pytest.approx(loan, rel=1e-9, abs=0.0051 * sum(discounts))


def test_loan_to_value_names_the_band_and_the_deposit():
    # 270,000 / 300,000 = 90%
    answer = loan_to_value(270_000, 300_000)
    assert (answer["loan_to_value_percent"], answer["deposit_or_equity"]) == (90, 30_000)
    assert "90% band" in answer["summary"]
    assert "95% band" in loan_to_value(270_010, 300_000)["summary"]
    assert "exceeds the price by £1,000" in loan_to_value(301_000, 300_000)["summary"]


def test_affordability_multiplies_what_commitments_leave_of_the_income():
    # (40,000 + 20,000 - 12 x 250) x 4.5 = 57,000 x 4.5 = 256,500
    assert affordability(40_000, 20_000, 250)["maximum_loan"] == 256_500
    assert affordability(50_000, income_multiple=4)["maximum_loan"] == 200_000
    assert affordability(10_000, monthly_commitments=1_000)["maximum_loan"] == 0


@pytest.mark.parametrize(
    ("price", "buyer", "tax"),
    [
        (125_000, {}, 0),
        # GOV.UK's example: 0 + 2% of 125,000 + 5% of 45,000 = 2,500 + 2,250
        (295_000, {}, 4_750),
        # 2,500 + 5% of 675,000 + 10% of 575,000 + 12% of 500,000
        (2_000_000, {}, 2_500 + 33_750 + 57_500 + 60_000),
        (300_000, {"first_time_buyer": True}, 0),
        # GOV.UK's example: 5% of 200,000
        (500_000, {"first_time_buyer": True}, 10_000),
        # no relief: 2,500 + 5% of 250,001
        (500_001, {"first_time_buyer": True}, 15_000.05),
        # GOV.UK's example: 5% of 125,000 + 7% of 125,000 + 10% of 50,000
        (300_000, {"additional_property": True}, 20_000),
        (39_999, {"additional_property": True}, 0),
        (40_000, {"additional_property": True}, 2_000),
        # 2% of 300,000 + 7% of 200,000
        (500_000, {"first_time_buyer": True, "non_uk_resident": True}, 20_000),
        # 4,750 + 7% of 295,000
        (295_000, {"additional_property": True, "non_uk_resident": True}, 25_400),
    ],
)
def test_stamp_duty(price: float, buyer: dict[str, bool], tax: float):
    assert stamp_duty(price, **buyer)["stamp_duty"] == tax


def test_the_first_time_buyer_example_of_hmrc_manual_with_the_non_resident_surcharge():
    # SDLTM09870's Fifi: £700,000, a first-time buyer above the limit, not resident. Its standard
    # bands are those of 2022; at those of 2026/27: 2,500 + 5% of 450,000 + 2% of 700,000.
    answer = stamp_duty(700_000, first_time_buyer=True, non_uk_resident=True)
    assert answer["stamp_duty"] == 2_500 + 22_500 + 14_000


@given(PRICES, PRICES, st.booleans())
def test_a_dearer_home_never_pays_less_stamp_duty(one: float, other: float, additional: bool):
    lower, higher = (
        stamp_duty(price, additional_property=additional)["stamp_duty"]
        for price in sorted((one, other))
    )
    assert lower <= higher


@given(st.floats(min_value=40_000, max_value=99_999_999), st.floats(min_value=0, max_value=1))
def test_stamp_duty_is_continuous(price: float, step: float):
    before = stamp_duty(price)["stamp_duty"]
    after = stamp_duty(price + step)["stamp_duty"]
    assert after - before <= 0.12 * step + 0.02


def test_a_first_time_buyer_has_no_other_home():
    answer = stamp_duty(300_000, first_time_buyer=True, additional_property=True)
    assert answer == {
        "error": "first_time_buyer and additional_property cannot both be true",
    }


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"annual_rate_percent": 450}, "annual_rate_percent must be between 0 and 25, got 450"),
        ({"loan_amount": -1}, "loan_amount must be between 1 and 100,000,000, got -1"),
        ({"loan_amount": 1e308}, "loan_amount must be between 1 and 100,000,000, got 1e+308"),
        ({"loan_amount": 10**5000}, "got a number of more than 20 digits"),
        ({"loan_amount": "abc"}, "must be a number between 1 and 100,000,000, got 'abc'"),
        ({"loan_amount": None}, "must be a number between 1 and 100,000,000, got nothing"),
        ({"loan_amount": True}, "must be a number between 1 and 100,000,000, got True"),
        ({"loan_amount": float("nan")}, "got nan"),
        ({"loan_amount": float("inf")}, "got inf"),
        ({"loan_amount": [1]}, "got a list"),
        ({"years": 0}, "years must be between 1 and 40, got 0"),
        ({"years": 2.5}, "years must be a whole number between 1 and 40, got 2.5"),
        ({"interest_only": "perhaps"}, "interest_only must be true or false, got 'perhaps'"),
    ],
)
def test_a_bad_value_is_answered_with_a_sentence(arguments: dict[str, Any], error: str):
    given: dict[str, Any] = {"loan_amount": 1, "annual_rate_percent": 1, "years": 1}
    answer = monthly_repayment(**given | arguments)
    assert list(answer) == ["error"]
    assert error in answer["error"]


def test_numbers_may_come_as_text_and_options_as_nothing():
    as_text: dict[str, Any] = {
        "loan_amount": "£250,000",
        "annual_rate_percent": "4.5%",
        "years": 25.0,
        "interest_only": None,
    }
    assert monthly_repayment(**as_text) == monthly_repayment(250_000, 4.5, 25)


def test_adk_declares_names_types_limits_and_what_is_required():
    declaration = FunctionTool(monthly_repayment)._get_declaration()
    assert declaration is not None
    assert declaration.name == "monthly_repayment"
    assert str(declaration.description).startswith("Computes the monthly payment on a mortgage")
    schema: Any = declaration.parameters_json_schema
    assert schema["required"] == ["loan_amount", "annual_rate_percent", "years"]
    assert {name: field["type"] for name, field in schema["properties"].items()} == {
        "loan_amount": "number",
        "annual_rate_percent": "number",
        "years": "integer",
        "interest_only": "boolean",
    }
    rate = schema["properties"]["annual_rate_percent"]
    assert (rate["minimum"], rate["maximum"]) == (0, 25)


async def test_adk_calls_it_with_what_a_model_gave():
    tool = FunctionTool(monthly_repayment)
    arguments = {"loan_amount": "250000", "annual_rate_percent": 4.5, "years": 25}
    # The function asks for no context, so ADK never looks at it.
    answer = await tool.run_async(args=arguments, tool_context=None)  # type: ignore[arg-type] - see above
    assert answer["monthly_payment"] == 1389.58
