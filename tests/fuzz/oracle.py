"""Runs a random tree and compares what adk-flow says of it with the model's and ADK's own books."""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from google.adk.agents._streaming_mode import StreamingMode
from google.adk.agents.run_config import RunConfig
from google.adk.apps import App
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.genai import types

from adk_flow import FlowPlugin, read_log
from adk_flow.analysis.findings import detect_findings
from adk_flow.analysis.trace_reader import trace_log
from tests.fuzz.trees import Books, Dice, Grower
from tests.fuzz.virtual_clock import run_virtually

TURNS = 3


class Session:
    """One conversation with one random tree, and what ADK yielded."""

    def __init__(self, seed: int, folder: Path) -> None:
        dice = random.Random(seed)
        self.seed, self.folder = seed, folder
        self.books = Books(seed)
        self.streams = dice.random() < 0.2
        model = Dice.over(self.books, faults=dice.random() < 0.3, repeats_ids=dice.random() < 0.2)
        self.root = Grower(self.books, model).tree()
        self.events: list[list[Any]] = []
        self.errors: list[str] = []
        self.plugin = FlowPlugin(directory=folder)

    async def hold(self) -> None:
        """Holds the conversation."""
        service = InMemorySessionService()
        app = App(name="app", root_agent=self.root, plugins=[self.plugin])
        runner = Runner(app=app, session_service=service)
        await service.create_session(app_name="app", user_id="u", session_id="s")
        mode = StreamingMode.SSE if self.streams else StreamingMode.NONE
        for turn in range(TURNS):
            self.books.begin_turn(moves=8)
            self.events.append([])
            error = ""
            try:
                async for event in runner.run_async(
                    user_id="u",
                    session_id="s",
                    new_message=types.UserContent(f"Question {turn + 1}?"),
                    run_config=RunConfig(streaming_mode=mode, max_llm_calls=200),
                ):
                    self.events[-1].append(event)
            except Exception as fault:
                error = f"{type(fault).__name__}: {fault}"
            self.errors.append(error)
        await runner.close()


def read_figures(path: Path) -> dict[str, Any]:
    """Reads what `adk-flow show --format json` says of a log."""
    from adk_flow.render.flow_json import flow_to_data

    return json.loads(json.dumps(flow_to_data(read_log(path), "both")))


def disagreements(session: Session) -> list[str]:
    """Lists where adk-flow's figures differ from the books."""
    if session.plugin.faults:
        return [f"recorder failed: {session.plugin.first_fault}"]
    (path,) = session.folder.rglob("*.jsonl")
    data = read_figures(path)
    found: list[str] = []

    def same(what: str, said: Any, true: Any) -> None:
        if said != true:
            found.append(f"{what}: says {said!r}, true {true!r}")

    same("turns", len(data["turns"]), TURNS)
    log = read_log(path)
    for finding in detect_findings(trace_log(log)):
        shown = all(0 <= record < len(log.records) for record in finding.records)
        same(f"{finding.kind} is shown by its records", shown, True)
        same("a hidden hook", finding.kind == "hidden_hook", False)
    for number, turn in enumerate(data["turns"][:TURNS], start=1):
        calls = [call for call in session.books.calls if call.turn == number]
        at, events = f"turn {number}", session.events[number - 1]
        same(f"{at} calls", turn["llm_calls"], len(calls))
        same(f"{at} input", turn["input_tokens"], sum(call.sent for call in calls))
        same(f"{at} output", turn["output_tokens"], sum(call.said for call in calls))
        by_agent = {name: one["llm_calls"] for name, one in turn["agents"].items()}
        by_agent = {name: count for name, count in by_agent.items() if count}
        same(f"{at} by agent", by_agent, dict(Counter(call.agent for call in calls)))
        moves = [move for move in data["moves"] if move["turn"] == number]
        _check_moves(at, moves, events, same)
        same(f"{at} answer", turn["answer"], _answer(events))
        read = [(message["agent"], message["text"]) for message in turn["messages"]]
        same(f"{at} read", read, [(event.author, _words(event)) for event in _shown(events)])
        same(f"{at} failed", turn["failed"], bool(session.errors[number - 1]))
        wall = turn["ended"] - turn["began"]
        same(f"{at} path", turn["critical_path_microseconds"], wall)
        after = [call for call in session.books.calls if call.turn == number + 1]
        if after and isinstance(_llm_root(session.root), bool):
            same(f"{at} next", turn["holder"], after[0].agent)
    return found


def _llm_root(root: Any) -> bool | None:
    from google.adk.agents import LlmAgent

    return True if isinstance(root, LlmAgent) else None


def _check_moves(at: str, moves: list[dict[str, Any]], events: list[Any], same: Any) -> None:
    kinds = Counter(move["kind"] for move in moves)
    same(f"{at} starts", kinds["start"], 1)
    same(f"{at} ends", kinds["end"], 1)
    calls, returns = (
        Counter(move.get("call", "") for move in moves if _is_wait(move, kind))
        for kind in ("call", "return")
    )
    same(f"{at} returns", returns, calls)
    tasks = [m for m in moves if m["kind"] == "return" and m["via"] == "task"]
    same(f"{at} tasks", len(tasks), len(_task_answers(events)))
    shown = {(move["source"], move["target"]) for move in moves if move["kind"] == "transfer"}
    carried = {(event.author, event.actions.transfer_to_agent) for event in events}
    lost = {pair for pair in carried if pair[1] not in (None, "Nobody")} - shown
    same(f"{at} transfers lost", lost, set())


def _is_wait(move: dict[str, Any], kind: str) -> bool:
    """Whether a move calls, or returns from, what ADK waits for within the turn."""
    return move["kind"] == kind and move["via"] != "task"


def _task_answers(events: list[Any]) -> list[str]:
    """Ids of the tasks that were done."""
    answers = [event.get_function_responses() for event in events if event.author == "user"]
    return sorted({answer.id for several in answers for answer in several})


def _answer(events: list[Any]) -> str:
    """The last final words at the top of the session, as ADK's events show them."""
    texts = [_words(event) for event in _shown(events) if event.is_final_response()]
    return texts[-1] if texts else ""


def _shown(events: list[Any]) -> list[Any]:
    """Events whose words `adk run` and `adk web` show."""
    return [e for e in events if e.author != "user" and not e.partial and _words(e)]


def _words(event: Any) -> str:
    parts = (event.content.parts or []) if event.content else []
    return "".join(part.text for part in parts if part.text and not part.thought)


def try_seed(seed: int) -> list[str]:
    """Grows, runs and checks one tree."""
    with tempfile.TemporaryDirectory() as folder:
        session = Session(seed, Path(folder))
        run_virtually(session.hold())
        return disagreements(session)


def main() -> int:
    """Tries many seeds, prints what disagrees."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--number", type=int, default=300)
    parser.add_argument("--first", type=int, default=1)
    options = parser.parse_args()
    wrong = 0
    for seed in range(options.first, options.first + options.number):
        found = try_seed(seed)
        wrong += bool(found)
        for line in found:
            print(f"seed {seed}: {line}")
    print(f"{options.number - wrong} passed, {wrong} failed")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
