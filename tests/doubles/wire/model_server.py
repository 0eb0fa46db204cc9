"""A server on 127.0.0.1 that answers model requests by a script, whatever protocol it speaks."""

import json
import re
import sys
import threading
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self

Body = dict[str, Any]


class Call(NamedTuple):
    """A function call."""

    name: str
    arguments: dict[str, Any]
    id: str = ""
    """Given by the server: `call_Root_1`, `call_Root_2`, … by agent."""


class Status(NamedTuple):
    """A refusal with an HTTP status."""

    code: int
    message: str


class Broken(Enum):
    """A reply that goes wrong on the wire."""

    GARBLED = "a body that is no JSON"
    CUT = "a connection that closes in the middle of the body"
    DROPPED = "a connection that closes before any reply"


class Held(NamedTuple):
    """A reply given once `ready` has returned."""

    ready: Callable[[], object]
    reply: str | Call | Sequence[str | Call]


Reply = str | Call | Sequence[str | Call] | Status | Broken | Held
"""A text, a call, several of them in one turn, or something that goes wrong."""


class Request(NamedTuple):
    """A request as it came over the wire."""

    agent: str
    path: str
    headers: dict[str, str]
    """By name in lower case."""
    body: Body


class ModelServer(ThreadingHTTPServer):
    """Answers each agent's requests with the next of that agent's replies.

    `finish` fails on a request that the script or the protocol does not allow, and on replies
    left over. The agent is the one that ADK names in the system instruction.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script: dict[str, list[Any]] = {}
        self.instructions: dict[str, str] = {}
        """Words of an instruction, by agent: ADK does not name nodes of a graph (2.13)."""
        self.requests: list[Request] = []
        self._taken: Counter[str] = Counter()
        self._calls: Counter[str] = Counter()
        self.faults: list[str] = []
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def server_bind(self) -> None:
        # HTTPServer's own also looks up the host's name.
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = self.socket.getsockname()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        self.faults.append(f"a request ended in {sys.exception()!r}")

    def finish(self) -> None:
        """Fails unless exactly the scripted requests came."""
        left = {
            agent: len(replies) - self._taken[agent]
            for agent, replies in self.script.items()
            if len(replies) > self._taken[agent]
        }
        assert not self.faults, "; ".join(self.faults)
        assert not left, f"replies that nobody asked for: {left}"

    def of(self, agent: str) -> list[Request]:
        """The requests that one agent sent."""
        return [request for request in self.requests if request.agent == agent]

    def take(self, path: str, headers: dict[str, str], body: Body) -> Any:
        """Notes a request and finds the reply to it."""
        agent = self._agent_of(self.system_of(body))
        with self._lock:
            self.requests.append(Request(agent, path, headers, body))
            replies, number = self.script.get(agent, []), self._taken[agent]
            self._taken[agent] += 1
            fault = self.fault_in(path, body)
            if not fault and number >= len(replies):
                fault = f"{agent} asked for reply {number + 1}; its script has {len(replies)}"
            if fault:
                self.faults.append(fault)
                return Status(400, fault)
            return self._with_ids(agent, replies[number])

    def _agent_of(self, system: str) -> str:
        if named := re.search(r'Your internal name is "(\w+)"', system):
            return named[1]
        return next((name for name, words in self.instructions.items() if words in system), "")

    def _with_ids(self, agent: str, reply: Reply) -> Reply:
        # What is held or listed is a single reply, which the recursive type cannot say.
        if isinstance(reply, Held):
            return Held(reply.ready, self._with_ids(agent, reply.reply))  # type: ignore[arg-type] - see above
        if isinstance(reply, Call):
            self._calls[agent] += 1
            return reply._replace(id=f"call_{agent}_{self._calls[agent]}")
        if isinstance(reply, list):
            return [self._with_ids(agent, step) for step in reply]  # type: ignore[misc]
        return reply

    # What the protocols differ in

    @abstractmethod
    def system_of(self, body: Body) -> str:
        """Reads the system instruction."""

    @abstractmethod
    def fault_in(self, path: str, body: Body) -> str:
        """Names what the real service would refuse in a request; mostly nothing."""

    @abstractmethod
    def is_stream(self, path: str, body: Body) -> bool:
        """Whether the client wants the reply in chunks."""

    @abstractmethod
    def whole(self, steps: list[str | Call]) -> Body:
        """Writes a reply as one body."""

    @abstractmethod
    def chunks(self, steps: list[str | Call]) -> Iterable[str]:
        """Writes a reply as the data of server-sent events."""

    @abstractmethod
    def declared(self, body: Body) -> dict[str, Any]:
        """Reads the functions that a request declares: their JSON schemas by name."""

    @abstractmethod
    def lines_of(self, body: Body) -> list[str]:
        """Reads what a request tells the model, a line a text, call or result.

        The system's words are left out; so is the frame round what ADK quotes of other agents.
        """

    @abstractmethod
    def refusal(self, status: Status) -> Body:
        """Writes the body of an error."""


def words(text: str) -> list[str]:
    """Cuts a text as a stream brings it."""
    return re.findall(r"\S+\s*", text)


def plain(text: str) -> str:
    """Takes ADK's quotation marks off what another agent did, and its preface altogether."""
    if text.startswith("For context:"):
        return ""
    return re.sub(r"\s*<<<\w+_QUOTED_AGENT_CONTENT>>>\s*", " ", text).strip()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # The only server that makes this handler; the base class names a wider type.
    server: ModelServer  # type: ignore[assignment]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.server.take(self.path, headers, body)
        self.close_connection = True
        if isinstance(reply, Held):
            reply.ready()
            reply = reply.reply
        if isinstance(reply, Status):
            self._send(reply.code, json.dumps(self.server.refusal(reply)).encode())
        elif reply is not Broken.DROPPED:
            send = self._stream if self.server.is_stream(self.path, body) else self._answer
            send(reply)

    def _answer(self, reply: Any) -> None:
        body = json.dumps(self.server.whole(_steps(reply))).encode()
        if reply is Broken.GARBLED:
            self._send(200, body[: len(body) // 2])
        elif reply is Broken.CUT:
            self._send(200, body, cut=True)
        else:
            self._send(200, body)

    def _send(self, code: int, body: bytes, *, cut: bool = False) -> None:
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        if code != 200:
            self.send_header("Retry-After-Ms", "1")  # OpenAI's client waits 0.5 s without it.
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)

    def _stream(self, reply: Any) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Connection", "close")
        self.end_headers()
        for number, chunk in enumerate(self.server.chunks(_steps(reply))):
            if number == 2 and reply is Broken.CUT:
                return
            if number == 2 and reply is Broken.GARBLED:
                chunk = chunk[: len(chunk) // 2]
            data = f"data: {chunk}\n\n".encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.write(b"0\r\n\r\n")

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        self.server.faults.append(f"a request that is no POST: {self.requestline}")
        super().send_error(code, message, explain)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def _steps(reply: Any) -> list[str | Call]:
    if isinstance(reply, Broken):
        return ["Half of this is missing."]
    return [reply] if isinstance(reply, (str, Call)) else list(reply)
