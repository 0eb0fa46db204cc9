"""Savings and investment arithmetic for the advice desk.

Growth here is an effective annual rate, as an account's AER is: £100 at 5% is £105 after a year,
however often interest is added. A month's growth is the twelfth root of a year's.
"""

import math
from typing import Annotated

from pydantic import Field

from tools.checks import AnnualPercent, Answer, PositivePounds, Pounds, checked, pounds, span

Years = Annotated[int, Field(ge=1, le=60)]

ISA_ALLOWANCE = 20_000  # Source: GOV.UK, "Individual Savings Accounts (ISAs)", 2026/27.


@checked
def future_value_lump_sum(
    lump_sum: PositivePounds, annual_growth_percent: AnnualPercent, years: Years
) -> Answer:
    """Computes what a lump sum in savings or invested today grows to, its value after some years.

    What savings or an investment will be worth in time.

    Note:
        Compound growth at an effective annual rate, before tax, charges and inflation.

    Args:
        lump_sum: The sum put in at the start, in pounds: what is saved, invested or deposited as
            savings or an investment, and grows.
        annual_growth_percent: The growth or interest (AER) earned a year, in percent: the return
            or rate that it grows at or that an account pays or is paying.
        years: The number of years that it is left, in whole years: what it is worth after them.
    """
    value = compounded(lump_sum, 0, annual_growth_percent / 100, years)
    return {
        "future_value": round(value, 2),
        "growth": round(value - lump_sum, 2),
        "summary": f"{pounds(lump_sum)} growing at {annual_growth_percent:g}% a year comes to"
        f" {pounds(value)} after {span(years)}, of which {pounds(value - lump_sum)} is growth.",
    }


@checked
def future_value_monthly_saving(
    monthly_saving: PositivePounds, annual_growth_percent: AnnualPercent, years: Years
) -> Answer:
    """Computes what regular saving of the same sum every month grows to, its value after years.

    Note:
        Paid at the end of each month; growth at an effective annual rate, before tax, charges and
        inflation.

    Args:
        monthly_saving: The saving, in pounds a month: what is saved, invested, put away
            or paid in regularly, and grows.
        annual_growth_percent: The growth or interest (AER) earned a year, in percent: the return
            or rate that it grows at or is paid.
        years: The number of years that saving goes on, in whole years: the value after them.
    """
    value = compounded(0, monthly_saving, annual_growth_percent / 100, years)
    paid_in = monthly_saving * 12 * years
    growth = max(0.0, value - paid_in)
    return {
        "future_value": round(value, 2),
        "total_paid_in": round(paid_in, 2),
        "growth": round(growth, 2),
        "summary": f"Saving {pounds(monthly_saving)} a month for {span(years)} at"
        f" {annual_growth_percent:g}% a year comes to {pounds(value)}: {pounds(paid_in)} paid in"
        f" and {pounds(growth)} of growth.",
    }


@checked
def isa_allowance(paid_in_this_year: Pounds, planned_payment: Pounds = 0) -> Answer:
    """Computes how much ISA allowance is left: how much more you can pay in this tax year.

    Also by how much what you pay in will go over it.

    Note:
        £20,000 over all of an adult's ISAs in 2026/27. Source: GOV.UK, Individual Savings Accounts.

    Args:
        paid_in_this_year: The sum already paid into all ISAs so far this tax year, in pounds:
            "paid", "put", "used".
        planned_payment: The further sum to be paid in, in pounds: "pay", "plan", "add", "another".
    """
    total = paid_in_this_year + planned_payment
    remaining = max(0.0, ISA_ALLOWANCE - paid_in_this_year)
    over = max(0.0, total - ISA_ALLOWANCE)
    if over:
        outcome = f"a total of {pounds(total)} goes {pounds(over)} over it"
    elif planned_payment:
        outcome = f"paying in {pounds(planned_payment)} leaves {pounds(ISA_ALLOWANCE - total)}"
    else:
        outcome = "it cannot be carried into the next tax year"
    return {
        "allowance": ISA_ALLOWANCE,
        "remaining": round(remaining, 2),
        "over": round(over, 2),
        "summary": f"After {pounds(paid_in_this_year)} paid in, {pounds(remaining)} of the"
        f" {pounds(ISA_ALLOWANCE)} ISA allowance for 2026/27 is left; {outcome}.",
    }


def compounded(lump_sum: float, monthly_payment: float, annual_growth: float, years: int) -> float:
    """Returns the value of a lump sum and of payments at each month's end; growth 0.05 is 5%."""
    force = math.log1p(annual_growth)
    monthly_growth = math.expm1(force / 12)
    growth = math.expm1(force * years)
    # m · ((1 + g)^years − 1) / i, the future value of an ordinary annuity.
    payments = growth / monthly_growth if monthly_growth else 12 * years
    return lump_sum * (1 + growth) + monthly_payment * payments
