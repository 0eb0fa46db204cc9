"""The server of the page, on 127.0.0.1 alone; ADK itself needs Starlette and uvicorn."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from secrets import token_urlsafe
from typing import Any, TypeVar

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, StreamingResponse
from starlette.routing import Route

from adk_flow.analysis.pricing import is_priced
from adk_flow.analysis.run_metrics import KEYLESS_MODELS
from adk_flow.errors import AdkFlowError
from adk_flow.watch.access import HOST, Access
from adk_flow.watch.board import Board

_SILENCE = 10
"""Seconds after which a stream sends a sign of life, by which the loss of its reader is noticed."""

_T = TypeVar("_T")


async def serve(root: Path, announce: Callable[[str], None], port: int = 0) -> None:
    """Serves the page of a folder, or of a log, until it is cancelled; nothing outside is read.

    `announce` is called with the address, once it can be opened; the port is by default any free.

    Raises:
      AdkFlowError: the port cannot be had.
    """
    secret = token_urlsafe(24)
    with _listen(port) as listener:
        port = listener.getsockname()[1]
        app = Access(Pages(root, f"/{secret}/").app, secret, port)
        quiet = {"log_config": None, "access_log": False, "server_header": False}
        announce(f"http://{HOST}:{port}/{secret}/")
        await _Server(uvicorn.Config(app, lifespan="off", **quiet)).serve([listener])


class _Server(uvicorn.Server):
    """A server that leaves signals to the command."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen()
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or error
        raise AdkFlowError(f"cannot be had: {reason}", argument="port", value=port) from error
    return listener


class Pages:
    """The page, what is known of a record, and the stream of what is new."""

    def __init__(self, root: Path, base: str) -> None:
        self.app = Starlette(
            routes=[
                Route("/", self._page),
                Route("/s/{session}", self._page),
                Route("/s/{session}/{record}", self._detail),
                Route("/events", self._events),
            ]
        )
        self._board = Board(root, base)
        # One thread, as a board is not to be read while it changes; the loop stays free.
        self._thread = ThreadPoolExecutor(1)

    async def _run(self, call: Callable[..., _T], *args: Any) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, *args)

    async def _page(self, request: Request) -> HTMLResponse:
        session = request.path_params.get("session", "")
        if (most := request.query_params.get("most", "")).isdecimal():
            await self._run(self._board.list_more, int(most[:9]))
        return _found(await self._run(self._board.page, session))

    async def _detail(self, request: Request) -> HTMLResponse:
        session, number = request.path_params["session"], request.path_params["record"]
        if not number.isdecimal():
            return _found(None)
        record = int(number[:9])  # Starlette's `:int` would fail over thousands of digits
        model = await self._run(self._board.model, session, record)
        if model and model not in KEYLESS_MODELS:
            await asyncio.to_thread(is_priced, model)  # which takes seconds for the first one
        return _found(await self._run(self._board.detail, session, record))

    async def _events(self, request: Request) -> StreamingResponse:
        news = self._news(request.query_params.get("session", ""))
        return StreamingResponse(news, media_type="text/event-stream")

    async def _news(self, session: str) -> AsyncIterator[bytes]:
        """Gives the elements of the page that have changed, all of them at first."""
        sent, silence = dict[str, str](), 0.0
        while True:
            pieces = await self._run(self._board.pieces, session)
            changed = [(id, html) for id, html in pieces.items() if sent.get(id) != html]
            gone = [id for id in sent if id not in pieces]
            if changed or gone:
                data = msgspec.json.encode({"pieces": changed, "gone": gone})
                yield b"data: " + data + b"\n\n"
                sent, silence = pieces, 0
            elif silence > _SILENCE:
                yield b":\n\n"
                silence = 0
            await asyncio.sleep(self._board.pause)
            silence += self._board.pause


def _found(html: str | None) -> HTMLResponse:
    if html is None:
        raise HTTPException(404)
    return HTMLResponse(html)


def serve_beside() -> None:
    """Serves the folder that is named, for `FlowPlugin(watch=True)`, until the app ends.

    It holds stdin open.
    """
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    asyncio.run(serve(Path(sys.argv[1]), _announce))


def _end_with_stdin() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def _announce(address: str) -> None:
    print(f"adk-flow: flows are shown at {address}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    serve_beside()
