"""ADK's events read into records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.adk.events.event import Event

from adk_flow.log.schema import Record
from adk_flow.record import extract
from adk_flow.record.activations import OpenRun


def as_changed(event: Event, changed: Event) -> Event:
    """Gives an event as ADK keeps it when a plugin changed it (2.13, runners.py)."""
    fields = changed.model_fields_set - {"id", "invocation_id", "timestamp"}
    return event.model_copy(
        update={name: getattr(changed, name) for name in fields}
        | ({} if changed.author else {"author": event.author})
    )


def path_of_event(event: Any) -> str:
    """Gives ADK's path of the node that an event is of; ADK 1 knows no nodes."""
    return getattr(getattr(event, "node_info", None), "path", "") or ""


def read_event(
    event: Event,
    run: OpenRun,
    activation: int,
    path: str,
    keep: Callable[[str], str],
    name_of: Callable[[str], str],
) -> Record:
    """Reads an event, as ADK keeps it; what only few events have is read apart.

    Of its texts it has what `keep` gives, of names from outside what `name_of` does.
    """
    partial, author = bool(event.partial), event.author
    tools, final = run.tools.get(activation), event.is_final_response()
    kept_of_arguments = extract.nothing if partial else keep
    words, calls, responses = extract.said_in(event.content, tools, kept_of_arguments)
    if partial:
        words = ""
    elif not words and (spoken := getattr(event, "output_transcription", None)):
        words = spoken.text or ""
    if not words and (final or author == "user"):
        # With skip_summarization the tool's result is what the user reads, and ADK hands a
        # task's result to the delegating agent as an event of the user's.
        words = _answer_of(event)
    return Record(
        hook="event",
        time=0,
        run=run.number,
        activation=activation,
        agent=author,
        branch=event.branch or "",
        text=words,
        calls=calls,
        responses=responses,
        usage=extract.of_usage(event.usage_metadata) if event.usage_metadata else None,
        final=final,
        partial=partial,
        path=path if "/" in path else "",
        **_read_rare(event, run, keep, name_of),
    )


def _read_rare(
    event: Any, run: OpenRun, keep: Callable[[str], str], name_of: Callable[[str], str]
) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    actions = event.actions
    if actions.transfer_to_agent:
        fields["transfer"] = actions.transfer_to_agent
    if actions.escalate:
        fields["escalate"] = True
    if actions.state_delta:
        fields["state"] = tuple(map(name_of, actions.state_delta))
        fields["values"] = keep(extract.state_values(actions.state_delta))
    if actions.artifact_delta:
        fields["artifacts"] = tuple(map(name_of, actions.artifact_delta))
    if (route := getattr(actions, "route", None)) is not None:  # earlier releases have none
        fields["route"] = ", ".join(map(str, route)) if isinstance(route, list) else str(route)
    if event.long_running_tool_ids:
        fields["pending"] = tuple(sorted(event.long_running_tool_ids))
    if event.error_code or event.error_message:
        fields["error"] = extract.error_of(event, keep)
    if getattr(event, "output", None) is not None:
        # A node's output that is given again after a pause: only that of a node which has run says
        # for which nodes it is (2.13, `_enrich_event` in workflow/_node_runner.py,
        # `_maybe_reemit_replayed_output` in workflow/_workflow.py).
        fields["replayed"] = not event.node_info.output_for
    if (spoken := getattr(event, "input_transcription", None)) and spoken.text:
        fields["heard"] = keep(spoken.text)
    if run.live and getattr(event, "model_version", None):
        fields["version"] = event.model_version
    if event.turn_complete:
        # Of models that answer in several turns.
        status = getattr(event, "interaction_status", None)
        fields["turn_complete"] = getattr(status, "name", "") != "IN_PROGRESS"
    if event.interrupted:
        fields["interrupted"] = True
    return fields


def _answer_of(event: Any) -> str:
    """Joins results that stand for an answer: of nobody who ends a loop or waits, and not None."""
    actions, empty = event.actions, ("null", '{"result":null}')
    if actions.escalate or getattr(actions, "requested_tool_confirmations", None):
        return ""
    results = [
        extract.of_result(response.response)[0] for response in extract.responses_of(event.content)
    ]
    return "\n".join(result for result in results if result not in empty)
