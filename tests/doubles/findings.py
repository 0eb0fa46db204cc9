"""Findings of a conversation, with the hooks that prove them, and a desk to make them."""

from typing import Any

from google.adk.tools.agent_tool import AgentTool

from adk_flow.analysis.findings import detect_findings
from adk_flow.models.scripted import Scripted, call
from tests.doubles.flow import agent, record


async def found(root, questions, folder, kind="", **options):
    flow = await record(root, questions, folder, **options)
    return flow, [one for one in detect_findings(flow.trace) if one.kind == kind or not kind]


def hooks(flow, finding):
    """Draws the proof as `hook:agent`."""
    proof = [flow.log.records[index] for index in finding.records]
    return [f"{record.hook}:{record.agent}" for record in proof]


def desk(script, *, lead=None, **options):
    """Makes a root with Loans and Funds, which are its sub-agents unless `as_tools`."""
    model = Scripted(script=script)
    as_tools = options.pop("as_tools", False)
    both = [agent(name, model, **options) for name in ("Loans", "Funds")]
    told: dict[str, Any] = {"tools": [AgentTool(one) for one in both]} if as_tools else {}
    return agent("Root", model, **(told or {"sub_agents": both}), **(lead or {}))


BOTH = [call("Loans", request="a"), call("Funds", request="b")]
BARRED = {"disallow_transfer_to_parent": True}
ALONE = {**BARRED, "disallow_transfer_to_peers": True}
