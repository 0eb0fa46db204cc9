"""What graphs are made of: agents made ready for one, functions, response schemas, quoted words."""

from collections.abc import Callable, Iterable
from typing import Any, Literal

from google.adk.agents.context import Context
from google.adk.agents.llm_agent import LlmAgent
from google.adk.workflow import BaseNode, FunctionNode, RetryConfig, Workflow
from google.adk.workflow._errors import DynamicNodeFailError
from google.genai import types
from pydantic import BaseModel, create_model

from adk_flow._data import as_words
from adk_flow.wiring.copies import Team, WiringError, fixed, joined

Child = LlmAgent | Workflow

ASK = "ask_"
"""How the name begins of a node that asks a child."""
TIMEOUT = 60.0
"""Seconds that a child has for one attempt."""
RETRY = RetryConfig(max_attempts=2, initial_delay=0.5, jitter=0.0)
NOTHING = "it answered nothing"


def check_names(name: str, nodes: Iterable[BaseNode]) -> None:
    """Refuses, by a WiringError, a graph in which two go by the same name."""
    names = [name, *(node.name for node in nodes)]
    if twice := next((each for each in names if names.count(each) > 1), ""):
        raise WiringError(f"{name}: two go by the name {twice}; each needs a name of its own")


def as_node(agent: LlmAgent) -> LlmAgent:
    """Readies an agent for a graph, where it is given words."""
    # ADK keeps the conversation from a node unless this was set (2.13, _workflow_graph_utils.py).
    agent.include_contents = agent.include_contents
    agent.input_schema = None
    return agent


def nodes_of(team: Team, **update: Any) -> list[LlmAgent]:
    """Copies the specialists, each readied for a graph."""
    return [as_node(agent) for agent in team.copies(**update)]


def running(function: Callable[..., Any], name: str) -> FunctionNode:
    """Makes a node of a function that runs agents itself."""
    return FunctionNode(func=function, name=name, rerun_on_resume=True)


def bounded(child: Child, timeout: float | None, retry: RetryConfig | None) -> Child:
    """Gives a child the limits that it has not set itself; ADK keeps them for each attempt."""
    limits = {
        "timeout": timeout if child.timeout is None else child.timeout,
        "retry_config": child.retry_config or retry,
    }
    return child.model_copy(update=limits)


async def outcome(ctx: Context, child: Child, given: Any) -> tuple[Any, str]:
    """Runs a child and survives its failure: gives its answer, and why it has none."""
    try:
        answer = await ctx.run_node(child, given)
    except DynamicNodeFailError as failure:
        reason = " ".join(str(failure.error).split())
        return None, f"{type(failure.error).__name__}: {reason}"
    return answer, "" if answer else NOTHING


async def report(ctx: Context, child: Child, goal: str, given: Any) -> list[str]:
    """Asks a child: gives what it was asked and what it said, or why it failed, as ADK does."""
    answer, fault = await outcome(ctx, child, given)
    said = f"[{child.name}] failed: {fault}" if fault else as_said(child, answer)
    return [f"[{child.name}] was asked: {goal}", said]


def prompted(team: Team, sentence: str, conversation: bool, **update: Any) -> LlmAgent:
    """Copies the lead with a sentence more, hearing the conversation or what it is given alone."""
    if not conversation:
        update["include_contents"] = "none"
    instruction = joined([team.lead.instruction, fixed(sentence)])
    return as_node(team.leading(instruction=instruction, **update))


def schema_of_choice(field: str, names: Iterable[str], *, several: bool = False) -> type[BaseModel]:
    """Makes the response schema of a choice between names, of one or of several."""
    choice: Any = Literal[tuple(names)]
    fields: dict[str, Any] = {field: (list[choice] if several else choice, ...)}
    return create_model("Choice", **fields)


def quoted(texts: Iterable[str]) -> types.Content:
    """Writes what other agents did as ADK does, so that no model takes it for the user's words."""
    return types.UserContent(["For context:", *texts])


def as_said(agent: BaseNode, output: Any) -> str:
    """Writes what an agent said as ADK does."""
    return f"[{agent.name}] said: {as_words(output)}"


def as_message(given: Any) -> types.Content:
    """Writes what a node is given as a user's message; ADK's own way came with 2.5."""
    return given if isinstance(given, types.Content) else types.UserContent(as_words(given))
