"""ADK made to ask what an override says, while a conversation is run."""

import copy
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

from google.adk.agents.llm_agent import LlmAgent
from google.adk.flows.llm_flows.agent_transfer import _get_transfer_targets
from google.adk.models.base_llm import BaseLlm
from google.adk.tools.base_tool import BaseTool
from google.adk.tools.tool_context import ToolContext
from google.genai.models import AsyncModels, Models

from adk_flow.errors import passes_on
from adk_flow.inspect.agent_graph import model_asked
from adk_flow.models.override import Override
from adk_flow.models.request.functions import CONSULT
from adk_flow.record.tool_entries import note_run
from adk_flow.scenario.plan import PlannedCall


@dataclass(eq=False)
class _Conversation:
    """A conversation under way."""

    override: Override
    thread: int = field(default_factory=threading.get_ident)
    asked: set[str] = field(default_factory=set)


_current: ContextVar[_Conversation | None] = ContextVar("adk_flow_conversation", default=None)
_lock = threading.RLock()
_under_way: list[_Conversation] = []


@contextmanager
def in_force(override: Override) -> Iterator[set[str]]:
    """Has ADK ask the models of an override within this task and what it starts.

    That includes agents on Runners that nobody told of the recorder and, under a keyless model,
    models that are asked without an agent. Other conversations of the process keep theirs. Gives
    the names of models that are asked all the same: under a keyless model those that code asks
    without ADK, by Google's client, else all of them.
    """
    conversation = _Conversation(override)
    token = _current.set(conversation)
    with _lock:
        _under_way.append(conversation)
        _change_process()
    try:
        yield conversation.asked
    finally:
        _current.reset(token)
        with _lock:
            _under_way.remove(conversation)
            _change_process()


def override_in_force() -> Override | None:
    """Gives the override of the conversation under way here, if there is one."""
    conversation = _conversation()
    return conversation.override if conversation else None


def _conversation() -> _Conversation | None:
    """Finds the conversation for which something is asked."""
    if current := _current.get():
        return current
    # A thread that the app starts itself, unlike one of ADK's, does not know for whom it works.
    with _lock:
        is_foreign = threading.get_ident() not in {talk.thread for talk in _under_way}
        return _under_way[-1] if _under_way and is_foreign else None


_changes: dict[Callable[[ExitStack], None], ExitStack] = {}
"""Changes of the process that are made, and what undoes them."""


def _change_process() -> None:
    """Makes the changes that the conversations under way need, and undoes those that none needs."""
    is_exclusive = any(talk.override.exclusive for talk in _under_way)
    for change, is_needed in ((_change_adk, bool(_under_way)), (_change_environment, is_exclusive)):
        if is_needed and change not in _changes:
            change(_changes.setdefault(change, ExitStack()))
        elif not is_needed and change in _changes:
            _changes.pop(change).close()


def _change_environment(undo: ExitStack) -> None:
    # Google's built-in tools refuse other models than Gemini (2.13, google_search_tool.py); the
    # keyless ones pass them over.
    name = "ADK_DISABLE_GEMINI_MODEL_ID_CHECK"
    if name not in os.environ:
        os.environ[name] = "true"
        undo.callback(os.environ.pop, name, None)


_ASKING = {"generate_content", "generate_content_stream", "generate_images"}
"""Methods of Google's client that ask a model."""


def _change_adk(undo: ExitStack) -> None:
    # Agents ask for their model by this; their log then names the model that answers.
    resolve = vars(LlmAgent)["canonical_model"].fget
    _replace(undo, LlmAgent, "canonical_model", property(_overridden(resolve)))
    # Summarizers and tools hold a model without an agent. A model's class may be imported later,
    # so the base class is changed, and not the method of each.
    _replace(undo, BaseLlm, "__getattribute__", _attribute)
    # Each tool's class has its own `run_async`, and may be imported later, too.
    _replace(undo, BaseTool, "__getattribute__", _attribute_of_tool)
    transfers = sys.modules[_get_transfer_targets.__module__]
    if check := vars(transfers).get(_CHECK):
        _replace(undo, transfers, _CHECK, _for_own_model(check))
    for client in (Models, AsyncModels):
        for name in _ASKING & vars(client).keys():
            _replace(undo, client, name, _noted(getattr(client, name)))


def _replace(undo: ExitStack, owner: Any, name: str, value: Any) -> None:
    if name in vars(owner):
        undo.callback(setattr, owner, name, vars(owner)[name])
    else:
        undo.callback(delattr, owner, name)
    setattr(owner, name, value)


def _overridden(resolve: Callable[[LlmAgent], BaseLlm]) -> Callable[[LlmAgent], BaseLlm]:
    def canonical_model(agent: LlmAgent) -> BaseLlm:
        conversation = _conversation()
        if conversation is None:
            return resolve(agent)
        return conversation.override.model_for(lambda: resolve(agent))

    return canonical_model


@passes_on
def _attribute(model: BaseLlm, name: str) -> Any:
    """Looks up an attribute of any model; what asks it is the exclusive model's if there is one."""
    conversation = _conversation() if name == "generate_content_async" else None
    exclusive = conversation.override.exclusive if conversation else None
    if exclusive and not any(part is model for part in _parts(exclusive)):
        return exclusive.generate_content_async
    value = object.__getattribute__(model, name)
    if conversation and not exclusive:
        conversation.asked.add(object.__getattribute__(model, "model"))
        tape = conversation.override.tape
        if tape and len(list(_parts(model))) == 1:  # what another asks of itself is kept alone
            return tape.answering(model, value)
    return value


@passes_on
def _attribute_of_tool(tool: BaseTool, name: str) -> Any:
    """Looks up an attribute of any tool; what runs it gives the override's result if it has one."""
    value = object.__getattribute__(tool, name)
    conversation = _conversation() if name == "run_async" else None
    stub = conversation.override.stub if conversation else None
    if stub is None:
        return value

    @passes_on
    async def run_async(*, args: dict[str, Any], tool_context: ToolContext) -> Any:
        # Where it must be confirmed and is not, it asks, or refuses, and is not run.
        check = getattr(tool, "check_require_confirmation", None)  # earlier releases have none
        confirmation = tool_context.tool_confirmation
        is_confirmed = bool(confirmation and confirmation.confirmed)
        is_asking = check and await check(args, tool_context) and not is_confirmed
        call = None if is_asking else stub(tool_context.agent_name, tool.name, args)
        if call is None:
            return _timeless(tool, await value(args=args, tool_context=tool_context))
        note_run(tool_context)
        return _outcome(call, tool_context)

    return run_async


def _outcome(call: PlannedCall, tool_context: ToolContext) -> Any:
    """Does what a planned call does besides returning, and gives its result."""
    if call.raises:
        name, colon, message = call.raises.partition(": ")
        is_named = bool(colon) and name.isidentifier()
        raise type(name if is_named else "RuntimeError", (Exception,), {})(message or call.raises)
    if actions := call.actions:
        tool_context.actions.escalate = actions.escalate or None
        tool_context.actions.skip_summarization = actions.skip_summarization or None
        tool_context.state.update(actions.state_delta)
        agent, target = tool_context._invocation_context.agent, actions.transfer_to_agent
        if isinstance(agent, LlmAgent) and target and agent.root_agent.find_agent(target):
            tool_context.actions.transfer_to_agent = target
        if asked := actions.request_confirmation:
            tool_context.request_confirmation(hint=asked.hint, payload=asked.payload)
    return copy.deepcopy(call.returns)


def _timeless(tool: BaseTool, result: Any) -> Any:
    """Leaves out how long a consult took, which would make two runs of a plan differ."""
    if tool.name == CONSULT and isinstance(result, dict):
        return {name: value for name, value in result.items() if name != "latency_ms"}
    return result


def _parts(model: BaseLlm) -> Iterator[BaseLlm]:
    """Gives a model and those that it asks itself."""
    yield model
    for value in list(vars(model).values()):
        if isinstance(value, BaseLlm):
            yield from _parts(value)


def _noted(method: Callable[..., Any]) -> Callable[..., Any]:
    """Lets a method of Google's client note its model where only another ought to be asked."""

    @wraps(method)
    @passes_on
    def noted(client: Any, *args: Any, **named: Any) -> Any:
        conversation = _conversation()
        if conversation and conversation.override.exclusive:
            conversation.asked.add(str(named.get("model")))
        return method(client, *args, **named)

    return noted


_CHECK = "_get_incompatible_builtin_tool_error"
"""By which ADK refuses transfers beside a search tool, if it does."""


def _for_own_model(check: Callable[..., str | None]) -> Callable[..., str | None]:
    """Lets ADK refuse what it would under the model that the agent was written for."""

    # ADK names the model since 2.12; 2.8 to 2.11 refuse a search tool under any.
    def checked(agent: Any, *model: str | None) -> str | None:
        conversation = _conversation()
        is_dry = conversation and conversation.override.exclusive
        return check(agent, *([model_asked(agent)] if model and is_dry else model))

    return checked
