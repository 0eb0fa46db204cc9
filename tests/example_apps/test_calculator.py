"""The calculator: parts worked out side by side, by a decided, a scripted and the offline model."""

import asyncio
import json
import sys
import threading

import pytest
import yaml
from google.adk.apps import App
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_response import LlmResponse
from google.genai import types

from adk_flow.check.snapshot import picture
from adk_flow.log.reader import read_log
from adk_flow.models.decisions import decided
from adk_flow.models.scripted import Scripted, call
from adk_flow.run.app import load_app
from adk_flow.run.conversation_run import run_conversation
from adk_flow.scenario.conversation import of_questions
from callbacks.tool_threads import ToolThreads
from examples.calculator.agent import orchestrator
from examples.calculator.wrappers import wrapped
from sub_agents.calculator import calculator_assistant
from tests.doubles.flow import agent, expected, record
from tests.doubles.pages import ROOT, Page, ran
from tools.arithmetic import multiply

PAGE = Page("docs/patterns/calculator.md")
STORES = ROOT / "conversations" / "examples" / "three_stores.yaml"
QUESTION = yaml.safe_load(STORES.read_text())["turns"][0]["say"]
PARTS = {"2 pens at £3 each": (2, 3), "4 cups at £5 each": (4, 5), "6 mats at £7 each": (6, 7)}


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    monkeypatch.setenv("MODEL_NAME", "offline")


@pytest.fixture
def calculator() -> App:
    return App(name="calculator", root_agent=orchestrator(), plugins=[ToolThreads()])


def decisions_of(parts=PARTS, answer="£68 in all.") -> dict:
    """Three parts at once, each worked out by one call of a tool."""
    asking = [{"name": "Calculator_Assistant", "arguments": {"request": part}} for part in parts]
    lead = {"agent": "Orchestrator", "steps": [{"calls": asking}, {"text": answer}]}
    children = [
        {
            "agent": "Calculator_Assistant",
            "request": part,
            "steps": [
                {"calls": [{"name": "multiply", "arguments": {"a": a, "b": b}}]},
                {"text": f"£{a * b}"},
            ],
        }
        for part, (a, b) in parts.items()
    ]
    return {"decisions": [lead, *children]}


async def held_by(root, decisions, folder):
    file = folder / "decisions.json"
    file.write_text(json.dumps(decisions))
    app = App(name="calculator", root_agent=root, plugins=[ToolThreads()])
    app, script = decided(app, file)
    return await run_conversation(
        app, of_questions(["What is it in all?"]), file=folder / "log.jsonl"
    ), script


def control(held):
    return picture([move for move in held.moves if move.is_control])


@pytest.mark.parametrize("wrapper", ["async", "sync"])
async def test_three_calls_overlap_and_their_tools_interleave(wrapper, tmp_path):
    meeting = threading.Barrier(3, timeout=30)

    def multiply_together(a: float, b: float) -> dict:
        """Multiplies two numbers; waits until three are at it."""
        meeting.wait()
        return multiply(a, b)

    multiply_together.__name__ = "multiply"
    child = calculator_assistant([multiply_together])
    lead = agent("Orchestrator", "offline", tools=[wrapped(child, wrapper)])

    held, script = await held_by(lead, decisions_of(), tmp_path)

    script.finish()
    calls = [move.kind for move in held.moves if move.kind in ("call", "return")]
    assert calls == ["call"] * 3 + ["return"] * 3
    tools = [
        (one.hook, one.activation)
        for one in read_log(tmp_path / "log.jsonl").records
        if one.tool == "multiply" and one.hook in ("before_tool", "after_tool")
    ]
    assert [hook for hook, _ in tools] == ["before_tool"] * 3 + ["after_tool"] * 3
    assert len({activation for _, activation in tools}) == 3
    assert held.turns[0].answer == "£68 in all."


async def test_the_moves_of_a_run(tmp_path):
    held, script = await held_by(orchestrator(), decisions_of(dict([*PARTS.items()][:2])), tmp_path)

    script.finish()
    assert control(held) == expected("""
        start user to Orchestrator
        Orchestrator -< Calculator_Assistant, Calculator_Assistant
        Orchestrator -> Calculator_Assistant (agent_tool)
        Orchestrator -> Calculator_Assistant (agent_tool)
        Orchestrator <- Calculator_Assistant
        Orchestrator <- Calculator_Assistant
        Orchestrator >-
        end Orchestrator to user
    """)
    results = [
        json.loads(one.text)["result"]
        for one in read_log(tmp_path / "log.jsonl").records
        if one.hook == "after_tool" and one.kind == "function"
    ]
    assert sorted(results) == [6, 20]


@pytest.mark.parametrize("wrapper", ["async", "sync"])
async def test_a_child_that_raises_is_an_error_to_read_and_its_siblings_go_on(wrapper, tmp_path):
    decisions = decisions_of(answer="One part failed.")
    decisions["decisions"][2]["steps"] = [{"error": "the model is busy"}]

    held, script = await held_by(orchestrator(wrapper), decisions, tmp_path)

    script.finish()
    given = [
        one.text
        for one in read_log(tmp_path / "log.jsonl").records
        if one.hook == "after_tool" and one.tool == "Calculator_Assistant"
    ]
    assert sorted("£6" in one or "£42" in one for one in given) == [False, True, True]
    (failed,) = [one for one in given if "error" in one]
    assert "Calculator_Assistant failed: the model is busy" in failed
    assert held.turns[0].answer == "One part failed."
    assert not held.turns[0].failed


@pytest.mark.parametrize("wrapper", ["async", "sync"])
async def test_a_child_that_hangs_is_given_up(wrapper, tmp_path):
    class Hanging(BaseLlm):
        model: str = "hanging"

        async def generate_content_async(self, llm_request, stream=False):
            await asyncio.Event().wait()
            yield LlmResponse()

    child = agent("Child", Hanging())
    model = Scripted(script={"Lead": [call("Child", request="Go"), "It gave no answer."]})
    lead = agent("Lead", model, tools=[wrapped(child, wrapper, patience=1.0)])

    flow = await record(lead, ["Go"], tmp_path, model=model, plugins=[ToolThreads()])

    assert not flow.errors
    (given,) = [one.text for one in flow.log.records if one.hook == "after_tool"]
    assert "Child gave no answer within 1 seconds" in given
    assert flow.moves[-1].kind == "end"


@pytest.mark.parametrize("pool", [True, False])
async def test_the_sync_wrapper_leaves_alone_a_child_whose_code_blocks(pool, tmp_path):
    freed = threading.Event()
    waited = []

    class Blocking(BaseLlm):
        model: str = "blocking"

        async def generate_content_async(self, llm_request, stream=False):
            waited.append((threading.current_thread(), freed.wait(timeout=60)))
            yield LlmResponse(content=types.ModelContent("Too late."))

    model = Scripted(script={"Lead": [call("Child", request="Go"), "It gave no answer."]})
    lead = agent("Lead", model, tools=[wrapped(agent("Child", Blocking()), "sync", patience=2.0)])

    flow = await record(
        lead, ["Go"], tmp_path, model=model, plugins=[ToolThreads()] if pool else []
    )
    assert not waited  # it blocks still
    freed.set()
    (thread,) = [one for one in threading.enumerate() if one.name == "Child"]
    thread.join(timeout=60)

    assert waited == [(thread, True)]
    assert thread.daemon  # or the process could not end before it
    assert not flow.errors
    assert not flow.plugin.faults
    (given,) = [one.text for one in flow.log.records if one.hook == "after_tool"]
    assert "Child gave no answer within 2 seconds" in given
    assert flow.moves[-1].kind == "end"


@pytest.mark.parametrize("pool", [True, False])
async def test_the_sync_wrapper_runs_the_agent_off_the_event_loop(pool, tmp_path):
    places = []

    async def where() -> str:
        """Tells where it runs."""
        places.append((threading.current_thread() is threading.main_thread(),
                       asyncio.get_running_loop() is main))  # fmt: skip
        return "here"

    main = asyncio.get_running_loop()
    model = Scripted(
        script={"Lead": [call("Child", request="Go"), "Done."], "Child": [call("where"), "There."]}
    )
    lead = agent("Lead", model, tools=[wrapped(agent("Child", model, tools=[where]), "sync")])

    flow = await record(
        lead, ["Go"], tmp_path, model=model, plugins=[ToolThreads()] if pool else []
    )

    assert not flow.errors
    assert places == [(False, False)]
    assert flow.control == expected("""
        start user to Lead
        Lead -> Child (agent_tool)
        Lead <- Child
        end Lead to user
    """)


WORDED = {
    "I buy 3 pens at £1 each from Smiths with £2 shipping, 2 books at £5 each from Borders with £3"
    " shipping, and a lamp for £30 from Ikea with free delivery. How much do I spend in all?": 48,
    "At the first store I get 4 apples at 50p each and pay £2.99 delivery; at the second, 6 pears"
    " costing 45p each plus £1.50 delivery; at the third 2 melons at £3 apiece with no delivery"
    " charge. What is the total?": 15.19,
    "Store A charges £4.99 shipping and I want 3 notebooks (£2.50 each) and 2 rulers (£1.20 each)."
    " Store B: notebooks 2 x £2.25, shipping: £3. Store C - 1 bag at £20, postage of £5. Total?":
    47.39,
    "How much would 20 lollies at $0.25 each and 4 cornets at $0.50 each cost?": 7,
    "Mia orders two £12 tickets and four £3 programmes. There is a £2.50 booking fee. What does she"
    " pay altogether?": 38.5,
    "- Greengrocer: 1.5 kg of potatoes at £1.20 per kg, 2 cabbages at 80p each\n"
    "- Butcher: 3 chops at £2.40 each\n- Baker: 2 loaves for £1.60 each, delivery £1": 14.8,
    "We ordered 3 pizzas for £9 each, 2 salads for £4.50 each and paid a £5 delivery charge. Add it"
    " all up, please.": 41,
    "In Shop 1 I buy five mugs at 3.50 each with shipping of 4, in Shop 2 seven plates at 2.25 each"
    " with shipping of 3.": 40.25,
    "what do 7 chairs at £45 each come to, with £60 delivery": 375,
    "From Tesco: 6 eggs at £0.30 each, delivery £3; from Aldi: 2 cheeses at £2.75 each, delivery"
    " £2.50; from Lidl: 10 rolls at £0.25 each, delivery £1.99. How much is it in total for all"
    " three stores?": 17.29,
    "Tickets: 4 at £15 each. Parking £8.": 68,
    "If I buy 2 shirts at $20 each and 3 ties at $10 each, and shipping is $6, how much do I pay?":
    76,
    "£2.50 each for 3 candles and £1.20 each for 10 matches, plus £3 postage: what's the bill?":
    22.5,
    "A florist sells me 12 roses at €1.50 each, 6 tulips at €1 each and charges €4 for delivery."
    " What is the total?": 28,
    "The first shop wants £4 for shipping. I would take 2 kettles at £25 each there. The second"
    " shop has 3 toasters at £18 each and shipping is £6.": 114,
    "three mugs @ £4.25, twenty-five tiles @ 80p, handling fee £3": 35.75,
    "5 pounds of apples at $2 per pound and shipping $4": 14,
    "We need 1,200 bricks at 65p each, 4 bags of cement at £7.80 each and delivery for £45.":
    856.2,
    "Grandma knits 3 scarves, each costing £14, and the wrapping is £1.75. What does it come to?":
    43.75,
    "3 notebooks at £1.75 each, 0 pens at £2 each": 5.25,
    "3 pens at £2 each and 2 pads at £3 each, what does it all come to?": 12,
    "Please add up: 2 teas at £1.80, 3 coffees at £2.60, 1 cake for £4.20, service charge £2.":
    17.6,
}  # fmt: skip

BEYOND = [
    "3 pens at £2 each with 10% off, what do I pay?",
    "A tutor earns £20 an hour and works 35 hours a week. What does she earn in a year?",
    "Tara bought 8 packs of 5 bags for £4 each and sold them for £8 each. What was her profit?",
    "A loaf costs £2. Rolls cost £1 each. How much more do 3 loaves cost than 2 rolls?",
    "4 tickets for £20 and shipping £3, how much is that?",
    "I have £50 and buy 3 books at £7 each. How much change do I get?",
    "Which is cheapest: Store A with 3 pens at £1 each or Store B with 3 pens at £2 each?",
    "3 pens at £2 each. Everything is half price today. What do I pay?",
    "What do I pay for 500g of ham at £12 per kg?",
    "3 pens at £2 each, shipping £4 for each store, two stores. Total?",
    "3 pens at £1 each and 2 pens at $1 each: what is the total?",
    "3 pens at £2 each, buy one get one free. Total?",
    "Shipping is £4 unless I spend £30. 3 pens at £2 each. What do I pay?",
    "What is the total across four stores? Store A: 3 pens at £1 each. Store B: 2 at £2 each.",
    "A train leaves at 9 and travels 120 miles at 60 miles an hour. When does it arrive?",
    "-3 pens at £2 each and 2 cups at £1 each. Total?",
    "250 g of coffee at £4 and 2 filters at £3 each",
    "3 chairs at £2 each with a £5 deposit. What do I pay?",
    "I buy 3 pens at £1 each and my friend pays for one of them. What do I pay?",
]


def test_it_is_loaded_by_its_folder():
    app = load_app(ROOT / "examples" / "calculator")

    assert app.name == "calculator"
    assert app.root_agent.name == "Orchestrator"


def test_the_pages_programs_run(tmp_path):
    done = PAGE.run_code(tmp_path)

    assert done.returncode == 0, done.stderr
    walls = [float(line.split()[0]) for line in done.stdout.splitlines()]
    assert len(walls) == 2


def test_the_page_on_decisions_runs(tmp_path):
    page = Page("docs/decisions.md")
    (tmp_path / "decisions.yaml").write_text(page.of("yaml")[0])
    (program,) = page.of("python")
    program = f"FILE = {str(tmp_path / 'decisions.yaml')!r}\n{program}"
    done = ran([sys.executable, "-W", "ignore", "-c", program], tmp_path)

    assert done.stdout.strip() == "£26 in all.", done.stderr
