"""What tokens cost, by a table that comes along and a user's own; other models are unknown."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import msgspec

from adk_flow.analysis.critical_path import Span
from adk_flow.log.schema import Usage

_FIRST_PARTIES = frozenset({"openai", "anthropic", "gemini", "vertex_ai", "models", "projects"})
"""What stands before a model's name where its price is that of the name alone."""


_Dollars = Annotated[float, msgspec.Meta(ge=0, le=1e6)]
"""US dollars per million tokens."""


class Rates(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What tokens cost."""

    input: _Dollars
    output: _Dollars
    cached: _Dollars | None = None
    """Of the input, what came from the provider's cache; None for the price of input."""

    def dollars(self, usage: Usage) -> float:
        """Prices a call."""
        cached = self.input if self.cached is None else self.cached
        sent = self.input * (usage.input - usage.cached) + cached * usage.cached
        return (sent + self.output * usage.generated) / 1e6


class Price(Rates, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a model's tokens cost."""

    above: dict[int, Rates] = {}
    """Other rates of the whole call, by the input tokens above which they hold."""

    def rates(self, tokens: int) -> Rates:
        """Gives the rates of a call with so many input tokens."""
        reached = [limit for limit in self.above if tokens > limit]
        return self.above[max(reached)] if reached else self


class PriceTable(msgspec.Struct):
    """The table that comes along; `make prices` writes it."""

    source: str
    """LiteLLM's version, and the day on which its table was taken."""
    prices: dict[str, Price]


_OWN: dict[str, Price] = {}


@cache
def price_table() -> PriceTable:
    """Reads the table that comes along."""
    text = files("adk_flow.analysis").joinpath("prices.json").read_bytes()
    return msgspec.json.decode(text, type=PriceTable)


def use_prices(path: Path) -> None:
    """Takes prices of a file (model: {input, output, cached}) for this process, before the table's.

    Raises:
      AdkFlowError: it cannot be read or does not fit; gives file, line and field.
    """
    from adk_flow.scenario.yaml_file import read_document  # YAML, for this alone

    _OWN.update(read_document(path, "prices by model").by_name(Price))


def price_of(model: str) -> Price | None:
    """Finds the price of a model, with its provider's name before it or without."""
    provider, _, name = model.partition("/")
    names = [model, name.rpartition("/")[2] if provider in _FIRST_PARTIES else model]
    tables = (_OWN, price_table().prices)
    return next((table[key] for table in tables for key in names if key in table), None)


def is_own(model: str) -> bool:
    """Whether a model's price is a user's own."""
    price = price_of(model)
    return any(price is own for own in _OWN.values())


def is_priced(model: str) -> bool:
    """Whether a model has a price."""
    return price_of(model) is not None


def dollars(model: str, usage: Usage) -> float | None:
    """Prices a model call at a model's price, in US dollars; None if it is not known."""
    price = price_of(model)
    return price.rates(usage.input).dollars(usage) if price else None


def priced(spans: list[Span], model: str = "") -> float | None:
    """Prices model calls, each at its own model's price or all at that of `model`.

    None if the price or the tokens of one are unknown; a call that took no tokens costs nothing.
    """
    costs = [_price(span, model) for span in spans]
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None


def _price(span: Span, model: str) -> float | None:
    sent, said, cached = span.input_tokens, span.output_tokens, span.cached_tokens
    if sent is None or said is None or cached is None:
        return None
    if not (sent or said):
        return 0.0
    # A planned consult answers in the name of the model that it stands for, at that one's price.
    answered = span.version if is_priced(span.version) else model or span.name
    return dollars(answered, Usage(input=sent, output=said, cached=cached))
