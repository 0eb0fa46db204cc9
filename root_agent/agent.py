"""The advice desk: a lead that hands over to two specialists and calls a third.

user ── Root_Agent ──transfer──► Investment_Agent ◄──transfer──► Pension_Agent
            │
            └──── call, answer ──► Mortgage_Agent (AgentTool)
"""

from google.adk.agents import LlmAgent
from google.adk.apps import App
from google.adk.tools.agent_tool import AgentTool

from adk_flow.models import model_from_env
from callbacks.flow_log import flow_log
from callbacks.guardrails import Guardrails
from callbacks.guidance_notice import GuidanceNotice
from callbacks.plans import plans
from callbacks.tool_threads import ToolThreads
from sub_agents.investment import investment_agent
from sub_agents.mortgage import mortgage_agent
from sub_agents.pension import pension_agent

root_agent = LlmAgent(
    name="Root_Agent",
    model=model_from_env(),
    description="Leads the UK personal-finance advice desk and finds the right specialist.",
    instruction=(
        "You lead a UK personal-finance desk. Transfer a question about saving or investing to "
        "Investment_Agent and one about pensions to Pension_Agent. For one about mortgages or "
        "buying a home call Mortgage_Agent with the whole question and pass on its answer with "
        "its figures and sources. Answer nothing yourself that a specialist knows. If it is not "
        "clear what is meant, ask; if no specialist deals with it, say what the desk can help "
        "with. Use plain British English."
    ),
    sub_agents=[investment_agent, pension_agent],
    tools=[AgentTool(mortgage_agent)],
)

app = App(
    name="root_agent",
    root_agent=root_agent,
    plugins=[GuidanceNotice(), flow_log(), Guardrails(), ToolThreads(), plans()],
)
