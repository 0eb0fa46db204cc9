"""Published claims about ways of wiring agents, beside what ADK's constructs take.

python docs/claims.py [--format json] [NAME]...

Each scenario is a small app and a planned conversation, which every construct answers with the same
decisions; what needs a model's judgement is listed as live only. `docs/readme.py` writes the page.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Sequence
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
from adk_flow.wiring import CONSTRUCTS

AGREES, CONTRADICTS, LIVE = "agrees", "contradicts", "live only"
NEAR = 1 / 3
"""By how much tokens, overheads and speed-ups may differ and still agree."""
MOST_TOOLS = 40
"""Tools a specialist at which a crossing is no longer looked for."""


class Row(NamedTuple):
    """One figure of a claim."""

    what: str
    published: str
    measured: str
    verdict: str


class Claim(NamedTuple):
    """What was published, how it is tried, and why it comes out as it does."""

    title: str
    source: str
    scenario: str
    rows: Callable[[], list[Row]]
    reason: str


# Scenarios


def team(size: int, *, tools: int = 1, knowledge: int = 0) -> App:
    """Makes an app of a lead and some specialists, with tools and words of knowledge each."""
    return App(
        name="claims", root_agent=_lead(_specialist(n, tools, knowledge) for n in range(size))
    )


def _lead(specialists: Iterator[LlmAgent]) -> LlmAgent:
    instruction = "You lead. Pass each question on to the specialist whose domain it is in."
    return LlmAgent(
        name="Lead", model="offline", instruction=instruction, sub_agents=list(specialists)
    )


def _specialist(number: int, tools: int, knowledge: int) -> LlmAgent:
    return LlmAgent(
        name=f"Domain_{number}",
        model="offline",
        description=f"Answers questions in domain {number}.",
        instruction=" ".join([f"You know domain {number}.", *["fact"] * knowledge]),
        tools=[_tool(number, one) for one in range(tools)],
    )


def _tool(domain: int, number: int) -> Callable[..., Any]:
    def look_up(topic: str) -> dict[str, str]:
        return {"found": topic}

    look_up.__name__ = f"look_up_{domain}_{number}"
    look_up.__doc__ = f"Looks a topic up in table {number} of domain {domain}."
    return look_up


def question(*domains: int, tools: int = 1, seconds: Sequence[float] = ()) -> AskedTurn:
    """Plans a message with a part for each of some domains; a tool takes so many seconds."""
    waits = [*seconds, *[0.0] * len(domains)]
    plan = [_task(domain, tools, wait) for domain, wait in zip(domains, waits, strict=False)]
    return AskedTurn(say=" ".join(str(task.ask) for task in plan), plan=plan)


def _task(domain: int, tools: int, seconds: float) -> Task:
    name = f"look_up_{domain}_0"
    call_of = PlannedCall(name, args={"topic": "it"}, returns={"found": "it"}, seconds=seconds)
    ask, says = f"What is it in domain {domain}?", f"In domain {domain} it is that."
    return Task(f"Domain_{domain}", ask=ask, tools=[call_of] * bool(tools), says=says)


def runs(app: App, turns: Sequence[AskedTurn], constructs: Sequence[str]) -> dict[str, RunMetrics]:
    """Holds one conversation under some constructs."""
    talk = Conversation(turns=list(turns))
    with tempfile.TemporaryDirectory() as folder:
        made = compare(app, {"talk": talk}, constructs, folder=Path(folder), jobs=1)
    found = {run.construct: run for run in made.runs}
    failed = [name for name in constructs if name not in found or found[name].total.failed]
    if failed:
        raise RuntimeError(f"{failed}: {made.setting.skipped or made.runs}")
    return found


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


def _percent(share: float, sign: str = "") -> str:
    return f"{100 * share:{sign}.0f} %"


def near(published: float, measured: float) -> str:
    """Says whether a figure is about as published."""
    return verdict(abs(measured - published) <= NEAR * abs(published))


# Claims


def one_task() -> list[Row]:
    """One task and its repeat, by constructs."""
    published = {
        "subagents": ("agent_tool", [4, 8]),
        "handoffs": ("transfer", [3, 5]),
        "skills": ("skills", [3, 5]),
        "router": ("router", [3, 6]),
    }
    made = _one_task()
    return [
        Row(
            f"{name} (`{construct}`), model calls",
            _arrow(counts),
            _arrow(calls_after(made[construct])),
            verdict(calls_after(made[construct]) == counts),
        )
        for name, (construct, counts) in published.items()
    ]


@cache
def _one_task() -> dict[str, RunMetrics]:
    names = ["agent_tool", "transfer", "skills", "router"]
    return runs(team(3), [question(0), question(0)], names)


def _arrow(counts: Sequence[int]) -> str:
    return "→".join(map(str, counts))


KNOWLEDGE = 2_000
"""Tokens of what each specialist knows."""


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
    made = _three_domains()
    rows = []
    for construct, (name, counted, spent) in published.items():
        if construct in made:
            calls, size = calls_after(made[construct])[-1], tokens(made[construct])
            is_open = name == "handoffs"
            fits = calls >= counted if is_open else calls == counted
            more = "+" * is_open
            rows += [
                Row(
                    f"{name} (`{construct}`), model calls",
                    f"{counted}{more}",
                    f"{calls}",
                    verdict(fits),
                ),
                Row(
                    f"{name} (`{construct}`), tokens",
                    f"{spent:,}{more}",
                    f"{size:,}",
                    near(spent, size),
                ),
            ]
    tooled = runs(team(3), [question(0, 1, 2)], ["transfer"])["transfer"]
    calls = calls_after(tooled)[-1]
    rows.append(Row("handoffs, each with a tool to call", "7+", f"{calls}", verdict(calls >= 7)))
    alone = made["single_agent"]
    size = f"{plural(calls_after(alone)[-1], 'call')}, {tokens(alone):,} tokens"
    return [*rows, Row("a single agent", "not in the table", size, "–")]


@cache
def _three_domains() -> dict[str, RunMetrics]:
    names = ["single_agent", "agent_tool", "single_turn", "transfer", "skills", "coordinator"]
    names += [name for name in ("router_many",) if name in CONSTRUCTS]
    return runs(team(3, tools=0, knowledge=KNOWLEDGE), [question(0, 1, 2, tools=0)], names)


def fewer_tokens() -> list[Row]:
    """Subagents against skills, in tokens."""
    made = _three_domains()
    saved = 1 - tokens(made["agent_tool"]) / tokens(made["skills"])
    own = 1 - 9 / 15
    return [
        Row(
            "saved by subagents, by the source's own table",
            "67 %",
            f"{_percent(own)}",
            near(0.67, own),
        ),
        Row(
            "saved by `agent_tool` against `skills`",
            "67 %",
            f"{_percent(saved)}",
            near(0.67, saved),
        ),
    ]


OVERHEADS = {
    "independent": ("parallel", 0.58),
    "centralised": ("agent_tool", 2.85),
    "decentralised": ("transfer", 2.63),
    "hybrid": ("mixed", 5.15),
}


def overhead() -> list[Row]:
    """What several agents take more than one, for a question and its follow-up."""
    names = ["single_agent", *(construct for construct, _ in OVERHEADS.values())]
    made = runs(team(3, tools=4), [question(0), question(0)], names)
    alone, rows = made["single_agent"], []
    for name, (construct, published) in OVERHEADS.items():
        calls = calls_after(made[construct])[-1] / calls_after(alone)[-1] - 1
        size = tokens(made[construct]) / tokens(alone) - 1
        measured = f"{_percent(calls, '+')} calls, {_percent(size, '+')} tokens"
        rows.append(
            Row(
                f"{name} (`{construct}`)",
                f"{_percent(published, '+')}",
                measured,
                near(published, calls),
            )
        )
    return [
        *rows,
        _crossing(),
        Row("error amplification, independent and centralised", "17.2 ×, 4.4 ×", "–", LIVE),
        Row("the best architecture is predicted", "of 87 % of cases", "–", LIVE),
    ]


def _crossing() -> Row:
    tools = next(filter(_is_cheaper, range(1, MOST_TOOLS + 1)), 0)
    found = f"{tools}" if tools else f"more than {MOST_TOOLS}"
    what = "tools a specialist from which on `agent_tool` takes fewer tokens than one agent"
    return Row(what, "not told", found, "–")


def _is_cheaper(tools: int) -> bool:
    names = ["single_agent", "agent_tool"]
    made = runs(team(3, tools=tools), [question(0), question(0)], names)
    return tokens(made["agent_tool"]) < tokens(made["single_agent"])


FAN_OUT = 10


def multiples() -> list[Row]:
    """Tokens of a turn by the number of specialists asked, against a chat's."""
    chat = tokens(runs(team(1, tools=0), [question(0, tools=0)], ["single_agent"])["single_agent"])
    one = runs(team(1), [question(0)], ["single_agent"])["single_agent"]
    several = {
        number: tokens(runs(team(number), [question(*range(number))], ["agent_tool"])["agent_tool"])
        for number in range(1, FAN_OUT + 1)
    }
    ratios = {number: size / chat for number, size in several.items()}
    reached = next((number for number, ratio in ratios.items() if ratio >= 15), 0)
    listed = ", ".join(f"{number}: {ratio:.0f} ×" for number, ratio in ratios.items())
    return [
        Row(
            "an agent with one tool",
            "4 ×",
            f"{tokens(one) / chat:.1f} ×",
            near(4, tokens(one) / chat),
        ),
        Row(
            f"`agent_tool`, by specialists asked ({listed})",
            "15 ×",
            f"reached at {reached}" if reached else "not reached",
            verdict(bool(reached)),
        ),
    ]


def distractors() -> list[Row]:
    """One question with more and more specialists whom it does not concern."""
    names = ["single_agent", "transfer", "agent_tool", "agent_tool_skip_summarization"]
    few, many = (runs(team(size), [question(0), question(0)], names) for size in (1, 9))
    grown = {name: tokens(many[name]) / tokens(few[name]) for name in names}
    listed = ", ".join(f"`{name}` {grown[name]:.1f} ×" for name in names[:3])
    called, forwarded = (few[name] for name in names[2:])
    saved = 1 - calls_after(forwarded)[-1] / calls_after(called)[-1]
    less = 1 - tokens(forwarded) / tokens(called)
    return [
        Row(
            "a single agent falls with distractors", "yes", f"tokens with 8 of them: {listed}", LIVE
        ),
        Row("swarm answers no worse than supervisor", "yes", "–", LIVE),
        Row(
            "forwarding answers unchanged gains",
            "nearly 50 %, of scores",
            f"{_percent(saved)} of calls, {_percent(less)} of tokens are saved; scores: live only",
            LIVE,
        ),
    ]


def speed_up() -> list[Row]:
    """Three topics at once: the critical path of one agent after the other, against each."""
    published = {"coordinator": ("centralised", 1.36), "transfer": ("decentralised", 0.88)}
    names = ["single_agent", *published]
    even = runs(team(3), [question(0, 1, 2, seconds=[1, 1, 1])], names)
    uneven = runs(team(3), [question(0, 1, 2, seconds=[1, 1, 8])], names)
    alone = even["single_agent"].total.critical_path_microseconds
    rows = []
    for construct, (name, value) in published.items():
        ratio = alone / even[construct].total.critical_path_microseconds
        rows.append(
            Row(f"{name} (`{construct}`)", f"{value} ×", f"{ratio:.2f} ×", near(value, ratio))
        )
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
    found = ", ".join(sorted(set(MAST_MODES.values())))
    shares = "step repetition 15.7 %, unaware of termination 12.4 %, …"
    return [
        Row("modes that a finding names", "14", found, "–"),
        Row("how often each occurs", shares, "–", LIVE),
    ]


def equal_budget() -> list[Row]:
    """One agent against several at the same number of tokens."""
    return [Row("one agent answers at least as well", "yes", "–", LIVE)]


def adks_metrics() -> list[Row]:
    """ADK's own efficiency metrics of one AgentTool turn, beside what its models were asked."""
    model = Scripted(
        script={
            "Lead": [call("Domain_0", request="?"), "It."],
            "Domain_0": [call("look_up_0_0", topic="it"), "It."],
        },
        tokens=(100, 10),
    )
    specialist = _specialist(0, 1, 0).model_copy(update={"model": model})
    lead = LlmAgent(name="Lead", model=model, tools=[AgentTool(specialist)])
    counted = asyncio.run(_evaluated(lead))
    calls = [step for steps in model.script.values() for step in steps if not isinstance(step, str)]
    asked = sum(len(steps) for steps in model.script.values())
    true = [asked, len(calls), asked * sum(model.tokens)]
    names = ("model calls", "tool calls", "tokens")
    rows = [
        Row(f"{name} of one AgentTool turn", f"{shown:g}", f"{real:g}", verdict(shown == real))
        for name, shown, real in zip(names, counted, true, strict=True)
    ]
    made = _one_task()
    shown, real = ([count(made[name]) for name in ("agent_tool", "transfer")] for count in _COUNTS)
    one, other = (f"`agent_tool` {pair[0]}, `transfer` {pair[1]}" for pair in (shown, real))
    is_same = (shown[0] < shown[1]) == (real[0] < real[1])
    rows.append(
        Row("the cheaper of two, by calls for the first task", one, other, verdict(is_same))
    )
    return rows


_COUNTS: tuple[Callable[[RunMetrics], int], ...] = (
    lambda run: run.turns[0].reported_llm_calls,
    lambda run: run.turns[0].llm_calls or 0,
)
"""Calls as ADK's session shows them, and all."""


async def _evaluated(lead: LlmAgent) -> list[float]:
    """Runs a turn, and has ADK's evaluators count its model calls, tool calls and tokens."""
    runner, asked = InMemoryRunner(lead, app_name="claims"), types.UserContent("?")
    session = await runner.session_service.create_session(app_name="claims", user_id="user")
    run = runner.run_async(user_id="user", session_id=session.id, new_message=asked)
    events = [event async for event in run]
    said = Event(author="user", invocation_id=events[0].invocation_id, content=asked)
    invocations = EvaluationGenerator.convert_events_to_eval_invocations([said, *events])
    evaluators = [
        _efficiency_evaluators._InferenceCallCountV1Evaluator,
        _efficiency_evaluators._ToolCallCountV1Evaluator,
        _efficiency_evaluators._TokenUsageV1Evaluator,
    ]
    return [made().evaluate_invocations(invocations).overall_score or 0 for made in evaluators]


CLAIMS = {
    "one_task": Claim(
        "One task, and the same again",
        "LangChain documentation, multi-agent overview",
        "three specialists with a tool each; one is asked for one call of it, twice",
        one_task,
        "A called specialist starts anew each time, one that took over or was loaded stays.",
    ),
    "three_domains": Claim(
        "Three domains in one question",
        "the same",
        f"three specialists without tools, {KNOWLEDGE:,} tokens of knowledge each; all three are "
        "asked in one message",
        three_domains,
        "A planned agent says its part and hands over in one model call, and loads three skills in "
        "one; the source takes a call for each. With tools to call, handing over takes the 7. The "
        "source's skills carry what they loaded through further calls.",
    ),
    "fewer_tokens": Claim(
        "Subagents process 67 % fewer tokens than skills",
        "the same",
        "that of three domains",
        fewer_tokens,
        "9 of 15 thousand is 40 % fewer, by the table above the sentence.",
    ),
    "overhead": Claim(
        "Overhead against a single agent",
        "[Towards a Science of Scaling Agent Systems](https://arxiv.org/abs/2512.08296)",
        "three specialists with four tools each; a question to one of them and the same again; "
        "then the same with 1, 2, 3, … tools each",
        overhead,
        "Theirs are tasks of many rounds between agents; here a turn is one piece of work. A "
        "single agent carries every tool in every call, which soon outweighs further calls.",
    ),
    "multiples": Claim(
        "Agents take 4 × the tokens of a chat, several agents 15 ×",
        "Anthropic, How we built our multi-agent research system, June 2025",
        f"a chat is one call without tools; a lead then asks 1 to {FAN_OUT} specialists with a "
        "tool each in one message",
        multiples,
        "It is linear in how many are asked: a factor without the number of them says little.",
    ),
    "distractors": Claim(
        "Distractors, swarm and supervisor, forwarded answers",
        "LangChain, Benchmarking multi-agent architectures, June 2025",
        "one specialist is asked, twice, without and with eight others",
        distractors,
        "Scores are a model's. What it has to read is seen: tools and descriptions, which grow "
        "with each other specialist; `forward_message` is ADK's `skip_summarization`.",
    ),
    "equal_budget": Claim(
        "At an equal token budget one agent is at least as good",
        "[Tran and Kiela](https://arxiv.org/abs/2604.02460)",
        "answers of a language model are needed",
        equal_budget,
        "A plan gives the same answers under every construct.",
    ),
    "speed_up": Claim(
        "Speed-up, stragglers, Amdahl's law",
        "[arXiv 2603.12229](https://arxiv.org/abs/2603.12229)",
        "three specialists with a tool of 1 s each, asked in one message; critical path at the "
        "pace of gemini-2.5-flash, of one agent over that of each; then one tool takes 8 s",
        speed_up,
        "One agent calls three tools in one model turn, so it is as parallel as they are, and has "
        "fewer calls in a row.",
    ),
    "failure_modes": Claim(
        "14 failure modes",
        "[MAST](https://arxiv.org/abs/2503.13657)",
        "the kinds of findings",
        failure_modes,
        "How often a model fails is a model's; a log of it names the mode.",
    ),
    "adks_metrics": Claim(
        "ADK's efficiency metrics of an AgentTool turn",
        "google-adk, `evaluation/_efficiency_evaluators.py`",
        "a lead calls a specialist, which calls a tool; ADK's evaluators count the session's "
        "events, the model its calls",
        adks_metrics,
        "What runs inside an AgentTool is in none of the session's events, so that optimising by "
        "them favours it.",
    ),
}
LIVE_COMMAND = (
    "adk-flow compare APP --constructs all --conversation FOLDER --trials 10 --budget 5 "
    "--model gemini-2.5-flash"
)


def claims_table(names: Sequence[str] = ()) -> str:
    """Writes claims beside figures that are made now, in Markdown."""
    return "\n".join(_section(name, CLAIMS[name]) for name in names or CLAIMS)


def _section(name: str, claim: Claim) -> str:
    rows = claim.rows()
    commands = [f"`make claims CLAIMS={name}`"]
    if any(row.verdict == LIVE for row in rows):
        commands.append(f"live: `{LIVE_COMMAND}`")
    lines = [
        f"## {claim.title}\n",
        f"Source: {claim.source}. Scenario: {claim.scenario}. Command: {'; '.join(commands)}.\n",
        "| figure | published | here | |",
        "|---|---|---|---|",
        *(f"| {' | '.join(row)} |" for row in rows),
        f"\n{claim.reason}\n",
    ]
    return "\n".join(lines)


def claims_json(names: Sequence[str] = ()) -> str:
    """Writes each claim's source and rows by its name, on one line."""
    claims = {
        name: {
            "source": CLAIMS[name].source,
            "rows": [row._asdict() for row in CLAIMS[name].rows()],
        }
        for name in names or CLAIMS
    }
    return json.dumps({"claims": claims, "schema": 1})


if __name__ == "__main__":
    parser = ArgumentParser(description="Claims beside figures that are made now.")
    parser.add_argument("names", metavar="NAME", nargs="*", help=", ".join(CLAIMS))
    parser.add_argument("--format", choices=("markdown", "json"), default="markdown")
    asked = parser.parse_args()
    if unknown := [name for name in asked.names if name not in CLAIMS]:
        sys.exit(f"{unknown[0]}: no claim is named so; there are {', '.join(CLAIMS)}")
    silence_adk()
    print((claims_json if asked.format == "json" else claims_table)(asked.names))
