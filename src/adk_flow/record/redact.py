"""What a flow log keeps of texts: how much, and with which secrets masked."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Literal, get_args

import msgspec

Capture = Literal["full", "preview", "none"]

PREVIEW = 200
"""Characters that `preview` keeps of each text."""

MASK = "[masked]"

_SECRETS = re.compile(
    r"""
    -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----.*?(?:-----END\ [A-Z ]*PRIVATE\ KEY-----|\Z)
  | \b(?P<scheme>(?i:bearer|basic))\s+[A-Za-z0-9._~+/=-]{8,}
  | \b(?:sk|rk|pk)[-_][A-Za-z0-9_-]{16,}
  | \bAIza[0-9A-Za-z_-]{20,}
  | \bya29\.[0-9A-Za-z_-]{20,}
  | \bgh[pousr]_[A-Za-z0-9]{20,} | \bgithub_pat_\w{20,} | \bglpat-[\w-]{16,}
  | \bxox[abeoprs]-[\w-]{10,} | \bhf_[A-Za-z0-9]{20,} | \bgsk_[A-Za-z0-9]{20,}
  | \b(?:AKIA|ASIA)[0-9A-Z]{16}\b
  | \beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*
  | (?P<phrase>(?i:\bpassw(?:or)?d:[ ]))[^\n"]{3,}
  | (?P<key>(?i:api[_-]?key|client[_-]?secret|secret|private[_-]?key|passw(?:or)?d|pwd
      |(?:access|auth|refresh|id|session|bearer)[_-]?token)\\?["']?\s*[:=]\s*)
      (?:\\?"[^"\n]{2,}|\\?'[^'\n]{2,}|[^\s"'&][^\s&]{2,})
  | (?P<url>\b[a-z][a-z0-9+.-]*://[^\s:/@]+:)[^\s@/]+(?=@)
  | [\w.+-]+@[\w-]+(?:\.[\w-]+)+
  | (?<![\d.])\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{1,7}(?!\d)
  | (?<![\d.])\d{8,}
    """,
    re.VERBOSE | re.DOTALL,
)


_SIGNS = (
    *("-----begin", "bearer", "basic", "sk-", "sk_", "rk-", "rk_", "pk-", "pk_", "aiza", "ya29."),
    *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "hf_", "gsk_"),
    *("akia", "asia", "eyj", "key", "secret", "passw", "pwd", "token", "@", "://"),
)
"""What a secret without a digit run cannot do without, in lower case."""
_DIGITS = re.compile(r"\d{4}(?:[ -]\d{4}|\d{4})")


def _masked(match: re.Match[str]) -> str:
    if scheme := match["scheme"]:
        return f"{scheme} {MASK}"
    key = match["key"] or match["phrase"] or match["url"] or ""
    quoted = match["key"] and match[0][len(key) :].lstrip("\\")[:1]
    return key + (quoted if quoted in ('"', "'") else "") + MASK


@lru_cache(maxsize=1024)
def mask(text: str) -> str:
    """Masks keys, bearer tokens, passwords, e-mail addresses and runs of 8 or more digits."""
    return _SECRETS.sub(_masked, text) if _may_hold_secret(text) else text


def _may_hold_secret(text: str) -> bool:
    # Most texts hold none, and looking for signs is many times quicker than the full pattern.
    lower = text.lower()
    return _DIGITS.search(text) is not None or any(sign in lower for sign in _SIGNS)


class JsonText(str):
    """A value written as JSON, with the value, so that it is JSON still when secrets are masked."""

    __slots__ = ("value",)

    def __new__(cls, value: object) -> JsonText:
        """Writes a value; what has no JSON form, as Python shows it."""
        text = super().__new__(cls, as_json(value))
        text.value = value
        return text


_encode = msgspec.json.Encoder(enc_hook=repr).encode


def as_json(value: object) -> str:
    """Writes a value as JSON; what has no such form, as Python shows it."""
    try:
        return _encode(value).decode()
    except (TypeError, ValueError, RecursionError):
        return repr(value)


def mask_inside(value: Any) -> Any:
    """Masks secrets in the texts and numbers of a value, and what is named like one."""
    if isinstance(value, Mapping):
        return {
            mask(str(key)): MASK if _is_secret(str(key)) else mask_inside(part)
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


@lru_cache(maxsize=1024)
def _is_secret(name: str) -> bool:
    return mask(f"{name}=xxxx").endswith(MASK)


def _masked_text(text: str) -> str:
    if not isinstance(text, JsonText):
        return mask(text)
    return as_json(mask_inside(text.value)) if _may_hold_secret(text) else str(text)


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
    if capture == "full":
        return _masked_text if redact else _plain

    def preview(text: str) -> str:
        # Masked before it is cut, so that the cut cannot leave the head of a secret.
        kept = _masked_text(text) if redact else _plain(text)
        return kept if len(kept) <= PREVIEW else kept[:PREVIEW] + "…"

    return preview
