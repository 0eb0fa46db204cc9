"""Secrets in texts."""

import asyncio
import json
import signal
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adk_flow.log.schema import PREVIEW
from adk_flow.record.redact import LONGEST_TEXT, MASK, JsonText, make_redactor, mask

SECRETS = [
    "sk-proj-abcdefghijklmnopqrstuv",
    "AIzaSyA1234567890abcdefghijklmnopqrstuv",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "AKIAIOSFODNN7EXAMPLE",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc",
    "ann.lee+x@mail.example.co.uk",
    "4111 1111 1111 1111",
    "12345678",
    "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_masked_in_any_surroundings(secret):
    assert mask(f"x {secret}, y") == f"x {MASK}, y"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Authorization: Bearer abc.def-123456", f"Authorization: Bearer {MASK}"),
        ('{"api_key": "hunter2hunter2"}', f'{{"api_key": "{MASK}"}}'),
        ("password=hunter2", f"password={MASK}"),
        ('{"password":"ab,cdefghij","n":1}', f'{{"password":"{MASK}","n":1}}'),
        ("password=a;bcdefgh", f"password={MASK}"),
        ("password: correct horse battery", f"password: {MASK}"),
        ("refresh_token=abcdefgh", f"refresh_token={MASK}"),
        ("postgres://user:pw@host/db", f"postgres://user:{MASK}@host/db"),
        ("client_secret: s3cr3t-value", f"client_secret: {MASK}"),
    ],
)
def test_a_named_secret_is_masked_and_its_name_kept(text, masked):
    assert mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "A £250,000 mortgage at 4.5% over 25 years costs £1,389.58 a month.",
        '{"loan_amount": 250000.0, "share": 0.33333333333333331}',
        "In 2026/27 the secret of saving is patience; the keys to the house are yours.",
        "1 2 3 4 5 6 7 8 9 10",
    ],
)
def test_money_and_plain_words_stay(text):
    assert mask(text) == text


def test_a_preview_never_shows_the_head_of_a_secret():
    secret = "sk-" + "a" * 60
    kept = make_redactor("preview", redact=True)("x" * 180 + " " + secret)

    assert "sk-" not in kept


def test_an_unknown_choice_is_refused():
    with pytest.raises(ValueError, match="capture must be full, preview or none, got 'all'"):
        make_redactor("all", redact=True)


@given(st.text())
def test_masking_twice_changes_nothing_more(text):
    assert mask(mask(text)) == mask(text)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ({"loan_amount": 12345678, "years": 25}, {"loan_amount": MASK, "years": 25}),
        ({"password": None, "n": 1}, {"password": MASK, "n": 1}),
        ({"secret": {"a": [1, 2]}, "b": "x"}, {"secret": MASK, "b": "x"}),
        ({"mail": "to bob@example.org", "ok": True}, {"mail": f"to {MASK}", "ok": True}),
        ([{"bob@example.org": 1.5}], [{MASK: 1.5}]),
        ({"a": "b"}, {"a": "b"}),
    ],
)
def test_secrets_inside_a_value_leave_it_json(value, kept):
    assert json.loads(make_redactor("full", redact=True)(JsonText(value))) == kept


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda parts: st.lists(parts) | st.dictionaries(st.text(), parts),
)


@given(st.dictionaries(st.sampled_from(["api_key", "pwd", "a", "b"]), JSON))
def test_any_value_is_json_when_masked(value):
    kept = make_redactor("full", redact=True)(JsonText(value))

    assert set(json.loads(kept)) == set(value)
    assert "api_key" not in value or json.loads(kept)["api_key"] == MASK


class Unshowable:
    def __repr__(self) -> str:
        raise RecursionError("shown")

    __str__ = __repr__
    __hash__ = object.__hash__


class Cancelled:
    def __repr__(self) -> str:
        raise asyncio.CancelledError


class Exits:
    def __repr__(self) -> str:
        sys.exit(1)


class Ends:
    """Is shown when a signal comes."""

    def __repr__(self) -> str:
        signal.raise_signal(signal.SIGTERM)
        return "never shown"


@pytest.mark.parametrize("handler", [lambda *_: sys.exit(3), lambda number, at: sys.exit(3)])
def test_what_ends_a_process_by_a_signal_is_not_held_up(handler):
    before = signal.signal(signal.SIGTERM, handler)
    try:
        with pytest.raises(SystemExit):
            JsonText({"value": Ends()})
    finally:
        signal.signal(signal.SIGTERM, before)


def nested(depth: int) -> Any:
    value: Any = "deep"
    for level in range(depth):
        value = {"a": value} if level % 2 else [value]
    return value


def cyclic() -> Any:
    value: dict[str, Any] = {"id": 1}
    value["self"] = [value, value]
    return value


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (Unshowable(), "<Unshowable>"),
        ({"job": Cancelled(), "end": Exits()}, {"job": "<Cancelled>", "end": "<Exits>"}),
        ({Unshowable(): 1}, {"<Unshowable>": 1}),
        ({"a": {Unshowable()}, "b": 2}, {"a": ["<Unshowable>"], "b": 2}),
        (cyclic(), {"id": 1, "self": ["<dict>", "<dict>"]}),
        ({"n": 10**5000, "m": float("nan")}, {"n": "<int>", "m": None}),
        ({"b": b"\x00\xff", 5: {(1, 2): "t"}}, {"b": "AP8=", "5": {"(1, 2)": "t"}}),
        ({"a": "caf\udce9", "key ann@example.org": [nested(3000)]}, None),
    ],
)
def test_what_cannot_be_written_is_named_by_its_type(value, kept):
    text = make_redactor("full", redact=True)(JsonText(value))

    written = json.loads(text)
    if kept is not None:
        assert written == kept
    else:
        assert written["a"] == "caf?"
        assert "<" in str(written["key [masked]"])


@pytest.mark.parametrize("capture", ["full", "preview"])
def test_of_a_text_beyond_all_measure_the_beginning_is_kept(capture):
    keep = make_redactor(capture, redact=True)

    kept = keep("ann@example.org " + "word " * LONGEST_TEXT)

    assert kept == "[masked] " + ("word " * 100)[: PREVIEW - 9] + "…"
    assert len(keep("word " * (LONGEST_TEXT // 5))) == (
        LONGEST_TEXT if capture == "full" else PREVIEW + 1
    )
