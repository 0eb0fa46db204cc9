"""The recorder: an ADK plugin that writes each hook's firing into the flow log of its session."""

from __future__ import annotations

import functools
import os
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import CoroutineType
from typing import Any, ParamSpec
from weakref import WeakSet

from google.adk.agents.base_agent import BaseAgent
from google.adk.agents.callback_context import CallbackContext
from google.adk.agents.invocation_context import InvocationContext
from google.adk.events.event import Event
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.plugins.plugin_manager import PluginManager
from google.adk.tools.base_tool import BaseTool
from google.adk.tools.tool_context import ToolContext
from google.genai import types
from msgspec.structs import replace

from adk_flow.log.private import PRIVATE
from adk_flow.log.schema import Record
from adk_flow.record import events, extract, remote, tool_calls
from adk_flow.record.activations import OpenRun, call_around, kind_of
from adk_flow.record.hookless_errors import hear_error, is_hookless, watch_errors
from adk_flow.record.recorder import Listener, Recorder, capture_from_env
from adk_flow.record.scenes import RecordedRequest
from adk_flow.record.start_watch import start_page

P = ParamSpec("P")


def _guarded_hook(hook: Callable[P, None]) -> Callable[P, CoroutineType[Any, Any, None]]:
    """Makes an ADK hook of a function; its faults are counted and never reach the app."""
    name = hook.__name__.strip("_").removesuffix("_callback")

    @functools.wraps(hook)
    async def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            hook(*args, **kwargs)
        except Exception as error:
            plugin: Any = args[0]
            with suppress(Exception):  # a handler of the app's logging may raise
                plugin.recorder.count_fault(name, error)

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
        capture: str | None = None,
        redact: bool = True,
        construct: str = "",
        file_mode: int = PRIVATE,
        listener: Listener | None = None,
        is_replaying: Callable[[], bool] | None = None,
        watch: bool = False,
    ) -> None:
        """Sets where the logs go and what they keep.

        Args:
          name: ADK's name of the plugin.
          directory: folder of the logs; by default `ADK_FLOW_DIR` or `flow_logs`.
          file: the log of the first session, instead of a name in `directory`.
          capture: `full`, `preview` or `none`; by default `ADK_FLOW_TEXTS` or `full`.
          redact: whether secrets in texts are masked.
          construct: how the agents are wired, for the header.
          file_mode: of a new log; 0o640 lets a group read it, and enter its folder.
          listener: called with the header and each record, written or not.
          is_replaying: tells whether a durable engine takes a step again; such steps do not count.
          watch: starts the page of the logs (`adk-flow watch`), in a process that ends with this
            one and prints its address on stderr.

        Raises:
          ValueError: `capture` is not one of the three.
        """
        super().__init__(name=name)
        self.recorder = Recorder(
            directory=Path(directory or os.environ.get("ADK_FLOW_DIR") or "flow_logs"),
            capture=capture or capture_from_env(),
            file=Path(file) if file else None,
            redact=redact,
            construct=construct,
            file_mode=file_mode,
            listener=listener,
            is_replaying=is_replaying,
        )
        self.faults: Counter[str] = self.recorder.faults
        """Hooks that could not be recorded, by hook."""
        self.paths: deque[Path] = self.recorder.paths
        """The logs that were begun last."""
        self._followed: WeakSet[PluginManager] = WeakSet()
        self._is_extra = name.endswith(f".{type(self).__name__}")  # ADK names these by path
        watch_errors()
        if watch:
            start_page(self.recorder.directory)

    @property
    def listener_faults(self) -> int:
        """Records that the listener failed on."""
        return self.recorder.listener_faults

    @property
    def first_fault(self) -> str:
        """What went wrong first; empty if nothing did."""
        return self.recorder.first_fault

    @_guarded_hook
    def close(self) -> None:
        """Closes all logs and reports what could not be recorded."""
        if call_around(self.recorder.number) is None:
            # AgentTool closes the plugins that it shares (1.39.1 and 2.0.0, not 2.13).
            self.recorder.close()

    # Runs

    @_guarded_hook
    def on_user_message_callback(
        self, *, invocation_context: InvocationContext, user_message: types.Content
    ) -> None:
        """Records the words that start a turn, or a nested run."""
        if self._is_extra and self._stands_back(invocation_context):
            return
        self._begin_run(invocation_context, user_message)

    @_guarded_hook
    def before_run_callback(self, *, invocation_context: InvocationContext) -> None:
        """Records that a Runner starts."""
        if self._is_extra and self._stands_back(invocation_context):
            return
        self._follow_events(invocation_context.plugin_manager)
        if not self.recorder.runs.knows(invocation_context):
            # Another plugin answered for the user's message before this one came first.
            self._begin_run(invocation_context, invocation_context.user_content)
        live = getattr(invocation_context, "live_request_queue", None) is not None
        plugins = invocation_context.plugin_manager.plugins
        ahead = extract.hooks_before(plugins, self)
        behind = extract.hooks_before(reversed(plugins), self)
        resumability = getattr(invocation_context, "resumability_config", None)
        run = self.recorder.runs.of(invocation_context)
        is_heard = "user_message" in behind  # by a plugin that may have put other words in place
        words = extract.words_kept(invocation_context) if is_heard else run.said
        record = Record(
            hook="before_run",
            time=0,
            run=run.number,
            text=words if words != run.said else "",
            ahead=ahead,
            shared=tuple(sorted(run.shared)),
            resumable=bool(getattr(resumability, "is_resumable", False)),
            live=live,
        )
        self.recorder.write_run(run, invocation_context, record, letter="u")
        run.live, run.ahead, run.behind = live, ahead, behind
        self.recorder.set_scene(run, agent=getattr(invocation_context.agent, "name", ""))

    def _begin_run(self, context: InvocationContext, message: types.Content | None) -> None:
        hear_error(self.on_run_error_callback, invocation_context=context)
        self.recorder.write_message(context, message)

    @_guarded_hook
    def after_run_callback(self, *, invocation_context: InvocationContext) -> None:
        """Records that a Runner ended, and who will get the next message."""
        if event := self.recorder.untold_answer(invocation_context):
            self._write_event(invocation_context, event, None)
        self.recorder.end_run("after_run", invocation_context)

    @_guarded_hook
    def on_run_error_callback(
        self, *, invocation_context: InvocationContext, error: Exception
    ) -> None:
        """Records that a Runner ended with an error, and who will get the next message."""
        text = extract.of_error(error, self.recorder.keep)
        self.recorder.end_run("run_error", invocation_context, text)

    # Agents

    @_guarded_hook
    def before_agent_callback(self, *, agent: BaseAgent, callback_context: CallbackContext) -> None:
        """Records that an agent begins."""
        of = {"agent": agent, "callback_context": callback_context}
        hear_error(self.on_agent_error_callback, **of)
        invocation, path = callback_context._invocation_context, extract.path_of(callback_context)
        self.recorder.begin_agent(agent, invocation, path, invocation.branch or "")

    @_guarded_hook
    def after_agent_callback(self, *, agent: BaseAgent, callback_context: CallbackContext) -> None:
        """Records that an agent ended."""
        invocation = callback_context._invocation_context
        run = self.recorder.runs.of(invocation)
        place = (invocation.branch, agent.name, extract.path_of(callback_context))
        activation = run.end(*place, self.recorder.frame_here(run, *place))
        self._end_agent("after_agent", run, activation, agent.name)

    @_guarded_hook
    def on_agent_error_callback(
        self, *, agent: BaseAgent, callback_context: CallbackContext, error: Exception
    ) -> None:
        """Records that an agent ended with an error."""
        invocation = callback_context._invocation_context
        run = self.recorder.runs.of(invocation)
        place = (invocation.branch, agent.name, extract.path_of(callback_context))
        # An `after_agent_callback` fails when the frame has ended.
        here = self.recorder.frame_here(run, *place)
        activation = run.end(*place, here) or run.activation(*place, closed=True)
        text = extract.of_error(error, self.recorder.keep)
        self._end_agent("agent_error", run, activation, agent.name, text)

    def _end_agent(
        self, hook: str, run: OpenRun, activation: int, agent: str, error: str = ""
    ) -> None:
        self.recorder.stop_asking(run, activation)
        place = {"run": run.number, "activation": activation, "agent": agent}
        hidden = bool(error) and is_hookless(hook)
        end = Record(hook=hook, time=0, **place, error=error, hidden=hidden)
        self.recorder.write(run.log, end)

    # Models

    @_guarded_hook
    def before_model_callback(
        self, *, callback_context: CallbackContext, llm_request: LlmRequest
    ) -> None:
        """Records what a model is about to be sent, short of what callbacks change of it yet."""
        invocation: Any = callback_context._invocation_context
        run, activation, agent = self.recorder.place(callback_context)
        branch, path = invocation.branch, extract.path_of(callback_context)
        run.tools[activation] = llm_request.tools_dict
        place = (run.number if run.cause else 0, agent, branch, path)
        # ADK shows typed words of a live session here (2.13, live/_live_llm_flow.py).
        heard = self.recorder.keep(extract.asked_in(llm_request)) if run.live else ""
        fields = {"activation": activation, "agent": agent, "heard": heard}
        try:
            sent = self.recorder.write_request("before_model", run, place, llm_request, **fields)
        finally:
            scene = self.recorder.ask_model(run, activation, agent, llm_request.model or "")
        if run.may_change("before_model", invocation.agent):
            scene.recorded = RecordedRequest(llm_request, sent, extract.declared_names(llm_request))

    @_guarded_hook
    def after_model_callback(
        self, *, callback_context: CallbackContext, llm_response: LlmResponse
    ) -> None:
        """Records what a model answered."""
        run, activation, agent = self.recorder.place(callback_context)
        partial, keep = bool(llm_response.partial), self.recorder.keep
        scene = run.asking.get(activation)
        model = scene.answer(is_whole=not partial) if scene else ""
        # Of a wrapper that asked several at once, the others are entries of their own.
        own = scene.own if scene and scene.own and not scene.own.error else None
        kept_of_arguments = extract.nothing if partial else keep
        words, calls, _ = extract.said_in(
            llm_response.content, run.tools.get(activation), kept_of_arguments
        )
        record = Record(
            hook="after_model",
            time=0,
            run=run.number,
            activation=activation,
            agent=agent,
            text="" if partial else words,
            model=model,
            # Releases before 1.19 do not say.
            version=(own and own.version) or getattr(llm_response, "model_version", None) or "",
            calls=calls,
            usage=extract.of_usage((own and own.usage) or llm_response.usage_metadata),
            partial=partial,
            finish=extract.finish_of(llm_response),
            error=extract.error_of(llm_response, keep),
        )
        self.recorder.write(run.log, record)

    @_guarded_hook
    def on_model_error_callback(
        self, *, callback_context: CallbackContext, llm_request: LlmRequest, error: Exception
    ) -> None:
        """Records that a model call failed."""
        run, activation, agent = self.recorder.place(callback_context)
        scene = run.asking.get(activation)
        model = scene.answer(is_whole=True) if scene else ""
        text = extract.of_error(error, self.recorder.keep)
        place = {"run": run.number, "activation": activation, "agent": agent, "model": model}
        self.recorder.write(run.log, Record(hook="model_error", time=0, **place, error=text))

    # Tools

    @_guarded_hook
    def before_tool_callback(
        self, *, tool: BaseTool, tool_args: dict[str, Any], tool_context: ToolContext
    ) -> None:
        """Records a tool call, and shows it to whatever runs inside it."""
        run, _, _ = place = self.recorder.enter_call(tool, tool_context)
        text = extract.of_arguments(tool_args, kind_of(tool))
        record = tool_calls.read_tool_call("before_tool", tool, tool_context, place, text=text)
        self.recorder.write(run.log, record)
        if run.may_change("before_tool", tool_context._invocation_context.agent):
            self.recorder.follow_arguments(tool, tool_context, place, text)

    @_guarded_hook
    def after_tool_callback(
        self, *, tool: BaseTool, tool_args: dict[str, Any], tool_context: ToolContext, result: Any
    ) -> None:
        """Records what a tool gave back."""
        run, _, agent = place = self.recorder.leave_call(tool_context)
        text, form = extract.of_result(result)
        withheld = tool_calls.withheld_of(result, tool_context, tool)
        error = "" if withheld else tool_calls.failure_of(result, tool, self.recorder.keep)
        fields: dict[str, Any] = {"text": text, "form": form, "withheld": withheld, "error": error}
        record = tool_calls.read_tool_call("after_tool", tool, tool_context, place, **fields)
        self.recorder.write(run.log, record)
        self.recorder.note_transfer(tool_context, run, agent)

    @_guarded_hook
    def on_tool_error_callback(
        self,
        *,
        tool: BaseTool,
        tool_args: dict[str, Any],
        tool_context: ToolContext,
        error: BaseException,
    ) -> None:
        """Records that a tool call failed or was cancelled."""
        run, _, _ = place = self.recorder.leave_call(tool_context)
        fields: dict[str, Any] = {"error": extract.of_error(error, self.recorder.keep)}
        if type(tool) is BaseTool:
            # ADK makes such a one up where a model calls a function that there is not.
            fields["withheld"] = "unknown"
        record = tool_calls.read_tool_call("tool_error", tool, tool_context, place, **fields)
        self.recorder.write(run.log, record)

    # Events

    async def on_event_callback(
        self, *, invocation_context: InvocationContext, event: Event
    ) -> None:
        """Records an event whose runner is not followed: a plugin hid `before_run`."""
        if invocation_context.plugin_manager not in self._followed:
            await self._on_event(invocation_context, event, None)

    def _follow_events(self, manager: PluginManager) -> None:
        """Has events recorded once every plugin had them: as the user reads and ADK keeps them."""
        if manager in self._followed:
            return
        run_plugins = manager.run_on_event_callback

        async def run_and_record(
            *, invocation_context: InvocationContext, event: Event
        ) -> Event | None:
            changed = await run_plugins(invocation_context=invocation_context, event=event)
            await self._on_event(invocation_context, event, changed)
            return changed

        manager.run_on_event_callback = run_and_record
        self._followed.add(manager)

    @_guarded_hook
    def _on_event(
        self, invocation_context: InvocationContext, event: Event, changed: Event | None
    ) -> None:
        self._write_event(invocation_context, event, changed)

    def _write_event(
        self, invocation_context: InvocationContext, event: Event, changed: Event | None
    ) -> None:
        """Writes an event, and notes the transfer and the tasks that it carries."""
        if changed is not None and changed is not event:
            event = events.as_changed(event, changed)
        recorder, author = self.recorder, event.author
        run, path = recorder.runs.of(invocation_context), events.path_of_event(event)
        run.has_events = True
        activation = run.activation(event.branch, author, path, closed=True)
        activation = activation or recorder.begin_hidden(invocation_context, event, path)
        record = events.read_event(event, run, activation, path, recorder.keep, recorder.name_of)
        # One that an agent of the app's hands on later than it came is of a step before.
        scene = None if event.partial or record.responses else run.asking.get(activation)
        if scene is not None and not scene.awaits():
            recorder.stop_asking(run, activation, is_shown=not event.error_code)
        if run.calls and record.responses:
            recorder.end_calls(run, activation, record.responses)
        for call in record.calls:
            if call.kind == "task":
                run.delegating.add(activation)
        if record.transfer:
            run.note_transfer(event.branch, author, path, record.transfer)
        if event.custom_metadata:
            fields = remote.of_remote(event, recorder.keep, recorder.name_of)
            fields |= recorder.read_sent(run, activation, event)
            record = replace(record, **fields)
        recorder.write(run.log, record, letter="m" if author != "user" else "")

    def _stands_back(self, context: InvocationContext) -> bool:
        """Leaves the recording to an app's own recorder, or goes before the app's plugins.

        `--extra_plugins` puts it behind them, and a plugin that returns a value hides its hook
        from all that follow.
        """
        plugins = context.plugin_manager.plugins
        if plugins[0] is self:
            return False
        others = [plugin for plugin in plugins if plugin is not self]
        has_recorder = any(isinstance(plugin, FlowPlugin) for plugin in others)
        # A new list, as runs under way walk the old one.
        context.plugin_manager.plugins = others if has_recorder else [self, *others]
        return has_recorder
