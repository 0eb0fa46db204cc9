"""A comparison as plain data, for JSON: figures and what follows from them, no moves or spans."""

from __future__ import annotations

from typing import Any

import msgspec

from adk_flow.analysis.run_metrics import RunMetrics
from adk_flow.comparison.aggregate import Comparison, ConstructMetrics
from adk_flow.comparison.recommend import write_caveats, write_recommendation
from adk_flow.render.comparison_tables import comparable_baseline
from adk_flow.render.flow_json import turn_to_data


def comparison_to_data(comparison: Comparison) -> dict[str, Any]:
    """Gives setting, figures of constructs and of runs, winners, faults and recommendation."""
    return {
        "setting": msgspec.to_builtins(comparison.setting),
        "kind": comparison.kind,
        "models": comparison.models,
        "adk": comparison.adk,
        "conversations": comparison.conversations,
        "constructs": [
            _construct(figures, comparable_baseline(comparison, figures))
            for figures in comparison.constructs
        ],
        "winners": msgspec.to_builtins(comparison.winners),
        "recommendation": write_recommendation(comparison),
        "caveats": write_caveats(comparison),
        "faults": msgspec.to_builtins(comparison.faults),
        "runs": [_run(run) for run in comparison.runs],
    }


def _construct(figures: ConstructMetrics, base: ConstructMetrics | None) -> dict[str, Any]:
    return msgspec.to_builtins(figures) | {
        "tokens": figures.tokens,
        "hidden_llm_calls": _minus(figures.llm_calls, figures.reported_llm_calls),
        "difference_to_baseline": base
        and {
            "llm_calls": _minus(figures.llm_calls, base.llm_calls),
            "dollars": _minus(figures.dollars, base.dollars),
        },
    }


def _minus(number: float | None, other: float | None) -> float | None:
    return None if number is None or other is None else number - other


def _run(run: RunMetrics) -> dict[str, Any]:
    data = msgspec.to_builtins(msgspec.structs.replace(run, moves=[], spans=[], critical=[]))
    data |= {"turns": [*map(turn_to_data, run.turns)], "total": turn_to_data(run.total)}
    del data["moves"], data["spans"], data["critical"]
    del data["total"]["messages"]  # which the turns hold
    return data | {"passed": run.passed if run.checked or not run.passed else None}
