"""Metrics for ADK's own evaluation, read off the flow logs: true LLM calls, and who answered.

An AgentTool's child runs in a session of its own, which ADK's invocations do not show. The app must
have `FlowPlugin` among its plugins; the log of an evaluated session is found by when its turns were
asked, by their words, and by the ids of their function calls.

What cannot be scored fails: of a case with a metric that raises, ADK passes what the others pass.
"""

from __future__ import annotations

import logging
import operator
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any, NamedTuple

from adk_flow.analysis.metrics import TurnMetrics, measure
from adk_flow.analysis.trace_reader import read_trace
from adk_flow.errors import AdkFlowError
from adk_flow.log.reader import LogError
from adk_flow.record.extract import results_of, words_of
from adk_flow.record.redact import mask

if TYPE_CHECKING:
    from google.adk.evaluation.eval_case import ConversationScenario, Invocation
    from google.adk.evaluation.eval_metrics import EvalMetric
    from google.adk.evaluation.evaluator import EvaluationResult
    from google.genai import types

WITHIN_SECONDS = 2.0
"""How far outside of a turn the time of its user event may be. ADK makes the event once every
plugin has seen the message."""

_logger = logging.getLogger(__name__)


def llm_calls(
    eval_metric: EvalMetric,
    actual_invocations: list[Invocation],
    expected_invocations: list[Invocation] | None = None,
    conversation_scenario: ConversationScenario | None = None,
) -> EvaluationResult:
    """Counts model calls a turn, those inside AgentTool's nested runs too.

    The criterion's threshold is the most that a turn may take; the overall score is the most that
    one took. Without a flow log of this session it fails.
    """

    def score(turns: list[TurnMetrics]) -> list[float]:
        if any(turn.llm_calls is None for turn in turns):
            raise AdkFlowError("how many calls were made cannot be known")
        return [float(turn.llm_calls or 0) for turn in turns]

    return _result(eval_metric, actual_invocations, score, max, operator.le)


def answered_by(
    eval_metric: EvalMetric,
    actual_invocations: list[Invocation],
    expected_invocations: list[Invocation] | None = None,
    conversation_scenario: ConversationScenario | None = None,
) -> EvaluationResult:
    """Scores 1 for a turn whose last answer is by the agent that was expected, else 0.

    Expected is the criterion's `agents`, one for all turns or a list by turn; else who speaks last
    in the expected invocation's intermediate data. The overall score is the share of turns. Without
    a flow log of this session, or if nobody is expected, it fails.
    """

    def score(turns: list[TurnMetrics]) -> list[float]:
        expected = _expected(eval_metric, expected_invocations, len(turns))
        return [float(turn.answered_by == name) for turn, name in zip(turns, expected, strict=True)]

    return _result(eval_metric, actual_invocations, score, fmean, operator.ge)


def turns_of(invocations: Sequence[Invocation], directory: str | Path) -> list[TurnMetrics]:
    """Finds the turns of a flow log that ADK's invocations tell of.

    Raises:
      AdkFlowError: no flow log holds them all.
    """
    matches = [match for path in _logs(directory, invocations) for match in _in(path, invocations)]
    if not matches:
        raise AdkFlowError(
            f"{directory}: holds no flow log of the evaluated session; put FlowPlugin() first "
            "among the plugins of an App called `app`, or name the logs' folder in the criterion's "
            "`directory`"
        )
    return min(matches, key=lambda match: match[:3]).turns


class _Match(NamedTuple):
    """Turns that follow each other in a log, and may be those of the invocations.

    Of cases that ask the same at once, only one is answered by the same words and calls.
    """

    other_answers: int
    other_calls: int
    """Calls in the log that the invocations do not show, be they an AgentTool's."""
    apart: float
    """Seconds between them, added up."""
    turns: list[TurnMetrics]


def _logs(directory: str | Path, invocations: Sequence[Invocation]) -> Iterator[Path]:
    """Gives the logs that were written to after the first invocation."""
    for first in invocations[:1]:
        since = first.creation_timestamp - WITHIN_SECONDS
        paths = sorted(Path(directory).rglob("*.jsonl"))
        yield from (path for path in paths if path.is_file() and path.stat().st_mtime >= since)


def _in(path: Path, invocations: Sequence[Invocation]) -> Iterator[_Match]:
    """Finds in a log as many turns as there are invocations, asked the same at the same time."""
    try:
        trace = read_trace(path)
    except LogError:
        return
    from google.adk.evaluation.eval_case import get_all_tool_calls

    calls = {call.id for turn in trace.turns for call in turn.tool_calls if call.id}
    shown = {
        call.id
        for invocation in invocations
        for call in get_all_tool_calls(invocation.intermediate_data)
        if call.id
    }
    if not shown <= calls:
        return
    turns, number = measure(trace), len(invocations)
    for first in range(len(turns) - number + 1):
        pairs = list(zip(turns[first : first + number], invocations, strict=True))
        if all(
            _is_within(turn, one) and _is_of(turn.question, one.user_content) for turn, one in pairs
        ):
            other = sum(not _is_of(turn.answer, one.final_response) for turn, one in pairs)
            apart = sum(abs(turn.began / 1e6 - one.creation_timestamp) for turn, one in pairs)
            yield _Match(other, len(calls - shown), apart, [turn for turn, _ in pairs])


def _is_within(turn: TurnMetrics, invocation: Invocation) -> bool:
    asked = invocation.creation_timestamp
    return turn.began / 1e6 - WITHIN_SECONDS <= asked <= turn.ended / 1e6 + WITHIN_SECONDS


def _is_of(kept: str, content: types.Content | None) -> bool:
    """Whether words of a log are those of a content, as far as the log keeps words."""
    words = words_of(content) or results_of(content)
    if kept.endswith("…") and any(said.startswith(kept[:-1]) for said in (mask(words), words)):
        return True
    return kept in ("", mask(words), words)


def _expected(
    eval_metric: EvalMetric, invocations: Sequence[Invocation] | None, number: int
) -> list[str]:
    """Names who ought to answer each turn."""
    # ADK's criterion keeps fields that it does not know.
    agents = getattr(eval_metric.criterion, "agents", None)
    if agents is None:
        agents = [_last_author(invocation) for invocation in invocations or []]
    names = [agents] * number if isinstance(agents, str) else agents
    is_named = isinstance(names, list) and all(isinstance(name, str) and name for name in names)
    if not is_named or len(names) != number:
        raise AdkFlowError(
            f"names of {number} turns are expected in the criterion's `agents`, or authors in the "
            "intermediate data of the eval case"
        )
    return names


def _last_author(invocation: Invocation) -> str:
    from google.adk.evaluation.eval_case import InvocationEvents

    data = invocation.intermediate_data
    if isinstance(data, InvocationEvents):
        return data.invocation_events[-1].author if data.invocation_events else ""
    return data.intermediate_responses[-1][0] if data and data.intermediate_responses else ""


def _result(
    eval_metric: EvalMetric,
    invocations: list[Invocation],
    score: Callable[[list[TurnMetrics]], list[float]],
    together: Callable[[list[float]], float],
    passes: Callable[[float, float], bool],
) -> EvaluationResult:
    """Scores the turns of a session against a threshold; of one that cannot be scored, all fail."""
    # Imports what needs the `eval` extra of google-adk in some releases.
    from google.adk.evaluation.evaluator import EvalStatus, EvaluationResult, PerInvocationResult

    scores: list[Any]
    try:
        named = getattr(eval_metric.criterion, "directory", None)
        directory = named or os.environ.get("ADK_FLOW_DIR")
        scores = score(turns_of(invocations, directory or "flow_logs"))
        overall = together(scores)
    except Exception as problem:  # whatever it is: ADK passes a case whose metric raises
        kind = "" if isinstance(problem, AdkFlowError) else f"{type(problem).__name__}: "
        _logger.error("%s: %s%s", eval_metric.metric_name, kind, problem)
        scores, overall = [None] * len(invocations), None

    # ADK empties the metric's own threshold (2.13, custom_metric_evaluator.py).
    threshold = (eval_metric.criterion or eval_metric).threshold or 0.0

    def status(value: float | None) -> EvalStatus:
        is_passed = value is not None and passes(value, threshold)
        return EvalStatus.PASSED if is_passed else EvalStatus.FAILED

    return EvaluationResult(
        overall_score=overall,
        overall_eval_status=status(overall),
        per_invocation_results=[
            PerInvocationResult(actual_invocation=each, score=value, eval_status=status(value))
            for each, value in zip(invocations, scores, strict=True)
        ],
    )
