"""The OpenAI protocol, as much of it as LiteLLM's chat completions use."""

import json
from collections.abc import Iterable
from typing import Any

from tests.doubles.wire.model_server import Body, Call, ModelServer, Status, plain, words

MODEL = "gpt-4-turbo"
USAGE = {
    "prompt_tokens": 21,
    "completion_tokens": 11,
    "total_tokens": 32,
    "prompt_tokens_details": {"cached_tokens": 5},
    "completion_tokens_details": {"reasoning_tokens": 3},
}
_KIND = {400: "invalid_request_error", 429: "rate_limit_error", 500: "server_error"}


class OpenAIServer(ModelServer):
    """Speaks the OpenAI protocol."""

    reports_usage = True

    def system_of(self, body: Body) -> str:
        return "".join(said["content"] for said in body["messages"] if said["role"] == "system")

    def fault_in(self, path: str, body: Body) -> str:
        if path != "/chat/completions" or body["model"] != MODEL:
            return f"no such path or model: {path} {body['model']}"
        awaited: list[str] = []
        for said in body["messages"]:
            if said["role"] == "tool" and said["tool_call_id"] in awaited:
                awaited.remove(said["tool_call_id"])
            elif said["role"] == "tool" or awaited:
                return f"calls {awaited} are followed by {said}"
            awaited += [call["id"] for call in said.get("tool_calls") or ()]
        return f"calls {awaited} have no results" if awaited else ""

    def is_stream(self, path: str, body: Body) -> bool:
        return body.get("stream", False)

    def whole(self, steps: list[str | Call]) -> Body:
        calls = [
            _call(step, json.dumps(step.arguments)) for step in steps if isinstance(step, Call)
        ]
        text = "".join(step for step in steps if isinstance(step, str))
        message: Body = {"role": "assistant", "content": text or None}
        if calls:
            message["tool_calls"] = calls
        choice = {"index": 0, "message": message, "finish_reason": _finish(steps)}
        used = {"usage": USAGE} if self.reports_usage else {}
        return {**_head("chat.completion"), "choices": [choice], **used}

    def chunks(self, steps: list[str | Call]) -> Iterable[str]:
        number = 0
        yield _chunk({"role": "assistant", "content": ""})
        for step in steps:
            if isinstance(step, str):
                yield from (_chunk({"content": word}) for word in words(step))
                continue
            opening = _call(step, arguments="") | {"index": number}
            yield _chunk({"tool_calls": [opening]})
            for piece in words(json.dumps(step.arguments)):
                part = {"index": number, "function": {"arguments": piece}}
                yield _chunk({"tool_calls": [part]})
            number += 1
        yield _chunk({}, finish=_finish(steps))
        if self.reports_usage:
            yield json.dumps({**_head("chat.completion.chunk"), "choices": [], "usage": USAGE})
        yield "[DONE]"

    def refusal(self, status: Status) -> Body:
        code, message = status
        return {"error": {"message": message, "type": _KIND[code], "param": None, "code": None}}

    def declared(self, body: Body) -> dict[str, Any]:
        """The functions that a request declares: their JSON schemas by name."""
        return {
            tool["function"]["name"]: tool["function"]["parameters"]
            for tool in body.get("tools", ())
        }

    def lines_of(self, body: Body) -> list[str]:
        """Reads the messages, a line a text, call or result."""
        return [
            line for said in body["messages"] if said["role"] != "system" for line in _lines(said)
        ]


def _head(kind: str) -> Body:
    return {"id": "chatcmpl-1", "object": kind, "created": 1767225600, "model": MODEL}


def _chunk(delta: Body, finish: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return json.dumps({**_head("chat.completion.chunk"), "choices": [choice]})


def _call(call: Call, arguments: str) -> Body:
    function = {"name": call.name, "arguments": arguments}
    return {"id": call.id, "type": "function", "function": function}


def _finish(steps: list[str | Call]) -> str:
    return "tool_calls" if any(isinstance(step, Call) for step in steps) else "stop"


def _lines(said: Body) -> Iterable[str]:
    if said["role"] == "tool":
        yield f"result {said['tool_call_id']} = {said['content']}"
        return
    content = said.get("content") or []
    parts = [{"text": content}] if isinstance(content, str) else content
    for text in (plain(part["text"]) for part in parts):
        if text:
            yield f"{said['role']}: {text}"
    for call in said.get("tool_calls") or ():
        function = call["function"]
        yield f"call {call['id']} {function['name']} {function['arguments']}"
