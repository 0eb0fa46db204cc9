"""Findings on control: who was given the turn, could give it on, and holds the next one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import msgspec

from adk_flow._text import format_times
from adk_flow.analysis.findings.finding import Finding, distinct, listed
from adk_flow.analysis.findings.repetition import is_whole
from adk_flow.analysis.findings.story import ModelCall, Story
from adk_flow.analysis.moves import Activation, Move
from adk_flow.log.schema import FunctionCall, Request

_ENDED = {
    "transfer": "handed over",
    "return": "had given its answer",
    "after_run": "was open when the turn ended",
}
"""How a frame that never got `after_agent` ended, see `Frame.ended_by`."""


def ping_pong(story: Story) -> Iterator[Finding]:
    """Finds two agents of whom one handed over to the other more than once in a turn."""
    passed: dict[Any, list[Move]] = defaultdict(list)
    for move in (move for moves in story.moves.values() for move in moves):
        if move.kind == "transfer":
            head = story.head(story.activations[move.activation]).number
            passed[move.turn, head, frozenset((move.source, move.target))].append(move)
    for moves in passed.values():
        counts = Counter((move.source, move.target) for move in moves)
        ((source, target), most) = counts.most_common(1)[0]
        if most > 1:
            back = counts[target, source] if source != target else 0
            returned = f", and {target} to {source} {format_times(back)}" if back else ""
            yield Finding(
                kind="ping_pong",
                turn=moves[0].turn,
                agents=distinct([source, target]),
                text=f"{source} handed over to {target} {format_times(most)} in one turn"
                f"{returned}.",
                records=tuple(_handover(story, move) for move in moves),
                level="serious",
            )


def _handover(story: Story, move: Move) -> int:
    """Finds the event that carries a transfer, else the record that shows its target begin."""
    source = story.activations.get(move.parent)
    return source.ended if source and source.ended_by == "transfer" else move.record


def dead_ends(story: Story) -> Iterator[Finding]:
    """Finds agents that took the turn over and were offered nobody to hand it back to."""
    holders = {turn.turn: turn.active_agent for turn in story.turns}
    for activation in story.activations.values():
        if (
            activation.cause != "transfer"
            or not story.faces_user(activation)
            or activation.successor
        ):
            continue
        sent = story.requests(activation)
        if not sent or any(_may_transfer(request) for _, request in sent):
            continue
        source = story.activations.get(activation.parent)
        active_agent = holders.get(activation.turn, "")
        yield Finding(
            kind="dead_end",
            turn=activation.turn,
            agents=(activation.agent,),
            text=f"{activation.agent} took over from "
            f"{source.agent if source else activation.parent_name} and "
            f"was offered nobody to hand over to{_outlook(activation.agent, active_agent)}.",
            records=(activation.began, *(index for index, _ in sent), *story.ends(activation.turn)),
            level="serious" if active_agent == activation.agent else "notice",
        )


def _may_transfer(request: Request) -> bool:
    """Whether a request offers a transfer; some releases of ADK do not tell to whom."""
    return bool(request.targets) or "transfer_to_agent" in request.tools


def _outlook(agent: str, active_agent: str) -> str:
    if not active_agent:
        return ""
    if active_agent == agent:
        return "; it holds the next turn too, so the user is stuck with it"
    return f"; the user's next message goes to {active_agent} again"


def unexpected_active_agents(story: Story) -> Iterator[Finding]:
    """Finds turns after which another agent than the one that answered gets the next message.

    Graphs and staged agents take every turn from the start, and who calls an agent stays in hold
    of the turn: neither is unexpected.
    """
    speaking = {story.records[call.asked].agent for call in story.model_calls}
    for turn in story.turns:
        if not turn.complete or turn.failed or not turn.finals or turn.active_agent not in speaking:
            continue
        final = turn.finals[-1]
        activation = story.activations.get(story.records[final.record].activation)
        if (
            activation is None
            or turn.active_agent == final.agent
            or not story.faces_user(activation)
        ):
            continue
        sent = story.requests(activation)
        barred = bool(sent) and turn.active_agent not in sent[-1][1].targets
        reason = f", to whom {final.agent} may not hand over" if barred else ""
        asked = tuple(index for index, _ in sent[-1:] if barred)
        yield Finding(
            kind="unexpected_holder",
            turn=turn.turn,
            agents=(final.agent, turn.active_agent),
            text=f"{final.agent} answered the user, but the next message goes to "
            f"{turn.active_agent}{reason}.",
            records=(*asked, final.record, *story.ends(turn.turn)),
        )


def unclosed_activations(story: Story) -> Iterator[Finding]:
    """Finds frames for which ADK never called `after_agent`, though nothing failed."""
    for turn in story.turns:
        activations = story.activations_of(turn.turn)
        waiting = story.waiting(turn.turn)
        left = [activation for activation in activations if _is_unclosed(story, activation)]
        left = [activation for activation in left if activation.number not in waiting]
        if turn.complete and not turn.failed and left:
            yield Finding(
                kind="unclosed_frame",
                turn=turn.turn,
                agents=distinct(activation.agent for activation in left),
                text=f"ADK called no after_agent for {len(left)} of {len(activations)} frames: "
                f"{_by_ending(left)}.",
                records=tuple(sorted({n for f in left for n in (f.began, f.ended)})),
            )


def _is_unclosed(story: Story, activation: Activation) -> bool:
    # A call that fails ends its frame too, and an agent that fails gets agent_error instead.
    return (
        not activation.balanced
        and activation.ended_by in _ENDED
        and story.records[activation.ended].hook != "tool_error"
    )


def _by_ending(activations: list[Activation]) -> str:
    agents: dict[str, list[str]] = defaultdict(list)
    for activation in activations:
        agents[activation.ended_by].append(activation.agent)
    return "; ".join(f"{listed(names)}, which {_ENDED[by]}" for by, names in agents.items())


def hallucinated_names(story: Story) -> Iterator[Finding]:
    """Finds calls of functions, and transfers to agents, that a model was not offered."""
    ran = _functions_that_ran(story)
    for asked in story.model_calls:
        record = story.records[asked.asked]
        answer = story.records[asked.answered] if asked.answered >= 0 else None
        for call in answer.calls if answer and record.request else ():
            # An agent's own callback may have offered it, which a recorder does not see.
            if (record.activation, call.name) in ran and call.kind != "transfer":
                continue
            if told := _made_up(story, asked, call):
                yield Finding(
                    kind="hallucinated_name",
                    turn=story.turn_of[asked.asked],
                    agents=(record.agent,),
                    text=f"{record.agent} {told}.",
                    records=asked,
                    level="serious",
                )


def _functions_that_ran(story: Story) -> set[tuple[int, str]]:
    ends = (story.records[span.ended] for span in story.spans.values() if not span.failed)
    return {(record.activation, record.tool) for record in ends if record.tool}


def _made_up(story: Story, asked: ModelCall, call: FunctionCall) -> str:
    """Tells what is wrong with a call; nothing if its name was on offer."""
    record = story.records[asked.asked]
    offered = record.request or Request()
    if call.name not in offered.tools:
        among = f"which is none of the {len(offered.tools)} functions"
        if len(offered.tools) < 2:
            among = f"but {listed(offered.tools) if offered.tools else 'no function'} is all that"
        return f"called {listed([call.name])}, {among} it was offered"
    name = _target(story, asked, call) if call.name == "transfer_to_agent" else ""
    if not name or not offered.targets or name in offered.targets:
        return ""
    whom = "itself" if name == record.agent else listed([name])
    return f"tried to hand over to {whom}, and may only to {listed(offered.targets)}"


def _target(story: Story, asked: ModelCall, call: FunctionCall) -> str:
    """Reads whom a transfer names: its arguments, or its event where they were left out."""
    if is_whole(call.text):
        try:
            return str(msgspec.json.decode(call.text, type=dict).get("agent_name", ""))
        except msgspec.DecodeError:
            return ""
    place = story.records[asked.asked].activation
    for record in story.records[asked.answered + 1 :]:
        if record.activation == place and (record.transfer or record.hook == "before_model"):
            return record.transfer
    return ""
