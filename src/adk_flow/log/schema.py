"""The record: one firing of one ADK hook, and the header that opens a flow log."""

from __future__ import annotations

from operator import add
from typing import Literal

import msgspec
from msgspec.structs import astuple

SCHEMA = 2
"""Version of the flow log's schema; a reader refuses any other."""

BASE_AGE = 1000
"""Records after which no request goes on from another, so that a reader may forget it."""

PREVIEW = 200
"""Characters that `preview` keeps of each text."""

AGENT_CALLS = frozenset({"agent_tool", "single_turn", "task"})
"""Kinds of function call that run another agent and bring its answer back."""

TOOL_POOL = "adk_tool_executor"
"""ADK's name of the threads to which it hands sync functions, if the RunConfig says so."""

Form = Literal["", "text", "result", "output", "json", "none"]
"""What a tool's result was: words, a mapping of words by one of these keys, other data, nothing."""

Withheld = Literal["", "asked", "refused", "answered", "prevented", "unknown"]
"""Why a tool did not run: its confirmation was asked for, or refused, a callback answered in its
place or raised before it, or there is none of that name."""

Cause = Literal["user", "transfer", "agent_tool", "single_turn", "task", "node", "resume"]
"""Why an activation began; `resume` is a further `before_agent` of one that is still open."""


_NAMES = {"number": "n", "text_number": "as", "contents": "new", "active_agent": "holder"}
"""Fields that are named otherwise on a line, most of them as they stand on so many."""


class Header(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename=_NAMES):
    """The first line of a flow log, and of each part that a later process appends to it."""

    flow_log: int
    """Schema version."""
    number: int = 0
    """That of its line, see `Record.number`."""
    adk: str
    adk_flow: str
    app: str
    session: str
    """ADK's id of it, with secrets masked like any text."""
    time: int
    """Microseconds since the epoch."""
    user: str = ""
    digest: str = ""
    """Of app, user and session as they are, in the file's name too: tells sessions apart."""
    model: str = ""
    """The root agent's model; empty for a workflow."""
    construct: str = ""
    texts: str = "full"
    """What was kept of texts: `full`, `preview` or `none`."""

    @property
    def tells_end(self) -> bool:
        """Whether the log can tell that a turn ended: ADK 2.0 and 2.1 never call `after_run`."""
        return not self.adk.startswith(("2.0.", "2.1."))


class FunctionCall(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A function call that a model asked for."""

    name: str
    kind: str = "function"
    """`agent_tool`, `single_turn`, `task`, `node_tool`, `transfer`, `finish_task`, `adk` for other
    functions by which ADK steers an agent, or `function`."""
    id: str = ""
    """ADK's function call id; empty in `after_model`, where ADK has not given it yet."""
    text: str = ""
    """The arguments as JSON, or the bare words where they are one string for an agent."""


class Usage(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Tokens of one model call, as the model reported them."""

    input: int = 0
    output: int = 0
    """Generated tokens without thoughts."""
    cached: int = 0
    """The part of `input` that came from a cache."""
    thoughts: int = 0
    total: int = 0
    """What the model reported as the sum; a line has it if it is another."""

    def __add__(self, other: Usage) -> Usage:
        return Usage(*map(add, astuple(self), astuple(other)))

    @property
    def generated(self) -> int:
        """Generated tokens, thoughts among them."""
        return self.output + self.thoughts

    @property
    def tokens(self) -> int:
        """Tokens in both directions."""
        return self.input + self.output + self.thoughts

    @property
    def adds_up(self) -> bool:
        """Whether they are the total that the model reported, if it reported one."""
        return self.total in (0, self.tokens)


class Part(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One part of a model request's contents."""

    role: str
    kind: str
    """`text`, `call`, `response` or `data`."""
    text: int
    """Number of its text in the log (`Record.texts`)."""


class Contents(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Parts of a request as they stand on a line (`log.requests`)."""

    letters: str
    """One a part: its role and kind."""
    ranges: tuple[int, ...]
    """First and last of each range of their texts' numbers."""


class Request(msgspec.Struct, frozen=True, omit_defaults=True, gc=False, rename=_NAMES):
    """What a model was sent. Each distinct text stands in the log once and is named by number.

    On a line it may go on from an earlier request, of which it then has all that it does not say
    itself; read, it is whole (`log.requests`).
    """

    after: int = 0
    """Number of the record whose request it goes on from; 0 once read, unless that was lost."""
    same: int = 0
    """With how many of that one's parts it begins; 0 for all."""
    contents: Contents | None = None
    """Its further parts, or all; None once read."""
    system: int = 0
    parts: tuple[Part, ...] = ()
    tools: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    """Agents that `transfer_to_agent` may legally name here."""
    schema: bool = False
    """Whether the answer had to fill a response schema."""
    declared: int = 0
    """Number of the text that declares the functions offered, as JSON."""
    stateful: bool = False
    """Whether the model's provider holds what came before, which it is not sent again."""

    @property
    def is_known(self) -> bool:
        """Whether all of it is; not if it goes on from a request that was lost."""
        return not self.after


class Record(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, rename=_NAMES
):
    """One firing of one ADK hook; `docs/log.md` lists which hook fills which field."""

    hook: str
    """ADK's hook without its `_callback` ending, `on_` left out: `before_agent`, `event`, …"""
    number: int = 0
    """Counts the lines of a session's log, headers among them; 0 where they are not counted."""
    time: int
    """Microseconds since the epoch; never runs backwards within one process."""
    run: int = 0
    """Number of the Runner activation in this log; an AgentTool's nested run has its own."""
    activation: int = 0
    """Number of the activation in this log; 0 outside any agent."""
    agent: str = ""
    parent: int = 0
    """Activation that called or handed over to this run or activation."""
    call: str = ""
    """Function call id that this record belongs to or was caused by."""
    cause: str = ""
    parent_name: str = ""
    """Name of the workflow node or agent that runs a `node`, where it has no activation."""
    branch: str = ""
    tool: str = ""
    kind: str = ""
    """Kind of `tool`, see `FunctionCall.kind`; of a model call of ADK's compaction `summarizer`, of
    a live connection's own `connection`; of an agent that asks no model `code`, `elsewhere` if it
    asks one by another SDK, or `a2a` if it stands for a remote one, `a2a_read` where the log of
    that one was joined."""
    withheld: Withheld = ""
    task: str = ""
    """Name of the asyncio task that a tool call runs in."""
    thread: str = ""
    """Thread that a tool call runs in: the event loop's by name, or ADK's `TOOL_POOL`."""
    text: str = ""
    """Words: of the user, of a model, of an event, of a tool's arguments or result."""
    text_number: int = 0
    """Number by which requests name `text`, as they do `texts`."""
    form: Form = ""
    """What the result in `text` was."""
    size: int = 0
    """Characters of those words before anything was masked or left out; a line has it if others."""
    model: str = ""
    version: str = ""
    """The model that answered, where its provider names another than was asked."""
    took: int = 0
    """Microseconds that a `model_call` took, which is recorded when it ended."""
    request: Request | None = None
    """What a model was sent; on an event of a remote agent, what its A2A server was."""
    calls: tuple[FunctionCall, ...] = ()
    responses: tuple[str, ...] = ()
    """Ids of the function calls that an event answers."""
    usage: Usage | None = None
    transfer: str = ""
    """Agent that an event hands over to."""
    final: bool = False
    """Whether ADK calls the event a final response."""
    partial: bool = False
    path: str = ""
    """ADK's path of the node that an event is of, `outer@1/inner@1/b@1`, below a graph."""
    route: str = ""
    """The route that a graph takes after an event."""
    finish: str = ""
    """Why the model stopped, if not because it was done: `MAX_TOKENS`, `SAFETY`, …"""
    escalate: bool = False
    """Whether an event ends the loop around its agent."""
    compacted: tuple[int, int] | None = None
    """Times between which a session's events were replaced by a summary."""
    rewound: str = ""
    """ADK's id of the turn that a session was taken back to, before it began."""
    replayed: bool = False
    """Whether a durable engine, or a graph that is resumed, repeats a step of before."""
    first: bool = False
    """Whether a session begins with a turn, on its `user_message`."""
    invocation: str = ""
    """ADK's id of a turn, on its `user_message`."""
    ahead: tuple[str, ...] = ()
    """On a `before_run`: the hooks that plugins before the recorder have too, and may hide."""
    shared: tuple[str, ...] = ()
    """On a `before_run`: names that several agents, graphs or functions of the app have."""
    resumable: bool = False
    """On a `before_run`: whether the app goes on where a pause stopped it."""
    place: str = ""
    """On a `before_agent`: `Tech/Help`, the agent's place in an app that has others of its name."""
    stages: tuple[str, ...] = ()
    """On a `before_agent`: the agents that a sequence runs one after another."""
    hidden: bool = False
    """Whether such a plugin hid the hook, so that an agent's beginning is told by its event, or
    what a model reported by the model; or ADK has no such hook, and an exception tells it."""
    trace: str = ""
    """OpenTelemetry's trace that a run is in, on its `user_message`, if it is in one."""
    live: bool = False
    """Whether a run is a live session, on its `before_run`."""
    turn_complete: bool = False
    """Whether an exchange of a live session ends here."""
    interrupted: bool = False
    """Whether the user cut a live answer short."""
    remote: str = ""
    """Context id of the A2A server that an agent stands for: the session there."""
    remote_event: str = ""
    """The server's id of the event behind an event, of which there may be several copies."""
    heard: str = ""
    """What a live model heard the user say, as far as it was transcribed, or was sent as text."""
    pending: tuple[str, ...] = ()
    """Ids of long-running calls that an event waits for."""
    state: tuple[str, ...] = ()
    """Keys of session state that an event writes."""
    values: str = ""
    """What they are set to, as JSON; on a session's first message, the state it begins with."""
    artifacts: tuple[str, ...] = ()
    """Names of artifacts that an event writes."""
    error: str = ""
    """Type and message of an error."""
    active_agent: str = ""
    """In a turn's `after_run`: the agent that ADK will give the next user message to."""
    faults: int = 0
    """Hooks of the recorder itself that failed so far in this process."""
    texts: dict[int, str] = {}
    """Texts that occur for the first time here, by number."""
