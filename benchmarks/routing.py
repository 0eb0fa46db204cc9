"""How well the offline model routes: real ADK runs over a file of labelled questions.

    python benchmarks/routing.py QUESTIONS.jsonl [CONVERSATIONS.jsonl]

A line of QUESTIONS has `text`, `kind` (single, multi or out_of_scope) and `specialists` (mortgage,
investment, pension); a line of CONVERSATIONS has `turns` with `text`, `specialists` and
`topic_switch`. The specialists have their one-line descriptions and nothing else: no tools, no
word list. A question is right if one of its specialists has the last word; one that is out of
scope is right if the root asks back. The files are not part of the project.
"""

import asyncio
import json
import logging
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from google.adk.agents import LlmAgent
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.runners import InMemoryRunner
from pydantic import Field

from adk_flow.models import Offline

DESCRIPTIONS = {
    "Mortgage_Agent": (
        "Answers questions about mortgages and buying a home: repayments, rates, deposits, "
        "affordability, remortgaging and stamp duty."
    ),
    "Investment_Agent": (
        "Answers questions about saving and investing: shares, funds, bonds, ISAs, dividends, "
        "portfolios and how savings grow."
    ),
    "Pension_Agent": (
        "Answers questions about pensions and retirement: workplace and personal pensions, "
        "contributions, tax relief, allowances and the State Pension."
    ),
}
ROOT = "Root_Agent"

Row = dict[str, Any]


class TimedOffline(Offline):
    """The offline model, noting how long each decision takes."""

    seconds: list[float] = Field(default_factory=list)

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        """Answers, and notes the time that took."""
        began = time.perf_counter()
        async for response in super().generate_content_async(llm_request, stream):
            self.seconds.append(time.perf_counter() - began)
            yield response


def tree(model: Offline) -> LlmAgent:
    specialists: list[Any] = [
        LlmAgent(name=name, model=model, description=description)
        for name, description in DESCRIPTIONS.items()
    ]
    return LlmAgent(
        name=ROOT,
        model=model,
        description="Leads the UK personal-finance advice desk and finds the right specialist.",
        sub_agents=specialists,
    )


async def last_words(model: Offline, texts: Sequence[str]) -> list[str]:
    """Returns who has the last word on each message of one conversation."""
    runner, authors = InMemoryRunner(tree(model), app_name="routing"), []
    for text in texts:
        events = await runner.run_debug(text, quiet=True)
        finals = [event.author for event in events if event.is_final_response()]
        authors.append(finals[-1] if finals else "")
    return authors


def is_right(author: str, specialists: Sequence[str]) -> bool:
    right = {f"{name.title()}_Agent" for name in specialists}
    return author in (right or {ROOT})


async def questions(model: Offline, rows: Sequence[Row]) -> None:
    outcomes = []
    for row in rows:
        (author,) = await last_words(model, [row["text"]])
        outcomes.append((row["kind"], is_right(author, row["specialists"])))
        if not is_right(author, row["specialists"]):
            expected = " or ".join(row["specialists"]) or "nobody"
            print(f"  {author} instead of {expected}: {row['text']}")
    show(outcomes)


async def conversations(model: Offline, rows: Sequence[Row]) -> None:
    outcomes = []
    for row in rows:
        authors = await last_words(model, [turn["text"] for turn in row["turns"]])
        for number, (turn, author) in enumerate(zip(row["turns"], authors, strict=True)):
            kind = "switch" if turn["topic_switch"] else "same topic" if number else "first"
            if turn["specialists"]:  # who asks back in the middle of a conversation is all right
                outcomes.append((kind, is_right(author, turn["specialists"])))
    show(outcomes)


def show(outcomes: Sequence[tuple[str, bool]]) -> None:
    right = Counter(kind for kind, is_hit in outcomes if is_hit)
    for kind, number in Counter(kind for kind, _ in outcomes).items():
        print(f"{kind:15} {right[kind]:4} of {number}")


def read(file: Path) -> list[Row]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip()]


def main(arguments: Sequence[str]) -> None:
    logging.disable(logging.WARNING)  # ADK advises on caching with every runner
    files = [Path(argument) for argument in arguments]
    if not files or not all(file.is_file() for file in files):
        print("routing: skipped, no file of questions given")
        return
    model = TimedOffline()
    asyncio.run(last_words(model, ["What is a mortgage?"]))  # loads the embedding
    model.seconds.clear()
    asyncio.run(questions(model, read(files[0])))
    if len(files) > 1:
        asyncio.run(conversations(model, read(files[1])))
    times = np.array(model.seconds) * 1000
    median, slow = np.median(times), np.quantile(times, 0.99)
    print(f"decision        {median:.2f} ms median, {slow:.2f} ms p99, of {len(times)}")


if __name__ == "__main__":
    main(sys.argv[1:])
