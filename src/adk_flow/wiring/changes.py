"""What a construct changes of an app besides the wiring."""

from collections.abc import Iterator, Sequence

from google.adk.agents.base_agent import BaseAgent
from google.adk.agents.llm_agent import LlmAgent
from google.adk.tools.base_toolset import BaseToolset
from google.adk.tools.example_tool import ExampleTool

from adk_flow._text import join_names
from adk_flow.inspect.agent_graph import name_of_model, tool_name
from adk_flow.inspect.settings import state_read
from adk_flow.scenario.conversation import ALONE
from adk_flow.wiring.agents import TOOL_CALLBACKS
from adk_flow.wiring.copies import Team

_WITHOUT_THE_LEADS_TOOLS = frozenset(
    {
        *("router", "classifier_router", "sequential", "parallel", "loop"),
        *("deprecated_sequential", "deprecated_parallel", "deprecated_loop"),
    }
)
"""Constructs in which nobody has the lead's own tools: it chooses who answers, or plays no part."""

_HAD_ONCE = (
    *("before_agent_callback", "after_agent_callback", "before_model_callback"),
    *("after_model_callback", "on_model_error_callback", "planner", "input_schema"),
    *("output_schema", "output_key", "code_executor", "generate_content_config"),
    "static_instruction",
)
"""What an agent has but once, so that one agent for all has the lead's."""


def describe_changes(lead: LlmAgent, specialists: Sequence[BaseAgent], construct: str) -> list[str]:
    """Says what a construct changes besides the wiring, a clause each."""
    team = Team(lead, specialists)
    return [*_lost_of_lead(team, construct), *_lost_of_specialists(team, construct)]


def lost_tools(lead: LlmAgent, specialists: Sequence[BaseAgent], construct: str) -> list[str]:
    """Says in a clause which tools of the lead's own nobody has, a toolset's class; if any."""
    if construct not in _WITHOUT_THE_LEADS_TOOLS:
        return []
    own = Team(lead, specialists).own_tools(lead)
    tools = [tool for tool in own if not isinstance(tool, ExampleTool)]
    names = ", ".join(tool_name(tool) or type(tool).__name__ for tool in tools)
    return [f"nobody has the lead's own tools ({names})"] if names else []


def _lost_of_lead(team: Team, construct: str) -> Iterator[str]:
    yield from lost_tools(team.lead, team.agents, construct)
    examples = any(isinstance(tool, ExampleTool) for tool in team.lead.tools)
    if construct in _WITHOUT_THE_LEADS_TOOLS and examples:
        yield "nobody has the lead's few-shot examples"
    if construct in ("router_many", "coordinator", "best_of_n") and team.lead.before_agent_callback:
        yield "the lead's before_agent_callback runs each time that it is asked"


def _lost_of_specialists(team: Team, construct: str) -> Iterator[str]:
    if construct == "remote":
        yield from _lost_between_processes(team)
    if construct not in ALONE:
        return
    lost = {agent.name: _had_once(team, agent) for agent in team.specialists}
    if lines := [f"{join_names(fields)} of {name}" for name, fields in lost.items() if fields]:
        yield f"nobody has {'; '.join(lines)}"
    if around := [agent.name for agent in team.specialists if any(_around_tools(agent))]:
        yield f"the callbacks around tools of {join_names(around)} run around every tool"
    if construct == "skills":
        yield from _told_at_once(team)


def _lost_between_processes(team: Team) -> Iterator[str]:
    """Says what ADK sends of a session over A2A: words, and nothing else of it (2.13)."""
    yield (
        "the specialists' process has none of the session's state and artifacts, nor of the app's "
        "plugins; what they write to state is lost"
    )
    for agent in team.specialists:
        if keys := [key for key, is_optional in state_read(agent).items() if not is_optional]:
            yield f"{agent.name}, whose instruction needs {join_names(keys)} of the state, fails"
        if agent.input_schema or agent.output_schema:
            yield f"{agent.name} is asked and answers in words, whatever its schemas"


def _had_once(team: Team, agent: LlmAgent) -> list[str]:
    fields = [field for field in _HAD_ONCE if getattr(agent, field, None)]
    is_own = name_of_model(team.model_of(agent)) != name_of_model(team.model_of(team.lead))
    return [*(["the model"] if is_own else []), *fields]


def _around_tools(agent: LlmAgent) -> Iterator[object]:
    return (getattr(agent, f"{hook}_callback") for hook in TOOL_CALLBACKS)


def _told_at_once(team: Team) -> Iterator[str]:
    """Says what the lead has without loading a skill, which a skill cannot bring."""
    for agent in team.specialists:
        toolsets = [
            type(tool).__name__ for tool in team.own_tools(agent) if isinstance(tool, BaseToolset)
        ]
        helpers = [helper.name for helper in agent.sub_agents]
        if early := [*toolsets, *helpers]:
            yield f"the lead has {join_names(early)} of {agent.name} from the start"
