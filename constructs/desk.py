"""The desk of `root_agent`, its lead and specialists wired under any construct."""

import os

from google.adk.apps import App

from adk_flow.wiring import Peers, parts_of, wire
from callbacks.flow_log import flow_log
from callbacks.guardrails import Guardrails
from callbacks.guidance_notice import GuidanceNotice
from callbacks.plans import plans
from callbacks.tool_threads import ToolThreads
from root_agent.agent import root_agent


def desk(construct: str, peers: Peers | None = None) -> App:
    """Makes the app of a construct, which goes by its name; `peers` run elsewhere."""
    lead, specialists, _ = parts_of(root_agent)
    advisor = os.environ.get("ADVISOR_MODEL", "")
    root = wire(lead, specialists, construct, peers=peers, advisor=advisor)
    plugins = [GuidanceNotice(), flow_log(construct), Guardrails(), ToolThreads(), plans()]
    return App(name=construct, root_agent=root, plugins=plugins)
