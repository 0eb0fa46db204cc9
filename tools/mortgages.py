"""Mortgage arithmetic for the advice desk, on published formulas and the rates of 2026/27."""

import math
from typing import Annotated

from pydantic import Field

from tools.checks import AnnualPercent, Answer, PositivePounds, Pounds, checked, pounds, span

MortgageYears = Annotated[int, Field(ge=1, le=40)]
IncomeMultiple = Annotated[float, Field(ge=1, le=7)]

# Stamp Duty Land Tax: (start of the band in pounds, percent above it).
# Source: GOV.UK, "Stamp Duty Land Tax: Residential property rates", from 1 April 2025, in force
# throughout 2026/27.
STANDARD_BANDS = ((0, 0), (125_000, 2), (250_000, 5), (925_000, 10), (1_500_000, 12))
FIRST_TIME_BUYER_BANDS = ((0, 0), (300_000, 5))
FIRST_TIME_BUYER_LIMIT = 500_000
# Source: GOV.UK, "Higher rates of Stamp Duty Land Tax" (from 31 October 2024) and "Rates of Stamp
# Duty Land Tax for non-UK residents" (from 1 April 2021); SDLTM09940 for the threshold.
ADDITIONAL_PROPERTY_POINTS = 5
NON_UK_RESIDENT_POINTS = 2
SURCHARGE_THRESHOLD = 40_000

# The steps by which lenders commonly price. Source: MoneyHelper, on loan to value.
LENDING_BANDS = (60, 75, 80, 85, 90, 95)


@checked
def monthly_repayment(
    loan_amount: PositivePounds,
    annual_rate_percent: AnnualPercent,
    years: MortgageYears,
    interest_only: bool = False,
) -> Answer:
    """Computes the monthly payment on a mortgage: what the repayment costs you a month.

    Also the total you pay back over the whole term, and the "total interest" that you are charged:
    "interest in total", "interest in all", "interest over the term", "interest altogether".

    Note:
        The standard annuity formula at a fixed nominal annual rate, charged monthly in arrear. Fees
        are left out. Totals come from the unrounded payment.

    Args:
        loan_amount: The loan, in pounds: what is borrowed with the mortgage.
        annual_rate_percent: The fixed interest rate a year, in percent, of the mortgage: such as
            4.5.
        years: The term of the mortgage, loan or fix, in whole years.
        interest_only: True if only interest is paid monthly: "interest only", "only the interest",
            "interest a month", "interest each month", "monthly interest",
            "only interest". False if the loan is paid off too: "repayment", "capital and interest".
    """
    months = years * 12
    rate = annual_rate_percent / 1200
    if interest_only:
        payment = loan_amount * rate
        total = payment * months + loan_amount
    else:
        payment = _annuity_payment(loan_amount, rate, months)
        total = payment * months
    interest = max(0.0, total - loan_amount)
    figures = f"{pounds(loan_amount)} at {annual_rate_percent:g}% over {span(years)}"
    if interest_only:
        kind, ending = "An interest-only", ", with the whole loan still to repay at the end"
    else:
        kind, ending = "A repayment", ""
    return {
        "monthly_payment": round(payment, 2),
        "total_paid": round(total, 2),
        "total_interest": round(interest, 2),
        "summary": f"{kind} mortgage of {figures} costs {pounds(payment)} a month and"
        f" {pounds(total)} in all, of which {pounds(interest)} is interest{ending}.",
    }


def _annuity_payment(loan: float, monthly_rate: float, months: int) -> float:
    if monthly_rate == 0:
        return loan / months
    # loan · r / (1 − (1 + r)^−n), written so that a tiny rate does not cancel to nothing.
    return loan * monthly_rate / -math.expm1(-months * math.log1p(monthly_rate))


@checked
def loan_to_value(loan_amount: PositivePounds, property_price: PositivePounds) -> Answer:
    """Computes a mortgage's loan to value (LTV): the loan as a percentage of the property price.

    Args:
        loan_amount: The loan, in pounds, of the loan to value: the mortgage,
            borrowed, outstanding or still owed, or what you owe.
        property_price: The price or present value of the property, in pounds: what a home, house or
            flat is worth, is valued at or costs to buy.
    """
    ratio = loan_amount * 100 / property_price
    deposit = property_price - loan_amount
    band = next((step for step in LENDING_BANDS if ratio <= step), None)
    place = f"in lenders' {band}% band" if band else "above the 95% at which most lenders stop"
    left = "leaves a deposit or equity of" if deposit >= 0 else "exceeds the price by"
    return {
        "loan_to_value_percent": round(ratio, 2),
        "deposit_or_equity": round(deposit, 2),
        "summary": f"A loan of {pounds(loan_amount)} on a property of {pounds(property_price)} is"
        f" {round(ratio, 2):g}% loan to value, {place}, and {left} {pounds(abs(deposit))}.",
    }


@checked
def affordability(
    annual_income: Pounds,
    second_income: Pounds = 0,
    monthly_commitments: Pounds = 0,
    income_multiple: IncomeMultiple = 4.5,
) -> Answer:
    """Computes roughly how much a lender may lend on an income: the most you could borrow to buy.

    The largest or maximum mortgage, loan or borrowing, to afford a home or house.

    Note:
        A year's commitments come off the income before it is multiplied. Lenders commonly lend 4
        to 4.5 times income, some up to 6; the regulators cap the share of lending at 4.5 times or
        more. Source: MoneyHelper, and the Bank of England's loan-to-income flow limit.

    Args:
        annual_income: Income before tax, in pounds a year: your own salary, wage or earnings.
        second_income: The second applicant's income, in pounds a year, earned by a "partner",
            "wife", "husband" or "second applicant".
        monthly_commitments: Commitments, in pounds a month, that you pay for a "loan", "car",
            "credit card", "childcare", "debts", "commitments" or "outgoings".
        income_multiple: The multiple of income that the lender uses, said as "times".
    """
    income = annual_income + second_income
    counted = max(0.0, income - 12 * monthly_commitments)
    borrowing = counted * income_multiple
    less = f" after {pounds(monthly_commitments)} a month" if monthly_commitments else ""
    return {
        "income_counted": round(counted, 2),
        "income_multiple": income_multiple,
        "maximum_loan": round(borrowing, 2),
        "summary": f"On {pounds(income)} a year{less}, a lender using {income_multiple:g} times"
        f" income might lend up to {pounds(borrowing)}; most lend 4 to 4.5 times, some up to 6,"
        " and each then tests your spending and a higher interest rate.",
    }


@checked
def stamp_duty(
    property_price: Pounds,
    first_time_buyer: bool = False,
    additional_property: bool = False,
    non_uk_resident: bool = False,
) -> Answer:
    """Computes the stamp duty (SDLT) you pay on buying a home in England or Northern Ireland.

    The tax due on a house, flat or property that is bought or purchased.

    Note:
        Rates from 1 April 2025, in force in 2026/27. Source: GOV.UK, Stamp Duty Land Tax.

    Args:
        property_price: The price of the property, in pounds: a home, house, flat,
            apartment, bungalow or cottage, terraced or detached, or the purchase of one.
        first_time_buyer: True if every buyer has never owned a home and will live in this one:
            "first time buyer", "first home", "never owned". False if one has: "home mover".
        additional_property: True if the buyer will own another home too: "second home",
            "buy to let", "holiday home", "second property", "additional property",
            "another property", "already own", "rent out", "rental property", "let out". False if
            it takes the place of the "main home" or is the "only home".
        non_uk_resident: True if a buyer lives abroad: "from abroad", "live abroad", "overseas",
            "non resident", "non UK resident", "not resident", "foreign buyer". False if all are
            a "UK resident".
    """
    if first_time_buyer and additional_property:
        return {"error": "first_time_buyer and additional_property cannot both be true"}
    relief = first_time_buyer and property_price <= FIRST_TIME_BUYER_LIMIT
    bands = FIRST_TIME_BUYER_BANDS if relief else STANDARD_BANDS
    points = 0
    if property_price >= SURCHARGE_THRESHOLD:
        points += ADDITIONAL_PROPERTY_POINTS * additional_property
        points += NON_UK_RESIDENT_POINTS * non_uk_resident
    tax = _banded(property_price, bands) + property_price * points / 100
    effective = tax * 100 / property_price if property_price else 0.0
    notes = ", with first-time buyer relief" if relief else ""
    if first_time_buyer and not relief:
        notes = f", without first-time buyer relief (price over {pounds(FIRST_TIME_BUYER_LIMIT)})"
    if points:
        notes += f", with a surcharge of {points} percentage points"
    return {
        "stamp_duty": round(tax, 2),
        "effective_rate_percent": round(effective, 2),
        "summary": f"Stamp duty on {pounds(property_price)} in England or Northern Ireland is"
        f" {pounds(tax)}, or {effective:.2f}% of the price{notes}.",
    }


def _banded(price: float, bands: tuple[tuple[int, int], ...]) -> float:
    """Charges each slice of the price at its own percent."""
    ends = [start for start, _ in bands[1:]] + [math.inf]
    return sum(
        max(0.0, min(price, end) - start) * percent / 100
        for (start, percent), end in zip(bands, ends, strict=True)
    )
