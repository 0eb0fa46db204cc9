"""Random agent trees of every ADK kind."""

import asyncio
import random
import warnings
from collections.abc import AsyncGenerator, Callable
from typing import Any

from google.adk.agents import BaseAgent, LlmAgent, LoopAgent, ParallelAgent, SequentialAgent
from google.adk.events.event import Event
from google.adk.events.event_actions import EventActions
from google.adk.events.request_input import RequestInput
from google.adk.tools._request_input_tool import request_input
from google.adk.workflow import START, FunctionNode, JoinNode, RetryConfig, Workflow
from pydantic import BaseModel

from tests.fuzz.books import current
from tests.fuzz.dice import Dice
from tests.fuzz.meddlers import Meddler, callbacks
from tests.fuzz.tools import PAUSING, PLAIN, NotedAgentTool, stop, stumble


class Asked(BaseModel):
    """What a graph that is a tool is called with."""

    request: str


class Grower:
    """Grows one tree."""

    def __init__(
        self, dice: random.Random, model: Dice, meddlers: list[Meddler], *, pauses: bool
    ) -> None:
        self._dice, self._model, self._meddlers = dice, model, meddlers
        self._pauses = pauses
        self._names = iter(f"A{number}" for number in range(1, 1000))

    def tree(self) -> Any:
        """Grows a tree: an agent, a composite or a graph at its root."""
        kind = self._dice.random()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # composites are deprecated, and still used
            if kind < 0.55:
                return self.chat(3)
            return self.composite(2) if kind < 0.75 else self.graph(2)

    def chat(self, depth: int, **options: Any) -> LlmAgent:
        """An agent that may hand over, call agents and call functions."""
        dice = self._dice
        children: list[BaseAgent] = []
        if depth > 1:
            for _ in range(dice.randint(0, 3)):
                mode = dice.choice(["chat", "chat", "single_turn", "task"])
                if mode == "chat":
                    children.append(self.chat(depth - 1))
                elif (
                    mode == "single_turn" or depth == 3
                ):  # ADK refuses a task below chat below chat
                    children.append(self.leaf(mode=mode, tools=self._functions(0.3)))
        tools = self._functions(0.5)
        if depth > 1 and dice.random() < 0.5:
            tools += [NotedAgentTool(self.called(depth - 1)) for _ in range(dice.randint(1, 2))]
        if depth > 1 and dice.random() < 0.15:
            tools.append(self.graph(1, input_schema=Asked))
        return self.leaf(sub_agents=children, tools=tools, **options)

    def leaf(self, **options: Any) -> LlmAgent:
        name = next(self._names)
        options |= self._callbacks(is_model_agent=True)
        return LlmAgent(name=name, description=f"{name} helps.", model=self._model, **options)

    def called(self, depth: int) -> Any:
        """What an AgentTool may run."""
        kind = self._dice.random()
        if kind < 0.6:
            return self.chat(depth)
        return self.composite(1) if kind < 0.85 else self.graph(1)

    def composite(self, depth: int) -> BaseAgent:
        """Stages, branches or a loop, of agents or of further composites."""
        dice, name = self._dice, next(self._names)
        kind = dice.choice([SequentialAgent, ParallelAgent, LoopAgent])
        parts = [
            self.composite(depth - 1) if depth > 1 and dice.random() < 0.4 else self.stage()
            for _ in range(dice.randint(1, 3))
        ]
        options = self._callbacks(is_model_agent=False)
        if kind is LoopAgent:
            options["max_iterations"] = dice.randint(1, 3)
        return kind(name=name, description=f"{name} works.", sub_agents=parts, **options)

    def stage(self) -> LlmAgent:
        tools = self._functions(0.3)
        if self._dice.random() < 0.15:
            tools.append(stop)
        if self._dice.random() < 0.2:
            tools.append(NotedAgentTool(self.leaf()))
        return self.leaf(tools=tools)

    def graph(self, depth: int, **options: Any) -> Workflow:
        """A chain, a fan-out that is joined, or a choice, of agents, functions and graphs."""
        dice, name = self._dice, next(self._names)
        nodes = [self._node(depth) for _ in range(dice.randint(2, 4))]
        shape = dice.random()
        edges: list[Any]
        if shape < 0.4:
            edges = list(zip([START, *nodes], nodes, strict=False))
        elif shape < 0.8:
            gate, last = JoinNode(name=next(self._names)), self._node(1)
            edges = [(START, node) for node in nodes] + [(node, gate) for node in nodes]
            edges.append((gate, last))
        else:
            routes = {f"way{at}": node for at, node in enumerate(nodes)}
            judge = self._function(_judge(list(routes)))
            edges = [(START, judge), (judge, routes)]
        return Workflow(name=name, description=f"{name} flows.", edges=edges, **options)

    def _node(self, depth: int) -> Any:
        kind = self._dice.random()
        if kind < 0.2:
            return self._function(_work)
        if self._pauses and kind < 0.3:
            return self._function(_question, rerun_on_resume=self._dice.random() < 0.5)
        if depth > 1 and kind < 0.5:
            return self.graph(depth - 1)
        if kind < 0.6:
            return self.composite(1)
        return self.leaf(tools=self._functions(0.2), **self._retries())

    def _function(self, run: Callable[..., Any], **options: Any) -> FunctionNode:
        retries = self._retries() if run is _work else {}
        name = next(self._names)
        return FunctionNode(func=_named(run, name), name=name, **retries, **options)

    def _retries(self) -> dict[str, Any]:
        if self._dice.random() < 0.7:
            return {}
        return {"retry_config": RetryConfig(max_attempts=2, initial_delay=0, jitter=0)}

    def _functions(self, likelihood: float) -> list[Any]:
        dice = self._dice
        chosen: list[Any] = [one for one in PLAIN if dice.random() < likelihood]
        if self._model.faults and dice.random() < likelihood / 2:
            chosen.append(stumble)
        if self._pauses:
            chosen += [one for one in (*PAUSING, request_input) if dice.random() < 0.25]
        return chosen

    def _callbacks(self, *, is_model_agent: bool) -> dict[str, Any]:
        if not self._meddlers or self._dice.random() < 0.6:
            return {}
        return callbacks(self._dice.choice(self._meddlers), is_model_agent=is_model_agent)


def _named(run: Callable[..., Any], name: str) -> Callable[..., Any]:
    if run is _question:

        async def ask(node_input: Any = None) -> AsyncGenerator[Any, None]:
            yield RequestInput(message=f"{name} asks.", response_schema=None)

        return ask

    async def function(node_input: Any = None) -> Any:
        books = current.get()
        await asyncio.sleep(books.dice.randint(0, 4) / 8)
        books.nodes.append((books.turn, name))
        return run(name)

    return function


def _work(name: str) -> str:
    if current.get().faults and current.get().chance(0.15):
        raise RuntimeError(f"{name} broke")
    return f"{name} worked."


def _question(name: str) -> None:
    """Asks the user."""


def _judge(routes: list[str]) -> Callable[[str], Event]:
    return lambda name: Event(actions=EventActions(route=routes[current.get().turn % len(routes)]))
