"""300 random agent trees, told as the model and ADK say; `make fuzz N=10000` tries more."""

import logging

import pytest

from tests.fuzz.oracle import try_seed

SEEDS, PARTS = 300, 10


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("part", range(PARTS))
def test_random_trees_are_told_as_they_ran(part, caplog):
    caplog.set_level(logging.CRITICAL)
    seeds = range(1 + part, SEEDS + 1, PARTS)

    wrong = {seed: lines for seed in seeds if (lines := try_seed(seed))}

    assert wrong == {}
