"""Whether the selector of the translation example chooses better than chance.

Each sentence's candidates become translators that say just that; the example's own selector, on
the model that MODEL_NAME names (offline unless it is set), chooses among them in a real run. What
it chose is compared, by human penalties, with a candidate at random, the first one listed and the
best one (the oracle). Intervals are of 95 %, by bootstrap over sentences.

    python benchmarks/selector.py [FILE.jsonl]     # or TRANSLATIONS=FILE.jsonl

The file is outside material and no part of this repository: a line a sentence, with `source` and
`candidates` of `text` and `mqm_penalty` (0 is best).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

os.environ.setdefault("MODEL_NAME", "offline")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from google.adk.agents import LlmAgent

from adk_flow.models.scripted import Scripted
from adk_flow.wiring.best_of import best_of, select
from adk_flow.wiring.selection import slate_of
from sub_agents.translators import selector
from tools.translation_checks import faults_of, judged

RESAMPLES = 10_000


class Choice(NamedTuple):
    """What was chosen of one sentence's candidates."""

    chosen: float
    """Its penalty; so below."""
    random: float
    """The mean of all."""
    first: float
    oracle: float
    is_fallback: bool
    is_clean: bool
    """Whether the checks found nothing in any candidate, so that likeness alone decided."""


async def choose(row: dict[str, Any]) -> Choice:
    """Lets the selector choose among a sentence's candidates."""
    penalties = {one["text"].strip(): one["mqm_penalty"] for one in row["candidates"]}
    script = {f"Candidate_{place}": [text] for place, text in enumerate(penalties)}
    model = Scripted(script=script)
    candidates = [LlmAgent(name=name, model=model) for name in script]
    selection = await select(
        best_of("selection", candidates, selector, fallback=judged), row["source"]
    )
    given = [one["mqm_penalty"] for one in row["candidates"]]
    return Choice(
        penalties[selection.text],
        float(np.mean(given)),
        given[0],
        min(given),
        selection.is_fallback,
        not any(
            faults_of(
                slate_of(row["source"], dict(zip(penalties, penalties, strict=True)))
            ).values()
        ),
    )


async def choose_all(rows: Sequence[dict[str, Any]]) -> list[Choice]:
    return [await choose(row) for row in rows]


def interval(values: Sequence[float]) -> str:
    """Writes a mean with its bootstrap interval."""
    drawn = np.random.default_rng(0).choice(values, (RESAMPLES, len(values))).mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{np.mean(values):6.2f}  [{low:5.2f}, {high:5.2f}]"


def show(choices: Sequence[Choice]) -> None:
    rows: dict[str, Callable[[Choice], float]] = {
        "chosen": lambda one: one.chosen,
        "random": lambda one: one.random,
        "first": lambda one: one.first,
        "oracle": lambda one: one.oracle,
        "random - chosen": lambda one: one.random - one.chosen,
        "first - chosen": lambda one: one.first - one.chosen,
    }
    for name, penalty in rows.items():
        print(f"{name:16}{interval([penalty(one) for one in choices])}")
    clean = sum(one.is_clean for one in choices)
    print(
        f"{len(choices)} sentences on {os.environ['MODEL_NAME']}; in {clean} the checks found "
        f"nothing in any candidate; {sum(one.is_fallback for one in choices)} fallbacks"
    )


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", nargs="?", default=os.environ.get("TRANSLATIONS", ""))
    named = parser.parse_args().file
    if not Path(named).is_file():
        print(f"Skipped: no file of candidates at {named!r}; name one, or set TRANSLATIONS.")
        return
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    rows = [json.loads(line) for line in Path(named).read_text(encoding="utf-8").splitlines()]
    print("mean penalty, 0 is best")
    show(asyncio.run(choose_all(rows)))


if __name__ == "__main__":
    main()
