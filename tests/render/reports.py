"""What the reports under test compare."""

from adk_flow.comparison.aggregate import Setting

CONSTRUCTS = ["single_agent", "transfer", "agent_tool"]
TEAM = ["Mortgage_Agent", "Investment_Agent", "Pension_Agent"]
PACED = Setting(app="root_agent", baseline="single_agent", pace="gemini-2.5-flash")
HOSTILE = (
    "<script>alert(1)</script>\"><img src=x onerror='alert(1)'>\x1b[31m\x07\u202e\u2066{{7*7}}"
)
