"""Chat with a multi-agent app, and see its flow draw itself: `make streamlit`."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import streamlit as st  # pyright: ignore[reportMissingImports]
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.genai import types
from streamlit.delta_generator import DeltaGenerator  # pyright: ignore[reportMissingImports]

from adk_flow import CONSTRUCTS, AdkFlowError, FlowPlugin, Move, compare, read_conversation
from adk_flow._text import plural
from adk_flow.analysis.metrics import TurnMetrics, measure_turn
from adk_flow.analysis.trace import Turn
from adk_flow.analysis.trace_reader import TraceReader
from adk_flow.log.schema import Record
from adk_flow.render.page_pieces import turn_to_svg
from adk_flow.run.app import load_app, with_recorder
from adk_flow.scenario.conversation import Conversation, of_questions
from adk_flow.wiring import MEANINGS

ROOT = Path(__file__).resolve().parents[1]
CALL_MILLISECONDS = 200


class Chat:
    """A session with an app, and its flow so far."""

    def __init__(self, folder: Path) -> None:
        self.moves: list[Move] = []
        self.questions: list[str] = []
        self.show: Callable[[list[Move]], None] = lambda moves: None
        self._reader = TraceReader()
        recorder = FlowPlugin(listener=lambda _, record: self._read(record))
        app = with_recorder(load_app(folder), recorder)
        self._runner = Runner(
            app=app, session_service=InMemorySessionService(), auto_create_session=True
        )
        self._loop = asyncio.new_event_loop()

    def ask(self, question: str) -> None:
        """Sends a message; `show` is called with moves as they happen."""
        self.questions.append(question)
        self._loop.run_until_complete(self._ask(types.UserContent(question)))

    async def _ask(self, message: types.Content) -> None:
        async for _ in self._runner.run_async(user_id="u", session_id="s", new_message=message):
            pass

    def _read(self, record: Record) -> None:
        if moves := self._reader.read(record):
            self.moves += moves
            self.show(moves)

    @property
    def turn(self) -> Turn:
        """The latest turn."""
        return self._reader.turns[max(self._reader.turns)]


def choose() -> tuple[Path, Conversation]:
    """Offers the desk under each construct, and the patterns; gives an app and what to ask it."""
    patterns = sorted(file.parent.name for file in ROOT.glob("examples/*/conversation.yaml"))
    offers = [
        *(f"advice desk: {name}" for name in CONSTRUCTS),
        *map("pattern: {}".format, patterns),
    ]
    start = offers.index("advice desk: agent_tool")
    kind, _, name = st.sidebar.selectbox("What to talk to", offers, start).partition(": ")
    folder = ROOT / ("examples" if kind == "pattern" else "constructs") / name
    own, topics = folder / "conversation.yaml", ROOT / "conversations" / "three_in_one_message.yaml"
    conversation = read_conversation(own if kind == "pattern" else topics)
    st.sidebar.caption(conversation.about if kind == "pattern" else MEANINGS[name])
    return folder, conversation


def show_words(moves: list[Move], talk: DeltaGenerator) -> None:
    """Shows what the user says and reads."""
    for move in moves:
        if move.kind in ("say", "reply"):
            with talk.chat_message("user" if move.kind == "say" else "assistant"):
                st.caption(move.source)
                st.text(move.text)


def figures(turn: TurnMetrics) -> str:
    """Writes what the latest turn took."""
    return (
        f"{plural(turn.llm_calls, 'LLM call')} ({turn.reported_llm_calls} in ADK's session), "
        f"{plural(turn.tool_calls, 'tool call')}, {plural(turn.tokens, 'token')}; "
        f"the next message goes to {turn.active_agent or 'nobody known'}"
    )


def race(folder: Path, conversation: Conversation) -> None:
    """Holds a conversation with what runs at once, and one by one, for real."""
    with st.spinner("Both are held …"), tempfile.TemporaryDirectory() as place:
        how = {"folder": Path(place), "latency": str(CALL_MILLISECONDS), "real_latency": True}
        made = compare(folder, {"chat": conversation}, ["one_by_one"], **how)
    times = {run.construct: (run.total.ended - run.total.began) / 1e6 for run in made.runs}
    st.bar_chart(times, horizontal=True)
    st.table({name: f"{seconds:.1f} s" for name, seconds in times.items()})
    st.caption(f"Each model call takes {CALL_MILLISECONDS} ms.")


def main() -> None:
    """Lays out the page."""
    os.environ.setdefault("MODEL_NAME", "offline")
    sys.path[:0] = [] if str(ROOT) in sys.path else [str(ROOT)]  # constructs import the desk
    st.set_page_config("adk-flow", layout="wide")
    folder, example = choose()
    st.sidebar.caption("Red: control, an open arrow hands over. Blue, dashed: conversation.")
    pause = st.sidebar.slider("Pause after each move, seconds", 0.0, 1.0, 0.3)
    if st.session_state.get("folder") != folder:
        st.session_state.update(folder=folder, chat=Chat(folder))
    chat: Chat = st.session_state.chat
    words, flow = st.columns([2, 3])
    talk, picture, line = words.container(), flow.empty(), flow.empty()
    show_words(chat.moves, talk)
    suggested = [turn.say for turn in example.turns if st.sidebar.button(turn.say)]
    if question := st.chat_input("Ask") or next(iter(suggested), ""):

        def show(moves: list[Move]) -> None:
            show_words(moves, talk)
            picture.image(turn_to_svg(chat.turn))
            time.sleep(pause)

        chat.show = show
        chat.ask(question)
    if chat.moves:
        picture.image(turn_to_svg(chat.turn))
        line.text(figures(measure_turn(chat.turn)))
    if st.sidebar.button("Parallel against one by one"):
        with flow:
            race(folder, of_questions(chat.questions) if chat.questions else example)


try:
    main()
except AdkFlowError as error:
    st.error(str(error))
