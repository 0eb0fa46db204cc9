"""Two workers of the desk on Postgres, used in turn, one of which is killed: who has which turn?

    python -m tests.doubles.workers [--sessions 200]

What was answered is known by the HTTP answers, what was recorded by the lines of the logs.
"""

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple
from unittest.mock import patch

import httpx

from tests.doubles.desk import FOLLOW_UP, QUESTION, ROOT
from tests.doubles.postgres import postgres, programs
from tests.doubles.served import Server, adk_server

_TURNS = (QUESTION, FOLLOW_UP, "What is an ISA?")
_CLIENTS = 8
"""Conversations at once."""


class Answer(NamedTuple):
    """What a client was answered."""

    session: str
    invocation: str
    """ADK's id of the turn."""
    text: str


class Result(NamedTuple):
    """What became of the turns."""

    answers: list[Answer]
    cut_off: int
    """Requests that the killed worker had in hand; each was sent again, to the other."""
    logs: list[Path]
    """Folders of the workers' logs."""


class Clients:
    """Clients who take the workers in turn, and kill the first after some answers."""

    def __init__(self, http: httpx.Client, workers: list[Server], kill_after: int) -> None:
        self.answers: list[Answer] = []
        self.cut_off = 0
        self._http, self._workers, self._kill_after = http, workers, kill_after
        self._lock = Lock()

    def converse(self, number: int) -> None:
        """Holds a conversation in a session of its own."""
        session = self._post(number, "/apps/root_agent/users/u/sessions", {})["id"]
        for turn, words in enumerate(_TURNS, start=number):
            message = {"role": "user", "parts": [{"text": words}]}
            body = {"appName": "root_agent", "userId": "u", "sessionId": session}
            events = self._post(turn, "/run", body | {"newMessage": message})
            self._take(Answer(session, events[-1]["invocationId"], _words(events[-1])))

    def _take(self, answer: Answer) -> None:
        with self._lock:
            self.answers.append(answer)
            if len(self.answers) == self._kill_after:
                self._workers[0].process.kill()

    def _post(self, number: int, path: str, body: dict[str, Any]) -> Any:
        """Sends a request to the next worker in turn, and to the other if that one is gone."""
        first = number % len(self._workers)
        for worker in (*self._workers[first:], *self._workers[:first]):
            try:
                answer = self._http.post(worker.address + path, json=body)
            except httpx.ConnectError:
                continue
            except httpx.TransportError:
                with self._lock:
                    self.cut_off += 1
                continue
            assert answer.status_code == 200, answer.text
            return answer.json()
        raise AssertionError("both workers are gone")


def _words(event: dict[str, Any]) -> str:
    return "".join(part.get("text", "") for part in event["content"]["parts"])


def run(sessions: int, folder: Path) -> Result:
    """Holds that many conversations and kills a worker when half of their turns are answered."""
    logs = [folder / name / "logs" for name in ("one", "other")]
    with ExitStack() as stack, patch.dict("os.environ", MODEL_NAME="offline"):
        database = stack.enter_context(postgres())
        options = ("--session_service_uri", database)
        workers = [
            stack.enter_context(adk_server("api_server", ROOT, each, *options)) for each in logs
        ]
        http = stack.enter_context(httpx.Client(timeout=120))
        clients = Clients(http, workers, kill_after=sessions * len(_TURNS) // 2)
        clients.converse(0)  # alone, because two workers that make ADK's tables at once fail (2.13)
        with ThreadPoolExecutor(_CLIENTS) as pool:
            list(pool.map(clients.converse, range(1, sessions)))
    return Result(clients.answers, clients.cut_off, logs)


def recorded(logs: Iterable[Path]) -> Counter[str]:
    """Counts the turns in all logs by ADK's ids, reading the files as plain JSON."""
    files = (path for folder in logs for path in folder.rglob("*.jsonl"))
    records = (record for path in files for record in _lines(path))
    return Counter(r["invocation"] for r in records if r.get("hook") == "user_message")


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    *whole, last = path.read_bytes().splitlines(keepends=True)
    yield from map(json.loads, whole)
    if last.endswith(b"\n"):  # else the process was killed while it wrote it
        yield json.loads(last)


def main() -> None:
    """Runs it and prints the count."""
    parser = argparse.ArgumentParser(description="Turns that two workers recorded.")
    parser.add_argument("--sessions", type=int, default=200)
    sessions = parser.parse_args().sessions
    if programs() is None:
        raise SystemExit("needs Postgres; on Debian: apt-get install postgresql")
    with tempfile.TemporaryDirectory() as folder:
        answers, cut_off, logs = run(sessions, Path(folder))
        times = recorded(logs)
    counts = Counter(min(times[answer.invocation], 2) for answer in answers)
    others = times.total() - sum(times[answer.invocation] for answer in answers)
    print(f"{sessions} sessions over two workers on Postgres, one killed at half of them")
    print(f"{len(answers)} turns answered, {cut_off} requests cut off and sent again")
    print(
        f"in the logs: {counts[1]} once, {counts[2]} twice, {counts[0]} missing; {others} cut off"
    )
    raise SystemExit(counts[1] != len(answers))


if __name__ == "__main__":
    main()
