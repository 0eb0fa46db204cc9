"""A piece in the making, as session state holds it, and the tools of those who work on it.

Whoever writes state has keys of their own, by name and round: of parallel writers of one key, all
but the last would lose what they wrote.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from google.adk.tools.tool_context import ToolContext
from pydantic import Field

from tools.checks import Answer
from tools.figures import borne_out, fact_faults
from tools.sources import Found, sources_of
from tools.style import LONGEST, SHORTEST, count_words, cut_to, first_sentences, style_faults

ROUND = "round"
"""The number of the latest draft."""
TOPIC = "topic"
_RESEARCH = "research_"
LONGEST_TITLE = 80
"""Characters."""


def research_key(researcher: str) -> str:
    """Names the place of what a researcher found, or why it found nothing."""
    return f"{_RESEARCH}{researcher}"


def draft_key(number: int) -> str:
    """Names the place of a draft."""
    return f"draft_{number}"


def check_key(number: int, reviewer: str) -> str:
    """Names the place of what a reviewer's tool found wrong with a draft."""
    return f"check_{number}_{reviewer}"


def review_key(number: int, reviewer: str) -> str:
    """Names the place of a reviewer's verdict on a draft."""
    return f"review_{number}_{reviewer}"


def latest_draft(state: Mapping[str, Any]) -> str:
    """Returns the draft that is being worked on; empty if there is none."""
    return state.get(draft_key(state.get(ROUND, 0)), "")


def is_draft(text: str, passages: Sequence[Found]) -> bool:
    """Whether an answer is a draft, good or bad: not a question back, nor a word of regret.

    A draft that names no source at all is one if it is long enough, and asks nothing at its end.
    """
    named, strangers = sources_of(text, passages)
    if named or strangers:
        return True
    return count_words(text) >= SHORTEST and not text.rstrip().endswith("?")


def passages_found(state: Mapping[str, Any]) -> list[Found]:
    """Returns the passages that the researchers' look-ups returned."""
    found = [state[key] for key in sorted(state) if key.startswith(_RESEARCH)]
    return [passage for one in found for passage in one.get("passages", ())]


def check_facts(tool_context: ToolContext) -> Answer:
    """Checks every figure and every source of the draft against the passages of the research."""
    state = tool_context.state.to_dict()
    return _finding(fact_faults(latest_draft(state), passages_found(state)), tool_context)


def check_style(tool_context: ToolContext) -> Answer:
    """Checks the style of the draft by the rules of the house: length, sentences, marks, lists."""
    return _finding(style_faults(latest_draft(tool_context.state.to_dict())), tool_context)


def _finding(faults: list[str], context: ToolContext) -> Answer:
    finding = {"approved": not faults, "remarks": " ".join(faults)}
    context.state[check_key(context.state[ROUND], context.agent_name)] = finding
    return {**finding, "summary": finding["remarks"] or "Nothing is wrong with it."}


def mend_draft(
    tool_context: ToolContext,
    words: Annotated[int, Field(ge=1, description="The most words that it may have.")] = LONGEST,
) -> Answer:
    """Mends a draft that was sent back: takes out what the research does not bear out, and cuts it.

    It is cut by whole sentences; what is left keeps its sources.
    """
    state = tool_context.state.to_dict()
    draft = latest_draft(state)
    if not draft:
        return {"error": "there is no draft yet"}
    if mended := cut_to(borne_out(draft, passages_found(state)), words):
        return {"text": mended}
    return {"error": "the research bears nothing of the draft out"}


def outline_draft(tool_context: ToolContext) -> Answer:
    """Outlines the draft: a title from its passages, a summary from its sentences, its length."""
    state = tool_context.state.to_dict()
    draft = latest_draft(state)
    return {
        "title": _title(draft, passages_found(state)),
        "summary": " ".join(first_sentences(draft)),
        "words": count_words(draft),
    }


def _title(draft: str, passages: list[Found]) -> str:
    """Joins the titles, cut at a colon, of the passages that the paragraphs are likest to."""
    likest = (max(passages, key=lambda one: _shared(one, said)) for said in first_sentences(draft))
    titles = list(dict.fromkeys(one["title"].split(":")[0] for one in likest)) if passages else []
    joined = " and ".join(titles)
    return joined if len(joined) <= LONGEST_TITLE else titles[0]


def _shared(passage: Found, sentence: str) -> int:
    return len(set(re.findall(r"\w+", passage["text"])) & set(re.findall(r"\w+", sentence)))
