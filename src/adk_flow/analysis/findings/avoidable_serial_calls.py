"""Calls that waited for others without need."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from adk_flow._data import group_by
from adk_flow._text import format_seconds
from adk_flow.analysis.findings.finding import Finding, distinct, listed, make_finding
from adk_flow.analysis.terms import is_whole, terms_of
from adk_flow.analysis.trace import ToolCall, Trace, Turn
from adk_flow.log.schema import AGENT_CALLS, Request

MATERIAL = 50_000
"""Microseconds lost from which calls in series are told: nobody waits for less, and a model call
takes ten times as long."""

_AT_ONCE = frozenset({"function", "agent_tool", "single_turn", "node_tool"})
"""Kinds of call that ADK starts at once when a model turn asks for several.

Tasks it runs one by one, and tells the model not to ask for them in parallel (2.13, agent_tool.py).
"""


class _Round(NamedTuple):
    """One model turn of an activation in which agents were called."""

    calls: list[ToolCall]
    asked: int
    """The record of what the model was sent."""
    request: Request

    @property
    def event(self) -> int:
        """The record of the event that asks for the calls."""
        return self.calls[0].asked


def find_avoidable_serial_calls(turn: Turn, trace: Trace) -> Iterator[Finding]:
    """Finds calls that waited for others without need, by either of two signs.

    One model turn asked for several, of which one began only after another had ended; or an agent
    was asked after another one's answer, though the request holds no number and no distinctive
    word that the caller learnt in between.
    """
    # While a plan plays, adk-flow has functions run where they are called (`tools_inline`).
    is_planned = {call.model for call in turn.asked_models} == {"planned"}
    yield from _in_one_model_turn(turn, _AT_ONCE - {"function"} if is_planned else _AT_ONCE)
    for rounds in _rounds(turn).values():
        for before, after in pairwise(rounds):
            for call in after.calls:
                yield from _asked_late(trace, turn, before, after, call)


def _by_event(calls: Iterable[ToolCall]) -> dict[int, list[ToolCall]]:
    """Sorts calls by the event that asks for them."""
    return group_by((call for call in calls if call.asked >= 0), lambda call: call.asked)


def _in_one_model_turn(turn: Turn, kinds: Collection[str]) -> Iterator[Finding]:
    for event, calls in _by_event(c for c in turn.tool_runs if c.kind in kinds).items():
        ran = sorted((c for c in calls if c.ended >= 0), key=lambda c: (c.record, c.ended))
        late = [call for call in ran if any(other.ended < call.record for other in ran)]
        lost = _time_lost(ran)
        if late and lost >= MATERIAL:
            agent = calls[0].agent
            text = (
                f"{len(late)} of {len(ran)} calls that {agent} made in one model "
                f"turn, {listed(call.name for call in calls)}, began only after another "
                f"had ended, which took {format_seconds(lost / 1e6)} longer than side by side."
            )
            records = [event, *(n for call in ran for n in (call.record, call.ended))]
            yield make_finding("needless_series", turn, [agent], text, records)


def _time_lost(calls: list[ToolCall]) -> int:
    """Measures by how much calls took longer than the longest of them."""
    if not calls:
        return 0
    times = [time for call in calls for time in (call.began, call.ended_time)]
    return max(times) - min(times) - max(call.took for call in calls)


def _rounds(turn: Turn) -> dict[int, list[_Round]]:
    """Lists the model turns of each activation in which agents were called."""
    rounds: dict[int, list[_Round]] = defaultdict(list)
    for calls in _by_event(c for c in turn.tool_calls if c.kind in AGENT_CALLS).values():
        asked, activation = calls[0].model_call, calls[0].activation
        if asked is not None and asked.request is not None and activation:
            rounds[activation].append(_Round(calls, asked.record, asked.request))
    return rounds


def _asked_late(
    trace: Trace, turn: Turn, before: _Round, after: _Round, call: ToolCall
) -> Iterator[Finding]:
    earlier = [other for other in before.calls if other.ended >= 0 and not other.failed]
    # The same agent asked once more may have been asked because of what it answered.
    is_again = call.name in {other.name for other in before.calls}
    may_not = any(other.kind not in _AT_ONCE for other in (*before.calls, call))
    if len(earlier) < len(before.calls) or call.ended < 0 or is_again or may_not:
        return
    if _may_need(trace, before, after, call):
        return
    saved = min(max(other.took for other in earlier), call.took)
    time = f" and {format_seconds(saved / 1e6)}" if saved >= MATERIAL else ""
    names = distinct(other.name for other in before.calls)
    text = (
        f"{call.agent} asked {call.name} only after {listed(names)} had answered, though the "
        f"request holds no number and no distinctive word learnt from that: side by side, a model "
        f"call{time} would have been saved."
    )
    records = [before.event, *(call.ended for call in earlier), after.asked, after.event]
    yield make_finding("needless_series", turn, [call.agent, *names, call.name], text, records)


def _may_need(trace: Trace, before: _Round, after: _Round, call: ToolCall) -> bool:
    """Whether a request may rest on what its caller learnt since an earlier one, or nothing tells.

    What was learnt are the parts that the model was sent since, but its own calls.
    """
    new = set(after.request.parts).difference(before.request.parts)
    learnt = {part.text for part in new if part.kind != "call"}
    if after.request.system != before.request.system:
        learnt.add(after.request.system)
    texts = [trace.log.texts.get(number, "") for number in learnt]
    if not all(map(is_whole, [call.text, *texts])) or "response" not in {p.kind for p in new}:
        return True
    known = [before.request.system, *(part.text for part in before.request.parts)]
    own = [other.text for other in before.calls]
    fresh = terms_of(*texts).without(terms_of(*[trace.log.texts.get(n, "") for n in known], *own))
    asked = terms_of(call.text)
    return not any(fresh) or not any(asked) or asked.shares(fresh)
