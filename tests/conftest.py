import gc
import os
import sys

from hypothesis import settings

from tests.doubles.browser import browser

__all__ = ["browser"]

# Before anything imports litellm, whose import would fetch a price list.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

# What modules define stays: looking through it for garbage is half the time of loading them.
gc.set_threshold(50_000)

# No test waits for a clock, so none has a deadline.
settings.register_profile("quick", max_examples=50, deadline=None)
settings.register_profile("thorough", max_examples=100, deadline=None)
settings.load_profile("quick")


def pytest_collection_finish():
    gc.freeze()
    # Apps that tests write may be of one second and size, and would be taken for one another.
    sys.dont_write_bytecode = True
