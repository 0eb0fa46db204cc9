"""The runs under way: what each hook is a part of, and the log that it is written to."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from google.adk.agents.invocation_context import InvocationContext

from adk_flow.record import agents
from adk_flow.record.activations import NO_CALLS, OpenRun, call_around, current_calls
from adk_flow.record.client_entries import watch_client
from adk_flow.record.failing_import import spare_failing_import
from adk_flow.record.model_entries import scenes, watch_models
from adk_flow.record.scenes import is_around
from adk_flow.record.sessions import SessionLog, Sessions
from adk_flow.record.threads import watch_threads

_LATEST_ENDS = 64
"""Runs that ended last; a plugin that fails in `after_run` ends its run once more."""

_A2A = "google.adk.a2a.executor"

_Key = tuple[int, str]
"""A run's session, by its copy, and its invocation: ADK resumes a cancelled task under that id."""


class Runs:
    """The runs that one recorder writes of."""

    def __init__(self, recorder: int, new_log: Callable[[Any], SessionLog]) -> None:
        """Begins with none; `new_log` makes the log of a session that is not known."""
        self.sessions = Sessions()
        self._recorder = recorder
        self._new_log = new_log
        self._shared = agents.SharedNames()
        self._open: dict[_Key, OpenRun] = {}
        self._ended: OrderedDict[_Key, OpenRun] = OrderedDict()

    def knows(self, context: InvocationContext) -> bool:
        """Whether a run has begun to be recorded."""
        return (id(context.session), context.invocation_id) in self._open

    def of(self, context: InvocationContext, *, begins: bool = False) -> OpenRun:
        """Finds the run that a hook fires in; a new one belongs to the call it started in.

        One that has ended is found too, unless a message `begins` it anew: what an agent of the
        app's began in a task of its own may go on.
        """
        run = self._open.get((id(context.session), context.invocation_id))
        return run or self._of_copy(context, begins=begins) or self._begin(context)

    def _of_copy(self, context: InvocationContext, *, begins: bool) -> OpenRun | None:
        """Finds the run of one to which ADK 2.4 to 2.7, or the app, gave a copy of the session."""
        events, invocation = context.session.events, context.invocation_id
        runs = [*self._open.items()] if begins else [*self._ended.items(), *self._open.items()]
        for (_, name), run in reversed(runs):
            if name == invocation and not (
                begins and getattr(run.session, "events", 0) is not events
            ):
                return run
        return None

    def _begin(self, context: InvocationContext) -> OpenRun:
        if scenes.get() and is_around(_A2A):
            # Its client may be in this process, and hand on its context, as httpx's ASGITransport.
            scenes.set({})
            current_calls.set(NO_CALLS)
        cause = call_around(self._recorder)
        log = cause.run.log if cause else self._begin_turn(context)
        run = OpenRun(next(log.run_numbers), log, self._recorder, cause, context.session)
        run.shared = cause.run.shared if cause else self._shared.of(agents.root_of(context))
        self._open[id(context.session), context.invocation_id] = run
        return run

    def _begin_turn(self, context: Any) -> SessionLog:
        if not self._open and not self._ended:  # the first run
            watch_models()
            watch_client()
            watch_threads()
            spare_failing_import()  # only now, when the app has imported what it needs
        session = context.session
        key = (session.app_name, session.user_id, session.id)
        log = self.sessions.begin_turn(key, lambda: self._new_log(context))
        for gone in self.sessions.forget_abandoned():
            self._drop_runs_of(gone)
        return log

    def of_end(self, context: InvocationContext, hook: str) -> OpenRun:
        """Finds the run that ends, be it once more, where another plugin's `after_run` failed."""
        key = id(context.session), context.invocation_id
        ended = self._ended.pop(key, None) if hook == "run_error" else None
        if ended is not None and key not in self._open:
            self._open[key] = ended
            ended.log.active += ended.cause is None
        return self.of(context)

    def end(self, run: OpenRun, context: InvocationContext) -> None:
        """Forgets a run, and lets its log go if it was the last of its turn."""
        run.ended = True
        self._set_aside((id(context.session), context.invocation_id), run)
        if run.cause is None:
            self.sessions.end_turn(run.log)
            if run.log.active <= 0:
                self._drop_runs_of(run.log)

    def _set_aside(self, key: _Key, run: OpenRun) -> None:
        self._open.pop(key, None)
        run.session = None
        self._ended[key] = run
        if len(self._ended) > _LATEST_ENDS:
            self._ended.popitem(last=False)

    def _drop_runs_of(self, log: SessionLog) -> None:
        """Sets nested runs aside: cancelled without an end, or, by ADK 1, left to go on."""
        for key, run in list(self._open.items()):
            if run.log is log:
                self._set_aside(key, run)

    def close(self) -> None:
        """Closes all logs, and forgets the runs of those whose turns are over."""
        for log in self.sessions.close():
            self._drop_runs_of(log)
