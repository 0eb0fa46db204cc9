"""Pension arithmetic on the tax rules of 2026/27, against figures worked by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.pensions import annual_allowance, projected_pot, tax_relief

INCOMES = st.floats(min_value=0, max_value=400_000)
CONTRIBUTIONS = st.floats(min_value=1, max_value=100_000)


@pytest.mark.parametrize(
    ("income", "contribution", "provider", "claim"),
    [
        # Basic rate only: the provider's 20% is all.
        (30_000, 5_000, 1_000, 0),
        # 60,000 - 50,270 = 9,730 of income at 40%, all of it moved to 20%: 1,946.
        (60_000, 10_000, 2_000, 1_946),
        # All of the 10,000 was taxed at 40%: 20% more.
        (80_000, 10_000, 2_000, 2_000),
        # 5,000 of personal allowance comes back as well: 40% of 5,000 is 2,000 more.
        (110_000, 10_000, 2_000, 4_000),
        # Of the 10,000, all was taxed at 45%: 25% more.
        (200_000, 10_000, 2_000, 2_500),
        # Nothing earned: relief on £3,600 only, 720.
        (0, 4_000, 720, 0),
        # Earnings of 20,000 limit the relief of a 25,000 contribution.
        (20_000, 25_000, 4_000, 0),
    ],
)
def test_tax_relief(income: float, contribution: float, provider: float, claim: float):
    answer = tax_relief(income, contribution)
    assert answer["provider_claims"] == provider
    assert answer["self_assessment_claim"] == claim
    assert answer["net_cost"] == contribution - provider - claim
    assert answer["paid_to_provider"] == contribution - provider


def test_tax_relief_where_bands_and_allowance_both_move():
    # Income 130,000, contribution 40,000. Before, with no allowance left: 37,700 x 20%
    # + 87,440 x 40% + 4,860 x 45% = 7,540 + 34,976 + 2,187 = 44,703. After, with the allowance of
    # 12,570 back and the bands 40,000 wider: 77,700 x 20% + 39,730 x 40% = 15,540 + 15,892
    # = 31,432. Claim: 13,271.
    answer = tax_relief(130_000, 40_000)
    assert answer["self_assessment_claim"] == 13_271
    assert answer["total_relief"] == 21_271
    assert answer["summary"] == (
        "On earnings of £130,000, a gross contribution of £40,000 gets £8,000 of tax relief through"
        " the provider and £13,271 through self-assessment, so it costs £18,729."
    )


def test_a_contribution_above_the_annual_allowance_is_marked():
    assert "before any annual allowance charge" in tax_relief(200_000, 70_000)["summary"]


@given(INCOMES, CONTRIBUTIONS)
def test_relief_lies_between_a_fifth_and_the_dearest_rate(income: float, contribution: float):
    answer = tax_relief(income, contribution)
    relieved, relief = answer["relieved_contribution"], answer["total_relief"]
    assert 0.2 * relieved - 0.02 <= relief <= 0.6 * relieved + 0.02
    assert relieved <= max(income, 3_600) + 0.01


def test_projected_pot_takes_the_charge_off_each_years_growth():
    # 10,000 x (1.05 x 0.99)^2 = 10,000 x 1.0395^2 = 10,805.60
    answer = projected_pot(10_000, 0, 5, 2, 1)
    assert answer["projected_pot"] == 10_805.60
    assert answer["growth"] == 805.60


def test_projected_pot_adds_contributions_at_each_months_end():
    # 50,000 x 1.05^10 = 81,444.731; 400 a month as in savings: 154.363161 x 400 = 61,745.264
    answer = projected_pot(50_000, 400, 5, 10)
    assert answer["projected_pot"] == 143_190.00
    assert answer["total_paid_in"] == 48_000


def test_without_growth_or_charge_the_pot_is_what_went_in():
    assert projected_pot(1_000, 100, 0, 1)["projected_pot"] == 2_200


@pytest.mark.parametrize(
    ("adjusted", "threshold", "allowance"),
    [
        (0, 0, 60_000),
        (260_000, 230_000, 60_000),
        (300_000, 250_000, 40_000),  # 60,000 - 40,000 / 2
        (300_000, 200_000, 60_000),  # threshold income not above 200,000: no taper
        (300_000, 0, 40_000),  # threshold income not known: taken to be above
        (360_000, 300_000, 10_000),
        (900_000, 800_000, 10_000),
    ],
)
def test_the_taper(adjusted: float, threshold: float, allowance: float):
    assert annual_allowance(adjusted, threshold)["annual_allowance"] == allowance


def test_carry_forward_adds_to_what_is_available():
    answer = annual_allowance(unused_allowance_last_three_years=25_000)
    assert answer["available"] == 85_000
    assert "£85,000" in answer["summary"]


def test_flexible_access_limits_money_purchase_and_leaves_the_rest_for_defined_benefit():
    # 40,000 tapered - 10,000 + 5,000 carried forward = 35,000
    answer = annual_allowance(300_000, 250_000, True, 5_000)
    assert answer["available"] == 10_000
    assert answer["available_for_defined_benefit"] == 35_000


def test_more_than_three_years_allowance_cannot_be_carried_forward():
    assert annual_allowance(unused_allowance_last_three_years=180_001) == {
        "error": "unused_allowance_last_three_years must be between 0 and 180,000, got 180001"
    }
