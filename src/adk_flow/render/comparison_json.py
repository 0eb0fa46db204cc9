"""A comparison as plain data, for JSON: figures and what follows from them, no moves or spans."""

from __future__ import annotations

from typing import Any

import msgspec

from adk_flow.analysis.run_metrics import RunMetrics
from adk_flow.comparison.aggregate import Comparison, ConstructMetrics
from adk_flow.comparison.recommend import write_caveats, write_recommendation
from adk_flow.render.comparison_model import difference_to
from adk_flow.render.flow_json import as_data

_BULK = ("moves", "spans", "critical")


def as_plain_data(comparison: Comparison) -> dict[str, Any]:
    """Gives setting, figures of constructs and of runs, winners, recommendation and caveats."""
    return {
        "setting": msgspec.to_builtins(comparison.setting),
        "kind": comparison.kind,
        "models": comparison.models,
        "adk": comparison.adk,
        "conversations": comparison.conversations,
        "constructs": [_construct(one, comparison.baseline) for one in comparison.constructs],
        "winners": msgspec.to_builtins(comparison.winners),
        "recommendation": write_recommendation(comparison),
        "caveats": write_caveats(comparison),
        "runs": [_run(run) for run in comparison.runs],
    }


def _construct(one: ConstructMetrics, base: ConstructMetrics | None) -> dict[str, Any]:
    return msgspec.to_builtins(one) | {
        "tokens": one.input_tokens + one.output_tokens,
        "hidden_llm_calls": one.llm_calls - one.reported_llm_calls,
        "difference_to_baseline": difference_to(one, base),
    }


def _run(run: RunMetrics) -> dict[str, Any]:
    total = as_data(run.total)
    del total["finals"]  # which the turns hold
    data = msgspec.to_builtins(msgspec.structs.replace(run, moves=[], spans=[], critical=[]))
    kept = {key: value for key, value in data.items() if key not in _BULK}
    return kept | {
        "turns": [as_data(turn) for turn in run.turns],
        "total": total,
        "passed": run.passed,
    }
