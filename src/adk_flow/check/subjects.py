"""What rules are checked against: a log that exists, or a conversation that an app runs now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, get_args

from adk_flow._text import plural, suggest
from adk_flow.analysis.trace_reader import trace_log
from adk_flow.check.evaluate import RuleResult, check_answers, list_missing
from adk_flow.check.flow import Flow, read_flow
from adk_flow.check.rules import RuleFile, check_agents, find_unknown_agents
from adk_flow.errors import AdkFlowError
from adk_flow.log.reader import Log
from adk_flow.scenario.conversation import Conversation, of_questions, read_conversation

if TYPE_CHECKING:
    from google.adk.apps import App

    from adk_flow.models.cassette import Cassette
    from adk_flow.models.decisions import Decided


def check_log_answers(log: Log, written: RuleFile) -> tuple[Flow, list[RuleResult], list[str]]:
    """Reads a flow, and checks its answers if it holds the conversation that the rules name.

    Gives remarks too: on agents that the log does not name, and on answers that are not checked.
    """
    hold, line = written.rules.hold, written.document.line("hold")
    conversation = _conversation(written) if isinstance(hold, str) and hold else Conversation([])
    flow = Flow(trace_log(log), conversation.planted)
    notes = [
        f"{place}: note: the log names no agent {name!r}; is it a typing error?"
        for place, name in find_unknown_agents(written, flow.names)
    ]
    answers = check_answers(flow, conversation, line) if conversation.is_checked else []
    if answers is None:
        notes.append(
            f"{written.document.path}: line {line}: hold: note: answers are not checked, for "
            f"{log.path} does not hold the questions of {hold}"
        )
    unknown = "cannot be known of a log, which does not hold the app's wiring; name the app"
    warnings = [_no_warning(written, kind, [unknown]) for kind in written.rules.no_warnings]
    return flow, [*(answers or []), *warnings], notes


def check_app_answers(
    path: Path, written: RuleFile, cassette: Path | None = None
) -> tuple[Flow, list[RuleResult], list[str]]:
    """Runs the conversation that the rules name with an app, and checks its answers.

    Gives remarks too, on what was answered from a cassette.

    Raises:
      AdkFlowError: the app or what the rules name cannot be used, no log could be written, or the
        cassette holds too little.
    """
    conversation = _conversation(written)
    # ADK takes seconds to import, which a check of a log need not wait for.
    import asyncio

    from adk_flow.inspect.agent_graph import agents_of
    from adk_flow.models.planned.playing import check_keys, check_plans
    from adk_flow.run.conversation_run import run_conversation

    app, decided, kept = _load_app(path, written, cassette)
    if kept is None:
        check_keys(app, [conversation])
    check_plans(app, {str(written.rules.hold): conversation})
    if app.root_agent is not None:
        check_agents(written, [node.name for node in agents_of(app.root_agent)])
    warnings = _warnings(app, written)
    run = asyncio.run(run_conversation(app, conversation))
    if kept and kept.complaint:
        raise AdkFlowError(kept.complaint)
    if run.log is None:
        raise AdkFlowError(f"{path}: its flow log could not be written")
    answers = [*warnings, *list_missing(run.failed_checks, written.document.line("hold"))]
    if decided is not None:
        try:
            decided.finish()
        except AdkFlowError as error:
            answers.append(RuleResult("decisions", written.document.line("decisions"), str(error)))
    flow = read_flow(run.log, conversation.planted)
    if run.faults and not flow.log.unrecorded and not written.rules.may_fail:
        reason = f"{plural(run.faults, 'hook')} could not be recorded"
        answers.append(RuleResult("whole", written.document.line(), reason))
    return flow, answers, [kept.summary] if kept else []


def _warnings(app: App, written: RuleFile) -> list[RuleResult]:
    """Checks that `inspect` gives no warning of the kinds that the rules name."""
    if not (kinds := written.rules.no_warnings):
        return []
    from adk_flow.inspect.static import inspect_app
    from adk_flow.inspect.warnings import WarningKind

    known = get_args(WarningKind)
    if unknown := [kind for kind in kinds if kind not in known]:
        listed = f"{', '.join(known)}{suggest(unknown[0], known)}"
        reason = f"{unknown[0]!r} is no kind; expected one of {listed}"
        raise written.document.refused(("no_warnings",), reason)
    warnings = inspect_app(app).remarks
    return [
        _no_warning(written, kind, [each.text for each in warnings if each.kind == kind])
        for kind in kinds
    ]


def _no_warning(written: RuleFile, kind: str, texts: list[str]) -> RuleResult:
    reason = f"{kind}: {texts[0]}" if texts else ""
    line = written.document.line("no_warnings")
    return RuleResult("no_warnings", line, reason, tuple(texts), kind)


def _load_app(
    path: Path, written: RuleFile, cassette: Path | None
) -> tuple[App, Decided | None, Cassette | None]:
    """Loads an app on the model, or with the decisions, that the rules name."""
    from adk_flow.models.from_env import ModelChoiceError
    from adk_flow.run.app import load_answered_app

    rules = written.rules
    for other, given in (("a model", rules.model), ("a cassette", cassette)):
        if rules.decisions and given:
            reason = f"give either them or {other}, and not both"
            raise written.document.refused(("decisions",), reason)
    folder = Path(written.document.path).parent
    decisions = folder / rules.decisions if rules.decisions else None
    try:
        return load_answered_app(path, rules.model, decisions, cassette)
    except ModelChoiceError as error:
        raise written.document.refused(("model",), error.words) from error


def _conversation(written: RuleFile) -> Conversation:
    hold, path = written.rules.hold, Path(written.document.path)
    if not hold:
        expected = "expected what to ask the app: a conversation file, or questions"
        raise AdkFlowError(f"{path}: line 1: hold: is missing; {expected}")
    return read_conversation(path.parent / hold) if isinstance(hold, str) else of_questions(hold)
