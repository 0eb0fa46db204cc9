"""Published claims about ways of wiring agents, beside what ADK's constructs take.

python docs/claims.py [--format json] [NAME]...

Each scenario is a small app and a planned conversation, which every construct answers with the same
decisions; what needs a model's judgement is listed as live only. docs/claims.md says of each claim
where it stands and how it is tried; `docs/readme.py` writes its figures there.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

os.environ["MODEL_NAME"] = "offline"

from google.adk.agents import LlmAgent
from google.adk.apps import App
from google.adk.evaluation import _efficiency_evaluators
from google.adk.evaluation.evaluation_generator import EvaluationGenerator
from google.adk.events.event import Event
from google.adk.runners import InMemoryRunner
from google.adk.tools.agent_tool import AgentTool
from google.genai import types

from adk_flow._text import plural
from adk_flow.analysis.findings.finding import MAST_MODES
from adk_flow.analysis.run_metrics import RunMetrics
from adk_flow.cli.output import silence_adk
from adk_flow.comparison.runner import compare
from adk_flow.models.scripted import Scripted, call
from adk_flow.scenario.conversation import AskedTurn, Conversation
from adk_flow.scenario.plan import PlannedCall, Task

PAGE = Path(__file__).with_name("claims.md")
AGREES, CONTRADICTS, LIVE = "agrees", "contradicts", "live only"
NEAR = 1 / 3
"""By how much tokens, overheads and speed-ups may differ and still agree."""
MOST_TOOLS = 40
"""Tools a specialist at which a crossing is no longer looked for."""
KNOWLEDGE = 2_000
"""Tokens of what each specialist knows."""
FAN_OUT = 10


class Row(NamedTuple):
    """One figure of a claim."""

    what: str
    published: str
    measured: str
    verdict: str


# Scenarios


def team(size: int, *, tools: int = 1, knowledge: int = 0) -> App:
    """Makes an app of a lead and some specialists, with tools and words of knowledge each."""
    instruction = "You lead. Pass each question on to the specialist whose domain it is in."
    specialists: list[Any] = [_specialist(number, tools, knowledge) for number in range(size)]
    lead = LlmAgent(name="Lead", model="offline", instruction=instruction, sub_agents=specialists)
    return App(name="claims", root_agent=lead)


def _specialist(number: int, tools: int = 1, knowledge: int = 0) -> LlmAgent:
    return LlmAgent(
        name=f"Domain_{number}",
        model="offline",
        description=f"Answers questions in domain {number}.",
        instruction=" ".join([f"You know domain {number}.", *["fact"] * knowledge]),
        tools=[_tool(number, table) for table in range(tools)],
    )


def _tool(domain: int, table: int) -> Callable[..., Any]:
    def look_up(topic: str) -> dict[str, str]:
        return {"found": topic}

    look_up.__name__ = f"look_up_{domain}_{table}"
    look_up.__doc__ = f"Looks a topic up in table {table} of domain {domain}."
    return look_up


def question(*domains: int, tools: int = 1, seconds: Sequence[float] = ()) -> AskedTurn:
    """Plans a message with a part for each of some domains; a tool takes so many seconds."""
    waits = [*seconds, *[0.0] * len(domains)]
    plan = [_task(domain, tools, wait) for domain, wait in zip(domains, waits, strict=False)]
    return AskedTurn(say=" ".join(str(task.ask) for task in plan), plan=plan)


def _task(domain: int, tools: int, seconds: float) -> Task:
    name = f"look_up_{domain}_0"
    planned = PlannedCall(name, args={"topic": "it"}, returns={"found": "it"}, seconds=seconds)
    ask, says = f"What is it in domain {domain}?", f"In domain {domain} it is that."
    return Task(f"Domain_{domain}", ask=ask, tools=[planned] * bool(tools), says=says)


def runs(app: App, turns: Sequence[AskedTurn], constructs: Sequence[str]) -> dict[str, RunMetrics]:
    """Holds one conversation under some constructs."""
    talk = Conversation(turns=list(turns))
    with tempfile.TemporaryDirectory() as folder:
        made = compare(app, {"talk": talk}, constructs, folder=Path(folder), jobs=1)
    measured = {run.construct: run for run in made.runs}
    failed = [name for name in constructs if name not in measured or measured[name].total.failed]
    if failed:
        raise RuntimeError(f"{failed}: {made.setting.skipped or made.runs}")
    return measured


def twice(size: int, constructs: Sequence[str], tools: int = 1) -> dict[str, RunMetrics]:
    """Asks the first of some specialists for one thing, and for the same again."""
    return runs(team(size, tools=tools), [question(0)] * 2, constructs)


def tokens(run: RunMetrics) -> int:
    """Counts the tokens of a run in both directions."""
    return run.total.tokens or 0


def calls_after(run: RunMetrics) -> list[int]:
    """Counts model calls by the end of each turn."""
    counts = [turn.llm_calls or 0 for turn in run.turns]
    return [sum(counts[: number + 1]) for number in range(len(counts))]


def verdict(holds: bool) -> str:
    """Says whether a figure bears a claim out."""
    return AGREES if holds else CONTRADICTS


def near(published: float, measured: float) -> str:
    """Says whether a figure is about as published."""
    return verdict(abs(measured - published) <= NEAR * abs(published))


def _percent(share: float, sign: str = "") -> str:
    return f"{100 * share:{sign}.0f} %"


# Claims


def one_task() -> list[Row]:
    """One task and its repeat, by constructs."""
    published = {
        "subagents": ("agent_tool", [4, 8]),
        "handoffs": ("transfer", [3, 5]),
        "skills": ("skills", [3, 5]),
        "router": ("router", [3, 6]),
    }
    rows, made = [], _one_task()
    for name, (construct, counts) in published.items():
        what, own = f"{name} (`{construct}`), model calls", calls_after(made[construct])
        rows.append(Row(what, _arrow(counts), _arrow(own), verdict(own == counts)))
    return rows


@cache
def _one_task() -> dict[str, RunMetrics]:
    return twice(3, ["agent_tool", "transfer", "skills", "router"])


def _arrow(counts: Sequence[int]) -> str:
    return "→".join(map(str, counts))


def three_domains() -> list[Row]:
    """One question in three domains, each with much knowledge."""
    published = {
        "agent_tool": ("subagents", 5, 9_000),
        "single_turn": ("subagents", 5, 9_000),
        "transfer": ("handoffs", 7, 14_000),
        "skills": ("skills", 3, 15_000),
        "coordinator": ("router", 5, 9_000),
        "router_many": ("router", 5, 9_000),
    }
    rows, made = [], _three_domains()
    for construct, (name, counted, spent) in published.items():
        calls, size = calls_after(made[construct])[-1], tokens(made[construct])
        is_open, what = name == "handoffs", f"{name} (`{construct}`), "
        fits, more = calls >= counted if is_open else calls == counted, "+" * is_open
        rows.append(Row(f"{what}model calls", f"{counted}{more}", f"{calls}", verdict(fits)))
        rows.append(Row(f"{what}tokens", f"{spent:,}{more}", f"{size:,}", near(spent, size)))
    tooled = runs(team(3), [question(0, 1, 2)], ["transfer"])["transfer"]
    calls = calls_after(tooled)[-1]
    rows.append(Row("handoffs, each with a tool to call", "7+", f"{calls}", verdict(calls >= 7)))
    alone = made["single_agent"]
    size = f"{plural(calls_after(alone)[-1], 'call')}, {tokens(alone):,} tokens"
    return [*rows, Row("a single agent", "not in the table", size, "–")]


@cache
def _three_domains() -> dict[str, RunMetrics]:
    names = ["single_agent", "agent_tool", "single_turn", "transfer", "skills", "coordinator"]
    asked = question(0, 1, 2, tools=0)
    return runs(team(3, tools=0, knowledge=KNOWLEDGE), [asked], [*names, "router_many"])


def fewer_tokens() -> list[Row]:
    """Subagents against skills, in tokens."""
    made = _three_domains()
    shares = {
        "saved by subagents, by the source's own table": 1 - 9 / 15,
        "saved by `agent_tool` against `skills`": 1
        - tokens(made["agent_tool"]) / tokens(made["skills"]),
    }
    return [Row(what, "67 %", _percent(own), near(0.67, own)) for what, own in shares.items()]


OVERHEADS = {
    "independent": ("parallel", 0.58),
    "centralised": ("agent_tool", 2.85),
    "decentralised": ("transfer", 2.63),
    "hybrid": ("mixed", 5.15),
}


def overhead() -> list[Row]:
    """What several agents take more than one, for a question and its follow-up."""
    made = twice(3, ["single_agent", *(construct for construct, _ in OVERHEADS.values())], tools=4)
    alone, rows = made["single_agent"], []
    for name, (construct, published) in OVERHEADS.items():
        calls = calls_after(made[construct])[-1] / calls_after(alone)[-1] - 1
        size = tokens(made[construct]) / tokens(alone) - 1
        measured = f"{_percent(calls, '+')} calls, {_percent(size, '+')} tokens"
        what = f"{name} (`{construct}`)"
        rows.append(Row(what, _percent(published, "+"), measured, near(published, calls)))
    return [
        *rows,
        _crossing(),
        Row("error amplification, independent and centralised", "17.2 ×, 4.4 ×", "–", LIVE),
        Row("the best architecture is predicted", "of 87 % of cases", "–", LIVE),
    ]


def _crossing() -> Row:
    tools = next(filter(_is_cheaper, range(1, MOST_TOOLS + 1)), 0)
    measured = f"{tools}" if tools else f"more than {MOST_TOOLS}"
    what = "tools a specialist from which on `agent_tool` takes fewer tokens than one agent"
    return Row(what, "not told", measured, "–")


def _is_cheaper(tools: int) -> bool:
    made = twice(3, ["single_agent", "agent_tool"], tools)
    return tokens(made["agent_tool"]) < tokens(made["single_agent"])


def multiples() -> list[Row]:
    """Tokens of a turn by the number of specialists asked, against a chat's."""

    def taken(number: int, construct: str, tools: int = 1) -> int:
        asked = question(*range(number), tools=tools)
        return tokens(runs(team(number, tools=tools), [asked], [construct])[construct])

    chat = taken(1, "single_agent", tools=0)
    tooled = taken(1, "single_agent") / chat
    ratios = {number: taken(number, "agent_tool") / chat for number in range(1, FAN_OUT + 1)}
    reached = next((number for number, ratio in ratios.items() if ratio >= 15), 0)
    listed = ", ".join(f"{number}: {ratio:.0f} ×" for number, ratio in ratios.items())
    what, measured = f"`agent_tool`, by specialists asked ({listed})", f"reached at {reached}"
    return [
        Row("an agent with one tool", "4 ×", f"{tooled:.1f} ×", near(4, tooled)),
        Row(what, "15 ×", measured if reached else "not reached", verdict(bool(reached))),
    ]


def distractors() -> list[Row]:
    """One question with more and more specialists whom it does not concern."""
    names = ["single_agent", "transfer", "agent_tool", "agent_tool_skip_summarization"]
    few, many = twice(1, names), twice(9, names)
    grown = ", ".join(f"`{n}` {tokens(many[n]) / tokens(few[n]):.1f} ×" for n in names[:3])
    called, forwarded = (few[name] for name in names[2:])
    saved = _percent(1 - calls_after(forwarded)[-1] / calls_after(called)[-1])
    less = _percent(1 - tokens(forwarded) / tokens(called))
    forwarding = f"{saved} of calls, {less} of tokens are saved; scores: live only"
    seen = f"tokens with 8 of them: {grown}"
    return [
        Row("a single agent falls with distractors", "yes", seen, LIVE),
        Row("swarm answers no worse than supervisor", "yes", "–", LIVE),
        Row("forwarding answers unchanged gains", "nearly 50 %, of scores", forwarding, LIVE),
    ]


def equal_budget() -> list[Row]:
    """One agent against several at the same number of tokens."""
    return [Row("one agent answers at least as well", "yes", "–", LIVE)]


def speed_up() -> list[Row]:
    """Three topics at once: the critical path of one agent after the other, against each."""
    published = {"coordinator": ("centralised", 1.36), "transfer": ("decentralised", 0.88)}
    names = ["single_agent", *published]
    even, uneven = (
        runs(team(3), [question(0, 1, 2, seconds=[1, 1, last])], names) for last in (1, 8)
    )
    alone = even["single_agent"].total.critical_path_microseconds
    rows = []
    for construct, (name, value) in published.items():
        ratio, what = alone / even[construct].total.critical_path_microseconds, f"(`{construct}`)"
        rows.append(Row(f"{name} {what}", f"{value} ×", f"{ratio:.2f} ×", near(value, ratio)))
    before, after = (_parallelism(made["coordinator"]) for made in (even, uneven))
    straggler = f"{before:.2f} × at once with even tools, {after:.2f} × with one of 8 s"
    rows.append(Row("a straggler eats the gain", "yes", straggler, verdict(after < before)))
    predicted = _amdahl(even["coordinator"])
    measured = f"predicted {predicted:.2f} ×, measured {before:.2f} ×"
    return [*rows, Row("Amdahl's law predicts a team", "yes", measured, near(predicted, before))]


def _work(run: RunMetrics, agent: str = "") -> float:
    """Adds up how long models and tools work, of one agent or all."""
    spans = [span for turn in run.spans for span in turn if agent in ("", span.agent)]
    return sum(span.took for span in spans)


def _parallelism(run: RunMetrics) -> float:
    return _work(run) / run.total.critical_path_microseconds


def _amdahl(run: RunMetrics) -> float:
    """Predicts the speed-up of three specialists from the share of work that is theirs."""
    share = 1 - _work(run, "Lead") / _work(run)
    return 1 / (1 - share + share / 3)


def failure_modes() -> list[Row]:
    """Which of MAST's modes a finding tells of."""
    shares = "step repetition 15.7 %, unaware of termination 12.4 %, …"
    return [
        Row("modes that a finding names", "14", ", ".join(sorted({*MAST_MODES.values()})), "–"),
        Row("how often each occurs", shares, "–", LIVE),
    ]


def adks_metrics() -> list[Row]:
    """ADK's own efficiency metrics of one AgentTool turn, beside what its models were asked."""
    script = {
        "Lead": [call("Domain_0", request="?"), "It."],
        "Domain_0": [call("look_up_0_0", topic="it"), "It."],
    }
    model = Scripted(script=script, tokens=(100, 10))
    specialist = _specialist(0).model_copy(update={"model": model})
    lead = LlmAgent(name="Lead", model=model, tools=[AgentTool(specialist)])
    steps = [step for steps in model.script.values() for step in steps]
    calls = [step for step in steps if not isinstance(step, str)]
    true = {"model calls": len(steps), "tool calls": len(calls), "tokens": 110 * len(steps)}
    rows = [
        Row(f"{name} of one AgentTool turn", f"{shown:g}", f"{real:g}", verdict(shown == real))
        for (name, real), shown in zip(true.items(), asyncio.run(_evaluated(lead)), strict=True)
    ]
    first = [_one_task()[name].turns[0] for name in ("agent_tool", "transfer")]
    shown, real = [t.reported_llm_calls for t in first], [t.llm_calls or 0 for t in first]
    one, other = (f"`agent_tool` {pair[0]}, `transfer` {pair[1]}" for pair in (shown, real))
    is_same = (shown[0] < shown[1]) == (real[0] < real[1])
    what = "the cheaper of two, by calls for the first task"
    return [*rows, Row(what, one, other, verdict(is_same))]


async def _evaluated(lead: LlmAgent) -> list[float]:
    """Runs a turn, and has ADK's evaluators count its model calls, tool calls and tokens."""
    events = await InMemoryRunner(lead, app_name="claims").run_debug("?", quiet=True)
    asked = types.UserContent("?")
    said = Event(author="user", invocation_id=events[0].invocation_id, content=asked)
    invocations = EvaluationGenerator.convert_events_to_eval_invocations([said, *events])
    evaluators = [
        _efficiency_evaluators._InferenceCallCountV1Evaluator,
        _efficiency_evaluators._ToolCallCountV1Evaluator,
        _efficiency_evaluators._TokenUsageV1Evaluator,
    ]
    return [made().evaluate_invocations(invocations).overall_score or 0 for made in evaluators]


CLAIMS = {
    rows.__name__: rows
    for rows in (
        *(one_task, three_domains, fewer_tokens, overhead, multiples, distractors),
        *(equal_budget, speed_up, failure_modes, adks_metrics),
    )
}
"""The rows of each claim, by the name of its table in docs/claims.md."""


def claim_table(name: str) -> str:
    """Writes a claim's figures, which are made now, in Markdown."""
    heading = "| figure | published | here | |\n|---|---|---|---|\n"
    return heading + "".join(f"| {' | '.join(row)} |\n" for row in CLAIMS[name]())


def claim_section(name: str) -> str:
    """Gives a claim's part of the page, with figures that are made now."""
    before, _, after = re.split(r"<!-- \w+ -->\n", _written(name))
    return f"{before}{claim_table(name)}{after}"


def _written(name: str) -> str:
    """Finds a claim's part of the page, as it is written."""
    sections = re.split(r"^(?=## )", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return next(section for section in sections if f"<!-- {name} -->" in section)


def claims_json(names: Sequence[str] = ()) -> str:
    """Writes each claim's source and rows by its name, on one line."""
    claims = {}
    for name in names or CLAIMS:
        source = _written(name).partition("Source: ")[2].partition(". Scenario: ")[0]
        claims[name] = {"source": source, "rows": [row._asdict() for row in CLAIMS[name]()]}
    return json.dumps({"claims": claims, "schema": 1})


if __name__ == "__main__":
    parser = ArgumentParser(description="Claims beside figures that are made now.")
    parser.add_argument("names", metavar="NAME", nargs="*", help=", ".join(CLAIMS))
    parser.add_argument("--format", choices=("markdown", "json"), default="markdown")
    asked = parser.parse_args()
    if unknown := [name for name in asked.names if name not in CLAIMS]:
        sys.exit(f"{unknown[0]}: no claim is named so; there are {', '.join(CLAIMS)}")
    silence_adk()
    if asked.format == "json":
        print(claims_json(asked.names))
    else:
        print("".join(map(claim_section, asked.names or CLAIMS)))
