"""Folders of apps behind the web server of ADK, in this process or in its own, and chats."""

import json
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import NamedTuple

import pytest
from fastapi.testclient import TestClient
from google.adk.agents import config_agent_utils
from google.adk.cli import api_server
from google.adk.cli.fast_api import get_fast_api_app

from tests.doubles.command import own_modules
from tests.doubles.desk import ROOT

MEMORY = {"session_service_uri": "memory://", "artifact_service_uri": "memory://"}


@contextmanager
def serving(agents, logs, *, web=True, storage=MEMORY, plugins=()):
    """Serves a folder of apps as ADK's commands do, in this process."""
    with pytest.MonkeyPatch.context() as patch, own_modules():
        patch.setenv("ADK_FLOW_DIR", str(logs))
        patch.setattr(api_server, "_setup_telemetry", lambda **_: None)
        # The web server has the process refuse some YAML keys; here, no longer than it serves.
        patch.setattr(config_agent_utils, "_ENFORCE_YAML_KEY_DENYLIST", False)
        app = get_fast_api_app(
            agents_dir=str(agents),
            web=web,
            bind_host="127.0.0.1",
            extra_plugins=list(plugins),
            **storage,
        )
        with TestClient(app, base_url="http://127.0.0.1") as client:
            yield client


class Server(NamedTuple):
    """A server in a process of its own."""

    address: str
    process: subprocess.Popen[str]


@contextmanager
def web_server(agents, logs, *options):
    """Runs `adk web` until it says where it listens; gives its address."""
    with adk_server("web", agents, logs, *options) as server:
        yield server.address


@contextmanager
def adk_server(command, agents, logs, *options):
    """Runs `adk web` or `adk api_server` until it says where it listens."""
    # A home of its own: `adk web` remembers there that its telemetry dialogue was answered.
    own = {"ADK_FLOW_DIR": str(logs), "HOME": str(logs.parent), "PYTHONPATH": str(ROOT)}
    storage = [word for option, uri in MEMORY.items() for word in (f"--{option}", uri)]
    listening = ["--host", "127.0.0.1", "--port", "0", "--log_level", "error"]
    adk = Path(sys.executable).with_name("adk")
    with subprocess.Popen(
        [adk, command, *listening, *storage, *options, agents],
        env={**os.environ, **own},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            said = ""
            for line in process.stdout or ():
                said += line
                if found := re.search(r"Uvicorn running on (\S+)", line):
                    # A pipe that nobody reads any more fills up, and then the server waits.
                    Thread(target=process.stdout.read, daemon=True).start()
                    yield Server(found[1], process)
                    return
            raise AssertionError(said)
        finally:
            process.terminate()
            process.wait()


def whatever_its_name(model):
    """Resolves every model name to one model, so that the apps stay as they are written."""
    return staticmethod(lambda name: model.model_copy(update={"model": name}))


class Chat:
    """A session with an app that is served."""

    def __init__(self, client, app, *, streaming=False):
        self.client, self.app, self.streaming = client, app, streaming
        self.session = self._sent(f"/apps/{app}/users/u/sessions", {}).json()["id"]
        self.events = []

    def say(self, turns):
        for turn in turns:
            body = {"appName": self.app, "userId": "u", "sessionId": self.session}
            body |= _message(turn, self.events)
            self.events += self._streamed(body) if self.streaming else self._run(body)
        return self

    @property
    def text(self):
        """All that was said in the session."""
        parts = [
            part for event in self.events for part in event.get("content", {}).get("parts", [])
        ]
        return " ".join(part.get("text", "") for part in parts)

    def held(self):
        path = f"/apps/{self.app}/users/u/sessions/{self.session}"
        return self.client.get(path).json()

    def _run(self, body):
        return self._sent("/run", body).json()

    def _streamed(self, body):
        lines = self._sent("/run_sse", body | {"streaming": True}).text.splitlines()
        return [json.loads(line.removeprefix("data: ")) for line in lines if line]

    def _sent(self, path, body):
        answer = self.client.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer


def _message(turn, events):
    """Writes what the web UI sends for a turn; a result also names the event that waits for it."""
    if isinstance(turn, str):
        return {"newMessage": {"role": "user", "parts": [{"text": turn}]}}
    event, called = next(
        (event, part["functionCall"])
        for event in reversed(events)
        for part in event.get("content", {}).get("parts", [])
        if part.get("functionCall", {}).get("name") == turn.function
    )
    result = {"id": called["id"], "name": called["name"], "response": turn.value}
    message = {"role": "user", "parts": [{"functionResponse": result}]}
    return {"newMessage": message, "functionCallEventId": event["id"]}
