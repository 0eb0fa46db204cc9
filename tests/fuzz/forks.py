"""What ran side by side in a random conversation, against the forks and joins that are told."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from google.adk.agents import ParallelAgent
from google.adk.tools._node_tool import NodeTool
from google.adk.tools.agent_tool import AgentTool
from google.adk.workflow import START, Workflow

from tests.fuzz.books import Books

Compare = Callable[[str, Any, Any], None]
"""Notes where what is said of a thing, the second, is not what is true, the third."""

Sides = Counter[tuple[str, tuple[str, ...]]]
"""How often an agent or graph ran what side by side."""


def check_forks(
    at: str, number: int, moves: list[dict[str, Any]], books: Books, compare: Compare
) -> None:
    """Compares the forks of model turns, and that each is joined once."""
    ran = ((place, names) for place, names in books.sides.items() if place[0] == number)
    true = Counter((agent, tuple(sorted(n))) for (_, agent, *_), n in ran if len(n) > 1)
    compare(f"{at} forks", _told(moves, "fork", ""), true)
    if not (books.turns[number - 1].error or books.is_paused(number)):
        joins = Counter(move["source"] for move in moves if _is(move, "join", ""))
        compare(f"{at} joins", joins, _by_agent(true))


def check_graphs(at: str, root: Any, moves: list[dict[str, Any]], compare: Compare) -> None:
    """Compares the forks of graphs with their shape: each run of one begins its first nodes."""
    runs = Counter(m["target"] for m in moves if m["kind"] in ("start", "call", "transfer"))
    shapes = {name: first for name, first in _shapes(root) if len(first) > 1}
    true = Counter({(name, first): runs[name] for name, first in shapes.items() if runs[name]})
    compare(f"{at} graphs", _told(moves, "fork", "node"), true)
    joins = Counter(move["source"] for move in moves if _is(move, "join", "node"))
    compare(f"{at} graphs joined", joins, _by_agent(true))


def _told(moves: list[dict[str, Any]], kind: str, via: str) -> Sides:
    forks = (move for move in moves if _is(move, kind, via))
    return Counter((m["source"], tuple(sorted(m["target"].split(", ")))) for m in forks)


def _is(move: dict[str, Any], kind: str, via: str) -> bool:
    return move["kind"] == kind and move.get("via", "") == via


def _by_agent(sides: Sides) -> Counter[str]:
    counts: Counter[str] = Counter()
    for (agent, _), count in sides.items():
        counts[agent] += count
    return counts


def _shapes(node: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Names the nodes that each graph and ParallelAgent of a tree begins with."""
    children = list(getattr(node, "sub_agents", ()))
    if isinstance(node, Workflow) and node.graph is not None:
        edges = node.graph.edges
        first = [edge.to_node.name for edge in edges if edge.from_node.name == START.name]
        yield node.name, tuple(sorted(first))
        children = list({edge.to_node.name: edge.to_node for edge in edges}.values())
    elif isinstance(node, ParallelAgent):
        yield node.name, tuple(sorted(child.name for child in children))
    for tool in getattr(node, "tools", ()):
        if isinstance(tool, (AgentTool, NodeTool)):
            yield from _shapes(tool.agent if isinstance(tool, AgentTool) else tool.node)
    for child in children:
        yield from _shapes(child)
