"""A turn's plan: the tasks that answer it, whoever can be asked under a construct."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec


class StatedCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One call of a tool."""

    name: str
    args: dict[str, Any] = {}
    returns: Any = msgspec.UNSET
    """What it gives without being run; unset where it is run."""
    then: bool = False
    """Whether it is called once the calls before it have returned; else at once with them."""
    seconds: float = 0
    """How long it takes, of which nothing is waited for."""

    @property
    def is_stubbed(self) -> bool:
        """Whether the plan says what it returns."""
        return self.returns is not msgspec.UNSET


class Task(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What one agent is asked, calls and says."""

    agent: str
    name: str = ""
    """What `after` calls it."""
    ask: str | dict[str, Any] = ""
    """Words, or arguments by the agent's input schema; the user's words where it is empty."""
    tools: list[StatedCall] = []
    says: str | dict[str, Any] | list[Any] | None = None
    """Words, or a value by the agent's output schema; None for what its tools returned."""
    after: list[str] = []
    """Tasks whose results it is handed."""
    pass_: int = msgspec.field(default=0, name="pass")
    """The activation of its agent in the turn that plays it, from 1; 0 for each one anew."""
    waits: bool = False
    """Whether the agent, if the task is one of task mode, asks the user and does not finish."""

    @property
    def label(self) -> str:
        """What to call it in a message."""
        return self.name or ", ".join(call.name for call in self.tools) or self.agent


class PlanFault(Exception):
    """What is wrong with a plan, and where: the task's number and field."""

    def __init__(self, task: int, field: str, reason: str) -> None:
        super().__init__(reason)
        self.place = (task, field)


def check_plan(plan: Sequence[Task]) -> None:
    """Checks what the shape of a plan cannot say.

    Raises:
      PlanFault: a name is taken, `after` names nothing or runs in a circle, or a pass is below 1.
    """
    names: dict[str, int] = {}
    for number, task in enumerate(plan):
        if task.name in names:
            raise PlanFault(number, "name", f"another task is named {task.name!r}")
        if task.name:
            names[task.name] = number
        if task.pass_ < 0:
            raise PlanFault(number, "pass", f"expected 1 or more, not {task.pass_}")
    for number, task in enumerate(plan):
        if stranger := next((name for name in task.after if name not in names), ""):
            raise PlanFault(number, "after", f"no task of this turn is named {stranger!r}")
        if number in _before(number, plan, names):
            raise PlanFault(number, "after", "the tasks wait for one another in a circle")


def _before(number: int, plan: Sequence[Task], names: dict[str, int]) -> Iterator[int]:
    """Walks the tasks that must come before one, at any remove."""
    waiting, seen = [names[name] for name in plan[number].after], set[int]()
    while waiting:
        earlier = waiting.pop()
        yield earlier
        if earlier not in seen:
            seen.add(earlier)
            waiting += [names[name] for name in plan[earlier].after]
