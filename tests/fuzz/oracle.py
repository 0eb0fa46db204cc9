"""Compares what adk-flow says of random conversations with the books of those who took part."""

import argparse
import gc
import json
import logging
import os
import sys
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from google.adk.agents import LlmAgent
from google.adk.events.event import Event

from adk_flow import read_log
from adk_flow.analysis.findings import detect_findings
from adk_flow.analysis.trace_reader import trace_log
from adk_flow.log.reader import Log
from adk_flow.render.flow_json import flow_to_data
from tests.fuzz.books import Books, Turn
from tests.fuzz.forks import Compare, check_forks, check_graphs
from tests.fuzz.sessions import Conversations, open_calls
from tests.fuzz.virtual_clock import run_virtually


def try_seed(seed: int) -> list[str]:
    """Grows a tree, holds its conversations, and lists what is told falsely."""
    with tempfile.TemporaryDirectory() as folder:
        held = Conversations(seed, Path(folder))
        run_virtually(held.hold())
        return disagreements(held, Path(folder))


def disagreements(held: Conversations, folder: Path) -> list[str]:
    """Lists where adk-flow's figures differ from the books."""
    if held.recorder.faults:
        return [f"recorder failed: {held.recorder.first_fault}"]
    logs = {log.header.session: log for log in map(read_log, folder.rglob("*.jsonl"))}
    found: list[str] = []
    for books in held.books:

        def compare(what: str, said: Any, true: Any, session: str = books.session) -> None:
            if said != true:
                found.append(f"{session} {what}: says {said!r}, true {true!r}")

        log = logs[books.session]
        ignored = _check_findings(log, held, compare)
        data = json.loads(json.dumps(flow_to_data(trace_log(log), "both")))
        compare("turns", len(data["turns"]), held.turns)
        for number, turn in enumerate(data["turns"][: held.turns], start=1):
            moves = [move for move in data["moves"] if move["turn"] == number]
            at = f"turn {number}"
            _check_calls(at, number, turn, books, compare)
            _check_moves(at, number, moves, books, compare)
            _check_transfers(at, number, moves, books, ignored, compare)
            check_forks(at, number, moves, books, compare)
            if held.is_undisturbed and not books.fails(number):
                check_graphs(at, held.root, moves, compare)
            _check_words(at, turn, books.turns[:number], compare)
            if isinstance(held.root, LlmAgent):
                _check_next(at, number, turn, books, compare)
    return found


def _check_findings(
    log: Log, held: Conversations, compare: Compare
) -> set[tuple[int, tuple[str, ...]]]:
    """Gives the turns and agents of which transfers are told to be ignored."""
    findings = detect_findings(trace_log(log))
    for finding in findings:
        shown = all(0 <= record < len(log.records) for record in finding.records)
        compare(f"{finding.kind} is shown by its records", shown, True)
        if not held.before:
            compare("a hidden hook", finding.kind == "hidden_hook", False)
    return {(one.turn, one.agents) for one in findings if one.kind == "ignored_transfer"}


def _check_calls(
    at: str, number: int, turn: dict[str, Any], books: Books, compare: Compare
) -> None:
    calls = [call for call in books.calls if call.turn == number]
    unseen = Counter(agent for turn, agent in books.unseen if turn == number)
    compare(f"{at} calls seen", turn["seen_llm_calls"], len(calls))
    compare(f"{at} calls unseen", turn["unseen_llm_calls"], unseen.total())
    compare(f"{at} calls", turn["llm_calls"], None if unseen else len(calls))
    for name, counts in (("input", [c.sent for c in calls]), ("output", [c.said for c in calls])):
        known = [count for count in counts if count is not None]
        total = None if unseen or len(known) < len(counts) else sum(known)
        if number in books.hidden and turn[f"{name}_tokens"] is None:
            total = None
        compare(f"{at} {name}", turn[f"{name}_tokens"], total)
    agents = turn["agents"].items()
    seen = {name: one["seen_llm_calls"] for name, one in agents if one["seen_llm_calls"]}
    compare(f"{at} by agent", seen, dict(Counter(call.agent for call in calls)))
    ran = {name: one["tool_calls"] for name, one in agents if one["tool_calls"]}
    functions = [one for one in books.functions if one[0] == number]
    compare(f"{at} functions", ran, dict(Counter(agent for _, agent, _ in functions)))
    compare(f"{at} tools", turn["tools"], dict(Counter(name for *_, name in functions)))
    path, true = turn["critical_path_microseconds"], books.turns[number - 1]
    if "Replay divergence" not in true.error:  # for which ADK waits by itself
        compare(f"{at} path", path, round(true.seconds * 1e6))


def _check_moves(
    at: str, number: int, moves: list[dict[str, Any]], books: Books, compare: Compare
) -> None:
    kinds = Counter(move["kind"] for move in moves)
    compare(f"{at} starts", kinds["start"], 1)
    compare(f"{at} ends", kinds["end"], 1)
    calls, returns = (
        Counter(move.get("call", "") for move in moves if _is_wait(move, kind))
        for kind in ("call", "return")
    )
    if open_calls(books.turns[number - 1 : number]):  # who waits for the user has not come back
        calls &= returns
    compare(f"{at} returns", returns, calls)
    tasks = [m for m in moves if m["kind"] == "return" and m["via"] == "task"]
    done, before = (len(_task_answers(books.turns[:n])) for n in (number, number - 1))
    compare(f"{at} tasks", len(tasks), done - before)
    _check_agent_runs(at, number, moves, books, compare)
    ran = Counter(name for turn, name in books.nodes if turn == number)
    called = Counter(m["target"] for m in moves if m["kind"] == "call" and m["via"] == "node")
    compare(f"{at} functions of graphs", {name: called[name] for name in ran}, dict(ran))


def _check_transfers(
    at: str,
    number: int,
    moves: list[dict[str, Any]],
    books: Books,
    ignored: set[tuple[int, tuple[str, ...]]],
    compare: Compare,
) -> None:
    """Each is shown whose target began; one that ADK ignores is a finding."""
    shown = {(move["source"], move["target"]) for move in moves if move["kind"] == "transfer"}
    events = [event for turn, event in books.events if turn == number]
    carried = {(event.author, event.actions.transfer_to_agent) for event in events}
    lost = {pair for pair in carried if pair[1] not in (None, "Nobody")} - shown
    begun = {agent for turn, agent in books.begun if turn == number}
    lost -= {one for one in lost if one[1] not in begun and (number, one[:1]) in ignored}
    is_paused = any(event.long_running_tool_ids for event in events)
    is_cut = is_paused or books.fails(number)  # before the target began
    if not (is_cut or _is_replayed(number, books)):
        compare(f"{at} transfers lost", lost, set())
    compare(f"{at} transfers made up", shown - books.transfers, set())


def _check_agent_runs(
    at: str, number: int, moves: list[dict[str, Any]], books: Books, compare: Compare
) -> None:
    runs = [run for run in books.agent_runs if run.turn == number]
    called = Counter(m["target"] for m in moves if m["kind"] == "call" and m["via"] == "agent_tool")
    compare(f"{at} agents called", called, Counter(run.agent for run in runs))
    returns = [m for m in moves if m["kind"] == "return" and m["via"] == "agent_tool"]
    failed = sum(move.get("failed", False) for move in returns)
    compare(f"{at} agents failed", failed, sum(run.failed for run in runs))


def _check_words(at: str, turn: dict[str, Any], turns: list[Turn], compare: Compare) -> None:
    events, waiting = turns[-1].events, open_calls(turns[-1:])
    compare(f"{at} answer", turn["answer"], "" if waiting else _answer(events))
    read = [(message["agent"], message["text"]) for message in turn["messages"]]
    compare(f"{at} read", read, [(event.author, _words(event)) for event in _shown(events)])
    compare(f"{at} failed", turn["failed"], bool(turns[-1].error))
    asking = list(dict.fromkeys(event.author for event, _ in waiting.values()))
    compare(f"{at} waits for", turn["waits_for"], asking)


def _check_next(at: str, number: int, turn: dict[str, Any], books: Books, compare: Compare) -> None:
    asked = [agent for turn, agent in books.begun if turn == number + 1]
    if _is_replayed(number, books) and not turn["holder"]:
        return
    if asked and books.turns[number].has_words:
        compare(f"{at} next", turn["holder"], asked[0])


def _is_replayed(number: int, books: Books) -> bool:
    """Whether a task was handed over: ADK goes through its turn again with each later message."""
    events = [event for turn in books.turns[:number] for event in turn.events]
    return any(event.actions.transfer_to_agent and event.isolation_scope for event in events)


def _is_wait(move: dict[str, Any], kind: str) -> bool:
    """Whether a move calls, or returns from, what ADK waits for within the turn."""
    return move["kind"] == kind and move["via"] != "task"


def _task_answers(turns: list[Turn]) -> list[str]:
    """Ids of the tasks that were done; one of an id that repeats is answered without being done."""
    done: list[str] = []
    asked, worked = set[str | None](), set[str | None]()
    for event in (event for turn in turns for event in turn.events):
        worked.add((event.node_info.path or "").rpartition("@")[2])
        if event.author != "user":
            worked |= asked & {event.isolation_scope}  # of those that its agent had handed over to
            asked |= {call.id for call in event.get_function_calls()}
            continue
        for id in (answer.id or "" for answer in event.get_function_responses()):
            if id not in done or id in worked:
                done.append(id)
            worked.discard(id)
            asked.discard(id)
    return done


def _answer(events: list[Event]) -> str:
    """The last final words at the top of the session, as ADK's events show them."""
    texts = [_words(event) for event in _shown(events) if event.is_final_response()]
    return texts[-1] if texts else ""


def _shown(events: list[Event]) -> list[Event]:
    """Events whose words `adk run` and `adk web` show."""
    return [e for e in events if e.author != "user" and not e.partial and _words(e)]


def _words(event: Event) -> str:
    parts = (event.content.parts or []) if event.content else []
    return "".join(part.text for part in parts if part.text and not part.thought)


def _try_quietly(seed: int) -> tuple[int, list[str]]:
    logging.disable(logging.CRITICAL)
    try:
        return seed, try_seed(seed)
    except Exception as error:
        return seed, [f"broke: {type(error).__name__}: {error}"]


def main() -> int:
    """Tries many seeds on all processors, prints what disagrees, and how far it came."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--number", type=int, default=300)
    parser.add_argument("--first", type=int, default=1)
    options = parser.parse_args()
    gc.freeze()  # what ADK has loaded is not looked through over and over
    seeds, wrong = range(options.first, options.first + options.number), 0
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for at, (seed, found) in enumerate(pool.map(_try_quietly, seeds, chunksize=10), start=1):
            wrong += bool(found)
            for line in found:
                print(f"seed {seed}: {line}")
            if at % 500 == 0:
                print(f"{at} of {options.number} tried, {wrong} told falsely", flush=True)
    print(f"{options.number - wrong} passed, {wrong} failed")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
