"""Which frame a hook belongs to, and who called it: the links that only the running app knows."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct

from adk_flow.log.schema import Cause
from adk_flow.record.threads import carried, value_here

if TYPE_CHECKING:
    from google.adk.tools.tool_context import ToolContext

    from adk_flow.record.scenes import Scene
    from adk_flow.record.sessions import SessionLog

_KINDS = {
    "TransferToAgentTool": "transfer",
    "FinishTaskTool": "finish_task",
    "_SingleTurnAgentTool": "single_turn",
    "_TaskAgentTool": "task",
    "AgentTool": "agent_tool",
    "NodeTool": "node_tool",
    "SetModelResponseTool": "adk",
    "_NodeTool": "node_tool",
}

_ASKING_USER = ("adk_request_", "mock_function_call_for_required_user_")
"""Begins names that ADK makes up, those of what an A2A server asks too (2.13, to_adk_event.py)."""

_kinds_of_types: dict[type, str] = {}


def kind_of(tool: object) -> str:
    """Classifies an ADK tool by its class, see `FunctionCall.kind`."""
    kind = _kinds_of_types.get(type(tool)) or _kind_of_type(type(tool))
    return kind_of_name(getattr(tool, "name", "")) if kind == "function" else kind


def kind_of_name(name: str) -> str:
    """Classifies a function that has no class of its own, see `FunctionCall.kind`."""
    if name == "transfer_to_agent":
        return "transfer"  # ADK 1.18 has no class for it
    return "adk" if name.startswith(_ASKING_USER) else "function"


def _kind_of_type(tool: type) -> str:
    named = (_KINDS[base.__name__] for base in tool.__mro__ if base.__name__ in _KINDS)
    kind = _kinds_of_types[tool] = next(named, "function")
    return kind


class Call(NamedTuple):
    """A tool call under way, as its ContextVar shows it to whatever runs inside it."""

    run: OpenRun
    activation: int
    id: str
    tool: str
    kind: str
    agent: str
    """Who called, by its place if others have its name."""
    outer: Mapping[int, Call]
    """What the task saw before the call."""


NO_CALLS: Mapping[int, Call] = {}

current_calls: ContextVar[Mapping[int, Call]] = carried(
    ContextVar("adk_flow_calls", default=NO_CALLS)
)
"""The innermost tool call that the present task runs in, by recorder; parallel calls each see
their own."""


def call_around(recorder: int) -> Call | None:
    """Gives the tool call that a Runner starts in, be it in a thread which that has started."""
    if call := current_calls.get().get(recorder):
        return call
    call = value_here(current_calls).get(recorder)
    # A thread may go on when the call that has started it is over, and serve others.
    is_open = call is not None and any(one is call for one in call.run.calls.values())
    return call if is_open else None


Place = tuple[str, str, str]
"""Where an agent runs: its branch, its name and ADK's path of the node, `graph@1/agent@2`.

Of several runs of it at once the path tells them apart; it is empty where there is none.
"""


class Beginning(Struct):
    """How a frame began."""

    cause: Cause
    parent: int = 0
    call: str = ""
    parent_name: str = ""


class OpenRun(Struct, eq=False):
    """One activation of a Runner."""

    number: int
    log: SessionLog
    recorder: int
    """Number of the recorder, of which an app may have several."""
    cause: Call | None
    """The tool call that a nested run was started by."""
    session: object = None
    """ADK's copy of the session, kept as long as the run is known by it."""
    shared: frozenset[str] = frozenset()
    """Names that several agents, graphs or functions of the app have."""
    places: dict[int, str] = {}
    """Where agents of such names stand, by activation."""
    said: str = ""
    """The words that it started with."""
    ahead: tuple[str, ...] = ()
    """Hooks that a plugin before the recorder has too, and hides by answering."""
    behind: tuple[str, ...] = ()
    """Hooks that a plugin behind it has, which may change what the recorder was told."""
    live: bool = False
    has_events: bool = False
    ended: bool = False
    calls: dict[ToolContext, Call] = {}
    """Tool calls that have begun."""
    asking: dict[int, Scene] = {}
    """The model calls that ADK is about to make, by activation."""
    activations: dict[Place, int] = {}
    """Open frames, the latest of each place."""
    open: dict[int, Place] = {}
    """Places of all of them: several may run at once in one."""
    deciding: dict[int, str] = {}
    """Open frames of agents that decide in code who runs, with their names."""
    delegating: set[int] = set()
    """Frames that have delegated a task, after which ADK begins them anew. Other open frames that
    begin are new: ADK tells no end of an agent in whose place a callback answered."""
    tools: dict[int, dict[str, Any]] = {}
    """The tools that each frame's model was last offered, by name."""
    sent: set[tuple[int, str]] = set()
    """Messages to A2A servers that were recorded, by activation and id."""
    handovers: dict[tuple[str, str], int] = {}
    """Source frames of transfers that were not yet taken up, by target and branch."""
    taken_up: dict[tuple[str, str], int] = {}
    """Those that were: ADK runs the target of a called agent's transfer twice (2.13)."""
    closed: dict[Place, int] = {}
    """Frames that ADK ended."""
    handed_over: dict[Place, int] = {}
    """Frames that transferred away; under ADK 1, or below a SequentialAgent, they end later."""

    def may_change(self, hook: str, agent: Any) -> bool:
        """Whether a callback may change what the recorder was told by a hook."""
        return hook in self.behind or bool(getattr(agent, f"{hook}_callback", None))

    def activation(
        self, branch: str | None, agent: str, path: str = "", *, closed: bool = False
    ) -> int:
        """Finds the open frame of an agent, or one just `closed`; 0 if there is none."""
        place = (branch or "", agent, path)
        open_frame = self.activations.get(place)
        open_frame = open_frame or self.activations.get(_like(place, self.activations), 0)
        if open_frame or not closed:
            return open_frame
        # The words of an agent's own `after_agent_callback` come after the hook, and the event of
        # a transfer after its tool.
        ended = self.closed.get(place, 0) or self.handed_over.get(place, 0)
        if ended or not path:
            return ended
        # An event without a branch is given its node's latest (2.13, workflow/_node_runner.py).
        bare = ("", agent, path)
        return self.activations.get(bare, 0) or self.closed.get(bare, 0)

    def begin(self, agent: Any, branch: str, path: str) -> tuple[int, Beginning]:
        """Opens a frame for an agent that starts, or finds the one that it resumes."""
        place = (branch, agent.name, path)
        open_frame = self.activations.get(place, 0)
        if open_frame in self.delegating:
            self.delegating.discard(open_frame)
            return open_frame, Beginning("resume")
        beginning = self._cause_of_beginning(agent, branch, path)
        self.activations[place] = activation = next(self.log.activation_numbers)
        self.open[activation] = place
        self.closed.pop(place, None)  # repeated ids of calls give the same branch again
        if not hasattr(agent, "mode"):
            self.deciding[activation] = agent.name
        return activation, beginning

    def _cause_of_beginning(self, agent: Any, branch: str, path: str) -> Beginning:
        call = current_calls.get().get(self.recorder) or self.cause
        is_again = call is not None and (agent.name, branch) in self.taken_up
        if self.handovers and (source := self._transfer_source(agent.name, branch, is_again)):
            return Beginning("transfer", source)
        if self.calls and (call is None or call.tool != agent.name):
            call = self._call_on(branch, agent.name) or call or self._call_on(branch)
        if call is not None and call.run is self and call.tool == agent.name:
            return Beginning("single_turn", call.activation, call.id)
        if call is not None and (source := self.taken_up.get((agent.name, branch))):
            return Beginning("transfer", source)
        owner = getattr(agent, "parent_agent", None)
        if owner is not None:
            parent = self._open_activation_of(owner.name, path)
            if getattr(agent, "mode", None) == "task":
                # ADK 2.0 to 2.5 gives a task no branch.
                place = branch or path
                return Beginning("task", parent, place.rpartition("@")[2], owner.name)
            if parent:
                return Beginning("node", parent, parent_name=owner.name)
        elif "/" in path and (call is None or _name_of(path.rpartition("/")[2]) == agent.name):
            activation, node = self._node_above(path)
            parent = activation or (call.activation if call else 0)
            return Beginning("node", parent, call.id if call else "", node)
        if call is not None:
            # A plain function that runs an agent, be it on a Runner of its own, is an agent tool.
            return Beginning("agent_tool", call.activation, call.id)
        if self.deciding and owner is None:
            parent, name = next(reversed(self.deciding.items()))
            return Beginning("node", parent, parent_name=name)
        return Beginning("user")

    def _call_on(self, branch: str, agent: str = "") -> Call | None:
        """Finds the call that an agent runs for by its branch: an event is told outside of it."""
        id = branch.rpartition("@")[2]
        calls = (call for call in self.calls.values() if call.id == id)
        return next((call for call in calls if agent in ("", call.tool)), None)

    def _transfer_source(self, target: str, branch: str, is_again: bool) -> int:
        """Finds who handed over to an agent that begins; mostly on its own branch."""
        place = (target, branch)
        if place not in self.handovers and not is_again:
            # The latest: one may not have been followed, as ADK first goes on with an open task.
            others = (other for other in reversed(self.handovers) if other[0] == target)
            place = next(others, place)
        source = self.handovers.pop(place, 0)
        if source:
            self.taken_up[place] = source
        return source

    def _node_above(self, path: str) -> tuple[int, str]:
        """Finds whose node an agent is, be it an agent's or a graph's, of which no hook tells.

        Functions of a graph may stand between. Gives the frame of the nearest agent above, if any,
        and the name of the outermost node below it, or its own if it is the next.
        """
        steps = path.split("/")[:-1]
        node = _name_of(steps[-1])
        for end in range(len(steps), 0, -1):
            if activation := self._open_frame_at("/".join(steps[:end])):
                return activation, node
            node = _name_of(steps[end - 1])
        return 0, node

    def _open_activation_of(self, name: str, path: str) -> int:
        """Finds the open frame of who runs an agent at a path, of several the one there or above.

        Stages, branches and rounds have the path of their composite.
        """
        frames = {place: n for (_, agent, place), n in self.activations.items() if agent == name}
        frame = frames.get(path) or frames.get(path.rpartition("/")[0])
        return frame or next(reversed(frames.values()), 0)

    def _open_frame_at(self, path: str) -> int:
        frames = reversed(self.activations.items())
        return next((number for (_, _, place), number in frames if place == path), 0)

    def note_transfer(self, branch: str | None, agent: str, path: str, target: str) -> None:
        """Notes a transfer and closes the frame that transfers: ADK 2 mostly never ends it.

        That of an `after_agent_callback` follows the end.
        """
        place = (branch or "", agent, path)
        if source := self.close(place) or self.closed.get(place, 0):
            self.handovers[target, branch or ""] = source
            self.handed_over[place] = source

    def has_handed_over(self, branch: str, agent: str, path: str) -> bool:
        """Whether an agent without a frame had one, which transferred away."""
        place = (branch, agent, path)
        return _like(place, self.handed_over) in self.handed_over

    def end(self, branch: str | None, agent: str, path: str, here: int = 0) -> int:
        """Closes an agent's frame, the one `here` if it is known, and gives its number, else 0."""
        place = (branch or "", agent, path)
        activation, gone = self.close(place, here), self.handed_over
        activation = activation or gone.pop(place, 0) or gone.pop(_like(place, gone), 0)
        if activation:
            self.closed[place] = activation
        self.tools.pop(activation, None)
        return activation

    def close(self, place: Place, here: int = 0) -> int:
        """Closes a frame, the one `here` if it is known, and gives its number, else 0."""
        latest = place if place in self.activations else _like(place, self.activations)
        activation = here or self.activations.get(latest, 0)
        if self.activations.get(latest) == activation:
            del self.activations[latest]
        self.open.pop(activation, None)
        self.deciding.pop(activation, None)
        return activation


def _like(place: Place, places: dict[Place, int]) -> Place:
    """Finds the latest place of the same agent and branch: not every hook knows its node path."""
    alike = (one for one in reversed(places) if one[:2] == place[:2])
    return next(alike, place)


def _name_of(step: str) -> str:
    return step.partition("@")[0]
