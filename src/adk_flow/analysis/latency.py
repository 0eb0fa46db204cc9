"""How fast a real model answers, to give a controlled run its pace."""

from __future__ import annotations

from typing import NamedTuple

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
        known = ", ".join(PROFILES)
        raise AdkFlowError(
            f"unknown; take one of {known}, a number of milliseconds, or none",
            argument="latency",
            value=name,
        )
    return LatencyProfile(f"{milliseconds:g} ms a call", milliseconds, 0)
