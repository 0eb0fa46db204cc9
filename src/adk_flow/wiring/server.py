"""The process behind `Peers`: `python -m` this, a `PeerJob` on stdin, whose end ends it."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, nullcontext
from contextvars import ContextVar
from typing import Any

import msgspec
import uvicorn
from google.adk.a2a.utils.agent_to_a2a import to_a2a
from google.adk.agents.base_agent import BaseAgent
from google.adk.apps import App
from google.adk.events.event import Event
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.runners import Runner
from google.adk.sessions.in_memory_session_service import InMemorySessionService
from opentelemetry import context, propagate

from adk_flow._adk import tools_inline
from adk_flow.errors import AdkFlowError
from adk_flow.log.schema import Header, Record
from adk_flow.models.enforcement import in_force, override_in_force
from adk_flow.models.faulty import Fault
from adk_flow.models.override import Override
from adk_flow.models.planned.model import PlanAnswer, PlanQuestion, RelayedPlan
from adk_flow.record.plugin import FlowPlugin
from adk_flow.record.recorder import Recorder
from adk_flow.run.app import load_app
from adk_flow.wiring.copies import Team
from adk_flow.wiring.parts import parts_of
from adk_flow.wiring.peers import HEADER, MessageTerms, PeerJob, SentFault, Spending, Strike

_GRACE = 2.0
"""Seconds in which what runs may end."""

_terms: ContextVar[MessageTerms] = ContextVar("adk_flow_terms")


class _Channel:
    """The socket by which the process asks back, one question at a time."""

    def __init__(self, number: int) -> None:
        self._file: Any = socket.socket(fileno=number).makefile("rwb")
        self._lock = threading.Lock()

    def ask(self, question: PlanQuestion | Spending | Strike) -> PlanAnswer:
        with self._lock:
            self.tell(msgspec.json.encode(question, enc_hook=str))
            line = self._file.readline()
        return (
            msgspec.json.decode(line, type=PlanAnswer)
            if line
            else PlanAnswer(fault="nobody answers")
        )

    def tell(self, line: bytes) -> None:
        self._file.write(line + b"\n")
        self._file.flush()


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
            self._channel.ask(Spending(header, record))


class _RelayedFault(Fault):
    """A fault that strikes when the other process says so."""

    def __init__(self, sent: SentFault, channel: _Channel) -> None:
        super().__init__(sent.kind, sent.agent, seconds=0)
        self.turn, self._number, self._channel = sent.turn, sent.number, channel

    def strikes(self, agent: str) -> bool:
        return self._channel.ask(Strike(self._number, agent)).struck


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
        """Refuses the call.

        Raises:
          RuntimeError: there is no room.
        """
        if _terms.get().limited and (answer := self._channel.ask(Spending())).fault:
            raise RuntimeError(answer.fault)


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
        model = RelayedPlan(terms.plan, self._channel.ask)
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
    tasks = [asyncio.ensure_future(server.serve([one])) for server, one in served.items()]
    pairs = list(zip(served, tasks, strict=True))
    while not all(server.started or task.done() for server, task in pairs):  # noqa: ASYNC110 - uvicorn gives no event
        await asyncio.sleep(0.01)
    channel.tell(b"")
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
        channel.tell(str(error).encode())
        sys.exit(2)


if __name__ == "__main__":
    serve_peers()
