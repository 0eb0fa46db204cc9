"""How far a planned turn has come: who was asked which tasks, and which are done."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from adk_flow.errors import AdkFlowError
from adk_flow.models.planned.agent_map import AgentMap
from adk_flow.models.planned.view import RequestView
from adk_flow.models.request.values import canonical
from adk_flow.scenario.plan import PlannedCall, Task

Key = tuple[str, str]
"""A function and its arguments, written canonically."""

_MOST_ALIKE = 100
"""Activations of an agent for the same message; ADK ends a turn only after 500 model calls."""


class PlanError(AdkFlowError):
    """A step of a plan that is impossible."""


@dataclass
class Sent:
    """A call of an agent, or what a schema passes on to one."""

    agent: str
    message: str
    tasks: list[int]
    is_taken: bool = False


@dataclass
class PlannedActivation:
    """One activation of an agent within the turn."""

    agent: str
    message: str
    reach: list[int]
    """The tasks that it was asked for, its own and those of others."""
    own: list[int]
    """Those that it plays itself."""
    made: Counter[Key] = field(default_factory=Counter)


class PlannedTurn:
    """A turn that a plan answers."""

    def __init__(self, say: str, tasks: Sequence[Task], team: AgentMap) -> None:
        self.say, self.tasks, self.team = say, tasks, team
        self.owners = [team.owners(task) for task in tasks]
        self.done: dict[int, str] = {}
        """What each task that is done came to, by number."""
        self.called: set[int] = set()
        """Tasks of which every tool was called; some tools end the agent's part."""
        self.passed_on: set[int] = set()
        """Tasks whose agent handed over before whom it asks were asked."""
        self.sent: list[Sent] = []
        self.activations: list[PlannedActivation] = []
        self.passes: Counter[str] = Counter()
        self.stubbed: Counter[tuple[str, Key]] = Counter()
        """How often each stubbed call was made by each agent."""
        self.fault = ""
        """Why a step was impossible; empty while none was."""
        self._names = {task.name: number for number, task in enumerate(tasks) if task.name}
        self.referrers = {
            self._names[name]: number for number, task in enumerate(tasks) for name in task.asked
        }
        """Who asks for a task, by number, where the plan says so."""
        calls = [call for task in tasks for call in task.tools if call.says]
        self.words = {self._names[name]: call.says for call in calls for name in call.tasks}
        """What is said with the call that asks for a task."""

    @property
    def left_over(self) -> list[str]:
        """The tasks that nobody was asked for; one that only asks others leaves no gap."""
        pairs = enumerate(self.tasks)
        left = [task for n, task in pairs if not self.has_ended(n) and not task.only_asks]
        return [
            task.agent if task.label == task.agent else f"{task.agent} ({task.label})"
            for task in left
        ]

    def has_ended(self, number: int) -> bool:
        """Whether a task is done, or its tools were called and nothing is said after them."""
        is_called = number in self.called and self.tasks[number].says is None
        return is_called or number in self.done

    def end_silent(self, numbers: Sequence[int], result: str) -> None:
        """Notes that tasks are done of which an agent that asks no model can have been the one."""
        for number in numbers:
            task = self.tasks[number]
            if not task.tools and task.says is None:
                self.done.setdefault(number, result)

    def numbers(self, names: Sequence[str]) -> list[int]:
        """Gives the numbers of tasks by name."""
        return [self._names[name] for name in names]

    def with_asked(self, numbers: Sequence[int]) -> list[int]:
        """Adds the tasks that tasks ask others for, at any remove."""
        tasks = list(numbers)
        for number in tasks:
            tasks += self.numbers(self.tasks[number].asked)
        return tasks

    def is_free(self, number: int, reach: Sequence[int]) -> bool:
        """Whether anybody within a reach may ask for a task: no other one of it is about to."""
        referrer = self.referrers.get(number)
        is_over = referrer in self.done or referrer in self.passed_on
        if referrer is None or referrer not in reach or is_over:
            return True
        return not self.owners[referrer]

    def fail(self, agent: str, reason: str) -> PlanError:
        """Notes a step that is impossible, for the whole turn."""
        self.fault = f"the plan cannot be played: {agent}: {reason}"
        return PlanError(self.fault)

    def stub(self, agent: str, tool: str, arguments: dict[str, Any]) -> PlannedCall | None:
        """Gives the call by which the plan says what a tool returns; None where it is run.

        Of equal calls, the first returns what the plan's first does, and so on round again.
        """
        key = (tool, canonical(arguments))
        calls = [call for task in self.tasks for call in task.tools if call.is_stubbed]
        alike = [call for call in calls if (call.name, canonical(call.args)) == key]
        if not alike:
            return None
        number = self.stubbed[agent, key]
        self.stubbed[agent, key] += 1
        return alike[number % len(alike)]

    def activation(self, view: RequestView) -> PlannedActivation:
        """Finds the activation that a request belongs to, or begins one."""
        made = Counter((call.function, canonical(call.arguments)) for call, _ in view.made)
        place = (view.agent, view.message, made)
        for known in () if view.is_new else reversed(self.activations):
            if (known.agent, known.message, known.made) == place:
                return known
        self.passes[view.agent] += 1
        alike = [each for each in self.activations if (each.agent, each.message) == place[:2]]
        if len(alike) >= _MOST_ALIKE:
            reason = (
                f"it was asked {_MOST_ALIKE} times with no word of what it had done; does a "
                "callback or plugin take that out of its requests?"
            )
            raise self.fail(view.agent, reason)
        reach = self._reach(view)
        played = [number for number in reach if self._is_played(number, view)]
        own = [number for number in played if self._is_due(number, view)] or played
        # What was asked for and is done is not played anew, if something else was asked for since.
        undone = [n for n in own if n not in self.done or n not in self.referrers]
        own = undone if self.referrers.keys() & undone else own
        begun = PlannedActivation(view.agent, view.message, reach, own)
        self.activations.append(begun)
        return begun

    def _reach(self, view: RequestView) -> list[int]:
        """Finds the tasks that a message asks for: those it was sent with, else all."""
        alike = [ask for ask in self.sent if ask.message == view.message]
        direct = [ask for ask in alike if ask.agent == view.agent]
        if direct:
            taken = next((ask for ask in direct if not ask.is_taken), direct[-1])
            taken.is_taken = True
            return taken.tasks
        within = [ask for ask in alike if view.agent in self.team.below(ask.agent)]
        passing = (ask for ask in within if any(self._is_next(n, view.agent) for n in ask.tasks))
        sent = next(passing, within[-1] if within else None)
        return sent.tasks if sent else [*range(len(self.tasks))]

    def _is_next(self, number: int, agent: str) -> bool:
        """Whether a task is for just this activation of an agent."""
        return agent in self.owners[number] and self.tasks[number].pass_ == self.passes[agent]

    def _is_played(self, number: int, view: RequestView) -> bool:
        task = self.tasks[number]
        if view.came_by_transfer and number in self.done and not task.pass_:
            return False  # control only comes back through it
        is_pass = task.pass_ in (0, self.passes[view.agent])
        return view.agent in self.owners[number] and is_pass

    def _is_due(self, number: int, view: RequestView) -> bool:
        """Whether whoever asks for a task has come to it, or is the same agent."""
        referrer = self.referrers.get(number)
        was_sent = any(number in sent.tasks for sent in self.sent)
        is_same = referrer is not None and view.agent in self.owners[referrer]
        return was_sent or is_same or self.is_free(number, range(len(self.tasks)))

    def is_ready(self, number: int, finished: Sequence[int] = ()) -> bool:
        """Whether the tasks before a task are done."""
        earlier = (self._names[name] for name in self.tasks[number].after)
        return all(task in self.done or task in finished for task in earlier)

    def choose(self, names: Sequence[str]) -> str:
        """Names the first of several agents on the way to a task that waits; empty for none."""
        waiting = (n for n in range(len(self.tasks)) if n not in self.done and self.is_ready(n))
        able = self.team.is_on_the_way
        return next((name for n in waiting for name in names if able(name, self.owners[n])), "")

    def advise(self, request: str) -> str:
        """Gives what a stronger model says to a request that ends in a question of the plan's."""
        answers = [pair for task in self.tasks for pair in task.consults.items()]
        return next((answer for question, answer in answers if question.strip() in request), "")

    def ask(self, number: int) -> str | dict[str, object]:
        """Writes what a task asks, with what the tasks before it came to."""
        task = self.tasks[number]
        if isinstance(task.ask, dict):
            return task.ask
        results = [self.done.get(self._names[name], "") for name in task.after]
        return "\n\n".join(filter(None, [task.ask or self.say, *results]))
