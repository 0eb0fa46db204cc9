"""What agents did in a turn of a log, and who asked for it: what a plan is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from adk_flow.analysis.trace import Activation, ModelCall, ToolCall, Trace, Turn
from adk_flow.log.schema import AGENT_CALLS


@dataclass(eq=False)
class Activity:
    """What an agent did in a turn, in one activation."""

    activation: Activation
    model_calls: list[ModelCall] = field(default_factory=list)
    name: str = ""
    within: Activity | None = None
    """Who asked for it."""
    call: ToolCall | None = None
    """By which call; None where it was handed over to, or is nobody's."""
    is_called: bool = False
    """Whether that call is of the agent itself, and not of a graph around it."""
    asked: dict[int, list[Activity]] = field(default_factory=dict)
    """Whom it asked, by the identity of its calls."""
    onward: list[Activity] = field(default_factory=list)
    """Whom it handed over to without a word of its own."""
    steps: list[list[ToolCall]] = field(default_factory=list)
    """The calls that it made, model call by model call."""

    @property
    def calls(self) -> list[ToolCall]:
        """The calls that it made."""
        return [call for step in self.steps for call in step]

    @property
    def only_hands_over(self) -> bool:
        """Whether it did nothing but hand over, without a word."""
        has_words = any(r.text for call in self.model_calls for r in call.responses)
        return not has_words and {call.kind for call in self.calls} == {"transfer"}

    @property
    def words(self) -> str:
        """Its last words, unless calls but a transfer go with them."""
        responses = [response for call in self.model_calls for response in call.responses]
        is_last = responses and all(call.kind == "transfer" for call in responses[-1].calls)
        return responses[-1].text if is_last else ""


class Activities:
    """The activities of a turn, each put to whom it was asked by, or to whom handed over to it."""

    def __init__(self, trace: Trace, turn: Turn) -> None:
        self.trace, self.turn = trace, turn
        self._by_number = self._find()
        self.all = list(self._by_number.values())
        self.roots: list[Activity] = []
        """Those that nobody asked for."""
        for activity in self.all:
            self._place(activity)

    def _find(self) -> dict[int, Activity]:
        activities: dict[int, Activity] = {}
        for call in self.turn.asked_models:
            activation = self.trace.activations.get(call.activation)
            if activation is not None:
                activity = activities.setdefault(activation.number, Activity(activation))
                activity.model_calls.append(call)
        names = [activity.activation.agent for activity in activities.values()]
        for number, activity in enumerate(activities.values()):
            agent = activity.activation.agent
            earlier = names[:number].count(agent)
            activity.name = f"{agent} {earlier + 1}" if names.count(agent) > 1 else agent
            activity.steps = list(self._steps(activity))
        return activities

    def _place(self, activity: Activity) -> None:
        """Puts an activity to whom it was asked by, or to whom handed over to it."""
        self._find_origin(activity)
        source = activity.within
        if source and activity.call is None and not source.only_hands_over:
            # A task of its own, in the same place.
            activity.within, activity.call = source.within, source.call
            source = activity.within
        if source is None:
            self.roots.append(activity)
        elif activity.call is not None:
            source.asked.setdefault(id(activity.call), []).append(activity)
        else:
            source.onward.append(activity)

    def _find_origin(self, activity: Activity) -> None:
        for activation in (activity.activation, *activity.activation.parents()):
            source = activation.source
            acting = self._by_number.get(source.number) if source else None
            if activation.cause == "transfer" and acting is not None:
                activity.within = acting
                return
            call = activation.within
            is_head = activation.cause in AGENT_CALLS or source is None or acting is not None
            if call is not None and is_head and activation.cause != "transfer":
                activity.within, activity.call = self._by_number.get(call.activation), call
                activity.is_called = activation is activity.activation
                return

    def _steps(self, activity: Activity) -> Iterator[list[ToolCall]]:
        own = [
            call for call in self.turn.tool_calls if call.activation == activity.activation.number
        ]
        # Made before a pause, and run after it.
        paused = [call for call in own if call.model_call is None and call.record >= 0]
        if resumed := [call for call in paused if call.kind == "function"]:
            yield resumed
        for model_call in activity.model_calls:
            calls = [call for call in self.turn.tool_calls if call.model_call is model_call]
            if calls:
                yield [call for call in calls if not call.name.startswith("adk_request_")]

    def silent_target(self, activity: Activity) -> str:
        """Names whom it handed over to, if no model was asked there; empty if one was."""
        target = activity.activation.successor
        # In a live session an agent may hand over turns later.
        if (
            target is None
            or target.turn != self.turn.number
            or any(target in (other.activation, *other.activation.parents()) for other in self.all)
        ):
            return ""
        return target.agent
