"""Random agent trees of every ADK kind, on a model that decides by dice and keeps its own books."""

from __future__ import annotations

import asyncio
import random
import warnings
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

from google.adk.agents import BaseAgent, LlmAgent, LoopAgent, ParallelAgent, SequentialAgent
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.tools.agent_tool import AgentTool
from google.adk.workflow import START, JoinNode, Workflow
from google.genai import types
from pydantic import PrivateAttr

TRANSFER = "transfer_to_agent"


@dataclass
class Call:
    """One entry into the model, as the model saw it."""

    turn: int
    agent: str
    sent: int = 0
    said: int = 0
    """Tokens that it reported; none if it failed or was cancelled before it answered."""


@dataclass
class Books:
    """What the model did, in order; the oracle for calls, tokens and who was asked."""

    seed: int
    turn: int = 0
    calls: list[Call] = field(default_factory=list)
    moves_left: int = 0
    """Decisions of this turn that may still be something else than words."""

    def begin_turn(self, moves: int) -> None:
        self.turn += 1
        self.moves_left = moves


class Dice(BaseLlm):
    """Decides at random among what the request offers: words, hand-overs, calls, faults."""

    model: str = "dice"
    faults: bool = False
    streams: bool = False
    repeats_ids: bool = False
    _books: Books = PrivateAttr()
    _random: random.Random = PrivateAttr()

    @classmethod
    def over(cls, books: Books, **options: Any) -> Dice:
        model = cls(**options)
        model._books, model._random = books, random.Random(books.seed)
        return model

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        dice, books = self._random, self._books
        agent = (llm_request.config.labels or {}).get("adk_agent_name", "")
        sent, said = dice.randint(10, 99), dice.randint(1, 9)
        call = Call(books.turn, agent)
        books.calls.append(call)
        parts = self._decide(llm_request, agent)
        await asyncio.sleep(dice.randint(1, 9) / 8)
        if self.faults and dice.random() < 0.04:
            raise RuntimeError("dice fell off the table")
        usage = types.GenerateContentResponseUsageMetadata(
            prompt_token_count=sent, candidates_token_count=said, total_token_count=sent + said
        )
        if stream and parts[0].text:
            yield LlmResponse(content=types.ModelContent(parts[0].text[:3]), partial=True)
        call.sent, call.said = sent, said
        yield LlmResponse(content=types.Content(role="model", parts=parts), usage_metadata=usage)

    def _decide(self, request: LlmRequest, agent: str) -> list[types.Part]:
        dice, books = self._random, self._books
        words = f"{agent} says {len(books.calls)}."
        config = request.config
        if config.response_schema or not request.tools_dict:
            return [types.Part(text=words)]
        if books.moves_left <= 0:
            return self._last_words(request, words)
        targets = _targets(request)
        tools = [name for name in request.tools_dict if name not in (TRANSFER, "finish_task")]
        choice = dice.random()
        if targets and choice < 0.3:
            books.moves_left -= 1
            return [_call(TRANSFER, agent_name=dice.choice(targets))]
        if tools and choice < 0.7:
            alone = [name for name in tools if _is_task(request, name)]
            if alone and dice.random() < 0.5:
                chosen = [dice.choice(alone)]
            else:
                free = [name for name in tools if name not in alone]
                chosen = dice.sample(free, min(len(free), dice.randint(1, 3)))
            if chosen:
                books.moves_left -= len(chosen)
                return [self._asked(request, name, at) for at, name in enumerate(chosen)]
        if self.faults and choice > 0.98:
            books.moves_left -= 1
            return [_call(TRANSFER, agent_name="Nobody")] if targets else [_call("no_such_tool")]
        return self._last_words(request, words)

    def _last_words(self, request: LlmRequest, words: str) -> list[types.Part]:
        if "finish_task" in request.tools_dict:
            return [_call("finish_task", **_arguments(request, "finish_task", words))]
        return [types.Part(text=words)]

    def _asked(self, request: LlmRequest, name: str, at: int) -> types.Part:
        part = _call(name, **_arguments(request, name, f"Do {name}."))
        if self.repeats_ids and part.function_call is not None:
            part.function_call.id = f"call_{name}"
        return part


def _call(name: str, **arguments: Any) -> types.Part:
    return types.Part(function_call=types.FunctionCall(name=name, args=arguments))


def _targets(request: LlmRequest) -> list[str]:
    tool = request.tools_dict.get(TRANSFER)
    return list(getattr(tool, "_agent_names", ()))


def _is_task(request: LlmRequest, name: str) -> bool:
    return getattr(getattr(request.tools_dict[name], "agent", None), "mode", "") == "task"


def _arguments(request: LlmRequest, name: str, words: str) -> dict[str, Any]:
    declaration = request.tools_dict[name]._get_declaration()
    if declaration is None:
        return {}
    schema = declaration.parameters_json_schema or {}
    names = list(schema.get("properties", {})) or list(
        (declaration.parameters.properties or {}) if declaration.parameters else {}
    )
    return dict.fromkeys(names, words)


async def look(what: str) -> dict[str, str]:
    """Looks something up."""
    await asyncio.sleep(0.25)
    return {"result": f"{what} is there"}


def count(what: str) -> dict[str, int]:
    """Counts something."""
    return {"number": len(what)}


class Grower:
    """Grows one tree."""

    def __init__(self, books: Books, model: Dice) -> None:
        self._dice = random.Random(books.seed * 7919 + 1)
        self._model = model
        self._names = iter(f"A{number}" for number in range(1, 1000))

    def tree(self) -> Any:
        """Grows a tree: an agent, a composite or a graph at its root."""
        kind = self._dice.random()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # composites are deprecated, and still used
            if kind < 0.55:
                return self.chat(3)
            return self.composite(2) if kind < 0.8 else self.graph()

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
                    children.append(self.leaf(mode=mode))
        tools: list[Any] = dice.sample([look, count], dice.randint(0, 2))
        if depth > 1 and dice.random() < 0.5:
            tools += [AgentTool(self.called(depth - 1)) for _ in range(dice.randint(1, 2))]
        if depth > 1 and dice.random() < 0.15:
            tools.append(self.graph())
        return self.leaf(sub_agents=children, tools=tools, **options)

    def leaf(self, **options: Any) -> LlmAgent:
        name = next(self._names)
        return LlmAgent(name=name, description=f"{name} helps.", model=self._model, **options)

    def called(self, depth: int) -> BaseAgent:
        """What an AgentTool may run."""
        return self.chat(depth) if self._dice.random() < 0.7 else self.composite(1)

    def composite(self, depth: int) -> BaseAgent:
        """Stages, branches or a loop, of agents or of further composites."""
        dice, name = self._dice, next(self._names)
        kind = dice.choice([SequentialAgent, ParallelAgent, LoopAgent])
        parts = [
            self.composite(depth - 1) if depth > 1 and dice.random() < 0.4 else self.stage()
            for _ in range(dice.randint(1, 3))
        ]
        options: dict[str, Any] = (
            {"max_iterations": dice.randint(1, 2)} if kind is LoopAgent else {}
        )
        return kind(name=name, description=f"{name} works.", sub_agents=parts, **options)

    def stage(self) -> LlmAgent:
        tools: list[Any] = [look] if self._dice.random() < 0.3 else []
        if self._dice.random() < 0.2:
            tools.append(AgentTool(self.leaf()))
        return self.leaf(tools=tools)

    def graph(self) -> Workflow:
        """A chain, or a fan-out that is joined, of agents."""
        dice, name = self._dice, next(self._names)
        nodes = [self.leaf() for _ in range(dice.randint(2, 4))]
        if dice.random() < 0.5:
            edges: list[Any] = list(zip([START, *nodes], nodes, strict=False))
        else:
            gate, last = JoinNode(name=next(self._names)), self.leaf()
            edges = [(START, node) for node in nodes] + [(node, gate) for node in nodes]
            edges.append((gate, last))
        return Workflow(name=name, description=f"{name} flows.", edges=edges)
