"""Conversations with the offline model: a small advice desk under every construct."""

from collections import Counter
from collections.abc import AsyncGenerator
from typing import Any, NamedTuple

import pytest
from google.adk.agents import LlmAgent
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.adk.tools.agent_tool import AgentTool
from google.genai import types
from pydantic import Field

from adk_flow.models import Offline

COST = "What would a £200,000 loan at 5% over 20 years cost a month?"
THREE = (
    "What would a £200,000 loan at 5% over 20 years cost a month, how much would £300 a month "
    "grow to in 10 years at 4%, and when can I take my State Pension?"
)
ALL_THREE = (
    "£200000 at 5% for 20 years\n\n£300 a month for 10 years\n\n"
    "Of pensions: when can I take my State Pension?"
)


class CountingOffline(Offline):
    """The offline model, noting whose calls it answered."""

    called: list[str] = Field(default_factory=list)

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        self.called.append((llm_request.config.labels or {}).get("adk_agent_name", ""))
        async for response in super().generate_content_async(llm_request, stream):
            yield response


class Heard(NamedTuple):
    """What one message brought about."""

    steps: list[str]
    """Who called or transferred to whom, in order: "Root -> Loans(request=…)"."""
    author: str
    answer: str
    llm_calls: int
    """Of the whole conversation so far."""

    @property
    def names(self) -> list[str]:
        """The steps without what was asked."""
        return [step.split("{")[0] for step in self.steps]


async def talk(root: LlmAgent, model: CountingOffline, *messages: str) -> list[Heard]:
    """Sends messages in one session."""
    runner = Runner(
        app_name="app",
        agent=root,
        session_service=InMemorySessionService(),
        auto_create_session=True,
    )
    heard = []
    for message in messages:
        steps, author, answer = [], "", ""
        async for event in runner.run_async(
            user_id="user", session_id="session", new_message=types.UserContent(message)
        ):
            for part in event.content.parts or [] if event.content else []:
                if call := part.function_call:
                    steps.append(f"{event.author} -> {call.name}{call.args or ''}")
                elif part.text:
                    author, answer = event.author, part.text
        heard.append(Heard(steps, author, answer, len(model.called)))
    return heard


def monthly_cost(loan_amount: float, annual_rate_percent: float, years: int) -> dict:
    """Computes the monthly cost of a loan on a home.

    Args:
        loan_amount: The home loan, in pounds.
        annual_rate_percent: The interest rate a year, in percent.
        years: The term, in whole years.
    """
    return {"summary": f"£{loan_amount:g} at {annual_rate_percent:g}% for {years} years"}


def saved_up(monthly_saving: float, annual_growth_percent: float, years: int) -> dict:
    """Computes what saving the same sum every month grows to.

    Args:
        monthly_saving: The sum saved, in pounds a month.
        annual_growth_percent: Growth a year, in percent.
        years: How long saving goes on, in whole years: the value after them.
    """
    return {"summary": f"£{monthly_saving:g} a month for {years} years"}


def look_up_loans(question: str) -> dict:
    """Looks up how home loans work: rules, costs and choices."""
    return {"summary": f"Of loans: {question}"}


def look_up_savings(question: str) -> dict:
    """Looks up how saving and investing work: rules, limits and choices."""
    return {"summary": f"Of savings: {question}"}


def look_up_pensions(question: str) -> dict:
    """Looks up how pensions work: rules, limits and choices."""
    return {"summary": f"Of pensions: {question}"}


SPECIALISTS = {
    "Loans": (
        "Answers questions about home loans: repayments, interest rates and house prices.",
        [monthly_cost, look_up_loans],
    ),
    "Savings": (
        "Answers questions about saving and investing: shares, funds and how savings grow.",
        [saved_up, look_up_savings],
    ),
    "Pensions": (
        "Answers questions about pensions and retirement, and the State Pension.",
        [look_up_pensions],
    ),
}


def desk(construct: str) -> tuple[LlmAgent, CountingOffline]:
    """Wires the lead and its three specialists in one of ADK's ways."""
    model = CountingOffline()
    options: dict[str, Any] = {"mode": construct} if construct in ("single_turn", "task") else {}
    agents = [
        LlmAgent(name=name, model=model, description=knows, tools=[*tools], **options)
        for name, (knows, tools) in SPECIALISTS.items()
    ]
    skip = construct == "agent_tool_skip_summarization"
    called = [AgentTool(agent, skip_summarization=skip) for agent in agents]
    wired: dict[str, tuple[list[Any], list[Any]]] = {
        "single_agent": ([tool for agent in agents for tool in agent.tools], []),
        "mixed": (called[:1], agents[1:]),
        "agent_tool": (called, []),
        "agent_tool_skip_summarization": (called, []),
    }
    tools, below = wired.get(construct, ([], agents))
    root = LlmAgent(
        name="Lead",
        model=model,
        description="Leads the money desk and finds the right specialist.",
        tools=tools,
        sub_agents=below,
    )
    return root, model


@pytest.mark.parametrize(
    ("construct", "after_first", "after_second"),
    [
        ("single_agent", 2, 4),
        ("transfer", 3, 5),
        ("agent_tool", 4, 8),
        ("agent_tool_skip_summarization", 3, 6),
        ("single_turn", 4, 8),
        ("task", 4, 8),
        ("mixed", 4, 8),
    ],
)
async def test_a_follow_up_costs_what_its_construct_costs(construct, after_first, after_second):
    first, second = await talk(*desk(construct), COST, "And over 30 years?")

    assert first.answer == "£200000 at 5% for 20 years"
    assert second.answer == (
        "£200000 at 5% for 30 years\n\n(As before: loan amount, annual rate percent.)"
    )
    assert (first.llm_calls, second.llm_calls) == (after_first, after_second)


async def test_called_specialists_get_a_part_each_in_one_turn():
    root, model = desk("agent_tool")

    (heard,) = await talk(root, model, THREE)

    assert heard.names == ["Lead -> Loans", "Lead -> Savings", "Lead -> Pensions"]
    assert Counter(model.called) == {"Lead": 2, "Loans": 2, "Savings": 2, "Pensions": 2}
    assert heard.answer == ALL_THREE


async def test_one_agent_with_all_tools_calls_them_side_by_side():
    (heard,) = await talk(*desk("single_agent"), THREE)

    assert len(heard.steps) == 3
    assert heard.llm_calls == 2


async def test_by_transfer_each_does_its_part_and_the_last_tells_all():
    (heard,) = await talk(*desk("transfer"), THREE)

    assert heard.names == [
        "Lead -> transfer_to_agent",
        "Loans -> monthly_cost",
        "Loans -> transfer_to_agent",
        "Savings -> saved_up",
        "Savings -> transfer_to_agent",
        "Pensions -> look_up_pensions",
    ]
    assert heard.author == "Pensions"
    assert heard.answer == ALL_THREE


async def test_task_agents_are_called_one_after_the_other():
    (heard,) = await talk(*desk("task"), THREE)

    assert [name for name in heard.names if name.startswith("Lead")] == [
        "Lead -> Loans",
        "Lead -> Savings",
        "Lead -> Pensions",
    ]
    assert sum("finish_task" in step for step in heard.steps) == 3


async def test_only_the_lead_can_reach_the_called_specialist():
    savings, loans, more = await talk(
        *desk("mixed"), "How do index funds work?", COST, "How do shares differ from funds?"
    )

    assert savings.author == "Savings"
    assert loans.names == ["Savings -> transfer_to_agent", "Lead -> Loans"]
    assert loans.answer == "£200000 at 5% for 20 years"
    assert more.author == "Savings"


@pytest.mark.parametrize("construct", ["single_agent", "transfer", "agent_tool", "task", "mixed"])
async def test_what_is_missing_is_asked_for_and_the_answer_completes_the_call(construct):
    asked, answered = await talk(
        *desk(construct), "What would a £200,000 loan over 20 years cost a month?", "5%"
    )

    assert asked.answer == ("What is the interest rate a year, in percent (annual rate percent)?")
    assert answered.answer == "£200000 at 5% for 20 years\n\n(As before: loan amount, years.)"


async def test_several_missing_figures_are_answered_in_one_go():
    asked, answered = await talk(
        *desk("transfer"), "What would a £200,000 loan cost a month?", "5% and 20 years"
    )

    assert asked.answer.count("What is the") == 2
    assert answered.answer == "£200000 at 5% for 20 years\n\n(As before: loan amount.)"


async def test_an_answer_of_the_wrong_kind_is_asked_for_again():
    asked, again = await talk(
        *desk("transfer"), "What would a £200,000 loan over 20 years cost a month?", "£900"
    )

    assert "no sure place for “£900”" in again.answer
    assert again.answer.endswith(asked.answer)


async def test_a_new_question_is_no_answer_to_the_question_back():
    _, changed = await talk(
        *desk("transfer"), "What would a £200,000 loan cost a month?", "How do index funds work?"
    )

    assert (changed.author, changed.answer) == (
        "Savings",
        "Of savings: How do index funds work?",
    )


async def test_thanks_are_not_followed_up():
    *_, thanked, further = await talk(*desk("agent_tool"), COST, "thanks", "And at 6%?")

    assert thanked.answer.endswith("What would you like to know?")
    assert further.answer == "£200000 at 6% for 20 years\n\n(As before: loan amount, years.)"


async def test_a_part_that_nobody_answers_is_named():
    (heard,) = await talk(*desk("agent_tool"), f"{COST} And what is the weather in Leeds?")

    assert heard.answer == (
        "£200000 at 5% for 20 years\n\n"
        "Not answered, as nothing here fits it: “what is the weather in Leeds?”"
    )


async def test_a_bare_follow_up_names_another_place():
    def get_weather(city: str) -> dict:
        """Retrieves the current weather report for a specified city."""
        return {"report": f"Sunny in {city}"}

    model = CountingOffline()
    root = LlmAgent(name="Weather", model=model, tools=[get_weather])

    heard = await talk(root, model, "What is the weather in New York?", "And in Paris?")

    assert [one.answer for one in heard] == ["report: Sunny in New York", "report: Sunny in Paris"]


async def test_an_error_is_told_plainly():
    def stamp_duty(property_price: float) -> dict:
        """Computes the stamp duty on buying a home."""
        return {"error": "property_price must be at least 1"}

    model = CountingOffline()
    root = LlmAgent(name="Lead", model=model, tools=[stamp_duty])

    (heard,) = await talk(root, model, "How much is stamp duty on £0?")

    assert heard.answer == "That did not work: property_price must be at least 1"


async def test_a_task_agent_asked_something_else_hands_back():
    _, changed = await talk(
        *desk("task"), "What would a £200,000 loan cost a month?", "When can I retire?"
    )

    assert "Loans -> finish_task" in changed.names
