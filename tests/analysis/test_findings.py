"""What is striking in a flow: found with its proof where it is there, and not where it is not."""

import asyncio
from typing import Any

import msgspec
import pytest
from google.adk.agents import BaseAgent, LoopAgent, SequentialAgent
from google.adk.apps import App
from google.adk.apps.app import EventsCompactionConfig
from google.adk.apps.llm_event_summarizer import LlmEventSummarizer
from google.adk.events.event import Event
from google.adk.events.event_actions import EventActions
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.adk.tools import exit_loop
from google.adk.tools.agent_tool import AgentTool
from google.adk.workflow import JoinNode, Workflow
from google.genai import types
from hypothesis import given
from hypothesis import strategies as st

from adk_flow.analysis.findings import KINDS, detect_findings, of_leak
from adk_flow.analysis.run_metrics import measure_run
from adk_flow.analysis.trace_reader import read_trace, trace_log
from adk_flow.check.flow import Flow
from adk_flow.log.reader import Log
from adk_flow.log.schema import (
    AGENT_CALLS,
    Cause,
    FunctionCall,
    Header,
    Part,
    Record,
    Request,
    Usage,
)
from adk_flow.models.scripted import Scripted, call, transfer
from adk_flow.record.plugin import FlowPlugin
from adk_flow.run.app import load_app
from adk_flow.run.conversation_run import run_conversation
from adk_flow.scenario.conversation import AskedTurn, Canary, Conversation, read_conversation
from adk_flow.wiring import CONSTRUCTS, wire
from tests.doubles.desk import CONSTRUCT_FOLDERS
from tests.doubles.flow import agent, record
from tests.doubles.teams import SCRIPTS, rate


async def found(root, questions, folder, kind="", **options):
    flow = await record(root, questions, folder, **options)
    return flow, [one for one in detect_findings(flow.trace) if one.kind == kind or not kind]


def hooks(flow, finding):
    """Draws the proof as `hook:agent`."""
    proof = [flow.log.records[index] for index in finding.records]
    return [f"{record.hook}:{record.agent}" for record in proof]


def desk(script, *, lead=None, **options):
    """Makes a root with Loans and Funds, which are its sub-agents unless `as_tools`."""
    model = Scripted(script=script)
    as_tools = options.pop("as_tools", False)
    both = [agent(name, model, **options) for name in ("Loans", "Funds")]
    told: dict[str, Any] = {"tools": [AgentTool(one) for one in both]} if as_tools else {}
    return agent("Root", model, **(told or {"sub_agents": both}), **(lead or {}))


BOTH = [call("Loans", request="a"), call("Funds", request="b")]


# ping_pong


async def test_a_question_handed_over_twice_to_the_same_agent_is_ping_pong(tmp_path):
    root = desk({"Root": [transfer("Loans")] * 2, "Loans": [transfer("Root"), "Well."]})

    flow, (one,) = await found(root, ["?"], tmp_path, "ping_pong")

    assert one.text == "Root handed over to Loans twice in one turn, and Loans to Root once."
    assert (one.turn, one.agents, one.level) == (1, ("Root", "Loans"), "serious")
    proof = [flow.log.records[index] for index in one.records]
    assert [(r.hook, r.transfer) for r in proof] == [
        ("event", "Loans"),
        ("event", "Root"),
        ("event", "Loans"),
    ]


async def test_the_same_hand_over_in_two_turns_or_in_two_calls_is_none(tmp_path):
    turns = desk({"Root": [transfer("Loans")] * 2, "Loans": ["a", transfer("Root"), "b"]})
    model = Scripted(
        script={
            "Root": [[call("Desk", request="x"), call("Desk", request="y")], "end"],
            "Desk": [transfer("Clerk"), transfer("Clerk")],
            "Clerk": ["a", "b"],
        }
    )
    clerk = agent("Desk", model, sub_agents=[agent("Clerk", model)])

    _, none = await found(turns, ["?", "!"], tmp_path / "turns", "ping_pong")
    _, neither = await found(
        agent("Root", model, tools=[AgentTool(clerk)]), ["?"], tmp_path / "calls", "ping_pong"
    )

    assert none == neither == []


# dead_end and unexpected_holder

BARRED = {"disallow_transfer_to_parent": True}
ALONE = {**BARRED, "disallow_transfer_to_peers": True}


async def test_an_agent_that_may_hand_over_to_nobody_is_a_dead_end(tmp_path):
    root = desk({"Root": [transfer("Loans")], "Loans": ["5%."]}, **ALONE)

    flow, (one,) = await found(root, ["?"], tmp_path, "dead_end")

    assert one.text == (
        "Loans took over from Root and was offered nobody to hand over to; the user's next message "
        "goes to Root again."
    )
    assert one.level == "notice"
    assert hooks(flow, one) == ["before_agent:Loans", "before_model:Loans", "after_run:Root"]


async def test_a_dead_end_that_holds_the_next_turn_too_is_serious(tmp_path):
    root = desk({"Root": [transfer("Loans")], "Loans": ["5%."]}, **ALONE)
    flow = await record(root, ["?"], tmp_path)
    last = msgspec.structs.replace(flow.log.records[-1], active_agent="Loans")

    found = detect_findings(trace_log(flow.log._replace(records=[*flow.log.records[:-1], last])))

    (one,) = [one for one in found if one.kind == "dead_end"]
    assert one.level == "serious"
    assert one.text.endswith("it holds the next turn too, so the user is stuck with it.")


async def test_an_agent_that_may_hand_over_or_is_called_is_no_dead_end(tmp_path):
    free = desk({"Root": [transfer("Loans")], "Loans": ["5%."]}, **BARRED)
    called = Scripted(
        script={
            "Root": [call("Desk", request="x"), "It is 5%."],
            "Desk": [transfer("Clerk")],
            "Clerk": ["5%."],
        }
    )
    below = agent("Desk", called, sub_agents=[agent("Clerk", called, **ALONE)])

    _, none = await found(free, ["?"], tmp_path / "free", "dead_end")
    _, neither = await found(
        agent("Root", called, tools=[AgentTool(below)]), ["?"], tmp_path / "called", "dead_end"
    )

    assert none == neither == []


async def test_a_specialist_that_may_not_return_answers_but_loses_the_next_turn(tmp_path):
    root = desk({"Root": [transfer("Loans")], "Loans": ["5%."]}, **BARRED)

    flow, (one,) = await found(root, ["?"], tmp_path, "unexpected_holder")

    assert one.text == (
        "Loans answered the user, but the next message goes to Root, to whom Loans may not hand "
        "over."
    )
    assert one.agents == ("Loans", "Root")
    assert hooks(flow, one) == ["before_model:Loans", "event:Loans", "after_run:Root"]


@pytest.mark.parametrize("construct", CONSTRUCTS)
async def test_no_construct_has_an_unexpected_holder(construct, tmp_path):
    model = Scripted(script=SCRIPTS[construct])
    specialists = [agent("Loans", model, tools=[rate]), agent("Funds", model)]
    root = wire(agent("Lead", model), specialists, construct, called=["Loans"])

    flow, none = await found(root, ["Cost?"], tmp_path, "unexpected_holder", model=model)

    assert none == []
    assert flow.errors == []


async def test_staged_agents_and_waiting_tasks_are_as_expected(tmp_path):
    stages = Scripted(script={"First": ["a"], "Second": ["b"]})
    staged = SequentialAgent(
        name="Steps", sub_agents=[agent(name, stages) for name in stages.script]
    )
    model = Scripted(script={"Root": [call("Loans", request="x")], "Loans": ["Your name?"]})
    tasks = agent("Root", model, sub_agents=[agent("Loans", model, mode="task")])

    assert (await found(staged, ["?"], tmp_path / "staged"))[1] == []
    assert (await found(tasks, ["?"], tmp_path / "tasks"))[1] == []


# hidden_conversation


async def test_an_agent_tools_calls_are_hidden_from_the_session(tmp_path):
    root = desk({"Root": [BOTH, "ab"], "Loans": ["a"], "Funds": ["b"]}, as_tools=True)

    flow, (one,) = await found(root, ["?"], tmp_path, "hidden_conversation")

    assert one.text == (
        "2 of 4 LLM calls and 60 of 120 tokens are not in ADK's session: Loans and Funds ran in "
        "sessions of their own."
    )
    assert sorted(hooks(flow, one)) == sorted(
        f"{hook}:{name}" for hook in ("before_model", "after_model") for name in ("Loans", "Funds")
    )


async def test_single_turn_agents_and_failed_calls_hide_nothing(tmp_path):
    shown = desk({"Root": [BOTH, "ab"], "Loans": ["a"], "Funds": ["b"]}, mode="single_turn")
    failing = agent("Root", Scripted(script={"Root": [RuntimeError("no")]}))

    assert (await found(shown, ["?"], tmp_path / "shown", "hidden_conversation"))[1] == []
    assert (await found(failing, ["?"], tmp_path / "failing", "hidden_conversation"))[1] == []


# needless_series


def at_pace(log: Log, microseconds: int) -> Log:
    """Sets the clock: the same time between any two records."""
    paced = [
        msgspec.structs.replace(one, time=log.records[0].time + number * microseconds)
        for number, one in enumerate(log.records)
    ]
    return log._replace(records=paced)


def series(log):
    return [one for one in detect_findings(trace_log(log)) if one.kind == "needless_series"]


def fees(years: int) -> str:
    """Looks fees up."""
    return f"1% for {years} years"


async def test_sync_tools_of_one_model_turn_run_in_series(tmp_path):
    both = [call("rate", years=5), call("fees", years=5)]
    root = agent("Root", Scripted(script={"Root": [both, "6%."]}), tools=[rate, fees])

    flow = await record(root, ["?"], tmp_path)

    (one,) = series(at_pace(flow.log, 100_000))
    assert one.text == (
        "1 of 2 calls that Root made in one model turn, rate and fees, began only after another "
        "had ended, which took 0.20 s longer than side by side."
    )
    assert hooks(flow, one) == [
        "event:Root",
        *["before_tool:Root", "after_tool:Root"] * 2,
    ]


async def test_quick_tools_and_tools_side_by_side_are_not_worth_a_finding(tmp_path):
    async def slow(years: int) -> str:
        """Waits for the others."""
        await asyncio.sleep(0)
        return "1%"

    both = [call("rate", years=5), call("fees", years=5)]
    quick = agent("Root", Scripted(script={"Root": [both, "6%."]}), tools=[rate, fees])
    at_once = [call("slow", years=1), call("slow", years=2)]
    beside = agent("Root", Scripted(script={"Root": [at_once, "6%."]}), tools=[slow])

    in_no_time = await record(quick, ["?"], tmp_path / "quick")
    overlapping = await record(beside, ["?"], tmp_path / "beside")

    assert series(at_pace(in_no_time.log, 50)) == []
    assert series(at_pace(overlapping.log, 100_000)) == []


def asking(first: str, second: str, **options):
    """Asks Loans and then Funds; the question is about a flat and a pension."""
    script = {
        "Root": [call("Loans", request=first), call("Funds", request=second), "£1,043 and £310."],
        "Loans": ["The monthly repayment comes to £1,043.29."],
        "Funds": ["Relief amounts to £310."],
    }
    return desk(script, as_tools=True, **options)


QUESTION = "What would a loan of £180,000 cost, and what relief is there on £1,240 of pension?"


async def test_an_agent_asked_late_without_need_is_a_needless_series(tmp_path):
    root = asking("Repayment of a £180,000 loan?", "Which relief on £1,240 of pension?")

    flow = await record(root, [QUESTION], tmp_path)

    (one,) = series(at_pace(flow.log, 100_000))
    assert one.text == (
        "Root asked Funds only after Loans had answered, though the request holds no number and no "
        "distinctive word learnt from that: side by side, a model call and 0.90 s would have been "
        "saved."
    )
    assert one.agents == ("Root", "Loans", "Funds")
    assert hooks(flow, one) == ["event:Root", "after_tool:Root", "before_model:Root", "event:Root"]


@pytest.mark.parametrize(
    "second", ["Is £1,043 a month affordable?", "Is that repayment monthly?", "?"]
)
async def test_an_agent_asked_on_what_another_said_had_to_wait(second, tmp_path):
    root = asking("What would £180,000 cost?", second)

    assert series((await record(root, [QUESTION], tmp_path)).log) == []


async def test_tasks_are_in_series_because_adk_runs_them_one_by_one(tmp_path):
    done = [call("finish_task", result="The monthly repayment comes to £1,043.29.")]
    asked = [call("Loans", request="A flat?"), call("Funds", request="Pension relief?")]
    one_by_one = desk({"Root": [*asked, "So."], "Loans": done, "Funds": done}, mode="task")
    at_once = desk({"Root": [asked, "So."], "Loans": done, "Funds": done}, mode="task")

    for number, root in enumerate([one_by_one, at_once]):
        flow = await record(root, [QUESTION], tmp_path / str(number))
        assert series(at_pace(flow.log, 100_000)) == []
        tasks = [one for one in flow.moves if one.cause == "task" and one.is_control]
        assert [one.kind for one in tasks] == ["call", "return"] * 2


@pytest.mark.parametrize("texts", ["none", "preview"])
async def test_without_words_nobody_is_accused_of_asking_late(texts, tmp_path):
    root = asking("x" * 300, "y" * 300)

    assert series((await record(root, [QUESTION], tmp_path, capture=texts)).log) == []


# lost_state_write


@pytest.mark.parametrize("mode", [{"as_tools": True}, {"mode": "single_turn"}])
async def test_agents_side_by_side_that_write_one_key_lose_a_write(mode, tmp_path):
    script = {"Root": [BOTH, "ab"], "Loans": ["a"], "Funds": ["b"]}
    root = desk(script, output_key="answer", **mode)

    flow, (one,) = await found(root, ["?"], tmp_path, "lost_state_write")

    assert one.text == (
        "Loans and Funds ran side by side and each wrote the state key answer: one write is lost, "
        "unless the values agree."
    )
    assert sorted(hooks(flow, one)) == ["event:Funds", "event:Loans"]


async def test_nodes_side_by_side_that_write_one_key_lose_a_write(tmp_path):
    model = Scripted(script={"Loans": ["a"], "Funds": ["b"]})
    nodes = tuple(agent(name, model, output_key="answer") for name in model.script)
    graph = Workflow(name="Graph", edges=[("START", nodes, JoinNode(name="Join"))])

    _, (one,) = await found(graph, ["?"], tmp_path, "lost_state_write")

    assert set(one.agents) == {"Loans", "Funds"}


async def test_agents_in_turn_may_write_one_key(tmp_path):
    script = {
        "Root": [BOTH[0], BOTH[1], "ab"],
        "Loans": ["a"],
        "Funds": ["b"],
    }
    in_turn = desk(script, as_tools=True, output_key="answer", lead={"output_key": "answer"})
    handed = {"Root": [transfer("Loans")], "Loans": ["a"]}
    over = desk(handed, output_key="answer", lead={"output_key": "answer"})

    assert (await found(in_turn, ["?"], tmp_path / "in", "lost_state_write"))[1] == []
    assert (await found(over, ["?"], tmp_path / "over", "lost_state_write"))[1] == []


async def test_adk_keeps_only_one_of_two_writes_side_by_side(tmp_path):
    """The fact that the finding rests on: ADK merges the deltas key by key."""
    seen = []

    class Watching(BasePlugin):
        async def before_model_callback(self, *, callback_context, llm_request):
            seen.append(callback_context.state.get("answer"))

    script = {"Root": [BOTH, "ab"], "Loans": ["a"], "Funds": ["b"]}
    root = desk(script, as_tools=True, output_key="answer")

    await record(root, ["?"], tmp_path, plugins=[Watching("watching")])

    assert seen == [None, None, None, "b"]


# hallucinated_name


async def test_a_function_and_an_agent_that_do_not_exist_are_hallucinated(tmp_path):
    root = desk({"Root": [call("rates"), transfer("Loan")]})

    flow, (function, target) = await found(root, ["?"], tmp_path, "hallucinated_name")

    assert function.text == "Root called rates, but transfer_to_agent is all that it was offered."
    assert target.text == "Root tried to hand over to Loan, and may only to Loans and Funds."
    assert hooks(flow, function) == hooks(flow, target) == ["before_model:Root", "after_model:Root"]


async def test_a_hallucinated_agent_is_known_from_its_event_where_words_were_left_out(tmp_path):
    root = desk({"Root": [transfer("Loan")]})

    _, (one,) = await found(root, ["?"], tmp_path, "hallucinated_name", capture="none")

    assert one.text == "Root tried to hand over to Loan, and may only to Loans and Funds."


async def test_names_on_offer_and_functions_that_a_callback_added_are_no_hallucination(tmp_path):
    def add(callback_context, llm_request):
        from google.adk.tools.function_tool import FunctionTool

        llm_request.append_tools([FunctionTool(rate)])

    script = {"Root": [call("rate", years=1), transfer("Loans")], "Loans": ["a"]}
    root = desk(script, lead={"before_model_callback": add})

    flow, none = await found(root, ["?"], tmp_path, "hallucinated_name")

    assert none == []
    assert flow.errors == []


# unrelayed_answer

ANSWER = "The monthly repayment comes to £1,043.29 over 25 years."


def relaying(*said, funds=(), **options):
    script = {"Root": [call("Loans", request="Cost?"), *said], "Loans": [ANSWER], "Funds": funds}
    return desk(script, **({"as_tools": True} | options))


async def test_an_answer_that_the_user_read_itself_is_not_untold(tmp_path):
    root = relaying("Please ask somebody else.", as_tools=False, mode="single_turn")

    _, none = await found(root, ["What does it cost?"], tmp_path, "unrelayed_answer")

    assert none == []


async def test_a_reply_without_any_of_an_answers_figures_leaves_it_untold(tmp_path):
    root = relaying("Please ask somebody else.")

    flow, (one,) = await found(root, ["What does it cost?"], tmp_path, "unrelayed_answer")

    assert one.text == (
        "Loans answered Root, but the replies hold none of its 2 figures and almost none of its "
        "words."
    )
    assert one.agents == ("Loans", "Root")
    assert hooks(flow, one) == ["after_tool:Root", "event:Root", "after_run:Root"]


async def test_a_turn_that_ends_without_a_reply_leaves_an_answer_untold(tmp_path):
    _, (one,) = await found(relaying(""), ["?"], tmp_path, "unrelayed_answer")

    assert one.text == "Loans answered Root, but the turn ended without a reply."
    assert one.level == "serious"


async def test_a_call_that_failed_without_a_word_is_told(tmp_path):
    root = desk({"Root": [BOTH[0]], "Loans": [RuntimeError("no")]}, as_tools=True)

    flow, (one,) = await found(root, ["?"], tmp_path, "unrelayed_answer")

    assert one.text == (
        "Root got no answer from Loans: its call failed and the turn ended without a reply."
    )
    assert hooks(flow, one) == ["tool_error:Root", "run_error:Root"]


@pytest.mark.parametrize(
    "said",
    [
        ["About £1,040 a month."],
        ["Ihre monatliche Rate: 1,043.29"],
        ["Every repayment is monthly, over many years."],
        [call("Funds", request="Is £1,043 a month dear?"), "Dear."],
    ],
)
async def test_an_answer_told_in_other_words_or_used_is_relayed(said, tmp_path):
    root = relaying(*said, funds=["Dear."])

    assert (await found(root, ["?"], tmp_path, "unrelayed_answer"))[1] == []


@pytest.mark.parametrize("texts", ["none", "preview"])
async def test_without_words_an_answer_with_a_reply_is_never_called_untold(texts, tmp_path):
    root = relaying("No. " * 200)

    assert (await found(root, ["?"], tmp_path, "unrelayed_answer", capture=texts))[1] == []


async def test_an_answer_that_goes_to_the_user_as_it_is_is_told(tmp_path):
    model = Scripted(script={"Root": [BOTH[0]], "Loans": [ANSWER]})
    tool = AgentTool(agent("Loans", model), skip_summarization=True)
    root = agent("Root", model, tools=[tool])

    _, found_here = await found(root, ["?"], tmp_path)

    assert [one.kind for one in found_here] == ["hidden_conversation"]


# All of them


@pytest.mark.parametrize("construct", CONSTRUCTS)
async def test_a_construct_that_works_is_told_only_what_adk_does_to_it(construct, tmp_path):
    model = Scripted(script=SCRIPTS[construct])
    specialists = [agent("Loans", model, tools=[rate]), agent("Funds", model)]
    root = wire(agent("Lead", model), specialists, construct, called=["Loans"])

    _, told = await found(root, ["Cost?"], tmp_path)

    hidden = ("agent_tool", "agent_tool_skip_summarization", "mixed")
    expected = {name: ["hidden_conversation"] for name in hidden}
    assert [one.kind for one in told] == expected.get(construct, [])


@pytest.mark.parametrize("construct", CONSTRUCTS)
async def test_the_desk_is_told_the_same_of_a_question_and_its_follow_up(
    construct, tmp_path, monkeypatch
):
    monkeypatch.setenv("MODEL_NAME", "offline")
    app = load_app(CONSTRUCT_FOLDERS / construct)

    talk = read_conversation(CONSTRUCT_FOLDERS.parent / "conversations" / "follow_up.yaml")
    await run_conversation(app, talk, file=tmp_path / "log.jsonl")

    told = [(one.turn, one.kind) for one in detect_findings(read_trace(tmp_path / "log.jsonl"))]
    hidden = [(1, "hidden_conversation"), (2, "hidden_conversation")]
    expected = {"agent_tool": hidden, "agent_tool_skip_summarization": hidden}
    assert told == expected.get(construct, [])


def test_a_leak_is_a_finding_too():
    one = of_leak("Funds", "the loan's number", 7, 2)

    assert one.kind in KINDS
    assert one.text == "Funds was shown the loan's number, which is not for it."


async def test_a_leak_is_told_alike_of_a_flow_and_of_a_measured_run(tmp_path):
    script = {"Root": [transfer("Loans")], "Loans": ["The rate is 5%."]}
    held = await record(desk(script), ["I earn 4100. Cost?"], tmp_path)
    asked = Conversation(
        [AskedTurn("I earn 4100. Cost?")], canaries={"pay": Canary("4100", ["Root"])}
    )

    run = measure_run(held.log, construct="transfer", conversation="pay", asked=asked)
    flow = Flow(held.trace, asked.planted)

    (measured,), (told,) = ([f for f in one.findings if f.kind == "leak"] for one in (run, flow))
    assert measured == told
    assert told.text == "Loans was shown the canary “pay”, which is not for it."
    assert (told.turn, told.agents) == (1, ("Loans",))


NAMES = st.sampled_from(["", "Root", "Loans", "Funds", "user", "transfer_to_agent"])
IDS = st.sampled_from(["", "c1", "c2", "c3"])
NUMBERS = st.integers(0, 4)
WORDS = st.sampled_from(
    ["", "It is 5%.", '{"agent_name": "Nobody"}', "{", "[1]", "…", "½ ١٢ 9" * 99]
)
HOOKS = st.sampled_from(
    [
        *("user_message", "before_run", "before_agent", "after_agent", "agent_error"),
        *("before_model", "after_model", "model_error", "before_tool", "after_tool", "tool_error"),
        *("event", "after_run", "run_error", "odd"),
    ]
)
KIND = st.sampled_from(["", *sorted(AGENT_CALLS), "transfer", "function", "node_tool"])
CALLS = st.builds(FunctionCall, NAMES, KIND, IDS, WORDS)
REQUESTS = st.builds(
    Request,
    NUMBERS,
    st.lists(st.builds(Part, NAMES, KIND | st.just("response"), NUMBERS), max_size=3).map(tuple),
    st.lists(NAMES, max_size=2).map(tuple),
    st.lists(NAMES, max_size=2).map(tuple),
)
RECORDS = st.builds(
    Record,
    hook=HOOKS,
    time=NUMBERS,
    run=NUMBERS,
    activation=NUMBERS,
    parent=NUMBERS,
    agent=NAMES,
    call=IDS,
    cause=st.sampled_from(["", *Cause.__args__]),
    parent_name=NAMES,
    tool=NAMES,
    kind=KIND,
    text=WORDS,
    size=NUMBERS,
    request=st.none() | REQUESTS,
    calls=st.lists(CALLS, max_size=3).map(tuple),
    responses=st.lists(IDS, max_size=2).map(tuple),
    usage=st.none() | st.builds(Usage, NUMBERS, NUMBERS),
    transfer=NAMES,
    final=st.booleans(),
    partial=st.booleans(),
    pending=st.lists(IDS, max_size=1).map(tuple),
    state=st.lists(NAMES, max_size=2).map(tuple),
    error=WORDS,
    active_agent=NAMES,
)


@given(st.lists(RECORDS, max_size=40))
def test_any_records_in_any_order_give_findings_that_point_at_them(records):
    header = Header(flow_log=1, adk="", adk_flow="", app="a", session="s", time=1)

    log = Log("", header, records, {1: "It is 5%.", 2: "£7"}, [])
    for one in detect_findings(trace_log(log)):
        assert one.records
        assert all(0 <= index < len(records) for index in one.records)
        assert one.kind in KINDS


@given(st.data())
def test_a_log_cut_or_shuffled_anywhere_gives_findings(real_log, data):
    kept = data.draw(st.lists(st.sampled_from(real_log.records), max_size=80))

    detect_findings(trace_log(real_log._replace(records=kept)))


@pytest.fixture(scope="module")
def real_log(tmp_path_factory):
    """Two agent tools at once, a transfer and a failure, with everything that is found there."""
    script: dict[str, Any] = {"Root": [BOTH, transfer("Loans")]}
    script |= {"Loans": ["a", call("rates"), "b"], "Funds": ["b"]}
    model = Scripted(script=script)
    tools = [AgentTool(agent(name, model, output_key="k")) for name in ("Loans", "Funds")]
    root = agent("Root", model, tools=tools, sub_agents=[agent("Loans", model, **ALONE)])
    log = asyncio.run(record(root, ["?"], tmp_path_factory.mktemp("log"))).log
    assert len({one.kind for one in detect_findings(trace_log(log))}) >= 5
    return log


# ignored_transfer


class Orchestrator(BaseAgent):
    """Hands over by an event that answers no call of `transfer_to_agent`, which ADK ignores."""

    async def _run_async_impl(self, ctx):
        yield Event(
            author=self.name,
            invocation_id=ctx.invocation_id,
            content=types.ModelContent("over to Loans"),
            actions=EventActions(transfer_to_agent="Loans"),
        )


async def test_a_transfer_that_adk_ignores_is_told(tmp_path):
    loans = agent("Loans", Scripted(script={"Loans": []}))

    flow, (one,) = await found(
        Orchestrator(name="Root", sub_agents=[loans]), ["?"], tmp_path, "ignored_transfer"
    )

    assert [record.agent for record in flow.of("before_agent")] == ["Root"]
    assert one.text == "Root handed over to Loans, which never began."


async def test_of_two_transfers_at_once_the_lost_one_is_told(tmp_path):
    both = [transfer("Loans"), transfer("Funds")]
    root = desk({"Root": [both], "Loans": [], "Funds": ["yes"]})

    flow, (one,) = await found(root, ["?"], tmp_path, "ignored_transfer")

    assert [record.agent for record in flow.of("before_agent")] == ["Root", "Funds"]
    assert one.text == "Root handed over 2 times at once; only that to Funds took place."


# hidden_hook


class Redact(BasePlugin):
    """Answers `after_tool`, and so hides it from the plugins after it."""

    async def after_tool_callback(self, **_):
        return {"result": "redacted"}


async def test_a_call_whose_hook_was_hidden_returns_and_the_hook_is_named(tmp_path):
    root = desk({"Root": [BOTH, "ab"], "Loans": ["a"], "Funds": ["b"]}, as_tools=True)
    plugin = FlowPlugin(directory=tmp_path)
    app = App(name="app", root_agent=root, plugins=[Redact(name="redact"), plugin])
    runner = Runner(app=app, session_service=InMemorySessionService())
    await runner.session_service.create_session(app_name="app", user_id="u", session_id="s")
    message = types.UserContent("?")
    async for _ in runner.run_async(user_id="u", session_id="s", new_message=message):
        pass
    await runner.close()

    flow = Flow(read_trace(plugin.paths[0]))

    assert [line for line in flow.control if "<-" in line or ">-" in line] == [
        "Root <- Loans",
        "Root <- Funds",
        "Root >-",
    ]
    hidden = [one.text for one in detect_findings(flow.trace) if one.kind == "hidden_hook"]
    assert hidden == [
        f"A plugin before the recorder hid after_tool of {name}; list FlowPlugin first."
        for name in ("Loans", "Funds")
    ]


# cut_answer, ended_loop, replaced_turns, rewound_turns


async def test_an_answer_that_its_model_cut_is_told_with_the_reason(tmp_path):
    class Cut(Scripted):
        async def generate_content_async(self, llm_request, stream=False):
            async for response in super().generate_content_async(llm_request, stream):
                yield response.model_copy(update={"finish_reason": reasons.pop(0)})

    reasons = [types.FinishReason.STOP, types.FinishReason.MAX_TOKENS]
    root = agent("Root", Cut(script={"Root": ["whole", "cut o"]}))

    flow, (one,) = await found(root, ["?", "?"], tmp_path, "cut_answer")

    assert (one.turn, one.level) == (2, "serious")
    assert one.text == "The model of Root stopped before it was done: MAX_TOKENS."
    assert hooks(flow, one) == ["before_model:Root", "after_model:Root"]


async def test_who_ended_a_loop_is_told(tmp_path):
    model = Scripted(script={"Writer": ["a", "b"], "Critic": ["no", call("exit_loop")]})
    stages: list[BaseAgent] = [agent("Writer", model), agent("Critic", model, tools=[exit_loop])]

    flow, (one,) = await found(
        LoopAgent(name="Loop", sub_agents=stages), ["?"], tmp_path, "ended_loop"
    )

    assert one.text == "Critic ended the loop that it is in."
    assert hooks(flow, one) == ["event:Critic"]


@pytest.fixture
def hold(tmp_path):
    """Holds turns in one session of an app; rewinds to before the turn that a number names."""

    async def turns(*steps: str | int, **options: Any) -> list[str]:
        plugin = FlowPlugin(directory=tmp_path)
        root = agent("Root", Scripted(script={"Root": [f"{n}" for n in range(len(steps))]}))
        runner = Runner(
            app=App(name="app", root_agent=root, plugins=[plugin], **options),
            session_service=InMemorySessionService(),
        )
        place: Any = {"user_id": "u", "session_id": "s"}
        await runner.session_service.create_session(app_name="app", **place)
        invocations: list[str] = []
        for step in steps:
            if isinstance(step, int):
                await runner.rewind_async(
                    **place, rewind_before_invocation_id=invocations[step - 1]
                )
                continue
            message = types.UserContent(step)
            events = [event async for event in runner.run_async(**place, new_message=message)]
            invocations.append(events[0].invocation_id)
        await runner.close()
        findings = detect_findings(read_trace(plugin.paths[0]))
        return [f"{one.turn}: {one.text}" for one in findings]

    return turns


async def test_turns_that_were_taken_back_are_named(hold):
    assert await hold("a", "b", "c", 2, "d") == [
        "4: The session was taken back: turns 2 to 3 no longer count."
    ]


async def test_turns_that_a_summary_replaced_are_named(hold):
    summarizer = LlmEventSummarizer(llm=Scripted(script={"": ["short", "shorter"]}))
    config = EventsCompactionConfig(compaction_interval=2, overlap_size=0, summarizer=summarizer)

    told = await hold("a", "b", "c", "d", "e", events_compaction_config=config)

    assert told == ["3: A summary replaced turns 1 to 2.", "5: A summary replaced turns 3 to 4."]
