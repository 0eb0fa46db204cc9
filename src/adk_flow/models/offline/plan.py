"""Plans what becomes of each part of a question."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from adk_flow.models.offline.arguments import fill
from adk_flow.models.offline.calls import choose
from adk_flow.models.offline.followups import whole_question
from adk_flow.models.offline.likeness import Option, fit
from adk_flow.models.offline.parts import Part, halves, is_elliptical, refers_back, split
from adk_flow.models.offline.quantities import quantities
from adk_flow.models.offline.routes import ROUTE_FLOOR, Way, route
from adk_flow.models.offline.words import content_words
from adk_flow.models.request.functions import Function, Parameter
from adk_flow.models.request.situation import Situation
from adk_flow.models.request.turns import Called

FEWEST_WORDS = 2
"""Content words; a part with fewer may be the tail of another: "and should I get one?"."""


class Call(NamedTuple):
    """A function call to make."""

    function: Function
    arguments: dict[str, Any]


class Task(NamedTuple):
    """What is to become of one part of a question: one of these, or else nothing fits it."""

    part: Part
    call: Call | None = None
    missing: tuple[Parameter, ...] = ()
    """What must be asked for before the call can be made."""
    transfer: str = ""
    is_done: bool = False
    """Another agent has seen to it in this turn."""
    is_prose: bool = False
    """It is the agent's own, and the agent has no tools at all."""

    @property
    def is_unfit(self) -> bool:
        """Tells whether nothing here fits it."""
        return not (self.call or self.transfer or self.is_done or self.is_prose)

    @property
    def handler(self) -> str:
        """The name of who or what sees to it."""
        return self.call.function.name if self.call else self.transfer


class Plan(NamedTuple):
    """The whole question and what is to be done about it."""

    question: str
    tasks: tuple[Task, ...]


def plan(situation: Situation) -> Plan:
    """Plans the current turn; the same turn always gives the same plan, whatever is done yet."""

    def fits(text: str) -> bool:
        return bool(content_words(text)) and not _task(Part(text), situation).is_unfit

    if call := _on_whole_text(situation):
        return Plan(situation.turn.text, (Task(Part(situation.turn.text), call),))
    question, given = whole_question(situation.turns, fits)
    parts = [part.beside(given) for part in split(question)]
    tasks = _tasks(parts, situation)
    if all(task.is_unfit for task in tasks):
        tasks = [_task(Part(question, given), situation)]
    return Plan(question, tuple(_joined(tasks)))


def _on_whole_text(situation: Situation) -> Call | None:
    """Gives an only tool that takes a text, and no question, the message as it is."""
    if not situation.is_delegate or len(situation.tools) != 1 or not situation.is_leaf:
        return None
    (tool,), text = situation.tools, situation.turn.text
    takes = [one.name for one in tool.parameters if one.required]
    return Call(tool, {"text": text}) if takes == ["text"] and text else None


def _tasks(parts: Sequence[Part], situation: Situation) -> list[Task]:
    if len(parts) == 1:
        return _halved(parts[0], situation) or [_task(parts[0], situation)]
    tasks: list[Task] = []
    for part in parts:
        task = _task(part, situation)
        if tasks and _is_tail(part, task):
            before = tasks.pop().part
            task = _task(before._replace(text=f"{before.text}, {part.text}"), situation)
        tasks.append(task)
    return tasks


def _halved(part: Part, situation: Situation) -> list[Task]:
    """Plans two halves apart if each has somebody else to see to it."""
    pieces = halves(part)
    if len(pieces) < 2:
        return []
    tasks = [_task(piece, situation) for piece in pieces]
    handlers = {task.handler for task in tasks}
    return tasks if len(handlers) == len(tasks) and all(handlers) else []


def _is_tail(part: Part, task: Task) -> bool:
    """Tells whether a part only goes on about the one before: "and at 5%?"."""
    is_short = len(content_words(part.text)) < FEWEST_WORDS
    if is_short and quantities(part.text):
        return True
    return task.is_unfit and (is_short or refers_back(part.text) or is_elliptical(part.text))


def _task(part: Part, situation: Situation) -> Task:
    if not part.text:
        return Task(part)
    if _was_passed_on(part.text, situation):
        return Task(part, is_done=True)
    way, agent = route(part.text, situation)
    if way is Way.OWN:
        return _own_task(part, situation)
    if way is Way.CALL:
        return _agent_task(part, next(one for one in situation.agents if one.name == agent))
    return Task(part, transfer=agent if way is Way.TRANSFER else "", is_done=way is Way.DONE)


def _was_passed_on(text: str, situation: Situation) -> bool:
    """Tells whether another agent put these words to somebody in this turn."""
    return any(
        isinstance(step, Called) and step.agent and text in map(str, step.arguments.values())
        for step in situation.turn.steps
    )


def _agent_task(part: Part, agent: Function) -> Task:
    """Passes a part on, with what the question states beside it."""
    text = part.text if part.context in part.text else f"{part.context} {part.text}"
    filled = fill(agent, text)
    return Task(part, Call(agent, filled.arguments), filled.missing)


def _own_task(part: Part, situation: Situation) -> Task:
    if not situation.tools:
        return Task(part, is_prose=situation.is_leaf)
    is_own = situation.is_delegate or _is_described(part.text, situation)
    choice = choose(part, situation.tools, is_own)
    if choice is None:
        return Task(part)
    return Task(part, Call(choice.function, choice.arguments), choice.missing)


def _is_described(text: str, situation: Situation) -> bool:
    """Tells whether an agent that answers itself says so of such questions."""
    if not situation.is_leaf or not situation.description:
        return False
    return fit(text, [Option(situation.name, situation.description)]).margin >= ROUTE_FLOOR


def _joined(tasks: Sequence[Task]) -> list[Task]:
    """Gives an agent all its parts in one request: it takes them apart itself."""
    joined: list[Task] = []
    for task in tasks:
        same = [n for n, one in enumerate(joined) if _same_agent(one, task)]
        if same and task.call:
            part = joined[same[0]].part
            first = part.text if part.text[-1] in ".?!" else f"{part.text}?"
            part = part._replace(text=f"{first} {task.part.text}")
            joined[same[0]] = _agent_task(part, task.call.function)
        else:
            joined.append(task)
    return joined


def _same_agent(first: Task, second: Task) -> bool:
    both = (first.call, second.call)
    is_agent = all(call and call.function.is_agent for call in both)
    return is_agent and first.handler == second.handler
