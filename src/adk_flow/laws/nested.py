"""What specialists' own agents add to a talk: who is asked again, and who hears whom."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from adk_flow.laws.team import QUESTION, Side, tokens_of_call
from adk_flow.models.request.tokens import tokens_in

_ALONE = ("single_agent", "skills", "best_of_n")
"""Constructs in which one agent does the work of all specialists, whose own agents it has."""
_ASKING = ("agent_tool", "agent_tool_skip_summarization", "single_turn", "task")
"""Those in which a specialist is called for each task below it, too."""
_IN_SERIES = ("sequential", "workflow_tool", "loop")
_ASK = tokens_in(QUESTION)
_MOVE = Counter({"events": 2, "parts": 2})
"""A call that hands over and its result, as those after it hear of it."""


def why_unasked(construct: str, side: Side) -> str:
    """Says of an agent who below it is left out under a construct; empty for nobody."""
    if construct == "best_of_n" and side.targets:
        return f"{side.named} hands over to {side.targets[0].named}"
    asked = [one for one in side.whole if one.is_called and construct != "task"]
    asked += [side] if construct in _ASKING[:-1] else []
    return next(filter(None, map(_mistaken, asked)), "")


def _mistaken(side: Side) -> str:
    """Says who is left out below an agent that is called for several tasks in the same words.

    Whoever it hands over to takes the last of them for its own.
    """
    tasks = [one for one in side.whole if one.is_asked]
    handed = [one for target in side.targets for one in target.whole if one.is_asked]
    is_right = side.kind or not handed or handed == tasks[-1:]
    return "" if is_right else f"{side.named} hands over to {handed[0].named}"


def _sessions(side: Side, reruns: int = 0) -> Iterator[Side]:
    """Gives what an agent does each time that it is called: for its own task, and each below it.

    Args:
      side: the agent.
      reruns: how often ADK runs whom it hands over to again.
    """
    if side.kind and side.below:  # stages, called once for all of them
        yield _staged(side)
        return
    if side.is_asked:
        yield side._replace(inner=_listed(side))
    for inner in side.below:
        for one in _sessions(inner, 0 if inner.is_called else reruns):
            idle = side._replace(parts=0, called=0, returned=0, says=one.says)
            if inner.is_called:
                total = Counter(one.inner) + _alone(one) + _listed(side, 2)
                yield idle._replace(parts=1, **_call(inner, one), inner=total)
            else:
                branch, near = _Branch(_MOVE), _names([side, *side.targets])
                total = branch.visit(one, near) + _listed(side, 1)
                for _ in range(reruns):
                    total += branch.visit(one, near, is_own=False)
                yield idle._replace(inner=total)


def _staged(side: Side) -> Side:
    """Gives the first of agents in series for them all, with what the others take, who hear it."""
    first, *rest = map(_folded, side.below)
    branch = _Branch(_heard(first) + _last_words(first))
    total = Counter(first.inner) + _sum(branch.stage(one) for one in rest)
    named = {"named": side.named, "name": side.name, "description": side.description}
    return first._replace(**named, says=[first, *rest][-1].says, inner=total)


def _last_words(side: Side) -> Counter[str]:
    return Counter({"events": 1, "parts": 1, "heard": side.says})


def _folded(side: Side) -> Side:
    """Gives an agent with those that it calls as further calls, each for each task below it."""
    pairs = [(inner, one) for inner in side.below if inner.is_called for one in _sessions(inner)]
    calls = [_call(inner, one) for inner, one in pairs]
    words = sum(one.says for _, one in pairs)
    return side._replace(
        parts=side.parts + len(pairs),
        called=side.called + sum(call["called"] for call in calls),
        returned=side.returned + sum(call["returned"] for call in calls),
        # Who has no words of its own passes on those of the agents it called.
        says=side.says + words * side.acts,
        below=tuple(map(_folded, side.targets)),
        inner=_sum(Counter(one.inner) + _alone(one) for _, one in pairs),
    )


def _call(inner: Side, one: Side) -> dict[str, int]:
    return {
        "called": tokens_of_call(inner.named, {"request": QUESTION}),
        "returned": tokens_of_call(inner.named, {"result": ""}) + one.says,
    }


def _alone(side: Side) -> Counter[str]:
    """Counts what an agent takes in a session of its own."""
    # ADK says to each agent who it is (2.13, flows/llm_flows/prompt/_identity.py).
    identity = 13 + side.name + (10 + side.description) * bool(side.description)
    sent = (1 + side.acts) * (side.static + identity + _ASK) + side.called + side.returned
    return Counter({"inner calls": 1 + side.acts, "inner tokens": sent + side.called + side.says})


def _sum(counters: Iterable[Mapping[str, int]]) -> Counter[str]:
    return sum(map(Counter, counters), Counter[str]())


def _listed(side: Side, calls: int = 0) -> Counter[str]:
    """Counts what stands in an agent's requests of those to whom it hands over."""
    calls, size = calls or 1 + side.acts, _names(side.targets)
    return Counter({"inner listing": calls, "inner listed": calls * size} if size else {})


def _names(sides: Iterable[Side]) -> int:
    # ADK writes a name three times and a description once (2.13, extensions/_agent_transfer.py).
    return sum(14 + 3 * side.name + side.description for side in sides)


def _heard(side: Side) -> Counter[str]:
    """Counts what others hear of an agent's calls: ADK quotes each part, with words around it."""
    quoted = side.called + side.returned
    return Counter({"events": 2 * side.acts, "parts": 2 * side.parts, "heard": quoted})


class _Branch:
    """A session, or a graph's part of it, in which those who come hear those before them."""

    def __init__(self, done: Counter[str]) -> None:
        self.done = done
        self.deep: Counter[str] = Counter()
        """What of it those below specialists have done."""
        self.last: Side | None = None
        """Who spoke last, and is asked next."""
        self._own: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def visit(
        self, side: Side, near: int = 0, *, is_own: bool = True, is_top: bool = False
    ) -> Counter[str]:
        """Counts what one takes to whom control comes; of one at the top, what it hears of below.

        Args:
          side: the agent.
          near: tokens of those whom it may hand over to besides its own.
          is_own: whether it does its task; else it hands on.
          is_top: whether it is a specialist, of whom the flat laws know.
        """
        calls = 0 if side.kind else 1 + side.acts * is_own
        heard = self.deep if is_top else self.done - self._own[side.named]
        sizes = {name: calls * size for name, size in heard.items()}
        done = _MOVE + _heard(side) if is_own else _MOVE
        if not is_top:
            sizes |= {"calls": calls, "static": calls * side.static}
            sizes["listed"] = calls * (near + _names(side.targets))
            sizes["own"] = is_own * (2 * side.called + side.returned)
            self.deep = self.deep + done
        self.done, self.last = self.done + done, side
        self._own[side.named] += done
        total = Counter({f"inner hop {name}": size for name, size in sizes.items()})
        total["inner calls"] = sizes.get("calls", 0)
        return total + Counter(side.inner) if is_own else total

    def stage(self, side: Side) -> Counter[str]:
        """Counts one that comes in its turn, who knows of nobody to hand over to."""
        # ADK's words around each event, and around each part of it (2.13, context/_fencing.py).
        around = 119 * self.done["events"] + 40 * self.done["parts"]
        before = Counter({"inner tokens": (1 + side.acts) * (around + self.done["heard"])})
        self.done, self.last = self.done + _heard(side) + _last_words(side), side
        return Counter(side.inner) + _alone(side) + before

    def walk(self, tops: Sequence[Side]) -> Counter[str]:
        """Counts some agents and those below, each handing over on the way to whom is not done."""
        above = {id(side): top for side, top in _tree(tops)}
        todo = [side for side, _ in _tree(tops) if side.is_asked]
        at = self.last and self.last.named
        side: Side | None = next((one for one, _ in _tree(tops) if one.named == at), tops[0])
        total: Counter[str] = Counter()
        while side:
            top, is_own = above[id(side)], any(side is one for one in todo)
            peers = top.targets if top else tops
            near = _names([top, *peers]) if top else 0
            if top and top.kind:
                total += self.stage(side)
            else:
                total += self.visit(side, near, is_own=is_own, is_top=is_own and not top)
            todo = [one for one in todo if one is not side]
            ways = (one for one in (*side.targets, *peers) if _leads(one, todo[0]))
            side = next(ways, top) if todo else None
        return total

    def rerun(self, side: Side, *, goes_up: bool) -> Counter[str]:
        """Counts whom ADK runs again after a graph's node has handed over to it (2.13).

        Unless there is somebody left to whom control goes up, it has no more to do if it was alone.
        """
        above, total = {id(one): top for one, top in _tree([side])}, Counter[str]()
        is_alone = self.last is side.targets[0] and not goes_up
        while goes_up and (top := above[id(self.last)]):
            total += self.visit(top, is_own=False)
        near = _names([side, *side.targets])
        return total + self.visit(side.targets[0], near, is_own=not is_alone)


def _leads(side: Side, to: Side) -> bool:
    return any(one is to for one, _ in _tree([side]))


def _tree(sides: Iterable[Side], top: Side | None = None) -> Iterator[tuple[Side, Side | None]]:
    """Walks agents and those to whom they hand over, each with whoever is above it."""
    for side in sides:
        yield side, top
        yield from _tree(side.targets, side)


class NestedAgents:
    """Specialists' own agents in a talk under a construct."""

    def __init__(self, construct: str) -> None:
        self.construct = construct
        self._branches: defaultdict[str, _Branch] = defaultdict(lambda: _Branch(Counter()))

    def turn(
        self, lead: Side, asked: Sequence[Side], idle: Sequence[Side]
    ) -> tuple[list[Side], Counter[str]]:
        """Gives who does the tasks of a turn, and what agents of theirs and of others add."""
        if self.construct in _ASKING:
            reruns = int(self.construct == "single_turn")
            sides = [one for side in asked for one in _sessions(side, reruns)]
            return sides, _sum(side.inner for side in sides)
        sides = list(map(_folded, asked))
        by = self._handing_over if self.construct in (*_ALONE, "transfer") else self._nodes
        return [side for side in sides if side.is_asked], by(lead, sides) + self._idle(
            lead, sides, idle
        )

    def _idle(self, lead: Side, sides: Sequence[Side], idle: Sequence[Side]) -> Counter[str]:
        """Counts what requests say of those whom nobody needs: of one who has all, of nodes."""
        if self.construct in _ALONE:
            return _listed(_whole(lead, [*sides, *(side._replace(parts=0) for side in idle)]))
        is_run = self.construct in (*_IN_SERIES, "parallel")
        return _sum(_listed(side, 1 + (self.construct == "loop")) for side in idle if is_run)

    def _handing_over(self, lead: Side, sides: Sequence[Side]) -> Counter[str]:
        branch = self._branches[""]
        if self.construct == "transfer":
            branch.done = branch.done + _heard(lead)
            return branch.walk(sides) + _sum(map(_listed, sides))
        return branch.walk([_whole(lead, sides)])

    def _nodes(self, lead: Side, sides: Sequence[Side]) -> Counter[str]:
        return _sum(self._node(lead, sides, number) for number in range(len(sides)))

    def _node(self, lead: Side, sides: Sequence[Side], number: int) -> Counter[str]:
        """Counts those below a node of a graph, all of whom hear each other in a series."""
        side, is_series = sides[number], self.construct in _IN_SERIES
        branch = self._branches["" if is_series else side.named]
        branch.last, branch.deep = None, branch.deep if number == 0 else Counter()
        total = branch.walk([side]) + _listed(side)
        if self.construct == "loop":
            total += _second_round(side)
        if not side.targets:
            return total
        waits = side is not sides[-1] if is_series else bool(lead.acts)
        if waits and (is_series or self.construct == "router_many"):
            return total + branch.rerun(side, goes_up=True) + _once_more(side)
        is_early = self.construct in ("parallel", "router_many") and _is_early(side, sides)
        return total + branch.rerun(side, goes_up=is_early)


def _once_more(side: Side) -> Counter[str]:
    return _alone(side) + Counter(side.inner) + _listed(side)


def _second_round(side: Side) -> Counter[str]:
    """Counts what is done again in a loop, in which nobody hands over any more."""
    inner = Counter(side.inner)
    calls = {"inner calls": inner["inner calls"] - inner["inner hop calls"]}
    kept = {name: size for name, size in inner.items() if not name.startswith("inner hop")}
    return Counter(kept | calls) + _listed(side)


def _is_early(side: Side, sides: Iterable[Side]) -> bool:
    """Whether those below an agent are done while somebody below another has not begun."""
    ends = {one.named: _end(one) for one in sides if one.targets}
    return any(ends[side.named][1] < begin for begin, _ in ends.values())


def _end(side: Side) -> tuple[int, int]:
    """Gives how many calls go before the last task of those below begins, and before it ends."""
    tasks = [one.acts for one, _ in _tree([side])]
    end = sum(tasks) + len(tasks)
    return end - tasks[-1], end


def _whole(lead: Side, sides: Sequence[Side]) -> Side:
    """Gives the one agent that does the work of all."""
    everybody = [lead, *sides]
    return lead._replace(
        parts=sum(side.parts for side in everybody),
        called=sum(side.called for side in everybody),
        returned=sum(side.returned for side in everybody),
        below=tuple(target for side in sides for target in side.targets),
        inner=_sum(side.inner for side in sides),
        is_asked=True,
    )
