"""One fault under one construct, and what the app's user then sees, with a recorder or without."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import re
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from google.adk.agents._streaming_mode import StreamingMode
from google.adk.agents.run_config import RunConfig
from google.adk.apps import App
from google.adk.events.event import Event
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.genai import types
from pydantic import PrivateAttr

from adk_flow.errors import words_of_error
from adk_flow.models.scripted import Scripted
from adk_flow.record.plugin import FlowPlugin
from adk_flow.scenario.conversation import ALONE
from adk_flow.wiring import wire
from tests.doubles.flow import agent
from tests.doubles.teams import twice
from tests.faults.faults import ANSWERS, BEGINNINGS, HOOKS, RESULTS, Broken, Fault, Faulty, short

CONSTRUCTS = (
    *("single_agent", "transfer", "agent_tool", "single_turn"),
    *("task", "router", "coordinator", "parallel"),
    *("skills", "advisor", "classifier_router", "router_many", "workflow_tool"),
)


class Counted(Scripted):
    """A scripted model that counts how often it was asked, and fails once at one agent."""

    _fault: Fault = PrivateAttr()
    _who: str = PrivateAttr()
    _asked: int = PrivateAttr(default=0)

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        self._asked += 1
        name = (llm_request.config.labels or {})["adk_agent_name"]
        if self._fault.model and name == self._who and self._fault.once():
            answers = ANSWERS[self._fault.model](self._fault)
        else:
            answers = super().generate_content_async(llm_request, stream)
        async for response in answers:
            yield response


class Probe(BasePlugin):
    """Counts the hooks that fire."""

    def __init__(self) -> None:
        super().__init__("probe")
        self.hooks: Counter[str] = Counter()
        for name in HOOKS:
            setattr(self, name, self._counting(short(name)))

    def _counting(self, hook: str) -> Callable[..., Any]:
        async def count(**arguments: Any) -> None:
            self.hooks[hook] += 1

        return count


@dataclass
class Held:
    """A conversation of two turns, as the app's user sees it."""

    who: str
    """The agent at fault."""
    probe: Probe = field(default_factory=Probe)
    events: list[list[str]] = field(default_factory=list)
    error_events: list[bool] = field(default_factory=list)
    """Turns in which an event told an error."""
    errors: list[str] = field(default_factory=list)
    """What ended each turn, if anything did."""
    cut: list[bool] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    """How often the model was asked in each turn."""


class Cell:
    """A fault under a construct, without a recorder or with one."""

    def __init__(self, fault: Fault, construct: str, recorder: FlowPlugin | None = None) -> None:
        self.fault, self.recorder = fault, recorder
        self.model = Counted(script=twice(construct))
        self.model._fault = fault
        self.who = self.model._who = "Lead" if construct in ALONE else "Loans"
        self.held = Held(self.who)
        self._patches = ExitStack()
        self.app = App(name="app", root_agent=self._wire(construct), plugins=[*self._plugins()])

    def _wire(self, construct: str) -> Any:
        faulty = self._callbacks()
        is_alone = self.who == "Lead"
        loans = agent("Loans", self.model, tools=[self._tool()], **({} if is_alone else faulty))
        lead = agent("Lead", self.model, **(faulty if is_alone else {}))
        funds = agent("Funds", self.model)
        return wire(lead, [loans, funds], construct)

    def _callbacks(self) -> dict[str, Any]:
        fault = self.fault

        async def begin(callback_context: Any) -> None:
            if fault.once():
                await BEGINNINGS[fault.agent](fault)

        def fail(*args: Any, **named: Any) -> None:
            if fault.once():
                raise Broken("in a callback")

        if fault.agent:
            return {"before_agent_callback": begin}
        return {fault.callback: fail} if fault.callback else {}

    def _tool(self) -> Callable[..., Any]:
        fault = self.fault

        async def rate(years: int) -> Any:
            """Looks up the interest rate of a loan."""
            self._break_disk()
            is_faulty = fault.tool and (fault.callback or fault.hook or fault.recorder)
            if fault.tool and (is_faulty or fault.once()):
                return await RESULTS[fault.tool](fault)
            return f"5% for {years} years"

        return rate

    def _plugins(self) -> Iterator[BasePlugin]:
        yield self.held.probe
        if self.recorder:
            yield self.recorder
        if self.fault.hook:
            yield Faulty(self.fault)

    def _break_disk(self) -> None:
        if self.recorder and self.fault.recorder == "log deleted by the tool":
            self.recorder.paths[0].unlink(missing_ok=True)
        elif self.fault.recorder == "full disk from the tool on":
            self._fill_disk()

    def _fill_disk(self) -> None:
        def full(file: int, data: bytes) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        self._patches.enter_context(patch("os.write", full))

    async def hold(self) -> Held:
        """Holds two turns; of one that hangs, as long as it goes on."""
        runner = Runner(app=self.app, session_service=InMemorySessionService())
        await runner.session_service.create_session(app_name="app", user_id="u", session_id="s")
        if self.fault.recorder == "full disk":
            self._fill_disk()
        with self._patches:
            for words in ("Loan?", "Really?"):
                await self._take_turn(runner, words)
            await runner.close()
        return self.held

    async def _take_turn(self, runner: Runner, words: str) -> None:
        events: list[Event] = []
        before, hung = self.model._asked, asyncio.create_task(self.fault.hung.wait())
        turn = asyncio.create_task(self._ask(runner, words, events))
        await asyncio.wait([turn, hung], return_when=asyncio.FIRST_COMPLETED)
        self.fault.hung.clear()
        for task in (turn, hung):
            task.cancel()
        (error, _) = await asyncio.gather(turn, hung, return_exceptions=True)
        is_error = isinstance(error, Exception)
        self.held.errors.append(
            f"{type(error).__name__}: {words_of_error(error)}" if is_error else ""
        )
        self.held.cut.append(isinstance(error, asyncio.CancelledError))
        self.held.events.append([_without_ids(event) for event in events])
        self.held.error_events.append(any(event.error_code for event in events))
        self.held.asked.append(self.model._asked - before)

    async def _ask(self, runner: Runner, words: str, events: list[Event]) -> None:
        is_streamed = self.fault.model == "broken stream"
        mode = StreamingMode.SSE if is_streamed else StreamingMode.NONE
        async for event in runner.run_async(
            user_id="u",
            session_id="s",
            new_message=types.UserContent(words),
            run_config=RunConfig(streaming_mode=mode),
        ):
            events.append(event)


_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _without_ids(event: Event) -> str:
    return json.dumps(_plain(event.model_dump(exclude={"id", "timestamp"}, exclude_none=True)))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [*map(_plain, value)]
    if isinstance(value, str):
        return _ID.sub("…", value)
    return value if isinstance(value, (int, float, type(None))) else type(value).__name__
