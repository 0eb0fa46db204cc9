"""How fast a real model answers, to give a controlled run its pace."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
from msgspec.structs import astuple

from adk_flow._text import suggest
from adk_flow.errors import AdkFlowError


class LatencyProfile(NamedTuple):
    """Time that a model takes: a part for every call, and a part for every output token."""

    name: str
    call_milliseconds: float
    token_milliseconds: float

    def microseconds(self, output_tokens: int) -> int:
        """Gives the time of a call that generates so many tokens, thoughts among them."""
        return round(1000 * (self.call_milliseconds + self.token_milliseconds * output_tokens))


PROFILES = {
    pace.name: pace
    for pace in (
        # Least-squares fits to 80 recorded responses of the Gemini API.
        LatencyProfile("gemini-2.5-flash", 406, 6.3),
        LatencyProfile("gemini-3.5-flash", 2118, 8.2),
    )
}
MOST = 3_600_000
"""Milliseconds of the longest call that makes sense: an hour."""
DEFAULT_PROFILE = "gemini-2.5-flash"


class _Times(msgspec.Struct, forbid_unknown_fields=True):
    """Milliseconds of a model's every call and output token, as a file of profiles has them."""

    base: Annotated[float, msgspec.Meta(ge=0, le=MOST)]
    per_token: Annotated[float, msgspec.Meta(ge=0, le=MOST)]


def use_profiles(path: Path) -> str:
    """Takes profiles of a file (model: {base, per_token}) for this process; names the first.

    Raises:
      AdkFlowError: it cannot be read or does not fit; gives file, line and field.
    """
    from adk_flow.scenario.yaml_file import read_document  # YAML, for this alone

    document = read_document(path, "latency profiles by model")
    times = document.by_name(_Times)
    PROFILES.update((name, LatencyProfile(name, *astuple(pace))) for name, pace in times.items())
    return next(iter(times))


def profile_named(name: str) -> LatencyProfile:
    """Gives the pace of a profile's name, or of a number of milliseconds that every call takes.

    Raises:
      AdkFlowError: it is neither.
    """
    if name in PROFILES:
        return PROFILES[name]
    try:
        milliseconds = float(name)
    except ValueError:
        milliseconds = -1
    if not 0 <= milliseconds <= MOST:
        known = f"unknown; take one of {', '.join(PROFILES)}"
        raise AdkFlowError(
            f"{known}, a number of milliseconds, or none{suggest(name, PROFILES)}",
            argument="latency",
            value=name,
        )
    return LatencyProfile(f"{milliseconds:g} ms a call", milliseconds, 0)


def is_a_models(pace: LatencyProfile) -> bool:
    """Whether a pace is that of a model, and no number of milliseconds."""
    return pace.name in PROFILES
