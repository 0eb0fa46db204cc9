"""Hooks that another plugin hid from the recorder."""

from google.adk.apps import App
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.genai import types

from adk_flow.analysis.findings import detect_findings
from adk_flow.analysis.trace_reader import read_trace
from adk_flow.check.flow import Flow
from adk_flow.record.plugin import FlowPlugin
from tests.doubles.findings import BOTH, desk


class Redact(BasePlugin):
    """Answers `after_tool`, and so hides it from the plugins after it."""

    async def after_tool_callback(self, **_):
        return {"result": "redacted"}


async def test_a_call_whose_hook_was_hidden_returns_and_the_hook_is_named(tmp_path):
    root = desk({"Root": [BOTH, "ab"], "Loans": ["a"], "Funds": ["b"]}, as_tools=True)
    plugin = FlowPlugin(directory=tmp_path)
    app = App(name="app", root_agent=root, plugins=[Redact(name="redact"), plugin])
    runner = Runner(app=app, session_service=InMemorySessionService())
    await runner.session_service.create_session(app_name="app", user_id="u", session_id="s")
    message = types.UserContent("?")
    async for _ in runner.run_async(user_id="u", session_id="s", new_message=message):
        pass
    await runner.close()

    flow = Flow(read_trace(plugin.paths[0]))

    assert [line for line in flow.control if "<-" in line or ">-" in line] == [
        "Root <- Loans",
        "Root <- Funds",
        "Root >-",
    ]
    hidden = [one.text for one in detect_findings(flow.trace) if one.kind == "hidden_hook"]
    assert hidden == [
        f"A plugin before the recorder hid after_tool of {name}; list FlowPlugin first."
        for name in ("Loans", "Funds")
    ]
