"""Rules and a flow: which it keeps, and what breaks the others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from adk_flow._text import join_names
from adk_flow.check.flow import Flow
from adk_flow.check.rules import RuleFile, Rules
from adk_flow.check.snapshot import ANY, Snapshot, aligned, says, side_by_side
from adk_flow.check.state import is_filled, nearest_line
from adk_flow.errors import AdkFlowError
from adk_flow.scenario.conversation import Conversation, failed_checks
from adk_flow.scenario.yaml_file import Document, field_of

LIMITS = (
    *("llm_calls", "reported_llm_calls", "transfers", "agent_calls", "tool_calls"),
    *("input_tokens", "output_tokens", "tokens", "messages_read"),
)


class RuleResult(NamedTuple):
    """A rule, and whether a flow keeps it."""

    rule: str
    """Its field in the file, such as `turns[1].llm_calls`."""
    line: int
    reason: str
    """What breaks it, in one line; empty where it is kept."""
    details: tuple[str, ...] = ()
    """More lines, such as the moves side by side."""
    about: str = ""
    """What tells it from others of the same field: a turn, an agent, a kind of finding."""


def check_rules(flow: Flow, written: RuleFile) -> list[RuleResult]:
    """Checks every rule of a file, and first whether the flow is whole."""
    rules, document = written.rules, written.document
    faults = [] if rules.may_fail else flow.faults or [""]
    results = [RuleResult("whole", document.line(), fault) for fault in faults]
    results += _scope(flow, rules, document, (), rules.price_model)
    for pair, (one, other) in enumerate(rules.isolated):
        passages = flow.shared(one, other)
        more = f", and {len(passages) - 1} more" if len(passages) > 1 else ""
        reason = f"{passages[0]}{more}" if passages else ""
        results.append(_checked(document, ("isolated", pair), reason, tuple(passages)))
    for turn in flow.turns:
        results += _scope(turn, rules.each_turn, document, ("each_turn",), rules.price_model)
    for index, rule in enumerate(rules.turns):
        if index < len(flow.figures):
            turn = flow.turns[index]
            results += _scope(turn, rule, document, ("turns", index), rules.price_model)
        else:
            reason = f"there is no turn {index + 1}"
            results.append(_checked(document, ("turns", index), reason))
    return results


def check_answers(flow: Flow, conversation: Conversation, line: int) -> list[RuleResult] | None:
    """Checks what a conversation asks of the answers; None if a log holds another one."""
    from adk_flow.record.redact import mask  # slow to import

    logged = [turn.question for turn in flow.figures]
    said = [turn.say for turn in conversation.turns]
    if flow.log.header.texts != "full" or logged not in (said, [mask(words) for words in said]):
        return None
    failed = []
    asked = conversation.under(flow.log.header.construct)
    for question, turn in zip(asked.turns, flow.turns, strict=True):
        agents = [move.target for move in turn.moves if move.is_control]
        failed.append(failed_checks(question, turn.answer, turn.read, agents))
    return list_missing(failed, line)


def list_missing(failed: list[list[str]], line: int) -> list[RuleResult]:
    """Tells what the answers of a conversation lack, turn by turn."""
    return [
        RuleResult("hold", line, f"turn {number}: {reason}", about=f"turn {number}")
        for number, reasons in enumerate(failed, start=1)
        for reason in reasons
        if not reason.startswith("failed: ")  # which is a rule of its own
    ]


def _scope(
    flow: Flow, rules: Rules, document: Document, place: tuple[str | int, ...], price_model: str
) -> Iterator[RuleResult]:
    """Checks rules of one turn, or of all together."""
    number = f"turn {flow.figures[0].turn}: " if place else ""
    lacks_lines = flow.lacks_lines(by_number=place[:1] == ("turns",))

    def rate(field: str, reason: str, details: tuple[str, ...] = (), about: str = "") -> RuleResult:
        if lacks_lines:
            reason = f"{reason or 'cannot be known'}, as lines of the log are lost"
        result = _checked(document, (*place, field), reason and f"{number}{reason}", details)
        where = number.removesuffix(": ") if place == ("each_turn",) else ""
        return result._replace(about=", ".join(filter(None, (where, about))))

    for field in ("control", "conversation"):
        if (expected := getattr(rules, field)) is not None:
            yield rate(field, *_moves(expected, getattr(flow, field)))
    for field in LIMITS:
        if (limit := getattr(rules, field)) is not None:
            yield rate(field, _over(getattr(flow, field), limit))
    if rules.cost is not None:
        yield rate("cost", _dear(flow, rules.cost, price_model))
    for field, agent in (("answered_by", flow.answered_by), ("holder", flow.active_agent)):
        if (name := getattr(rules, field)) is not None:
            expected = f"{agent or 'nobody'}, expected {name or 'nobody'}"
            yield rate(field, "" if agent == name else expected)
    for name in rules.never_speaks:
        spoke = f"{name} spoke to the user" if name in flow.speakers else ""
        yield rate("never_speaks", spoke, about=name)
    for key, value in rules.state.items():
        yield rate("state", _other_value(flow, key, value), about=key)
    for name, template in rules.instructions.items():
        yield rate("instructions", _unfilled(flow, name, template), about=name)
    kinds = [*rules.no_findings, *(["ping_pong"] if rules.no_ping_pong else [])]
    for kind in kinds:
        texts = [finding.text for finding in flow.findings if finding.kind == kind]
        if kind == "leak" and (unknown := flow.visibility.unknown_reason):
            texts.append(f"not all is known: {unknown}")
        field = "no_findings" if kind in rules.no_findings else "no_ping_pong"
        yield rate(field, f"{kind}: {texts[0]}" if texts else "", tuple(texts), kind)


def _checked(
    document: Document, place: tuple[str | int, ...], reason: str, details: tuple[str, ...] = ()
) -> RuleResult:
    return RuleResult(field_of(place), document.line(*place), reason, details if reason else ())


def _moves(expected: str | list[str], actual: Snapshot) -> tuple[str, tuple[str, ...]]:
    if actual == expected:
        return "", ()
    rows = aligned(expected, actual)
    first, *_ = changed = [row for row in rows if not row.same]
    reason = f"{first.right}, expected {first.left}"
    reason = {"-": f"lacks: {first.left}", "+": f"not expected: {first.right}"}.get(
        first.mark, reason
    )
    more = f" ({len(changed)} of {len(rows)} lines differ)" if len(changed) > 1 else ""
    return f"{reason}{more}", tuple(side_by_side(rows))


def _over(figure: Any, limit: Any) -> str:
    if figure is None:
        return f"cannot be known, expected at most {limit:,}"
    return f"{figure:,}, expected at most {limit:,}" if figure > limit else ""


def _dear(flow: Flow, limit: float, model: str) -> str:
    try:
        dollars = flow.cost(model)
    except AdkFlowError as error:
        return str(error)
    return f"${dollars:.6f}, expected at most ${limit:.6f}" if dollars > limit else ""


def _other_value(flow: Flow, key: str, expected: Any) -> str:
    """Says what a key of the state holds, unless it is as expected."""
    from adk_flow.record.redact import mask_inside  # slow to import

    try:
        state = flow.state
    except ValueError as error:
        return f"{key} cannot be known: {error}"
    ((key, shown),) = mask_inside({key: expected}).items()
    if key not in state:
        return f"{key} was never written; the state holds {join_names(state) or 'nothing'}"
    value = state[key]
    is_same = value not in ("", None) if expected == ANY else value == expected
    if isinstance(expected, str) and isinstance(value, str):
        is_same = is_same or (value != "" and says(expected, value))
    if not is_same and shown != expected:
        return f"{key} cannot be known: what is expected is masked in logs"
    return "" if is_same else f"{key} is {value!r:.200}, expected {expected!r}"


def _unfilled(flow: Flow, name: str, template: str) -> str:
    """Says what an agent was told in place of a template filled with words."""
    if flow.log.header.texts != "full":
        return f"cannot be known: recorded with texts={flow.log.header.texts}"
    instructions = flow.instructions(name)
    if not instructions:
        return f"{name}'s model was never asked"
    unlike = [text for text in instructions if not is_filled(template, text)]
    if not unlike:
        return ""
    from adk_flow.record.redact import mask  # slow to import

    told, wanted = nearest_line(template, unlike[0]), mask(template.strip())
    return f"{name} was told “{told}”, expected “{wanted}”"
