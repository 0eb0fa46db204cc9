"""A plan to fill in: a task for each agent of an app, with valid arguments for its tools."""

from collections.abc import AsyncIterator, Sequence

from google.adk.apps import App
from google.adk.tools.base_tool import BaseTool
from msgspec import UNSET

from adk_flow._adk import BaseNode
from adk_flow.inspect.agent_graph import llm_agents
from adk_flow.models.planned.agent_map import AgentMap
from adk_flow.models.request.schemas import resolve_schema
from adk_flow.models.request.values import values_of
from adk_flow.record.activations import kind_of
from adk_flow.scenario.conversation import AskedTurn, Conversation
from adk_flow.scenario.plan import PlannedCall, Task


async def draft_conversation(
    app: App, questions: Sequence[str], *, run_tools: bool = False
) -> Conversation:
    """Plans a task for each agent, which calls each of its tools once, or says something.

    Unless tools are run, the plan says what they return.
    """
    root = app.root_agent
    plan = [task async for task in _tasks(root, run_tools)] if root else []
    return Conversation([AskedTurn(question, plan=plan) for question in questions])


async def _tasks(root: BaseNode, run_tools: bool) -> AsyncIterator[Task]:
    leads, names = AgentMap(root).leads, set[str]()
    for agent in llm_agents(root):
        if agent.name in names:
            continue
        names.add(agent.name)
        tools = [_call(tool, run_tools) for tool in await agent.canonical_tools() if _is_own(tool)]
        has_words = bool(tools or agent.output_schema or agent.name in leads)
        if tools or agent.name not in leads:
            says = None if has_words else f"What {agent.name} says."
            yield Task(agent.name, tools=tools, says=says)


_ADKS_OWN = ("google.adk.tools.skill_toolset", "google.adk.tools.model_consult")


def _is_own(tool: BaseTool) -> bool:
    """Whether a model calls it, and neither an agent, a skill nor a model stands behind it."""
    if type(tool).__module__.startswith(_ADKS_OWN):
        return False
    return kind_of(tool) == "function" and tool._get_declaration() is not None


def _call(tool: BaseTool, run_tools: bool) -> PlannedCall:
    declared = tool._get_declaration()
    schema = (declared.parameters_json_schema or declared.parameters) if declared else None
    # ADK's own, such as `exit_loop`, do no more than move control.
    is_adks = str(getattr(tool, "func", tool).__module__).startswith("google.adk.")
    returns = UNSET if run_tools or is_adks else f"What {tool.name} returns."
    return PlannedCall(tool.name, args=values_of(resolve_schema(schema or {})), returns=returns)
