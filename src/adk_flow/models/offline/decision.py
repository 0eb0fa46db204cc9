"""Decides what to say or call next, from what a request says and nothing else."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from adk_flow.models.offline.fields import Material
from adk_flow.models.offline.forms import fill_form
from adk_flow.models.offline.likeness import Option
from adk_flow.models.offline.plan import Call, Plan, Task, plan
from adk_flow.models.offline.routes import own_options
from adk_flow.models.offline.wording import ask, no_prose, offers, relayed, unfit, waiting
from adk_flow.models.offline.working import work
from adk_flow.models.request.functions import Function
from adk_flow.models.request.schemas import Schema
from adk_flow.models.request.situation import FINISH, RESPOND, Situation
from adk_flow.models.request.turns import TRANSFER, Called, Returned, Said


class Decision(NamedTuple):
    """What to say, or which functions to call."""

    text: str = ""
    calls: tuple[tuple[str, dict[str, Any]], ...] = ()


def decide(situation: Situation) -> Decision:
    """Decides the next step.

    The agent's own calls come first, all at once; then the rest of the question goes to the next
    agent that fits it; the last one to speak tells what all of them found.
    """
    if worked := work(situation):
        return Decision(calls=worked.calls) if worked.calls else _end(worked.text, situation)
    todo = plan(situation)
    if pending := _pending(todo.tasks, situation):
        return Decision(calls=tuple((call.function.name, call.arguments) for call in pending))
    onward = next((task.transfer for task in todo.tasks if task.transfer), "")
    if onward and not _asks(todo.tasks) and situation.schema is None:
        return Decision(calls=((TRANSFER, {"agent_name": onward}),))
    return _conclude(todo, situation)


def _pending(tasks: Sequence[Task], situation: Situation) -> list[Call]:
    """Returns the calls that were not yet made; of agents that must be called alone, the first."""
    made = Counter(
        step.function
        for step in situation.turn.steps
        if isinstance(step, Called) and not step.agent
    )
    pending: list[Call] = []
    for task in tasks:
        if task.call is None or task.missing or task.call in pending:
            continue
        if made[task.call.function.name]:
            made[task.call.function.name] -= 1
        else:
            pending.append(task.call)
    together = [call for call in pending if not call.function.is_alone]
    return together or pending[:1]


def _asks(tasks: Sequence[Task]) -> str:
    """Asks for everything that the calls still need."""
    missing = {parameter.name: parameter for task in tasks for parameter in task.missing}
    return ask(tuple(missing.values()))


def _conclude(todo: Plan, situation: Situation) -> Decision:
    answer, is_open = _answer(todo, situation), bool(_asks(todo.tasks))
    return _end(answer, situation, question=todo.question, is_open=is_open)


def _end(
    answer: str, situation: Situation, *, question: str = "", is_open: bool = False
) -> Decision:
    """Ends the agent's turn in the way its declarations ask for."""
    results = tuple(step.response for step in _results(situation))
    asked = question or situation.turn.text
    material = Material(asked, answer, results, situation.instruction)
    if situation.schema is not None:
        return Decision(json.dumps(fill_form(situation.schema, material), ensure_ascii=False))
    ending = situation.respond or situation.finish
    is_asking = ending is situation.finish and is_open
    if ending is None or is_asking or _was_called(ending.name, situation):
        return Decision(answer)
    return Decision(calls=((ending.name, fill_form(_shape(ending), material)),))


def _answer(todo: Plan, situation: Situation) -> str:
    """Tells what came back, then asks for what is missing, then says what is left over."""
    told = [relayed(step.response) for step in _results(situation)]
    asks = _asks(todo.tasks)
    if not told and not asks:
        is_prose = any(task.is_prose for task in todo.tasks)
        if is_prose and (heard := _heard(situation)):
            return "\n\n".join(heard)
        return no_prose(todo.question) if is_prose else offers(_offered(situation))
    left = unfit([task.part.text for task in todo.tasks if task.is_unfit])
    later = waiting([task.part.text for task in todo.tasks if task.transfer])
    return "\n\n".join(filter(None, [*told, left, asks, later]))


def _heard(situation: Situation) -> list[str]:
    """Returns what other agents have said in this turn, for one that only puts it together."""
    said = [step.text for step in situation.turn.steps if isinstance(step, Said) and step.agent]
    return list(dict.fromkeys(said))


def _results(situation: Situation) -> list[Returned]:
    """Returns what tools gave in this turn, except what another agent has told already."""
    steps = situation.turn.steps
    told = {step.agent for step in steps if isinstance(step, Said) and step.agent}
    silent = (TRANSFER, FINISH, RESPOND)
    returned = [step for step in steps if isinstance(step, Returned)]
    return [step for step in returned if step.function not in silent and step.agent not in told]


def _offered(situation: Situation) -> list[Option]:
    """Returns all that can be asked of this agent and those it reaches."""
    others = [*situation.children, *(agent.option for agent in situation.agents)]
    others += [*situation.peers, *([situation.parent] if situation.parent else [])]
    own = own_options(situation) if others else [tool.option for tool in situation.tools]
    return [*own, *others]


def _was_called(function: str, situation: Situation) -> bool:
    steps = situation.turn.steps
    return any(isinstance(step, Called) and step.function == function for step in steps)


def _shape(ending: Function) -> Schema:
    return {
        "type": "object",
        "properties": {
            one.name: one.schema | {"description": one.description} for one in ending.parameters
        },
        "required": [one.name for one in ending.required],
    }
