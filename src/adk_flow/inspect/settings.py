"""What an agent is set to do besides its model and tools, as its owner wrote it."""

import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from google.adk.agents.loop_agent import LoopAgent
from google.adk.tools.function_tool import FunctionTool

from adk_flow._adk import BaseNode
from adk_flow._text import join_names
from adk_flow.inspect.agent_graph import tools_of

_PLACEHOLDER = re.compile(r"\{+([^{}]*)\}+")
"""As ADK finds them (2.13, flows/llm_flows/prompt/_instructions_utils.py)."""

_ARTIFACT = "artifact."
_KEY = re.compile(r"(?:(?:app|user|temp):)?[^\W\d]\w*\Z")


def settings_of(node: BaseNode, writers: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Lists what is set of a node, by the name of ADK's field; nothing that ADK sets by default.

    Of state that its instruction reads, `writers` says who writes each key.
    """
    read = [
        f"{key}{'?' * optional}{f' ({join_names(writers[key])})' if key in writers else ''}"
        for key, optional in state_read(node).items()
    ]
    return dict(_settings(node)) | ({"reads state": read} if read else {})


def state_read(node: BaseNode) -> dict[str, bool]:
    """Gives the state keys that an instruction reads, and whether each may be missing.

    What a function gives as an instruction is not known before a run.
    """
    return {key: may for key, may in _placeholders(node).items() if _KEY.match(key)}


def artifacts_read(node: BaseNode) -> dict[str, bool]:
    """Gives the artifacts that an instruction reads, likewise."""
    read = _placeholders(node).items()
    return {key.removeprefix(_ARTIFACT): may for key, may in read if key.startswith(_ARTIFACT)}


def _placeholders(node: BaseNode) -> dict[str, bool]:
    texts = (getattr(node, field, "") for field in ("instruction", "global_instruction"))
    found = (_PLACEHOLDER.findall(text) for text in texts if isinstance(text, str))
    names = (name.strip() for name in chain.from_iterable(found))
    return {name.removesuffix("?"): name.endswith("?") for name in names}


def callbacks_of(node: BaseNode) -> dict[str, list[Any]]:
    """Gives the callbacks of an agent by ADK's field."""
    names = [name for name in type(node).model_fields if name.endswith("_callback")]
    hooks = {name: getattr(node, name) for name in names if getattr(node, name)}
    return {name: hook if isinstance(hook, list) else [hook] for name, hook in hooks.items()}


def confirmed_tools(node: BaseNode) -> list[str]:
    """Names the tools of an agent that wait for the user's consent."""
    tools = [tool for tool in tools_of(node) if isinstance(tool, FunctionTool)]
    return [tool.name for tool in tools if getattr(tool, "_require_confirmation", False)]


def _settings(node: BaseNode) -> Iterator[tuple[str, list[str]]]:
    for name, callbacks in callbacks_of(node).items():
        yield name, [getattr(hook, "__name__", type(hook).__name__) for hook in callbacks]
    for name in ("planner", "code_executor"):
        if value := getattr(node, name, None):
            yield name, [type(value).__name__]
    for name in ("input_schema", "output_schema"):
        if value := getattr(node, name, None):
            yield name, [getattr(value, "__name__", None) or str(value)]
    if key := getattr(node, "output_key", None):
        yield "output_key", [key]
    if (contents := getattr(node, "include_contents", "default")) != "default":
        yield "include_contents", [contents]
    if isinstance(node, LoopAgent):
        yield "max_iterations", [str(node.max_iterations or "none")]
    if confirmed := confirmed_tools(node):
        yield "require_confirmation", confirmed
    kinds = ((tool, [kind.__name__ for kind in type(tool).__mro__]) for tool in tools_of(node))
    if servers := [_server(tool) for tool, names in kinds if "mcp" in " ".join(names).lower()]:
        yield "MCP servers", servers
    if type(node).__name__ == "RemoteA2aAgent":  # its module needs a package that may be missing
        card = getattr(node, "_agent_card", None)
        source = getattr(node, "_agent_card_source", None) or getattr(card, "url", None)
        yield "agent card", [source or getattr(card, "name", None) or "given"]


def _server(toolset: Any) -> str:
    """Says how an MCP server is reached: its address, or the command that starts it."""
    parameters: Any = getattr(toolset, "_connection_params", None)
    command = getattr(parameters, "server_params", parameters)
    parts = [getattr(command, "command", ""), *(getattr(command, "args", None) or ())]
    return getattr(parameters, "url", "") or " ".join(filter(None, parts)) or "unknown"
