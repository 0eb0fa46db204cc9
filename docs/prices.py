"""Writes the price table that comes with adk-flow, out of the installed LiteLLM: make prices."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

TABLE = Path(__file__).parents[1] / "src/adk_flow/analysis/prices.json"
PROVIDERS = (
    *("anthropic", "deepseek", "gemini", "groq", "mistral", "openai"),
    *("vertex_ai-language-models", "xai"),
)
FIELDS = {
    "input": "input_cost_per_token",
    "output": "output_cost_per_token",
    "cached": "cache_read_input_token_cost",
}
ABOVE = re.compile(r"_above_(\d+)k_tokens$")


def price_of(listed: Mapping[str, Any]) -> dict[str, Any]:
    """Takes a model's prices, per million tokens, also those of long requests."""
    ends = {match[0]: int(match[1]) * 1000 for name in listed if (match := ABOVE.search(name))}
    price: dict[str, Any] = _read(listed, "")
    above = {tokens: {**price, **_read(listed, end)} for end, tokens in ends.items()}
    return {**price, "above": above} if above else price


def _read(listed: Mapping[str, Any], end: str) -> dict[str, float]:
    prices = {field: listed.get(f"{name}{end}") for field, name in FIELDS.items()}
    return {field: round(price * 1e6, 6) for field, price in prices.items() if price is not None}


def is_kept(name: str, listed: Mapping[str, Any]) -> bool:
    """Whether a model talks, its provider is one of those kept, and it has both prices."""
    is_known = listed.get("litellm_provider") in PROVIDERS and not name.startswith(
        ("ft:", "gemini/")
    )
    has_prices = all(listed.get(FIELDS[field]) for field in ("input", "output"))
    return listed.get("mode") in ("chat", "responses") and is_known and has_prices


def read_litellm() -> dict[str, Any]:
    """Reads LiteLLM's packaged table, without importing LiteLLM, which would fetch another."""
    spec = find_spec("litellm")
    folders = spec and spec.submodule_search_locations
    if not folders:
        sys.exit("LiteLLM is not installed")
    text = (Path(folders[0]) / "model_prices_and_context_window_backup.json").read_text()
    return json.loads(text)


def main() -> None:
    """Writes the table."""
    kept = {name: price_of(row) for name, row in read_litellm().items() if is_kept(name, row)}
    lines = [f"  {json.dumps(name)}: {json.dumps(kept[name])}" for name in sorted(kept)]
    source = f"LiteLLM {version('litellm')}, taken on {datetime.now(UTC):%Y-%m-%d}"
    prices = ",\n".join(lines)
    TABLE.write_text(f'{{"source": {json.dumps(source)}, "prices": {{\n{prices}\n}}}}\n')
    print(f"{TABLE.name}: {len(kept)} models of {source}")


if __name__ == "__main__":
    main()
