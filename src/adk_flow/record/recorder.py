"""What stands behind the hooks: what is written of the runs under way."""

from __future__ import annotations

import logging
import os
from collections import Counter, deque
from collections.abc import Callable, Collection, Hashable
from dataclasses import InitVar, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_args

from google.adk.agents.invocation_context import InvocationContext
from google.adk.events.event import Event
from google.adk.models.llm_request import LlmRequest
from google.adk.tools.base_tool import BaseTool
from google.adk.tools.tool_context import ToolContext
from google.genai import types
from msgspec.structs import force_setattr

from adk_flow.log.schema import SCHEMA, Header, Record
from adk_flow.log.writer import log_path, session_digest
from adk_flow.record import agents, extract, remote, tool_calls
from adk_flow.record.activations import Call, OpenRun, current_calls, kind_of
from adk_flow.record.hookless_errors import is_hookless
from adk_flow.record.model_entries import Entry, scenes
from adk_flow.record.redact import Capture, make_redactor, mask, mask_name
from adk_flow.record.runs import Runs
from adk_flow.record.scenes import RecordedRequest, Scene
from adk_flow.record.sent import SentRequest
from adk_flow.record.sessions import SessionLog, now
from adk_flow.record.tool_entries import has_run, hear_arguments, watch_tool

_logger = logging.getLogger(__name__)

Listener = Callable[[Header, Record], None]

LATEST_PATHS = 256

LATEST: deque[Path] = deque(maxlen=1)
"""The log that this process began last."""

_ADK = version("google-adk")
_ADK_FLOW = version("adk-flow")


def capture_from_env() -> str:
    """Reads `ADK_FLOW_TEXTS`; a slip in it must neither stop the app nor keep too much."""
    capture = os.environ.get("ADK_FLOW_TEXTS") or "full"
    if capture in get_args(Capture):
        return capture
    _logger.warning("ADK_FLOW_TEXTS=%s is none of full, preview, none; taking none", capture)
    return "none"


@dataclass(eq=False)
class Recorder:
    """Writes records into the logs of their sessions, and counts what it could not write.

    Its settings are those of `FlowPlugin`.
    """

    directory: Path
    capture: str
    file: Path | None
    redact: InitVar[bool]
    construct: str
    file_mode: int
    listener: Listener | None
    is_replaying: Callable[[], bool] | None
    faults: Counter[str] = field(default_factory=Counter)
    """Hooks that could not be recorded, by hook."""
    first_fault: str = ""
    listener_faults: int = 0
    """Records that the listener failed on."""
    paths: deque[Path] = field(default_factory=lambda: deque(maxlen=LATEST_PATHS))

    def __post_init__(self, redact: bool) -> None:
        """Begins with no run.

        Raises:
          ValueError: `capture` is not one of the three.
        """
        self.keep = make_redactor(self.capture, redact=redact)
        self.name_of: Callable[[str], str] = mask_name if redact else str
        """What the log shows of a name that comes from outside."""
        self.number = id(self)
        """Tells the recorders of one app apart."""
        self.runs = Runs(self.number, self._new_log)

    def count_fault(self, hook: str, error: BaseException) -> None:
        """Counts a fault of the recorder itself; the first is logged at once."""
        self.faults[hook] += 1
        if not self.first_fault:
            self.first_fault = f"{hook}: {extract.of_error(error, mask)}"
            _logger.warning("adk-flow could not record %s", self.first_fault)

    def close(self) -> None:
        """Closes all logs and reports what could not be recorded."""
        try:
            self.runs.close()
        except Exception as error:
            self.count_fault("close", error)
        if self.faults:
            counts = ", ".join(f"{hook} {count}" for hook, count in self.faults.items())
            _logger.warning(
                "adk-flow did not record %d hooks (%s); the first was %s",
                self.faults.total(),
                counts,
                self.first_fault,
            )

    # Writing

    def write(self, log: SessionLog, record: Record, letter: str = "") -> None:
        """Dates, numbers and writes a record; of its text it has what the settings keep.

        Words of a `letter` (`log.requests`) come in requests too.

        Raises:
          OSError: the log cannot be written.
        """
        if text := record.text:
            kept = self.keep(text)
            if kept is not text:
                force_setattr(record, "text", kept)
                if len(text) != len(kept):
                    force_setattr(record, "size", len(text))
        if self.is_replaying is not None and not record.replayed:
            force_setattr(record, "replayed", self._replays(self.is_replaying))
        with log.lock:
            if letter and text:
                force_setattr(record, "text_number", log.requests.number_words(letter, text))
            try:
                log.write(record)
            except OSError:
                log.requests.forget({record.text_number, *record.texts})
                raise
            finally:
                if log.active <= 0:  # its turn is over
                    log.release()
                if self.listener is not None:
                    self._tell(log, record)
            if not log.listed:
                log.listed = True
                self.paths.append(log.path)
                LATEST.append(log.path)

    def _replays(self, is_replaying: Callable[[], bool]) -> bool:
        """Asks the app; what goes wrong in it loses no record."""
        try:
            return bool(is_replaying())
        except Exception as error:
            self.count_fault("is_replaying", error)
            return False

    def _tell(self, log: SessionLog, record: Record) -> None:
        """Hands a record, as a reader would have it, to the listener, whose faults are its own."""
        listener: Any = self.listener
        try:
            log.requests.listened.complete(record)
            listener(log.header, record)
        except (Exception, SystemExit) as error:  # rich exits where nobody reads any more
            self._count_listener_fault(error)

    def _count_listener_fault(self, error: BaseException) -> None:
        self.listener_faults += 1
        if self.listener_faults == 1:
            reason = extract.of_error(error, mask)
            _logger.warning("adk-flow's listener failed, the log has its records: %s", reason)

    def write_run(
        self, run: OpenRun, context: InvocationContext, record: Record, letter: str = ""
    ) -> None:
        """Writes a record of a run as a whole."""
        if run.cause is not None:
            force_setattr(record, "parent", run.cause.activation)
            force_setattr(record, "call", run.cause.id)
        if context.agent is not None:
            force_setattr(record, "agent", context.agent.name)
        if self.faults:
            force_setattr(record, "faults", self.faults.total())
        self.write(run.log, record, letter)

    def write_message(self, context: InvocationContext, message: types.Content | None) -> None:
        """Writes the words that start a run."""
        run, session = self.runs.of(context, begins=True), context.session
        run.said, responses = extract.starting_words(message)
        if run.cause is None:
            self._write_changes(run, session.events)
        is_first = not (session.events or run.cause)
        values = extract.state_values(session.state) if is_first else ""
        record = Record(
            hook="user_message",
            time=0,
            run=run.number,
            text=run.said,
            first=is_first,
            invocation=context.invocation_id,
            responses=responses,
            trace=extract.current_trace(),
            values=self.keep(values) if values else "",
        )
        self.write_run(run, context, record, letter="u")

    def _write_changes(self, run: OpenRun, events: list[Event]) -> None:
        """Writes what changed a session since its last turn: ADK has no hook for either."""
        read, run.log.events_read = run.log.events_read, len(events)
        for event in events[read if read <= len(events) else 0 :]:
            rewound = getattr(event.actions, "rewind_before_invocation_id", None) or ""
            compacted = getattr(event.actions, "compaction", None)
            if compacted or rewound:
                change = {"compacted": extract.times_of(compacted), "rewound": rewound}
                self.write(run.log, Record(hook="session_change", time=0, run=run.number, **change))

    def read_sent(self, run: OpenRun, activation: int, event: Any) -> dict[str, Any]:
        """Reads what an A2A server was sent, which each event of its answer repeats."""
        message, new = remote.remote_request_of(event), {}
        sent = activation, str(message.get("messageId", ""))
        if not message or sent in run.sent:
            return {}
        run.sent.add(sent)
        requests = run.log.requests
        request = remote.of_remote_request(message, lambda text: requests.number(("u", text), new))
        return {"request": request, "texts": new}

    # Models that are entered

    def set_scene(
        self, run: OpenRun, activation: int = 0, agent: str = "", call: str = ""
    ) -> Scene:
        """Says where a model may be entered from now on, in this task and what it starts."""
        write = self._write_entry, self._write_change
        scene = Scene(run, *write, activation, agent, call, is_late=run.ended)
        around = scenes.get()
        if not activation:  # a run begins: those that other recorders ended in this task are over
            around = {number: one for number, one in around.items() if not one.run.ended}
        scenes.set({**around, self.number: scene})
        return scene

    def ask_model(self, run: OpenRun, activation: int, agent: str, model: str) -> Scene:
        """Notes that ADK is about to enter a model."""
        if activation in run.asking:
            self.stop_asking(run, activation)
        run.asking[activation] = scene = self.set_scene(run, activation, agent)
        scene.model, scene.is_asking = model, True
        return scene

    def stop_asking(self, run: OpenRun, activation: int, *, is_shown: bool = False) -> None:
        """Tells of the models that were entered in the place of ADK's own call.

        And what its own reported, where a plugin hid the hook of the whole answer, unless an event
        shows that.
        """
        if scene := run.asking.pop(activation, None):
            entry = scene.give_up()
            if entry is not None and not is_shown:
                hook = "model_error" if entry.error else "after_model"
                self._write_entry(scene, entry, hook, hidden=True)

    def _write_entry(
        self, scene: Scene, entry: Entry, hook: str = "model_call", *, hidden: bool = False
    ) -> None:
        """Writes an entry into a model of which no hook tells."""
        run = scene.run
        try:
            record = Record(
                hook=hook,
                time=0,
                run=run.number,
                activation=scene.activation,
                agent=scene.agent if scene.activation else entry.node or scene.agent,
                call=scene.call,
                kind=entry.kind,
                model=entry.name,
                version="" if entry.version == entry.name else entry.version,
                took=entry.took,
                usage=extract.of_usage(entry.usage),
                hidden=hidden,
                error=extract.of_error(entry.error, self.keep) if entry.error else "",
            )
            self.write(run.log, record)
        except Exception as error:
            self.count_fault("model_call", error)

    def write_request(
        self, hook: str, run: OpenRun, place: Hashable, request: LlmRequest, **fields: Any
    ) -> SentRequest:
        """Writes what a model is sent; of what a request of the same place had, what is new."""
        requests = run.log.requests
        with run.log.lock:
            sent = requests.draft(place, request, run.log.number)
            fields |= {"request": sent.request, "texts": sent.texts}
            record = Record(hook=hook, time=0, run=run.number, model=request.model or "", **fields)
            self.write(run.log, record)
            requests.keep(sent, record.number)
        return sent

    def _write_change(self, scene: Scene, recorded: RecordedRequest) -> None:
        """Writes what a model is sent if that is another than its hook told."""
        hook = "changed_request"
        try:
            request = recorded.as_sent
            if (request.model or "") == scene.model and recorded.sent.is_of(request):
                return
            # Apart from those that hooks tell, so that each goes on from one of its own kind.
            fields = {"activation": scene.activation, "agent": scene.agent}
            self.write_request(hook, scene.run, (hook, recorded.sent.place), request, **fields)
        except Exception as error:
            self.count_fault(hook, error)

    # Agents

    def begin_agent(
        self,
        agent: Any,
        context: InvocationContext,
        path: str,
        branch: str,
        *,
        hidden: bool = False,
    ) -> int:
        """Opens an agent's frame and writes its beginning; `hidden` where an event tells it."""
        run = self.runs.of(context)
        activation, how = run.begin(agent, branch, path)
        self.set_scene(run, activation, agent.name)
        if agent.name in run.shared and activation not in run.places:
            caller = run.cause.agent if run.cause else ""
            run.places[activation] = agents.place_in_app(agent, run.shared, path, caller)
        record = Record(
            hook="before_agent",
            time=0,
            run=run.number,
            activation=activation,
            agent=agent.name,
            parent=how.parent,
            call=how.call,
            cause=how.cause,
            parent_name=how.parent_name,
            branch=branch,
            kind=agents.kind_of_agent(agent),
            path=path if "/" in path else "",
            place=run.places.get(activation, ""),
            stages=agents.stages_of(agent),
            hidden=hidden,
        )
        self.write(run.log, record)
        return activation

    def begin_hidden(self, context: InvocationContext, event: Any, path: str) -> int:
        """Begins an agent whose hook a plugin before the recorder hid, answering in its place."""
        run, branch = self.runs.of(context), event.branch or ""
        agent = agents.agent_named(event.author, context) if "before_agent" in run.ahead else None
        if agent is None or run.has_handed_over(branch, agent.name, path):
            return 0
        activation = self.begin_agent(agent, context, path, branch, hidden=True)
        run.close((branch, agent.name, path))  # ADK tells no end of it
        return activation

    # Places

    def place(self, context: Any) -> tuple[OpenRun, int, str]:
        """Finds the run, activation and agent that a model's or tool's hook fires in."""
        invocation = context._invocation_context
        run, path = self.runs.of(invocation), extract.path_of(context)
        # A graph runs a tool as its node by itself (2.13, workflow/_tool_node.py).
        agent = getattr(invocation.agent, "name", "") or extract.graph_of(path)
        place = invocation.branch, agent, path
        return run, self.frame_here(run, *place) or run.activation(*place), agent

    def frame_here(self, run: OpenRun, branch: str | None, agent: str, path: str) -> int:
        """Finds the frame that this task runs in, if it is open at a place; else 0."""
        scene = scenes.get().get(self.number)
        activation = scene.activation if scene is not None and scene.run is run else 0
        return activation if run.open.get(activation) == (branch or "", agent, path) else 0

    def enter_call(self, tool: BaseTool, context: ToolContext) -> tuple[OpenRun, int, str]:
        """Shows a tool call to whatever runs inside it, and gives its `place`."""
        watch_tool(tool, context)
        run, activation, agent = place = self.place(context)
        outer = current_calls.get()
        call_id = context.function_call_id or ""
        self.set_scene(run, activation, agent, call_id)
        caller = run.places.get(activation) or agent
        call = Call(run, activation, call_id, tool.name, kind_of(tool), caller, outer)
        run.calls[context] = call
        current_calls.set({**outer, self.number: call})
        return place

    def follow_arguments(
        self, tool: BaseTool, context: ToolContext, place: tuple[OpenRun, int, str], recorded: str
    ) -> None:
        """Writes what a tool is entered with if that is another than its hook told."""
        hook = "changed_arguments"

        def hear(arguments: Any) -> None:
            try:
                text = extract.of_arguments(arguments, kind_of(tool))
                if text != recorded:
                    record = tool_calls.read_tool_call(hook, tool, context, place, text=text)
                    self.write(place[0].log, record)
            except Exception as error:
                self.count_fault(hook, error)

        hear_arguments(context, hear)

    def leave_call(self, context: ToolContext) -> tuple[OpenRun, int, str]:
        """Ends what `enter_call` began in this task; of an error made a result ADK tells twice."""
        run, activation, agent = place = self.place(context)
        run.calls.pop(context, None)
        call = current_calls.get().get(self.number)
        if call and call[:3] == (run, activation, context.function_call_id or ""):
            current_calls.set(call.outer)
            self.set_scene(run, activation, agent)
        return place

    def note_transfer(self, context: ToolContext, run: OpenRun, agent: str) -> None:
        """Notes a transfer by its tool, where another plugin may hide the event that carries it."""
        if "event" in run.ahead and (target := context.actions.transfer_to_agent):
            branch = context._invocation_context.branch
            run.note_transfer(branch, agent, extract.path_of(context), target)

    def untold_answer(self, context: InvocationContext) -> Event | None:
        """Finds what a plugin's `before_run` answered: releases to 2.9 fire no hook for it."""
        for event in context.session.events[-1:]:
            is_here = (event.author, event.invocation_id) == ("model", context.invocation_id)
            if is_here and not self.runs.of(context).has_events:
                return event
        return None

    def end_run(self, hook: str, context: InvocationContext, error: str = "") -> None:
        """Writes the end of a run, and who gets the next message, and lets its log go."""
        run = self.runs.of_end(context, hook)
        for activation in list(run.asking):
            self.stop_asking(run, activation)
        for tool_context, call in run.calls.items():
            if not has_run(tool_context):
                end = tool_calls.end_withheld(call, tool_context, "tool_error", "prevented")
                self.write(run.log, end)
        holder = self._holder(context, run.shared) if run.cause is None else ""
        hidden = bool(error) and is_hookless(hook)
        end = {"error": error, "active_agent": holder, "hidden": hidden}
        record = Record(hook=hook, time=0, run=run.number, **end)
        try:
            self.write_run(run, context, record)
        finally:
            self.runs.end(run, context)

    def end_calls(self, run: OpenRun, activation: int, answered: Collection[str]) -> None:
        """Ends calls that an event answers, and whose own end a plugin hid."""
        over = [(c, call) for c, call in run.calls.items() if call.activation == activation]
        for context, call in over:
            if call.id in answered:
                del run.calls[context]
                if not has_run(context):
                    end = tool_calls.end_withheld(
                        call, context, "after_tool", "answered", hidden=True
                    )
                    self.write(run.log, end)

    def _holder(self, context: InvocationContext, shared: frozenset[str]) -> str:
        """Asks who will get the next message; a fault in it must not lose the end of the run."""
        try:
            return agents.next_active_agent(context, shared)
        except Exception as error:
            self.count_fault("holder", error)
            return ""

    def _new_log(self, context: Any) -> SessionLog:
        session = context.session
        names = session.app_name, session.user_id, session.id
        path, self.file = self.file, None
        user, shown = self.name_of(session.user_id), self.name_of(session.id)
        path = path or log_path(self.directory, *names, shown)
        header = Header(
            flow_log=SCHEMA,
            adk=_ADK,
            adk_flow=_ADK_FLOW,
            app=session.app_name,
            session=shown,
            user=user,
            digest=session_digest(*names),
            time=now(),
            model=extract.model_of(context),
            construct=self.construct,
            texts=self.capture,
        )
        return SessionLog(path, header, self.keep, self.file_mode)
