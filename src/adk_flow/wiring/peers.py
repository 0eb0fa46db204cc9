"""Specialists in another process of this machine, each behind an A2A server of ADK's.

The process loads the app by its path (`server`) and ends with this one, however this one ends. A
message carries how it is to be answered (`MessageTerms`) and its trace; plan, fault and budget stay
in this process, whose methods the other calls, as both sides would ask one provider.
"""

import asyncio
import atexit
import os
import secrets
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from contextvars import ContextVar
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec
from opentelemetry import propagate

from adk_flow.analysis.latency import LatencyProfile
from adk_flow.inspect.agent_graph import name_of_model
from adk_flow.models.cassette import CallLimit
from adk_flow.models.enforcement import override_in_force
from adk_flow.models.faulty import Fault
from adk_flow.models.planned.model import Planned
from adk_flow.models.planned.turn import PlanError
from adk_flow.scenario.fault import FaultKind
from adk_flow.wiring.copies import WiringError

HEADER = "adk-flow"
"""Of a message: its `MessageTerms` as JSON."""
BUDGET = "budget"
"""What the other process calls the budget; a plan or a fault it calls by a number."""
_TIMEOUT = 600.0
"""Seconds that an answer may take, as with ADK's own client (2.13, _remote_a2a_agent.py)."""
_PATIENCE = 5.0
"""Seconds in which the process may end by itself."""

_folder: ContextVar[str] = ContextVar("adk_flow_peers_folder", default="")


class PeerJob(msgspec.Struct):
    """What the process serves."""

    app: str
    deep: bool
    sockets: dict[str, int]
    """Where it listens, by specialist."""
    channel: int
    """Number of the file by which it calls back."""
    key: str
    """What messages show whose terms it heeds."""


class SentFault(NamedTuple):
    """A `Fault` of this process, which decides when it strikes."""

    target: str
    kind: FaultKind
    agent: str
    turn: int


class MessageTerms(msgspec.Struct, omit_defaults=True):
    """How a message is to be answered."""

    key: str = ""
    plan: str = ""
    """The plan that plays; empty for none."""
    model: str = ""
    """The model of every agent; empty for the app's own."""
    pace: LatencyProfile | None = None
    retries: bool = False
    fault: SentFault | None = None
    """What goes wrong with an agent."""
    folder: str = ""
    """Where it is recorded; by default where any recorder keeps its logs."""
    limited: bool = False
    """Whether model calls are counted against a budget of this process."""


@contextmanager
def recorded_in(folder: Path) -> Iterator[None]:
    """Has peers keep their logs of what they are asked here in a folder."""
    token = _folder.set(str(folder.resolve()))
    try:
        yield
    finally:
        _folder.reset(token)


class Peers(AbstractContextManager["Peers"]):
    """The process and its servers, started by the first message or by `start`."""

    def __init__(
        self, app: str | Path, *, deep: bool = False, budget: CallLimit | None = None
    ) -> None:
        """Takes the app's path, `deep` as for `parts_of`, and what limits their model calls."""
        self.app, self.deep, self._key = Path(app).resolve(), deep, secrets.token_hex()
        self._budget = budget
        self._targets: weakref.WeakValueDictionary[str, Any] = weakref.WeakValueDictionary()
        """What the process may call: plans and faults of conversations that go on, the budget."""
        if budget is not None:
            self._targets[BUDGET] = budget
        self._sockets: dict[str, socket.socket] = {}
        self._ports: dict[str, int] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._started, self._failure = threading.Lock(), ""

    def __exit__(self, *error: object) -> None:
        self.close()

    def address(self, specialist: str) -> str:
        """Gives where the card of a specialist will be found."""
        if specialist not in self._ports:
            listening = self._sockets[specialist] = socket.create_server(("127.0.0.1", 0))
            self._ports[specialist] = listening.getsockname()[1]
        return f"http://127.0.0.1:{self._ports[specialist]}/.well-known/agent-card.json"

    def client(self) -> httpx.AsyncClient:
        """Makes the client of messages to them; it serves one event loop after another."""
        limits = httpx.Limits(max_keepalive_connections=0)
        hooks = {"request": [self._prepare]}
        return httpx.AsyncClient(timeout=_TIMEOUT, limits=limits, event_hooks=hooks)

    async def _prepare(self, request: httpx.Request) -> None:
        await asyncio.to_thread(self.start)
        propagate.inject(request.headers)
        request.headers[HEADER] = msgspec.json.encode(self._terms()).decode()

    def _terms(self) -> MessageTerms:
        override = override_in_force()
        terms = MessageTerms(key=self._key, folder=_folder.get(), limited=self._budget is not None)
        if override is None:
            return terms
        terms.pace, terms.retries = override.latency, override.retries
        if fault := override.fault:
            terms.fault = SentFault(self._offer(fault), fault.kind, fault.agent, fault.turn)
        if isinstance(override.model, Planned):
            terms.plan = self._offer(override.model)
        else:
            terms.model = name_of_model(override.model)
        return terms

    def _offer(self, target: Fault | Planned) -> str:
        number = f"{id(target):x}"
        self._targets[number] = target
        return number

    # The process

    def start(self) -> None:
        """Starts the process, unless it runs, until its servers listen; else a WiringError."""
        with self._started:
            if self._process is None and not self._failure:
                self._failure = self._begin()
        if self._failure:
            raise WiringError(self._failure)

    def _begin(self) -> str:
        """Starts the process; gives why it failed, if it did."""
        own, theirs = Pipe()
        sockets = {name: port.fileno() for name, port in self._sockets.items()}
        job = PeerJob(str(self.app), self.deep, sockets, theirs.fileno(), self._key)
        atexit.register(self.close)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-W", "ignore", "-m", "adk_flow.wiring.server"],
            stdin=subprocess.PIPE,
            pass_fds=[*sockets.values(), theirs.fileno()],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,  # Ctrl-C is this process's to heed
        )
        for inherited in (theirs, *self._sockets.values()):
            inherited.close()
        assert self._process.stdin
        # Its end tells the other process that this one has ended.
        self._process.stdin.write(msgspec.json.encode(job) + b"\n")
        self._process.stdin.flush()
        try:
            failure = own.recv()
        except EOFError:
            return f"the process of {self.app} ended at once"
        threading.Thread(target=self._serve, args=[own], daemon=True).start()
        return failure

    def _serve(self, channel: Connection) -> None:
        """Answers what the process asks, until it ends."""
        with channel, suppress(EOFError, OSError):
            while True:
                channel.send(self._call(*channel.recv()))

    def _call(self, target: str, method: str, arguments: Sequence[Any]) -> tuple[Any, str]:
        """Calls what the process asks for: gives what it comes to, and why it fails."""
        if (asked := self._targets.get(target)) is None:
            return None, "the conversation that its plan belongs to has ended"
        try:
            return getattr(asked, method)(*arguments), ""
        except PlanError as error:
            return None, str(error)
        except Exception as error:  # which ends the turn there, as it would here
            return None, f"{type(error).__name__}: {error}"

    def close(self) -> None:
        """Ends the process."""
        atexit.unregister(self.close)
        for listening in self._sockets.values():
            listening.close()
        if (process := self._process) is None:
            return
        assert process.stdin
        with suppress(OSError):
            process.stdin.close()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
