"""What a flow log tells: turns, with their activations, moves, model and tool calls.

All times are microseconds since the epoch; a record is told by its index in the log, -1 for none.
What stands here grows while its turn is read, and changes no more once the turn is released.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from adk_flow._data import group_by
from adk_flow.analysis.move import Move
from adk_flow.errors import is_unheard
from adk_flow.log.reader import Log
from adk_flow.log.schema import AGENT_CALLS, FunctionCall, Record, Request, Usage

CALLED = frozenset({"agent_tool", "single_turn", "node_tool"})
"""Calls that the caller waits for with a tool result; who is called never faces the user."""


CONTROLLED_MODELS = frozenset({"planned", "scripted"})
"""Models that make the same stated decisions under every construct."""

KEYLESS_MODELS = CONTROLLED_MODELS | {"offline"}
"""Those that need no key; the offline model decides by likeness, as it understands each request."""


class Activation(msgspec.Struct, eq=False):
    """One activation of an agent."""

    number: int
    agent: str
    cause: str
    """Why it began, see `Record.cause`."""
    run: int
    turn: int
    began: int
    """Record of its `before_agent`."""
    time: int
    parent: int = 0
    """Activation that called it or handed over to it; 0 for the user or a workflow."""
    parent_name: str = ""
    """Name of a parent that has no activation: a workflow, or an agent of an earlier turn."""
    source: Activation | None = None
    """Its parent, where that is known."""
    branch: str = ""
    path: str = ""
    """ADK's path of the node that it is, `graph@1/agent@2`; empty for none."""
    is_remote: bool = False
    """Whether its agent stands for one behind an A2A server, whose calls nobody sees here."""
    was_sent: bool = False
    """Whether that server was sent a message."""
    goes_on: bool = False
    """Whether that server was at work when it was heard last, and may have gone on."""
    asks_elsewhere: bool = False
    """Whether its agent asks models by another SDK than ADK's, which nobody sees either."""
    unseen_usage: dict[str, Usage | None] = {}
    """What those report of tokens, by event or task; None where it may be repeated."""
    call: str = ""
    """Function call id of what it was begun by, or its run was."""
    within: ToolCall | None = None
    """That call, where it is known."""
    scope: ToolCall | None = None
    """The call of an agent, graph or task, in whose course it runs, be it after transfers."""
    is_called: bool = False
    """Whether it runs, however deep, in a call whose answer is waited for."""
    is_function: bool = False
    """Whether it is a node that runs no other, of which only events tell: a function or a join."""
    ended: int = -1
    """Record that ended it; -1 while it is open."""
    ended_time: int = 0
    ended_by: str = ""
    """`after_agent`, `transfer`, `agent_error`, `return`, `after_run` or `run_error`."""
    returned: bool = False
    """Whether control came back from it to who called it."""
    closed: int = -1
    """Record of its `after_agent`, which may follow a transfer; -1 where ADK called none."""
    successor: Activation | None = None
    """Who it handed over to."""
    target: str = ""
    """Whom it named to hand over to, be it nobody that there is."""
    text: str = ""
    """Its latest final words, as far as they were kept."""
    said: int = -1
    """Record of its latest final words."""
    place: str = ""
    """Its agent's place in an app that has others of its name; else empty."""
    stages: tuple[str, ...] = ()
    """The agents that it is to run one after another."""
    asks_models: bool = True
    """Whether its agent asks a model, and is none that speaks by itself."""
    awaits_model: bool = True
    """Whether its next words have to be a model's."""
    unasked: int = -1
    """Event whose words no model gave, be they a callback's."""
    error: str = ""
    """What it failed with, as `agent_error` or its last event says."""
    calls_out: int = 0
    """Calls still out of a fork."""

    @property
    def is_unseen(self) -> bool:
        """Whether nobody sees here how often its agent asks models."""
        return self.is_remote or self.asks_elsewhere

    @property
    def group(self) -> tuple[int, int, str]:
        """Whose node it is: the run, the activation above, and the graph's path or agent's name."""
        return self.run, self.parent, self.path.rpartition("/")[0] or self.parent_name

    @property
    def parent_agent(self) -> str:
        """Name of its parent; empty for the user."""
        source = self.source.agent if self.source else ""
        is_source = self.parent_name in ("", source.rpartition("/")[2])
        return source if is_source else self.parent_name

    @property
    def head(self) -> Activation:
        """The activation that control was first given to, before any transfer."""
        activation = self
        while activation.cause == "transfer" and activation.source is not None:
            activation = activation.source
        return activation

    @property
    def last(self) -> Activation:
        """The last that ran in its place, after all transfers."""
        activation = self
        while activation.successor is not None:
            activation = activation.successor
        return activation

    @property
    def faces_user(self) -> bool:
        """Whether it talks with the user: nobody waits for its answer."""
        return self.head.cause not in (*AGENT_CALLS, "node", "transfer")

    def parents(self) -> Iterator[Activation]:
        """Gives who called it, or handed over to it, and so on."""
        activation = self.source
        while activation is not None:
            yield activation
            activation = activation.source


class Response(msgspec.Struct, frozen=True, gc=False):
    """A whole answer, or error, of a model."""

    record: int
    text: str
    calls: tuple[FunctionCall, ...]


class ModelCall(msgspec.Struct, eq=False, gc=False):
    """One request to a model; a streamed one may be answered by several whole responses."""

    record: int
    """Its `before_model`."""
    began: int
    turn: int
    run: int
    activation: int
    """Where it was asked; 0 outside any agent."""
    agent: str
    model: str
    request: Request | None
    nested: bool
    """Whether it is in a run of its own, which ADK's session does not show."""
    version: str = ""
    """The model that answered, where its provider names another than was asked."""
    within: str = ""
    """Id of the tool call that asked it, past ADK's hooks."""
    was_made: bool = False
    """Whether a model was entered; ADK's limit or a callback may have prevented it."""
    has_answer: bool = False
    """Whether anything came back, be it a part of an answer."""
    is_summary: bool = False
    """Whether ADK's compaction summed the session up by it."""
    was_entered: bool = False
    """Whether a plugin or callback asked a model, a call of its own, before this one was made."""
    responses: list[Response] = []
    shown: int = 0
    """How many of them an event has shown."""
    usage: Usage | None = None
    """What was reported last, which is for the whole call; None where nothing was."""
    error: str = ""
    finish: str = ""
    """Why the model stopped, if not because it was done."""
    ended: int = -1
    """Record of its last whole response or error."""
    ended_time: int = 0
    replaced: bool = False
    """Whether a plugin or callback answered in the model's place."""
    replayed: bool = False
    """Whether a durable engine gave an answer of before."""
    is_over: bool = False
    """Whether no response of it can follow any more."""
    before: ModelCall | None = None
    """What its activation asked before, of which an event may still come."""

    @property
    def is_unseen(self) -> bool:
        """Whether a plugin or callback answered with tokens of a call that nobody saw."""
        return self.replaced and not self.was_entered and self.usage is not None

    @property
    def tokens(self) -> Usage | None:
        """What it took; nothing if it failed before it answered, None if that is not known.

        A model goes on, and its provider may charge, when nobody waits for it any more.
        """
        if self.is_unseen:
            return None
        goes_on = self.has_answer or is_unheard(self.error)
        return self.usage if self.usage or goes_on else Usage()

    @property
    def calls(self) -> Iterator[FunctionCall]:
        """The function calls that it asked for."""
        return (call for response in self.responses for call in response.calls)


class ToolCall(msgspec.Struct, eq=False):
    """One function call: of a plain function, an agent, a transfer; ids of calls may repeat."""

    id: str
    name: str
    kind: str
    """See `FunctionCall.kind`."""
    agent: str
    """Who made it."""
    activation: int
    run: int
    turn: int
    nested: bool
    text: str = ""
    """Its arguments, as far as they were kept."""
    asked: int = -1
    """Record of the event that asks for it."""
    model_call: ModelCall | None = None
    """The model call that asked for it."""
    record: int = -1
    """Record that begins it: `before_tool`, of a task its agent's `before_agent`."""
    began: int = 0
    task: str = ""
    """Name of the asyncio task that it runs in."""
    ended: int = -1
    ended_time: int = 0
    failed: bool = False
    error: str = ""
    withheld: bool = False
    """Whether it did not run, as its confirmation was asked for or refused."""
    pending: bool = False
    """Whether an event says that the run waits for it."""
    graph: str = ""
    """The graph that it runs, of which no hook tells."""
    has_run: bool = False
    """Whether the nested run that it started came to its end."""
    heads: list[Activation] = []
    """The activations that it called: one; of a function that runs agents, each; a task that is
    gone on with begins anew."""

    @property
    def is_hooked(self) -> bool:
        """Whether it ran as a tool; ADK has no tool hooks for the delegation of a task."""
        return self.record >= 0 and self.kind != "task"

    @property
    def took(self) -> int:
        """Microseconds; 0 if it never ended."""
        return max(0, self.ended_time - self.began) if self.ended >= 0 else 0


class Message(msgspec.Struct, frozen=True, gc=False):
    """Whole words of an agent in ADK's session: what the user reads, in order."""

    record: int
    agent: str
    activation: int
    text: str
    final: bool
    """Whether ADK calls it a final response."""
    is_result: bool = False
    """Whether it is what a call gave."""


class Write(NamedTuple):
    """A key of session state that an event writes."""

    record: int
    activation: Activation
    key: str


class HiddenHook(NamedTuple):
    """A hook that a plugin before the recorder hid, as its answer shows."""

    hook: str
    agent: str
    of: str
    """Name of the agent or tool."""
    records: tuple[int, ...]


class SessionChange(NamedTuple):
    """What became of earlier turns before a turn began."""

    record: int
    compacted: tuple[int, int] | None
    """Times between which a summary replaced the session's events; None if it was taken back."""
    rewound: str
    """ADK's id of the turn that it was taken back to before it began."""


class Run(msgspec.Struct, eq=False):
    """One activation of a Runner: of a turn, or of a tool call in it."""

    number: int
    turn: Turn
    """That it is in, until that is released."""
    record: int
    """The first of its records."""
    parent: Activation | None = None
    """The activation whose call started it; None for a turn's own."""
    call: ToolCall | None = None
    """The call that started it."""
    call_id: str = ""
    words: str = ""
    shared: frozenset[str] = frozenset()
    """Names that several agents, graphs or functions of the app have."""
    resumable: bool = False
    """Whether the app goes on where a pause stopped it."""
    ahead: frozenset[str] = frozenset()
    """Hooks that a plugin before the recorder may hide."""
    live: bool = False
    """Whether it is a live session, which has a turn for each answer to the user."""
    exchange: ModelCall | None = None
    """The latest exchange of a live session."""
    composed: set[int] = set()
    """Activations whose live connection asks another model."""
    answered_calls: int = 0
    """When its model was last given what calls gave."""
    spoken: str = ""
    """The user's latest words, if they were transcribed."""
    barged_in: list[str] = []
    """What the user said while an answer was given."""
    is_interrupted: bool = False
    """Whether that answer was cut short by it."""
    started: bool = False
    first: str = ""
    """The agent or graph that control was first given to."""
    activations: list[Activation] = []
    model_calls: dict[int, ModelCall] = {}
    """The latest by activation."""
    active_agent: str = ""
    """Agent that faces the user."""
    active_activation: Activation | None = None
    nodes: dict[tuple[int, int, str], list[Activation]] = {}
    """Nodes that run side by side, by `Activation.group`."""
    forks: dict[tuple[int, int, str], Move] = {}
    """Their fork, once there are two."""
    graphs: dict[str, Activation] = {}
    """Graphs inside others that are open, by path."""
    ending: set[int] = set()
    """Activations whose nodes are being ended."""
    functions: dict[str, Activation] = {}
    """Nodes that are no agents and have run, by path."""
    routes: dict[str, str] = {}
    """The routes that a graph takes after nodes that have not returned, by path."""
    failures: dict[str, int] = {}
    """How often a node failed, by path."""
    waits: dict[str, tuple[int, str, int, FunctionCall]] = {}
    """Record, agent, activation and call of what it waits for, by call id."""
    error: str = ""
    """What the latest final event says went wrong."""
    failed_path: str = ""
    """ADK's path of the node that it is of, which a graph may try again."""


class Turn(msgspec.Struct, eq=False):
    """One user message and all that it caused."""

    number: int
    """From 1."""
    record: int
    """The first of its records."""
    began: int
    ended: int = 0
    """The last record's time."""
    agent: str = ""
    """The first that its records name: whom ADK began with."""
    question: str = ""
    invocation: str = ""
    """ADK's id."""
    active_agent: str = ""
    """Agent that gets the next user message, as ADK says; empty where it cannot say."""
    end: int = -1
    """Record of its end; -1 where none was logged."""
    was_asked: bool = False
    """Whether the user's words of a live turn were told, or that they are not recorded."""
    failed: bool = False
    error: str = ""
    """What it failed with, as far as it was kept."""
    lacks_lines: bool = False
    """Whether lines of the log are lost that may have been of it."""
    runs: list[Run] = []
    activations: list[Activation] = []
    """Those that began in it, in order, as are the following."""
    resumed: list[tuple[int, Activation]] = []
    """Records by which ADK begins an agent anew once its task is done, with the activation."""
    nodes: list[Activation] = []
    """Graphs inside others, and nodes that are no agents; they have no number."""
    moves: list[Move] = []
    model_calls: list[ModelCall] = []
    tool_calls: list[ToolCall] = []
    """Those that were asked for in it, whether they ran or not."""
    messages: list[Message] = []
    writes: list[Write] = []
    routed: list[tuple[int, Record]] = []
    """Events by which a graph takes a route."""
    escalations: list[tuple[int, str]] = []
    """Events by which an agent ended the loop around it, with the agent."""
    changes: list[SessionChange] = []
    worded: set[int] = set()
    """Records that show moves and have words, be they kept or not."""
    hidden_hooks: list[HiddenHook] = []
    answers: tuple[str, ...] = ()
    """Ids of the calls that its message answers."""
    reported: dict[int, Usage | None] = {}
    """What ADK's session shows of a call's tokens, by the record of the call, or of an event."""

    @property
    def complete(self) -> bool:
        """Whether its end was logged."""
        return self.end >= 0

    def note_losses(self, holes: Iterable[int]) -> None:
        """Notes whether lines that are lost before records, by index, may have been of it."""
        first = self.record + 1 if self.invocation else self.record
        own = (hole for hole in holes if hole <= self.end or not self.complete)
        self.lacks_lines = any(first <= hole for hole in own)

    @property
    def end_record(self) -> tuple[int, ...]:
        """The record of its end; none where none was logged."""
        return (self.end,) if self.complete else ()

    @property
    def finals(self) -> list[Message]:
        """What ADK calls final responses; the last is the answer, if nothing is waited for."""
        return [] if self.waits else [message for message in self.messages if message.final]

    @property
    def waits(self) -> list[tuple[str, FunctionCall]]:
        """What a paused turn waits for the user with: who asks, and the call."""
        waits = (run.waits.values() for run in self.runs if run.parent is None)
        return [(agent, call) for several in waits for _, agent, _, call in several]

    @property
    def asked_models(self) -> list[ModelCall]:
        """Model calls that were made, failed ones too."""
        return [call for call in self.model_calls if call.was_made]

    @property
    def tool_runs(self) -> list[ToolCall]:
        """Tool calls that ran, agents called as tools and transfers among them, as they began."""
        ran = (call for call in self.tool_calls if call.is_hooked and not call.withheld)
        return sorted(ran, key=lambda call: call.record)

    def waiting(self) -> set[Activation]:
        """Finds who waits for the user's next words: task agents and who called them."""
        tasks = [a for a in self.activations if a.cause == "task" and a.ended_by != "return"]
        return {activation for task in tasks for activation in (task, *task.parents())}

    def requests(self, activation: Activation) -> list[tuple[int, Request]]:
        """Gives what an activation's model was sent, with the record of each."""
        sent = (call for call in self.model_calls if call.activation == activation.number)
        return [(call.record, call.request) for call in sent if call.request is not None]


_LATEST = 2**63 - 1
"""Of times that an array holds; a damaged log may say any."""


class Outlook:
    """What is to be known of all turns of a log to judge one of them."""

    def __init__(self, turns: Iterable[Turn]) -> None:
        """Takes them in their order."""
        self.speaking: set[str] = set()
        """Agents whose model was asked."""
        self.answered: dict[str, int] = {}
        """The last turn whose message answers a call, by the call's id."""
        self._began, self._ended = array("q"), array("q")
        """When each began, and when the last of those up to it ended."""
        self._invocations = array("q")
        """The hash of each one's."""
        for turn in turns:
            self.speaking.update(call.agent for call in turn.model_calls)
            self.answered.update(dict.fromkeys(turn.answers, turn.number))
            began, ended = (max(-_LATEST, min(time, _LATEST)) for time in (turn.began, turn.ended))
            self._began.append(began)
            self._ended.append(max(ended, self._ended[-1] if self._ended else 0))
            self._invocations.append(hash(turn.invocation))

    def replaced_before(self, number: int, start: int, end: int) -> tuple[int, int] | None:
        """Gives the first and last turn before another that ran between two times."""
        last = bisect_right(self._began, end, hi=number - 1)
        first = bisect_left(self._ended, start, hi=number - 1) + 1
        return (first, last) if first <= last else None

    def undone_before(self, number: int, invocation: str) -> tuple[int, int] | None:
        """Gives the first and last turn before another from that of an invocation on."""
        try:
            first = self._invocations.index(hash(invocation), 0, number - 1) + 1
        except ValueError:
            return None
        return first, number - 1


class Trace(msgspec.Struct, eq=False, dict=True):
    """A flow log as it was read, or a part of one."""

    log: Log
    turns: list[Turn]
    """Each by itself, even where they overlap in the log."""
    whole: Callable[[], Outlook] | None = None
    """Gives what is to be known of all turns of the log, where these are not all."""

    @cached_property
    def outlook(self) -> Outlook:
        """What is to be known of all turns."""
        return self.whole() if self.whole else Outlook(self.turns)

    @cached_property
    def moves(self) -> list[Move]:
        """The moves of all turns."""
        return [move for turn in self.turns for move in turn.moves]

    @cached_property
    def activations(self) -> dict[int, Activation]:
        """Activations by number."""
        return {a.number: a for turn in self.turns for a in turn.activations}

    @property
    def records(self) -> Iterator[Record]:
        """The log's records, each of an agent that shares its name by that one's place."""
        for record in self.log.records:
            activation = self.activations.get(record.activation)
            place = activation.place if activation else ""
            yield replace(record, agent=place) if place else record

    @cached_property
    def turns_by_run(self) -> dict[int, Turn]:
        """Turns by the number of each of their runs."""
        return {run.number: turn for turn in self.turns for run in turn.runs}

    def turn_of(self, number: int) -> int:
        """Numbers the turn of a run; 0 if it is not known."""
        turn = self.turns_by_run.get(number)
        return turn.number if turn else 0

    def records_of(self, turn: Turn) -> list[int]:
        """Lists the records of a turn; a live session's turns follow each other in one run."""
        found: list[int] = []
        for run in {run.number for run in turn.runs}:
            of_run = self._records_by_run.get(run, [])
            ends = turn.record, self._ends[turn.number]
            found += of_run[slice(*(bisect_left(of_run, end) for end in ends))]
        return sorted(found)

    @cached_property
    def _records_by_run(self) -> dict[int, list[int]]:
        return group_by(range(len(self.log.records)), lambda index: self.log.records[index].run)

    @cached_property
    def _ends(self) -> dict[int, int]:
        """Where the next turn of one of its runs begins, by a turn's number."""
        ends: dict[int, int] = {}
        begun: dict[int, tuple[int, int]] = {}
        for turn in reversed(self.turns):
            later = [begun[run.number] for run in turn.runs if run.number in begun]
            ends[turn.number] = min(later, default=(0, len(self.log.records)))[1]
            begun |= {run.number: (turn.number, turn.record) for run in turn.runs}
        return ends
