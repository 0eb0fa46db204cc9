"""Prices and paces: the table that comes along against LiteLLM's own, and a user's files."""

import re

import pytest

from adk_flow.analysis import latency, pricing
from adk_flow.cli.loading import note_prices, use_files
from adk_flow.comparison.spec import choose_price_model
from adk_flow.errors import AdkFlowError
from adk_flow.log.schema import Usage
from docs.prices import read_litellm


@pytest.fixture(autouse=True)
def own_tables(monkeypatch):
    monkeypatch.setattr(pricing, "_OWN", {})
    monkeypatch.setattr(latency, "PROFILES", dict(latency.PROFILES))


def by_litellm(listed, usage):
    """Prices a call by LiteLLM's fields, the dearer ones of long requests where there are any."""
    limits = (re.fullmatch(r"input_cost_per_token(_above_(\d+)k_tokens)", name) for name in listed)
    reached = [one for one in limits if one and usage.input > int(one[2]) * 1000]
    end = max(reached, key=lambda one: int(one[2]))[1] if reached else ""
    sent, said, read = (
        listed.get(f"{name}{end}", listed.get(name))
        for name in (
            *("input_cost_per_token", "output_cost_per_token"),
            "cache_read_input_token_cost",
        )
    )
    read = sent if read is None else read
    return (usage.input - usage.cached) * sent + usage.cached * read + usage.generated * said


def test_the_table_that_comes_along_prices_as_litellms_does():
    table, litellm = pricing.price_table(), read_litellm()

    assert len(table.prices) > 200
    assert re.fullmatch(r"LiteLLM \S+, taken on \d{4}-\d\d-\d\d", table.source)
    usages = [
        Usage(input=1000, cached=400, output=50, thoughts=7),
        *(Usage(input=size, output=9) for size in (100_001, 200_000, 200_001, 300_000)),
    ]
    for model in table.prices:
        for usage in usages:
            expected = by_litellm(litellm[model], usage)
            assert pricing.dollars(model, usage) == pytest.approx(expected), (model, usage)


@pytest.mark.parametrize(
    ("model", "priced_as"),
    [
        ("gemini/gemini-2.5-flash", "gemini-2.5-flash"),
        ("projects/p/locations/l/publishers/google/models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("openai/gpt-5-mini", "gpt-5-mini"),
        ("somebody/gpt-5-mini", ""),
        ("", ""),
    ],
)
def test_a_model_is_found_with_its_providers_name_and_nobodys_else(model, priced_as):
    expected = pricing.price_table().prices[priced_as] if priced_as else None

    assert pricing.price_of(model) == expected
    assert pricing.is_priced(model) == bool(priced_as)


def test_own_prices_and_paces_go_before_those_that_come_along(tmp_path):
    prices, paces = tmp_path / "prices.yaml", tmp_path / "paces.yaml"
    prices.write_text(
        "gemini-2.5-flash: {input: 1, output: 2}\n'x/y.z': {input: 3, output: 0, cached: 1}"
    )
    paces.write_text("x/y.z: {base: 10, per_token: 0.5}\ngemini-2.5-flash: {base: 1, per_token: 0}")

    pace = latency.profile_named(use_files("", paces, prices))

    assert (pace.name, pace.microseconds(4)) == ("x/y.z", 12_000)
    assert use_files("gemini-2.5-flash", paces, None) == "gemini-2.5-flash"
    assert latency.profile_named("gemini-2.5-flash").microseconds(100) == 1000
    million = Usage(input=2_000_000, cached=1_000_000, output=1_000_000)
    assert pricing.dollars("gemini-2.5-flash", million) == pytest.approx(2 + 2)
    assert pricing.dollars("x/y.z", million) == pytest.approx(3 + 1)


def test_tokens_have_the_price_of_the_paces_model_or_none(tmp_path, capsys):
    prices, paces = tmp_path / "prices.yaml", tmp_path / "paces.yaml"
    prices.write_text("ours: {input: 1, output: 2}")
    paces.write_text("ours: {base: 350, per_token: 9}")

    def chosen(name, profiles=None, own=None):
        pace = latency.profile_named(use_files(name, profiles, own))
        return choose_price_model(pace, controlled=True)

    assert chosen("", paces) == ""
    assert chosen("500") == "gemini-2.5-flash"
    assert chosen("", paces, prices) == "ours"

    note_prices(prices, "ours", "ours")
    note_prices(None, "gemini-2.5-flash", "")
    note_prices(prices, "", "")
    assert not capsys.readouterr().err
    note_prices(None, "", "ours")
    assert "ours has no price, so that costs are unknown" in capsys.readouterr().err
    note_prices(prices, "gemini-2.5-flash", "gemini-2.5-flash")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"adk-flow: {prices} has no price of gemini-2.5-flash, at whose price")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("m:\n  {first}: 1\n  {second}: -1\n", "line 3: {second}: "),
        ("m:\n  {first}: 1\n  {second}: .nan\n", "line 3: {second}: "),
        ("m:\n  {first}: one\n  {second}: 1\n", "line 2: {first}: "),
        (
            "m: {{{first}: 1e400, {second}: 1}}",
            "line 1: {first}: .*1e400 is text to YAML; write out its digits",
        ),
        ("m:\n  {first}: 1\n", "line 2: .*`{second}`"),
        ("m:\n  {first}: 1\n  {second}: 1\n  third: 1\n", "line 4: .*`third`"),
        ("a: {{{first}: 1, {second}: 1}}\nm: 3\n", "line 2: "),
        ("- m\n", "line 1: "),
        ("{{}}\n", "line 1: "),
        ("", "is empty"),
        ("m: [\n", "line 2: "),
    ],
)
@pytest.mark.parametrize(
    ("read", "fields"),
    [
        (pricing.use_prices, ("input", "output")),
        (latency.use_profiles, ("base", "per_token")),
    ],
)
def test_a_bad_file_is_told_in_one_line_with_file_and_field(tmp_path, read, fields, text, place):
    names = dict(zip(("first", "second"), fields, strict=True))
    file = tmp_path / "own.yaml"
    file.write_text(text.format(**names))

    with pytest.raises(AdkFlowError, match=f"^{re.escape(str(file))}: {place.format(**names)}.*$"):
        read(file)
