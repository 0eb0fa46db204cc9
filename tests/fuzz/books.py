"""What really happened in a conversation, written down by the models, tools and callbacks."""

import asyncio
import random
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from google.adk.events.event import Event
from google.adk.plugins.base_plugin import BasePlugin
from google.genai import types


@dataclass
class Call:
    """One entry into a model, as the model saw it."""

    turn: int
    agent: str
    sent: int | None = 0
    said: int | None = 0
    """Tokens that it reported: none if it failed before it answered; None if it was cancelled, or a
    part of the answer had come, which tells no tokens."""


@dataclass
class AgentRun:
    """One run of an AgentTool."""

    turn: int
    agent: str
    failed: bool = True
    """Until it gives a result."""


@dataclass
class Turn:
    """One message, what ADK yielded for it, and how long it took."""

    message: types.Content
    events: list[Event] = field(default_factory=list)
    error: str = ""
    seconds: float = 0

    @property
    def has_words(self) -> bool:
        """Whether the user says something, and answers no call."""
        return any(part.text for part in self.message.parts or ())


@dataclass
class Books:
    """The books of one session."""

    session: str
    dice: random.Random
    """Decides for the models, tools and callbacks of the session."""
    faults: bool = False
    """Whether models and functions fail now and then."""
    turns: list[Turn] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    unseen: list[tuple[int, str]] = field(default_factory=list)
    """Turn and agent of answers given in a model's place that report tokens."""
    hidden: set[int] = field(default_factory=set)
    """Turns in which a model's error was hidden from the recorder: its tokens are not known."""
    functions: list[tuple[int, str, str]] = field(default_factory=list)
    """Turn, agent and name of each function that ran as a tool."""
    nodes: list[tuple[int, str]] = field(default_factory=list)
    """Turn and name of each function that ran as a graph's node, and came to its end or failed."""
    sides: dict[tuple[int, str, int, float], list[str]] = field(default_factory=dict)
    """Agents and graphs that tools ran, by turn, caller, its activation and when they began."""
    activations: list[Any] = field(default_factory=list)
    agent_runs: list[AgentRun] = field(default_factory=list)
    transfers: set[tuple[str, str]] = field(default_factory=set)
    """Agent and target of each transfer that a model decided on."""
    begun: list[tuple[int, str]] = field(default_factory=list)
    """Turn and agent of each model call, and of each answer in an agent's or model's place."""
    events: list[tuple[int, Event]] = field(default_factory=list)
    """Turn and event, those of nested runs too."""
    decisions_left: int = 0
    """Those of this turn that may still be something else than words."""

    @property
    def turn(self) -> int:
        """Number of the turn under way."""
        return len(self.turns)

    def is_paused(self, number: int) -> bool:
        """Whether a turn waits for the user."""
        return any(event.long_running_tool_ids for event in self.turns[number - 1].events)

    def fails(self, number: int) -> bool:
        """Whether ADK itself found something wrong in a turn, which cancels what runs beside it."""
        return any(event.error_code for turn, event in self.events if turn == number)

    def chance(self, likelihood: float) -> bool:
        """Throws the dice."""
        return self.dice.random() < likelihood


current: ContextVar[Books] = ContextVar("books")
"""Those of the session that runs in this context."""


def note_side(name: str, context: Any) -> None:
    """Notes an agent or graph that a tool runs; what one model turn asks for begins at once."""
    books, activation = current.get(), context._invocation_context
    books.activations.append(activation)  # which keeps its id its own
    now = asyncio.get_running_loop().time()
    place = books.turn, context.agent_name, id(activation), now
    books.sides.setdefault(place, []).append(name)


class Witness(BasePlugin):
    """Notes every event, those of nested runs too, and answers nothing."""

    async def on_event_callback(self, *, event: Event, **_: Any) -> None:
        books = current.get()
        books.events.append((books.turn, event.model_copy(deep=True)))
