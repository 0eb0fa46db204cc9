"""The constructs that are made of agents alone: who is a sub-agent, who a tool, in which mode."""

import sys
import warnings
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from itertools import chain
from typing import Any

from google.adk.agents.base_agent import BaseAgent
from google.adk.agents.llm_agent import LlmAgent, ToolUnion
from google.adk.tools.agent_tool import AgentTool
from google.adk.workflow import BaseNode

from adk_flow._text import join_names
from adk_flow.wiring.copies import Team, WiringError, joined, merged_tools

_ALL_OF_THEM = "You are all of the following specialists yourself, and their tools are yours."

TOOL_CALLBACKS = ("before_tool", "after_tool", "on_tool_error")


def single_agent(team: Team, **update: Any) -> LlmAgent:
    """The lead with everybody's tools and instructions.

    What an agent has but once (output schema, planner, callbacks around agent and model) is the
    lead's.
    """
    parts = [joined([f"{agent.name}:", agent.instruction]) for agent in team.specialists]
    tools = merged_tools("single_agent", team)
    words = f"{words_alone(team, tools)} {_ALL_OF_THEM}"
    instruction = joined([team.lead.instruction, words, *parts])
    return alone(team, instruction=instruction, tools=tools, **update)


def advisor(team: Team) -> LlmAgent:
    """The single agent, whose model may ask a stronger one what to do."""
    try:
        from google.adk.tools.model_consult import ModelConsultTool
    except ImportError:
        raise WiringError("advisor needs google-adk 2.11 or newer") from None
    whole = single_agent(team)
    whole.tools.append(ModelConsultTool(model=team.advisor or whole.model))
    return whole


def alone(team: Team, **update: Any) -> LlmAgent:
    """Copies the lead with everybody's callbacks around tools, and the helpers of specialists."""
    agents = [team.lead, *team.specialists]
    callbacks = {f"{hook}_callback": _callbacks(hook, agents) for hook in TOOL_CALLBACKS}
    return team.leading(sub_agents=_helpers(team), **callbacks, **update)


def words_alone(team: Team, tools: Iterable[ToolUnion]) -> str:
    """Tells an agent that does the work of all who is left: the specialists' own agents."""
    called = (getattr(tool, "agent", getattr(tool, "node", tool)) for tool in tools)
    left = [*_helpers(team), *(node for node in called if isinstance(node, BaseNode))]
    if not left:
        return "You work alone: there is nobody to transfer to or to call."
    names = join_names(dict.fromkeys(node.name for node in left), "or")
    return f"There is nobody but {names} to transfer to or to call."


def _helpers(team: Team) -> list[BaseAgent]:
    return [helper for agent in team.specialists for helper in team.helpers(agent)]


def _callbacks(hook: str, agents: Iterable[LlmAgent]) -> list[Callable[..., Any]]:
    of_hook = (getattr(agent, f"canonical_{hook}_callbacks") for agent in agents)
    return list(dict.fromkeys(chain.from_iterable(of_hook)))


def wire_transfer(team: Team) -> LlmAgent:
    """Specialists to whom control goes over."""
    return team.leading(sub_agents=team.everybody())


def agent_tool(team: Team) -> LlmAgent:
    """Specialists whom the lead calls, each in a run and session of its own."""
    return team.leading(calling=[AgentTool(agent) for agent in team.everybody()])


def agent_tool_skip_summarization(team: Team) -> LlmAgent:
    """The same, a specialist's answer going to the user as it is."""
    tools = [AgentTool(agent, skip_summarization=True) for agent in team.everybody()]
    return team.leading(calling=tools)


def mixed(team: Team) -> LlmAgent:
    """Some specialists to whom control goes over, some whom the lead calls."""
    copies = team.everybody()
    return team.leading(
        sub_agents=[agent for agent in copies if agent.name not in team.called],
        calling=[AgentTool(agent) for agent in copies if agent.name in team.called],
    )


def single_turn(team: Team) -> LlmAgent:
    """Specialists whom the lead calls within its own session."""
    return team.leading(sub_agents=team.copies(mode="single_turn"))


def task(team: Team) -> LlmAgent:
    """Specialists who may talk with the user until they finish the lead's task."""
    return team.leading(sub_agents=team.copies(mode="task"))


def wire_remote(team: Team) -> LlmAgent:
    """Specialists whom the lead calls in another process, over A2A.

    Raises:
      WiringError: a2a-sdk is not installed, or there is no other process.
    """
    if sys.platform == "win32":
        raise WiringError(
            "remote gives sockets to another process by number, which Windows does not allow; run "
            "it on Linux or macOS, or in WSL"
        )
    if find_spec("a2a") is None:
        raise WiringError("remote needs a2a-sdk: install adk-flow's extra `a2a`")
    if team.peers is None:
        raise WiringError("remote needs the path of the app, which another process has to load")
    from adk_flow.wiring.remote import call_elsewhere  # which imports a2a-sdk

    return call_elsewhere(team, team.peers)


def wire_deprecated(kind: Callable[..., BaseAgent], team: Team, **fields: Any) -> BaseAgent:
    """Specialists in one of ADK's deprecated agents, in place of a Workflow."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return kind(sub_agents=team.copies(), **fields)
