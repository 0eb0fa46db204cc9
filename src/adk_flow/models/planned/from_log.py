"""A plan taken out of a log: who was asked what, which tools were called, what was said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace

from adk_flow._data import object_in, parse_json, walk_once
from adk_flow.analysis.trace import CALLED, ToolCall, Trace, Turn
from adk_flow.errors import AdkFlowError
from adk_flow.log.schema import Record
from adk_flow.models.planned.log_activities import Activities, Activity
from adk_flow.models.planned.view import said
from adk_flow.models.request.functions import CONFIRM, CONSULT, FINISH, LOAD, RESPOND
from adk_flow.models.request.values import PLACEHOLDER
from adk_flow.scenario.conversation import AskedTurn, Conversation
from adk_flow.scenario.plan import Confirmation, PlannedActions, PlannedCall, Task

_OF_ITSELF = (FINISH, RESPOND, LOAD, CONSULT)
"""Functions that a plan need not name: it calls them where they are offered."""


class LogPlan(NamedTuple):
    """The conversation of a log, with its plan."""

    conversation: Conversation
    notes: list[str]
    """What the plan does not say, or says masked."""


def plan_of(trace: Trace, *, run_tools: bool = False) -> LogPlan:
    """Takes the plan out of a log.

    With `run_tools`, tools are run unless their arguments are masked; else they return what they
    did.

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
    waits = [False, *(bool(turn.waits) for turn in trace.turns)]
    turns = [_asked(plan, answers=answers) for plan, answers in zip(plans, waits, strict=False)]
    first = next((record for record in trace.log.records if record.hook == "user_message"), None)
    state = object_in(first.values) if first else {}
    notes = list(dict.fromkeys(note for plan in plans for note in plan.notes))
    if trace.log.losses:
        notes.append(f"the plan lacks what the log lost: {trace.log.losses}")
    return LogPlan(Conversation(turns, state=state), notes)


def _asked(plan: _TurnPlan, *, answers: bool) -> AskedTurn:
    words = plan.turn.question
    if not answers:
        return AskedTurn(words, plan=plan.tasks)
    value = parse_json(words)
    return AskedTurn(answer=value if isinstance(value, dict) else words, plan=plan.tasks)


class _TurnPlan:
    """The tasks of one turn."""

    def __init__(self, trace: Trace, turn: Turn, run_tools: bool) -> None:
        self.trace, self.turn, self.run_tools = trace, turn, run_tools
        self.notes: list[str] = []
        self.activities = Activities(trace, turn)
        self.silent: list[Task] = []
        """Those of agents and graphs that ended without asking a model."""
        self._planned = {activity: self._task(activity) for activity in self.activities.all}
        agents = (activity.activation.agent for activity in self.activities.all)
        self.tasks = _merged(self._tasks(), Counter(agents))

    def _tasks(self) -> Iterator[Task]:
        for activity in walk_once(self.activities.roots, lambda each: self._planned[each][1]):
            if activity not in self.activities.roots or not self._is_plain(activity):
                yield self._planned[activity][0]
        yield from self.silent

    def _is_plain(self, activity: Activity) -> bool:
        """Whether nothing need be said of who began: it would do the same without a task."""
        task, children = self._planned[activity]
        does_more = task.calls or any(call.then or call.says for call in task.tools)
        if does_more or task.says is not None:
            return not task.tools and task.says == PLACEHOLDER
        is_direct = all(
            child.is_called
            or (child.call is None and child.activation.source is activity.activation)
            for child in children
        )
        asked = [self._planned[child][0] for child in children]
        joins = any(child.only_asks and child.says is not None for child in asked)
        is_begun = activity.activation.cause != "transfer"
        return is_direct and is_begun and not task.pass_ and not joins

    def _task(self, activity: Activity) -> tuple[Task, list[Activity]]:
        tools, children = self._tools(activity)
        if activity.onward:
            tools.append(PlannedCall(tasks=[child.name for child in activity.onward]))
            children += activity.onward
        elif target := self.activities.silent_target(activity):
            name = self._silent(target)
            if activity.only_hands_over:
                tools.append(PlannedCall(tasks=[name]))
        activation = activity.activation
        task = Task(
            activation.agent,
            name=activity.name,
            ask=self._ask(activity),
            tools=tools,
            says=self._says(activity, tools),
            parting=_parting(activity),
            after=self._before(activity),
            pass_=self._pass(activity),
            consults=self._consults(activity),
            waits=activation.cause == "task" and activation.ended_by != "return",
        )
        return task, children

    def _tools(self, activity: Activity) -> tuple[list[PlannedCall], list[Activity]]:
        tools: list[PlannedCall] = []
        children: list[Activity] = []
        for calls in activity.steps:
            then, says = bool(tools), _words_beside(calls)
            for call in calls:
                asked = activity.asked.get(id(call), [])
                if asked:
                    names = [child.name for child in asked]
                    tools.append(PlannedCall(tasks=names, says=says, then=then))
                    children += asked
                elif call.kind in CALLED or call.kind == "task":
                    names = [self._silent(call.name, call)]
                    tools.append(PlannedCall(tasks=names, says=says, then=then))
                elif call.kind != "function" or call.name in _OF_ITSELF:
                    continue
                elif _is_offered(call):
                    tools.append(replace(self._planned_call(call), says=says, then=then))
                else:
                    self._note(call, "is left out: it was offered no function of that name")
                    continue
                then, says = False, ""
        return tools, children

    def _silent(self, agent: str, call: ToolCall | None = None) -> str:
        """Plans a task of an agent or graph that asked no model, and names it."""
        text = call.text if call else ""
        ask = object_in(text) or ({"request": text} if text else "")
        task = Task(agent, name=f"{agent} silent {len(self.silent) + 1}", ask=ask)
        self.silent.append(task)
        return task.name

    def _consults(self, activity: Activity) -> dict[str, str]:
        """Takes what a stronger model was asked, and what it said."""
        consults = [call for call in activity.calls if call.name == CONSULT and call.ended >= 0]
        asked = {str(object_in(call.text).get("question", "")): call for call in consults}
        return {question: said(self._returned(call)) for question, call in asked.items()}

    def _planned_call(self, call: ToolCall) -> PlannedCall:
        planned = PlannedCall(call.name, args=object_in(call.text))
        if planned.is_masked:
            what = "is not run" if self.run_tools else "is replayed"
            self._note(call, f"{what}: its arguments are masked")
        if self.run_tools and not planned.is_masked:
            return planned
        if call.failed and call.error:
            return replace(planned, raises=call.error)
        return replace(planned, returns=self._returned(call), actions=self._actions(call))

    def _actions(self, call: ToolCall) -> PlannedActions | None:
        """Reads what a tool did besides returning, off the events up to that of its result."""
        records = self.trace.log.records
        later = (records[n] for n in range(call.ended, len(records)) if call.ended >= 0)
        asked: Confirmation | None = None
        for record in (entry for entry in later if entry.activation == call.activation):
            asked = asked or _confirmation(record, call)
            if call.id in record.responses:
                actions = PlannedActions(
                    escalate=record.escalate,
                    skip_summarization=record.final and not record.pending,
                    state_delta=object_in(record.values),
                    transfer_to_agent=record.transfer,
                    request_confirmation=asked,
                )
                return None if actions == PlannedActions() else actions
        return None

    def _returned(self, call: ToolCall) -> Any:
        if call.error:
            self._note(call, "failed, and something returned in its place")
            return {"error": call.error}
        if call.ended < 0:
            self._note(call, "never returned")
            return None
        return _result(self.trace.log.records[call.ended])

    def _note(self, call: ToolCall, words: str) -> None:
        self.notes.append(f"turn {self.turn.number}: {call.agent}: {call.name} {words}")

    def _ask(self, activity: Activity) -> str | dict[str, Any]:
        call, within = activity.call, activity.within
        if call is None or within is None or activity is not within.asked[id(call)][0]:
            return ""
        text = call.text
        if value := object_in(text):
            return value
        if self._before(activity):
            return {"request": text}  # as it is, without what came before
        return "" if text == self.turn.question else text

    def _before(self, activity: Activity) -> list[str]:
        """Names the tasks whose results were there before this one was asked for."""
        within = activity.within
        if within is None or activity.call is None:
            return []
        steps = [
            [child.name for call in calls for child in within.asked.get(id(call), [])]
            for calls in within.steps
        ]
        place = next((n for n, names in enumerate(steps) if activity.name in names), 0)
        return next((names for names in reversed(steps[:place]) if names), [])

    def _says(self, activity: Activity, tools: Sequence[PlannedCall]) -> Any:
        if end := next((call for call in activity.calls if call.name in (FINISH, RESPOND)), None):
            values = object_in(end.text)  # the words alone, where it has no schema
            return values["result"] if set(values) == {"result"} else values
        words, last = activity.words, activity.model_calls[-1]
        if not words and last.responses and not last.responses[-1].calls:
            return ""
        if last.request is not None and last.request.schema:
            value = parse_json(words)
            return value if isinstance(value, (dict, list)) else words or None
        return None if words == self._by_default(activity, tools) else words or None

    def _by_default(self, activity: Activity, tools: Sequence[PlannedCall]) -> str:
        """Writes what the agent would say if the plan did not tell."""
        returned = [call.returns for call in tools if call.is_stubbed]
        if not returned:
            ends = [call.ended for call in activity.calls if call.ended >= 0]
            returned = [_result(self.trace.log.records[end]) for end in ends]
        return "\n\n".join(dict.fromkeys(filter(None, map(said, returned))))

    def _pass(self, activity: Activity) -> int:
        """Numbers an activation among those of its agent, if others cannot tell them apart."""
        agent = activity.activation.agent
        alike = [act for act in self.activities.all if act.activation.agent == agent]
        is_told = len(alike) < 2 or all(act.is_called for act in alike)
        return 0 if is_told else alike.index(activity) + 1


def _is_offered(call: ToolCall) -> bool:
    """Whether its agent has such a function, as far as the log tells."""
    request = call.model_call and call.model_call.request
    return not request or not request.tools or call.name in request.tools


def _words_beside(calls: Sequence[ToolCall]) -> str:
    """Joins the words that go with calls, which one model call made; a task's own end it."""
    model_call = next((call.model_call for call in calls if call.model_call), None)
    if model_call is None or any(call.kind == "transfer" for call in calls):
        return ""
    return "\n\n".join(filter(None, (r.text for r in model_call.responses if r.calls)))


def _parting(activity: Activity) -> str:
    """Reads the words that go with the call by which an agent says something."""
    last = activity.steps[-1] if activity.steps else []
    return _words_beside(last) if any(call.name in (FINISH, RESPOND) for call in last) else ""


def _confirmation(event: Record, call: ToolCall) -> Confirmation | None:
    """Reads what a tool's code asked the user to confirm, if an event is that question."""
    if call.withheld:  # ADK itself asks, as it does when that is played
        return None
    values = [object_in(call.text) for call in event.calls if call.name == CONFIRM]
    for value in values:
        original, asked = value.get("originalFunctionCall"), value.get("toolConfirmation")
        if isinstance(original, dict) and isinstance(asked, dict) and original.get("id") == call.id:
            return Confirmation(str(asked.get("hint") or ""), asked.get("payload"))
    return None


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


def _result(record: Record) -> Any:
    """Reads a tool's result as it was returned."""
    match record.form:
        case "none":
            return None
        case "json":
            value = parse_json(record.text)
            return record.text if value is None else value
        case "result" | "output":
            return {record.form: record.text}
        case _:
            return record.text
