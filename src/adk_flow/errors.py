"""What a user can mend, and what only adk-flow can."""

from __future__ import annotations

import dis
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType
from typing import TypeVar

_Function = TypeVar("_Function", bound=Callable[..., object])

OWN_FAULT = "adk-flow's own fault"
"""How an error begins that adk-flow's code made without meaning to."""


class AdkFlowError(Exception):
    """An error whose text is one line that names the file, line or field and what was expected."""

    def __init__(self, reason: str, *, argument: str = "", value: object = "") -> None:
        """Takes the reason, and the parameter at fault with its value if it is one."""
        place = f"{argument} {value}".strip()
        super().__init__(f"{place}: {reason}" if place else reason)
        self.argument = argument


def words_of_error(error: BaseException) -> str:
    """Gives an exception's message; its type again where it cannot be shown."""
    try:
        return str(error)
    except Exception:
        return f"<{type(error).__name__}>"


def causes_of(error: BaseException | None) -> Iterator[BaseException]:
    """Gives an exception and those behind it, each once: an app may have them go in a circle."""
    seen = set[int]()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        inner = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else None
        error = inner or error.__cause__ or error.__context__


_UNHEARD = re.compile(
    "Cancelled|Timeout|Disconnected|Payload|JSONDecode|Protocol|ReadError|ConnectionReset|"
    "APIConnection|UnknownApiResponse"
)
"""Types of errors, of asyncio, HTTP clients and providers' SDKs, of an answer that was lost."""


def is_unheard(error: str) -> bool:
    """Whether an error, by its type, is of who may have answered, though nobody heard it."""
    return _UNHEARD.search(error.partition(": ")[0]) is not None


_passing: set[CodeType] = set()


def passes_on(function: _Function) -> _Function:
    """Marks a function that calls, or looks up, what an app has in its place: not its own fault."""
    _passing.add(function.__code__)
    return function


def locate_own_fault(error: BaseException) -> str:
    """Names the file and line of adk-flow that failed; empty where it raised, or others failed."""
    seen = {id(error)}
    while error.__cause__ is not None and id(error.__cause__) not in seen:
        error = error.__cause__
        seen.add(id(error))
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if isinstance(error, OSError):  # the disk's
        return ""
    package = Path(__file__).parent
    file = Path(trace.tb_frame.f_code.co_filename) if trace else Path()
    if trace is None or not file.is_relative_to(package) or trace.tb_frame.f_code in _passing:
        return ""
    instruction = dis.opname[trace.tb_frame.f_code.co_code[trace.tb_lasti]]
    is_meant = instruction == "RAISE_VARARGS"
    return "" if is_meant else f"{file.relative_to(package)}, line {trace.tb_lineno}"
