"""Whom an agent or a graph uses, and how: what the wiring of a loaded app shows without a run."""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any, Literal, NamedTuple

from google.adk.agents.llm_agent import LlmAgent

from adk_flow._adk import BaseNode, Workflow
from adk_flow._data import walk_once
from adk_flow.record.activations import kind_of

How = Literal["sub_agent", "agent_tool", "single_turn", "task", "node_tool", "node", "code"]
"""How one uses another; `code` is a function, or a class of the app's own, that names it."""


class Use(NamedTuple):
    """One agent or graph that another one uses."""

    how: How
    node: BaseNode


def agents_of(root: BaseNode | None) -> Iterator[BaseNode]:
    """Walks a root and the agents and graphs that it uses, at any depth, each once."""
    starts = [] if root is None else [root]
    return walk_once(starts, lambda node: [use.node for use in uses_of(node)])


def llm_agents(root: BaseNode | None) -> Iterator[LlmAgent]:
    """Walks the agents among them that have a model."""
    return (node for node in agents_of(root) if isinstance(node, LlmAgent))


def uses_of(node: BaseNode) -> list[Use]:
    """Lists whom an agent or a graph uses, each once, in the order of its wiring."""
    uses: dict[int, Use] = {}
    for use in (*_wired(node), *_of_code(node)):
        if use.node is not node and use.node is not getattr(node, "parent_agent", None):
            uses.setdefault(id(use.node), use)
    return list(uses.values())


def tools_of(node: BaseNode) -> list[Any]:
    """Lists an agent's tools, those too that ADK gave it for its sub-agents or a skill brings."""
    tools = list(getattr(node, "tools", ()))
    # Of a SkillToolset (2.13, tools/skill_toolset.py).
    brought = (getattr(tool, "_provided_tools_by_name", {}) for tool in tools)
    return [*tools, *(tool for provided in brought for tool in provided.values())]


def tool_name(tool: Any) -> str:
    """Names a tool as a model sees it; empty for a toolset, whose tools are known in a run only."""
    return getattr(tool, "name", "") or getattr(tool, "__name__", "")


def find_model(agent: Any) -> Any:
    """Finds the model that an agent runs on where it stands: its own, or the nearest above it."""
    while agent is not None and not getattr(agent, "model", None):
        agent = agent.parent_agent
    return None if agent is None else agent.model


def model_asked(agent: Any) -> str:
    """Names the model that an agent asks: its own, or the nearest above it, or ADK's default."""
    return name_of_model(find_model(agent) or getattr(LlmAgent, "_default_model", ""))


def name_of_model(model: Any) -> str:
    """Names a model that is given by name or as an object; empty for what is neither."""
    return model if isinstance(model, str) else getattr(model, "model", "")


def functions_of(node: BaseNode) -> list[FunctionType]:
    """Lists the functions in which an agent or a node may run others."""
    tools = (getattr(tool, "func", tool) for tool in tools_of(node))
    candidates = [getattr(node, "_func", None), *tools]
    if not type(node).__module__.startswith("google.adk."):
        candidates += [vars(kind).get(name) for kind in type(node).__mro__ for name in _RUNNING]
    # What a decorator put around a function names nothing; what it wraps does.
    unwrapped = [getattr(candidate, "__func__", candidate) for candidate in candidates]
    functions = [getattr(function, "__wrapped__", function) for function in unwrapped]
    own = [function for function in functions if isinstance(function, FunctionType)]
    return [function for function in own if not str(function.__module__).startswith("google.adk.")]


_RUNNING = ("_run_async_impl", "_run_impl", "run_node_impl")
"""Methods by which a class of the app's own decides who runs."""


def _wired(node: BaseNode) -> Iterator[Use]:
    for agent in getattr(node, "sub_agents", ()):
        mode = getattr(agent, "mode", None)
        yield Use(mode if mode in ("single_turn", "task") else "sub_agent", agent)
    for tool in tools_of(node):
        if isinstance(agent := getattr(tool, "agent", None), BaseNode):
            kind = kind_of(tool)
            yield Use(kind if kind in ("single_turn", "task") else "agent_tool", agent)
        elif isinstance(graph := getattr(tool, "node", tool), BaseNode):
            yield Use("node_tool", graph)
    if isinstance(node, Workflow) and node.graph is not None:
        yield from (Use("node", inner) for inner in node.graph.nodes)
    for name in ("_node", "_inner_node"):  # of a parallel worker (2.13, _parallel_worker.py)
        if isinstance(inner := getattr(node, name, None), BaseNode):
            yield Use("node", inner)
    agent = getattr(getattr(node, "tool", None), "agent", None)  # of a node that runs a tool
    if isinstance(agent, BaseNode):
        yield Use("agent_tool", agent)


def _of_code(node: BaseNode) -> Iterator[Use]:
    fields = [value for name, value in node if name not in ("parent_agent", "graph", "edges")]
    yield from (Use("code", other) for other in _nodes_in(fields))
    seen: set[int] = set()
    for function in functions_of(node):
        yield from (Use("code", other) for other in _nodes_in(_named_by(function, seen)))


def _nodes_in(values: Iterable[Any], depth: int = 2) -> Iterator[BaseNode]:
    """Finds agents and graphs among values, in lists and mappings too."""
    for value in values:
        if isinstance(value, BaseNode):
            yield value
        elif depth and isinstance(value, (list, tuple, set, dict)):
            inner = value.values() if isinstance(value, dict) else value
            yield from _nodes_in(inner, depth - 1)


def _named_by(function: FunctionType, seen: set[int]) -> Sequence[Any]:
    """Gives what a function names: of its module, around it, and what functions it calls name."""
    if id(function) in seen:
        return []
    seen.add(id(function))
    names = _names_in(function.__code__)
    values = [function.__globals__[name] for name in names if name in function.__globals__]
    for cell in function.__closure__ or ():
        try:
            values.append(cell.cell_contents)
        except ValueError:  # not filled yet
            continue
    for value in list(values):
        if isinstance(value, FunctionType) and value.__module__ == function.__module__:
            values += _named_by(value, seen)
    return values


@lru_cache(1024)
def _names_in(code: CodeType) -> list[str]:
    return list(dict.fromkeys(name for part in codes_in(code) for name in part.co_names))


def codes_in(code: CodeType) -> Iterator[CodeType]:
    """Walks a function's code and that of what it holds: comprehensions, functions within."""
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from codes_in(inner)
