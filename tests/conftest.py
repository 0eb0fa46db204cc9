import os

from hypothesis import settings

from tests.doubles.browser import browser

__all__ = ["browser"]

# Before anything imports litellm, whose import would fetch a price list.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

# No test waits for a clock, so none has a deadline.
settings.register_profile("quick", max_examples=50, deadline=None)
settings.register_profile("thorough", max_examples=100, deadline=None)
settings.load_profile("quick")
