"""The process behind `Peers`: `python -m` this, a `PeerJob` on stdin, whose end ends it."""

import asyncio
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, nullcontext
from contextvars import ContextVar
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

import msgspec
import uvicorn
from google.adk.a2a.utils.agent_to_a2a import to_a2a
from google.adk.agents.base_agent import BaseAgent
from google.adk.apps import App
from google.adk.events.event import Event
from google.adk.models.llm_request import LlmRequest
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.runners import Runner
from google.adk.sessions.in_memory_session_service import InMemorySessionService
from opentelemetry import context, propagate
from pydantic import PrivateAttr

from adk_flow._adk import tools_inline
from adk_flow.errors import AdkFlowError
from adk_flow.log.schema import Header, Record
from adk_flow.models.enforcement import in_force, override_in_force
from adk_flow.models.faulty import Fault
from adk_flow.models.keyless import KeylessModel
from adk_flow.models.override import Override
from adk_flow.models.planned.turn import PlanError
from adk_flow.models.planned.view import read_view
from adk_flow.record.plugin import FlowPlugin
from adk_flow.record.recorder import Recorder
from adk_flow.run.app import load_app
from adk_flow.scenario.plan import PlannedCall
from adk_flow.wiring.copies import Team
from adk_flow.wiring.parts import parts_of
from adk_flow.wiring.peers import BUDGET, HEADER, MessageTerms, PeerJob, SentFault

_GRACE = 2.0
"""Seconds in which what runs may end."""

_terms: ContextVar[MessageTerms] = ContextVar("adk_flow_terms")


class _Channel:
    """Calls what the process that started this one offers, one call at a time."""

    def __init__(self, number: int) -> None:
        self._connection, self._lock = Connection(number), threading.Lock()

    def call(self, target: str, method: str, *arguments: Any) -> Any:
        """Calls a method there; a RuntimeError if it fails, or nobody answers."""
        with self._lock:
            try:
                self._connection.send((target, method, [*map(_plain, arguments)]))
                answer, fault = self._connection.recv()
            except (EOFError, OSError):
                answer, fault = None, "nobody answers"
        if fault:
            raise RuntimeError(fault)
        return answer

    def tell(self, failure: str) -> None:
        """Says why nothing is served; empty if it is."""
        self._connection.send(failure)


def _plain(value: Any) -> Any:
    """Makes texts of what in a value only this process knows."""
    return msgspec.json.decode(msgspec.json.encode(value, enc_hook=str), type=type(value))


class _RelayedPlan(KeylessModel):
    """A model that asks for each step where the plan plays."""

    model: str = "planned"
    _call: Callable[..., Any] = PrivateAttr()

    def __init__(self, call: Callable[..., Any]) -> None:
        super().__init__(model="planned")
        self._call = call

    def decide(self, request: LlmRequest) -> tuple[str, Sequence[tuple[str, dict[str, Any]]]]:
        """Gives the next step of the agent that asks; a PlanError if it is impossible."""
        try:
            return self._call("next_step", read_view(request))
        except RuntimeError as error:
            raise PlanError(str(error)) from None

    def stub(self, agent: str, tool: str, arguments: dict[str, Any]) -> PlannedCall | None:
        """Gives what the plan says that comes of a tool; None where it is run."""
        return self._call("stub", agent, tool, arguments)


class _Recorder(FlowPlugin):
    """Keeps the logs of each conversation in the folder that its messages name."""

    def __init__(self, own: Recorder, channel: _Channel) -> None:
        """Takes the settings of the app's own recorder."""
        settings = {"directory": own.directory, "capture": own.capture}
        super().__init__(**settings, construct="remote", listener=self._spend)
        self._directory, self._channel = own.directory, channel

    async def on_user_message_callback(self, **hook: Any) -> None:
        # Nothing comes between this and the first record, which opens the log.
        self.recorder.directory = self._directory / _terms.get().folder
        await super().on_user_message_callback(**hook)

    def _spend(self, header: Header, record: Record) -> None:
        if _terms.get().limited and record.hook in ("before_model", "after_model", "model_call"):
            self._channel.call(BUDGET, "listen", header, record)


class _RelayedFault(Fault):
    """A fault that strikes when the other process says so."""

    def __init__(self, sent: SentFault, channel: _Channel) -> None:
        super().__init__(sent.kind, sent.agent, seconds=0)
        self.turn, self._target, self._channel = sent.turn, sent.target, channel

    def strikes(self, agent: str) -> bool:
        return self._channel.call(self._target, "strikes", agent)


class _Terms(BasePlugin):
    """Does what plugins of the other process do there: keeps to a budget, poisons results."""

    def __init__(self, channel: _Channel) -> None:
        super().__init__(name="adk_flow_terms")
        self._channel = channel

    async def before_tool_callback(self, **hook: Any) -> dict[str, Any] | None:
        override = override_in_force()
        fault = override.fault if override else None
        return await fault.before_tool_callback(**hook) if fault else None

    async def before_model_callback(self, **hook: Any) -> None:
        """Refuses the call, by a RuntimeError, if there is no room."""
        if _terms.get().limited:
            self._channel.call(BUDGET, "take")


class _Runner(Runner):
    """Runs an agent as a message says."""

    def __init__(self, agent: BaseAgent, plugins: Sequence[BasePlugin], channel: _Channel) -> None:
        app = App(name=agent.name, root_agent=agent, plugins=[*plugins])
        super().__init__(app=app, session_service=InMemorySessionService())
        self._channel = channel

    @asynccontextmanager
    async def lifespan(self, app: Any) -> AsyncGenerator[None]:
        """Closes plugins and toolsets at the end."""
        yield
        await self.close()

    async def run_async(self, **message: Any) -> AsyncGenerator[Event]:
        terms = _terms.get()
        with in_force(self._override(terms)), tools_inline() if terms.plan else nullcontext():
            async with aclosing(super().run_async(**message)) as events:
                async for event in events:
                    yield event

    def _override(self, terms: MessageTerms) -> Override:
        fault = _RelayedFault(terms.fault, self._channel) if terms.fault else None
        if not terms.plan:
            return Override(terms.model, terms.pace, retries=terms.retries, fault=fault)
        model = _RelayedPlan(partial(self._channel.call, terms.plan))
        return Override(model, terms.pace, stub=model.stub, fault=fault)


def _with_terms(app: Any, key: str) -> Any:
    """Reads of each message how it is to be answered, and whose trace it goes on."""

    async def served(scope: Any, receive: Any, send: Any) -> None:
        pairs = scope.get("headers", ())
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in pairs}
        terms = msgspec.json.decode(headers.get(HEADER, "{}"), type=MessageTerms)
        _terms.set(terms if terms.key == key else MessageTerms())
        context.attach(propagate.extract(headers))
        await app(scope, receive, send)

    return served


def _servers(job: PeerJob, channel: _Channel) -> Iterator[tuple[uvicorn.Server, socket.socket]]:
    app = load_app(job.app)
    root: Any = app.root_agent
    parts = parts_of(root, deep=job.deep)
    own = next((plugin for plugin in app.plugins if isinstance(plugin, FlowPlugin)), FlowPlugin())
    copies = {agent.name: agent for agent in Team(parts.lead, parts.specialists).everybody()}
    for name, number in job.sockets.items():
        listening = socket.socket(fileno=number)
        plugins = [_Recorder(own.recorder, channel), _Terms(channel)]
        runner = _Runner(copies[name], plugins, channel)
        port = listening.getsockname()[1]
        served = to_a2a(
            copies[name], host="127.0.0.1", port=port, runner=runner, lifespan=runner.lifespan
        )
        config = uvicorn.Config(_with_terms(served, job.key), log_level="error", ws="none")
        yield uvicorn.Server(config), listening


async def _serve(job: PeerJob, channel: _Channel, is_over: threading.Event) -> None:
    served = dict(_servers(job, channel))
    tasks = [asyncio.ensure_future(server.serve([port])) for server, port in served.items()]
    pairs = list(zip(served, tasks, strict=True))
    while not all(server.started or task.done() for server, task in pairs):  # noqa: ASYNC110 - uvicorn gives no event
        await asyncio.sleep(0.01)
    channel.tell("")
    await asyncio.to_thread(is_over.wait)
    for server in served:
        server.should_exit = True
    await asyncio.gather(*tasks)


def _end_with_stdin(is_over: threading.Event) -> None:
    """Waits until whoever started the process closes its stdin, or has ended."""
    sys.stdin.buffer.read()
    is_over.set()
    time.sleep(_GRACE)
    os._exit(0)


def serve_peers() -> None:
    """Serves what the job on stdin says."""
    job = msgspec.json.decode(sys.stdin.buffer.readline(), type=PeerJob)
    channel, is_over = _Channel(job.channel), threading.Event()
    threading.Thread(target=_end_with_stdin, args=[is_over], daemon=True).start()
    os.dup2(2, 1)  # what the app prints is no result of the command that asks it
    for name in ("google_adk", "a2a"):  # what fails is told to who asked
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        asyncio.run(_serve(job, channel, is_over))
    except AdkFlowError as error:
        channel.tell(str(error))
        sys.exit(2)


if __name__ == "__main__":
    serve_peers()
