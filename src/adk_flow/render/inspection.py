"""The static picture of an app as text, and as a Mermaid flowchart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from adk_flow._text import one_line, plain
from adk_flow.render.mermaid import CONTROL_COLOUR, escape_mermaid
from adk_flow.render.terminal import fold_words

if TYPE_CHECKING:
    from adk_flow.inspect.static import Edge, Inspection, Member

_HOW = {
    "sub_agent": "runs",
    "agent_tool": "calls as a tool",
    "single_turn": "calls in its session",
    "task": "delegates tasks to",
    "node_tool": "runs as a tool",
    "node": "has the nodes",
    "code": "names in its code",
}
_AS = {"parent": " (its parent)", "peer": " (a peer)", "sub_agent": ""}


def agents_to_text(picture: Inspection, width: int) -> str:
    """Writes who is in an app, who may hand over to whom, and what is odd."""
    folded: list[str] = []
    for words in _lines(picture):
        start = len(words) - len(words.lstrip()) + 4  # what goes on below stands further in
        folded += fold_words(words[:start], words[start:], width)
    return "".join(f"{line}\n" for line in folded)


def _lines(picture: Inspection) -> list[str]:
    lines = [f"App {plain(picture.app)}{', resumable' if picture.resumable else ''}"]
    lines += _entry("plugins", [plain(name) for name in picture.plugins])
    lines += _entry("session summed up", [picture.compaction] * bool(picture.compaction))
    moving = [pair for pair in picture.next_after.items() if pair[0] != pair[1]]
    lines += _entry("next message", [f"to {plain(to)} after {plain(who)}" for who, to in moving])
    for member in picture.members:
        lines += ["", *_lines_of(member, picture)]
    lines += ["", "Remarks" if picture.remarks else "No remarks"]
    lines += [f"  ! {one.kind}: {one_line(one.text, 400)}" for one in picture.remarks]
    return lines


def _lines_of(member: Member, picture: Inspection) -> Iterator[str]:
    about = [member.kind, f"mode {member.mode}" if member.mode else "", member.model]
    yield f"{plain(member.name)}  {plain(', '.join(filter(None, about)))}"
    if member.description:
        yield f"    {one_line(member.description, 200)}"
    yield from _entry("tools", [plain(tool) for tool in member.tools])
    for name, values in member.settings.items():
        yield from _entry(name, [plain(value) for value in values])
    yield from _entry("transfers to", _targets(member, picture, barred=False))
    yield from _entry("may not transfer to", _targets(member, picture, barred=True))
    own = [link for link in picture.links if link.source == member.id]
    hands_over = any(transfer.source == member.id for transfer in picture.transfers)
    for how, words in _HOW.items():
        if how != "sub_agent" or not hands_over:  # whom it can transfer to stands above
            used = [link.target for link in own if link.how == how]
            yield from _entry(words, [plain(picture.named(target)) for target in used])
    for edge in _edges(member, picture):
        source, target = plain(picture.named(edge.source)), plain(picture.named(edge.target))
        route = f"  on {plain(edge.route)}" if edge.route else ""
        yield f"      {source} -> {target}{route}"


def _edges(member: Member, picture: Inspection) -> list[Edge]:
    return [edge for edge in picture.edges if edge.graph == member.id]


def _targets(member: Member, picture: Inspection, *, barred: bool) -> list[str]:
    return [
        plain(picture.named(transfer.target))
        + _AS[transfer.relation]
        + (f", by {transfer.barred_by}" if barred else "")
        for transfer in picture.transfers
        if transfer.source == member.id and bool(transfer.barred_by) == barred
    ]


def _entry(title: str, names: list[str]) -> list[str]:
    return [f"    {title}: {', '.join(names)}"] if names else []


def agents_to_flowchart(picture: Inspection) -> str:
    """Draws agents and graphs; a transfer is a solid arrow, a call a dotted one.

    Both are control, and so red. The nodes of a graph stand in a box, its edges between them.
    """
    lines = ["flowchart TD"]
    for member in picture.members:
        if not member.graph:
            lines += _drawn(member, picture, "    ")
    legal = {(each.source, each.target) for each in picture.transfers if not each.barred_by}
    for source, target in sorted(legal, key=lambda pair: [int(id[1:]) for id in pair]):
        arrow = "<-->" if (target, source) in legal else "-->"
        if arrow == "-->" or int(source[1:]) < int(target[1:]):
            lines.append(f"    {source} {arrow}|transfer| {target}")
    for link in picture.links:
        if link.how != "node" and (link.source, link.target) not in legal:
            lines.append(f"    {link.source} -.->|{link.how.replace('_', ' ')}| {link.target}")
    lines.append(f"    linkStyle default stroke:{CONTROL_COLOUR}")
    return "\n".join(lines) + "\n"


def _drawn(member: Member, picture: Inspection, indent: str) -> Iterator[str]:
    about = ", ".join(filter(None, [member.kind, member.mode, member.model]))
    label = f'"{escape_mermaid(member.name)}<br/>{escape_mermaid(about)}"'
    nodes = [node for node in picture.members if node.graph == member.id]
    if not nodes:
        yield f"{indent}{member.id}[{label}]"
        return
    inner = indent + "    "
    yield f"{indent}subgraph {member.id}[{label}]"
    for node in nodes:
        yield from _drawn(node, picture, inner)
    edges = _edges(member, picture)
    if any(edge.source == "START" for edge in edges):
        yield f"{inner}{member.id}_start((start))"
    for edge in edges:
        source = f"{member.id}_start" if edge.source == "START" else edge.source
        route = f'|"{escape_mermaid(edge.route)}"|' if edge.route else ""
        yield f"{inner}{source} -->{route} {edge.target}"
    yield f"{indent}end"
