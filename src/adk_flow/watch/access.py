"""Who may read: whoever was given the address, in a browser tab of its own, on this machine."""

from __future__ import annotations

import asyncio
import logging
from secrets import compare_digest

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adk_flow.render.page import policy

HOST = "127.0.0.1"


class Access:
    """Refuses every request but those for one address, whose path begins with a secret.

    A log is for its owner alone, and every user of a machine may open its ports, as may every page
    in a browser. The secret stands in the path, as cookies go to all ports of a host.
    """

    def __init__(self, app: ASGIApp, secret: str, port: int) -> None:
        self._app, self._secret = app, secret.encode()
        self._hosts = {f"{HOST}:{port}", f"localhost:{port}"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a request through, without the secret in its path, or refuses it."""
        if scope["type"] != "http":
            return
        _, secret, *rest = [*scope["path"].split("/", 2), ""]
        if not self._may_read(scope, secret):
            refusal = PlainTextResponse("Refused: open the address that was printed.\n", 403)
            await refusal(scope, receive, _guarded(send))
            return
        inner = {**scope, "path": f"/{rest[0]}"}
        try:
            await self._app(inner, receive, _guarded(send))
        except asyncio.CancelledError:  # the command ends, of which uvicorn logs a traceback
            logging.getLogger("uvicorn.error").disabled = True
            raise

    def _may_read(self, scope: Scope, secret: str) -> bool:
        headers = Headers(scope=scope)
        origins = {f"http://{host}" for host in self._hosts}
        return (
            scope["method"] in ("GET", "HEAD")
            and headers.getlist("host")[:2] in [[host] for host in self._hosts]
            and all(origin in origins for origin in headers.getlist("origin"))
            and compare_digest(secret.encode(errors="replace"), self._secret)
        )


def _guarded(send: Send) -> Send:
    """Adds to each answer what a browser may do with it."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(_HEADERS)
        await send(message)

    return sending


_HEADERS = {
    "content-security-policy": f"{policy(is_served=True)}; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}
