"""Answers in a shape: routers, dispatchers, and whatever schema an agent declares."""

import json
from enum import StrEnum
from typing import Any, Literal

import jsonschema
import pytest
from google.adk.agents import LlmAgent
from google.adk.models.llm_request import LlmRequest
from google.adk.tools.agent_tool import AgentTool
from google.genai import types
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from adk_flow.models import Offline
from tests.models.offline.test_conversations import CountingOffline, monthly_cost, talk


async def answer(schema: Any, question: str, instruction: str = "") -> Any:
    """Asks for an answer of a shape, with no tools."""
    config = types.GenerateContentConfig(system_instruction=instruction)
    if isinstance(schema, dict):
        config.response_json_schema = schema
    else:
        config.response_schema = schema
    request = LlmRequest(contents=[types.UserContent(question)], config=config)
    responses = [response async for response in Offline().generate_content_async(request)]
    content = responses[-1].content
    assert content and content.parts
    return json.loads(content.parts[0].text or "")


class Route(BaseModel):
    specialist: Literal["loans", "savings", "pensions", "none"]


INSTRUCTION = """Pick the specialist.
- loans: buying a home, repayments and interest rates
- savings: shares, funds and how savings grow
- pensions: retirement and the State Pension"""


@pytest.mark.parametrize(
    ("question", "specialist"),
    [
        ("How much is the repayment on a home loan?", "loans"),
        ("Are index funds a good idea?", "savings"),
        ("At what age can I retire?", "pensions"),
        ("Let me talk to savings", "savings"),
        ("What is the weather in Leeds?", "none"),
        ("Write me a poem", "none"),
    ],
)
async def test_a_router_picks_the_likest_specialist_or_none(question, specialist):
    assert await answer(Route, question, INSTRUCTION) == {"specialist": specialist}


async def test_a_dispatcher_gives_each_child_its_part():
    class Dispatch(BaseModel):
        loans: str = Field(description="What to ask about home loans, repayments and rates.")
        savings: str = Field(description="What to ask about saving, shares and funds.")
        pensions: str = Field(description="What to ask about retirement and the State Pension.")

    question = "How do repayments on a home loan work, and when can I take my State Pension?"

    assert await answer(Dispatch, question) == {
        "loans": "How do repayments on a home loan work",
        "savings": "",
        "pensions": "when can I take my State Pension?",
    }


class Size(StrEnum):
    SMALL = "small"
    LARGE = "large"


class Item(BaseModel):
    size: Size
    number: int = Field(ge=1)
    gift: bool


class Order(BaseModel):
    city: str
    items: list[Item] = Field(min_length=1)
    budget: float | None
    note: str = ""


async def test_what_nothing_says_is_a_valid_value_and_no_figure_of_the_question():
    filled = Order.model_validate(await answer(Order, "Send 3 large boxes to Leeds for £45.50"))

    assert filled.city == "(placeholder: city)"
    assert filled.items == [Item(size=Size.LARGE, number=1, gift=False)]
    assert filled.budget is None


class Quote(BaseModel):
    summary: str
    rate: float = Field(description="The rate, in percent")


async def test_with_tools_the_answer_goes_through_set_model_response():
    def cost(loan_amount: float, years: int) -> dict:
        """Computes the cost of a loan.

        Args:
            loan_amount: The sum borrowed, in pounds.
            years: The term, in whole years.
        """
        return {"summary": f"{loan_amount:g} over {years}", "rate": 4.25}

    model = CountingOffline()
    root = LlmAgent(name="Quoter", model=model, tools=[cost], output_schema=Quote)

    (heard,) = await talk(root, model, "What would a £900 loan over 2 years cost?")

    assert heard.names == ["Quoter -> cost", "Quoter -> set_model_response"]
    assert json.loads(heard.answer) == {"summary": "900 over 2", "rate": 4.25}


async def test_a_task_ends_in_the_shape_of_its_agent():
    model = CountingOffline()
    quoter = LlmAgent(
        name="Quoter",
        model=model,
        mode="task",
        description="Computes the monthly cost of a loan on a home.",
        tools=[monthly_cost],
        output_schema=Quote,
    )
    root = LlmAgent(name="Lead", model=model, description="Leads.", sub_agents=[quoter])

    (heard,) = await talk(root, model, "What would a £900 home loan at 4% over 2 years cost?")

    finished = {"summary": "£900 at 4% for 2 years", "rate": 0}
    assert heard.steps[-1] == f"Quoter -> finish_task{finished}"
    assert heard.answer == "£900 at 4% for 2 years"


async def test_an_agent_called_with_a_schema_gets_its_arguments():
    class Loan(BaseModel):
        loan_amount: float = Field(description="The home loan, in pounds")
        annual_rate_percent: float = Field(description="The rate, in percent")
        years: int

    model = CountingOffline()
    costs = LlmAgent(
        name="Costs",
        model=model,
        description="Computes the monthly cost of a loan on a home.",
        tools=[monthly_cost],
        input_schema=Loan,
    )
    root = LlmAgent(name="Lead", model=model, tools=[AgentTool(costs)])

    (heard,) = await talk(root, model, "What would a £900 home loan at 4% over 2 years cost?")

    assert heard.steps == [
        "Lead -> Costs{'loan_amount': 900, 'annual_rate_percent': 4, 'years': 2}"
    ]
    assert heard.answer == "£900 at 4% for 2 years"


LEAF = st.sampled_from(
    [
        {"type": "string"},
        {"type": "string", "minLength": 3, "maxLength": 6},
        {"type": "number", "minimum": 0, "maximum": 5},
        {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        {"type": "integer", "minimum": 3},
        {"type": "integer", "minimum": 1, "multipleOf": 5},
        {"type": "integer", "minimum": -5, "maximum": -2},
        {"type": "boolean"},
        {"type": "null"},
        {"type": ["string", "null"]},
        {"anyOf": [{"type": "number"}, {"type": "null"}]},
        {"enum": ["Leeds", "none"]},
        {"const": 3},
        {"$ref": "#/$defs/Part"},
        {},
    ]
)
NAME = st.sampled_from(["years", "loan_amount", "name", "query", "summary", "city", "goal"])
SCHEMA = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.dictionaries(NAME, inner, max_size=4).map(
            lambda parts: {
                "type": "object",
                "properties": parts,
                "required": sorted(parts)[:2],
                "additionalProperties": False,
            }
        ),
        inner.map(lambda item: {"type": "array", "items": item, "minItems": 1, "maxItems": 3}),
    ),
    max_leaves=8,
)
QUESTION = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["£250,000 at 4.5% over 25 years in Leeds?", "yes, and no", "a, b and c"]),
)


@given(SCHEMA, QUESTION)
async def test_every_answer_is_valid_against_its_schema(schema, question):
    part = {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}
    whole = schema | {"$defs": {"Part": part}}

    jsonschema.validate(await answer(whole, question), whole)
