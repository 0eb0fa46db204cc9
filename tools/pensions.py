"""Pension arithmetic for the advice desk, on the tax rules of 2026/27."""

from typing import Annotated

from pydantic import Field

from tools.checks import AnnualPercent, Answer, PositivePounds, Pounds, checked, pounds, span
from tools.savings import Years, compounded

# Income tax in England, Wales and Northern Ireland.
# Source: GOV.UK, "Income Tax rates and Personal Allowances", 2026/27.
PERSONAL_ALLOWANCE = 12_570
ALLOWANCE_TAPER_START = 100_000  # above it, £1 of allowance is lost for every £2
BASIC_BAND = 37_700  # of taxable income; with the allowance, up to £50,270
HIGHER_LIMIT = 125_140  # of taxable income
BASIC_RATE, HIGHER_RATE, ADDITIONAL_RATE = 0.20, 0.40, 0.45

# Source: GOV.UK, "Tax on your private pension contributions", 2026/27.
RELIEF_WITHOUT_EARNINGS = 3_600
ANNUAL_ALLOWANCE = 60_000
SMALLEST_ALLOWANCE = 10_000
THRESHOLD_INCOME = 200_000
ADJUSTED_INCOME = 260_000
MONEY_PURCHASE_ALLOWANCE = 10_000

ChargePercent = Annotated[float, Field(ge=0, le=5)]
ThreeYearsAllowance = Annotated[float, Field(ge=0, le=3 * ANNUAL_ALLOWANCE)]


@checked
def tax_relief(annual_income: Pounds, gross_contribution: PositivePounds) -> Answer:
    """Computes the tax relief you get on a pension contribution and what it costs after relief.

    For a taxpayer in England, Wales or Northern Ireland.

    Note:
        For a personal contribution in 2026/27 paid with relief at source, where the whole income is
        earnings; any annual allowance charge is left out.
        Source: GOV.UK, Tax on your private pension contributions.

    Args:
        annual_income: The earnings before tax, in pounds a year: "earn", "earning", "earnings",
            "income", "salary", "wage".
        gross_contribution: The gross contribution to a pension, in pounds, with basic-rate relief
            in it: said to be "gross": what you pay, put or contribute, or have paid in.
    """
    relieved = min(gross_contribution, max(annual_income, RELIEF_WITHOUT_EARNINGS))
    provider = relieved * BASIC_RATE
    claim = _income_tax(annual_income, 0) - _income_tax(annual_income, relieved)
    net = gross_contribution - provider - claim
    limit = f" (relief stops at {pounds(relieved)})" if relieved < gross_contribution else ""
    charge = ", before any annual allowance charge" if relieved > ANNUAL_ALLOWANCE else ""
    return {
        "relieved_contribution": round(relieved, 2),
        "paid_to_provider": round(gross_contribution - provider, 2),
        "provider_claims": round(provider, 2),
        "self_assessment_claim": round(claim, 2),
        "total_relief": round(provider + claim, 2),
        "net_cost": round(net, 2),
        "summary": f"On earnings of {pounds(annual_income)}, a gross contribution of"
        f" {pounds(gross_contribution)}{limit} gets {pounds(provider)} of tax relief through the"
        f" provider and {pounds(claim)} through self-assessment, so it costs"
        f" {pounds(net)}{charge}.",
    }


def _income_tax(income: float, contribution: float) -> float:
    """Returns a year's income tax; the contribution widens the bands and restores allowance."""
    excess = max(0.0, income - contribution - ALLOWANCE_TAPER_START)
    taxable = max(0.0, income - max(0.0, PERSONAL_ALLOWANCE - excess / 2))
    basic = min(taxable, BASIC_BAND + contribution)
    higher = min(taxable, HIGHER_LIMIT + contribution) - basic
    additional = taxable - basic - higher
    return basic * BASIC_RATE + higher * HIGHER_RATE + additional * ADDITIONAL_RATE


@checked
def projected_pot(
    current_pot: Pounds,
    monthly_contribution: Pounds,
    annual_growth_percent: AnnualPercent,
    years: Years,
    annual_charge_percent: ChargePercent = 0,
) -> Answer:
    """Computes how large a pension pot may be at retirement, what it grows to with contributions.

    Note:
        Paid at the end of each month; growth at an effective annual rate, less the charge each
        year; not adjusted for inflation.

    Args:
        current_pot: The pension pot today, in pounds: what is in it now, and grows.
        monthly_contribution: The contributions with tax relief and an employer's part, in pounds a
            month, that you pay, put or add in, or are paid in.
        annual_growth_percent: The growth a year before charges, in percent, that the pot grows at.
        years: The number of years until retirement, in whole years: the value after them.
        annual_charge_percent: The charge a year, in percent of the pot: "charge", "charges", "fee",
            "fees".
    """
    growth = (1 + annual_growth_percent / 100) * (1 - annual_charge_percent / 100) - 1
    pot = compounded(current_pot, monthly_contribution, growth, years)
    paid_in = monthly_contribution * 12 * years
    charge = f" less {annual_charge_percent:g}% in charges" if annual_charge_percent else ""
    return {
        "projected_pot": round(pot, 2),
        "total_paid_in": round(paid_in, 2),
        "growth": round(pot - current_pot - paid_in, 2),
        "summary": f"A pot of {pounds(current_pot)} with {pounds(monthly_contribution)} a month"
        f" added for {span(years)} at {annual_growth_percent:g}% a year{charge} may reach"
        f" {pounds(pot)}, before inflation.",
    }


@checked
def annual_allowance(
    adjusted_income: Pounds = 0,
    threshold_income: Pounds = 0,
    flexibly_accessed: bool = False,
    unused_allowance_last_three_years: ThreeYearsAllowance = 0,
) -> Answer:
    """Computes the pension annual allowance for 2026/27.

    Note:
        With the taper for high income, the limit after flexible access (MPAA) and carry forward.
        Source: GOV.UK, "Tax on your private pension contributions", and HMRC Pensions Tax Manual,
        PTM057100 (taper), PTM056510 (money purchase) and PTM055100 (carry forward).

    Args:
        adjusted_income: The "adjusted income", in pounds: with all pension contributions, the
            employer's too.
        threshold_income: The "threshold income", in pounds, less personal contributions; 0 for not
            known, when it is taken to be above £200,000.
        flexibly_accessed: True if flexible income was already drawn from a pension pot: "flexibly
            accessed", "accessed flexibly", "drawn flexibly".
        unused_allowance_last_three_years: The "unused" allowance of the three tax years before, in
            pounds altogether, which is carried forward: "carry forward".
    """
    allowance = _tapered(adjusted_income, threshold_income)
    carried = unused_allowance_last_three_years
    taper = "after the taper for high income" if allowance < ANNUAL_ALLOWANCE else "in full"
    answer = {"annual_allowance": round(allowance, 2), "carry_forward": round(carried, 2)}
    if not flexibly_accessed:
        total = allowance + carried
        more = f"; carry forward of {pounds(carried)} makes it {pounds(total)}" if carried else ""
        return answer | {
            "available": round(total, 2),
            "summary": f"The annual allowance for 2026/27 is {pounds(allowance)}, {taper}{more}.",
        }
    # The money purchase limit cannot be raised by carry forward; what is left of the allowance
    # beside it serves defined benefit schemes only.
    defined_benefit = allowance - MONEY_PURCHASE_ALLOWANCE + carried
    return answer | {
        "available": MONEY_PURCHASE_ALLOWANCE,
        "available_for_defined_benefit": round(defined_benefit, 2),
        "summary": "Having flexibly accessed a pension, you may pay"
        f" {pounds(MONEY_PURCHASE_ALLOWANCE)} into money purchase pensions in 2026/27 without a"
        f" charge, and build up {pounds(defined_benefit)} in defined benefit ones.",
    }


def _tapered(adjusted_income: float, threshold_income: float) -> float:
    """Returns the allowance less £1 for every £2 of adjusted income above the limit."""
    if 0 < threshold_income <= THRESHOLD_INCOME:
        return ANNUAL_ALLOWANCE
    excess = max(0.0, adjusted_income - ADJUSTED_INCOME)
    return max(SMALLEST_ALLOWANCE, ANNUAL_ALLOWANCE - excess / 2)
