"""Whose each question of a message is, and what becomes of it."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from adk_flow.models.offline.choice import FunctionChoice, called, choose
from adk_flow.models.offline.likeness import fit
from adk_flow.models.offline.questions import Question, has_topic, is_question, read_questions
from adk_flow.models.request.functions import Function, Option
from adk_flow.models.request.situation import Situation
from adk_flow.models.request.words import content_words


class Route(NamedTuple):
    """Where a question goes; done if another agent has seen to it in this turn."""

    way: Literal["own", "call", "load", "transfer", "done", "nobody"]
    agent: str = ""


class QuestionTask(NamedTuple):
    """What is to become of one question: one of these, or else nothing fits it."""

    question: Question
    choice: FunctionChoice | None = None
    """A call, or what to say instead."""
    transfer: str = ""
    is_done: bool = False
    """Another agent has seen to it in this turn."""
    is_prose: bool = False
    """It is the agent's own, and the agent has no tools at all."""

    @property
    def is_unfit(self) -> bool:
        """Tells whether nothing here fits it."""
        return not (self.choice or self.transfer or self.is_done or self.is_prose)


def plan_tasks(situation: Situation) -> list[QuestionTask]:
    """Plans the current turn; the same turn always gives the same plan, whatever is done yet."""
    return [_task(question, situation) for question in read_questions(situation.turns)]


def _task(question: Question, situation: Situation) -> QuestionTask:
    if not question.text:
        return QuestionTask(question)
    (way, agent), question = _routed(question, situation)
    if way == "own":
        return _own_task(question, situation)
    if way == "call":
        function = next(function for function in situation.agents if function.name == agent)
        return QuestionTask(question, _asked(function, question))
    if way == "load" and situation.loading:
        return QuestionTask(question, FunctionChoice(situation.loading, {"skill_name": agent}))
    return QuestionTask(question, transfer=agent, is_done=way == "done")


def _routed(question: Question, situation: Situation) -> tuple[Route, Question]:
    """Finds whose a question is; one of another's field does not go on from those before it."""
    if not question.earlier:
        return route(question.text, situation), question
    alone = route(question.text, situation) if has_topic(question.text) else Route("nobody")
    before = route(" ".join(question.earlier), situation)
    if alone.way == "nobody" or alone == before:
        return before, question
    return alone, Question(question.text)


def _asked(agent: Function, question: Question) -> FunctionChoice:
    """Passes a question on to an agent, openly with those that it goes on from."""
    if len(agent.parameters) == 1 and agent.parameters[0].is_free_text:
        return FunctionChoice(agent, {agent.parameters[0].name: question.written})
    return called(agent, question)


def _own_task(question: Question, situation: Situation) -> QuestionTask:
    if not situation.tools:
        return QuestionTask(question, is_prose=situation.is_leaf)
    option = Option(situation.name, situation.description)
    is_described = situation.is_leaf and bool(situation.description)
    is_own = situation.is_delegate or (is_described and fit(question.text, [option]).is_near)
    return QuestionTask(question, choose(question, situation.tools, is_own))


def route(text: str, situation: Situation) -> Route:
    """Finds whose a question is.

    An agent that had this turn is not gone back to: its question is done, or the next best's.
    """
    options = _options(situation)
    if all(way.way == "own" for _, way in options):
        return Route("own")
    best, is_near = _best(text, options)
    if best.way == "transfer" and best.agent in situation.visited:
        if is_near:
            return Route("done")
        options = [option for option in options if option[0].name not in situation.visited]
        if not options:
            return Route("nobody")
        best, is_near = _best(text, options)
    if is_near:
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


def _best(text: str, options: Sequence[tuple[Option, Route]]) -> tuple[Route, bool]:
    """Returns the way that suits best, and whether it suits at all."""
    ranking = fit(text, [option for option, _ in options])
    return options[ranking.best][1], ranking.is_near
