"""An app's static picture as the laws read it: the tokens of its texts, and what may be asked."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, NamedTuple

from google.adk.agents.llm_agent import LlmAgent
from google.adk.apps import App
from google.adk.models.llm_request import LlmRequest
from google.adk.tools.base_tool import BaseTool
from google.adk.tools.function_tool import FunctionTool
from google.genai import types

from adk_flow._adk import BaseNode
from adk_flow.inspect.agent_graph import agents_of, tools_of
from adk_flow.models.planned.draft import draft_conversation
from adk_flow.models.request.tokens import tokens_in, usage
from adk_flow.scenario.conversation import AskedTurn, Conversation
from adk_flow.scenario.plan import Task
from adk_flow.wiring import WiringError, parts_of

QUESTION = "What can you tell me about each of these?"


class Side(NamedTuple):
    """An agent: tokens of what is written of it, and of what its task in a drafted plan takes."""

    named: str = ""
    kind: str = ""
    """Its class if it is no LlmAgent, such as SequentialAgent; else empty."""
    name: int = 0
    description: int = 0
    instruction: int = 0
    tools: int = 0
    """Of the declarations of its tools."""
    acts: int = 0
    """Whether its task calls anything: 1 or 0."""
    called: int = 0
    returned: int = 0
    says: int = 0
    inner_calls: int = 0
    """Model calls of agents of its own."""
    inner_hops: int = 0
    """Agents of its own to whom control goes over."""
    inner_sent: int = 0
    """What those are sent of themselves, as often as they are asked."""

    @property
    def static(self) -> int:
        """Tokens of its instruction and tools, which each of its requests begins with."""
        return self.instruction + self.tools


class AppTeam(NamedTuple):
    """An app's lead and specialists."""

    lead: Side
    specialists: list[Side]
    tasks: list[list[Task]]
    """By specialist, its task and those of its own agents; last the lead's own."""

    def conversation(self, topics: int, follow_ups: int) -> Conversation:
        """Asks the first specialists at once, if it is all of them the lead too; then the last."""
        asked = self.tasks[:topics] + (self.tasks[-1:] if topics == len(self.specialists) else [])
        first = AskedTurn(say=QUESTION, plan=[task for tasks in asked for task in tasks])
        later = AskedTurn(say=QUESTION, plan=self.tasks[topics - 1])
        return Conversation([first, *[later] * follow_ups])


async def read_team(app: App) -> AppTeam:
    """Reads an app that stands; nothing of it runs.

    Raises:
      WiringError: it has no lead with specialists.
    """
    if app.root_agent is None:
        raise WiringError(f"{app.name} has no root agent")
    try:
        lead, agents, _ = parts_of(app.root_agent)
    except WiringError as error:
        need = "needed is an LlmAgent with others as sub_agents or AgentTools"
        raise WiringError(f"{error}; {need}: adk-flow inspect shows what there is") from error
    drafted = (await draft_conversation(app, [QUESTION])).turns[0].plan or []
    tasks = {task.agent: task for task in drafted}
    below = [[node.name for node in agents_of(agent)] for agent in agents]
    team = {agent.name for agent in agents}
    return AppTeam(
        _side(lead, tasks.get(lead.name), tasks, alone=True)._replace(tools=_declared(lead, team)),
        [_side(agent, tasks.get(agent.name), tasks) for agent in agents],
        [[tasks[name] for name in names if name in tasks] for names in below]
        + [[tasks[lead.name]] if lead.name in tasks else []],
    )


def _side(agent: BaseNode, task: Task | None, tasks: dict[str, Task], alone: bool = False) -> Side:
    own = Side(
        named=agent.name,
        kind="" if isinstance(agent, LlmAgent) else type(agent).__name__,
        name=tokens_in(agent.name),
        description=tokens_in(agent.description),
        instruction=_instruction(agent),
        tools=_declared(agent),
    )
    if task:
        answers = [str(call.returns) for call in task.calls if call.is_stubbed]
        own = own._replace(
            acts=int(bool(task.calls)),
            called=sum(_written(call.name, call.args) for call in task.calls),
            returned=sum(_written(call.name, {"result": call.returns}) for call in task.calls),
            says=tokens_in(str(task.says)) if task.says else sum(map(tokens_in, answers)),
        )
    if alone:
        return own
    inner = [node for node in agents_of(agent) if node is not agent and node.name in tasks]
    sides = [_side(node, tasks[node.name], tasks, alone=True) for node in inner]
    hops = [node for node in inner if getattr(node, "parent_agent", None) is not None]
    calls = [1 + side.acts for side in sides]
    return own._replace(
        acts=int(own.acts or len(hops) < len(inner)),
        inner_calls=sum(calls),
        inner_hops=len(hops),
        inner_sent=sum(n * side.static for n, side in zip(calls, sides, strict=True)),
    )


def _instruction(agent: BaseNode) -> int:
    texts = [getattr(agent, name, "") for name in ("instruction", "global_instruction")]
    return sum(tokens_in(text) for text in texts if isinstance(text, str))


def _written(name: str, values: dict[str, Any]) -> int:
    return tokens_in(f"{name} {json.dumps(values, ensure_ascii=False, default=str)}")


def _declared(agent: BaseNode, without: Collection[str] = ()) -> int:
    tools = [tool if isinstance(tool, BaseTool) else FunctionTool(tool) for tool in _own(agent)]
    named = [tool for tool in tools if tool.name not in without]
    declared = [declaration for tool in named if (declaration := tool._get_declaration())]
    config = types.GenerateContentConfig(tools=[types.Tool(function_declarations=declared)])
    return usage(LlmRequest(config=config), types.Content()).prompt_token_count or 0


def _own(agent: BaseNode) -> list[Any]:
    """Lists tools that stand there before any run: no toolset's."""
    return [tool for tool in tools_of(agent) if isinstance(tool, BaseTool) or callable(tool)]
