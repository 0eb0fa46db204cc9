"""What tokens cost, by LiteLLM's price table; a model that it does not price is unknown."""

from __future__ import annotations

import functools
import os
from typing import Any

from adk_flow.analysis.critical_path import Span
from adk_flow.log.schema import Usage


@functools.cache
def _litellm() -> Any:
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # else its import fetches prices
    try:
        import litellm
    except ImportError:
        return None
    litellm.suppress_debug_info = True  # else it prints what it does not know
    return litellm


@functools.cache
def is_priced(model: str) -> bool:
    """Whether LiteLLM is installed and its table has a price per token for a model."""
    table = _litellm()
    try:
        known = table.get_model_info(model) if table and model else {}
    except Exception:  # LiteLLM has no class of its own for a model that it does not know.
        return False
    return bool(known.get("input_cost_per_token") and known.get("output_cost_per_token"))


def dollars(model: str, usage: Usage) -> float | None:
    """Prices a model call at a model's price, in US dollars; None if it is not known."""
    if not is_priced(model):
        return None
    asked, answered = _litellm().cost_per_token(
        model=model,
        prompt_tokens=usage.input,
        completion_tokens=usage.output + usage.thoughts,
        cache_read_input_tokens=usage.cached,
    )
    return asked + answered


def priced(spans: list[Span], model: str = "") -> float | None:
    """Prices model calls, each at its own model's price or all at that of `model`.

    None if the price or the tokens of one are unknown; a call that took no tokens costs nothing.
    """
    total = 0.0
    for span in spans:
        cost = _price(span, model)
        if cost is None:
            return None
        total += cost
    return total


def _price(span: Span, model: str) -> float | None:
    sent, said, cached = span.input_tokens, span.output_tokens, span.cached_tokens
    if sent is None or said is None or cached is None:
        return None
    if not (sent or said):
        return 0.0
    # A planned consult answers in the name of the model that it stands for, at that one's price.
    answered = span.version if is_priced(span.version) else model or span.name
    return dollars(answered, Usage(input=sent, output=said, cached=cached))
