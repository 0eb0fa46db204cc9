"""Counts how often `adk-flow predict` is right: make predict.

Each app is run under every construct as `adk-flow plan` drafts it and `adk-flow compare` does it;
a hit names exactly the constructs that took least. The apps are made of seeds that no law was
fitted to; further apps, by their paths, may be named: python docs/predictions.py --number 0 APP…
`--write` has docs/laws.md show what came of it.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from google.adk.apps import App
from laws import SAMPLES, write_block
from samples import make_sample

from adk_flow.analysis.run_metrics import AS_IS
from adk_flow.cli.output import silence_adk
from adk_flow.comparison.runner import compare
from adk_flow.errors import AdkFlowError
from adk_flow.laws.prediction import PREDICTED, predict_winners
from adk_flow.laws.table import read_laws
from adk_flow.laws.team import QUESTION, read_team
from adk_flow.models.planned.draft import draft_conversation
from adk_flow.run.app import load_app
from adk_flow.wiring import CONSTRUCTS


def main() -> None:
    """Predicts, runs, compares, and prints what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=30, help="apps to make")
    parser.add_argument("--write", action="store_true", help="into docs/laws.md")
    parser.add_argument("apps", nargs="*", type=Path, help="further apps")
    given = parser.parse_args()
    silence_adk()
    hits: Counter[str] = Counter()
    nested: Counter[str] = Counter()
    truths: dict[str, list[tuple[str, ...]]] = {figure: [] for figure in PREDICTED}
    for name, app in _apps(given.number, given.apps):
        try:
            guessed = asyncio.run(predict_winners(app, read_laws().apps)).at_once
            team = asyncio.run(read_team(app)).specialists
            least = truth_of(app)
        except AdkFlowError as error:
            print(f"{name}: left out: {error}")
            continue
        for figure in PREDICTED:
            named = tuple(sorted(guessed[figure].constructs if figure in guessed else ()))
            truths[figure].append(least[figure])
            hits[figure] += named == least[figure]
            nested[figure] += any(side.below for side in team)
            nested[f"{figure} hit"] += any(side.below for side in team) and named == least[figure]
            sign, winners = "hit " if named == least[figure] else "MISS", ", ".join(least[figure])
            print(f"{name}: fewest {figure}: {sign} {', '.join(named)} ({winners})")
        sys.stdout.flush()
    apps = f"{given.number} generated apps and {len(given.apps)} of this repository, none fitted"
    heads = f"| {apps} | hits | those with agents below specialists | always the commonest winner |"
    lines = [heads, "|---|--:|--:|--:|"]
    for figure, winners in truths.items():
        (common, often), *_ = Counter(winners).most_common(1) or [((), 0)]
        hit = f"{hits[figure]} of {len(winners)}"
        below = f"{nested[f'{figure} hit']} of {nested[figure]}"
        always = f"{often}, `{', '.join(common)}`"
        lines.append(f"| fewest {figure}, ties named | {hit} | {below} | {always} |")
    print(*lines, sep="\n")
    if given.write:
        write_block("predictions", "\n".join(["", *lines, "", ""]))


def _apps(number: int, paths: list[Path]) -> Iterator[tuple[str, App]]:
    for seed in range(SAMPLES, SAMPLES + number):
        yield f"sample {seed}", make_sample(seed)
    for path in paths:
        yield str(path), load_app(path)


def truth_of(app: App) -> dict[str, tuple[str, ...]]:
    """Runs an app under every construct; names who took least, of those that left nobody out.

    Raises:
      AdkFlowError: nobody was asked as planned, such as where an instruction needs state.
    """
    talk = asyncio.run(draft_conversation(app, [QUESTION]))
    with TemporaryDirectory() as folder:
        comparison = compare(app, {"drafted": talk}, CONSTRUCTS, folder=Path(folder))
    others = {AS_IS, *comparison.setting.incomplete}
    runs = [run for run in comparison.runs if run.passed and run.construct not in others]
    if not runs:
        raise AdkFlowError("no run came to its end as planned")
    figures = {
        "LLM calls": {run.construct: run.total.llm_calls or 0 for run in runs},
        "tokens": {run.construct: run.total.tokens or 0 for run in runs},
    }
    return {
        figure: tuple(sorted(name for name, value in of.items() if value == min(of.values())))
        for figure, of in figures.items()
    }


if __name__ == "__main__":
    main()
