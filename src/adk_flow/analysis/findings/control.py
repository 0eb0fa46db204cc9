"""Findings on control: who was given the turn, could give it on, and holds the next one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import msgspec

from adk_flow.analysis.findings.finding import Finding, distinct, listed, times
from adk_flow.analysis.findings.repetition import is_whole
from adk_flow.analysis.findings.story import ModelCall, Story
from adk_flow.analysis.moves import Frame, Move
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
            head = story.head(story.frames[move.frame]).number
            passed[move.turn, head, frozenset((move.source, move.target))].append(move)
    for moves in passed.values():
        counts = Counter((move.source, move.target) for move in moves)
        ((source, target), most) = counts.most_common(1)[0]
        if most > 1:
            back = counts[target, source] if source != target else 0
            returned = f", and {target} to {source} {times(back)}" if back else ""
            yield Finding(
                kind="ping_pong",
                turn=moves[0].turn,
                agents=distinct([source, target]),
                text=f"{source} handed over to {target} {times(most)} in one turn{returned}.",
                records=tuple(_handover(story, move) for move in moves),
                level="serious",
            )


def _handover(story: Story, move: Move) -> int:
    """Finds the event that carries a transfer, else the record that shows its target begin."""
    source = story.frames.get(move.caller)
    return source.ended if source and source.ended_by == "transfer" else move.record


def dead_ends(story: Story) -> Iterator[Finding]:
    """Finds agents that took the turn over and were offered nobody to hand it back to."""
    holders = {turn.turn: turn.holder for turn in story.turns}
    for frame in story.frames.values():
        if frame.why != "transfer" or not story.faces_user(frame) or frame.successor:
            continue
        sent = story.requests(frame)
        if not sent or any(_may_transfer(request) for _, request in sent):
            continue
        source = story.frames.get(frame.caller)
        holder = holders.get(frame.turn, "")
        yield Finding(
            kind="dead_end",
            turn=frame.turn,
            agents=(frame.agent,),
            text=f"{frame.agent} took over from {source.agent if source else frame.parent} and was "
            f"offered nobody to hand over to{_outlook(frame.agent, holder)}.",
            records=(frame.began, *(index for index, _ in sent), *story.ends(frame.turn)),
            level="serious" if holder == frame.agent else "notice",
        )


def _may_transfer(request: Request) -> bool:
    """Whether a request offers a transfer; some releases of ADK do not tell to whom."""
    return bool(request.targets) or "transfer_to_agent" in request.tools


def _outlook(agent: str, holder: str) -> str:
    if not holder:
        return ""
    if holder == agent:
        return "; it holds the next turn too, so the user is stuck with it"
    return f"; the user's next message goes to {holder} again"


def unexpected_holders(story: Story) -> Iterator[Finding]:
    """Finds turns after which another agent than the one that answered gets the next message.

    Graphs and staged agents take every turn from the start, and who calls an agent stays in hold
    of the turn: neither is unexpected.
    """
    speaking = {story.records[call.asked].agent for call in story.model_calls}
    for turn in story.turns:
        if not turn.complete or turn.failed or not turn.finals or turn.holder not in speaking:
            continue
        final = turn.finals[-1]
        frame = story.frames.get(story.records[final.record].frame)
        if frame is None or turn.holder == final.agent or not story.faces_user(frame):
            continue
        sent = story.requests(frame)
        barred = bool(sent) and turn.holder not in sent[-1][1].targets
        reason = f", to whom {final.agent} may not hand over" if barred else ""
        asked = tuple(index for index, _ in sent[-1:] if barred)
        yield Finding(
            kind="unexpected_holder",
            turn=turn.turn,
            agents=(final.agent, turn.holder),
            text=f"{final.agent} answered the user, but the next message goes to "
            f"{turn.holder}{reason}.",
            records=(*asked, final.record, *story.ends(turn.turn)),
        )


def unclosed_frames(story: Story) -> Iterator[Finding]:
    """Finds frames for which ADK never called `after_agent`, though nothing failed."""
    for turn in story.turns:
        frames = story.frames_of(turn.turn)
        waiting = story.waiting(turn.turn)
        left = [frame for frame in frames if _is_unclosed(story, frame)]
        left = [frame for frame in left if frame.number not in waiting]
        if turn.complete and not turn.failed and left:
            yield Finding(
                kind="unclosed_frame",
                turn=turn.turn,
                agents=distinct(frame.agent for frame in left),
                text=f"ADK called no after_agent for {len(left)} of {len(frames)} frames: "
                f"{_by_ending(left)}.",
                records=tuple(sorted({n for f in left for n in (f.began, f.ended)})),
            )


def _is_unclosed(story: Story, frame: Frame) -> bool:
    # A call that fails ends its frame too, and an agent that fails gets agent_error instead.
    return (
        not frame.balanced
        and frame.ended_by in _ENDED
        and story.records[frame.ended].hook != "tool_error"
    )


def _by_ending(frames: list[Frame]) -> str:
    agents: dict[str, list[str]] = defaultdict(list)
    for frame in frames:
        agents[frame.ended_by].append(frame.agent)
    return "; ".join(f"{listed(names)}, which {_ENDED[by]}" for by, names in agents.items())


def hallucinated_names(story: Story) -> Iterator[Finding]:
    """Finds calls of functions, and transfers to agents, that a model was not offered."""
    ran = _functions_that_ran(story)
    for asked in story.model_calls:
        record = story.records[asked.asked]
        answer = story.records[asked.answered] if asked.answered >= 0 else None
        for call in answer.calls if answer and record.request else ():
            # An agent's own callback may have offered it, which a recorder does not see.
            if (record.frame, call.name) in ran and call.kind != "transfer":
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
    return {(record.frame, record.tool) for record in ends if record.tool}


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
    place = story.records[asked.asked].frame
    for record in story.records[asked.answered + 1 :]:
        if record.frame == place and (record.transfer or record.hook == "before_model"):
            return record.transfer
    return ""
