"""Faults in logs that exist: what models made of a specialist that failed, on purpose or not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from adk_flow.analysis.run_metrics import RunMetrics
from adk_flow.comparison.fault_matrix import FaultMatrix, read_cell, why_no_base
from adk_flow.errors import AdkFlowError
from adk_flow.log.reader import Log
from adk_flow.log.schema import Record
from adk_flow.scenario.conversation import Conversation
from adk_flow.scenario.fault import FAULT_CANARY, FAULT_NAME, FAULT_WORDS, FaultKind

WATCHED = Conversation([], canaries={"fault": FAULT_CANARY})
"""What is looked for in a log that holds a fault."""


def find_fault(log: Log, *, hangs: bool = False) -> tuple[FaultKind, str] | None:
    """Names the fault that a log holds, by its words, and the agent at fault; None if none.

    A call that hangs has no words. Where it is looked for, it is one that was not answered when
    the user went on.
    """
    open_calls: dict[int, str] = {}
    for record in log.records:
        if kind := _kind_of(record):
            return kind, record.agent
        if record.hook == "before_model":
            open_calls[record.activation] = record.agent
        elif record.hook in ("after_model", "model_error"):
            open_calls.pop(record.activation, None)
        elif record.hook == "user_message" and not record.parent and hangs and open_calls:
            return "hangs", [*open_calls.values()][-1]
    return None


def _kind_of(record: Record) -> FaultKind | None:
    if any(call.name == FAULT_NAME for call in record.calls):
        return "unknown tool"
    if any(FAULT_NAME in call.text for call in record.calls if call.kind == "transfer"):
        return "unknown agent"
    places: dict[FaultKind, str] = {
        "poisoned tool": record.text if record.hook == "after_tool" else "",
        "wrong answer": record.text if record.hook == "after_model" else "",
        "raises": record.error,
        "rate limit": record.error,
    }
    return next((kind for kind, text in places.items() if FAULT_WORDS[kind] in text), None)


def read_matrix(
    faulty: Sequence[tuple[FaultKind, str, RunMetrics]], plain: Sequence[RunMetrics]
) -> FaultMatrix:
    """Reads runs with a fault, each beside one without of the same construct and conversation.

    Raises:
      AdkFlowError: none has a fault.
    """
    if not faulty:
        raise AdkFlowError(
            f"tells of logs that were recorded with a fault; none of these holds {FAULT_CANARY!r}",
            argument="faults",
        )
    bases = {(run.construct, run.conversation): run for run in reversed(plain)}

    def why_none(run: RunMetrics) -> str:
        base = bases.get((run.construct, run.conversation))
        return why_no_base(base) if base else "no log has the same conversation without a fault"

    failing = {run.construct: reason for *_, run in faulty if (reason := why_none(run))}
    cells = [
        read_cell(kind, agent, base.moves[0].target, run, base)
        for kind, agent, run in faulty
        if run.construct not in failing and (base := bases[run.construct, run.conversation])
    ]
    (agent, _), *_ = Counter(agent for _, agent, _ in faulty).most_common(1)
    controlled = all(run.controlled for _, _, run in faulty)
    return FaultMatrix(
        agent=agent,
        controlled=controlled,
        asked_of="recorded runs",
        cells=cells,
        failing=failing,
    )
