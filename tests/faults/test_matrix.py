"""Each fault under one construct; `make faults` tries each under all."""

import pytest

from tests.faults.__main__ import BEGIN, END, PAGE, table
from tests.faults.cells import CONSTRUCTS
from tests.faults.faults import FAULTS
from tests.faults.oracle import try_cell

SAMPLE = [(fault, CONSTRUCTS[n % len(CONSTRUCTS)]) for n, fault in enumerate(FAULTS)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("fault", "construct"), SAMPLE, ids=[f"{f.group}: {f.name}, {c}" for f, c in SAMPLE]
)
async def test_the_app_goes_on_as_without_a_recorder_and_its_log_is_true(
    fault, construct, tmp_path
):
    assert await try_cell(fault, construct, tmp_path / "cell") == []


def test_the_page_has_the_table_of_these_faults():
    written = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]

    assert written == table({})
