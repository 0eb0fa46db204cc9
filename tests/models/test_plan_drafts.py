"""A drafted plan runs as it stands, on every app, and no tool of the app's own is run."""

import sys

import pytest
from google.adk.agents import LlmAgent
from google.adk.apps import App
from google.adk.workflow import Workflow
from pydantic import BaseModel, TypeAdapter

from adk_flow.log.reader import read_log
from adk_flow.models.planned.draft import draft_conversation
from adk_flow.run.app import load_app
from adk_flow.run.conversation_run import run_conversation
from adk_flow.scenario.conversation import read_conversation, write_conversation
from adk_flow.wiring import peers
from tests.doubles.desk import CONSTRUCT_FOLDERS, ROOT
from tests.doubles.forked import ForkedPeers
from tests.doubles.somebody import NAMES, load, place

FOLDERS = [
    ROOT / "root_agent",
    *(CONSTRUCT_FOLDERS / name for name in ("router", "classifier_router", "coordinator")),
    *sorted(path.parent for path in (ROOT / "examples").glob("*/agent.py")),
]
OTHERS = {path.parent for path in CONSTRUCT_FOLDERS.glob("*/agent.py")} - {*FOLDERS}
ONE_OF = {
    "router": {"Pension_Agent", "Mortgage_Agent"},
    "classifier_router": {"Pension_Agent", "Mortgage_Agent"},
    "publisher": {"chat"},  # its sibling, a graph, ends the turn
    "helpdesk": {"billing"},  # by a classifier's words
}
"""Agents that a turn does not reach, as another comes in their place."""


ENDLESS = "headline"
"""Its graph goes on until the critic's words are “good”, which no draft can know."""


@pytest.mark.parametrize(
    "place_of",
    [
        *(name for name in [*NAMES, *FOLDERS] if name != ENDLESS),
        *(pytest.param(one, marks=pytest.mark.environments) for one in (ENDLESS, *sorted(OTHERS))),
    ],
    ids=lambda one: getattr(one, "name", one),
)
async def test_a_draft_runs_as_it_stands(place_of, tmp_path, monkeypatch):
    monkeypatch.setenv("MODEL_NAME", "offline")
    monkeypatch.setattr(peers, "subprocess", ForkedPeers)
    app = load(place(place_of, tmp_path)) if place_of in NAMES else load_app(place_of)
    drafted = await draft_conversation(app, ["What now?"])
    file, log = tmp_path / "drafted.yaml", tmp_path / "log.jsonl"
    file.write_text(write_conversation(drafted), encoding="utf-8")

    run = await run_conversation(app, read_conversation(file), file=log)

    assert read_conversation(file) == drafted
    assert run.turns[0].failed == (place_of == ENDLESS)
    left_over = {
        words.split(": ")[1].split(" (")[0]
        for words in run.failed_checks[0]
        if words.startswith("left")
    }
    assert left_over == ONE_OF.get(getattr(place_of, "name", place_of), set())
    returned = [record for record in read_log(log).records if record.hook == "after_tool"]
    results = {record.tool: record.text for record in returned if record.kind == "function"}
    assert results == {tool: f"What {tool} returns." for tool in results}


async def test_tools_run_where_that_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("MODEL_NAME", "offline")
    app = load(place("shop", tmp_path))
    drafted = await draft_conversation(app, ["Pens?"], run_tools=True)

    run = await run_conversation(app, drafted, file=tmp_path / "log.jsonl")

    assert "returns" not in write_conversation(drafted)
    assert not run.turns[0].failed


class Trip(BaseModel):
    budget: float = 0


async def test_a_draft_has_the_data_that_an_agent_answers_in():
    reads, plans = LlmAgent(name="reads", output_schema=Trip), LlmAgent(name="plans")
    root = Workflow(name="trip", edges=[("START", reads, plans)])

    drafted = await draft_conversation(App(name="trip", root_agent=root), ["Where?"])

    says = {task.agent: task.says for task in drafted.turns[0].plan or ()}
    assert says == {"reads": {"budget": 1}, "plans": "What plans says."}


class Order(BaseModel):
    """What a shop's tool gives."""

    number: int
    lines: list[str]


SHOP = '''
from google.adk.agents import LlmAgent, SequentialAgent
from google.adk.runners import InMemoryRunner
from google.adk.tools.tool_context import ToolContext
from tests.models.test_plan_drafts import Order

packer = LlmAgent(name="packer", instruction="Pack.")


def orders(tool_context: ToolContext) -> dict:
    """Lists orders."""
    tool_context.state["basket"] = "3 pens"
    return {"orders": []}


def order(sizes: list[int]) -> Order:
    """Finds an order."""


def names() -> list[str]:
    """Lists names."""


def pack(box: str):
    """Has things packed."""
    return InMemoryRunner(agent=packer)


async def after_tool(tool, args, tool_context, tool_response):
    GIVEN[tool.name] = (args, tool_response)


async def before_agent(callback_context):
    callback_context.state["greeting"] = "Hello"


GIVEN = {}
clerk = LlmAgent(
    name="clerk", output_key="sale",
    instruction="For {user:customer} with {basket}, {coupon?}, after {stock}, not {sale}. "
                "{artifact.user:terms v2.txt} {artifact.leaflet?}",
    sub_agents=[
        LlmAgent(name="price", output_key="price"),
        LlmAgent(name="bill", instruction="By {price}, {sale}, {stock}."),
    ],
    tools=[orders, order, names, pack], after_tool_callback=after_tool,
)
stock = LlmAgent(name="stock", instruction="{greeting}. What is there?", output_key="stock",
                 before_agent_callback=before_agent)
root_agent = SequentialAgent(name="shop", sub_agents=[stock, clerk])
'''


async def test_a_draft_gives_what_instructions_and_callbacks_need(tmp_path, monkeypatch):
    monkeypatch.setenv("MODEL_NAME", "offline")
    (tmp_path / "penshop").mkdir()
    (tmp_path / "penshop" / "agent.py").write_text(SHOP, encoding="utf-8")
    app = load(tmp_path / "penshop")
    drafted = await draft_conversation(app, ["Pens?"])

    log = tmp_path / "log.jsonl"
    run = await run_conversation(app, drafted, file=log)
    shown = read_log(log).texts.values()

    assert not run.failed_checks[0]
    assert drafted.state.keys() == {"user:customer", "basket", "sale", "price"}
    assert drafted.artifacts == {"user:terms v2.txt": "What user:terms v2.txt holds."}
    assert any("What user:terms v2.txt holds." in text for text in shown)
    given = sys.modules["penshop.agent"].GIVEN
    assert given["orders"][1] == {"result": "What orders returns."}
    assert TypeAdapter(Order).validate_python(given["order"][1])
    assert given["order"][0] == {"sizes": [1]}
    assert given["names"][1] == ["What names returns."]
    # The packer is run by a tool only, which is not run.
    planned = {task.agent for task in drafted.turns[0].plan or ()}
    assert planned == {"stock", "clerk", "price", "bill"}
