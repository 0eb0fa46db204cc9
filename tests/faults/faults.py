"""What can go wrong with an app or its recorder, each once in a conversation of two turns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Any

from google.adk.agents import LlmAgent
from google.adk.models.llm_response import LlmResponse
from google.adk.plugins.base_plugin import BasePlugin
from google.genai import errors, types

from adk_flow.models.scripted import call, transfer

HOOKS = [name for name in dir(BasePlugin) if name.endswith("_callback")]
CALLBACKS = [name for name in LlmAgent.model_fields if name.endswith("_callback")]


class Broken(Exception):
    """What an app's own code raises here."""


class Unprintable(Exception):
    """Cannot be shown, neither as an error nor as a value."""

    def __repr__(self) -> str:
        raise Broken("shown")

    __str__ = __repr__


@dataclass
class Fault:
    """One thing that goes wrong, and where."""

    name: str
    group: str
    model: str = ""
    """Name of what the specialist's model does at its first call, see `ANSWERS`."""
    tool: str = ""
    """Name of what its tool does, see `RESULTS`."""
    agent: str = ""
    """Name of what the agent does before it begins, see `BEGINNINGS`."""
    callback: str = ""
    """Callback of the agent that raises."""
    hook: str = ""
    """Hook that another plugin raises in."""
    recorder: str = ""
    """What the recorder cannot do: write a hook's record, or anything."""
    signal: str = ""
    """What ends the process."""
    happened: bool = field(default=False, init=False)
    hung: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    def once(self) -> bool:
        """Whether it is to happen now."""
        happened, self.happened = self.happened, True
        return not happened

    async def hang(self) -> None:
        """Never ends, and tells when it begins."""
        self.hung.set()
        await asyncio.Event().wait()


def _says(*parts: types.Part, **fields: Any) -> LlmResponse:
    return LlmResponse(content=types.Content(role="model", parts=[*parts]), **fields)


def _raises(error: Exception) -> Callable[[Fault], AsyncGenerator[LlmResponse, None]]:
    async def answer(fault: Fault) -> AsyncGenerator[LlmResponse, None]:
        raise error
        yield

    return answer


def _gives(response: LlmResponse) -> Callable[[Fault], AsyncGenerator[LlmResponse, None]]:
    async def answer(fault: Fault) -> AsyncGenerator[LlmResponse, None]:
        yield response

    return answer


async def _hangs(fault: Fault) -> AsyncGenerator[LlmResponse, None]:
    await fault.hang()
    yield LlmResponse()


async def _breaks_off(fault: Fault) -> AsyncGenerator[LlmResponse, None]:
    yield _says(types.Part(text="It i"), partial=True)
    raise ConnectionResetError("peer is gone")


_MESSAGE = {"error": {"message": "on purpose"}}
_SAFETY = types.FinishReason.SAFETY
_CUT = types.FinishReason.MAX_TOKENS
ANSWERS = {
    "429": _raises(errors.ClientError(429, _MESSAGE)),
    "500": _raises(errors.ServerError(500, _MESSAGE)),
    "hang": _hangs,
    "malformed arguments": _gives(_says(types.Part(function_call=call("rate", yeers="x")))),
    "empty": _gives(LlmResponse()),
    "hallucinated agent": _gives(_says(types.Part(function_call=transfer("Nobody")))),
    "hallucinated tool": _gives(_says(types.Part(function_call=call("guess", x=1)))),
    "SAFETY": _gives(LlmResponse(error_code="SAFETY", finish_reason=_SAFETY)),
    "MAX_TOKENS": _gives(_says(types.Part(text="It is"), finish_reason=_CUT)),
    "broken stream": _breaks_off,
}


async def _raise(fault: Fault) -> None:
    raise Broken("on purpose")


async def _raise_unprintable(fault: Fault) -> None:
    raise Unprintable


async def _give_unprintable(fault: Fault) -> Any:
    return {"rate": Unprintable()}


async def _give_much(fault: Fault) -> Any:
    return "5% " * 500_000


async def _cancel(fault: Fault) -> None:
    task = asyncio.current_task()
    assert task
    task.cancel()
    await asyncio.sleep(0)


RESULTS = {
    "raises": _raise,
    "raises what cannot be printed": _raise_unprintable,
    "gives what cannot be printed": _give_unprintable,
    "gives 1.5 MB": _give_much,
    "hangs": lambda fault: fault.hang(),
}
BEGINNINGS = {"raises": _raise, "hangs": lambda fault: fault.hang(), "is cancelled": _cancel}


class Faulty(BasePlugin):
    """Raises in one hook, once."""

    def __init__(self, fault: Fault) -> None:
        super().__init__("faulty")

        async def fail(**arguments: Any) -> None:
            if fault.once():
                raise Broken("in a plugin")

        setattr(self, fault.hook, fail)


def short(hook: str) -> str:
    """Names a hook as records do."""
    return hook.removesuffix("_callback").removeprefix("on_")


def _needed(hook: str) -> dict[str, str]:
    if hook.startswith("on_tool_error"):
        return {"tool": "raises"}
    return {"model": "500"} if hook.endswith("_error_callback") else {}


def _faults() -> list[Fault]:
    return [
        *(Fault(name, "model", model=name) for name in ANSWERS),
        *(Fault(name, "agent", agent=name) for name in BEGINNINGS),
        *(Fault(name, "tool", tool=name) for name in RESULTS),
        *(Fault(name, "agent's callback", callback=name, **_needed(name)) for name in CALLBACKS),
        *(Fault(name, "another plugin", hook=name, **_needed(name)) for name in HOOKS),
        *(Fault(name, "recorder", recorder=name, **_needed(name)) for name in HOOKS),
        *(Fault(name, "recorder", recorder=name) for name in DISKS),
        *(Fault(name, "process", tool="hangs", signal=name) for name in SIGNALS),
    ]


DISKS = ("unwritable", "full disk", "full disk from the tool on", "log deleted by the tool")
SIGNALS = {"kill -9": 9, "SIGTERM": 15, "Ctrl-C": 2}


FAULTS = _faults()
