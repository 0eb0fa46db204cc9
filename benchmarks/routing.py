"""How well the offline model routes: real ADK runs over a file of labelled questions.

    python benchmarks/routing.py QUESTIONS.jsonl [CONVERSATIONS.jsonl]

A line of QUESTIONS has `text`, `kind` (single, multi or out_of_scope) and `specialists` (mortgage,
investment, pension); a line of CONVERSATIONS has `turns` with `text`, `specialists` and
`topic_switch`. The specialists have their one-line descriptions and nothing else: no tools, no
word list. A question counts as right if one of its specialists has the last word, and one that is
out of scope if the root asks back. The files are not part of the project.
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
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.genai import types

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


class TimedOffline(Offline):
    """Notes how long each decision takes."""

    seconds: list[float] = []  # noqa: RUF012  Pydantic copies the default

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


async def answered_by(model: Offline, texts: Sequence[str]) -> list[str]:
    """Returns who has the last word on each message of one conversation."""
    service = InMemorySessionService()
    runner = Runner(
        app_name="routing", agent=tree(model), session_service=service, auto_create_session=True
    )
    authors = []
    for text in texts:
        message = types.Content(role="user", parts=[types.Part(text=text)])
        events = runner.run_async(user_id="user", session_id="session", new_message=message)
        finals = [event.author async for event in events if event.is_final_response()]
        authors.append(finals[-1] if finals else "")
    return authors


def is_right(author: str, specialists: Sequence[str]) -> bool:
    return (
        author in {f"{name.title()}_Agent" for name in specialists}
        if specialists
        else author == ROOT
    )


async def questions(model: Offline, file: Path) -> None:
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip()]
    right, asked = Counter[str](), Counter[str]()
    for row in rows:
        (author,) = await answered_by(model, [row["text"]])
        asked[row["kind"]] += 1
        right[row["kind"]] += is_right(author, row["specialists"])
        if row["kind"] == "single" and not is_right(author, row["specialists"]):
            print(f"  {author} instead of {row['specialists'][0]}: {row['text']}")
    for kind in asked:
        print(f"{kind:15} {right[kind]:4} of {asked[kind]}")


async def conversations(model: Offline, file: Path) -> None:
    right, asked = Counter[str](), Counter[str]()
    for line in file.read_text("utf-8").splitlines():
        turns = json.loads(line)["turns"]
        authors = await answered_by(model, [turn["text"] for turn in turns])
        for number, (turn, author) in enumerate(zip(turns, authors, strict=True)):
            kind = "switch" if turn["topic_switch"] else "same topic" if number else "first"
            if not turn["specialists"]:
                # In mid-conversation a specialist asks back; that it was asked is all to be seen.
                continue
            asked[kind] += 1
            right[kind] += is_right(author, turn["specialists"])
    for kind in asked:
        print(f"{kind:15} {right[kind]:4} of {asked[kind]}")


def main(arguments: Sequence[str]) -> None:
    logging.disable(logging.WARNING)  # ADK advises on caching with every runner
    files = [Path(argument) for argument in arguments]
    if not files or not files[0].is_file():
        print("routing: skipped, no file of questions given")
        return
    model = TimedOffline()
    asyncio.run(answered_by(model, ["What is a mortgage?"]))  # loads the embedding
    model.seconds.clear()
    asyncio.run(questions(model, files[0]))
    if len(files) > 1:
        asyncio.run(conversations(model, files[1]))
    times = np.array(model.seconds) * 1000
    median, slow = np.median(times), np.quantile(times, 0.99)
    print(f"decision        {median:.2f} ms median, {slow:.2f} ms p99, of {len(times)}")


if __name__ == "__main__":
    main(sys.argv[1:])
