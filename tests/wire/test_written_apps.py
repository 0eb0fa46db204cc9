"""Written apps, run by `adk run` where there is no adk-flow, against a model server on 127.0.0.1.

The server gives what the plan's model gave in the compared run, to the very request that it was
asked there; a request that was not made there is a fault.
"""

import json
import os
import re
import shutil
import subprocess
from collections import Counter, defaultdict
from importlib.metadata import version
from pathlib import Path
from unittest.mock import patch

import pytest
from google.adk.plugins.base_plugin import BasePlugin

from adk_flow.comparison.variants import make_variants
from adk_flow.models.planned.model import Planned
from adk_flow.releases.environments import default_folder, ready
from adk_flow.run.app import load_app
from adk_flow.run.conversation_run import run_conversation
from adk_flow.scenario.conversation import read_conversation
from adk_flow.wiring import CONSTRUCTS
from adk_flow.wiring.source.files import write_app
from tests.doubles.command import own_modules
from tests.doubles.desk import ROOT
from tests.doubles.wire.gemini_server import MODEL, GeminiServer
from tests.doubles.wire.model_server import Call, Status

APPS = {
    "root_agent": "conversations/follow_up.yaml",
    "plain_callbacks": "examples/plain_callbacks/conversation.yaml",
    "travel": "tests/doubles/travel/conversation.yaml",
}
REFUSED = {
    "travel": {"skills": "inspiration_agent's instruction is a function"},
    "plain_callbacks": dict.fromkeys(
        ("router_many", "coordinator", "best_of_n"), "after_agent_callback would end each time"
    ),
}
"""Constructs that cannot be had of an app, with the reason."""
OTHERWISE = {("plain_callbacks", "classifier_router")}
"""Where the classifier chooses another than the plan, whose choice it is in a comparison."""
AT_ONCE = ("router_many", "coordinator", "parallel", "best_of_n")
"""Constructs in which one agent's events may come before or after another's."""
NOTICE = "(This is guidance, not regulated financial advice.)"
"""Of the desk, at the end of what is said first: by whom, where several speak at once, varies."""
RUN = """
import os, sys
from importlib.util import find_spec
assert find_spec("adk_flow") is None
from google.adk.cli import main
url, queries, *folders = sys.argv[1:]
for folder in folders:
    name = os.path.basename(folder)
    os.environ["GOOGLE_GEMINI_BASE_URL"] = f"{url}/{name}"
    options = ["--in_memory", "--replay", queries, "--save_session", "--session_id", "talk"]
    main(["run", *options, folder], standalone_mode=False)
"""


def place_apps(folder):
    """Copies the apps: the desk as it is, the example without what of it is adk-flow's."""
    desk = ("root_agent", "sub_agents", "tools", "callbacks", "conversations")
    for name in (*desk, "tests/doubles/travel"):
        shutil.copytree(ROOT / name, folder / Path(name).name)
    example = shutil.copytree(ROOT / "examples/plain_callbacks", folder / "plain_callbacks")
    (example / "agent.py").write_text(without_adk_flow((example / "agent.py").read_text()))


def without_adk_flow(text):
    """Takes out of an app's source what it has of adk-flow, and names the server's model."""
    for ours in (r"from adk_flow\b.*\n", r"plans = .*\n", r"app = App\(.*\)\n"):
        text = re.sub(f"^{ours}", "", text, flags=re.MULTILINE)
    return text.replace("model_from_env()", f'"{MODEL}"')


class Events(BasePlugin):
    """Keeps the events of the session that the user talks in."""

    def __init__(self):
        super().__init__(name="events")
        self.events = []
        self.session = ""

    async def on_event_callback(self, *, invocation_context, event):
        self.session = self.session or invocation_context.session.id
        if invocation_context.session.id == self.session:
            self.events.append(event.model_dump(mode="json", by_alias=True))


def said_and_done(events):
    """Reads of events who said what, called what, was given what and handed over to whom."""
    for event in events:
        for part in (event.get("content") or {}).get("parts") or ():
            kinds = ("text", "functionCall", "functionResponse")
            if event["author"] != "user" or not part.get("text"):  # which only one side holds
                yield event["author"], plain([part.get(kind) for kind in kinds])
        if target := (event.get("actions") or {}).get("transferToAgent"):
            yield event["author"], f"=> {target}"


def plain(value):
    """Leaves ids out of data, what a consult took, and who gave the desk's notice."""
    if isinstance(value, dict):
        left_out = ("id", "latency_ms", "usage")
        return {k: plain(v) for k, v in value.items() if k not in left_out and v is not None}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value.removesuffix(f"\n\n{NOTICE}") if isinstance(value, str) else value


def key_of(instruction, contents, functions):
    """Names a request by all that it tells a model."""
    parts = [
        (content["role"], plain(part)) for content in contents for part in content.get("parts", ())
    ]
    return json.dumps([instruction, parts, sorted(functions)], sort_keys=True)


def key_of_request(request):
    """Does so of one that ADK makes."""
    contents = [one.model_dump(by_alias=True, exclude_none=True) for one in request.contents]
    declared = [one for tool in request.config.tools or () for one in tool.function_declarations]
    text = str(request.config.system_instruction or "")
    return key_of(text, contents, [one.name for one in declared])


class PlanServer(GeminiServer):
    """Gives each request the answer that it had in the compared run."""

    gives_ids = False

    def __init__(self):
        super().__init__()
        self.answers = defaultdict(lambda: defaultdict(list))
        """By construct and request."""
        self.asked = defaultdict(Counter)

    def take(self, path, headers, body):
        construct = path.split("/")[1]
        functions = [
            one["name"] for tool in body.get("tools", ()) for one in tool["functionDeclarations"]
        ]
        key = key_of(self.system_of(body), body["contents"], functions)
        with self._lock:
            number = self.asked[construct][key]
            self.asked[construct][key] += 1
            answers = self.answers[construct][key]
        if number < len(answers):
            return answers[number]
        return Status(400, f"{construct} was not asked {number + 1} times: {key}")


async def compared(app, construct, talk, server):
    """Plays a conversation's plan under a construct; gives the events of its session."""
    events, decide = Events(), Planned.decide

    def decided(model, request):
        text, calls = decide(model, request)
        answer = [*([text] if text else []), *(Call(*one) for one in calls)]
        server.answers[construct][key_of_request(request)].append(answer)
        return text, calls

    with patch.object(Planned, "decide", decided):
        plugins = [one for one in app.plugins if not type(one).__module__.startswith("adk_flow")]
        run = await run_conversation(app.model_copy(update={"plugins": [*plugins, events]}), talk)
    assert [turn.error for turn in run.turns] == [""] * len(talk.turns)
    return list(said_and_done(events.events))


def adk_run(python, server, queries, folders):
    """Has ADK alone run the apps."""
    ran = subprocess.run(
        [python, "-c", RUN, server.url, queries, *folders],
        cwd=queries.parent,
        env={"PATH": os.environ["PATH"], "GOOGLE_API_KEY": "a-key"},
        capture_output=True,
        text=True,
    )
    assert not server.faults
    assert ran.returncode == 0, ran.stderr[-3000:]


@pytest.mark.environments
@pytest.mark.parametrize("name", APPS)
async def test_written_apps_do_what_was_compared(name, tmp_path):
    python = ready(version("google-adk"), default_folder(), print)
    place_apps(tmp_path)
    talk = read_conversation(ROOT / APPS[name])
    refused, expected, folders = {}, {}, []
    with PlanServer() as server, own_modules():
        with patch.dict(os.environ, MODEL_NAME=MODEL, GOOGLE_API_KEY="a-key"):
            app = load_app(tmp_path / name)
        for construct in (one for one in CONSTRUCTS if (name, one) not in OTHERWISE):
            variants = make_variants(app, ["as_is", construct])
            if construct in variants.skipped:
                refused[construct] = variants.skipped[construct]
                continue
            wired = variants.apps[construct]
            folders.append(tmp_path / f"{name}_{construct}")
            folders[-1].mkdir()
            for file, text in write_app(app, wired, construct).files.items():
                (folders[-1] / file).write_text(text)
            key = folders[-1].name
            expected[key] = await compared(wired, key, talk, server)
        queries = tmp_path / "queries.json"
        queries.write_text(json.dumps({"state": {}, "queries": [one.say for one in talk.turns]}))
        adk_run(python, server, queries, folders)

    assert set(refused) == set(REFUSED.get(name, ()))
    assert [c for c, why in refused.items() if REFUSED[name][c] not in why] == []
    for folder in folders:
        session = json.loads((folder / "talk.session.json").read_text())
        given = {key: len(answers) for key, answers in server.answers[folder.name].items()}
        assert server.asked[folder.name] == given, folder.name
        assert json.dumps(session["events"]).count(NOTICE) == (name == "root_agent"), folder.name
        events = list(said_and_done(session["events"]))
        if folder.name.endswith(AT_ONCE):
            events, expected[folder.name] = map(by_author, (events, expected[folder.name]))
        assert events == expected[folder.name]


def by_author(events):
    return sorted(events, key=lambda event: event[0])
