"""Decides whose a question is: this agent's own, another agent's, or nobody's here."""

from collections.abc import Sequence
from enum import Enum, auto
from typing import NamedTuple

from adk_flow.models.offline.likeness import Option, fit
from adk_flow.models.offline.parts import is_question
from adk_flow.models.offline.wording import asked
from adk_flow.models.offline.words import content_words
from adk_flow.models.request.situation import Situation
from adk_flow.models.request.turns import TRANSFER, Called, Said

ROUTE_FLOOR = -0.1
"""The margin over everyday subjects below which no agent fits; unlike agent sets can share it."""
STAY = 0.02
"""Likeness by which another agent must be ahead before a conversation leaves the present one."""
LONGEST_INSTRUCTION = 300
"""Characters of an instruction that stand for a description where there is none."""


class Way(Enum):
    """How a question reaches whoever answers it."""

    OWN = auto()
    CALL = auto()
    TRANSFER = auto()
    DONE = auto()
    NOBODY = auto()


class Route(NamedTuple):
    """Where a question goes."""

    way: Way
    agent: str = ""


class _Entry(NamedTuple):
    option: Option
    way: Way


def route(text: str, situation: Situation) -> Route:
    """Finds whose a question is.

    An agent that had this turn already is not gone back to: if the question is its own and it did
    something, the question is done; else the next best is taken.
    """
    entries = _entries(situation)
    if all(entry.way is Way.OWN for entry in entries):
        return Route(Way.OWN)
    best, margin = _best(text, entries)
    if best.way is Way.TRANSFER and best.option.name in situation.visited:
        if margin >= ROUTE_FLOOR and _was_active(best.option.name, situation):
            return Route(Way.DONE)
        entries = [entry for entry in entries if entry.option.name not in situation.visited]
        if not entries:
            return Route(Way.NOBODY)
        best, margin = _best(text, entries)
    # Whoever sent the question here may know agents that this one does not, and chose this one.
    is_taken = _was_sent(situation) or _asked_for_it(situation)
    if margin >= ROUTE_FLOOR or (best.way is Way.OWN and is_taken):
        return Route(best.way, best.option.name)
    return _fallback(text, situation)


def own_options(situation: Situation) -> list[Option]:
    """Returns what an agent can do itself: by its description, or by its tools if it leads."""
    tools = [tool.option for tool in situation.tools]
    if not situation.is_leaf:
        return tools
    if situation.description:
        return [Option(situation.name, situation.description)]
    return tools or [Option(situation.name, situation.instruction[:LONGEST_INSTRUCTION])]


def _entries(situation: Situation) -> list[_Entry]:
    own = [_Entry(option, Way.OWN) for option in own_options(situation)]
    called = [_Entry(function.option, Way.CALL) for function in situation.agents]
    reached = [_Entry(one, Way.TRANSFER) for one in (*situation.children, *situation.peers)]
    return own + called + reached


def _best(text: str, entries: Sequence[_Entry]) -> tuple[_Entry, float]:
    """Returns the entry that suits best, an own one if it is hardly behind, and its margin."""
    found = fit(text, [entry.option for entry in entries])
    own = [n for n, entry in enumerate(entries) if entry.way is Way.OWN]
    nearest = max(own, key=lambda n: found.scores[n], default=found.best)
    behind = found.scores[found.best] - found.scores[nearest]
    if behind > STAY:
        nearest, behind = found.best, 0.0
    return entries[nearest], found.margin - behind


def _fallback(text: str, situation: Situation) -> Route:
    """Goes up to the parent, who may know others, as ADK's instruction says; not with a "hello"."""
    parent = situation.parent
    topics = len(content_words(text))
    is_matter = topics > 1 or (topics == 1 and is_question(text))
    if parent and parent.name not in situation.visited and is_matter:
        return Route(Way.TRANSFER, parent.name)
    return Route(Way.NOBODY)


def _was_active(agent: str, situation: Situation) -> bool:
    """Tells whether an agent did more in this turn than pass the question on."""
    return any(
        step.agent == agent and (isinstance(step, Said) or step.function != TRANSFER)
        for step in situation.turn.steps
    )


def _asked_for_it(situation: Situation) -> bool:
    """Tells whether the user answers what was asked back in the turn before."""
    earlier = situation.turns[:-1]
    is_asked = bool(earlier) and bool(asked(earlier[-1].answer))
    return is_asked and not is_question(situation.turn.text)


def _was_sent(situation: Situation) -> bool:
    """Tells whether another agent transferred here in this turn."""
    return any(
        isinstance(step, Called)
        and step.function == TRANSFER
        and step.agent
        and step.arguments.get("agent_name") == situation.name
        for step in situation.turn.steps
    )
