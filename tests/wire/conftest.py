import os

import pytest

# Before anything imports litellm, which otherwise fetches its price table.
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")


@pytest.fixture(autouse=True)
def nothing_but_loopback(monkeypatch):
    """Takes away what would lead the clients elsewhere."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith("GOOGLE_GENAI_"):
            monkeypatch.delenv(name)
