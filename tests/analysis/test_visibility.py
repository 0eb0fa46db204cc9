"""Who was shown what, under each construct: whose words, and which of three planted facts.

In a picture a line is an agent and a column whose words, or which fact, its requests held.
"""

from typing import Any

import pytest
from google.adk.agents import SequentialAgent
from google.adk.apps import App
from google.adk.models import Gemini
from google.adk.models.llm_response import LlmResponse
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.tools import ToolContext
from google.adk.tools.agent_tool import AgentTool
from google.adk.workflow import Workflow
from google.genai import types
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from adk_flow.analysis.prefixes import shared_prefixes
from adk_flow.analysis.trace_reader import read_trace, trace_log
from adk_flow.analysis.visibility import Visibility, trace_visibility
from adk_flow.log.reader import Damage, Log, read_log
from adk_flow.log.schema import Part, Record, Request
from adk_flow.models.scripted import Scripted, call, transfer
from adk_flow.run.conversation_run import run_conversation
from adk_flow.scenario.conversation import Canary, of_questions
from adk_flow.wiring import wire
from tests.doubles.flow import agent, expected, record
from tests.doubles.records import HEADER, RECORDS, log_of
from tests.doubles.teams import SCRIPTS, twice

CANARIES = {
    "question": Canary("blue door"),
    "fact": Canary("Harbour index"),
    "manner": Canary("never mention Tuesdays"),
}
QUESTIONS = ["What does the house with the Blue Door cost?", "And the garden?"]


def rate(years: int) -> str:
    """Looks a rate up."""
    return f"5% for {years} years, by the Harbour Index"


def wired(model, construct) -> Any:
    loans = agent("Loans", model, instruction="You lend.", tools=[rate])
    funds = agent("Funds", model, instruction="You save.")
    lead = agent("Lead", model, instruction="You lead. Never mention\nTuesdays.")
    called = ["Loans"] if construct == "mixed" else ()
    return wire(lead, [loans, funds], construct, called=called)


async def held(construct, folder, questions=QUESTIONS[:1], **options) -> Visibility:
    """Holds a conversation and reads off who was shown what."""
    script = SCRIPTS[construct] if len(questions) == 1 else twice(construct)
    model = Scripted(script=script)
    flow = await record(wired(model, construct), questions, folder, model=model, **options)
    assert not flow.errors
    return trace_visibility(flow.trace, CANARIES)


def matrix(found: Visibility) -> str:
    """Draws the sights as a table; `x` marks a fact that was held."""
    cells: dict[tuple[str, str], str] = {}
    for sight in found.sights:
        cell = cells.get((sight.agent, sight.source), "")
        mark = "x" if sight.kind == "canary" else sight.kind
        cells[sight.agent, sight.source] = f"{cell}+{mark}".strip("+")
    sources = dict.fromkeys(sight.source for sight in found.sights if sight.kind != "canary")
    columns = sorted(sources, key=["user", *found.agents, *sources].index) + found.canaries
    rows = [["shown", *columns]]
    rows += [[name, *(cells.get((name, one), ".") for one in columns)] for name in found.agents]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "\n".join(lines)


def of_texts(*numbers) -> Request:
    """Makes a request of texts in the user's role."""
    return Request(parts=tuple(Part("user", "text", number) for number in numbers))


def told(found: Visibility) -> list[str]:
    return [f"{one.agent}: {one.kind} of {one.source} @{one.record}" for one in found.leaks]


ALONE = """
    shown  user   question  fact  manner
    Lead   words  x         x     x
"""
CALLED = """
    shown  user   Lead     Loans   question  fact  manner
    Lead   words  .        answer  x         .     x
    Loans  .      request  .       .         x     .
"""
MATRICES = {
    **dict.fromkeys(("single_agent", "advisor", "skills"), ALONE),
    **dict.fromkeys(("agent_tool", "mixed", "single_turn", "task"), CALLED),
    "transfer": """
        shown  user   question  fact  manner
        Lead   words  x         .     x
        Loans  words  x         x     .
    """,
    "agent_tool_skip_summarization": """
        shown  user   Lead     Loans         question  fact  manner
        Lead   words  .        answer+words  x         .     x
        Loans  .      request  .             .         x     .
    """,
    "workflow_tool": """
        shown  user   Lead     Loans  Funds  question  fact  manner
        Lead   words  .        words  words  x         .     x
        Loans  .      request  .      .      .         x     .
        Funds  .      request  words  .      .         .     .
    """,
    "router": """
        shown  user   question  fact  manner
        Lead   words  x         .     x
        Loans  words  x         x     .
    """,
    "classifier_router": """
        shown  user   question  fact  manner
        Loans  words  x         x     .
    """,
    "router_many": """
        shown  user   Loans  question  fact  manner
        Lead   words  words  x         .     x
        Loans  words  .      x         x     .
    """,
    "coordinator": """
        shown  user   Lead     Loans  question  fact  manner
        Lead   words  .        words  x         .     x
        Loans  .      request  .      .         x     .
    """,
    "sequential": """
        shown  user   Loans  question  fact  manner
        Loans  words  .      x         x     .
        Funds  words  words  x         .     .
    """,
    "parallel": """
        shown  user   question  fact  manner
        Funds  words  x         .     .
        Loans  words  x         x     .
    """,
    "loop": """
        shown  user   Loans  Funds  question  fact  manner
        Loans  words  .      words  x         x     .
        Funds  words  words  .      x         .     .
    """,
    "best_of_n": """
        shown   user   Lead_1  Lead_2  Lead_3  best_of_n  question  fact  manner
        Lead_1  words  .       .       .       .          x         .     x
        Lead_2  words  .       .       .       .          x         x     x
        Lead_3  words  .       .       .       .          x         .     x
        Lead    words  words   words   words   words      x         .     x
    """,
}
"""What each agent was shown in two turns."""


@pytest.mark.parametrize("construct", MATRICES)
async def test_a_construct_decides_who_is_shown_what(construct, tmp_path):
    found = await held(construct, tmp_path, QUESTIONS)

    assert matrix(found) == expected(MATRICES[construct])
    assert found.known and not found.leaks
    # Some have no lead, whose instruction holds it.
    without = ("classifier_router", "sequential", "parallel", "loop")
    assert found.unseen == (["manner"] if construct in without else [])


async def test_a_sight_names_the_first_request_that_held_it_and_counts_them(tmp_path):
    found = await held("agent_tool", tmp_path)

    sights = {(one.agent, one.source): (one.record, one.requests) for one in found.sights}
    assert sights["Loans", "Lead"] == (10, 2)
    assert sights["Loans", "fact"] == (16, 1)
    assert sights["Lead", "Loans"] == (23, 1)


# A request, and more than that


async def test_a_request_is_its_callers_even_in_the_users_own_words(tmp_path):
    asked = "What does a loan cost?"
    script = {"Lead": [call("Loans", request=asked), "5%."], "Loans": ["5%."]}
    for construct in ("agent_tool", "single_turn"):
        flow = await record(
            wired(Scripted(script=script), construct), [asked], tmp_path / construct
        )

        found = trace_visibility(flow.trace)
        assert matrix(found) == expected("""
            shown  user   Lead     Loans
            Lead   words  .        answer
            Loans  .      request  .
        """)
        assert not found.leaks


class Place(BaseModel):
    place: str
    years: int


async def test_a_request_of_several_fields_is_known_again(tmp_path):
    clerk, broker = call("Clerk", place="a", years=1), call("Broker", place="b", years=2)
    model = Scripted(script={"Root": [clerk, broker, "So."], "Clerk": ["c"], "Broker": ["b"]})
    options: dict[str, Any] = {"input_schema": Place}
    root = agent(
        "Root",
        model,
        sub_agents=[agent("Clerk", model, mode="single_turn", **options)],
        tools=[AgentTool(agent("Broker", model, **options))],
    )

    flow = await record(root, ["?"], tmp_path, model=model)

    assert matrix(trace_visibility(flow.trace)) == expected("""
        shown   user   Root     Clerk   Broker
        Root    words  .        answer  answer
        Clerk   .      request  .       .
        Broker  .      request  .       .
    """)


async def test_words_that_reach_a_called_agent_by_way_of_the_state_are_a_leak(tmp_path):
    critic = {"instruction": "Mind this: {draft}"}
    model = Scripted(
        script={
            "Writer": ["Roses are red, all of them."],
            "Root": [call("Critic", request="Good?"), "Yes."],
            "Critic": ["Yes."],
        }
    )
    writer = agent("Writer", model, output_key="draft")
    root = agent("Root", model, tools=[AgentTool(agent("Critic", model, **critic))])

    flow = await record(SequentialAgent(name="Both", sub_agents=[writer, root]), ["?"], tmp_path)

    found = trace_visibility(flow.trace, {"flower": Canary("roses", only=["Writer", "Root"])})
    assert matrix(found) == expected("""
        shown   user   Writer  Root     Critic  flower
        Writer  words  .       .        .       .
        Root    words  words   .        answer  x
        Critic  .      words   request  .       x
    """)
    assert told(found) == ["Critic: canary of flower @16", "Critic: words of Writer @16"]


async def test_who_is_transferred_to_within_a_call_is_shown_that_call_alone(tmp_path):
    script = {
        "Root": [call("Loans", request="Ask around."), "So."],
        "Loans": [["Let me pass you on.", transfer("Funds")]],
        "Funds": ["6%."],
    }
    model = Scripted(script=script)
    loans = agent("Loans", model, sub_agents=[agent("Funds", model)])

    flow = await record(agent("Root", model, tools=[AgentTool(loans)]), ["Cost?"], tmp_path)

    found = trace_visibility(flow.trace)
    assert matrix(found) == expected("""
        shown  user   Root     Loans
        Root   words  .        answer
        Loans  .      request  .
        Funds  .      request  words
    """)
    assert not found.leaks


async def test_the_users_words_to_a_task_agent_that_asked_for_them_are_no_leak(tmp_path):
    script = {
        "Root": [call("Forms", request="Fill it in."), "Thanks."],
        "Forms": ["Your name?", call("finish_task", result="Ann")],
    }
    model = Scripted(script=script)
    root = agent("Root", model, sub_agents=[agent("Forms", model, mode="task")])

    flow = await record(root, ["I have a secret plan.", "Ann of the hills"], tmp_path, model=model)

    canaries = {"plan": Canary("secret plan"), "name": Canary("Ann of")}
    found = trace_visibility(flow.trace, canaries)
    assert matrix(found) == expected("""
        shown  user   Root     Forms   plan  name
        Root   words  .        answer  x     .
        Forms  words  request  .       .     x
    """)
    assert not found.leaks


async def test_who_is_transferred_to_is_shown_calls_and_answers_of_others(tmp_path):
    script = {"Root": [call("Loans", request="How dear?"), transfer("Funds")]}
    model = Scripted(script={**script, "Loans": [call("rate", years=5), "5%."], "Funds": ["6%."]})
    loans = agent("Loans", model, tools=[rate])
    root = agent("Root", model, tools=[AgentTool(loans)], sub_agents=[agent("Funds", model)])

    flow = await record(root, ["Cost?"], tmp_path, model=model)

    assert matrix(trace_visibility(flow.trace, {"fact": CANARIES["fact"]})) == expected("""
        shown  user   Root     Loans   fact
        Root   words  .        answer  .
        Loans  .      request  .       x
        Funds  words  tool     words   .
    """)


async def test_a_peer_is_shown_the_tools_of_whom_it_takes_over_from(tmp_path):
    script = {"Loans": [call("rate", years=5), transfer("Funds")], "Funds": ["6%."]}
    model = Scripted(script=script)
    loans = agent("Loans", model, tools=[rate], sub_agents=[agent("Funds", model)])

    flow = await record(loans, ["Cost?"], tmp_path, model=model)

    assert matrix(trace_visibility(flow.trace, CANARIES)) == expected("""
        shown  user   Loans  question  fact  manner
        Loans  words  .      .         x     .
        Funds  words  tool   .         x     .
    """)


# Words that are alike


async def test_what_the_user_said_is_the_users_though_an_agent_said_the_same(tmp_path):
    model = Scripted(script={"Root": [["yes", transfer("Clerk")]], "Clerk": ["no"]})
    root = agent("Root", model, sub_agents=[agent("Clerk", model)])

    flow = await record(root, ["yes"], tmp_path, model=model)

    assert matrix(trace_visibility(flow.trace)) == expected("""
        shown  user   Root
        Root   words  .
        Clerk  words  words
    """)


@pytest.mark.parametrize("name", ["Nobody", "Clerk"])
def test_a_quotation_is_believed_of_agents_and_unless_the_user_said_it(name):
    quoted = f"[{name}] said: I lie."
    asked = Record(
        hook="before_model", time=0, agent="Root", request=of_texts(1), texts={1: quoted}
    )
    clerk = Record(hook="before_agent", time=0, agent="Clerk", activation=2, run=2)
    said = Record(hook="user_message", time=0, text=quoted)

    for records, sources in (([clerk, asked], ["Clerk"]), ([said, clerk, asked], ["user"])):
        found = trace_visibility(trace_log(Log("", HEADER, records, {1: quoted}, [])))
        known = name == "Clerk" or sources == ["user"]
        assert [one.source for one in found.sights] == (sources if known else [])


async def test_words_that_a_graph_puts_into_a_longer_text_are_found_again(tmp_path):
    model = Scripted(script={"Loans": ["Five per cent a year."], "Funds": ["Fine."]})
    loans, funds = agent("Loans", model), agent("Funds", model)

    def compose(node_input: str) -> str:
        return f"Judge this offer: {node_input} Is it a good one?"

    graph = Workflow(name="Graph", edges=[("START", loans, compose, funds)])
    flow = await record(graph, ["What does a loan cost?"], tmp_path, model=model)

    assert matrix(trace_visibility(flow.trace)) == expected("""
        shown  user   Loans
        Loans  words  .
        Funds  .      words
    """)


# What is not known


async def test_canaries_tell_who_may_be_shown_them_and_whether_they_occurred(tmp_path):
    canaries = {
        "fact": Canary("harbour  INDEX", only=["Funds"]),
        "house": Canary("blue door", only=["Lead", "Loans"]),
        "gone": Canary("green door"),
        "masked": Canary("123456789"),
        "empty": Canary(" "),
    }
    flow = await record(
        wired(Scripted(script=SCRIPTS["transfer"]), "transfer"),
        ["The blue door, account 123456789?"],
        tmp_path,
    )

    found = trace_visibility(flow.trace, canaries)

    assert told(found) == ["Loans: canary of fact @16"]
    assert found.unseen == ["gone", "masked", "empty"]
    assert found.canaries == list(canaries)


@pytest.mark.parametrize("texts", ["none", "preview"])
async def test_without_whole_texts_nothing_is_known(texts, tmp_path):
    found = await held("transfer", tmp_path, capture=texts)

    assert not found.known
    assert f"texts={texts}" in found.unknown_reason
    assert found.agents == ["Lead", "Loans"]


async def test_a_later_part_without_texts_is_found_out(tmp_path):
    model = Scripted(script={"Root": ["a", "b"]})
    full = (await record(agent("Root", model), ["?"], tmp_path / "full")).log
    for texts, question in (("none", "?"), ("preview", "?" * 300)):
        model = Scripted(script={"Root": ["a"]})
        part = await record(agent("Root", model), [question], tmp_path / texts, capture=texts)
        log = full._replace(records=[*full.records, *part.log.records])

        assert trace_visibility(trace_log(full)).known
        assert (
            trace_visibility(trace_log(log)).unknown_reason
            == "a part of the log was recorded without all words"
        )


class Rewording(BasePlugin):
    """Hides a number in what the user says."""

    async def on_user_message_callback(self, *, invocation_context, user_message):
        return types.UserContent(user_message.parts[0].text.replace("42", "…"))


@pytest.mark.parametrize("place", ["before", "plugins"])
async def test_words_that_a_plugin_puts_in_place_of_the_users_are_the_users(place, tmp_path):
    model = Scripted(script={"Root": [transfer("Loans")], "Loans": ["Fine."]})
    root = agent("Root", model, sub_agents=[agent("Loans", model)])

    rewording = {place: [Rewording("rewording")]}
    flow = await record(root, ["I am 42 years old."], tmp_path, model=model, **rewording)

    assert flow.trace.turns[0].question == "I am … years old."
    assert [move.text for move in flow.moves if move.kind == "say"] == ["I am … years old."]
    sights = trace_visibility(flow.trace).sights
    assert [(sight.agent, sight.source) for sight in sights] == [
        ("Root", "user"),
        ("Loans", "user"),
    ]


class Chained(Gemini):
    """Is sent only what is new, as Gemini is by the Interactions API, and notes it."""

    use_interactions_api: bool = True
    sent: list = Field(default_factory=list)

    async def generate_content_async(self, llm_request, stream=False):
        self.sent.append((llm_request.previous_interaction_id, len(llm_request.contents)))
        content = types.ModelContent("Fine.")
        yield LlmResponse(content=content, interaction_id=str(len(self.sent)))


async def test_what_a_provider_holds_of_earlier_turns_is_not_known(tmp_path):
    model = Chained(model="gemini-2.5-flash")

    flow = await record(agent("Root", model), ["Canary.", "And now?", "And now?"], tmp_path)

    assert model.sent == [(None, 1), ("1", 1), ("2", 1)]  # ADK leaves the earlier turns out
    requests = [call.request for turn in flow.trace.turns for call in turn.model_calls]
    assert [request.stateful for request in requests] == [False, True, True]
    assert "go on from what the model's provider holds: 2" in (
        trace_visibility(flow.trace).unknown_reason
    )
    shared = [*shared_prefixes([turn.model_calls[0] for turn in flow.trace.turns], flow.log.texts)]
    assert [prefix.size > 0 for prefix in shared] == [True, False, False]


async def test_a_damaged_log_is_read_as_far_as_it_goes(tmp_path):
    log = (await record(wired(Scripted(script=SCRIPTS["task"]), "task"), ["?"], tmp_path)).log
    for left_out in range(len(log.records)):
        kept = log.records[:left_out] + log.records[left_out + 1 :]
        texts = {n: text for one in kept for n, text in one.texts.items()}
        part = Log("", log.header, kept, texts, [Damage(left_out, "cut")])
        found = trace_visibility(trace_log(part), CANARIES)

        assert found.unknown_reason == "lines of the log that could not be read: 1"


# State and artifacts


def put(tool_context: ToolContext) -> str:
    """Writes to the state."""
    tool_context.state["rate"] = tool_context.state["temp:rate"] = tool_context.agent_name
    return "put"


def look(tool_context: ToolContext) -> list[str]:
    """Looks into the state."""
    return sorted(tool_context.state.to_dict())


async def save(tool_context: ToolContext) -> str:
    """Saves an artifact."""
    await tool_context.save_artifact("offer.txt", types.Part(text="5%"))
    return "saved"


async def crossings(root, questions, folder) -> list[str]:
    app = App(name="app", root_agent=root)
    result = await run_conversation(app, of_questions(questions), file=folder / "log.jsonl")
    assert not any(turn.failed for turn in result.turns)
    found = trace_visibility(read_trace(folder / "log.jsonl"))
    return [f"{one.kind} {one.key}: {one.writer} > {one.reached}" for one in found.crossings]


def looked_at(folder) -> list[str]:
    """What `look` gave back: what of the state ADK really let the agents have."""
    records = read_log(folder / "log.jsonl").records
    return [one.text for one in records if one.tool == "look" and one.hook == "after_tool"]


async def test_state_goes_down_into_a_call_and_comes_back_with_it(tmp_path):
    script = {
        "Root": [call("Before", request="a"), call("Writer", request="b"), transfer("After")],
        "Before": ["x"],
        "Writer": [call("put"), "y"],
        "After": [call("Reader", request="c"), "d", "e"],
        "Reader": [call("look"), "z"],
    }
    model = Scripted(script=script)
    writer, reader = agent("Writer", model, tools=[put]), agent("Reader", model, tools=[look])
    after = agent("After", model, tools=[AgentTool(reader)])
    tools = [AgentTool(agent("Before", model)), AgentTool(writer)]

    lines = await crossings(
        agent("Root", model, tools=tools, sub_agents=[after]), ["?", "!"], tmp_path
    )

    assert lines == ["state rate: Writer > ['Root', 'After', 'Reader']"]
    assert looked_at(tmp_path) == ['["rate"]']


async def test_temporary_state_lasts_for_a_turn_and_is_not_handed_into_a_call(tmp_path):
    script = {
        "Root": [call("put"), call("Called", request="a"), transfer("Now")],
        "Called": [call("look"), "b"],
        "Now": [call("look"), "c", transfer("Later")],
        "Later": [call("look"), "d"],
    }
    model = Scripted(script=script)
    called, now, later = (agent(name, model, tools=[look]) for name in ("Called", "Now", "Later"))
    root = agent("Root", model, tools=[put, AgentTool(called)], sub_agents=[now, later])

    assert await crossings(root, ["?", "!"], tmp_path) == [
        "state rate: Root > ['Called', 'Now', 'Later']",
        "state temp:rate: Root > ['Now']",
    ]
    assert looked_at(tmp_path) == ['["rate"]', '["rate","temp:rate"]', '["rate"]']


async def test_artifacts_are_shared_while_a_call_runs(tmp_path):
    script = {
        "Root": [call("Writer", request="a"), "b"],
        "Writer": [call("save"), call("Reader", request="c"), "d"],
        "Reader": ["e"],
    }
    model = Scripted(script=script)
    writer = agent("Writer", model, tools=[save, AgentTool(agent("Reader", model))])

    lines = await crossings(agent("Root", model, tools=[AgentTool(writer)]), ["?"], tmp_path)

    assert lines == ["artifact offer.txt: Writer > ['Root', 'Reader']"]


# Any log


@given(st.lists(RECORDS, max_size=25))
def test_any_records_in_any_order_can_be_read(records):
    found = trace_visibility(trace_log(log_of(records)), {"fact": Canary("yes", only=["Loans"])})

    sending = ("before_model", "event")
    asked = {one.agent for one in records if one.hook in sending and one.request}
    assert set(found.agents) == asked
    for sight in [*found.sights, *found.leaks]:
        assert records[sight.record].hook in sending
        assert records[sight.record].agent == sight.agent
        assert sight.kind == "canary" or sight.source != sight.agent
        assert sight.source in ("fact", "user", *(one.agent for one in records))
    assert all(one.reached and one.writer not in one.reached for one in found.crossings)
