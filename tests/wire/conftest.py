import os
from functools import partial

import pytest
from google.adk.agents.run_config import RunConfig

from adk_flow.models import override
from tests.doubles.flow import record
from tests.doubles.wire.gemini_server import GeminiServer
from tests.doubles.wire.providers import PROVIDERS


@pytest.fixture(autouse=True)
def nothing_but_loopback(monkeypatch):
    """Takes away what would lead the clients elsewhere."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith("GOOGLE_GENAI_"):
            monkeypatch.delenv(name)


@pytest.fixture(params=PROVIDERS, ids=lambda provider: type(provider).__name__)
def provider(request):
    return request.param


@pytest.fixture
def server(provider, monkeypatch):
    with provider.Server() as server:
        for name, value in provider.environment(server.url).items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def model(provider, server):
    """Makes a model that asks the server."""
    return provider.model


@pytest.fixture
def gemini(monkeypatch):
    """A server of Gemini's, whose clients wait a moment only before they try again."""
    with GeminiServer() as served:
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", served.url)
        monkeypatch.setenv("GOOGLE_API_KEY", "none")
        quick = override.RETRIES.model_copy(update={"initial_delay": 0.01, "max_delay": 0.02})
        monkeypatch.setattr(override, "RETRIES", quick)
        yield served


async def _talk(server, folder, agent, *questions, stream=False, **options):
    mode = RunConfig.model_validate({"streaming_mode": "sse" if stream else None})
    flow = await record(agent, list(questions), folder, run_config=mode, **options)
    server.finish()
    return flow


@pytest.fixture
def talk(server, tmp_path):
    """Talks with an agent, on after a turn that failed; fails unless the script was kept to."""
    return partial(_talk, server, tmp_path)
