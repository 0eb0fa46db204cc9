"""A model server for `fanout.py`: OpenAI's chat completions, each answered after the same time.

It asks for as many calls as the first number in the user's words says, in a process of its own, so
that it shares no interpreter with the one that is measured:

    python benchmarks/fanout_server.py 0.2

It prints its address. `GET /` tells how many model calls came since the last time it was asked.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from typing import Any

Body = dict[str, Any]
DONE = "All of them are done."


class _Connection(asyncio.Protocol):
    """One HTTP/1.1 connection, kept alive; requests on it come one after the other."""

    calls = 0
    seconds = 0.0

    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, rest = self._received.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        size = int(length[1]) if length else 0
        if not found or len(rest) < size:
            return
        self._received = rest[size:]
        if head.startswith(b"GET"):
            self._send(_Connection.calls)
            _Connection.calls = 0
            return
        _Connection.calls += 1
        answer = completion(json.loads(rest[:size]))
        asyncio.get_running_loop().call_later(self.seconds, self._send, answer)

    def _send(self, answer: object) -> None:
        body = json.dumps(answer).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        if not self._transport.is_closing():
            self._transport.write(f"{head}\r\n\r\n".encode() + body)


def completion(body: Body) -> Body:
    """Answers a request: a lead that begins with calls or a filled schema, others with words."""
    message: Body = {"role": "assistant", "content": DONE}
    tools = body.get("tools")
    asked = re.search(r"There are (\d+) parts", json.dumps(body["messages"][-1]))
    if tools and asked:
        message |= {"content": None, "tool_calls": _calls(tools[0]["function"], int(asked[1]))}
    elif schema := (body.get("response_format") or {}).get("json_schema"):
        message["content"] = json.dumps(_filled(schema["schema"], "What of this?"))
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1767225600,
        "model": body["model"],
        "choices": [
            {
                "index": 0,
                "message": message,
                "finish_reason": "tool_calls" if "tool_calls" in message else "stop",
            }
        ],
        "usage": {"prompt_tokens": 21, "completion_tokens": 11, "total_tokens": 32},
    }


def _calls(function: Body, number: int) -> list[Body]:
    calls = []
    for index in range(number):
        arguments = json.dumps(_filled(function["parameters"], f"What of part {index}?"))
        called = {"name": function["name"], "arguments": arguments}
        calls.append({"id": f"call_{index}", "type": "function", "function": called})
    return calls


def _filled(schema: Body, words: str) -> Body:
    return dict.fromkeys(schema["properties"], words)


async def _serve(seconds: float) -> None:
    _Connection.seconds = seconds
    server = await asyncio.get_running_loop().create_server(
        _Connection, "127.0.0.1", 0, backlog=1024
    )
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1])))
