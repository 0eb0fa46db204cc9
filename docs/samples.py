"""Apps of random shapes, run under every construct as a drafted plan says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from random import Random
from typing import Any

from google.adk.agents.llm_agent import LlmAgent
from google.adk.apps import App
from google.adk.tools.agent_tool import AgentTool
from google.adk.tools.function_tool import FunctionTool

from adk_flow.comparison.variants import make_variants
from adk_flow.laws.grid import run_talk
from adk_flow.laws.prediction import UNPREDICTABLE, SampleRow
from adk_flow.laws.team import read_team
from adk_flow.laws.terms import terms_of_turns
from adk_flow.wiring import CONSTRUCTS

_TEXT = "ask the user which order they mean and answer in short plain sentences about it"
_WORDS = _TEXT.split()


def make_sample(seed: int) -> App:
    """Makes an app of a lead and specialists, some with tools, some with agents of their own."""
    dice = Random(seed)
    names = (f"{'_'.join(dice.sample(_WORDS, dice.randint(1, 3)))}_{n}" for n in range(99))
    team = [_agent(dice, names, below=2) for _ in range(dice.choice([1, 2, 2, 3, 3, 4, 5]))]
    lead = _agent(dice, names, below=0, tools=dice.choice([0, 0, 0, 1, 2]))
    called = dice.random() < 0.3
    lead.tools += [AgentTool(agent) for agent in team] if called else []
    lead = lead.clone({} if called else {"sub_agents": team})
    return App(name="sample", root_agent=lead)


def run_sample(seed: int) -> list[SampleRow]:
    """Runs a sample: half are asked one thing with two follow-ups, others all at once."""
    app = make_sample(seed)
    team = asyncio.run(read_team(app))
    topics, follow_ups = (len(team.specialists), 0) if seed % 2 else (1, 2)
    talk = team.conversation(topics, follow_ups)
    constructs = [name for name in CONSTRUCTS if name not in UNPREDICTABLE]
    return [
        SampleRow(name, terms, figures)
        for name, wired in make_variants(app, constructs).apps.items()
        for terms, figures in zip(
            terms_of_turns(team, name, topics, follow_ups),
            asyncio.run(run_talk(wired, talk, name)),
            strict=False,
        )
    ]


def _agent(dice: Random, names: Iterator[str], *, below: int, tools: int | None = None) -> LlmAgent:
    name = next(names)
    count = dice.choice([0, 1, 1, 2, 4]) if tools is None else tools
    inner = dice.randint(1, 2) if below and dice.random() < 0.2 else 0
    helpers = [_agent(dice, names, below=below - 1) for _ in range(inner)]
    called = dice.random() < 0.5
    return LlmAgent(
        name=name,
        model="gemini-2.5-flash",
        description=_text(dice, 0, 25),
        instruction=_text(dice, 5, dice.choice([30, 150, 600])),
        tools=[
            *(_tool(dice, f"{name}_tool_{number}") for number in range(count)),
            *(AgentTool(helper) for helper in helpers if called),
        ],
        sub_agents=[] if called else [*helpers],
    )


def _text(dice: Random, least: int, most: int) -> str:
    return " ".join(dice.choices(_WORDS, k=dice.randint(least, most)))


def _tool(dice: Random, name: str) -> FunctionTool:
    arguments = ", ".join(f"part_{number}: str" for number in range(dice.randint(0, 3)))
    scope: dict[str, Any] = {"__name__": __name__}
    exec(f"def {name}({arguments}) -> str: ...", scope)
    function = scope[name]
    function.__doc__ = _text(dice, 3, 40)
    return FunctionTool(function)
