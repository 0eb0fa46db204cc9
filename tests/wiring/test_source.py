"""An app written as source under a construct does what it does when it is wired here."""

import ast
import importlib
import json
import re
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from google.adk.agents import LlmAgent
from google.adk.apps import App, ResumabilityConfig
from google.adk.plugins.base_plugin import BasePlugin
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from adk_flow.comparison.variants import make_variants
from adk_flow.record.plugin import FlowPlugin
from adk_flow.run.app import load_app
from adk_flow.run.conversation_run import run_conversation
from adk_flow.scenario.conversation import read_conversation
from adk_flow.wiring import CONSTRUCTS, DEPRECATED
from adk_flow.wiring.source.files import wiring_diff, write_app
from adk_flow.wiring.source.layout import lay_out, listing, literal
from tests.doubles.command import assert_refused, own_modules, run_command
from tests.doubles.desk import ROOT
from tests.doubles.teams import rate, team

TRAVEL = Path(__file__).parents[1] / "doubles" / "travel"


class Limit(BasePlugin):
    """A plugin with an argument."""

    def __init__(self, most=0):
        super().__init__(name=f"limit_{most}")
        self.most = most


class Shelf:
    """What the app has that is no function."""

    def look_up(self, title: str) -> str:
        """Looks a book up."""
        return title

    def put_back(self, title: str) -> str:
        """Puts a book back."""
        return title


shelf = Shelf()
lead, specialists = team("gemini-2.5-flash")
team_app = App(
    name="team",
    root_agent=lead.clone(
        update={"sub_agents": specialists, "tools": [shelf.look_up, Shelf().put_back, rate]}
    ),
    plugins=[FlowPlugin(), Limit(3), Limit()],
    resumability_config=ResumabilityConfig(is_resumable=True),
)
LOANS = """
turns:
  - say: What does a loan cost for five years?
    plan: [{agent: Loans, tools: [{name: rate, args: {years: 5}}]}]
"""


class Requests(BasePlugin):
    """Keeps what models are sent, without the ids that ADK makes up."""

    def __init__(self):
        super().__init__(name="requests")
        self.sent = []

    async def before_model_callback(self, *, callback_context, llm_request):
        config = llm_request.config.model_dump(exclude_none=True)
        contents = [one.model_dump(exclude_none=True) for one in llm_request.contents]
        text = json.dumps([callback_context.agent_name, contents, config], default=_plain)
        self.sent.append(re.sub(r"adk-[0-9a-f-]{36}", "id", text))


def _plain(value):
    return value.model_json_schema() if isinstance(value, type) else repr(value)


@pytest.fixture(scope="module")
def travel(tmp_path_factory):
    """A stranger's app, loaded; what is written of it can be imported beside it."""
    apps = tmp_path_factory.mktemp("apps")
    with own_modules():
        yield load_app(shutil.copytree(TRAVEL, apps / "travel")), apps


@contextmanager
def without_adk_flow():
    """Has no import find adk-flow."""
    ours = [name for name in sys.modules if name.partition(".")[0] == "adk_flow"]
    absent: Any = dict.fromkeys(ours)  # None is import's own mark for a module that is not there
    with patch.dict(sys.modules, absent):
        yield


def written(app, construct, folder):
    """Writes an app under a construct into a folder, and imports that; gives both apps."""
    wired = make_variants(app, [construct]).apps[construct]
    place = folder / f"new_{construct}"
    place.mkdir(parents=True)
    for name, text in write_app(app, wired, construct).files.items():
        (place / name).write_text(text)
    with without_adk_flow():
        module = importlib.import_module(f"{place.name}.agent")
    return wired, App(name=construct, root_agent=module.root_agent)


async def played(app, conversation, file):
    """Plays a conversation's plan: gives the requests, moves, answers and errors."""
    requests = Requests()
    app = app.model_copy(update={"plugins": [requests, *app.plugins]})
    run = await run_conversation(app, conversation, file=file)
    moves = [(move.kind, move.source, move.target, move.text) for move in run.moves]
    return requests.sent, moves, [(turn.answer, turn.error) for turn in run.turns]


@pytest.mark.parametrize("construct", [c for c in CONSTRUCTS if c != "skills"])
async def test_the_written_app_sends_the_same_requests(construct, travel, tmp_path):
    app, folder = travel
    wired, new = written(app, construct, folder)
    talk = read_conversation(TRAVEL / "conversation.yaml")
    talk = structs.replace(talk, turns=talk.turns[:1])

    here, there = [await played(app, talk, tmp_path / app.name) for app in (wired, new)]

    assert here == there
    assert "no. 42" in str(here[1])


async def test_skills_are_written_with_their_tools(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "talk.yaml").write_text(LOANS)
    wired, new = written(team_app, "skills", tmp_path)
    talk = read_conversation(tmp_path / "talk.yaml")

    here, there = [await played(app, talk, tmp_path / app.name) for app in (wired, new)]

    assert here == there
    assert "5% for 5 years" in here[2][0][0]


def test_an_apps_plugins_and_settings_go_along_but_for_adk_flows():
    wired = make_variants(team_app, ["transfer"]).apps["transfer"]

    new = write_app(team_app, wired, "transfer", name="new")

    tools = ["shelf.look_up", "original_team_app.root_agent.tools[1]", "rate"]
    assert f"tools=[{', '.join(tools)}]," in new.files["agent.py"]
    (app,) = (node for node in ast.parse(new.files["agent.py"]).body[-1:])
    assert ast.unparse(app) == (
        "app = App(name='new', root_agent=root_agent, resumability_config="
        "ResumabilityConfig(is_resumable=True), plugins=[original_team_app.plugins[1], Limit()])"
    )
    assert "the plugin FlowPlugin is left out, as it is adk-flow's" in new.notes


@pytest.mark.parametrize("construct", DEPRECATED)
def test_deprecated_forms_are_written(construct, travel):
    app, folder = travel
    wired, new = written(app, construct, folder)

    assert type(new.root_agent) is type(wired.root_agent)
    names = [agent.name for agent in getattr(new.root_agent, "sub_agents", ())]
    assert names == ["inspiration_agent", "booking_agent"]


def test_a_diff_names_what_to_change(travel):
    app, _ = travel
    wired = make_variants(app, ["agent_tool"]).apps["agent_tool"]

    changed = [line for line in wiring_diff(app, wired, "agent_tool") if line[0] in "+-"]

    assert "-    sub_agents=[inspiration_agent, booking_agent]," in changed
    tools = "memorize, AgentTool(agent=inspiration_agent), AgentTool(agent=booking_agent)"
    assert f"+    tools=[{tools}]," in changed
    assert not [line for line in changed if "BOOKING" in line or "safety" in line]


def test_the_command_writes_a_folder_and_nothing_over_it(tmp_path):
    app = shutil.copytree(TRAVEL, tmp_path / "apps" / "travel")
    (app / ".env").write_text("GOOGLE_API_KEY=secret")
    wire = ["wire", app / "agent.py", "--construct", "single_turn", "--write", "new/place"]

    done = run_command(*wire, folder=tmp_path)
    again = run_command(*wire, folder=tmp_path)

    assert (done.returncode, done.stdout) == (0, "adk run new/place\n")
    assert ".env is not copied" in done.stderr
    assert "it imports travel from ../../apps: move them together" in done.stderr
    assert_refused(again, "--write new/place: exists; name a new folder")
    assert [file.name for file in (tmp_path / "new/place").iterdir()] == ["agent.py"]
    text = (tmp_path / "new/place/agent.py").read_text()
    assert "secret" not in text
    with own_modules():
        lead: Any = load_app(tmp_path / "new/place").root_agent
    assert [agent.mode for agent in lead.sub_agents] == ["single_turn", "single_turn"]


def test_what_is_written_of_the_desk_imports_nothing_that_needs_adk_flow(tmp_path):
    done = run_command("wire", ROOT / "root_agent", "--construct", "router_many", folder=tmp_path)

    assert "from callbacks.guidance_notice import GuidanceNotice" in done.stdout
    assert "adk_flow" not in done.stdout
    assert "pip install numpy safetensors tokenizers wordllama\n" in done.stderr


HELPERS = """
from typing import TYPE_CHECKING
from google.genai import types
if TYPE_CHECKING:
    import ruff
def rate(years: int) -> str:
    import msgspec
    from google.rpc import code_pb2
    return f"{years}"
"""
USING = """
import hypothesis
from google.adk.agents import LlmAgent
from .helpers import rate
loans = LlmAgent(name="Loans", model="gemini-2.5-flash", tools=[rate])
funds = LlmAgent(name="Funds", model="gemini-2.5-flash")
root_agent = LlmAgent(name="Lead", model="gemini-2.5-flash", sub_agents=[loans, funds])
"""


@pytest.mark.parametrize(
    ("init", "construct", "needed"),
    [
        ("", "transfer", "googleapis-common-protos msgspec"),
        ("from . import agent", "transfer", "googleapis-common-protos hypothesis msgspec"),
        (
            "",
            "classifier_router",
            "googleapis-common-protos msgspec numpy safetensors tokenizers wordllama",
        ),
    ],
)
def test_an_app_named_as_a_module_of_python_is_imported_and_its_packages_are_named(
    init, construct, needed, tmp_path
):
    app = tmp_path / "apps/ensurepip"
    app.mkdir(parents=True)
    for name, text in {"agent": USING, "helpers": HELPERS, "__init__": init}.items():
        (app / f"{name}.py").write_text(text)
    (tmp_path / "new").mkdir()

    done = run_command(
        *("wire", app, "--construct", construct, "--write", "new/wired"), folder=tmp_path
    )

    assert f"more than google-adk: pip install {needed}\n" in done.stderr
    with own_modules():
        load_app(tmp_path / "new/wired")
        assert (app / "helpers.py").samefile(sys.modules["ensurepip.helpers"].__file__ or "")


STEPS = """
from google.adk.agents import LlmAgent, SequentialAgent
X, Y, Z = (LlmAgent(name=name, model="gemini-2.5-flash") for name in "XYZ")
steps = SequentialAgent(name="S", sub_agents=[X, Y])
root_agent = LlmAgent(name="Lead", model="gemini-2.5-flash", sub_agents=[steps, Z])
"""


def test_who_is_not_in_what_is_written_is_said(tmp_path):
    (tmp_path / "seq").mkdir()
    (tmp_path / "seq/agent.py").write_text(STEPS)
    wire = ["wire", "seq", "--construct", "single_turn", "--write"]

    done = run_command(*wire, "seq_new", folder=tmp_path)

    text = (tmp_path / "seq_new/agent.py").read_text()
    assert 'name="Z"' in text and 'name="X"' not in text
    lines = [line for line in done.stderr.splitlines() if "missing" in line]
    assert lines == ["adk-flow: besides the wiring, S is missing, a SequentialAgent of X and Y"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (
            ["--construct", "singl_turn"],
            "--construct singl_turn: unknown (did you mean single_turn?)",
        ),
        (["--construct", "remote"], "serve it by ADK's to_a2a, and call it by AgentTool(RemoteA2a"),
        (["--construct", "skills"], "inspiration_agent's instruction is a function"),
        (["--construct", "one_by_one"], "no construct: it is how `compare` runs the app"),
        (
            ["--construct", "advisor"],
            "--advisor-model: names none: `advisor` asks a stronger model",
        ),
        (["--construct", "router", "--write", ""], "--write: names no folder"),
        (
            ["--construct", "router", "--write", "json"],
            "--write json: cannot be the name of an app",
        ),
        (["--construct", "transfer", "--write", "travel"], "travel is a module of the app"),
        (["--construct", "router", "--write", "a-b"], "--write a-b: cannot be the name of an app"),
    ],
)
def test_what_cannot_be_written_is_refused(words, reason, tmp_path):
    assert_refused(run_command("wire", TRAVEL, *words, folder=tmp_path), reason)
    assert list(tmp_path.iterdir()) == []


def test_names_and_texts_of_an_app_stay_texts():
    hostile = 'x"""\nimport os\nos.abort()\n"""\\'
    agent = LlmAgent(name="print", model=hostile, description=hostile, instruction=hostile)
    app = App.model_construct(name=hostile, root_agent=agent, plugins=[])

    files = write_app(app, app, "as_is", changes=[hostile]).files

    tree = ast.parse(files["agent.py"])
    kinds = [type(node) for node in tree.body]
    assert kinds == [ast.Expr, ast.ImportFrom, ast.Assign]
    (call,) = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    assert [ast.literal_eval(one.value) for one in call.keywords] == ["print", *[hostile] * 3]


@given(st.lists(st.text() | st.lists(st.text(max_size=200))))
def test_texts_are_laid_out_as_what_they_are(texts):
    source = listing(
        listing(map(literal, one)) if isinstance(one, list) else literal(one) for one in texts
    )

    assert ast.literal_eval(lay_out(source)) == texts
