"""What a comparison is asked for, and what of it is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from adk_flow.analysis.latency import DEFAULT_PROFILE, LatencyProfile, profile_named
from adk_flow.analysis.pricing import is_priced
from adk_flow.errors import AdkFlowError
from adk_flow.scenario.conversation import Conversation, read_conversation


class ComparisonSpec(NamedTuple):
    """What a comparison is asked for."""

    constructs: Sequence[str]
    conversations: Mapping[str, Conversation]
    baseline: str = ""
    trials: int = 1
    jobs: int = 4
    model: str = ""
    """Name of the model of every agent; empty for the app's own."""
    latency: str = ""
    """Profile of projected times; `none` for measured ones, empty for what the model calls for."""
    real_latency: bool = False
    """Whether a controlled model really takes the time of the profile."""
    dollars: float | None = None
    calls: int | None = None


def read_constructs(text: str) -> list[str]:
    """Reads a list of constructs, `all` for all of them.

    Raises:
      AdkFlowError: one is unknown, or ADK is too old for any.
    """
    # ADK takes seconds to import, which a comparison of logs need not wait for.
    from adk_flow._adk import check_constructs

    check_constructs()
    from adk_flow.comparison.variants import KNOWN_CONSTRUCTS
    from adk_flow.wiring import CONSTRUCTS

    names: list[str] = []
    for name in filter(None, (part.strip() for part in text.split(","))):
        if name not in ("all", *KNOWN_CONSTRUCTS):
            raise AdkFlowError(
                f"unknown; known are all, {', '.join(KNOWN_CONSTRUCTS)}",
                argument="constructs",
                value=name,
            )
        names += CONSTRUCTS if name == "all" else [name]
    if not names:
        raise AdkFlowError(
            "names none; take all, or names with commas between", argument="constructs"
        )
    return list(dict.fromkeys(names))


def read_conversations(paths: Sequence[Path]) -> dict[str, Conversation]:
    """Reads conversation files, and those of folders, by the name of the file.

    Raises:
      AdkFlowError: there is none, two have the same name, or one does not fit.
    """
    conversations: dict[str, Conversation] = {}
    for path in paths:
        files = sorted([*path.glob("*.yaml"), *path.glob("*.yml")]) if path.is_dir() else [path]
        if not files:
            raise AdkFlowError(f"{path}: holds no conversation (*.yaml)")
        for file in files:
            if file.stem in conversations:
                raise AdkFlowError(f"{file}: there is another conversation named {file.stem}")
            conversations[file.stem] = read_conversation(file)
    return conversations


def choose_baseline(names: Sequence[str], baseline: str) -> str:
    """Checks the baseline; by default it is the first.

    Raises:
      AdkFlowError: it is none of those compared.
    """
    if baseline and baseline not in names:
        raise AdkFlowError(
            f"is not compared; there are {', '.join(names)}", argument="baseline", value=baseline
        )
    return baseline or names[0]


def choose_profile(latency: str, controlled: bool) -> LatencyProfile | None:
    """Finds a latency profile; by default a controlled run has one, and a live one its own time.

    Raises:
      AdkFlowError: there is none of that name.
    """
    if latency == "none" or not (latency or controlled):
        return None
    return profile_named(latency or DEFAULT_PROFILE)


def choose_price_model(profile: LatencyProfile | None, controlled: bool) -> str:
    """Names the model at whose price a controlled run's tokens are priced."""
    if not controlled:
        return ""
    named = profile.name if profile and is_priced(profile.name) else DEFAULT_PROFILE
    return named if is_priced(named) else ""


def check_real_latency(spec: ComparisonSpec, profile: LatencyProfile | None) -> None:
    """Refuses to take no time for real."""
    if spec.real_latency and not profile:
        raise AdkFlowError("needs a latency profile; name one", argument="real_latency")


def check_live(spec: ComparisonSpec, models: Sequence[str]) -> None:
    """Refuses a live comparison that nothing limits, or whose limit cannot be kept."""
    named = ", ".join(models)
    if spec.real_latency:
        raise AdkFlowError(
            f"is for controlled runs; {named} takes its own time", argument="real_latency"
        )
    if spec.dollars is None and spec.calls is None:
        raise AdkFlowError(
            f"is needed, for {named} is a live model: say what the comparison may spend, in "
            "dollars or in model calls; or take the model offline",
            argument="dollars",
        )
    unknown = [model for model in models if not is_priced(model)]
    if spec.dollars is not None and unknown:
        raise AdkFlowError(
            f"cannot be kept: LiteLLM's table has no price for {unknown[0]} (or LiteLLM is not "
            "installed); limit the number of model calls",
            argument="dollars",
        )


def check_agent_names(conversations: Mapping[str, Conversation], known: Sequence[str]) -> None:
    """Refuses a conversation that names an agent which the app does not have."""
    for name, conversation in conversations.items():
        agents = [agent for turn in conversation.turns for agent in turn.specialists]
        agents += [agent for canary in conversation.planted.values() for agent in canary.only]
        if unknown := next((agent for agent in agents if agent not in known), ""):
            raise AdkFlowError(
                f"conversation {name}: the app has no agent {unknown!r}; there are "
                f"{', '.join(dict.fromkeys(known))}"
            )
