"""Savings arithmetic against figures worked by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.savings import (
    compounded,
    future_value_lump_sum,
    future_value_monthly_saving,
    isa_allowance,
)

SUMS = st.floats(min_value=1, max_value=1_000_000)
GROWTH = st.floats(min_value=0, max_value=25)
YEARS = st.integers(min_value=1, max_value=60)


def test_a_lump_sum_compounds_once_a_year():
    # 10,000 x 1.05^10 = 10,000 x 1.62889463
    assert future_value_lump_sum(10_000, 5, 10) == {
        "future_value": 16_288.95,
        "growth": 6_288.95,
        "summary": "£10,000 growing at 5% a year comes to £16,288.95 after 10 years, of which"
        " £6,288.95 is growth.",
    }


def test_monthly_saving_is_paid_at_the_end_of_each_month_at_the_effective_rate():
    # i = 1.05^(1/12) - 1 = 0.00407412; (1.62889463 - 1) / i = 154.36316; x 200 = 30,872.63
    answer = future_value_monthly_saving(200, 5, 10)
    assert answer["future_value"] == 30_872.63
    assert answer["total_paid_in"] == 24_000
    assert answer["growth"] == 6_872.63


def test_the_first_year_month_by_month():
    # The last payment earns nothing, the one before a month's growth, the first eleven months'.
    month = 1.12 ** (1 / 12)
    expected = sum(100 * month**left for left in range(12))
    assert future_value_monthly_saving(100, 12, 1)["future_value"] == round(expected, 2)


def test_without_growth_the_sum_is_what_was_paid_in():
    assert future_value_monthly_saving(150, 0, 3)["future_value"] == 5_400
    assert future_value_lump_sum(1_000, 0, 60)["future_value"] == 1_000
    assert "after 1 year," in future_value_lump_sum(1_000, 0, 1)["summary"]


@given(SUMS, SUMS, GROWTH, YEARS)
def test_growing_for_some_years_and_then_more_is_growing_for_all(
    lump: float, monthly: float, percent: float, years: int
):
    growth = percent / 100
    first = compounded(lump, monthly, growth, years)
    assert compounded(first, monthly, growth, 2) == pytest.approx(
        compounded(lump, monthly, growth, years + 2), rel=1e-9
    )


@given(SUMS, GROWTH, YEARS)
def test_a_year_grows_by_the_rate_quoted(lump: float, percent: float, years: int):
    before = future_value_lump_sum(lump, percent, years)["future_value"]
    after = compounded(before, 0, percent / 100, 1)
    assert after == pytest.approx(before * (1 + percent / 100))


@pytest.mark.parametrize(
    ("paid_in", "planned", "remaining", "over"),
    [(12_000, 0, 8_000, 0), (12_000, 5_000, 8_000, 0), (12_000, 9_000, 8_000, 1_000)],
)
def test_isa_allowance(paid_in: float, planned: float, remaining: float, over: float):
    answer = isa_allowance(paid_in, planned)
    assert answer["allowance"] == 20_000
    assert (answer["remaining"], answer["over"]) == (remaining, over)


def test_isa_allowance_says_what_a_plan_leaves():
    assert isa_allowance(12_000, 5_000)["summary"] == (
        "After £12,000 paid in, £8,000 of the £20,000 ISA allowance for 2026/27 is left; paying in"
        " £5,000 leaves £3,000."
    )
    assert "a total of £21,000 goes £1,000 over it" in isa_allowance(21_000)["summary"]
