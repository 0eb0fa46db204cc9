"""A plan to fill in: a task for each agent of an app, with valid arguments for its tools."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, get_type_hints

from google.adk.agents.llm_agent import LlmAgent
from google.adk.agents.parallel_agent import ParallelAgent
from google.adk.apps import App
from google.adk.tools.base_tool import BaseTool
from msgspec import UNSET
from msgspec.structs import replace

from adk_flow._adk import BaseNode
from adk_flow._data import walk_once
from adk_flow.inspect.agent_graph import uses_of
from adk_flow.inspect.settings import artifacts_read, state_read
from adk_flow.inspect.warnings import code_names
from adk_flow.models.planned.agent_map import AgentMap
from adk_flow.models.request.schemas import Schema, resolve_schema
from adk_flow.models.request.values import free_property, value_of, values_of
from adk_flow.record.activations import kind_of
from adk_flow.scenario.conversation import Conversation, of_questions
from adk_flow.scenario.plan import PlannedCall, Task


async def draft_conversation(
    app: App, questions: Sequence[str], *, run_tools: bool = False
) -> Conversation:
    """Plans a task for each agent, which calls each of its tools once, or says something.

    Unless tools are run, the plan says what they return, and the state what they would write.
    """
    asked = of_questions(list(questions))
    agents = _agents(app.root_agent, run_tools) if app.root_agent else []
    if not agents:
        return _planned(asked, [])
    team = AgentMap(agents[0])
    plan = [task async for task in _tasks(agents, team, run_tools)]
    read = (artifact for agent in agents for artifact in artifacts_read(agent).items())
    artifacts = {name: f"What {name} holds." for name, is_optional in read if not is_optional}
    state = _state(agents, team, run_tools)
    return replace(_planned(asked, plan), state=state, artifacts=artifacts)


def _planned(asked: Conversation, plan: list[Task]) -> Conversation:
    return Conversation([replace(turn, plan=plan) for turn in asked.turns])


def _agents(root: BaseNode, run_tools: bool) -> list[BaseNode]:
    """Lists whom a run may reach: nobody whom only a tool runs, if tools are not run."""

    def reached(node: BaseNode) -> list[BaseNode]:
        is_run = run_tools or not type(node).__module__.startswith(LlmAgent.__module__)
        return [use.node for use in uses_of(node) if is_run or use.how != "code"]

    return list(walk_once([root], reached))


def _state(agents: Sequence[BaseNode], team: AgentMap, run_tools: bool) -> dict[str, str]:
    """Gives words to each state key that an instruction needs and nothing writes before it."""
    in_code = {word for agent in agents for word in code_names(agent, run_tools)}
    needed: dict[str, str] = {}
    for place, reader in enumerate(agents):
        for key, is_optional in state_read(reader).items():
            writers = [one for one in agents[:place] if getattr(one, "output_key", "") == key]
            is_early = any(_is_stage_before(one, reader, agents, team) for one in writers)
            if not (is_optional or is_early or key in in_code):
                needed[key] = f"What {key} holds."
    return needed


def _is_stage_before(
    writer: BaseNode, reader: BaseNode, agents: Sequence[BaseNode], team: AgentMap
) -> bool:
    """Whether one agent has ended when another begins: no model chooses between the two."""
    both = {writer.name, reader.name}
    around = [agent for agent in agents if both <= team.below(agent.name)]
    nearest = min(around, key=lambda agent: len(team.below(agent.name)), default=reader)
    is_chosen = isinstance(nearest, (LlmAgent, ParallelAgent))
    return not is_chosen and reader.name not in team.below(writer.name)


async def _tasks(
    agents: Sequence[BaseNode], team: AgentMap, run_tools: bool
) -> AsyncIterator[Task]:
    names = set[str]()
    for agent in agents:
        if not isinstance(agent, LlmAgent) or agent.name in names:
            continue
        names.add(agent.name)
        tools = [_call(tool, run_tools) for tool in await agent.canonical_tools() if _is_own(tool)]
        schema = resolve_schema(agent.output_schema) if agent.output_schema else None
        # A lead says what it was told, and a router chooses whom the plan needs.
        chooses = uses_of(agent) or (schema and team.names_agents(schema))
        if tools or agent.name not in team.leads or not chooses:
            says = None if tools or schema else f"What {agent.name} says."
            yield Task(agent.name, tools=tools, says=_filled(schema) if schema else says)


def _filled(schema: Schema) -> dict[str, Any] | None:
    """Fills a shape of data, whose parts one cannot guess; None for one that takes words."""
    parts = schema.get("properties")
    if not parts or free_property(schema):
        return None
    return {name: value_of(part) for name, part in parts.items()}


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
    returns = UNSET if run_tools or is_adks else _result(tool)
    return PlannedCall(tool.name, args=values_of(resolve_schema(schema or {})), returns=returns)


def _result(tool: BaseTool) -> Any:
    """Makes words of what a tool returns, in the shape that its function declares."""
    words = f"What {tool.name} returns."
    try:
        declared = get_type_hints(getattr(tool, "func", tool)).get("return", str)
    except Exception:  # names that its module only has while types are checked, for one
        return words
    shape = resolve_schema(declared)
    filled = value_of(shape, words) if shape.get("type") in ("object", "array") else words
    return filled or ({"result": words} if shape["type"] == "object" else [words])
