"""Decides whose a question is: this agent's own, another agent's, or nobody's here."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from adk_flow.models.offline.likeness import fit
from adk_flow.models.offline.questions import is_question
from adk_flow.models.request.functions import Option
from adk_flow.models.request.situation import Situation
from adk_flow.models.request.words import content_words

ROUTE_FLOOR = -0.1
"""The margin over everyday subjects below which no agent fits; unlike agent sets can share it."""


class Route(NamedTuple):
    """Where a question goes; done if another agent has seen to it in this turn."""

    way: Literal["own", "call", "load", "transfer", "done", "nobody"]
    agent: str = ""


def route(text: str, situation: Situation) -> Route:
    """Finds whose a question is.

    An agent that had this turn is not gone back to: its question is done, or the next best's.
    """
    options = _options(situation)
    if all(way.way == "own" for _, way in options):
        return Route("own")
    best, margin = _best(text, options)
    if best.way == "transfer" and best.agent in situation.visited:
        if margin >= ROUTE_FLOOR:
            return Route("done")
        options = [option for option in options if option[0].name not in situation.visited]
        if not options:
            return Route("nobody")
        best, margin = _best(text, options)
    if margin >= ROUTE_FLOOR:
        return best
    parent, topics = situation.parent, len(content_words(text))
    # Up to the parent, who may know others, as ADK's instruction says; not with a "hello".
    is_matter = topics > 1 or (topics == 1 and is_question(text))
    if parent and parent.name not in situation.visited and is_matter:
        return Route("transfer", parent.name)
    return Route("nobody")


def own_options(situation: Situation) -> list[Option]:
    """Returns what an agent can do itself: by its description, or by its tools if it leads."""
    tools = [tool.option for tool in situation.tools]
    if not situation.is_leaf:
        return tools
    if situation.description:
        return [Option(situation.name, situation.description)]
    return tools or [Option(situation.name, situation.instruction[:300])]


def _options(situation: Situation) -> list[tuple[Option, Route]]:
    own = [(option, Route("own")) for option in own_options(situation)]
    called = [(agent.option, Route("call", agent.name)) for agent in situation.agents]
    called += [(skill, Route("load", skill.name)) for skill in situation.skills]
    others = (*situation.children, *situation.peers)
    return [*own, *called, *((other, Route("transfer", other.name)) for other in others)]


def _best(text: str, options: Sequence[tuple[Option, Route]]) -> tuple[Route, float]:
    """Returns the way that suits best, and its margin."""
    ranking = fit(text, [option for option, _ in options])
    return options[ranking.best][1], ranking.margin
