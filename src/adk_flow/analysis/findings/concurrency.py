"""Findings on concurrency: what ran in series for nothing, and what was written side by side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from adk_flow.analysis.findings.finding import Finding, distinct, listed
from adk_flow.analysis.findings.repetition import is_whole, terms
from adk_flow.analysis.findings.story import Span, Story
from adk_flow.analysis.moves import Activation
from adk_flow.log.schema import AGENT_CALLS, FunctionCall, Request

MATERIAL = 50_000
"""Microseconds lost from which calls in series are told: nobody waits for less, and a model call
takes ten times as long."""

_SIDE_BY_SIDE = frozenset({"function", "agent_tool", "single_turn", "node_tool"})
"""Kinds of call that ADK starts at once when a model turn asks for several.

Tasks it runs one by one, and tells the model not to ask for them in parallel (2.13, agent_tool.py).
"""


class _Round(NamedTuple):
    """One model turn of a frame in which agents were called."""

    event: int
    calls: list[FunctionCall]
    asked: int
    """The record of what the model was sent."""
    request: Request


def needless_series(story: Story) -> Iterator[Finding]:
    """Finds calls that waited for others without need, by either of two signs.

    One model turn asked for several, of which one began only after another had ended; or an agent
    was asked after another one's answer, though the request holds no number and no distinctive
    word that the caller learnt in between.
    """
    yield from _in_one_model_turn(story)
    for rounds in _rounds(story).values():
        for before, after in pairwise(rounds):
            for call in after.calls:
                yield from _asked_late(story, before, after, call)


def _in_one_model_turn(story: Story) -> Iterator[Finding]:
    for index, record in enumerate(story.records):
        if record.hook != "event" or record.partial or not story.turn_of[index]:
            continue
        calls = {call.id: call for call in record.calls if call.kind in _SIDE_BY_SIDE}
        spans = sorted(story.spans[call] for call in calls if call in story.spans)
        late = [one for one in spans if any(other.ended < one.began for other in spans)]
        lost = _time_lost(story, spans)
        if late and lost >= MATERIAL:
            yield Finding(
                kind="needless_series",
                turn=story.turn_of[index],
                agents=(record.agent,),
                text=f"{len(late)} of {len(spans)} calls that {record.agent} made in one model "
                f"turn, {listed(call.name for call in calls.values())}, began only after another "
                f"had ended, which took {_seconds(lost)} longer than side by side.",
                records=(index, *sorted(n for span in spans for n in (span.began, span.ended))),
            )


def _time_lost(story: Story, spans: list[Span]) -> int:
    """Measures by how much calls took longer than the longest of them."""
    if not spans:
        return 0
    times = [story.records[n].time for span in spans for n in (span.began, span.ended)]
    return max(times) - min(times) - max(story.took(span.began, span.ended) for span in spans)


def _rounds(story: Story) -> dict[int, list[_Round]]:
    """Lists the model turns of each frame in which agents were called."""
    rounds: dict[int, list[_Round]] = defaultdict(list)
    asked: dict[int, int] = {}
    for index, record in enumerate(story.records):
        if record.hook == "before_model":
            asked[record.activation] = index
        calls = [call for call in record.calls if call.kind in AGENT_CALLS]
        if record.hook != "event" or record.partial or not calls or record.activation not in asked:
            continue
        request = story.records[asked[record.activation]].request
        if request is not None and record.activation in story.activations:
            rounds[record.activation].append(
                _Round(index, calls, asked[record.activation], request)
            )
    return rounds


def _asked_late(
    story: Story, before: _Round, after: _Round, call: FunctionCall
) -> Iterator[Finding]:
    spans = [story.spans.get(one.id) for one in before.calls]
    earlier = [span for span in spans if span is not None and not span.failed]
    mine = story.spans.get(call.id)
    # The same agent asked once more may have been asked because of what it answered.
    is_again = call.name in {one.name for one in before.calls}
    may_not = any(one.kind not in _SIDE_BY_SIDE for one in (*before.calls, call))
    if len(earlier) < len(spans) or mine is None or is_again or may_not:
        return
    if _may_need(story, before, after, call):
        return
    parent = story.records[after.event].agent
    took = max(story.took(span.began, span.ended) for span in earlier)
    saved = min(took, story.took(mine.began, mine.ended))
    time = f" and {_seconds(saved)}" if saved >= MATERIAL else ""
    names = distinct(one.name for one in before.calls)
    yield Finding(
        kind="needless_series",
        turn=story.turn_of[after.event],
        agents=(parent, *names, call.name),
        text=f"{parent} asked {call.name} only after {listed(names)} had answered, though the "
        f"request holds no number and no distinctive word learnt from that: side by side, a model "
        f"call{time} would have been saved.",
        records=(before.event, *sorted(s.ended for s in earlier), after.asked, after.event),
    )


def _may_need(story: Story, before: _Round, after: _Round, call: FunctionCall) -> bool:
    """Whether a request may rest on what its caller learnt since an earlier one, or nothing tells.

    What was learnt are the parts that the model was sent since, but its own calls.
    """
    new = set(after.request.parts).difference(before.request.parts)
    learnt = {part.text for part in new if part.kind != "call"}
    if after.request.system != before.request.system:
        learnt.add(after.request.system)
    told = [story.texts.get(number, "") for number in learnt]
    if not all(map(is_whole, [call.text, *told])) or "response" not in {p.kind for p in new}:
        return True
    known = [before.request.system, *(part.text for part in before.request.parts)]
    own = [one.text for one in before.calls]
    fresh = terms(*told).without(terms(*[story.texts.get(n, "") for n in known], *own))
    asked = terms(call.text)
    return not any(fresh) or not any(asked) or asked.shares(fresh)


def lost_state_writes(story: Story) -> Iterator[Finding]:
    """Finds keys of session state that frames running side by side each wrote.

    An AgentTool's child works on a copy of the state, and of the writes to one key that come back
    ADK keeps one; nodes write to one session, where the last one stays. A log holds no values.
    """
    for (turn, key), writers in _writers(story).items():
        clashing = [
            (index, activation)
            for index, activation in writers
            if any(_beside(story, activation, other) for _, other in writers)
        ]
        if clashing:
            activations = {activation.number: activation.agent for _, activation in clashing}
            yield Finding(
                kind="lost_state_write",
                turn=turn,
                agents=distinct(activations.values()),
                text=f"{listed(activations.values())} ran side by side and each wrote the "
                f"state key {listed([key])}: one write is lost, unless the values agree.",
                records=tuple(sorted(index for index, _ in clashing)),
            )


def _writers(story: Story) -> dict[tuple[int, str], list[tuple[int, Activation]]]:
    writers: dict[tuple[int, str], list[tuple[int, Activation]]] = defaultdict(list)
    for index, record in enumerate(story.records):
        activation = story.activations.get(record.activation)
        if record.hook != "event" or record.partial or activation is None:
            continue
        for key in record.state:
            if not key.startswith("_adk"):
                writers[activation.turn, key].append((index, activation))
    return writers


def _beside(story: Story, one: Activation, other: Activation) -> bool:
    """Whether two frames ran at the same time, neither of them for the other."""
    if one.number in {other.number, *story.parents(other)} or other.number in story.parents(one):
        return False
    calls = [story.asked_in.get(story.head(activation).call) for activation in (one, other)]
    if calls[0] is not None and calls[0] == calls[1]:
        return True
    last = len(story.records)
    ends = [activation.ended if activation.ended >= 0 else last for activation in (one, other)]
    return one.began < ends[1] and other.began < ends[0]


def _seconds(microseconds: int) -> str:
    return f"{microseconds / 1e6:,.2f} s"
