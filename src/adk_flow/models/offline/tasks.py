"""Plans what becomes of each question of a message."""

from typing import NamedTuple

from adk_flow.models.offline.choice import FunctionChoice, called, choose
from adk_flow.models.offline.likeness import fit
from adk_flow.models.offline.questions import Question, has_topic, read_questions
from adk_flow.models.offline.routes import ROUTE_FLOOR, Route, route
from adk_flow.models.request.functions import Function, Option
from adk_flow.models.request.situation import Situation


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
    is_own = situation.is_delegate or (
        is_described and fit(question.text, [option]).margin >= ROUTE_FLOOR
    )
    return QuestionTask(question, choose(question, situation.tools, is_own))
