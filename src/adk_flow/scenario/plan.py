"""A turn's plan: the tasks that answer it, whoever can be asked under a construct."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import msgspec

from adk_flow.record.redact import MASK


class Confirmation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a tool's code asks the user to confirm, as `ToolContext.request_confirmation` does."""

    hint: str = ""
    payload: Any = None


class PlannedActions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a tool that is not run asks of ADK, by the names of its `EventActions`."""

    escalate: bool = False
    skip_summarization: bool = False
    state_delta: dict[str, Any] = {}
    transfer_to_agent: str = ""
    """Passed over where that agent cannot be handed over to."""
    request_confirmation: Confirmation | None = None


class PlannedCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One call of a tool, or of others for tasks of theirs."""

    name: str = ""
    """The tool; empty where others are asked."""
    tasks: list[str] = []
    """Tasks of others that are asked for here, together by one call, or handed over."""
    args: dict[str, Any] = {}
    returns: Any = msgspec.UNSET
    """What it gives without being run; unset where it is run."""
    raises: str = ""
    """The error that it ends in without being run, as `ValueError: no such card`."""
    actions: PlannedActions | None = None
    """What else it does if it is not run."""
    says: str = ""
    """Words of the agent's that go with the call."""
    then: bool = False
    """Whether it is called once the calls before it have returned; else at once with them."""
    seconds: Annotated[float, msgspec.Meta(ge=0, le=1e6)] = 0
    """How long it takes, of which nothing is waited for."""

    @property
    def is_stubbed(self) -> bool:
        """Whether the plan says what comes of it, so that it is not run."""
        return self.returns is not msgspec.UNSET or bool(self.raises)

    @property
    def is_masked(self) -> bool:
        """Whether a secret was masked in its arguments, so that it cannot be run."""
        return MASK in str(self.args)


class Task(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What one agent is asked, calls and says."""

    agent: str
    name: str = ""
    """What `after` calls it."""
    ask: str | dict[str, Any] = ""
    """Words, or arguments by the agent's input schema; the user's words where it is empty."""
    tools: list[PlannedCall] = []
    says: str | dict[str, Any] | list[Any] | None = None
    """Words, or a value by the agent's output schema; None for what its tools returned."""
    parting: str = ""
    """Words that go with what it says where it says that by a call, as `finish_task`."""
    after: list[str] = []
    """Tasks whose results it is handed."""
    pass_: int = msgspec.field(default=0, name="pass")
    """The activation of its agent in the turn that plays it, from 1; 0 for each one anew."""
    consults: dict[str, str] = {}
    """Questions to a stronger model, where there is one to ask, each with what it says; before the
    agent's own tools."""
    waits: bool = False
    """Whether the agent, if the task is one of task mode, asks the user and does not finish."""

    @property
    def calls(self) -> list[PlannedCall]:
        """The calls of its own tools."""
        return [call for call in self.tools if not call.tasks]

    @property
    def asked(self) -> list[str]:
        """The tasks that it asks others for."""
        return [name for call in self.tools for name in call.tasks]

    @property
    def only_asks(self) -> bool:
        """Whether all it does is to ask others, and perhaps to join what they say."""
        return bool(self.asked) and not self.calls

    @property
    def label(self) -> str:
        """What to call it in a message."""
        return self.name or ", ".join(call.name for call in self.calls) or self.agent


def find_faults(plan: Sequence[Task]) -> Iterator[tuple[int, str, str]]:
    """Gives what is wrong with a plan that its shape cannot say: a task's number, field and reason.

    A name is taken, `after` or `tasks` names nothing or runs in a circle, a task is asked for
    twice, a call is neither of a tool nor for tasks, or a pass is below 1.
    """
    names: set[str] = set()
    asked = Counter(name for task in plan for name in task.asked)
    for number, task in enumerate(plan):
        if task.name in names:
            yield number, "name", f"another task is named {task.name!r}"
        names |= {task.name} - {""}
        if task.pass_ < 0:
            yield number, "pass", f"expected 1 or more, not {task.pass_}"
    after = {task.name: task.after for task in plan}
    asking = {task.name: task.asked for task in plan}
    for number, task in enumerate(plan):
        for field, named, links in (("after", task.after, after), ("tools", task.asked, asking)):
            if stranger := next((name for name in named if name not in names), ""):
                yield number, field, f"no task of this turn is named {stranger!r}"
            if task.name and task.name in _reached(named, links):
                yield number, field, "the tasks wait for one another in a circle"
        if twice := next((name for name in task.asked if asked[name] > 1), ""):
            yield number, "tools", f"{twice!r} is asked for twice"
        if any(bool(call.name) == bool(call.tasks) for call in task.tools):
            yield number, "tools", "expected each to have either a name or tasks"


def _reached(names: Sequence[str], links: Mapping[str, list[str]]) -> set[str]:
    """Walks the tasks that are named, at any remove."""
    waiting, reached = [*names], set[str]()
    while waiting:
        if (name := waiting.pop()) not in reached:
            reached.add(name)
            waiting += links.get(name, ())
    return reached
