"""Decides what to say or call next, from what a request says and nothing else."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from adk_flow.models.keyless import KeylessAnswer
from adk_flow.models.offline import wording
from adk_flow.models.offline.choice import FunctionChoice
from adk_flow.models.offline.forms import Material, fill_form
from adk_flow.models.offline.questions import read_questions
from adk_flow.models.offline.tasks import QuestionTask, own_options, plan_tasks
from adk_flow.models.request.functions import FINISH, LOAD, RESPOND, TRANSFER, Option
from adk_flow.models.request.situation import Situation
from adk_flow.models.request.turns import AgentSaid, Called, Returned
from adk_flow.models.request.words import spell_out


def decide(situation: Situation) -> KeylessAnswer:
    """Decides the next step.

    The agent's own calls come first, all at once; then the rest of the question goes to the next
    agent that fits it; the last one to speak tells what all of them found.
    """
    tasks = plan_tasks(situation)
    calls = [task.choice for task in tasks if task.choice and not task.choice.text]
    instead = list(dict.fromkeys(task.choice.text for task in tasks if task.choice))
    if pending := _pending(calls, situation):
        return "", [(choice.function.name, choice.arguments) for choice in pending]
    onward = next((task.transfer for task in tasks if task.transfer), "")
    if onward and not any(instead) and situation.schema is None:
        return "", [(TRANSFER, {"agent_name": onward})]
    return _end(_answer(tasks, calls, instead, situation), any(instead), situation)


def _pending(calls: Sequence[FunctionChoice], situation: Situation) -> list[FunctionChoice]:
    """Returns the calls that were not yet made; of agents that must be called alone, the first."""
    made, pending = Counter(_called(situation)), list[FunctionChoice]()
    for choice in calls:
        if made[choice.function.name]:
            made[choice.function.name] -= 1
        elif choice not in pending:
            pending.append(choice)
    return [choice for choice in pending if not choice.function.is_alone] or pending[:1]


def _called(situation: Situation) -> list[str]:
    steps = situation.turn.steps
    return [step.function for step in steps if isinstance(step, Called) and not step.agent]


def _end(answer: str, is_asking: bool, situation: Situation) -> KeylessAnswer:
    """Ends the agent's turn in the way its declarations ask for."""
    asked = tuple(question.written for question in read_questions(situation.turns))
    material = Material(asked, answer, tuple(_results(situation)), situation.instruction)
    ending, schema = situation.ending, situation.schema
    if schema is not None:
        return json.dumps(fill_form(schema, material), ensure_ascii=False), []
    is_unfinished = is_asking and ending is not None and ending.name == FINISH
    if ending is None or is_unfinished or ending.name in _called(situation):
        return answer, []
    shape = {
        "type": "object",
        "properties": {parameter.name: parameter.schema for parameter in ending.parameters},
        "required": [parameter.name for parameter in ending.required],
    }
    return "", [(ending.name, fill_form(shape, material))]


def _answer(
    tasks: Sequence[QuestionTask],
    calls: Sequence[FunctionChoice],
    instead: Sequence[str],
    situation: Situation,
) -> str:
    """Tells what came back, then asks or refuses, then says what is left over."""
    texts = [wording.relayed(result) for result in _results(situation)]
    if not texts and not any(instead):
        if any(task.is_prose for task in tasks):
            said = [one for one in situation.turn.steps if isinstance(one, AgentSaid) and one.agent]
            heard = dict.fromkeys(step.text for step in said)
            return "\n\n".join(heard) or wording.no_prose(situation.turn.text)
        return wording.offers(_offered(situation))
    carried = [spell_out(name) for call in calls for name in call.carried]
    made_up = [spell_out(name) for call in calls for name in call.made_up]
    unfit = [wording.quote_texts(task.question.text) for task in tasks if task.is_unfit]
    later = [wording.quote_texts(task.question.text) for task in tasks if task.transfer]
    texts += [
        wording.remark("(As before:", carried, ".)"),
        wording.remark("(Placeholders, which nobody said:", made_up, ".)"),
        wording.remark("Not answered, as nothing here fits it:", unfit),
        *instead,
        wording.remark("After that I go on to:", later),
    ]
    return "\n\n".join(filter(None, texts))


def _results(situation: Situation) -> list[Any]:
    """Returns what tools gave in this turn, except what another agent has told already."""
    steps = situation.turn.steps
    silent = {step.agent for step in steps if isinstance(step, AgentSaid) and step.agent}
    returned = [step for step in steps if isinstance(step, Returned) and step.agent not in silent]
    return [
        step.response for step in returned if step.function not in (TRANSFER, FINISH, RESPOND, LOAD)
    ]


def _offered(situation: Situation) -> list[Option]:
    """Returns all that can be asked of this agent and those it reaches."""
    agents = [*situation.children, *(agent.option for agent in situation.agents), *situation.peers]
    agents += [*situation.skills, *([situation.parent] if situation.parent else [])]
    return [*own_options(situation), *agents] if agents else [one.option for one in situation.tools]
