"""Other people's apps (tests/apps) behind `adk web --extra_plugins adk_flow.FlowPlugin`."""

import json
import re
from contextlib import contextmanager

import httpx
import pytest
from google.adk.agents import config_agent_utils
from google.adk.models.registry import LLMRegistry

from adk_flow.analysis.metrics import measure, summed
from adk_flow.analysis.trace_reader import trace_log
from adk_flow.check.snapshot import draw_snapshot
from adk_flow.log.reader import read_log
from adk_flow.models.scripted import transfer
from tests.doubles.app_cases import CASES, Streamed, same, scripted
from tests.doubles.flow import expected
from tests.doubles.served import MEMORY, Chat, serving, web_server, whatever_its_name
from tests.doubles.somebody import APPS, NAMES, place

RECORDER = "adk_flow.FlowPlugin"
# `adk web` refuses `args` in YAML (2.13, config_agent_utils.py); `adk api_server` takes them.
WEB = [name for name in NAMES if name != "library"]


@contextmanager
def served(agents, model, *, web=True, storage=MEMORY, plugins=(RECORDER,)):
    """Serves a folder of apps, all on one model."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LLMRegistry, "new_llm", whatever_its_name(model))
        patch.setattr(config_agent_utils, "_ENFORCE_YAML_KEY_DENYLIST", False)
        logs = agents.parent / "logs"
        with serving(agents, logs, web=web, storage=storage, plugins=plugins) as client:
            yield client


def check(chat, logs, case=None):
    """Compares the one log of a session with what is expected of its app."""
    case = case or CASES[chat.app]
    (path,) = logs.glob(f"{chat.app.replace('.', '_')}/{chat.session}-*.jsonl")
    log = read_log(path)
    drawn = draw_snapshot(trace_log(log).moves)
    assert same(drawn, expected(case.drawn)), f"{chat.app}:\n{drawn}"
    figures = summed(measure(trace_log(log)))
    assert (figures.llm_calls, figures.complete, figures.failed) == (case.calls, True, False)
    assert not log.damage
    assert not any(record.faults for record in log.records)
    assert any(record.partial for record in log.records) == chat.streaming


@pytest.mark.parametrize("name", NAMES)
def test_an_app_that_is_served_moves_as_expected(name, tmp_path):
    model, turns = scripted(name, name), CASES[name].turns

    with served(place(name, tmp_path / "apps").parent, model, web=name in WEB) as client:
        whole = Chat(client, name).say(turns)
        streamed = Chat(client, name, streaming=True).say(turns)

    model.finish()
    check(whole, tmp_path / "logs")
    check(streamed, tmp_path / "logs")


@pytest.mark.parametrize(
    ("file", "folder", "app"),
    [
        ("expenses.py", "apps", "expenses"),
        ("expenses/__init__.py", "apps", "expenses"),
        ("expenses/agent.py", "apps/expenses", "expenses"),
        ("deep/expenses/agent.py", "apps", "deep.expenses"),
    ],
)
def test_an_app_is_recorded_wherever_it_is_found(file, folder, app, tmp_path):
    there = tmp_path / "apps" / file
    there.parent.mkdir(parents=True)
    there.write_text((APPS / "expenses.py").read_text())
    model = scripted("expenses")

    with served(tmp_path / folder, model) as client:
        chat = Chat(client, app).say(CASES["expenses"].turns)

    model.finish()
    check(chat, (tmp_path / folder).with_name("logs"), CASES["expenses"])


def test_the_web_server_records_an_app_of_yaml_but_refuses_arguments(tmp_path):
    whole = CASES["library"]
    script = {"librarian": [transfer("finder")], "finder": ["Shelf 3."]}
    drawn = expected(whole.drawn).split("\n\n")[0]
    case = whole._replace(turns=whole.turns[:1], script=script, drawn=drawn)
    root = place("library", tmp_path / "apps") / "root_agent.yaml"

    with served(tmp_path / "apps", Streamed()) as client:
        chat = Chat(client, "library")
        with pytest.raises(AssertionError, match="Failed to load agent"):
            chat.say(case.turns)
    root.write_text(root.read_text().split("tools:")[0])
    with served(tmp_path / "apps", Streamed(script=script)) as client:
        chat = Chat(client, "library").say(case.turns)

    check(chat, tmp_path / "logs", case)


@pytest.mark.parametrize("name", ["expenses", "onboarding", "visa"])
def test_a_pause_outlasts_the_server(name, tmp_path):
    model, turns = scripted(name), CASES[name].turns
    agents = place(name, tmp_path / "apps").parent

    with served(agents, model, storage={}) as client:
        chat = Chat(client, name, streaming=True).say(turns[:1])
    with served(agents, model, storage={}) as client:
        chat.client = client
        chat.say(turns[1:])

    model.finish()
    check(chat, tmp_path / "logs")


ANSWERING = """
from google.adk.apps import App
from google.adk.plugins.base_plugin import BasePlugin


class Answering(BasePlugin):
    async def on_user_message_callback(self, *, invocation_context, user_message):
        return user_message

    async def on_event_callback(self, *, invocation_context, event):
        return event

    async def after_model_callback(self, *, callback_context, llm_response):
        return llm_response

    async def after_tool_callback(self, *, tool, tool_args, tool_context, result):
        return {"result": result}


app = App(name=root_agent.name, root_agent=root_agent, plugins=[Answering("answering")])
"""


@pytest.mark.parametrize("name", ["concierge", "research"])
def test_plugins_of_an_app_hide_nothing(name, tmp_path):
    file = place(name, tmp_path / "apps") / "agent.py"
    file.write_text(file.read_text() + ANSWERING)
    model = scripted(name)

    with served(tmp_path / "apps", model) as client:
        chat = Chat(client, name).say(CASES[name].turns)

    model.finish()
    check(chat, tmp_path / "logs")


def without_ids(events):
    told = json.dumps([{**event, "id": "", "timestamp": 0} for event in events])
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "…", told)


@pytest.mark.parametrize("name", ["concierge", "expenses", "newsroom", "publisher", "visa"])
def test_an_app_answers_the_same_with_and_without_the_plugin(name, tmp_path):
    agents = place(name, tmp_path / "apps").parent
    seen = []

    for plugins in ([], [RECORDER]):
        with served(agents, scripted(name), plugins=plugins) as client:
            chat = Chat(client, name, streaming=True).say(CASES[name].turns)
            held = chat.held()
        seen.append((without_ids(chat.events), without_ids(held["events"]), held["state"]))
        assert (tmp_path / "logs").exists() == bool(plugins)

    assert seen[0] == seen[1]


SERVICES = """
from google.adk.models.registry import LLMRegistry
from tests.doubles.app_cases import scripted
from tests.doubles.served import whatever_its_name

LLMRegistry.new_llm = whatever_its_name(scripted(*{names}))
"""


@pytest.mark.environments
def test_the_command_records_every_app_of_a_folder(tmp_path):
    agents = tmp_path / "apps"
    for name in WEB:
        place(name, agents)
    # The one file of Python that ADK's servers run before any app.
    (agents / "services.py").write_text(SERVICES.format(names=WEB))

    server = web_server(agents, tmp_path / "logs", "--extra_plugins", RECORDER)
    with server as address, httpx.Client(base_url=address, timeout=60) as client:
        assert client.get("/list-apps").json() == WEB
        for name in WEB:
            chat = Chat(client, name, streaming=True).say(CASES[name].turns)
            check(chat, tmp_path / "logs")
