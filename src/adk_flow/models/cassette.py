"""Answers of models kept in a file: a request that was made before is answered from it."""

import asyncio
import logging
import os
import threading
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Iterable
from concurrent.futures import Future
from contextlib import aclosing, nullcontext, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import msgspec
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.genai import types

from adk_flow._text import plural
from adk_flow.analysis.run_metrics import KEYLESS_MODELS
from adk_flow.errors import AdkFlowError
from adk_flow.log.private import PRIVATE, is_device, make_private_folder, open_log_file
from adk_flow.log.schema import Header, Record, Usage
from adk_flow.models.request.digest import digest_request
from adk_flow.record.extract import of_error, of_usage
from adk_flow.record.model_entries import as_entry
from adk_flow.record.redact import mask

try:
    import fcntl
except ImportError:  # Windows has no advisory locks; there one process should ask.
    fcntl = None

_Place = tuple[str, int, int]
"""Digest of a request, trial, and how often it was asked in it, from 1."""
_Ask = Callable[..., AsyncGenerator[LlmResponse, None]]
_ENDINGS = {reason.value for kind in (types.FinishReason, types.BlockedReason) for reason in kind}
"""Codes of a response that are a model's decision, and no error."""
_BEGINNING = b'{"cassette":1,"place":["'
"""Of each line of the file."""
_MENDS = {True: "mend that (is the key set?)", False: "say how many model calls may be made"}
_logger = logging.getLogger(__name__)


class CassetteError(AdkFlowError):
    """A file that is no cassette, or an answer that it does not hold."""


class _Answer(msgspec.Struct, tag_field="cassette", tag=1, omit_defaults=True):
    """A line of the file: what a model answered."""

    place: _Place
    time: float
    """When it was asked, in seconds since the epoch."""
    model: str
    agent: str
    responses: list[msgspec.Raw] = []
    """ADK's `LlmResponse`s; none of a model that asked another, whose answers stand for it."""

    async def replay(self, *_: Any) -> AsyncGenerator[LlmResponse, None]:
        """Gives the responses again."""
        for response in self.responses:
            yield LlmResponse.model_validate_json(bytes(response))


class CallLimit(Protocol):
    """What limits model calls."""

    def take(self) -> None:
        """Counts a call; raises if there is no room for it."""

    def pay(self, model: str, version: str, usage: Usage | None) -> object:
        """Takes the price of an answer, and gives it."""

    def listen(self, header: Header, record: Record) -> None:
        """Adds up what calls cost, as a recorder tells of them."""


class Cassette:
    """The file, as one command uses it; several may add to it."""

    def __init__(self, path: Path, *, asks: bool = True, limit: CallLimit | None = None) -> None:
        """Takes a file, no link; whether what it lacks is asked for; and what limits that.

        Raises:
          CassetteError: it is no cassette, or cannot be used.
        """
        self.path, self.asks, self.limit = path, asks, limit
        self.asked = self.replayed = 0
        self.missing: list[str] = []
        """Whose requests got no answer, in order."""
        self._answers: dict[_Place, _Answer] = {}
        self._size = 0
        self._pending: dict[_Place, Future[None]] = {}
        self._lock = threading.Lock()
        reason = "is no file; name another" if is_device(path) or path.is_dir() else ""
        try:
            reason = reason or self._open()
        except FileNotFoundError as error:
            unmade = f"cannot be written there: {error.strerror}; name another file"
            reason = unmade if asks else f"does not exist; {_MENDS[False]}, so that it is recorded"
        except OSError as error:
            what = "it is a link" if path.is_symlink() else error.strerror or error
            reason = f"cannot be used: {what}"
        if reason:
            raise CassetteError(reason, argument="cassette", value=path)

    def _open(self) -> str:
        """Reads the file, and makes it if models are asked; says why it is not one to add to."""
        with suppress(FileNotFoundError) if self.asks else nullcontext():
            torn = self._read_on()
            if not self._answers and (
                self._size or not _BEGINNING.startswith(torn[: len(_BEGINNING)])
            ):
                return "is no cassette; name another file"
        if self.asks:
            if not self.path.parent.exists():
                make_private_folder(self.path.parent)
            self._append(b"")
            make_private_folder(self.path.parent)  # which says so if others may list it
        return ""

    async def find(self, place: _Place) -> _Answer | None:
        """Gives an answer; None if it has to be asked for, after which it is `settled`.

        Waits while another conversation asks for it.
        """
        while True:
            with self._lock:
                if place not in self._answers:
                    self._read_on()
                if place in self._answers:
                    return self._answers[place]
                pending = self._pending.get(place)
                if pending is None:
                    self._pending[place] = Future()
                    return None
            await asyncio.shield(asyncio.wrap_future(pending))

    def settle(self, place: _Place, answer: _Answer | None) -> None:
        """Keeps what was answered; None lets the next ask."""
        with self._lock:
            try:
                if answer:
                    self._answers.setdefault(place, answer)
                    self._append(msgspec.json.encode(answer) + b"\n")
            except OSError as error:
                _logger.warning("adk-flow: %s: cannot keep an answer: %s", self.path, error)
            self._pending.pop(place).set_result(None)

    def _read_on(self) -> bytes:
        """Takes over what was added, be it by another process; gives a last line that is torn."""
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        with os.fdopen(os.open(self.path, flags), "rb") as file:
            file.seek(self._size)
            lines, end, torn = file.read().rpartition(b"\n")
        self._size += len(lines) + len(end)
        for line in filter(None, lines.split(b"\n")):
            with suppress(msgspec.DecodeError, RecursionError):
                answer = msgspec.json.decode(line, type=_Answer)
                self._answers.setdefault(answer.place, answer)
        return torn

    def _append(self, line: bytes) -> None:
        file = open_log_file(self.path, PRIVATE)
        try:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX)
                os.fchmod(file, PRIVATE)
            size = os.fstat(file).st_size
            if line and size and os.pread(file, 1, size - 1) != b"\n":
                line = b"\n" + line
            while line:
                line = line[os.write(file, line) :]
        finally:
            os.close(file)

    @property
    def summary(self) -> str:
        """Says how many calls were answered from it, and how many were made."""
        answered = plural(self.replayed, "model call")
        return f"{answered} answered from the cassette {self.path}, {self.asked:,} asked"

    @property
    def complaint(self) -> str:
        """Says which answers are missing, and what to do; empty if none is."""
        if not self.missing:
            return ""
        more = f" (and {len(self.missing) - 1:,} more)" if len(self.missing) > 1 else ""
        return (
            f"{self.path}: holds no answer for {self.missing[0]}{more}; {_MENDS[self.asks]} and "
            "run it again, which records it"
        )


def open_cassette(path: Path, models: Iterable[str], **options: Any) -> Cassette:
    """Opens a cassette for models, one of whom must need a key; `options` as for `Cassette`.

    Raises:
      CassetteError: it cannot be used, or all of them answer without a key.
    """
    if not set(models) - KEYLESS_MODELS:
        reason = "keeps answers of language models, and none is asked; name the model"
        raise CassetteError(reason, argument="cassette", value=path)
    return Cassette(path, **options)


class _Asking:
    """A request that a model is being asked."""

    def __init__(self) -> None:
        outer = _current.get()
        self.is_same = outer is not None and not outer.is_wrapper
        """Whether it is the first that a wrapper makes of its own."""
        self.is_wrapper = False
        if outer:
            outer.is_wrapper = True

    async def steps(
        self, stream: AsyncGenerator[LlmResponse, None]
    ) -> AsyncGenerator[LlmResponse, None]:
        """Takes a model's answers, in which what is asked is known to be asked by it."""
        async with aclosing(stream):
            while True:
                token = _current.set(self)
                try:
                    response = await anext(stream)
                except StopAsyncIteration:
                    return
                finally:
                    _current.reset(token)
                yield response


_current: ContextVar[_Asking | None] = ContextVar("adk_flow_asking", default=None)


class Tape:
    """What one conversation is answered; the n-th of its kind has answers of its own."""

    def __init__(self, cassette: Cassette, trial: int = 1, name: str = "") -> None:
        self.cassette, self.turn = cassette, 0
        self._trial, self._name = trial, name
        self.lacks = False
        """Whether an answer is missing that nothing may be asked for."""
        self._taken: defaultdict[str, set[int]] = defaultdict(set)
        self._times: set[float] = set()
        """When what it was given was asked, for its words may tell the time."""

    def answering(self, model: BaseLlm, ask: _Ask) -> _Ask:
        """Gives what answers for a model, of which `ask` is the own."""

        async def answer(
            llm_request: LlmRequest, stream: bool = False
        ) -> AsyncGenerator[LlmResponse, None]:
            place = self._place(model, llm_request, stream)
            kept = await self.cassette.find(place)
            if kept is None:
                source = self._ask(place, model, ask, llm_request, stream)
            elif kept.responses:
                self._times.add(kept.time)
                self.cassette.replayed += 1
                source = as_entry(kept.replay)(model, llm_request, stream)
            else:
                source = ask(llm_request, stream)
            async with aclosing(source):
                async for response in source:
                    yield response

        return answer

    def _place(self, model: BaseLlm, request: LlmRequest, stream: bool) -> _Place:
        named = request.model_copy(update={"model": request.model or model.model})
        moments = [datetime.now(UTC), *(datetime.fromtimestamp(time, UTC) for time in self._times)]
        digest = digest_request(named, stream, moments)
        taken = self._taken[digest]
        number = min({*range(1, len(taken) + 2)} - taken)
        taken.add(number)
        return digest, self._trial, number

    async def _ask(
        self, place: _Place, model: BaseLlm, ask: _Ask, request: LlmRequest, stream: bool
    ) -> AsyncGenerator[LlmResponse, None]:
        """Asks, and keeps what is answered; an error is not."""
        agent = (request.config.labels or {}).get("adk_agent_name", "")
        who = f"{agent or model.model} in turn {self.turn}{self._name and f' of {self._name}'}"
        asking = _Asking()
        answer = _Answer(place, datetime.now(UTC).timestamp(), model.model, agent)
        is_made, is_whole, last, usage, written = False, False, None, None, []
        try:
            self._take(asking)
            is_made = True
            async with aclosing(asking.steps(ask(request, stream))) as responses:
                async for last in responses:
                    written.append(_written(last))
                    usage = last.usage_metadata or usage
                    is_whole = not last.partial  # where a caller reads no further, it is kept
                    yield last
            is_whole = last is not None
        except BaseException as error:
            is_whole &= isinstance(error, GeneratorExit)
            is_refused = isinstance(error, CassetteError)
            is_failed = is_refused or (is_made and isinstance(error, Exception))
            if is_failed and not asking.is_wrapper:
                reason = "" if is_refused else f" ({of_error(error, mask)})"
                self.cassette.missing.append(who + reason)
            raise
        finally:
            if not asking.is_wrapper:
                answer.responses = written
            if last and not asking.is_wrapper and self.cassette.limit:
                self.cassette.limit.pay(model.model, last.model_version or "", of_usage(usage))
            is_kept = is_whole and all(map(bytes, written))
            if not is_kept:
                self._taken[place[0]].discard(place[2])
            self.cassette.settle(place, answer if is_kept else None)

    def _take(self, asking: _Asking) -> None:
        """Counts a call that is made; a CassetteError if none may be."""
        if not self.cassette.asks:
            self.lacks = True
            raise CassetteError("no model may be asked")
        if not asking.is_same:
            if self.cassette.limit:
                self.cassette.limit.take()
            self.cassette.asked += 1


def _written(response: LlmResponse) -> msgspec.Raw:
    """Writes a response; empty if it is an error, or holds what JSON cannot."""
    code: Any = response.error_code
    if code and getattr(code, "value", code) not in _ENDINGS:
        return msgspec.Raw()
    try:
        return msgspec.Raw(response.model_dump_json(exclude_none=True).encode())
    except ValueError as error:
        _logger.warning("adk-flow: an answer cannot be kept: %s", error)
        return msgspec.Raw()
