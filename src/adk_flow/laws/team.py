"""An app's static picture as the laws read it: the tokens of its texts, and what may be asked."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from google.adk.agents.llm_agent import LlmAgent
from google.adk.apps import App
from google.adk.models.llm_request import LlmRequest
from google.adk.tools.base_tool import BaseTool
from google.adk.tools.function_tool import FunctionTool
from google.genai import types

from adk_flow._adk import BaseNode
from adk_flow.inspect.agent_graph import agents_of, tools_of, uses_of
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
    parts: int = 0
    """How many calls its task makes, all at once."""
    called: int = 0
    returned: int = 0
    says: int = 0
    is_called: bool = False
    """Whether the one whose own agent it is calls it; else it is handed over to."""
    is_asked: bool = False
    """Whether the plan has a task for it."""
    below: tuple[Side, ...] = ()
    """Agents of its own."""
    inner: Mapping[str, int] = {}
    """What those take whom it calls, by what of it."""

    @property
    def static(self) -> int:
        """Tokens of its instruction and tools, which each of its requests begins with."""
        return self.instruction + self.tools

    @property
    def acts(self) -> int:
        """Whether its task calls anything: 1 or 0."""
        return int(self.parts > 0)

    @property
    def whole(self) -> Iterator[Side]:
        """Walks it and those below it."""
        yield self
        for inner in self.below:
            yield from inner.whole

    @property
    def targets(self) -> list[Side]:
        """Those of its own to whom it hands over."""
        return [side for side in self.below if not side.is_called]


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
    seen = {id(lead), *map(id, agents)}
    return AppTeam(
        _side(lead, tasks, seen)._replace(tools=_declared(lead, team), below=()),
        [_side(agent, tasks, seen) for agent in agents],
        [[tasks[name] for name in names if name in tasks] for names in below]
        + [[tasks[lead.name]] if lead.name in tasks else []],
    )


def _side(agent: BaseNode, tasks: dict[str, Task], seen: set[int], how: str = "") -> Side:
    seen |= {id(agent)}
    task = tasks.get(agent.name)
    calls = task.calls if task else []
    answers = [str(call.returns) for call in calls if call.is_stubbed]
    says = [str(task.says)] if task and task.says else answers
    return Side(
        named=agent.name,
        kind="" if isinstance(agent, LlmAgent) else type(agent).__name__,
        name=tokens_in(agent.name),
        description=tokens_in(agent.description),
        instruction=_instruction(agent),
        tools=_declared(agent),
        parts=len(calls),
        called=sum(tokens_of_call(call.name, call.args) for call in calls),
        returned=sum(tokens_of_call(call.name, {"result": call.returns}) for call in calls),
        says=sum(map(tokens_in, says)),
        is_called=how not in ("", "sub_agent"),
        is_asked=task is not None,
        below=tuple(
            _side(use.node, tasks, seen, use.how)
            for use in uses_of(agent)
            if id(use.node) not in seen
        ),
    )


def _instruction(agent: BaseNode) -> int:
    texts = [getattr(agent, name, "") for name in ("instruction", "global_instruction")]
    return sum(tokens_in(text) for text in texts if isinstance(text, str))


def tokens_of_call(name: str, values: dict[str, Any]) -> int:
    """Counts the tokens of a call or of what came back."""
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
