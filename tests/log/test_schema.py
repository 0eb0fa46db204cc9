"""Requests told by what is new in them, and lines that are numbered: nothing lost goes untold."""

import json
from itertools import pairwise

import pytest
from google.adk.agents import ParallelAgent
from google.adk.tools.agent_tool import AgentTool
from hypothesis import given, settings
from hypothesis import strategies as st

from adk_flow.analysis.metrics import measure
from adk_flow.analysis.trace_reader import read_trace
from adk_flow.check.flow import read_flow
from adk_flow.errors import AdkFlowError
from adk_flow.log.reader import read_log
from adk_flow.log.requests import Requests
from adk_flow.log.schema import Contents, Part, Record, Request
from adk_flow.models.planned.from_log import plan_of
from adk_flow.models.scripted import Scripted, call, transfer
from tests.doubles.command import run_command
from tests.doubles.flow import agent, record

TURNS = 130


class Watched(Scripted):
    """A scripted model that notes the words of each request, by agent."""

    async def generate_content_async(self, llm_request, stream=False):
        name = llm_request.config.labels["adk_agent_name"]
        words = [p.text for c in llm_request.contents for p in c.parts or () if p.text]
        SENT.setdefault(name, []).append(words)
        async for response in super().generate_content_async(llm_request, stream):
            yield response


SENT: dict[str, list[list[str]]] = {}


def alone():
    return agent("Root", Watched(script={"Root": [f"Answer {n}." for n in range(TURNS)]}))


def handing_over():
    script = {"Root": [transfer("Loans")], "Loans": [f"It is {n} %." for n in range(TURNS)]}
    loans = agent("Loans", Watched(script=script))
    return agent("Root", Watched(script=script), sub_agents=[loans])


def at_once():
    script = {
        "Root": [step for n in range(TURNS) for step in ([call("Loans", request=f"{n}?")] * 2, "")],
        "Loans": ["Five."] * 2 * TURNS,
    }
    model = Watched(script=script)
    return agent("Root", model, tools=[AgentTool(agent("Loans", model))])


def side_by_side():
    model = Watched(script={name: [f"{name} {n}" for n in range(TURNS)] for name in "AB"})
    return ParallelAgent(name="Root", sub_agents=[agent(name, model) for name in "AB"])


@pytest.mark.parametrize("build", [alone, handing_over, at_once, side_by_side])
async def test_each_request_is_read_as_it_was_sent(tmp_path, build):
    SENT.clear()

    flow = await record(build(), [f"Question {n}?" for n in range(12)], tmp_path)

    shown: dict[str, list[list[str]]] = {}
    for one in flow.log.records:
        if one.request is not None:
            parts = [part for part in one.request.parts if part.kind == "text"]
            words = [flow.log.texts[part.text] for part in parts]
            shown.setdefault(one.agent, []).append(words)
    assert {name: sorted(sent) for name, sent in shown.items()} == {
        name: sorted(sent) for name, sent in SENT.items()
    }
    assert not flow.log.gaps and all(one.number for one in flow.log.records)


async def test_a_log_grows_by_what_is_said_and_is_whole_again_every_hundred(tmp_path):
    await record(alone(), [f"Question {n}?" for n in range(TURNS)], tmp_path)

    (path,) = tmp_path.rglob("*.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    ends = [n for n, line in enumerate(lines) if b'"hook":"after_run"' in line]
    sizes = [sum(map(len, lines[a + 1 : b + 1])) for a, b in pairwise(ends)]
    assert max(sizes[90:98]) < max(sizes[:10]) + 20  # digits
    assert max(sizes) < 1300
    requests = [json.loads(line)["request"] for line in lines if b'"request"' in line]
    wholes = [n for n, request in enumerate(requests) if "after" not in request]
    assert wholes == [0, 100]

    broken = next(n for n, line in enumerate(lines) if b'"request"' in line and n > 40)
    path.write_bytes(b"".join([*lines[:broken], *lines[broken + 1 :]]))
    known = [r.request.is_known for r in read_log(path).records if r.request]
    assert known == [True] * 5 + [False] * 94 + [True] * 30


NUMBERS = st.sets(st.integers(2, 28))


@given(NUMBERS, NUMBERS)
@settings(max_examples=50)
def test_what_is_missing_between_lines_is_told(tmp_path_factory, dropped, unread):
    path = tmp_path_factory.mktemp("log") / "a.jsonl"
    header = '{"flow_log":2,"n":1,"adk":"2","adk_flow":"0","app":"a","session":"s","time":0}'
    lines = {n: f'{{"hook":"event","n":{n},"time":1,"run":1}}' for n in range(2, 30)}
    kept = {n: "{" if n in unread else line for n, line in lines.items() if n not in dropped}
    path.write_text("\n".join([header, *kept.values()]) + "\n")

    log = read_log(path)

    whole = [n for n in range(1, 30) if n not in dropped | unread]
    holes = [range(a + 1, b) for a, b in pairwise(whole) if dropped.intersection(range(a, b))]
    assert [(gap.first, gap.last) for gap in log.gaps] == [(one[0], one[-1]) for one in holes]
    assert log.missing == sum(map(len, holes))
    assert len(log.damage) == len(unread - dropped)


async def test_a_turn_that_was_lost_whole_is_told_by_each_command(tmp_path):
    await record(alone(), ["a?", "b?", "c?"], tmp_path)
    (path,) = tmp_path.rglob("*.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    middle = [n for n, line in enumerate(lines) if b'"run":2' in line]
    cut = path.with_name("cut.jsonl")
    cut.write_bytes(b"".join(line for n, line in enumerate(lines) if n not in middle))
    rules = tmp_path / "rules.yaml"
    rules.write_text(
        "may_fail: true\nllm_calls: 9\neach_turn: {tokens: 9999}\nturns: [{}, {llm_calls: 9}]\n"
    )
    missing = f"{len(middle)} lines missing"

    shown = run_command("show", cut, folder=tmp_path).stdout
    assert missing in " ".join(shown.split())
    assert missing in run_command("diff", path, cut, folder=tmp_path).stdout
    assert missing in run_command("export", cut, "--format", "csv", folder=tmp_path).stderr
    assert missing in plan_of(read_trace(cut)).notes[-1]
    compared = run_command("compare", cut, "--format", "markdown", folder=tmp_path).stdout
    assert f"Lines that are missing in the logs: {len(middle)}." in compared
    data = json.loads(run_command("compare", cut, "--format", "json", folder=tmp_path).stdout)
    (construct,), (run,) = data["constructs"], data["runs"]
    calls = [run["total"]["llm_calls"], construct["llm_calls"], read_flow(cut).llm_calls]
    assert calls == [None] * 3 and [turn["llm_calls"] for turn in run["turns"]] == [1, 1]
    assert construct["after_turns"] == {run["conversation"]: [None, None]}
    with pytest.raises(AdkFlowError, match="cannot be known"):
        read_flow(cut).cost("gemini-2.5-flash")
    checked = run_command("check", cut, "--expect", rules, folder=tmp_path)
    told = [line for line in checked.stdout.splitlines() if "cannot be known" in line]
    assert ["llm_calls" in line for line in told] == [True, True], checked.stdout


@pytest.mark.parametrize("hook", ["before_model", "after_model", "after_agent"])
async def test_what_a_turn_took_is_unknown_if_lines_of_it_are_lost_and_known_of_others(
    tmp_path, hook
):
    await record(alone(), ["a?", "b?", "c?"], tmp_path)
    (path,) = tmp_path.rglob("*.jsonl")
    whole = measure(read_trace(path))
    lines = path.read_bytes().splitlines(keepends=True)
    lines = [line for line in lines if not (b'"run":2' in line and f'"{hook}"'.encode() in line)]
    path.write_bytes(b"".join(lines))

    first, second, third = measure(read_trace(path))

    assert [first, third.llm_calls, third.tokens] == [whole[0], whole[2].llm_calls, whole[2].tokens]
    assert [second.llm_calls, second.input_tokens, second.output_tokens] == [None] * 3
    assert [second.transfers, second.agent_calls, second.tool_calls] == [None] * 3
    assert second.seen_llm_calls <= whole[1].seen_llm_calls
    shown = " ".join(run_command("show", path, folder=tmp_path).stdout.split())
    assert shown.count("+ unknown, as lines of the log are lost") == 1


def test_a_request_whose_base_was_lost_is_not_guessed():
    requests = Requests()
    first = Record(
        hook="before_model",
        number=2,
        time=0,
        request=Request(contents=Contents("umr", (1, 2, 9, 9)), tools=("t",)),
    )
    requests.complete(first)
    then = Record(
        hook="before_model",
        number=5,
        time=0,
        request=Request(after=2, same=2, contents=Contents("c", (12, 12))),
    )
    requests.complete(then)
    lost = Record(hook="before_model", number=9, time=0, request=Request(after=7))
    requests.complete(lost)

    assert first.request and then.request and lost.request
    assert first.request.parts[2] == Part("user", "response", 9)
    assert then.request.parts == (*first.request.parts[:2], Part("model", "call", 12))
    assert then.request.tools == ("t",) and then.request.is_known
    assert not lost.request.is_known
