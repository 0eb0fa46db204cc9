"""What graphs are made of: agents made ready for one, functions, response schemas, quoted words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, Literal

from google.adk.agents.llm_agent import LlmAgent
from google.adk.workflow import BaseNode, FunctionNode, Workflow
from google.genai import types
from pydantic import BaseModel, Field, create_model


def chained(name: str, *chain: Any) -> Workflow:
    """Makes a Workflow of nodes that follow each other; a tuple's stand side by side."""
    return Workflow(name=name, edges=[("START", conversation, *chain)])


def conversation() -> None:
    """Opens a graph: with no output of a node before, the next is shown the question only once."""


def as_node(agent: LlmAgent) -> LlmAgent:
    """Readies an agent for a graph, where it is given words."""
    # ADK keeps the conversation from a node unless this was set (2.13, _workflow_graph_utils.py).
    agent.include_contents = agent.include_contents
    agent.input_schema = None
    return agent


def running(function: Callable[..., Any], name: str) -> FunctionNode:
    """Makes a node of a function that runs agents itself."""
    return FunctionNode(func=function, name=name, rerun_on_resume=True)


def schema_of_choice(field: str, names: Iterable[str]) -> type[BaseModel]:
    """Makes the response schema of a choice between names."""
    fields: dict[str, Any] = {field: (Literal[tuple(names)], ...)}
    return create_model("Choice", **fields)


def schema_of_shares(specialists: Iterable[LlmAgent]) -> type[BaseModel]:
    """Makes the response schema of a share for each specialist, any of which may be left out."""
    fields: dict[str, Any] = {}
    for agent in specialists:
        share = Field("", description=agent.description, json_schema_extra=_without_default)
        fields[agent.name] = (str, share)
    return create_model("Shares", **fields)


def _without_default(schema: dict[str, Any]) -> None:
    """Takes the default out of a schema, for which some models refuse it."""
    schema.pop("default", None)


def quoted(told: Iterable[str]) -> types.Content:
    """Writes what other agents did as ADK does, so that no model takes it for the user's words."""
    return types.UserContent(["For context:", *told])


def as_asked(agent: BaseNode, goal: str) -> str:
    """Writes what an agent was asked."""
    return f"[{agent.name}] was asked: {goal}"


def as_said(agent: BaseNode, output: Any) -> str:
    """Writes what an agent said as ADK does."""
    return f"[{agent.name}] said: {as_text(output)}"


def as_failed(agent: BaseNode, reason: object) -> str:
    """Writes why an agent gave no answer."""
    return f"[{agent.name}] failed: {reason}"


def as_text(output: Any) -> str:
    """Writes a node's output as words: an output schema makes it data."""
    return output if isinstance(output, str) else json.dumps(output, ensure_ascii=False)
