"""The arguments with which an object that exists would be made again."""

from collections.abc import Iterator
from contextlib import suppress
from inspect import ismethod
from typing import Any

from google.adk.agents.llm.task._finish_task_tool import FinishTaskTool
from google.adk.models.registry import LLMRegistry
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.tools.agent_tool import AgentTool, _SingleTurnAgentTool, _TaskAgentTool
from google.adk.tools.function_tool import FunctionTool
from google.adk.tools.long_running_tool import LongRunningFunctionTool
from google.adk.workflow import BaseNode, FunctionNode
from pydantic import BaseModel

BY_ADK = (FinishTaskTool, _SingleTurnAgentTool, _TaskAgentTool)
"""Tools that ADK gives an agent for its own mode, or those of its sub-agents."""
_NOT_GIVEN = ("parent_agent", "graph")
_FIRST = ("name", "model", "mode", "description", "instruction")
_LAST = ("tools", "sub_agents", "edges")
_FLAGS = ("skip_summarization", "include_plugins", "propagate_grounding_metadata")


def arguments_of(value: Any) -> dict[str, Any] | None:
    """Gives the arguments that differ from their defaults; None if that would not be the same."""
    kind: Any = type(value)
    if kind is AgentTool:
        made = AgentTool(value.agent)
        flags = {name: getattr(value, name) for name in _FLAGS}
        return {
            "agent": value.agent,
            **{name: flag for name, flag in flags.items() if flag != getattr(made, name)},
        }
    if kind in (FunctionTool, LongRunningFunctionTool):
        confirmation = value._require_confirmation
        given = {"require_confirmation": confirmation} if confirmation else {}
        return {"func": value.func, **given}
    if kind is FunctionNode:
        fields = {name: v for name, v in fields_of(value) if not name.endswith("_schema")}
        return {"func": value._func, **fields}
    if isinstance(value, BaseNode):
        return dict(fields_of(value))
    is_library = kind.__module__.startswith("google.")
    if not (is_library or isinstance(value, (BaseModel, BasePlugin))):
        return None  # to make another may take long, or connect to something
    with suppress(Exception):  # a class of the app's own may want anything
        fields = dict(fields_of(value)) if isinstance(value, BaseModel) else {}
        return fields if _is_copy(kind(**fields), value) else None
    return None


def _is_copy(value: Any, other: Any) -> bool:
    """Whether two objects of a class, which compares them by identity or not, hold the same."""
    if isinstance(value, BaseModel):
        private = (value.__pydantic_private__ or {}, other.__pydantic_private__ or {})
        pairs = [(vars(value), vars(other)), private]
    elif all(kind.__flags__ & _IN_PYTHON for kind in type(value).__mro__[:-1]):
        pairs = [(vars(value), vars(other))]
    else:
        return False
    return type(value) is type(other) and all(
        own.keys() == others.keys() and all(is_alike(own[key], others[key]) for key in own)
        for own, others in pairs
    )


_IN_PYTHON = 1 << 9
"""The flag of a class that is not C's, whose objects `vars` shows (CPython, object.h)."""


def made_by_wiring(value: Any) -> dict[str, Any]:
    """Gives the arguments of a tool that only a construct makes; empty for any other."""
    if type(value).__name__ == "SkillToolset":
        tools = value._provided_tools_by_name.values()
        plain = [tool.func if type(tool) is FunctionTool else tool for tool in tools]
        return {
            "skills": [*value._skills.values()],
            "additional_tools": plain,
            "discovery_mode": value._discovery_mode,
        }
    model = getattr(value, "advisor_model", None)  # of a ModelConsultTool, which resolves a name
    if model is None:
        return {}
    return {"model": model.model if is_alike(LLMRegistry.new_llm(model.model), model) else model}


def fields_of(value: BaseModel) -> Iterator[tuple[str, Any]]:
    """Gives the fields that are not at their defaults, those that name it first."""
    fields = type(value).model_fields
    middle = [name for name in fields if name not in (*_FIRST, *_LAST, *_NOT_GIVEN)]
    for name in filter(fields.__contains__, (*_FIRST, *middle, *_LAST)):
        current = getattr(value, name)
        if name == "tools" and isinstance(current, list):
            current = [tool for tool in current if not isinstance(tool, BY_ADK)]
        is_default = is_alike(current, fields[name].get_default(call_default_factory=True))
        is_default = is_default or (current == [] and name.endswith("_callback"))
        # ADK looks at whether this was set (2.13, workflow/utils/_workflow_graph_utils.py).
        is_set = name == "include_contents" and name in value.model_fields_set
        is_adks = name == "mode" and current == "chat" and getattr(value, "parent_agent", None)
        if (is_set or not is_default) and not is_adks:
            yield name, current


def is_alike(value: Any, other: Any) -> bool:
    """Whether two values of a field are the same; a method, which a copy binds to itself, is."""
    if ismethod(value) and ismethod(other):
        return value.__func__ is other.__func__
    try:
        return value is other or bool(value == other) or _is_copy(value, other)
    except Exception:  # which types of any library may raise
        return False
