"""The pytest plugin: the fixture `flow`, and failures that show moves side by side."""

from adk_flow.check.pytest.fixture import FlowFixture

__all__ = ["FlowFixture"]
