"""Moves of what graphs and composite agents run: agents, graphs in graphs, functions and joins.

ADK has hooks for agents only; what else there is stands in the node paths of its events, such as
`outer@1/inner@1/b@1`.
"""

from __future__ import annotations

from msgspec.structs import replace

from adk_flow.analysis import conversation_moves
from adk_flow.analysis.move import Moment
from adk_flow.analysis.trace import Activation, Run
from adk_flow.log.paths import join_place, path_names


def open_node(moment: Moment, run: Run, node: Activation) -> None:
    """An agent, graph or function begins as a node."""
    if not node.parent:
        call_unseen(moment, run, node.parent_agent)
    if node.path:
        _leave_graphs_before(moment, run, node.path, node.branch)
        _enter_graphs(moment, run, node)
    _end_answered(moment, run, node)
    nodes = run.nodes.setdefault(node.group, [])
    # One that is open runs beside it, and one whose branch ADK keeps apart.
    if not any(o.last.ended < 0 or is_parted(o.branch, node.branch) for o in nodes):
        join_nodes(moment, run, node.group, is_over=True)
        nodes.clear()
    nodes.append(node)
    if len(nodes) == 2:
        _fork(moment, run, nodes)
    place, failures = (run.turn.number, node.number, "node"), run.failures.get(node.path)
    again = f"try {failures + 1}" if failures and node.path else ""
    moment.add("call", node.parent_agent, node.agent, *place, parent=node.parent, text=again)


def call_unseen(moment: Moment, run: Run, name: str) -> None:
    """A tool runs a graph, or an agent whose hook was hidden: its first node or end shows it."""
    call, caller = run.call, run.parent
    if call is None or caller is None or call.heads or call.graph:
        return
    call.graph = name
    place = (caller.agent, call.graph, run.turn.number, 0, "agent_tool")
    conversation_moves.ask(moment, *place, caller.number, run.call_id, run.words)


def close_node(moment: Moment, run: Run, node: Activation, *, failed: bool, text: str = "") -> None:
    """A node ends, and brings control back to the graph."""
    last, owner = node.last, node.parent_agent
    if node.returned:
        return
    if failed:
        run.failures[node.path] = run.failures.get(node.path, 0) + 1
    route = run.routes.pop(node.path, "")
    if route and not failed:
        text = f"route {route}"
    if last.said >= 0 and not failed:
        conversation_moves.answer(moment, run.turn.number, last, owner, "node", "", last.text)
    come_back_from(moment, run, node, owner, "node", failed=failed, text=text)
    graph = run.graphs.get(node.path.rpartition("/")[0])
    if graph is not None and last.said >= 0:
        graph.text, graph.said = last.text, last.said
    join_nodes(moment, run, node.group)


def come_back_from(
    moment: Moment,
    run: Run,
    head: Activation,
    target: str,
    cause: str,
    call: str = "",
    *,
    failed: bool = False,
    text: str = "",
) -> None:
    """Control comes back from whoever ran last in the place of the one that was called."""
    head.returned, source = True, head.last
    place = (target, run.turn.number, source.number, cause)
    moment.add("return", source.agent, *place, call=call, failed=failed, text=text)


def run_function(moment: Moment, run: Run) -> None:
    """An event comes of a node that is no agent: a function, a tool, a join."""
    record = moment.record
    path, name = record.path, node_name(record.path)
    graph = run.graphs.pop(path, None)
    if graph is not None:
        _end_node(moment, run, graph, failed=bool(record.error), text=record.error)
        return
    if path in run.functions:
        _go_on(moment, run, run.functions[path])
        return
    if any(agent.path == path for agent in run.activations):
        return
    parent, owner = parent_of(run, path, record.branch)
    if node_name(owner) == name and parent and (record.error or record.agent == name):
        return  # an agent that never began
    node = _inner_node(moment, run, path, record.branch, owner, parent)
    open_node(moment, run, node)
    node.agent, node.is_function = shown_name(run, path), True
    if record.pending:
        return
    if not record.error:
        run.functions[path] = node  # one that failed may be tried again
    _end_node(moment, run, node, failed=bool(record.error), text=record.error)


def _go_on(moment: Moment, run: Run, node: Activation) -> None:
    """A function gives a further event: it had not come to its end."""
    back = ("return", node.agent, node.ended)
    node.ended, node.ended_time = moment.index, moment.record.time
    for at, move in enumerate(run.turn.moves):
        if (move.kind, move.source, move.record) == back and not move.activation:
            run.turn.moves[at] = replace(move, record=node.ended, time=node.ended_time)


def end_nodes(moment: Moment, run: Run, owner: Activation, *, failed: bool) -> None:
    """An agent ends, and with it its nodes, which it cancels if it failed: ADK tells no end."""
    if not owner.number or owner.number in run.ending:
        return  # a damaged log may have two that own each other
    run.ending.add(owner.number)
    for group in [group for group in run.nodes if group[1] == owner.number]:
        stop_nodes(moment, run, group, failed=failed)
    run.ending.discard(owner.number)


def stop_nodes(moment: Moment, run: Run, group: tuple[int, int, str], *, failed: bool) -> None:
    """Ends the nodes of a group that are open, as those that wait for the user are not."""
    if run.waits and not failed:
        return
    for node in list(run.nodes[group]):
        if node.returned:
            continue
        was_open = node.last.ended < 0
        end_activation(node.last, moment, "return")
        end_nodes(moment, run, node, failed=failed)
        if run.graphs.pop(node.path, None):
            _stop_inside(moment, run, node.path, failed=failed)
        cancelled = failed and was_open and not _is_answered(run, node.last)
        close_node(moment, run, node, failed=cancelled, text="cancelled" if cancelled else "")
    join_nodes(moment, run, group, is_over=True)


def _stop_inside(moment: Moment, run: Run, graph: str, *, failed: bool) -> None:
    """Ends the nodes of a graph inside another, by its path."""
    for group in [group for group in run.nodes if group[2] == graph]:
        stop_nodes(moment, run, group, failed=failed)


def leave_graphs(moment: Moment, run: Run, *, failed: bool) -> None:
    """A run, or a call, ends, and with it the graphs inside others."""
    for path in sorted(run.graphs, key=len, reverse=True):
        if path in run.graphs:
            graph = run.graphs.pop(path)
            _end_node(moment, run, graph, failed=failed, text="cancelled" if failed else "")


def node_name(path: str) -> str:
    """Names the node at the end of a path."""
    return path.rpartition("/")[2].partition("@")[0]


def shown_name(run: Run, path: str) -> str:
    """Names the node at the end of a path by its place, if others of the app have its name."""
    names = path_names(path)
    if names[-1] not in run.shared:
        return names[-1]
    return join_place(run.parent.agent if run.parent else "", names) or names[-1]


def _end_node(moment: Moment, run: Run, node: Activation, *, failed: bool, text: str = "") -> None:
    end_activation(node, moment, "return")
    _stop_inside(moment, run, node.path, failed=failed)
    close_node(moment, run, node, failed=failed, text=text if failed else "")


def end_activation(activation: Activation, moment: Moment, by: str) -> bool:
    """Ends an activation; gives whether it was open."""
    if activation.ended >= 0:
        return False
    activation.ended, activation.ended_by = moment.index, by
    activation.ended_time = moment.record.time
    return True


def _leave_graphs_before(moment: Moment, run: Run, path: str, branch: str) -> None:
    """Leaves the inner graphs that ended before a node began: ADK tells no end of them."""
    for inner in sorted(run.graphs, key=len, reverse=True):
        graph = run.graphs.get(inner)
        around = inner.rpartition("/")[0]
        is_over = path.startswith(f"{around}/") and not f"{path}/".startswith(f"{inner}/")
        if graph is not None and is_over and not is_parted(graph.branch, branch):
            del run.graphs[inner]
            _end_node(moment, run, graph, failed=False)


def _enter_graphs(moment: Moment, run: Run, node: Activation) -> None:
    """Enters the graphs between a node and the outermost, which its record names."""
    steps = node.path.split("/")
    names = [step.partition("@")[0] for step in steps[:-1]]
    top = next((at for at, name in enumerate(names) if name == node.parent_name), len(names))
    for end in range(top + 2, len(steps)):
        path = "/".join(steps[:end])
        if path not in run.graphs and path not in run.functions:
            branch = _branch_at(steps[end - 1], node.branch)
            owner = shown_name(run, "/".join(steps[: end - 1]))
            graph = _inner_node(moment, run, path, branch, owner, node.parent)
            run.graphs[path] = graph
            open_node(moment, run, graph)
    if top + 1 < len(names):
        node.parent_name = shown_name(run, "/".join(steps[:-1]))


def _inner_node(
    moment: Moment, run: Run, path: str, branch: str, owner: str, parent: int
) -> Activation:
    """Makes the activation of a node that is no agent; it has no number."""
    node = Activation(
        number=0,
        agent=shown_name(run, path),
        cause="node",
        run=run.number,
        turn=run.turn.number,
        began=moment.index,
        time=moment.record.time,
        parent=parent,
        parent_name=owner,
        branch=branch,
        path=path,
    )
    run.turn.nodes.append(node)
    return node


def parent_of(run: Run, path: str, branch: str) -> tuple[int, str]:
    """Finds the activation that a node runs in, 0 for none, and the outermost graph in it."""
    steps = path.split("/")
    for end in range(len(steps) - 1, 0, -1):
        above, name = "/".join(steps[:end]), node_name(steps[end - 1])
        for activation in reversed(run.activations):
            is_above = activation.path == (above if end > 1 else "")
            if (
                node_name(activation.agent) == name
                and is_above
                and not is_parted(activation.branch, branch)
            ):
                # Whom it handed over to runs at its path.
                return activation.last.number, shown_name(run, "/".join(steps[: end + 1]))
    return 0, node_name(steps[0])


def _branch_at(step: str, branch: str) -> str:
    parts = branch.split(".")
    return ".".join(parts[: parts.index(step) + 1]) if step in parts else ""


def _is_answered(run: Run, activation: Activation) -> bool:
    """Whether an agent gave its last words, be it that a callback gave them or hid its end."""
    asked = run.model_calls.get(activation.number)
    return activation.said > (asked.record if asked else -1)


def _end_answered(moment: Moment, run: Run, node: Activation) -> None:
    for other in list(run.nodes.get(node.group, ())):
        is_open = not other.returned and other.last.ended < 0
        if is_open and other.number and _is_answered(run, other.last):
            end_activation(other.last, moment, "return")
            close_node(moment, run, other, failed=False)


def is_parted(one: str, other: str) -> bool:
    """Whether two branches part: neither lies in the other."""
    ways = list(zip(one.split("."), other.split("."), strict=False)) if one and other else []
    return any(step != another for step, another in ways)


def _fork(moment: Moment, run: Run, nodes: list[Activation]) -> None:
    first = nodes[0]
    names = ", ".join(node.agent for node in nodes)
    moment.add("fork", first.parent_agent, names, run.turn.number, first.parent, "node")
    run.forks[first.group] = moment.moves[-1]


def join_nodes(
    moment: Moment, run: Run, group: tuple[int, int, str], *, is_over: bool = False
) -> None:
    """Tells a join once no node that ran beside another is open, and can be followed by one."""
    nodes = run.nodes.get(group, [])
    if group not in run.forks or any(node.last.ended < 0 for node in nodes):
        return
    if not is_over and is_parted(nodes[0].branch, nodes[1].branch):
        return
    _complete_fork(run, group, nodes)
    last = max((node.last for node in nodes), key=lambda node: node.ended)
    owner, place = nodes[0].parent_agent, (run.turn.number, nodes[0].parent, "node")
    moment.add("join", owner, owner, *place, at=(last.ended_time, last.ended))
    nodes.clear()


def _complete_fork(run: Run, group: tuple[int, int, str], nodes: list[Activation]) -> None:
    """Puts all names into the fork, which was known with the second node, before the first."""
    fork, first, moves = run.forks.pop(group), nodes[0], run.turn.moves
    if fork in moves:
        moves.remove(fork)
        # One that is tried again has its path again.
        distinct = {node.path or str(node.began): node.agent for node in nodes}
        names = ", ".join(distinct.values())
        call = (first.began, first.parent_agent, first.agent, "call")
        begun = [(m.record, m.source, m.target, m.kind) == call for m in moves]
        at = begun.index(True) if True in begun else len(moves)
        moves.insert(at, replace(fork, target=names, record=first.began, time=first.time))
