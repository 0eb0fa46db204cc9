"""The folder of an experiment: which runs were made, where their logs lie, what came of them."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

try:
    import fcntl
except ImportError:  # Windows has no advisory locks.
    fcntl = None

from adk_flow.analysis.findings import Finding
from adk_flow.errors import AdkFlowError
from adk_flow.log.private import make_private_folder, write_private
from adk_flow.log.reader import Log, read_log
from adk_flow.log.story import join_logs
from adk_flow.scenario.conversation import Conversation
from adk_flow.scenario.fault import FaultKind

STATE = "experiment.json"


class Trial(NamedTuple):
    """One conversation under one construct, for the nth time."""

    construct: str
    conversation: str
    number: int
    fault: FaultKind | Literal[""] = ""
    """What goes wrong in its first turn on purpose."""


KeepRun = Callable[[Trial, Log, Sequence[Finding]], None]
"""Takes a trial that was measured, its log and its findings."""


def keep_nothing(trial: Trial, log: Log, findings: Sequence[Finding]) -> None:
    """Leaves a trial as it is."""


class TrialResult(msgspec.Struct, frozen=True):
    """A trial that was made to its end."""

    construct: str
    conversation: str
    number: int
    fault: FaultKind | Literal[""] = ""
    failed_checks: list[list[str]] = []
    """By turn, what the answer lacks of what the conversation asks for."""
    failed: bool = False
    """Whether a turn of it failed, so that it is made again when the experiment goes on."""
    faults: int = 0
    """Hooks that could not be recorded."""

    @property
    def trial(self) -> Trial:
        """Which trial it is of."""
        return Trial(self.construct, self.conversation, self.number, self.fault)


class _State(msgspec.Struct):
    """What `experiment.json` holds."""

    identity: dict[str, str]
    conversations: dict[str, str] = {}
    """Digest of each conversation."""
    done: list[TrialResult] = []


class Folder:
    """A folder that files are written to, each in one step, so that none is ever half there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, text: str) -> Path:
        """Writes a file.

        Raises:
          AdkFlowError: it cannot be written.
        """
        path = self.folder / name
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        with self._writing():
            make_private_folder(path.parent)
            with os.fdopen(write_private(draft), "w", encoding="utf-8") as file:
                file.write(text)
            draft.replace(path)
        return path

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._refusal(f"cannot be written: {error.strerror or error}") from error

    def _refusal(self, reason: str) -> AdkFlowError:
        return AdkFlowError(reason, argument="folder", value=self.folder)


class TrialStore(Folder):
    """An experiment's folder; what is there is not run again.

    Raises:
      AdkFlowError: it cannot be written, or holds runs of something else.
    """

    def __init__(self, folder: Path, identity: Mapping[str, str]) -> None:
        """Opens a folder for runs of one app, model and pace, which are its identity."""
        super().__init__(folder)
        self._state = self._read() or _State(dict(identity))
        self._expected: dict[str, str] = {}
        """Digests of the conversations that are asked for."""
        for what, value in identity.items():
            existing = self._state.identity.get(what, "")
            if existing != value:
                raise self._refusal(
                    f"holds runs of another experiment, whose {what} is "
                    f"{existing or 'unknown'} and not {value}; name a new folder"
                )
        self._write()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keeps other processes from running an experiment in the folder meanwhile.

        Raises:
          AdkFlowError: one of them is, or has run other conversations meanwhile.
        """
        with ExitStack() as stack:
            if fcntl is not None:
                stack.callback(os.close, self._lock(fcntl))
            self._state = self._read() or self._state
            self._check_conversations()
            yield

    def _lock(self, fcntl: Any) -> int:
        """Locks the folder, and gives the file that has to be closed to unlock it."""
        with self._writing():
            make_private_folder(self.folder)
            file = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            raise self._refusal("another adk-flow is running an experiment there") from None
        return file

    def expect(self, name: str, conversation: Conversation) -> None:
        """Checks that the runs of a conversation that are there asked the same.

        Raises:
          AdkFlowError: they did not.
        """
        self._expected[name] = _digest(msgspec.json.encode(conversation))
        self._check_conversations()

    def _check_conversations(self) -> None:
        """Notes what is expected, unless runs of something else have its name."""
        existing = {result.conversation for result in self._state.done}
        for name, digest in self._expected.items():
            if name in existing and self._state.conversations.get(name) != digest:
                raise self._refusal(
                    f"conversation {name} has changed since it was run there; name a new folder"
                )
            self._state.conversations[name] = digest

    def find(self, trial: Trial) -> TrialResult | None:
        """Finds a trial that was made, and whose log is still there."""
        result = next((result for result in self._state.done if result.trial == trial), None)
        log = self.log_of(trial)
        return result if result and log.is_file() and log.stat().st_size else None

    def is_missing(self, trial: Trial) -> bool:
        """Whether a trial is still to be made."""
        result = self.find(trial)
        return result is None or result.failed

    def log_of(self, trial: Trial) -> Path:
        """Names the log of a trial; only letters, digits, `_` and `-` of names reach the path."""
        return self.folder / "logs" / f"{file_name(trial)}.jsonl"

    def peers_of(self, trial: Trial) -> Path:
        """Names the folder of what peers of a trial recorded: its log's name, without an ending."""
        return self.log_of(trial).with_suffix("")

    def read(self, trial: Trial) -> Log:
        """Reads the log of a trial, with what its peers recorded.

        Raises:
          LogError: it cannot be read.
        """
        sides = sorted(self.peers_of(trial).rglob("*.jsonl"))
        return join_logs([read_log(self.log_of(trial))], [read_log(path) for path in sides])

    def begin(self, trial: Trial) -> Path:
        """Names the log of a trial while it runs; what was recorded before is removed.

        Raises:
          AdkFlowError: it cannot be written.
        """
        path = self._part(trial)
        with self._writing():
            make_private_folder(path.parent)
            path.unlink(missing_ok=True)
            if self.peers_of(trial).exists():
                shutil.rmtree(self.peers_of(trial))
        return path

    def add(self, result: TrialResult) -> None:
        """Keeps a trial that ran to its end.

        Raises:
          AdkFlowError: its log is not there, or the folder cannot be written.
        """
        with self._writing():
            self._part(result.trial).replace(self.log_of(result.trial))
        others = [other for other in self._state.done if other.trial != result.trial]
        self._state.done = [*others, result]
        self._write()

    def drop(self, trial: Trial) -> None:
        """Removes the log of a trial that did not come to its end."""
        self._part(trial).unlink(missing_ok=True)

    def _part(self, trial: Trial) -> Path:
        return self.log_of(trial).with_suffix(".part")

    def _write(self) -> None:
        self.write(STATE, msgspec.json.encode(self._state).decode())

    def _read(self) -> _State | None:
        path = self.folder / STATE
        try:
            return msgspec.json.decode(path.read_bytes(), type=_State)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise AdkFlowError(f"{path}: cannot be read: {error.strerror or error}") from error
        except msgspec.DecodeError as error:
            raise AdkFlowError(
                f"is no experiment's: {error}; name a new folder", argument="folder", value=path
            ) from error


def file_name(trial: Trial) -> str:
    """Names what is kept of a trial: a folder for its construct, and a file without its ending."""
    names = filter(None, (trial.conversation, trial.fault))
    file = "-".join([*map(safe_name, names), f"{trial.number}"])
    return f"{safe_name(trial.construct)}/{file}"


def safe_name(name: str) -> str:
    """Gives a name that is safe in a path, with a digest where anything was left out."""
    safe = re.sub(r"[^A-Za-z0-9_-]+", "_", name)[:64]
    return safe if safe == name else f"{safe}-{_digest(name.encode())}"


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=4).hexdigest()
