"""The folder of an experiment: which runs were made, where their logs lie, what came of them.

`experiment.json` says of what they are; each process that makes some appends a line for each to a
file of its own in `trials/`, so that none waits for another and nothing is written twice.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple

import msgspec

try:
    import fcntl
except ImportError:  # Windows has no advisory locks.
    fcntl = None

from adk_flow._data import digest_of
from adk_flow.analysis.run_metrics import RunMetrics
from adk_flow.analysis.trace import Trace
from adk_flow.errors import AdkFlowError
from adk_flow.log.private import make_private_folder, write_private
from adk_flow.log.reader import Log, read_log
from adk_flow.log.story import join_logs
from adk_flow.scenario.conversation import Conversation
from adk_flow.scenario.fault import FaultKind

STATE = "experiment.json"
LINES = "trials"
"""Folder of the files of lines, a line a trial."""


class Trial(NamedTuple):
    """One conversation under one construct, for the nth time."""

    construct: str
    conversation: str
    number: int
    fault: FaultKind | Literal[""] = ""
    """What goes wrong in its first turn on purpose."""


DrawPage = Callable[[Trace, RunMetrics], str]
"""Draws the page of a run, of what its log holds and what was found in it."""
PAGED_TRIALS = 10
"""Of each conversation under a construct, the trials that have a page: one takes 140 kB."""


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


class PackedTrial(NamedTuple):
    """A trial with its files: its log, its page, and what peers recorded."""

    result: TrialResult
    files: dict[str, bytes]
    """By their place in the folder."""


class _State(msgspec.Struct, omit_defaults=True):
    """What `experiment.json` holds."""

    identity: dict[str, str]
    conversations: dict[str, str] = {}
    """Digest of each conversation."""
    done: list[TrialResult] = []
    """Trials that were made before each had a line of its own."""


class Folder:
    """A folder that files are written to, each in one step, so that none is ever half there.

    What cannot be read or written, or is of something else, is refused by an AdkFlowError.
    """

    argument, advice = "folder", "name a new folder"
    """Which parameter gives it, and what to do if it is refused."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, text: str) -> Path:
        """Writes a file."""
        path = self.folder / name
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        with self._writing():
            make_private_folder(path.parent)
            with os.fdopen(write_private(draft), "w", encoding="utf-8") as file:
                file.write(text)
            draft.replace(path)
        return path

    def check_free(self) -> None:
        """Refuses a folder with anything but comparisons, or folders of them."""
        with self._writing(), suppress(FileNotFoundError, NotADirectoryError):
            if other := _find_other(self.folder):
                name = other.relative_to(self.folder)
                raise self._refusal(f"holds {name}, which is no comparison's; {self.advice}")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._refusal(f"cannot be written: {error.strerror or error}") from error

    def _refusal(self, reason: str, path: Path | None = None) -> AdkFlowError:
        return AdkFlowError(reason, argument=self.argument, value=path or self.folder)


class TrialStore(Folder):
    """An experiment's folder; what is there is not run again."""

    def __init__(self, folder: Path, identity: Mapping[str, str]) -> None:
        """Opens a folder for runs of one app, model and pace, which are its identity."""
        super().__init__(folder)
        state = self._read()
        self._state = state or _State(dict(identity))
        self._results = self._read_results()
        self._own: BinaryIO | None = None
        """The file of this process's lines, once there is one."""
        self._expected: dict[str, str] = {}
        """Digests of the conversations that are asked for."""
        for what, value in identity.items():
            existing = self._state.identity.get(what, "")
            if existing != value:
                raise self._refusal(
                    f"holds runs of another experiment, whose {what} is "
                    f"{existing or 'unknown'} and not {value}; {self.advice}"
                )
        if state is None:
            self._write()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keeps other processes from running an experiment in the folder meanwhile."""
        with ExitStack() as stack:
            if fcntl is not None:
                stack.callback(os.close, self._lock(fcntl))
            stack.callback(self._clear)
            self._state = self._read() or self._state
            self._results = self._read_results()
            self._check_conversations()
            self._write()
            yield

    def _clear(self) -> None:
        """Closes the file of lines, and removes logs of trials that did not come to their end."""
        if self._own is not None:
            self._own.close()
        self._own = None
        for part in (self.folder / "logs").rglob("*.part"):
            part.unlink()

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
        """Checks that the runs of a conversation that are there asked the same."""
        self.expect_digests({name: digest_of(msgspec.json.encode(conversation).decode(), 4)})

    def expect_digests(self, digests: Mapping[str, str]) -> None:
        """Checks so by the digests of conversations."""
        self._expected |= digests
        self._check_conversations()

    def _check_conversations(self) -> None:
        """Notes what is expected, unless runs of something else have its name."""
        existing = {trial.conversation for trial in self._results}
        for name, digest in self._expected.items():
            if name in existing and self._state.conversations.get(name) != digest:
                raise self._refusal(
                    f"conversation {name} has changed since it was run there; {self.advice}"
                )
            self._state.conversations[name] = digest

    @property
    def digests(self) -> dict[str, str]:
        """Those of the conversations, by name."""
        return self._state.conversations

    def find(self, trial: Trial) -> TrialResult | None:
        """Finds a trial that was made, and whose log is still there."""
        result, log = self._results.get(trial), self.log_of(trial)
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
        """Reads the log of a trial, with what its peers recorded."""
        sides = sorted(self.peers_of(trial).rglob("*.jsonl"))
        return join_logs([read_log(self.log_of(trial))], [read_log(path) for path in sides])

    def begin(self, trial: Trial) -> Path:
        """Names the log of a trial while it runs; what was recorded before is removed."""
        path = self._part(trial)
        with self._writing():
            make_private_folder(path.parent)
            path.unlink(missing_ok=True)
            if self.peers_of(trial).exists():
                shutil.rmtree(self.peers_of(trial))
        return path

    def add(self, result: TrialResult) -> None:
        """Keeps a trial that ran to its end."""
        with self._writing():
            self._part(result.trial).replace(self.log_of(result.trial))
            if self._own is None:
                self._own = self._open_own()
            self._own.write(msgspec.json.encode(result) + b"\n")
            self._own.flush()
        self._results[result.trial] = result

    def _open_own(self) -> BinaryIO:
        """Opens a new file of lines, whose number is higher than those that are there."""
        folder = self.folder / LINES
        make_private_folder(folder)
        latest = max(map(_number_of, folder.glob("*.jsonl")), default=0)
        return os.fdopen(write_private(folder / f"{latest + 1}-{os.getpid()}.jsonl"), "wb")

    def pack(self, trial: Trial) -> PackedTrial | None:
        """Gives a trial with its files; None if it is not there."""
        if (result := self.find(trial)) is None:
            return None
        log, page = self.log_of(trial), self.folder / page_name(trial)
        paths = [log, *filter(Path.is_file, [page, *self.peers_of(trial).rglob("*.jsonl")])]
        files: dict[str, bytes] = {}
        for path in paths:
            with self._reading(path):
                files[str(path.relative_to(self.folder))] = path.read_bytes()
        return PackedTrial(result, files)

    def unpack(self, packed: PackedTrial) -> None:
        """Keeps a trial of another folder."""
        trial, files = packed.result.trial, packed.files
        part, log = self.begin(trial), self.log_of(trial)
        for name, data in files.items():
            path = self.folder / name
            with self._writing():
                make_private_folder(path.parent)
                with os.fdopen(write_private(part if path == log else path), "wb") as file:
                    file.write(data)
        self.add(packed.result)

    def _part(self, trial: Trial) -> Path:
        return self.log_of(trial).with_suffix(".part")

    def _write(self) -> None:
        self.write(STATE, msgspec.json.encode(self._state).decode())

    def _read(self) -> _State | None:
        path = self.folder / STATE
        with self._reading(path):
            return msgspec.json.decode(path.read_bytes(), type=_State)
        return None

    def _read_results(self) -> dict[Trial, TrialResult]:
        """Reads what was made; of a trial that was made again the last, which has the log."""
        made = list(self._state.done)
        for path in sorted((self.folder / LINES).glob("*.jsonl"), key=_number_of):
            with self._reading(path):
                # A last line without an end was cut when its process was killed.
                *lines, _ = path.read_bytes().split(b"\n")
                made += [msgspec.json.decode(line, type=TrialResult) for line in lines]
        return {result.trial: result for result in made}

    @contextmanager
    def _reading(self, path: Path) -> Iterator[None]:
        """Passes over a file that is not there."""
        try:
            yield
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError as error:
            raise AdkFlowError(f"{path}: cannot be read: {error.strerror or error}") from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self._refusal(f"is no experiment's: {error}; {self.advice}", path) from error


def _find_other(folder: Path) -> Path | None:
    """Finds what is of no comparison; what is hidden, and pages of a stopped one, are passed by."""
    if any((folder / name).exists() for name in (STATE, "report.html")):
        return None
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name == "flows":
            continue
        if other := _find_other(path) if path.is_dir() else path:
            return other
    return None


def _number_of(path: Path) -> int:
    number, _, _ = path.name.partition("-")
    return int(number) if number.isdecimal() else 0


def file_name(trial: Trial) -> str:
    """Names what is kept of a trial: a folder for its construct, and a file without its ending."""
    names = filter(None, (trial.conversation, trial.fault))
    file = "-".join([*map(safe_name, names), f"{trial.number}"])
    return f"{safe_name(trial.construct)}/{file}"


def page_name(trial: Trial) -> str:
    """Names a trial's page, from the report's folder; empty for all but the first trials."""
    return f"flows/{file_name(trial)}.html" if trial.number <= PAGED_TRIALS else ""


def safe_name(name: str) -> str:
    """Gives a name that is safe in a path, with a digest where anything was left out."""
    safe = re.sub(r"[^A-Za-z0-9_-]+", "_", name)[:64]
    return safe if safe == name else f"{safe}-{digest_of(name, 4)}"
