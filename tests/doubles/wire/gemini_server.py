"""The Gemini protocol, as much of it as google-genai's `generate_content` uses."""

import itertools
import json
from collections.abc import Iterable
from typing import Any

from tests.doubles.wire.model_server import Body, Call, ModelServer, Status, plain, words

MODEL = "gemini-2.5-flash"
APP = f"""
from google.adk.agents import LlmAgent

loans = LlmAgent(name="Loans", model="{MODEL}", description="Loans.")
root_agent = LlmAgent(name="Root", model="{MODEL}", sub_agents=[loans])
"""
"""The text of an app that asks it."""
USAGE = {
    "promptTokenCount": 21,
    "cachedContentTokenCount": 5,
    "candidatesTokenCount": 8,
    "thoughtsTokenCount": 3,
    "totalTokenCount": 32,
}
_STATUS = {
    400: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


class GeminiServer(ModelServer):
    """Speaks the Gemini protocol."""

    gives_ids = True
    """Whether calls have ids, as those of Gemini 3 do."""

    def system_of(self, body: Body) -> str:
        return _text_of(body.get("systemInstruction", {}))

    def fault_in(self, path: str, body: Body) -> str:
        if not path.startswith(f"/v1beta/models/{MODEL}:"):
            return f"no such path: {path}"
        contents = [*body["contents"], {}]
        for content, following in itertools.pairwise(contents):
            called = [_id_of(call) for call in _parts(content, "functionCall")]
            answered = [_id_of(result) for result in _parts(following, "functionResponse")]
            if called != answered:
                return f"calls {called} are followed by results {answered}"
        return ""

    def is_stream(self, path: str, body: Body) -> bool:
        return path.endswith(":streamGenerateContent?alt=sse")

    def whole(self, steps: list[str | Call]) -> Body:
        return self._response(steps, last=True)

    def chunks(self, steps: list[str | Call]) -> Iterable[str]:
        # Gemini streams a text piece by piece and a call in one piece.
        pieces = [
            piece for step in steps for piece in (words(step) if isinstance(step, str) else [step])
        ]
        for number, piece in enumerate(pieces, start=1):
            yield json.dumps(self._response([piece], last=number == len(pieces)))

    def refusal(self, status: Status) -> Body:
        code, message = status
        return {"error": {"code": code, "message": message, "status": _STATUS[code]}}

    def _response(self, steps: list[str | Call], *, last: bool) -> Body:
        parts = [self._part(step) for step in steps]
        candidate: Body = {"index": 0, "content": {"role": "model", "parts": parts}}
        if last:
            candidate["finishReason"] = "STOP"
        usage = USAGE if last else {"promptTokenCount": 21, "totalTokenCount": 21}
        return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": MODEL}

    def _part(self, step: str | Call) -> Body:
        if isinstance(step, str):
            return {"text": step}
        call: Body = {"name": step.name, "args": step.arguments}
        return {"functionCall": {"id": step.id} | call if self.gives_ids else call}

    def declared(self, body: Body) -> dict[str, Any]:
        """The functions that a request declares: their JSON schemas by name."""
        return {
            function["name"]: function["parameters_json_schema"]
            for tool in body.get("tools", ())
            for function in tool["functionDeclarations"]
        }

    def lines_of(self, body: Body) -> list[str]:
        """Reads the contents, a line a part."""
        lines = [
            _line(content["role"], part)
            for content in body["contents"]
            for part in content["parts"]
        ]
        return [line for line in lines if line]


def _parts(content: Body, kind: str) -> list[Body]:
    return [part[kind] for part in content.get("parts", ()) if kind in part]


def _id_of(part: Body) -> tuple[str, str]:
    return part["name"], part.get("id", "")


def _text_of(content: Body) -> str:
    return "".join(part.get("text", "") for part in content.get("parts", ()))


def _line(role: str, part: Body) -> str:
    if call := part.get("functionCall"):
        assert role == "model"
        return f"call {call.get('id', '-')} {call['name']} {json.dumps(call['args'])}"
    if result := part.get("functionResponse"):
        assert role == "user"
        response = json.dumps(result["response"], ensure_ascii=False)
        return f"result {result.get('id', '-')} = {response}"
    text = plain(part["text"])
    return f"{role}: {text}" if text else ""
