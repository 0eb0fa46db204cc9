"""A plan taken out of a log: who was asked what, which tools were called, what was said."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from msgspec.structs import replace

from adk_flow.analysis.trace import Activation, ModelCall, ToolCall, Trace, Turn
from adk_flow.errors import AdkFlowError
from adk_flow.log.schema import AGENT_CALLS, Record
from adk_flow.models.planned.view import said
from adk_flow.models.request.situation import FINISH, RESPOND
from adk_flow.models.request.values import PLACEHOLDER
from adk_flow.scenario.conversation import AskedTurn, Conversation
from adk_flow.scenario.plan import PlannedCall, Task


class LogPlan(NamedTuple):
    """The conversation of a log, with its plan."""

    conversation: Conversation
    notes: list[str]
    """What the plan does not say, or says masked."""


def plan_of(trace: Trace, *, run_tools: bool = False) -> LogPlan:
    """Takes the plan out of a log.

    Args:
      trace: the log as it was read.
      run_tools: whether tools are run unless their arguments are masked; else they return what
        they did.

    Raises:
      AdkFlowError: the log does not hold whole texts, or no turn.
    """
    if trace.log.header.texts != "full":
        kept = trace.log.header.texts
        raise AdkFlowError(
            f"{trace.log.path}: keeps no whole texts ({kept!r}), of which a plan is made; "
            "record with FlowPlugin(capture='full')"
        )
    if not trace.turns:
        raise AdkFlowError(f"{trace.log.path}: holds no turn")
    plans = [_TurnPlan(trace, turn, run_tools) for turn in trace.turns]
    waits = [False, *(_waits(turn) for turn in trace.turns)]
    turns = [_asked(plan, answers=answers) for plan, answers in zip(plans, waits, strict=False)]
    conversation = Conversation(turns, state=_state(trace.log.records))
    return LogPlan(conversation, list(dict.fromkeys(n for plan in plans for n in plan.notes)))


def _waits(turn: Turn) -> bool:
    return any(run.waits for run in turn.runs if run.parent is None)


def _asked(plan: _TurnPlan, *, answers: bool) -> AskedTurn:
    words = plan.turn.question
    if not answers:
        return AskedTurn(words, plan=plan.tasks)
    value = _decoded(words)
    return AskedTurn(answer=value if isinstance(value, dict) else words, plan=plan.tasks)


def _state(records: Iterable[Record]) -> dict[str, Any]:
    """Reads what the session held when it began."""
    first = next((record for record in records if record.hook == "user_message"), None)
    return json.loads(first.values) if first is not None and first.values else {}


@dataclass(eq=False)
class _Activity:
    """What an agent did in a turn, in one activation."""

    activation: Activation
    model_calls: list[ModelCall] = field(default_factory=list)
    name: str = ""
    within: _Activity | None = None
    """Who asked for it."""
    call: ToolCall | None = None
    """By which call; None where it was handed over to, or is nobody's."""
    is_called: bool = False
    """Whether that call is of the agent itself, and not of a graph around it."""
    asked: dict[int, list[_Activity]] = field(default_factory=dict)
    """Whom it asked, by the identity of its calls."""
    onward: list[_Activity] = field(default_factory=list)
    """Whom it handed over to without a word of its own."""

    @property
    def words(self) -> str:
        """Its last words, unless calls go with them."""
        responses = [response for call in self.model_calls for response in call.responses]
        return responses[-1].text if responses and not responses[-1].calls else ""


class _TurnPlan:
    """The tasks of one turn."""

    def __init__(self, trace: Trace, turn: Turn, run_tools: bool) -> None:
        self.trace, self.turn, self.run_tools = trace, turn, run_tools
        self.notes: list[str] = []
        self.activities = self._activities()
        self.roots: list[_Activity] = []
        for activity in self.activities.values():
            self._place(activity)
        agents = (activity.activation.agent for activity in self.activities.values())
        self.tasks = _merged(self._tasks(), Counter(agents))

    # Who did something, and who asked for it

    def _activities(self) -> dict[int, _Activity]:
        found: dict[int, _Activity] = {}
        for call in self.turn.asked_models:
            activation = self.trace.activations.get(call.activation)
            if activation is not None:
                activity = found.setdefault(activation.number, _Activity(activation))
                activity.model_calls.append(call)
        names = [activity.activation.agent for activity in found.values()]
        for number, activity in enumerate(found.values()):
            agent = activity.activation.agent
            earlier = names[:number].count(agent)
            activity.name = f"{agent} {earlier + 1}" if names.count(agent) > 1 else agent
        return found

    def _place(self, activity: _Activity) -> None:
        """Puts an activity to whom it was asked by, or to whom handed over to it."""
        self._find_origin(activity)
        source = activity.within
        if source is None:
            self.roots.append(activity)
        elif activity.call is not None:
            source.asked.setdefault(id(activity.call), []).append(activity)
        elif self._only_hands_over(source):
            source.onward.append(activity)
        else:  # a task of its own, in the same place
            activity.within, activity.call = source.within, source.call
            self._siblings(source).append(activity)

    def _siblings(self, activity: _Activity) -> list[_Activity]:
        if activity.within is None:
            return self.roots
        if activity.call is not None:
            return activity.within.asked[id(activity.call)]
        return activity.within.onward

    def _find_origin(self, activity: _Activity) -> None:
        activation: Activation | None = activity.activation
        while activation is not None:
            source = activation.source
            acting = self.activities.get(source.number) if source else None
            if activation.cause == "transfer" and acting is not None:
                activity.within = acting
                return
            call = activation.within
            is_head = activation.cause in AGENT_CALLS or source is None or acting is not None
            if call is not None and is_head and activation.cause != "transfer":
                activity.within, activity.call = self.activities.get(call.activation), call
                activity.is_called = activation is activity.activation
                return
            activation = source

    def _calls(self, activity: _Activity) -> Iterator[list[ToolCall]]:
        """Gives the calls that an agent made, model call by model call."""
        resumed = [call for call in self.turn.tool_calls if self._is_resumed(call, activity)]
        if resumed:
            yield resumed
        for model_call in activity.model_calls:
            calls = [call for call in self.turn.tool_calls if call.model_call is model_call]
            if calls:
                yield [call for call in calls if not call.name.startswith("adk_request_")]

    def _is_resumed(self, call: ToolCall, activity: _Activity) -> bool:
        """Whether a call was made before a pause, and ran after it."""
        is_own = call.activation == activity.activation.number and call.record >= 0
        return is_own and call.model_call is None and call.kind == "function"

    def _only_hands_over(self, activity: _Activity) -> bool:
        calls = [call for calls in self._calls(activity) for call in calls]
        has_words = any(r.text for call in activity.model_calls for r in call.responses)
        return not has_words and {call.kind for call in calls} == {"transfer"}

    # What was done, as tasks

    def _tasks(self) -> Iterator[Task]:
        waiting = list(self.roots)
        while waiting:
            activity = waiting.pop(0)
            task, children = self._task(activity)
            if activity not in self.roots or not self._is_plain(activity, task, children):
                yield task
            waiting[:0] = children

    def _is_plain(self, activity: _Activity, task: Task, children: list[_Activity]) -> bool:
        """Whether nothing need be said of who began: it would do the same without a task."""
        if task.calls or task.says is not None or any(call.then for call in task.tools):
            return not task.tools and task.says == PLACEHOLDER
        is_direct = all(
            child.is_called
            or (child.call is None and child.activation.source is activity.activation)
            for child in children
        )
        return is_direct and not task.pass_ and not any(map(self._joins, children))

    def _joins(self, activity: _Activity) -> bool:
        task, _ = self._task(activity)
        return task.only_asks and task.says is not None

    def _task(self, activity: _Activity) -> tuple[Task, list[_Activity]]:
        tools, children = self._tools(activity)
        if activity.onward:
            tools.append(PlannedCall(tasks=[child.name for child in activity.onward]))
            children += activity.onward
        task = Task(
            activity.activation.agent,
            name=activity.name,
            ask=self._ask(activity),
            tools=tools,
            says=self._says(activity, tools),
            after=self._before(activity),
            pass_=self._pass(activity),
            waits=self._waits(activity),
        )
        return task, children

    def _tools(self, activity: _Activity) -> tuple[list[PlannedCall], list[_Activity]]:
        tools: list[PlannedCall] = []
        children: list[_Activity] = []
        for calls in self._calls(activity):
            then = bool(tools)
            for call in calls:
                asked = activity.asked.get(id(call), [])
                if asked:
                    names = [child.name for child in asked]
                    tools.append(PlannedCall(tasks=names, then=then))
                    children += asked
                elif call.kind == "function" and call.name not in (FINISH, RESPOND):
                    tools.append(self._planned(call, then))
                else:
                    continue
                then = False
        return tools, children

    def _planned(self, call: ToolCall, then: bool) -> PlannedCall:
        args = _arguments(call.text)
        planned = PlannedCall(call.name, args=args, then=then)
        if planned.is_masked:
            what = "is not run" if self.run_tools else "is replayed"
            self._note(f"{call.agent}: {call.name} {what}: its arguments are masked")
        if self.run_tools and not planned.is_masked:
            return planned
        return replace(planned, returns=self._returned(call))

    def _returned(self, call: ToolCall) -> Any:
        if call.error:
            self._note(f"{call.agent}: {call.name} failed; its error is replayed as a result")
            return {"error": call.error}
        if call.ended < 0:
            self._note(f"{call.agent}: {call.name} never returned")
            return None
        return _result(self.trace.log.records[call.ended])

    def _note(self, words: str) -> None:
        self.notes.append(f"turn {self.turn.number}: {words}")

    def _ask(self, activity: _Activity) -> str | dict[str, Any]:
        if activity.call is None or activity.within is None:
            return ""
        if activity is not activity.within.asked[id(activity.call)][0]:
            return ""
        text = activity.call.text
        value = _arguments(text)
        if value:
            return value
        if self._before(activity):
            return {"request": text}  # as it is, without what came before
        return "" if text == self.turn.question else text

    def _before(self, activity: _Activity) -> list[str]:
        """Names the tasks whose results were there before this one was asked for."""
        if activity.within is None or activity.call is None:
            return []
        steps = [
            [child.name for call in calls for child in activity.within.asked.get(id(call), [])]
            for calls in self._calls(activity.within)
        ]
        place = next((n for n, names in enumerate(steps) if activity.name in names), 0)
        return next((names for names in reversed(steps[:place]) if names), [])

    def _says(self, activity: _Activity, tools: Sequence[PlannedCall]) -> Any:
        for calls in self._calls(activity):
            for call in calls:
                if call.name in (FINISH, RESPOND):
                    return _only_text(_arguments(call.text))
        words, last = activity.words, activity.model_calls[-1]
        if last.request is not None and last.request.schema:
            value = _decoded(words)
            return value if isinstance(value, (dict, list)) else words or None
        return None if words == self._by_default(activity, tools) else words or None

    def _by_default(self, activity: _Activity, tools: Sequence[PlannedCall]) -> str:
        """Writes what the agent would say if the plan did not tell."""
        returned = [call.returns for call in tools if call.is_stubbed]
        ran = [call for calls in self._calls(activity) for call in calls if call.ended >= 0]
        if not returned:
            records = [self.trace.log.records[call.ended] for call in ran]
            returned = [_result(record) for record in records]
        return "\n\n".join(dict.fromkeys(filter(None, map(said, returned))))

    def _pass(self, activity: _Activity) -> int:
        """Numbers an activation among those of its agent, if others cannot tell them apart."""
        agent = activity.activation.agent
        alike = [one for one in self.activities.values() if one.activation.agent == agent]
        is_told = all(one.is_called for one in alike)
        return 0 if len(alike) < 2 or is_told else alike.index(activity) + 1

    def _waits(self, activity: _Activity) -> bool:
        activation = activity.activation
        return activation.cause == "task" and activation.ended_by != "return"


def _merged(tasks: Iterable[Task], activations: Counter[str]) -> list[Task]:
    """Leaves out names that nobody calls, and passes where each does the same as the first."""
    planned = list(tasks)
    named = {name for task in planned for name in (*task.after, *task.asked)}
    planned = [task if task.name in named else replace(task, name="") for task in planned]
    merged: list[Task] = []
    for task in planned:
        passes = [replace(other, pass_=0) for other in planned if other.agent == task.agent]
        is_alike = len(passes) == activations[task.agent] and all(t == passes[0] for t in passes)
        if not task.pass_ or not is_alike:
            merged.append(task)
        elif passes[0] not in merged:
            merged.append(passes[0])
    return merged


def _arguments(text: str) -> dict[str, Any]:
    value = _decoded(text)
    return value if isinstance(value, dict) else {}


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _only_text(values: dict[str, Any]) -> Any:
    """Takes the words of a task's result; all values where it has a schema."""
    return values["result"] if set(values) == {"result"} else values


def _result(record: Record) -> Any:
    """Reads a tool's result as it was returned."""
    match record.form:
        case "none":
            return None
        case "json":
            value = _decoded(record.text)
            return record.text if value is None else value
        case "result" | "output":
            return {record.form: record.text}
        case _:
            return record.text
