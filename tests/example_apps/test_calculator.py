"""The calculator's parts: exact operations, schemas in three forms, calls that overlap or fail."""

import asyncio
import json
import math
import threading
from decimal import Decimal
from typing import Any

import pytest
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_response import LlmResponse
from google.genai import types
from hypothesis import given
from hypothesis import strategies as st

from adk_flow.errors import AdkFlowError
from adk_flow.models.scripted import Scripted, call
from examples.calculator.agent import HERE, assistant, orchestrator
from examples.calculator.schemas import declared_tools
from examples.calculator.tools import (
    LARGEST,
    OPERATIONS,
    divide,
    multiply,
    power,
    square_root,
    subtract,
    sum_numbers,
)
from examples.calculator.wrappers import ToolThreads, wrapped
from tests.doubles.flow import agent, expected, record
from tests.doubles.models import Hanging

TWO: Any = "two"
NOTHING: Any = None

prices = st.integers(-(10**7), 10**7).map(lambda pence: pence / 100)


@pytest.mark.parametrize(
    ("answer", "result", "summary"),
    [
        (sum_numbers(0.1, 0.2), 0.3, "0.1 + 0.2 = 0.3"),
        (subtract(1.1, 1), 0.1, "1.1 − 1 = 0.1"),
        (multiply(3, 19.99), 59.97, "3 × 19.99 = 59.97"),
        (multiply(-1.0, 0), 0, "-1 × 0 = 0"),
        (divide(1, 3), 0.333333333333, "1 ÷ 3 = 0.333333333333"),
        (divide(1250.5, 0.5), 2501, "1,250.5 ÷ 0.5 = 2,501"),
        (power(4, -0.5), 0.5, "4 to the power of -0.5 = 0.5"),
        (power(-2, 3), -8, "-2 to the power of 3 = -8"),
        (square_root(81), 9, "√81 = 9"),
        (sum_numbers(1e-7, 0), 1e-7, "0.0000001 + 0 = 0.0000001"),
    ],
)
def test_results_are_those_of_decimal_arithmetic(answer, result, summary):
    assert answer == {"result": result, "summary": summary}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (divide(5, 0), "5 ÷ 0 has no result: division by 0"),
        (square_root(-4), "√-4 has no result: "),
        (power(-8, 0.5), "-8 to the power of 0.5 has no result: "),
        (power(0, -1), "0 to the power of -1 has no result: "),
        (power(10, 400), "10 to the power of 400 has no result: "),
        (multiply(LARGEST, 2), "too large for this calculator"),
        (power(10, -14), "too small for this calculator"),
        (sum_numbers(TWO, 2), "two + 2 has no result: "),
        (sum_numbers(math.inf, 2), "inf + 2 has no result: "),
        (square_root(NOTHING), "√None has no result: "),
    ],
)
def test_what_cannot_be_worked_out_is_an_error_to_read(answer, error):
    assert list(answer) == ["error"]
    assert error in answer["error"]


@given(prices, prices)
def test_sums_of_money_are_exact_to_the_penny(first, second):
    one, other = Decimal(str(first)), Decimal(str(second))

    assert Decimal(str(sum_numbers(first, second)["result"])) == one + other
    assert Decimal(str(subtract(first, second)["result"])) == one - other
    assert Decimal(str(multiply(first, second)["result"])) == one * other


@given(st.floats(), st.floats())
def test_any_two_numbers_give_a_number_or_an_error(first, second):
    for operation in OPERATIONS:
        arguments = (first,) if operation is square_root else (first, second)
        answer = operation(*arguments)
        assert ("error" in answer) != math.isfinite(answer.get("result", math.inf))


# Schemas


SHAPE = {"type": "object", "properties": {"number": {"type": "number"}}, "required": ["number"]}
GEMINI = {"type": "OBJECT", "properties": {"number": {"type": "NUMBER"}}, "required": ["number"]}
NAMED = {"name": "square_root", "description": "Takes a root."}


def declared(tmp_path, entry):
    file = tmp_path / "schemas.json"
    file.write_text(json.dumps([entry]), encoding="utf-8")
    (tool,) = declared_tools([square_root], file)
    return tool._get_declaration()


@pytest.mark.parametrize(
    "entry",
    [
        {**NAMED, "input_schema": SHAPE},
        {**NAMED, "parameters": GEMINI},
        {"type": "function", "function": {**NAMED, "parameters": SHAPE}},
        {"type": "function", **NAMED, "parameters": SHAPE},
    ],
)
def test_claudes_geminis_and_openais_form_say_the_same(entry, tmp_path):
    declaration = declared(tmp_path, entry)

    assert (declaration.name, declaration.description) == ("square_root", "Takes a root.")
    assert declaration.parameters_json_schema == SHAPE


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ({**NAMED, "name": "cube_root", "input_schema": SHAPE}, "has cube_root, not square_root"),
        ({**NAMED}, "no schemas of Claude, Gemini or OpenAI: KeyError"),
        ("square_root", "no schemas of Claude, Gemini or OpenAI: AttributeError"),
        ({**NAMED, "parameters": {**GEMINI, "properties": 5}}, "no schemas of Claude"),
        (
            {**NAMED, "input_schema": {**SHAPE, "required": []}},
            "square_root: its parameters are number",
        ),
        (
            {**NAMED, "input_schema": {**SHAPE, "properties": {"x": {"type": "number"}}}},
            "square_root: its parameters are number",
        ),
    ],
)
def test_what_does_not_fit_is_one_line(entry, fault, tmp_path):
    with pytest.raises(AdkFlowError, match=r"schemas\.json: ") as raised:
        declared(tmp_path, entry)

    assert fault in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_file_has_all_six_in_three_forms():
    entries = json.loads((HERE / "schemas.json").read_text())

    forms = ["input_schema" in one or ("function" in one and "openai") for one in entries]
    assert [forms.count(form) for form in (True, False, "openai")] == [2, 2, 2]
    assert [tool.name for tool in declared_tools(OPERATIONS, HERE / "schemas.json")] == [
        operation.__name__ for operation in OPERATIONS
    ]


# Agent calls


PARTS = {"2 pens at £3 each": (2, 3), "4 cups at £5 each": (4, 5), "6 mats at £7 each": (6, 7)}


class ByRequest(BaseLlm):
    """Calls the specialist for all parts at once; each part by one call of a tool."""

    model: str = "scripted"
    failing: str = ""

    async def generate_content_async(self, llm_request, stream=False):
        step = self._step(llm_request.config.labels["adk_agent_name"], llm_request.contents)
        calls = [] if isinstance(step, str) else [types.Part(function_call=one) for one in step]
        yield LlmResponse(content=types.ModelContent(calls or step))

    def _step(self, name, contents):
        request, last = contents[0].parts[0].text, contents[-1].parts[0]
        if name == "Orchestrator":
            asking = [call("Calculator_Assistant", request=part) for part in PARTS]
            return "£68 in all." if last.function_response else asking
        if request == self.failing:
            raise RuntimeError("the model is\nbusy")
        a, b = PARTS[request]
        return f"£{a * b}" if last.function_response else [call("multiply", a=a, b=b)]


def lead_of(model, wrapper, tool=multiply, patience=60.0):
    child = assistant.clone(update={"model": model, "tools": [tool]})
    tools = [wrapped(child, wrapper, patience)]
    return orchestrator().clone(update={"model": model, "tools": tools})


async def recorded(lead, folder):
    return await record(lead, ["What is it in all?"], folder, plugins=[ToolThreads("threads")])


@pytest.mark.parametrize("wrapper", ["async", "sync"])
async def test_three_calls_overlap_and_their_tools_run_in_threads(wrapper, tmp_path):
    meeting = threading.Barrier(3, timeout=30)

    def multiply_together(a: float, b: float) -> dict:
        """Multiplies two numbers; waits until three are at it."""
        meeting.wait()
        return multiply(a, b)

    multiply_together.__name__ = "multiply"

    flow = await recorded(lead_of(ByRequest(), wrapper, multiply_together), tmp_path)

    assert not flow.errors
    calls = [move.kind for move in flow.moves if move.kind in ("call", "return")]
    assert calls == ["call"] * 3 + ["return"] * 3
    assert flow.moves[-2].text == "£68 in all."


async def test_the_moves_of_a_run(tmp_path):
    flow = await recorded(lead_of(ByRequest(), "async"), tmp_path)

    assert flow.control == expected("""
        start user to Orchestrator
        Orchestrator -< Calculator_Assistant, Calculator_Assistant, Calculator_Assistant
        Orchestrator -> Calculator_Assistant (agent_tool)
        Orchestrator -> Calculator_Assistant (agent_tool)
        Orchestrator -> Calculator_Assistant (agent_tool)
        Orchestrator <- Calculator_Assistant
        Orchestrator <- Calculator_Assistant
        Orchestrator <- Calculator_Assistant
        Orchestrator >-
        end Orchestrator to user
    """)


@pytest.mark.parametrize("wrapper", ["async", "sync"])
async def test_a_child_that_raises_is_an_error_to_read_and_its_siblings_go_on(wrapper, tmp_path):
    model = ByRequest(failing="4 cups at £5 each")

    flow = await recorded(lead_of(model, wrapper), tmp_path)

    assert not flow.errors
    given = [one.text for one in flow.of("after_tool") if one.tool == "Calculator_Assistant"]
    assert sorted("£6" in one or "£42" in one for one in given) == [False, True, True]
    (failed,) = [one for one in given if "error" in one]
    assert "Calculator_Assistant failed: the model is busy" in failed


@pytest.mark.parametrize("wrapper", ["async", "sync"])
async def test_a_child_that_hangs_is_given_up(wrapper, tmp_path):
    model = Scripted(script={"Lead": [call("Child", request="Go"), "It gave no answer."]})
    tool = wrapped(agent("Child", Hanging()), wrapper, patience=0.1)

    flow = await recorded(agent("Lead", model, tools=[tool]), tmp_path)

    assert not flow.errors
    (given,) = [one.text for one in flow.of("after_tool")]
    assert "Child gave no answer within 0.1 seconds" in given


async def test_the_sync_wrapper_runs_the_agent_off_the_event_loop(tmp_path):
    places, main = [], asyncio.get_running_loop()

    async def where() -> str:
        """Tells where it runs."""
        is_main = threading.current_thread() is threading.main_thread()
        places.append((is_main, asyncio.get_running_loop() is main))
        return "here"

    model = Scripted(
        script={"Lead": [call("Child", request="Go"), "Done."], "Child": [call("where"), "There."]}
    )
    tool = wrapped(agent("Child", model, tools=[where]), "sync")

    flow = await recorded(agent("Lead", model, tools=[tool]), tmp_path)

    assert not flow.errors
    assert places == [(False, False)]
