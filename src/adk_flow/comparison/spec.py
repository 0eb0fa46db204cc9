"""What of a comparison is chosen by default, and what is refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isnan
from pathlib import Path

from adk_flow._text import suggest
from adk_flow.analysis.latency import DEFAULT_PROFILE, LatencyProfile, is_a_models, profile_named
from adk_flow.analysis.pricing import is_priced
from adk_flow.errors import AdkFlowError
from adk_flow.scenario.conversation import Conversation, read_conversation


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
                f"unknown{suggest(name, KNOWN_CONSTRUCTS)}; known are all, "
                f"{', '.join(KNOWN_CONSTRUCTS)}",
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
            f"is not compared; there are {', '.join(names)}{suggest(baseline, names)}",
            argument="baseline",
            value=baseline,
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


def check_real_latency(profile: LatencyProfile | None, live: Sequence[str]) -> None:
    """Refuses to take no time for real, or more than a live model takes."""
    reason = "" if profile else "needs a latency profile; name one"
    if profile and live:
        reason = f"is for controlled runs; {', '.join(live)} takes its own time"
    if reason:
        raise AdkFlowError(reason, argument="real_latency")


def choose_price_model(profile: LatencyProfile | None, controlled: bool) -> str:
    """Names the model at whose price a controlled run's tokens are priced: the pace's, if priced.

    Times as measured, or a number of milliseconds, are no model's, and take the default's price.
    """
    if not controlled:
        return ""
    name = profile.name if profile and is_a_models(profile) else DEFAULT_PROFILE
    return name if is_priced(name) else ""


def check_live(
    models: Sequence[str], dollars: float | None, calls: int | None, *, is_kept: bool = False
) -> None:
    """Refuses a live comparison that nothing limits, or whose limit cannot be kept.

    Where answers are kept in a cassette, none is asked for without a limit.
    """
    if dollars is not None and isnan(dollars):
        raise AdkFlowError("is no number of US dollars", argument="dollars", value=dollars)
    if dollars is None and calls is None and not is_kept:
        raise AdkFlowError(
            f"is needed, for {', '.join(models)} is a live model: say what the comparison may "
            "spend, in dollars or in model calls; or set the model to offline",
            argument="dollars",
        )
    unknown = [model for model in models if not is_priced(model)]
    if dollars is not None and unknown:
        raise AdkFlowError(
            f"cannot be kept: the table has no price for {unknown[0]}; give one of your own, or "
            "limit the number of model calls",
            argument="dollars",
        )


def why_no_advisor(named: str, live: bool, conversations: Iterable[Conversation]) -> str:
    """Says why no stronger model can be consulted in a comparison; empty if one can be."""
    if live:
        return "" if named else "advisor needs an advisor model, the stronger one"
    turns = (turn for conversation in conversations for turn in conversation.turns)
    stated = any(task.consults for turn in turns for task in turn.plan or ())
    return "" if stated else "no plan says what advisor asks the stronger model (`consults:`)"


def check_agent_names(conversations: Mapping[str, Conversation], known: Sequence[str]) -> None:
    """Refuses a conversation that names an agent which the app does not have."""
    for name, conversation in conversations.items():
        agents = [agent for turn in conversation.turns for agent in turn.specialists]
        agents += [agent for canary in conversation.planted.values() for agent in canary.only]
        if unknown := next((agent for agent in agents if agent not in known), ""):
            raise AdkFlowError(
                f"conversation {name}: the app has no agent {unknown!r}; there are "
                f"{', '.join(dict.fromkeys(known))}{suggest(unknown, known)}"
            )
