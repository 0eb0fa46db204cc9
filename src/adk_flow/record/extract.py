"""ADK's objects read into the fields of a record."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Iterable, Mapping
from itertools import takewhile
from typing import Any

from google.adk.agents.invocation_context import InvocationContext
from google.adk.models.llm_request import LlmRequest
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.version import __version__ as _installed
from google.genai import types
from opentelemetry.trace import format_trace_id, get_current_span

from adk_flow.errors import OWN_FAULT, causes_of, is_unheard, locate_own_fault, words_of_error
from adk_flow.log.schema import (
    AGENT_CALLS,
    Form,
    FunctionCall,
    Request,
    Usage,
)
from adk_flow.record.activations import kind_of, kind_of_name
from adk_flow.record.redact import JsonText, as_json

RELEASE = tuple(map(int, _installed.split(".")[:2]))
"""Of ADK."""
_HIDES_PATHS = (2, 0) <= RELEASE < (2, 10)
"""Whether an agent's hooks are not told which node of a graph it is; `_adk` loads the graphs."""
_HOOKS = tuple([name for name in dir(BasePlugin) if name.endswith("_callback")])
_ENDS = ("finish_task", "set_model_response")
"""ADK's functions by which an agent ends (2.13)."""


def of_arguments(arguments: dict[str, Any] | None, kind: str) -> str:
    """Writes a call's arguments as JSON; for an agent or graph, its one string as it is."""
    if kind in (*AGENT_CALLS, "node_tool") and arguments and len(arguments) == 1:
        (only,) = arguments.values()
        if isinstance(only, str):
            return only
    return JsonText(arguments or {})


def of_result(result: object) -> tuple[str, Form]:
    """Writes a tool's result: its words if it has nothing else, JSON otherwise; says which."""
    if result is None:
        return "", "none"
    if isinstance(result, str):
        return result, "text"
    if isinstance(result, dict) and len(result) == 1:
        for form in ("result", "output"):
            if isinstance(only := result.get(form), str):
                return only, form
    return JsonText(result), "json"


def hooks_before(plugins: Iterable[Any], own: object) -> tuple[str, ...]:
    """Names the hooks that plugins before one have too, or behind it if they come reversed."""
    before = takewhile(lambda plugin: plugin is not own, plugins)
    types = [type(plugin) for plugin in before if type(plugin) is not type(own)]
    if not types:
        return ()
    had = (h for h in _HOOKS if any(getattr(t, h) is not getattr(BasePlugin, h) for t in types))
    return tuple(hook.removesuffix("_callback").removeprefix("on_") for hook in had)


def current_trace() -> str:
    """Gives OpenTelemetry's present trace as `traceparent` names it; empty for none."""
    span = get_current_span().get_span_context()
    return format_trace_id(span.trace_id) if span.is_valid else ""


def asked_in(request: LlmRequest) -> str:
    """Gives the words of a request that holds nothing but a message of the user's."""
    contents = request.contents
    return words_of(contents[0]) if len(contents) == 1 and contents[0].role == "user" else ""


def words_of(content: types.Content | None) -> str:
    """Joins the texts of a content that a user would see; thoughts are left out."""
    if content is None or not content.parts:
        return ""
    return "".join([part.text for part in content.parts if part.text and not part.thought])


def said_in(
    content: types.Content | None, tools: dict[str, Any] | None, keep: Callable[[str], str]
) -> tuple[str, tuple[FunctionCall, ...], tuple[str, ...]]:
    """Gives a content's `words_of`, its function calls, and the ids of those that it answers.

    The kinds of calls are those of the tools that the model was offered.
    """
    words, calls, answered = [], [], []
    for part in (content.parts if content is not None else None) or ():
        if part.text and not part.thought:
            words.append(part.text)
        if part.function_call:
            calls.append(_call(part.function_call, tools, keep))
        if part.function_response:
            answered.append(part.function_response.id or "")
    return "".join(words), tuple(calls), tuple(answered)


def _call(
    call: types.FunctionCall, tools: dict[str, Any] | None, keep: Callable[[str], str]
) -> FunctionCall:
    name = call.name or ""
    kind = kind_of(tools[name]) if tools and name in tools else kind_of_name(name)
    if tools is None and name in _ENDS:
        kind = "adk"  # as an A2A server tells of them
    return FunctionCall(name, kind, call.id or "", keep(of_arguments(call.args, kind)))


def responses_of(content: types.Content | None) -> list[types.FunctionResponse]:
    """Lists the function responses of a content."""
    if content is None or not content.parts:
        return []
    return [part.function_response for part in content.parts if part.function_response]


def results_of(content: types.Content | None) -> str:
    """Joins the results that a content brings."""
    return "\n".join(of_result(response.response)[0] for response in responses_of(content))


def nothing(text: str) -> str:
    """Keeps nothing of a part: a secret cut in two could not be masked, and the whole follows."""
    return ""


def of_usage(usage: types.GenerateContentResponseUsageMetadata | None) -> Usage | None:
    """Reads token counts; None where the model reported none."""
    if usage is None:
        return None
    sent, total = usage.prompt_token_count or 0, usage.total_token_count or 0
    sent += usage.tool_use_prompt_token_count or 0  # what a built-in tool brought into the prompt
    said, thoughts = usage.candidates_token_count, usage.thoughts_token_count or 0
    if said is None:  # which ADK before 2.4 drops of what a live session reports
        said = max(0, total - sent - thoughts) if sent else 0
    if thoughts and total == sent + said:
        # OpenAI's completion tokens, as ADK's LiteLlm passes them on, hold the thoughts already.
        said = max(0, said - thoughts)
    if not (sent or said):
        return None  # LiteLLM makes zeros up where its provider reports nothing (1.106)
    cached = usage.cached_content_token_count or 0
    total = 0 if total == sent + said + thoughts else total
    return Usage(input=sent, output=said, cached=cached, thoughts=thoughts, total=total)


def state_values(state: Mapping[str, Any]) -> str:
    """Writes values of a session's state as JSON; without those of this turn only."""
    lasting = {name: value for name, value in state.items() if not name.startswith("temp:")}
    return JsonText(lasting) if lasting else ""


def starting_words(message: types.Content | None) -> tuple[str, tuple[str, ...]]:
    """Reads the words that start a run, and the ids of the calls that they answer.

    What resumes a paused run has no words, but the results that it waited for.
    """
    text, _, responses = said_in(message, None, nothing)
    return text or (results_of(message) if responses else ""), responses


def words_kept(context: InvocationContext) -> str:
    """Gives the words that a run starts with once plugins had them."""
    message = context.user_content
    for event in context.session.events[-1:]:  # ADK 1.18 puts a plugin's into the session alone
        if (event.author, event.invocation_id) == ("user", context.invocation_id):
            message = event.content
    return starting_words(message)[0]


def times_of(compaction: Any) -> tuple[int, int] | None:
    """Gives the times, in microseconds, between which a compaction's summary replaces events."""
    if compaction is None:
        return None
    return round(compaction.start_timestamp * 1e6), round(compaction.end_timestamp * 1e6)


def finish_of(response: Any) -> str:
    """Names why a model stopped; empty if it was done, or does not say."""
    reason = getattr(response, "finish_reason", None)
    if reason is None:
        return ""
    name = getattr(reason, "value", None) or str(reason)
    return "" if name in ("STOP", "FINISH_REASON_UNSPECIFIED") else name


def of_error(error: BaseException, keep: Callable[[str], str]) -> str:
    """Writes an exception as its type and what is kept of its message; says if it is adk-flow's.

    One that a client raises for an answer that was lost on the way is named too.
    """
    name, *others = (type(each).__name__ for each in causes_of(error))
    if not is_unheard(name) and (lost := next(filter(is_unheard, others), "")):
        name = f"{name} ({lost})"
    text = f"{name}: {keep(words_of_error(error))}".removesuffix(": ")
    place = locate_own_fault(error)
    return f"{OWN_FAULT} ({place}): {text}" if place else text


def error_of(response: Any, keep: Callable[[str], str]) -> str:
    """Reads the error of a model response or an event, if it has one."""
    if not (response.error_code or response.error_message):
        return ""
    # An agent reached over A2A fails with a message and no code (2.13, _remote_a2a_agent.py).
    code = response.error_code or "error"
    return f"{code}: {keep(response.error_message or '')}".removesuffix(": ")


def declarations_of(request: LlmRequest) -> str:
    """Writes what a request declares of the functions that it offers, as JSON."""
    declared = _declarations(request)
    written = [one.model_dump(mode="json", exclude_none=True) for one in declared]
    return JsonText(written) if written else ""


def _declarations(request: LlmRequest) -> list[types.FunctionDeclaration]:
    tools = [tool for tool in request.config.tools or () if isinstance(tool, types.Tool)]
    return [function for tool in tools for function in tool.function_declarations or ()]


def declared_names(request: LlmRequest) -> frozenset[str | None]:
    """Gives the names of the functions that a request declares."""
    return frozenset(function.name for function in _declarations(request))


def of_request(request: LlmRequest, declared: int) -> Request:
    """Reads what a model is offered, which mostly is what it was before.

    Args:
      request: what it is sent.
      declared: the number of `declarations_of` it.
    """
    tools, config = request.tools_dict, request.config
    return Request(
        tools=tuple(tools),
        targets=_targets(tools) if tools else (),
        schema=bool(config.response_schema or config.response_json_schema),
        declared=declared,
        stateful=bool(getattr(request, "previous_interaction_id", None)),
    )


def instruction_of(request: LlmRequest) -> str:
    """Gives the system instruction that a model is sent."""
    system = request.config.system_instruction
    if isinstance(system, str):
        return system
    if isinstance(system, types.Content):
        return words_of(system)
    return as_json(system) if system else ""


def hash_parts(contents: list[types.Content]) -> array[int]:
    """Gives what tells the parts that a model is sent apart: of all that was said, each time."""
    hashes = [
        hash(part.text or _lettered(part)) ^ -(content.role == "model")
        for content in contents
        for part in content.parts or ()
    ]
    return array("q", hashes)


def latest_parts(contents: list[types.Content], count: int) -> list[tuple[str, str]]:
    """Gives letter (`log.requests`) and text of the last parts that a model is sent."""
    parts: list[tuple[str, str]] = []
    for content in reversed(contents):
        if len(parts) >= count:
            break
        role = "m" if content.role == "model" else "u"
        for place, part in enumerate(content.parts or ()):
            parts.insert(place, (role, part.text) if part.text else _lettered(part))
    return parts[len(parts) - count :]


def letters_of(contents: list[types.Content]) -> str:
    """Writes the letter of each part that a model is sent."""
    return "".join([letter for letter, _ in latest_parts(contents, sys.maxsize)])


def _lettered(part: types.Part) -> tuple[str, str]:
    """Gives letter and text of a part that has no words."""
    if call := part.function_call:
        return "c", f"{call.name} {as_json(call.args)}"
    if response := part.function_response:
        return "r", f"{response.name} {as_json(response.response)}"
    return "d", "data"


def _targets(tools: dict[str, Any]) -> tuple[str, ...]:
    """Names the legal targets of a transfer, as the tool declares them."""
    return tuple(getattr(tools.get("transfer_to_agent"), "_agent_names", ()))


def path_of(context: Any) -> str:
    """Gives ADK's path of the node that a hook fires in; empty where there is none."""
    return getattr(context, "node_path", "") or (_path_around() if _HIDES_PATHS else "")


def graph_of(path: str) -> str:
    """Gives the name of the graph that a node stands in; empty for the outermost."""
    return path.rpartition("/")[0].rpartition("/")[2].partition("@")[0]


def _path_around() -> str:
    """Finds the path in the node that runs: hooks are not given it before ADK 2.10."""
    frame = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_name == "_run_impl":
            return getattr(frame.f_locals.get("ctx"), "node_path", "") or ""
        frame = frame.f_back
    return ""


def model_of(context: Any) -> str:
    """Names the root agent's model; empty for a workflow."""
    invocation = getattr(context, "_invocation_context", context)
    root: Any = getattr(invocation.agent, "root_agent", None)
    try:
        return root.canonical_model.model
    except Exception:  # what cannot be made tells so when it is asked
        model = getattr(root, "model", "")
        return model if isinstance(model, str) else ""
