"""The recorder: an ADK plugin that writes each hook's firing into the flow log of its session."""

from __future__ import annotations

import functools
import logging
import os
import time
from collections import Counter, deque
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from types import CoroutineType
from typing import Any, ParamSpec, get_args

from google.adk.agents.base_agent import BaseAgent
from google.adk.agents.callback_context import CallbackContext
from google.adk.agents.invocation_context import InvocationContext
from google.adk.events.event import Event
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.tools.base_tool import BaseTool
from google.adk.tools.tool_context import ToolContext
from google.genai import types

from adk_flow.log.schema import SCHEMA, Header, Record
from adk_flow.log.writer import log_path
from adk_flow.record import extract
from adk_flow.record.activations import Call, Run, current_calls, kind_of
from adk_flow.record.redact import Capture, keeper, mask
from adk_flow.record.sessions import SessionLog, Sessions

logger = logging.getLogger(__name__)

Listener = Callable[[Header, Record], None]
P = ParamSpec("P")

LATEST_PATHS = 256

_CLOCK_OFFSET = time.time_ns() - time.perf_counter_ns()
_ADK = version("google-adk")
_ADK_FLOW = version("adk-flow")


def _now() -> int:
    return (_CLOCK_OFFSET + time.perf_counter_ns()) // 1000


def _texts_wanted() -> str:
    """Reads `ADK_FLOW_TEXTS`; a slip in it must neither stop the app nor keep too much."""
    wanted = os.environ.get("ADK_FLOW_TEXTS") or "full"
    if wanted in get_args(Capture):
        return wanted
    logger.warning("ADK_FLOW_TEXTS=%s is none of full, preview, none; taking none", wanted)
    return "none"


def _recorded(hook: Callable[P, None]) -> Callable[P, CoroutineType[Any, Any, None]]:
    """Makes an ADK hook of a function; its faults are counted and never reach the app."""
    name = hook.__name__.removesuffix("_callback")

    @functools.wraps(hook)
    async def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            hook(*args, **kwargs)
        except Exception as error:
            plugin: Any = args[0]
            plugin.count_fault(name, error)

    return guarded


class FlowPlugin(BasePlugin):
    """Records how control and conversation move between the agents of any ADK app.

    Put it first in `App(plugins=[…])`, so that no other plugin hides a hook from it. It writes
    one JSONL file a session, never changes what the app does, and counts its own faults in
    `faults`, which it reports when the runner closes.
    """

    def __init__(
        self,
        name: str = "adk_flow",
        *,
        directory: str | Path | None = None,
        file: str | Path | None = None,
        texts: str | None = None,
        masked: bool = True,
        construct: str = "",
        listener: Listener | None = None,
    ) -> None:
        """Sets where the logs go and what they keep.

        Args:
          name: ADK's name of the plugin.
          directory: folder of the logs; by default `ADK_FLOW_DIR` or `flow_logs`.
          file: the log of the first session, instead of a name in `directory`.
          texts: `full`, `preview` or `none`; by default `ADK_FLOW_TEXTS` or `full`.
          masked: whether secrets in texts are masked.
          construct: how the agents are wired, for the header.
          listener: called with the header and each record, written or not.

        Raises:
          ValueError: `texts` is not one of the three.
        """
        super().__init__(name=name)
        self.directory = Path(directory or os.environ.get("ADK_FLOW_DIR") or "flow_logs")
        self.texts = texts or _texts_wanted()
        self.construct = construct
        self.listener = listener
        self.faults: Counter[str] = Counter()
        """Firings that could not be recorded, by hook."""
        self.first_fault = ""
        self.paths: deque[Path] = deque(maxlen=LATEST_PATHS)
        """The logs that were begun last."""
        self._is_extra = name.endswith(f".{type(self).__name__}")  # ADK names these by path
        self._file = Path(file) if file else None
        self._keep = keeper(self.texts, masked)
        self._runs: dict[tuple[str, str], Run] = {}
        self._sessions = Sessions()

    def count_fault(self, hook: str, error: BaseException) -> None:
        """Counts a fault of the recorder itself; the first is logged at once."""
        self.faults[hook] += 1
        if not self.first_fault:
            self.first_fault = f"{hook}: {extract.of_error(error, mask)}"
            logger.warning("adk-flow could not record %s", self.first_fault)

    async def close(self) -> None:
        """Closes all logs and reports what could not be recorded."""
        if id(self) in current_calls.get():
            return  # AgentTool closes the plugins that it shares (1.39.1 and 2.0.0, not 2.13).
        try:
            for log in self._sessions.close():
                self._drop_runs_of(log)
        except Exception as error:
            self.count_fault("close", error)
        if self.faults:
            counts = ", ".join(f"{hook} {count}" for hook, count in self.faults.items())
            logger.warning(
                "adk-flow did not record %d hooks (%s); the first was %s",
                self.faults.total(),
                counts,
                self.first_fault,
            )

    # Runs

    @_recorded
    def on_user_message_callback(
        self, *, invocation_context: InvocationContext, user_message: types.Content
    ) -> None:
        """Records the words that start a turn, or a nested run."""
        self._stand_first(invocation_context)
        self._write_message(invocation_context, user_message)

    @_recorded
    def before_run_callback(self, *, invocation_context: InvocationContext) -> None:
        """Records that a Runner starts."""
        self._stand_first(invocation_context)
        if (invocation_context.session.id, invocation_context.invocation_id) not in self._runs:
            # Another plugin answered for the user's message before this one came first.
            self._write_message(invocation_context, invocation_context.user_content)
        self._write_run("before_run", invocation_context)

    @_recorded
    def after_run_callback(self, *, invocation_context: InvocationContext) -> None:
        """Records that a Runner ended, and who will get the next message."""
        self._end_run("after_run", invocation_context)

    @_recorded
    def on_run_error_callback(
        self, *, invocation_context: InvocationContext, error: Exception
    ) -> None:
        """Records that a Runner ended with an error, and who will get the next message."""
        self._end_run("run_error", invocation_context, error=extract.of_error(error, self._keep))

    # Agents

    @_recorded
    def before_agent_callback(self, *, agent: BaseAgent, callback_context: CallbackContext) -> None:
        """Records that a frame begins."""
        invocation = callback_context._invocation_context
        run, branch = self._run(invocation), invocation.branch or ""
        activation, how = run.begin(agent, branch, extract.path_of(callback_context))
        self._write(
            "before_agent",
            run,
            activation=activation,
            agent=agent.name,
            cause=how.cause,
            parent=how.parent,
            call=how.call,
            parent_name=how.parent_name,
            branch=branch,
        )

    @_recorded
    def after_agent_callback(self, *, agent: BaseAgent, callback_context: CallbackContext) -> None:
        """Records that an agent ended."""
        invocation = callback_context._invocation_context
        run = self._run(invocation)
        activation = run.end(invocation.branch, agent.name, extract.path_of(callback_context))
        self._write("after_agent", run, activation=activation, agent=agent.name)

    @_recorded
    def on_agent_error_callback(
        self, *, agent: BaseAgent, callback_context: CallbackContext, error: Exception
    ) -> None:
        """Records that an agent ended with an error."""
        invocation = callback_context._invocation_context
        run = self._run(invocation)
        activation = run.end(invocation.branch, agent.name, extract.path_of(callback_context))
        text = extract.of_error(error, self._keep)
        self._write("agent_error", run, activation=activation, agent=agent.name, error=text)

    # Models

    @_recorded
    def before_model_callback(
        self, *, callback_context: CallbackContext, llm_request: LlmRequest
    ) -> None:
        """Records what a model is about to be sent."""
        run, activation, agent = self._place(callback_context)
        run.tools[activation] = llm_request.tools_dict
        new: dict[int, str] = {}
        request = extract.of_request(llm_request, lambda text: run.log.number(text, new))
        model = llm_request.model or ""
        try:
            self._write(
                "before_model",
                run,
                activation=activation,
                agent=agent,
                model=model,
                request=request,
                texts=new,
            )
        except OSError:
            run.log.forget(new)
            raise

    @_recorded
    def after_model_callback(
        self, *, callback_context: CallbackContext, llm_response: LlmResponse
    ) -> None:
        """Records what a model answered."""
        run, activation, agent = self._place(callback_context)
        content = llm_response.content
        self._write(
            "after_model",
            run,
            activation=activation,
            agent=agent,
            # A secret cut in two by streaming could not be masked, and the whole follows anyway.
            text="" if llm_response.partial else extract.words_of(content),
            calls=extract.calls_of(content, run.tools.get(activation), self._keep),
            usage=extract.of_usage(llm_response.usage_metadata),
            partial=bool(llm_response.partial),
            error=extract.error_of(llm_response, self._keep),
        )

    @_recorded
    def on_model_error_callback(
        self, *, callback_context: CallbackContext, llm_request: LlmRequest, error: Exception
    ) -> None:
        """Records that a model call failed."""
        run, activation, agent = self._place(callback_context)
        text = extract.of_error(error, self._keep)
        self._write("model_error", run, activation=activation, agent=agent, error=text)

    # Tools

    @_recorded
    def before_tool_callback(
        self, *, tool: BaseTool, tool_args: dict[str, Any], tool_context: ToolContext
    ) -> None:
        """Records a tool call, and shows it to whatever runs inside it."""
        run, activation, _ = self._place(tool_context)
        call, kind = tool_context.function_call_id or "", kind_of(tool)
        calls = {**current_calls.get(), id(self): Call(run, activation, call, tool.name, kind)}
        run.tokens[call] = current_calls.set(calls)
        text = extract.of_arguments(tool_args, kind)
        self._write_tool("before_tool", tool, tool_context, text=text)

    @_recorded
    def after_tool_callback(
        self, *, tool: BaseTool, tool_args: dict[str, Any], tool_context: ToolContext, result: Any
    ) -> None:
        """Records what a tool gave back."""
        self._leave_call(tool_context)
        self._write_tool("after_tool", tool, tool_context, text=extract.of_result(result))

    @_recorded
    def on_tool_error_callback(
        self,
        *,
        tool: BaseTool,
        tool_args: dict[str, Any],
        tool_context: ToolContext,
        error: BaseException,
    ) -> None:
        """Records that a tool call failed or was cancelled."""
        self._leave_call(tool_context)
        text = extract.of_error(error, self._keep)
        self._write_tool("tool_error", tool, tool_context, error=text)

    # Events

    @_recorded
    def on_event_callback(self, *, invocation_context: InvocationContext, event: Event) -> None:
        """Records an event, and the transfer that it carries."""
        run = self._run(invocation_context)
        path = extract.path_of_event(event)
        activation = run.activation(event.branch, event.author, path)
        content, actions = event.content, event.actions
        words = "" if event.partial else extract.words_of(content)
        responses = extract.responses_of(content)
        final = event.is_final_response()
        if not words and (final or event.author == "user"):
            # With skip_summarization the tool's result is what the user reads, and ADK hands a
            # task's result to the delegating agent as an event of the user's.
            words = extract.results_of(content)
        calls = extract.calls_of(content, run.tools.get(activation), self._keep)
        if actions.transfer_to_agent:
            run.hand_over(event.branch, event.author, path, actions.transfer_to_agent)
        self._write(
            "event",
            run,
            activation=activation,
            agent=event.author,
            branch=event.branch or "",
            text=words,
            calls=calls,
            responses=tuple([response.id or "" for response in responses]),
            usage=extract.of_usage(event.usage_metadata),
            transfer=actions.transfer_to_agent or "",
            final=final,
            partial=bool(event.partial),
            pending=tuple(sorted(event.long_running_tool_ids))
            if event.long_running_tool_ids
            else (),
            state=tuple(actions.state_delta),
            artifacts=tuple(actions.artifact_delta),
            error=extract.error_of(event, self._keep),
        )

    # Writing

    def _write(self, hook: str, run: Run, *, text: str = "", **fields: Any) -> None:
        kept = self._keep(text) if text else ""
        record = Record(hook=hook, time=_now(), run=run.number, text=kept, size=len(text), **fields)
        try:
            run.log.write(record)
        finally:
            self._tell(run.log.header, record)

    def _tell(self, header: Header, record: Record) -> None:
        """Hands a record to the listener, whose faults are its own."""
        if self.listener is None:
            return
        try:
            self.listener(header, record)
        except (Exception, SystemExit) as error:  # rich exits where nobody reads any more
            self.count_fault("listener", error)
            if isinstance(error, (OSError, SystemExit)):
                self.listener = None

    def _write_run(self, hook: str, context: InvocationContext, **fields: Any) -> Run:
        run = self._run(context)
        if run.cause is not None:
            fields |= {"parent": run.cause.activation, "call": run.cause.id}
        if context.agent is not None:
            fields["agent"] = context.agent.name
        self._write(hook, run, faults=self.faults.total(), **fields)
        return run

    def _write_message(self, context: InvocationContext, message: types.Content | None) -> None:
        # What resumes a paused run has no words, but the results that it waited for.
        text = extract.words_of(message) or (extract.results_of(message) if message else "")
        self._write_run("user_message", context, text=text)

    def _write_tool(self, hook: str, tool: BaseTool, context: ToolContext, **fields: Any) -> None:
        run, activation, agent = self._place(context)
        call = context.function_call_id or ""
        fields |= extract.place_of(tool, context._invocation_context)
        self._write(
            hook,
            run,
            activation=activation,
            agent=agent,
            tool=tool.name,
            kind=kind_of(tool),
            call=call,
            **fields,
        )

    # Places

    def _stand_first(self, context: InvocationContext) -> None:
        """Goes before an app's own plugins, which `--extra_plugins` puts before it.

        A plugin that returns a value hides its hook from all that follow.
        """
        plugins = context.plugin_manager.plugins
        if self._is_extra and not isinstance(plugins[0], FlowPlugin):
            # A new list, as runs under way walk the old one.
            first = [self, *[one for one in plugins if one is not self]]
            context.plugin_manager.plugins = first

    def _place(self, context: Any) -> tuple[Run, int, str]:
        """Finds the run, frame and agent that a model's or tool's hook fires in."""
        invocation = context._invocation_context
        run, agent = self._run(invocation), invocation.agent.name
        return run, run.activation(invocation.branch, agent, extract.path_of(context)), agent

    def _leave_call(self, context: ToolContext) -> None:
        token = self._run(context._invocation_context).tokens.pop(
            context.function_call_id or "", None
        )
        if token is not None:
            current_calls.reset(token)

    def _run(self, context: InvocationContext) -> Run:
        """Finds the run that a hook fires in; a new one belongs to the call it started in."""
        key = (context.session.id, context.invocation_id)
        run = self._runs.get(key)
        if run is None:
            cause = current_calls.get().get(id(self))
            log = cause.run.log if cause else self._begin_turn(context)
            run = self._runs[key] = Run(next(log.run_numbers), log, id(self), cause)
        return run

    def _end_run(self, hook: str, context: InvocationContext, **fields: Any) -> None:
        run = self._run(context)
        active_agent = self._holder(context) if run.cause is None else ""
        try:
            self._write_run(hook, context, active_agent=active_agent, **fields)
        finally:
            self._runs.pop((context.session.id, context.invocation_id), None)
            if run.cause is None:
                self._sessions.end_turn(run.log)
                if run.log.active <= 0:
                    self._drop_runs_of(run.log)

    def _holder(self, context: InvocationContext) -> str:
        """Asks who will get the next message; a fault in it must not lose the end of the run."""
        try:
            return extract.next_active_agent(context)
        except Exception as error:
            self.count_fault("holder", error)
            return ""

    def _drop_runs_of(self, log: SessionLog) -> None:
        """Forgets nested runs that were cancelled, of which ADK does not tell the end."""
        for key in [key for key, run in self._runs.items() if run.log is log]:
            del self._runs[key]

    def _begin_turn(self, context: Any) -> SessionLog:
        session = context.session
        key = (session.app_name, session.user_id, session.id)
        log = self._sessions.begin_turn(key, lambda: self._new_log(context))
        for gone in self._sessions.forget_abandoned(_now()):
            self._drop_runs_of(gone)
        if not log.listed:
            log.listed = True
            self.paths.append(log.path)
        return log

    def _new_log(self, context: Any) -> SessionLog:
        session = context.session
        path, self._file = self._file, None
        path = path or log_path(self.directory, session.app_name, session.user_id, session.id)
        header = Header(
            flow_log=SCHEMA,
            adk=_ADK,
            adk_flow=_ADK_FLOW,
            app=session.app_name,
            session=session.id,
            time=_now(),
            model=extract.model_of(context),
            construct=self.construct,
            texts=self.texts,
        )
        return SessionLog(path, header, self._keep)
