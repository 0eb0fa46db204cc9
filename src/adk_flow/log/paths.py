"""ADK's paths of nodes, `outer@1/inner@1/b@1`, and the places that are written of them."""

from __future__ import annotations


def path_names(path: str) -> list[str]:
    """Names the nodes of ADK's path."""
    return [step.partition("@")[0] for step in path.split("/")] if path else []


def join_place(caller: str, names: list[str]) -> str:
    """Writes a place below a run's root; empty for the root itself."""
    if caller:
        return "/".join([caller, *names])
    is_plain = names[1:] != names[:1]
    return "/".join(names[1:] if is_plain else names)
