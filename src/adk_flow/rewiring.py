"""A loaded app under other constructs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from google.adk.agents.llm_agent import LlmAgent
from google.adk.apps import App

from adk_flow.measured_run import ONE_BY_ONE
from adk_flow.models.given import llm_agents, models_of
from adk_flow.one_by_one import one_by_one
from adk_flow.pace import Pace
from adk_flow.wiring import CONSTRUCTS, DEPRECATED, WiringError, parts_of, wire

AS_IS = "as_is"
"""The app as its owner wired it, in the place of a construct."""

DEPRECATED_FORM = "deprecated_"
"""What stands before a construct's name for ADK's deprecated agent in place of a Workflow."""
KNOWN = (AS_IS, ONE_BY_ONE, *CONSTRUCTS, *(DEPRECATED_FORM + name for name in DEPRECATED))


class Rewired(NamedTuple):
    """An app under several constructs."""

    apps: dict[str, App]
    team: list[str]
    """The specialists."""
    skipped: dict[str, str]
    """Constructs that it cannot be wired as, with the reason."""
    left_out: list[str]
    """What of it is not rewired, each with its reason."""


def rewired(app: App, constructs: Sequence[str]) -> Rewired:
    """Wires the lead and specialists of an app under each construct.

    Raises:
      WiringError: it can be wired under none of them.
    """
    result = Rewired({}, [], {}, [])
    if AS_IS in constructs:
        result.apps[AS_IS] = app
    if ONE_BY_ONE in constructs:
        result.apps[ONE_BY_ONE] = one_by_one(app)
    wanted = [name for name in constructs if name not in (AS_IS, ONE_BY_ONE)]
    if not wanted or app.root_agent is None:
        return result
    try:
        lead, specialists, left_out = parts_of(app.root_agent)
    except WiringError as error:
        if not result.apps:
            raise
        result.skipped.update(dict.fromkeys(wanted, str(error)))
        return result
    result.left_out.extend(left_out)
    result.team.extend(agent.name for agent in specialists)
    for name in wanted:
        try:
            plain = name.removeprefix(DEPRECATED_FORM)
            root = wire(lead, specialists, plain, deprecated=plain != name)
        except WiringError as error:
            result.skipped[name] = str(error)
        else:
            result.apps[name] = app.model_copy(update={"root_agent": root})
    if not result.apps:
        raise WiringError("; ".join(result.skipped.values()))
    return result


def identity_of(app: App, slept: Pace | None) -> dict[str, str]:
    """Gives what makes runs comparable: the app, its agents as they are written, model and pace."""
    told = "\n".join(_told(agent) for agent in llm_agents(app))
    return {
        "app": app.name,
        "agents": hashlib.blake2b(told.encode(errors="replace"), digest_size=8).hexdigest(),
        "model": ", ".join(models_of(app)),
        "slept pace": slept.name if slept else "none",
    }


def _told(agent: LlmAgent) -> str:
    tools = [getattr(tool, "name", "") or getattr(tool, "__name__", "") for tool in agent.tools]
    words = agent.instruction if isinstance(agent.instruction, str) else ""
    return repr((agent.name, agent.description, words, tools, agent.mode))
