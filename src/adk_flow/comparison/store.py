"""The folder of an experiment: which runs were made, where their logs lie, what came of them."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

try:
    import fcntl
except ImportError:  # Windows has no advisory locks.
    fcntl = None

from adk_flow.errors import AdkFlowError
from adk_flow.scenario.conversation import Conversation

STATE = "experiment.json"


class Trial(NamedTuple):
    """One conversation under one construct, for the nth time."""

    construct: str
    conversation: str
    number: int


class TrialResult(msgspec.Struct, frozen=True):
    """A trial that was made to its end."""

    construct: str
    conversation: str
    number: int
    failed_checks: list[list[str]]
    """By turn, what the answer lacks of what the conversation asks for."""
    failed: bool = False
    """Whether a turn of it failed, so that it is made again when the experiment goes on."""
    faults: int = 0
    """Hooks that could not be recorded."""


class _State(msgspec.Struct):
    """What `experiment.json` holds."""

    identity: dict[str, str]
    conversations: dict[str, str] = {}
    """Digest of each conversation that was held."""
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
        draft = path.with_name(f".{name}.{os.getpid()}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            draft.write_text(text, encoding="utf-8")
            draft.replace(path)
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        return path


class TrialStore(Folder):
    """An experiment's folder; what is there is not run again.

    Raises:
      AdkFlowError: it cannot be written, or holds runs of something else.
    """

    def __init__(self, folder: Path, identity: Mapping[str, str]) -> None:
        """Opens a folder for runs of one app, model and pace, which are its identity."""
        super().__init__(folder)
        self._path = folder / STATE
        self._state = self._read() or _State(dict(identity))
        self._expected: dict[str, str] = {}
        """Digests of the conversations that are to be held."""
        for what, value in identity.items():
            held = self._state.identity.get(what, "")
            if held != value:
                raise AdkFlowError(
                    f"holds runs of another experiment, whose {what} is "
                    f"{held or 'unknown'} and not {value}; name a new folder",
                    argument="folder",
                    value=folder,
                )
        self._write()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keeps other processes from running an experiment in the folder meanwhile.

        Raises:
          AdkFlowError: one of them is, or has held other conversations meanwhile.
        """
        file = _locked(self.folder)
        try:
            self._state = self._read() or self._state
            self._agree()
            yield
        finally:
            if file is not None:
                os.close(file)

    def expect(self, name: str, conversation: Conversation) -> None:
        """Checks that the runs of a conversation that are there asked the same.

        Raises:
          AdkFlowError: they did not.
        """
        self._expected[name] = _digest(msgspec.json.encode(conversation))
        self._agree()

    def _agree(self) -> None:
        """Notes what is expected, unless something else was held under its name."""
        held = {one.conversation for one in self._state.done}
        for name, digest in self._expected.items():
            if name in held and self._state.conversations.get(name) != digest:
                raise AdkFlowError(
                    f"conversation {name} has changed since it was held there; name a new folder",
                    argument="folder",
                    value=self.folder,
                )
            self._state.conversations[name] = digest

    def find(self, trial: Trial) -> TrialResult | None:
        """Finds a trial that was made, and whose log is still there."""
        done = next((one for one in self._state.done if _trial(one) == trial), None)
        log = self.log_of(trial)
        return done if done and log.is_file() and log.stat().st_size else None

    def is_missing(self, trial: Trial) -> bool:
        """Whether a trial is still to be made."""
        done = self.find(trial)
        return done is None or done.failed

    def log_of(self, trial: Trial) -> Path:
        """Names the log of a trial; only letters, digits, `_` and `-` of names reach the path."""
        file = f"{safe_name(trial.conversation)}-{trial.number}.jsonl"
        return self.folder / "logs" / safe_name(trial.construct) / file

    def begin(self, trial: Trial) -> Path:
        """Names the log of a trial while it runs; what an earlier process left there is removed.

        Raises:
          AdkFlowError: it cannot be written.
        """
        path = self._part(trial)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        return path

    def add(self, trial: Trial, done: TrialResult) -> None:
        """Keeps a trial that ran to its end.

        Raises:
          AdkFlowError: its log is not there, or the folder cannot be written.
        """
        try:
            self._part(trial).replace(self.log_of(trial))
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        self._state.done = [one for one in self._state.done if _trial(one) != trial]
        self._state.done.append(done)
        self._write()

    def drop(self, trial: Trial) -> None:
        """Removes the log of a trial that did not come to its end."""
        self._part(trial).unlink(missing_ok=True)

    def _part(self, trial: Trial) -> Path:
        return self.log_of(trial).with_suffix(".part")

    def _write(self) -> None:
        self.write(STATE, msgspec.json.encode(self._state).decode())

    def _read(self) -> _State | None:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=_State)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise AdkFlowError(
                f"{self._path}: cannot be read: {error.strerror or error}"
            ) from error
        except msgspec.DecodeError as error:
            raise AdkFlowError(
                f"is no experiment's: {error}; name a new folder",
                argument="folder",
                value=self._path,
            ) from error


def _trial(done: TrialResult) -> Trial:
    return Trial(done.construct, done.conversation, done.number)


def _locked(folder: Path) -> int | None:
    """Keeps another process from running an experiment in the same folder; gives what holds it."""
    if fcntl is None:
        return None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise AdkFlowError(
            "another adk-flow is running an experiment there", argument="folder", value=folder
        ) from None
    return file


def _unwritable(folder: Path, error: OSError) -> AdkFlowError:
    return AdkFlowError(
        f"cannot be written: {error.strerror or error}", argument="folder", value=folder
    )


def safe_name(name: str) -> str:
    """Gives a name that is safe in a path, told apart by a digest where anything was left out."""
    safe = re.sub(r"[^A-Za-z0-9_-]+", "_", name)[:64]
    return safe if safe == name else f"{safe}-{_digest(name.encode())}"


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=4).hexdigest()
