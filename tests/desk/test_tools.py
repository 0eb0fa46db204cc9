"""Whatever a model gives a tool that works figures out, it is answered, with an error to read."""

from inspect import signature
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tools import mortgages, pensions, savings

TOOLS = (
    *(mortgages.monthly_repayment, mortgages.loan_to_value, mortgages.affordability),
    *(mortgages.stamp_duty, pensions.tax_relief, pensions.projected_pot),
    *(pensions.annual_allowance, savings.future_value_lump_sum),
    *(savings.future_value_monthly_saving, savings.isa_allowance),
)
JUNK = st.one_of(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    st.lists(st.integers()) | st.dictionaries(st.text(), st.none()),
    st.sampled_from([10**5000, -1e308, 1e308, "£250,000", "4.5%", "12", "true", "false"]),
)


@given(st.lists(JUNK, min_size=5, max_size=5))
def test_no_argument_raises(junk: list[Any]):
    for tool in TOOLS:
        answer = tool(*junk[: len(signature(tool).parameters)])
        assert "error" in answer or "summary" in answer
