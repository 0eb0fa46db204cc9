"""Where the offline model sends a question: real ADK runs of agent trees of several trades."""

import pytest
from google.adk.agents import LlmAgent
from google.adk.tools.agent_tool import AgentTool

from tests.doubles.command import run_program
from tests.doubles.desk import ROOT
from tests.models.offline.test_conversations import CountingOffline, talk

MONEY = {
    "Mortgage_Agent": "Answers questions about mortgages and buying a home: repayments, rates, "
    "deposits, affordability, remortgaging and stamp duty.",
    "Investment_Agent": "Answers questions about saving and investing: shares, funds, bonds, ISAs, "
    "dividends, portfolios and how savings grow.",
    "Pension_Agent": "Answers questions about pensions and retirement: workplace and personal "
    "pensions, contributions, tax relief, allowances and the State Pension.",
}
CITY = {
    "Weather_Agent": "Tells the current weather and the forecast for any city.",
    "Transit_Agent": "Plans journeys by bus, train and tram, with times and delays.",
    "News_Agent": "Summarises today's news headlines, politics and sport.",
}
SERVICE = {
    "billing": "Handles invoices, payments, refunds and charges on the customer's account.",
    "tech": "Solves technical problems with the app, the website, passwords and devices.",
    "orders": "Tracks orders, deliveries and returns of products.",
}


def tree(descriptions: dict[str, str], called: bool = False) -> tuple[LlmAgent, CountingOffline]:
    """A lead over specialists who have a description and nothing else."""
    model = CountingOffline()
    agents = [
        LlmAgent(name=name, model=model, description=description)
        for name, description in descriptions.items()
    ]
    root = LlmAgent(
        name="Lead",
        model=model,
        description="Leads the others and finds the right one.",
        tools=[AgentTool(agent) for agent in agents] if called else [],
        sub_agents=[] if called else list(agents),
    )
    return root, model


QUESTIONS = [
    (MONEY, "Mortgage_Agent", "Should we fix our mortgage for two years or for five?"),
    (MONEY, "Mortgage_Agent", "How big a deposit do I need to buy a flat?"),
    (MONEY, "Mortgage_Agent", "What do lenders look at when we want to borrow for a house?"),
    (MONEY, "Investment_Agent", "Are index funds safer than picking single companies?"),
    (MONEY, "Investment_Agent", "what is the ISA allowance?"),
    (MONEY, "Investment_Agent", "Why did the share price fall after good earnings?"),
    (MONEY, "Pension_Agent", "When can I take my State Pension?"),
    (MONEY, "Pension_Agent", "How many years of National Insurance until I may retire?"),
    (MONEY, "Pension_Agent", "My employer matches contributions, should I pay in more?"),
    (CITY, "Weather_Agent", "Will it rain in Paris tomorrow?"),
    (CITY, "Weather_Agent", "How cold is it in Berlin right now?"),
    (CITY, "Transit_Agent", "Is the number 12 bus running late?"),
    (CITY, "Transit_Agent", "When is the next train to York?"),
    (CITY, "News_Agent", "What are the headlines this morning?"),
    (CITY, "News_Agent", "What happened in parliament today?"),
    (SERVICE, "billing", "Why was I charged twice on my invoice?"),
    (SERVICE, "tech", "How do I reset my password?"),
    (SERVICE, "orders", "When will my delivery arrive?"),
]


@pytest.mark.parametrize(("descriptions", "specialist", "question"), QUESTIONS)
async def test_a_question_goes_to_the_specialist_it_is_for(descriptions, specialist, question):
    (transferred,) = await talk(*tree(descriptions), question)
    (called,) = await talk(*tree(descriptions, called=True), question)

    assert transferred.steps == [f"Lead -> transfer_to_agent{{'agent_name': '{specialist}'}}"]
    assert called.steps[0].startswith(f"Lead -> {specialist}")


FOREIGN = [
    "hello",
    "thanks",
    "asdf",
    "write me a poem",
    "🙂",
    "How do I tie a tie?",
    "Tell me a joke",
]


@pytest.mark.parametrize("descriptions", [MONEY, CITY, SERVICE], ids=["money", "city", "service"])
@pytest.mark.parametrize("question", FOREIGN)
async def test_what_nobody_is_for_is_asked_about(descriptions, question):
    (heard,) = await talk(*tree(descriptions), question)

    assert heard.steps == []
    assert heard.author == "Lead"
    assert heard.answer.endswith("What would you like to know?")
    for description in descriptions.values():
        assert description in heard.answer


async def test_what_is_foreign_in_mid_conversation_is_asked_about_by_the_lead():
    _, thanked, weather = await talk(
        *tree(MONEY), "When can I take my State Pension?", "thanks", "What's the weather in Leeds?"
    )

    assert (thanked.author, thanked.steps) == ("Pension_Agent", [])
    assert weather.author == "Lead"
    assert weather.steps == ["Pension_Agent -> transfer_to_agent{'agent_name': 'Lead'}"]
    assert weather.answer.endswith("What would you like to know?")


async def test_the_conversation_moves_from_peer_to_peer_as_the_topic_changes():
    heard = await talk(
        *tree(MONEY),
        "Are index funds safer than single shares?",
        "And how do dividends from such funds get paid?",
        "How do repayments on a mortgage work?",
        "When can I take my State Pension?",
        "Back to shares and bonds: which grow faster?",
    )

    assert [one.author for one in heard] == [
        "Investment_Agent",
        "Investment_Agent",
        "Mortgage_Agent",
        "Pension_Agent",
        "Investment_Agent",
    ]
    assert [len(one.steps) for one in heard] == [1, 0, 1, 1, 1]


async def test_nobody_is_gone_back_to_in_a_turn():
    """Two specialists who each only know the other one's trade do not pass a question around."""
    model = CountingOffline()
    cats = LlmAgent(name="Cats", model=model, description="Knows all about cats and kittens.")
    dogs = LlmAgent(name="Dogs", model=model, description="Knows all about dogs and puppies.")
    root = LlmAgent(name="Lead", model=model, description="Leads.", sub_agents=[cats, dogs])

    heard = await talk(
        root, model, "Is my kitten healthy?", "Is my puppy healthy?", "Cats and dogs, dogs or cats?"
    )

    assert all(one.llm_calls - before <= 3 for one, before in zip(heard, (0, 2, 4), strict=True))


async def test_a_specialist_who_gets_what_only_the_lead_can_place_hands_it_up():
    model = CountingOffline()
    mortgages, savings, pensions = (
        LlmAgent(name=name, model=model, description=description)
        for name, description in MONEY.items()
    )
    root = LlmAgent(
        name="Lead",
        model=model,
        description="Leads the money desk.",
        tools=[AgentTool(mortgages)],
        sub_agents=[savings, pensions],
    )

    _, handed = await talk(
        root, model, "Are index funds safer than shares?", "How do I remortgage my home?"
    )

    assert handed.names == ["Investment_Agent -> transfer_to_agent", "Lead -> Mortgage_Agent"]


async def test_a_deeper_tree_is_gone_down_and_up():
    model = CountingOffline()

    def agent(name: str, description: str, *below: LlmAgent) -> LlmAgent:
        return LlmAgent(name=name, model=model, description=description, sub_agents=list(below))

    root = agent(
        "Door",
        "Front door of the company.",
        agent(
            "Staff_Lead",
            "Leads staff matters: holiday, salary and sick leave.",
            agent("Leave_Agent", "Answers questions about holiday and sick leave."),
            agent("Pay_Agent", "Answers questions about salary and payslips."),
        ),
        agent("Canteen_Agent", "Tells the menu of the canteen: meals, dishes and prices of food."),
    )

    leave, pay, food = await talk(
        root,
        model,
        "How many days of holiday do I have?",
        "When is my salary paid?",
        "Which dishes are on the menu of the canteen?",
    )

    assert leave.author == "Leave_Agent"
    assert pay.steps == ["Leave_Agent -> transfer_to_agent{'agent_name': 'Pay_Agent'}"]
    assert food.author == "Canteen_Agent"


async def test_a_plain_agent_says_that_it_cannot_write():
    model = CountingOffline()
    (heard,) = await talk(LlmAgent(name="Writer", model=model), model, "Write about a fox")

    assert "“Write about a fox”" in heard.answer
    assert "no language model" in heard.answer


async def test_how_something_works_is_looked_up_and_not_calculated():
    def repayment(loan_amount: float, years: int) -> dict:
        """Computes the repayment on a mortgage.

        Args:
            loan_amount: The mortgage, in pounds.
            years: The term.
        """
        return {"summary": "a figure"}

    def look_up_mortgages(question: str) -> dict:
        """Looks up how mortgages work."""
        return {"summary": f"looked up: {question}"}

    model = CountingOffline()
    root = LlmAgent(name="Mortgages", model=model, tools=[repayment, look_up_mortgages])
    questions = [
        "How does a repayment mortgage work?",
        "Should I take a £200,000 mortgage over 20 years?",
        "Why are mortgage repayments so high?",
        "What is a repayment mortgage?",
    ]

    heard = await talk(root, model, *questions)
    (figure,) = await talk(root, model, "What is the repayment on a £9,000 mortgage over 9 years?")

    assert [one.answer for one in heard] == [f"looked up: {question}" for question in questions]
    assert figure.answer == "a figure"


async def test_a_tool_that_fits_weakly_is_not_called():
    def repayment(loan_amount: float) -> dict:
        """Computes the repayment on a mortgage."""
        return {"summary": "a figure"}

    model = CountingOffline()
    root = LlmAgent(name="Mortgages", model=model, tools=[repayment])

    heard = await talk(root, model, "What's 17 times 23?", "A good phone under 300 pounds?")

    assert [one.steps for one in heard] == [[], []]


def test_the_benchmark_skips_with_a_line_when_it_is_given_no_file():
    ran = run_program("python", ROOT / "benchmarks" / "routing.py", "nowhere.jsonl", folder=ROOT)

    assert (ran.returncode, ran.stdout) == (0, "routing: skipped, no file of questions given\n")
