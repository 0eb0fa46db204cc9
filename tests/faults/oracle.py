"""Whether a recorder under a fault leaves the app as it is, and its log tells the truth."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from adk_flow.analysis.trace_reader import trace_log
from adk_flow.check.flow import Flow, read_flow
from adk_flow.cli.paths import load_story
from adk_flow.log.reader import read_log
from adk_flow.log.schema import Record
from adk_flow.record.plugin import FlowPlugin
from adk_flow.record.sessions import SessionLog
from adk_flow.render.flow_json import flow_to_data
from tests.doubles.forked import forked
from tests.faults.cells import Cell, Held
from tests.faults.faults import HOOKS, SIGNALS, Broken, Fault, short
from tests.faults.process import hang

AT_AGENT = ("model", "agent", "tool")
"""Groups of faults that are one agent's."""
UNSEEN = ("model_call", "session_change")
"""Records of what no hook tells."""


def try_process(fault: Fault, construct: str, folder: Path) -> list[str]:
    """Ends a process whose tool hangs in the first turn; says what is wrong."""
    with forked(hang, construct, folder) as child:
        books = json.loads(child.stdout.readline())
        child.send_signal(SIGNALS[fault.signal])
        code = child.wait()
    return [*_process_lies(fault, code, books, Flow(trace_log(load_story([folder]))))]


def _process_lies(
    fault: Fault, code: int | None, books: dict[str, Any], flow: Flow
) -> Iterator[str]:
    hooks = Counter(r.hook for r in flow.log.records if r.hook not in UNSEEN)
    checks = {
        f"ended with {code}": code == -SIGNALS[fault.signal],  # as Python does without a recorder
        f"records {hooks}, hooks {books['hooks']}": not Counter(books["hooks"]) - hooks,
        f"told as {flow.faults}": flow.faults == ["the log stops in the middle of turn 1"],
        f"{flow.llm_calls} calls, really {books['asked']}": flow.llm_calls == books["asked"],
    }
    yield from (words for words, is_so in checks.items() if not is_so)


async def try_cell(fault: Fault, construct: str, folder: Path) -> list[str]:
    """Holds a conversation with the fault, without a recorder and with one; says what is wrong."""
    if fault.signal:
        return try_process(fault, construct, folder)
    plugin = _recorder(fault, folder)
    bare = await Cell(replace(fault), construct).hold()
    held = await Cell(replace(fault), construct, plugin).hold()
    return [*_changes(bare, held), *_lies(fault, held, plugin)]


def _recorder(fault: Fault, folder: Path) -> FlowPlugin:
    if fault.recorder == "unwritable":
        folder.mkdir(parents=True)
        (folder / "logs").write_text("")
    plugin = FlowPlugin(directory=folder / "logs")
    if fault.recorder in HOOKS:
        write = plugin.recorder.write

        def failing(log: SessionLog, record: Record, letter: str = "") -> None:
            if record.hook == short(fault.recorder):
                raise Broken("in the recorder")
            write(log, record, letter)

        plugin.recorder.write = failing
    return plugin


def _changes(bare: Held, held: Held) -> Iterator[str]:
    """What the app does otherwise with a recorder."""
    for name in ("events", "errors", "cut", "asked"):
        without, having = getattr(bare, name), getattr(held, name)
        if without != having:
            yield f"{name} are {having}, without a recorder {without}"
    if bare.probe.hooks != held.probe.hooks:
        yield "other hooks fire"


def _lies(fault: Fault, held: Held, plugin: FlowPlugin) -> Iterator[str]:
    """What the log, or what is counted beside it, tells wrongly."""
    is_at_fault = fault.recorder and fault.recorder != "log deleted by the tool"
    if not is_at_fault and plugin.faults:
        yield f"lost {plugin.faults}, {plugin.first_fault}"
    lost = sum(count for hook, count in plugin.faults.items() if hook not in UNSEEN)
    if not plugin.paths:
        if lost != held.probe.hooks.total():
            yield "no log, and not every hook is counted as lost"
        return
    log = read_log(plugin.paths[-1])
    hooks = Counter(r.hook for r in log.records if r.hook not in UNSEEN)
    # An event that another plugin fails on reaches nobody, and is recorded after the last plugin.
    undelivered = Counter(event=int(fault.hook == "on_event_callback"))
    missing = held.probe.hooks - hooks - undelivered
    if missing.total() != lost and fault.recorder != "log deleted by the tool":
        yield f"missing {missing}, counted {plugin.faults}"
    if log.damage:
        yield f"damaged: {log.damage}"
    flow = read_flow(plugin.paths[-1])
    flow_to_data(trace_log(log), "both")
    if missing:
        if not flow.faults:
            yield "called whole"
        return
    yield from _untruths(fault, held, flow)


def _failures(flow: Flow, turn: int) -> Iterator[str]:
    """What a log tells of failures in a turn, and where."""
    for move in flow.moves:
        if move.turn == turn and move.failed:
            yield f"{move.source} to {move.target}"
    for finding in flow.findings:
        if finding.turn == turn and finding.kind == "cut_answer":
            yield finding.text


def _untruths(fault: Fault, held: Held, flow: Flow) -> Iterator[str]:
    """What a log that has every record tells wrongly of its turns."""
    if len(flow.figures) != len(held.cut):
        yield f"{len(flow.figures)} turns"
        return
    for index, turn in enumerate(flow.figures):
        if turn.llm_calls != held.asked[index]:
            yield f"turn {turn.turn}: {turn.llm_calls} calls, really {held.asked[index]}"
        if turn.complete == held.cut[index]:
            yield f"turn {turn.turn}: complete {turn.complete}, cut {held.cut[index]}"
        error = held.errors[index]
        if turn.failed != bool(error) and turn.failed != held.error_events[index]:
            yield f"turn {turn.turn}: failed {turn.failed} ({turn.error}), really {error!r}"
        told = [*_failures(flow, turn.turn)]
        is_cut_short = fault.model in ("SAFETY", "MAX_TOKENS") and not index
        is_failed = bool(error or held.error_events[index] or is_cut_short)
        is_invented = told and not is_failed and index  # the fault was in the first turn
        if is_invented or (is_failed and not told):
            yield f"turn {turn.turn}: failures are {told}, really {error!r}"
        if is_failed and not index and fault.group in AT_AGENT and held.who not in str(told):
            yield f"turn {turn.turn}: failures are {told}, really of {held.who}"
        if error and error.partition(":")[0] not in turn.error:
            yield f"turn {turn.turn}: told as {turn.error}, really {error}"
