"""Names of functions and agents that a model made up."""

from collections.abc import Iterator

from adk_flow._data import object_in
from adk_flow.analysis.findings.finding import Finding, listed, make_finding
from adk_flow.analysis.terms import is_whole
from adk_flow.analysis.trace import ModelCall, Trace, Turn
from adk_flow.log.schema import FunctionCall, Request


def find_hallucinated_names(turn: Turn, trace: Trace) -> Iterator[Finding]:
    """Finds calls of functions, and transfers to agents, that a model was not offered."""
    calls = (call for call in turn.tool_calls if call.ended >= 0 and not call.failed)
    ran = {(call.activation, call.name) for call in calls if call.is_hooked}
    for asked in turn.model_calls:
        for call in asked.calls if asked.request else ():
            # An agent's own callback may have offered it, which a recorder does not see.
            if (asked.activation, call.name) in ran and call.kind != "transfer":
                continue
            if reason := _made_up(trace, turn, asked, call):
                text, records = f"{asked.agent} {reason}.", [asked.record, asked.ended]
                yield make_finding(
                    "hallucinated_name", turn, [asked.agent], text, records, "serious"
                )


def _made_up(trace: Trace, turn: Turn, asked: ModelCall, call: FunctionCall) -> str:
    """Tells what is wrong with a call; nothing if its name was on offer."""
    offered = asked.request or Request()
    if call.name not in offered.tools:
        among = f"which is none of the {len(offered.tools)} functions"
        if len(offered.tools) < 2:
            among = f"but {listed(offered.tools) if offered.tools else 'no function'} is all that"
        return f"called {listed([call.name])}, {among} it was offered"
    name = _target(trace, turn, asked, call) if call.name == "transfer_to_agent" else ""
    if not name or not offered.targets or name in offered.targets:
        return ""
    whom = "itself" if name == asked.agent else listed([name])
    return f"tried to hand over to {whom}, and may only to {listed(offered.targets)}"


def _target(trace: Trace, turn: Turn, asked: ModelCall, call: FunctionCall) -> str:
    """Reads whom a transfer names: its arguments, or its event where they were left out."""
    if is_whole(call.text):
        return str(object_in(call.text).get("agent_name", ""))
    activation = trace.activations.get(asked.activation)
    own = [other for other in turn.model_calls if other.activation == asked.activation]
    return activation.target if activation and own[-1] is asked else ""
