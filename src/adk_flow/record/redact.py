"""What a flow log keeps of texts: how much, and with which secrets masked."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from itertools import chain
from traceback import walk_tb
from types import FrameType
from typing import Any, Literal, get_args

import msgspec

from adk_flow.log.schema import PREVIEW
from adk_flow.record.secrets import MASK, is_secret_name, mask_secrets, may_name_secret

Capture = Literal["full", "preview", "none"]

LONGEST_TEXT = 4_000_000
"""Characters of the longest text that is kept whole: of a longer one, what `preview` keeps."""

_HEAD = 65_536
"""Characters of such a text in which secrets are looked for."""

_SHORT = 4096
"""Characters of texts whose masked form is remembered: names and questions come again."""


def mask(text: str) -> str:
    """Masks keys, credentials, addresses, and numbers of accounts and people (docs/log.md)."""
    return _mask_short(text) if len(text) <= _SHORT else mask_secrets(text)


def mask_name(name: str) -> str:
    """Masks secrets in an id or a key; one made at random, as ADK's ids are, stays."""
    return name if _RANDOM.fullmatch(name) else mask(name)


_RANDOM = re.compile(
    "(A2A_USER_)?([0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})"
)  # with the prefix: who asks an A2A server (2.13, a2a/converters/request_converter.py)
_mask_short = lru_cache(maxsize=1024)(mask_secrets)


class JsonText(str):
    """A value written as JSON, with the value, so that it is JSON still when secrets are masked."""

    __slots__ = ("value",)

    def __new__(cls, value: object) -> JsonText:
        """Writes a value; what has no JSON form, as `as_json` does."""
        written, value = _write(value)
        text = super().__new__(cls, written)
        text.value = value
        return text


_DEPTH = 100
"""Levels of a value that JSON cannot hold which are written out."""


def as_json(value: object) -> str:
    """Writes a value as JSON.

    What has no such form is written as Python shows it, and what cannot be shown, or lies in itself
    or too deep, as its type: `<dict>`.
    """
    try:
        return _encode(value).decode()
    except Exception:
        return _write_odd(value)[0]


def _write(value: object) -> tuple[str, object]:
    """Writes a value, and gives what was written of it."""
    try:
        return _encode(value).decode(), value
    except Exception:
        return _write_odd(value)


def _write_odd(value: object) -> tuple[str, object]:
    for plain in (_plain_value, _shown):
        with suppress(Exception):
            written = plain(value)
            return _encode(written).decode(), written
    return "null", None


def _plain_value(value: Any, within: tuple[int, ...] = ()) -> Any:
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if not isinstance(value, (Mapping, list, tuple, set, frozenset)):
        return value if _is_json(value) else _shown(value)
    if id(value) in within or len(within) >= _DEPTH:
        return f"<{type(value).__name__}>"
    within = (*within, id(value))
    if isinstance(value, Mapping):
        return {_shown(key): _plain_value(part, within) for key, part in value.items()}
    return [_plain_value(part, within) for part in value]


def _is_json(value: object) -> bool:
    try:
        return bool(_encode(value))
    except Exception:
        return False


def _shown(value: object) -> str:
    if type(value) is str:
        return value.encode(errors="replace").decode()
    try:
        return repr(value)
    except BaseException as error:  # such as CancelledError, of a future that it shows
        if isinstance(error, KeyboardInterrupt) or _is_of_signal(error):
            raise
        return f"<{type(value).__name__}>"


def _is_of_signal(error: BaseException) -> bool:
    """Whether a signal's handler raised it, in the midst of whatever ran: it is given a frame."""
    given = (value for at, _ in walk_tb(error.__traceback__) for value in at.f_locals.values())
    parts = (value if type(value) is tuple else (value,) for value in given)
    return any(type(part) is FrameType for part in chain.from_iterable(parts))


_encode = msgspec.json.Encoder(enc_hook=_shown).encode


def mask_inside(value: Any) -> Any:
    """Masks secrets in the texts and numbers of a value, and what is named like one."""
    if isinstance(value, Mapping):
        return {
            mask(str(key)): MASK if _is_secret(str(key), part) else mask_inside(part)
            for key, part in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [mask_inside(part) for part in value]
    if isinstance(value, str):
        return mask(value)
    if value is None or isinstance(value, bool):
        return value
    text = as_json(value)
    return value if mask(text) == text else MASK


def _is_secret(name: str, value: object) -> bool:
    return is_secret_name(name, value if isinstance(value, str) else as_json(value))


def _masked_text(text: str) -> str:
    if type(text) is not JsonText:
        return mask(text)
    plain = _plain(text)
    may_hold_secret = _names_secret(plain) or mask(plain) != plain
    return as_json(mask_inside(text.value)) if may_hold_secret else plain


def _names_secret(text: str) -> bool:
    return _names_secret_short(text) if len(text) <= _SHORT else may_name_secret(text)


_names_secret_short = lru_cache(maxsize=256)(may_name_secret)


def _plain(text: str) -> str:
    return str(text)  # msgspec takes no subclass of str


def make_redactor(capture: str, *, redact: bool) -> Callable[[str], str]:
    """Gives the function that turns a text into what the log keeps of it.

    Raises:
      ValueError: `capture` is not one of `full`, `preview`, `none`.
    """
    if capture not in get_args(Capture):
        raise ValueError(f"capture must be full, preview or none, got {capture!r}")
    if capture == "none":
        return lambda text: ""
    if redact:
        mask("")  # compiles the patterns here, for 20 ms, and not in the app's first message
    whole = _masked_text if redact else _plain
    short = _mask_short if redact else _plain

    def preview(text: str) -> str:
        # Masked before it is cut, so that the cut cannot leave the head of a secret.
        kept = whole(text if len(text) <= LONGEST_TEXT else text[:_HEAD])
        return kept if len(kept) <= PREVIEW else kept[:PREVIEW] + "…"

    def full(text: str) -> str:
        if len(text) <= _SHORT and type(text) is str:
            return short(text)
        return whole(text) if len(text) <= LONGEST_TEXT else preview(text)

    return full if capture == "full" else preview
