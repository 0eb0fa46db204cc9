"""Facts that were dropped on purpose on their way to a specialist and to the user."""

import random
from typing import Any, NamedTuple

import pytest
from google.adk.tools.agent_tool import AgentTool
from google.adk.workflow import START, Workflow

from adk_flow.analysis.relay import trace_relays
from adk_flow.analysis.relay.facts import LOOSE, lost_facts, read_facts
from adk_flow.models.scripted import Scripted, call
from tests.doubles.findings import found
from tests.doubles.flow import agent, record

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
NAMES = ["Ann Lee", "Bob Hart", "Carla Diaz", "Dev Rao"]


class Planted(NamedTuple):
    """A fact, known by what it is, with the ways in which it is written."""

    key: str
    spellings: list[str]


def money(dice: random.Random) -> Planted:
    pounds = dice.randrange(1, 900) * dice.choice([10, 100, 1_000])
    spellings = [f"£{pounds:,}", f"{pounds:,} pounds", f"£{pounds}", f"**£{pounds:,}**"]
    if pounds % 1_000 == 0:
        spellings += [f"£{pounds // 1_000}k", f"{pounds // 1_000} thousand pounds"]
    pence = dice.randrange(1, 100)
    if dice.random() < 0.3:
        spellings = [f"£{pounds:,}.{pence:02}", f"{pounds:,}.{pence:02} pounds"]
        return Planted(f"pounds {pounds}.{pence:02}", spellings)
    return Planted(f"pounds {pounds}", spellings)


def percent(dice: random.Random) -> Planted:
    rate = dice.randrange(5, 150) / 10
    forms = [f"{rate:g}%", f"{rate:g} per cent", f"{rate:g} percent", f"{rate:.2f}%"]
    return Planted(f"percent {rate:g}", forms)


def duration(dice: random.Random) -> Planted:
    years = dice.randrange(2, 41)
    spellings = [f"{years} years", f"{years} yrs", f"{years * 12} months", f"{years}-year"]
    return Planted(f"months {years * 12}", spellings)


def date(dice: random.Random) -> Planted:
    day, month, year = dice.randrange(13, 29), dice.randrange(12), dice.randrange(1980, 2040)
    long, short = MONTHS[month], MONTHS[month][:3]
    forms = [f"{day} {long} {year}", f"{long} {day}, {year}", f"{day} {short} {year}"]
    forms += [f"the {day}th of {long} {year}", f"{year}-{month + 1:02}-{day:02}"]
    return Planted(f"date {year}-{month + 1}-{day}", [*forms, f"{day}/{month + 1:02}/{year}"])


def name(dice: random.Random) -> Planted:
    person = dice.choice(NAMES)
    return Planted(f"name {person}", [person, person.upper()])


KINDS = (money, percent, duration, date, name)


def plant(dice: random.Random, number: int, taken: set[str]) -> list[Planted]:
    facts: list[Planted] = []
    while len(facts) < number:
        fact = dice.choice(KINDS)(dice)
        # One that might be another, rounded or in another unit, proves nothing.
        if not any(_is_near(fact.key, key) for key in taken):
            taken.add(fact.key)
            facts.append(fact)
    return facts


def _is_near(key: str, other: str) -> bool:
    unit, _, value = key.partition(" ")
    other_unit, _, other_value = other.partition(" ")
    if unit in ("date", "name") or other_unit in ("date", "name"):
        return key == other
    one, two = float(value), float(other_value)
    return unit == other_unit and abs(one - two) <= 0.02 * max(one, two)


LINES = ("I was thinking of {}.", "There is {} to bear in mind.", "Also {}, please.", "It says {}.")


def write(dice: random.Random, facts: list[Planted]) -> str:
    facts = dice.sample(facts, len(facts))
    return " ".join(dice.choice(LINES).format(dice.choice(fact.spellings)) for fact in facts)


class Live(Scripted):
    """Stands for a language model."""

    model: str = "live"


def conversation(seed: int) -> tuple[Any, str, set[tuple[str, str]]]:
    """Makes a team, a question, and the facts that are dropped, each with who said it."""
    dice, taken = random.Random(seed), set[str]()
    asked, told = (plant(dice, dice.randrange(2, 6), taken) for _ in range(2))
    kept, read = ([fact for fact in facts if dice.random() < 0.7] for facts in (asked, told))
    answer = f"I found this. {write(dice, [*told, *kept[:1]])}"
    asking = call("Loans", request=f"Please look. {write(dice, kept)}")
    mode: Any = dice.choice([None, None, None, "task", "node"])
    if mode == "node":  # what it answers is read by the user
        model = Live(script={"Root": [f"Please look. {write(dice, kept)}"], "Loans": [answer]})
        stages = agent("Root", model), agent("Loans", model)
        graph = Workflow(name="graph", edges=[(START, *stages)])
        dropped = {("user", fact.key) for fact in asked if fact not in kept}
        return graph, f"Hello! {write(dice, asked)}", dropped
    last = call("finish_task", result=answer) if mode else answer
    model = Live(script={"Root": [asking, f"So: {write(dice, read)}"], "Loans": [last]})
    loans = agent("Loans", model, mode=mode)
    wired: dict[str, Any] = {"sub_agents": [loans]} if mode else {"tools": [AgentTool(loans)]}
    dropped = {("user", fact.key) for fact in asked if fact not in kept}
    dropped |= {("Loans", fact.key) for fact in told if fact not in read}
    return agent("Root", model, **wired), f"Hello! {write(dice, asked)}", dropped


def key_of(written: str) -> str:
    """Says what a fact is that the detector names as it is written."""
    (fact,) = [one for one in read_facts(written, NAMES) if one.unit != LOOSE]
    if fact.dates:
        ((year, month, day),) = fact.dates
        return f"date {year}-{month}-{day}"
    if fact.unit == "name":
        return f"name {fact.text}"
    if fact.unit in ("years", "months"):
        return f"months {round(fact.value * (12 if fact.unit == 'years' else 1))}"
    cents = f"{fact.value:.2f}".removesuffix(".00")
    return f"{fact.unit} {f'{fact.value:g}' if fact.unit == 'percent' else cents}"


@pytest.mark.parametrize(
    "seeds", [range(100), pytest.param(range(100, 500), marks=pytest.mark.environments)]
)
async def test_each_dropped_fact_is_found_and_no_other(seeds, tmp_path):
    right = wrong = missed = 0
    for seed in seeds:
        root, question, dropped = conversation(seed)
        flow = await record(root, [question], tmp_path / str(seed))
        found_lost = {
            (relay.source, key_of(fact))
            for relay in trace_relays(flow.trace, NAMES)
            for fact in relay.lost
        }
        right += len(found_lost & dropped)
        wrong += len(found_lost - dropped)
        missed += len(dropped - found_lost)

    assert right > len(seeds)
    assert right / (right + wrong) >= 0.98
    assert right / (right + missed) >= 0.98


@pytest.mark.parametrize(
    ("said", "told", "lost"),
    [
        ("£1,389.58 a month", "about £1,390", []),
        ("£1,389.58 a month", "£16,674.96 a year", []),
        ("£10,000 and £5,000", "£15,000 in all", []),
        ("£10,000 at 5%", "£500 of interest", []),
        ("£10,000 at 5%", "£700", ["£10,000", "5%"]),
        ("£10,000", "$10,000", ["£10,000"]),
        ("10k over 25 years", '{"loan_amount": 10000, "years": 25}', []),
        ("4.5%", '{"rate": 0.045}', []),
        ("18 months", "1.5 years", []),
        ("on 12 March", "on 12 March 2026", []),
        ("on 03/04/2026", "on 3 April 2026", []),
        ("on 3 April 2026", "on 4 April 2026", ["3 April 2026"]),
        ("Ann Lee and Bob Hart", "Ann  lee", ["Bob Hart"]),
        ("£5,000-£6,000", "five thousand pounds", ["£6,000"]),
        ("see 3 notes of 2025", "none", []),
    ],
)
def test_what_was_computed_or_written_otherwise_is_not_lost(said, told, lost):
    facts = lost_facts(read_facts(said, NAMES), read_facts(told, NAMES))

    assert [fact.text for fact in facts] == lost


async def test_a_finding_names_both_ways_and_none_is_told_of_a_plans_requests(tmp_path):
    script = {
        "Root": [call("Loans", request="What does £250,000 cost?"), "It is fine."],
        "Loans": ["£1,389.58 a month."],
    }
    texts = [
        "The user said 4.5%, of 2 facts, and it reached none of Loans.",
        "Loans answered £1,389.58 a month, of 1 fact, and the user does not read it.",
    ]
    for model, expected in ((Live(script=script), texts), (Scripted(script=script), [])):
        root = agent("Root", model, tools=[AgentTool(agent("Loans", model))])
        question = "What does £250,000 cost at 4.5%?"
        _, findings = await found(root, [question], tmp_path / model.model, "withheld_fact")

        assert [finding.text for finding in findings] == expected
        assert {finding.mast for finding in findings} <= {"FM-2.4"}


async def test_who_takes_over_and_who_speaks_to_the_user_lose_nothing(tmp_path):
    script = {"Root": [call("Loans", request="£9"), "Fine."], "Loans": ["£1,389.58 a month."]}
    model = Live(script=script)
    root = agent("Root", model, sub_agents=[agent("Loans", model, mode="single_turn")])
    flow = await record(root, ["Hello"], tmp_path)

    assert [relay.lost for relay in trace_relays(flow.trace)] == [[], []]
