"""A conversation run with an app, and its flow log."""

import asyncio
import copy
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import aclosing, nullcontext
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from google.adk.apps import App
from google.adk.artifacts.in_memory_artifact_service import InMemoryArtifactService
from google.adk.memory.in_memory_memory_service import InMemoryMemoryService
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.runners import Runner
from google.adk.sessions.in_memory_session_service import InMemorySessionService
from google.genai import types
from msgspec.structs import replace

from adk_flow._adk import BaseNode, tools_inline
from adk_flow.analysis.metrics import TurnMetrics, measure_turn
from adk_flow.analysis.move import Move
from adk_flow.analysis.run_metrics import KEYLESS_MODELS
from adk_flow.analysis.trace import Trace, Turn
from adk_flow.analysis.trace_reader import TraceReader, read_trace
from adk_flow.log.reader import Log
from adk_flow.log.schema import Header, Record
from adk_flow.models.decisions import Decided
from adk_flow.models.enforcement import in_force
from adk_flow.models.override import override_of
from adk_flow.models.planned.model import Planned
from adk_flow.models.planned.playing import planned_for, planned_override
from adk_flow.record.extract import of_error
from adk_flow.record.plugin import FlowPlugin
from adk_flow.record.redact import mask
from adk_flow.record.spans import in_trace, quiet_telemetry
from adk_flow.run.app import load_app, with_recorder
from adk_flow.run.pauses import Pause, Pauses, message_of
from adk_flow.scenario.conversation import AskedTurn, Conversation, failed_checks, of_questions

USER_ID = "user"


class ConversationRun(NamedTuple):
    """A conversation as it went."""

    log: Path | None
    """None if none could be written."""
    moves: list[Move]
    turns: list[TurnMetrics]
    failed_checks: list[list[str]]
    """What each turn's answer lacks of what the conversation asks for."""
    faults: int
    """Hooks that could not be recorded."""
    uncontrolled: list[str]
    """Models that were asked although all that the log shows need no key."""
    sides: Path | None
    """Folder of logs of A2A servers that were asked, which moves and figures include."""
    trace: Trace | None
    """What its log holds; None where only the file tells it: a hook could not be recorded, or the
    session lies in several parts."""

    @property
    def lacking(self) -> list[str]:
        """What answers lack, each with its turn."""
        turns = enumerate(self.failed_checks, start=1)
        return [f"turn {number}: {reason}" for number, reasons in turns for reason in reasons]


async def run_conversation(
    app: App | BaseNode | str | Path,
    conversation: Conversation | Sequence[str],
    *,
    file: Path | None = None,
    construct: str = "",
    listener: Callable[[Header, Record], None] | None = None,
    close: bool = True,
    sides: Path | None = None,
) -> ConversationRun:
    """Holds a conversation with an app in a session of its own, in memory.

    A turn that fails is recorded as such, and the next goes on. If the app is overridden with
    a keyless model, no other is asked.

    Args:
      app: the app, its root agent, or its path as for `adk run`; its own recorder, if it has one,
        gives its settings and is left out.
      conversation: what to ask; the questions of its turns will do, or one.
      file: the log; by default a new one in the recorder's folder.
      construct: how the app's agents are wired, if its own recorder does not say so.
      listener: called with each record once it is written.
      close: whether to close the app's plugins and toolsets, which conversations that are held
        at the same time would miss.
      sides: where A2A servers keep their logs of what they are asked here, which are read too.
    """
    app = load_app(app)
    if not isinstance(conversation, Conversation):
        asked = [conversation] if isinstance(conversation, str) else [*conversation]
        conversation = of_questions(asked)
    reader, parts = TraceReader(), list[Log]()

    def listen(header: Header, record: Record) -> None:
        if not parts or parts[-1].header is not header:
            parts.append(Log("", header, [], {}, [], []))
        parts[-1].add(record)
        reader.read(record)
        if listener is not None:
            listener(header, record)

    own = next((plugin for plugin in app.plugins if isinstance(plugin, FlowPlugin)), FlowPlugin())
    recorder = FlowPlugin(
        directory=own.recorder.directory,
        file=file,
        capture=own.recorder.capture,
        construct=construct or own.recorder.construct,
        listener=listen,
    )
    artifacts = InMemoryArtifactService()
    runner = Runner(
        app=_with_own_summarizer(with_recorder(app, recorder)),
        session_service=InMemorySessionService(),
        artifact_service=artifacts,
        memory_service=InMemoryMemoryService(),
    )
    session = uuid.uuid4().hex
    place: dict[str, Any] = {"app_name": app.name, "user_id": USER_ID, "session_id": session}
    state = copy.deepcopy(conversation.state)
    await runner.session_service.create_session(**place, state=state)
    for name, text in conversation.artifacts.items():
        await artifacts.save_artifact(**place, filename=name, artifact=types.Part(text=text))
    talk = _Talk(runner, session, app)
    try:
        ends = [await talk.take_turn(turn) for turn in conversation.turns]
    finally:
        if close:
            await runner.close()
        if not (close and hasattr(BasePlugin, "close")):  # 1.18's runner closes no plugin
            await recorder.close()
    read, trace = list(reader.turns.values()), None
    asked = _logs_in(sides) if sides and recorder.paths else []
    if asked:
        trace = read_trace(recorder.paths[0], *asked)
        read = trace.turns
    elif len(parts) == 1 and not recorder.faults:
        trace = Trace(parts[0]._replace(path=str(recorder.paths[0])), read)
    turns = [measure_turn(turn) for turn in read]
    moves = [move for turn in read for move in turn.moves]
    calls = (call for turn in read for call in turn.asked_models)
    logged = {call.model for call in calls if not call.within}  # by agents, and no tool's own
    others = set[str]().union(*(end.asked for end in ends)) - KEYLESS_MODELS
    return ConversationRun(
        log=recorder.paths[0] if recorder.paths else None,
        moves=moves,
        turns=turns,
        failed_checks=_check(conversation.under(recorder.recorder.construct), read, turns, ends),
        faults=recorder.faults.total(),
        uncontrolled=sorted(others) if logged <= KEYLESS_MODELS else [],
        sides=sides if asked else None,
        trace=trace,
    )


def _logs_in(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.jsonl"))


def describe_uncontrolled(models: Iterable[str]) -> str:
    """Tells the user of them."""
    return f"models that the app's own code asked, past its agents: {', '.join(sorted(models))}"


def _with_own_summarizer(app: App) -> App:
    """Copies what ADK keeps the first conversation's summarizer in (2.13, apps/compaction.py)."""
    config = getattr(app, "events_compaction_config", None)
    return app.model_copy(
        update={"events_compaction_config": config.model_copy()} if config else {}
    )


class _End(NamedTuple):
    """How a turn ended, as its runner knows."""

    error: str
    """The error that ended it, if one did."""
    asked: set[str]
    """Models that were asked in spite of the given one; all where none was given."""
    left_over: list[str]
    """Tasks of its plan that nobody was asked for."""
    answered: Pause | None
    """What it answered, if something waited."""


class _Talk:
    """The turns of one session."""

    def __init__(self, runner: Runner, session: str, app: App) -> None:
        self._runner, self._session, self._app = runner, session, app
        self._pauses = Pauses()
        self._planned: Planned | None = None

    async def take_turn(self, turn: AskedTurn) -> _End:
        """Asks one thing, or answers what waits, on the model that plays its plan if it has one.

        A turn that answers goes on with the plan of the turn that paused, unless it has one.
        """
        pause, override = self._pauses.latest, override_of(self._app)
        if override.fault:
            override.fault.turn += 1
        if override.tape:
            override.tape.turn += 1
        planned = self._planned = self._plan_of(turn, pause)
        if planned is not None:
            override = planned_override(planned, override)
        inline = tools_inline() if planned else nullcontext()
        with in_trace(), in_force(override) as asked, inline:
            error = await self._ask(turn, pause)
        if planned is None:
            return _End(error, asked, [], pause)
        fault, is_over = planned.turn.fault, self._pauses.latest is None
        left_over = planned.turn.left_over if is_over and not fault else []
        return _End(error or fault, asked, left_over, pause)

    def _plan_of(self, turn: AskedTurn, pause: Pause | None) -> Planned | None:
        is_open = turn.plan is None and self._planned is not None
        if is_open and pause is not None:
            return self._planned
        if is_open and turn.is_answer:  # for which nobody waits
            turn = replace(turn, plan=[])
        return planned_for(self._app, turn)

    async def _ask(self, turn: AskedTurn, pause: Pause | None) -> str:
        options = quiet_telemetry()
        model = override_of(self._app).model
        if isinstance(model, Decided):
            model.answered = turn.say if pause is not None else ""
        if pause is not None:
            self._pauses.answer(pause)
            options["invocation_id"] = pause.invocation
        events = self._runner.run_async(
            user_id=USER_ID,
            session_id=self._session,
            new_message=message_of(turn, pause),
            **options,
        )
        fault = override_of(self._app).fault
        try:
            async with asyncio.timeout(fault and fault.seconds), aclosing(events) as stream:
                async for event in stream:
                    self._pauses.read(event)
        except Exception as error:
            # The log holds it too, its turn ends with a failed move; but not under ADK 1.
            return of_error(error, mask)
        return ""


def _check(
    conversation: Conversation, turns: list[Turn], measured: list[TurnMetrics], ends: list[_End]
) -> list[list[str]]:
    checked = []
    for asked, turn, figures, end in zip_longest(conversation.turns, turns, measured, ends):
        if figures is None or asked is None:
            checked.append(["could not be recorded, so nothing is known of it"])
            continue
        agents = [move.target for move in turn.moves if move.is_control]
        failed = failed_checks(asked, figures.answer, figures.read, agents)
        failed += [f"left over, as nobody was asked: {task}" for task in end.left_over]
        failed += _resumption(asked, turn, end)
        error = figures.error or end.error
        checked.append([*failed, f"failed: {error}"] if figures.failed or end.error else failed)
    return checked


def _resumption(asked: AskedTurn, turn: Turn, end: _End) -> Iterator[str]:
    """Says if nobody waited for an answer, or another was resumed than had paused."""
    if asked.is_answer and end.answered is None:
        yield "nobody waited for an answer"
    elif end.answered is not None and not end.error:
        resumed = [move.target for move in turn.moves if move.kind == "start"]
        resumed += [call.agent for call in turn.model_calls[:1]]
        if resumed and end.answered.agent not in resumed:
            yield f"{end.answered.agent} had paused, but {resumed[-1]} was resumed"
