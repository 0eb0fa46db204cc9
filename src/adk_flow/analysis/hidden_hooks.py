"""Hooks that a plugin before the recorder hid by answering: what other records show in their place.

A plugin that answers makes ADK leave that hook out for all after it (2.13, plugin_manager.py).
"""

from __future__ import annotations

from adk_flow.analysis.calls import ask_model
from adk_flow.analysis.move import USER, Moment
from adk_flow.analysis.trace import Activation, HiddenHook, ModelCall, Run, ToolCall
from adk_flow.log.schema import Record


def note_hidden(run: Run, hook: str, agent: str, of: str, *records: int) -> None:
    """Notes a hook that was hidden."""
    shown = tuple(sorted({index for index in records if index >= 0}))
    run.turn.hidden_hooks.append(HiddenHook(hook, agent, of, shown))


def miss_tool_end(run: Run, call: ToolCall) -> None:
    """An event answers a call whose end no hook told."""
    if call.is_hooked and not (call.withheld or call.pending):
        note_hidden(run, "after_tool", call.agent, call.name, call.record, call.ended)


def is_reflected(record: Record) -> bool:
    """Whether a result stands for an error, by ADK's ReflectAndRetryToolPlugin (2.13)."""
    return "ERROR_HANDLED_BY_REFLECT_AND_RETRY_PLUGIN" in record.text


def miss_tool_error(run: Run, call: ToolCall, record: Record) -> None:
    """A call's result stands for an error that no hook told."""
    call.failed, call.error = True, record.text
    note_hidden(run, "tool_error", call.agent, call.name, call.record, call.ended)


def miss_answer(index: int, record: Record, run: Run) -> None:
    """A model was entered and ended, but the hook of its answer was left out."""
    asked = run.model_calls.get(record.activation)
    hook = "model_error" if record.error else "after_model"
    if asked is not None and asked.replaced and hook in run.ahead:
        note_hidden(run, hook, asked.agent, asked.agent, asked.record, index)


def ends_unseen(moment: Moment, run: Run, activation: Activation) -> bool:
    """Reads an event's place among its agent's hooks; whether it shows that the agent has ended.

    Words that no model gave are a plugin's or callback's, before the model is asked or at the end.
    """
    record = moment.record
    if record.partial or record.agent == USER:
        return False
    if record.responses:
        steering = {c.id for c in run.turn.tool_calls if c.name == "set_model_response"}
        # ADK itself says what that was given.
        activation.awaits_model = steering.isdisjoint(record.responses)
        return False
    is_backed = _is_backed(run.model_calls.get(activation.number))
    if not (is_backed or record.size or record.calls):
        return False
    awaited, activation.awaits_model = activation.awaits_model, False
    if awaited and not is_backed:
        activation.unasked = moment.index
        if activation.number in run.model_calls or record.calls:
            miss_question(run, activation)
        if activation.asks_models and record.usage is not None:
            ask_model(moment.index, record, run)
    return not (is_backed or awaited) and activation.closed < 0 and "after_agent" in run.ahead


def miss_question(run: Run, activation: Activation) -> None:
    """An agent that asks models spoke without one: the hook of its asking was left out.

    If an agent's `before_agent_callback` spoke, ADK tells no end of it.
    """
    if activation.unasked >= 0 and activation.asks_models and "before_model" in run.ahead:
        note_hidden(run, "before_model", activation.agent, activation.agent, activation.unasked)
    activation.unasked = -1


def miss_events(run: Run) -> None:
    """A run ended, and no event showed what a model had answered, though its agent did not fail."""
    if "event" not in run.ahead:
        return
    failed = {a.number for a in run.activations if a.error or a.ended_by == "agent_error"}
    if run.turn.escalations:  # by which ADK stops the branches beside
        failed |= {a.number for a in run.activations if a.closed < 0}
    for call in run.turn.model_calls:
        is_missed = call.run == run.number and call.responses and not call.shown
        if is_missed and call.activation not in failed:
            note_hidden(run, "event", call.agent, call.agent, call.record, call.ended)


def _is_backed(call: ModelCall | None) -> bool:
    """Whether an event shows what a model gave, or was kept from giving."""
    if call is None:
        return False
    is_new = len(call.responses) > call.shown or (call.ended < 0 and not call.is_over)
    call.shown += is_new
    return is_new
