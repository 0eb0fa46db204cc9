"""The same lead and specialists under each construct: what goes along, and what each is shown."""

import json
from typing import Any

import pytest
from google.adk.tools import exit_loop
from google.adk.tools.agent_tool import AgentTool

from adk_flow.analysis.metrics import measure
from adk_flow.models.scripted import Scripted, call
from adk_flow.wiring import CONSTRUCTS, WiringError, wire
from tests.doubles.flow import agent, record
from tests.doubles.models import Watched
from tests.doubles.teams import SCRIPTS, rate, team, twice, wired


@pytest.mark.parametrize("construct", CONSTRUCTS)
def test_the_originals_stay_as_they_are_and_can_be_wired_again(construct):
    lead, specialists = team(Scripted())

    roots = [wire(lead, specialists, construct) for _ in range(2)]

    assert roots[0] is not roots[1]
    for one in (lead, *specialists):
        assert (one.parent_agent, one.sub_agents, one.mode) == (None, [], None)
    assert [one.tools for one in (lead, *specialists)] == [[], [rate], []]


@pytest.mark.parametrize("construct", CONSTRUCTS)
async def test_instructions_tools_and_callbacks_go_along(construct, tmp_path):
    fired = []
    model = Watched(script=SCRIPTS[construct])
    lead, specialists = team(model, before_tool_callback=lambda tool, **_: fired.append(tool.name))

    root = wire(lead, specialists, construct, called=["Loans"] if construct == "mixed" else ())
    await record(root, ["Cost?"], tmp_path)

    alone = {"single_agent": "Lead", "advisor": "Lead", "skills": "Lead", "best_of_n": "Lead_2"}
    sent = model.to(alone.get(construct, "Loans"))[-1]
    # A skill's comes as the result of loading it (test_skills.py).
    assert "You lend." in sent.instruction or construct == "skills"
    assert "rate" in sent.tools
    assert fired.count("rate") == 1
    assert all("You lead." in sent.instruction for sent in model.sent if sent.agent[:4] == "Lead")


# What each is shown


async def test_a_router_and_its_specialist_know_the_conversation_but_not_each_other(tmp_path):
    script = {"Lead": ['{"specialist": "Loans"}', '{"specialist": "Funds"}'] * 2}
    script |= {"Loans": ["5%.", "4%."], "Funds": ["6%.", "7%."]}
    model = Watched(script=script)

    await record(wired(model, "router"), ["a", "b", "c"], tmp_path)

    assert model.texts("Lead")[2] == ["a", script["Lead"][0], "b", script["Lead"][1], "c"]
    assert model.texts("Loans") == [["a"], ["a", "5%.", "b", "c"]]


@pytest.mark.parametrize("named", [[], ["Funds"], ["Funds", "Loans"]])
async def test_a_router_to_many_asks_those_that_it_names_and_merges_even_a_failure(named, tmp_path):
    answers = {"Loans": [RuntimeError("line is down")], "Funds": ["Safe."]}
    script = {name: answers[name] for name in named}
    model = Watched(script={"Lead": [json.dumps({"specialists": named}), "So."], **script})

    flow = await record(wired(model, "router_many"), ["All? Canary."], tmp_path, model=model)

    heard = {"Loans": "[Loans] failed: RuntimeError: line is down", "Funds": "[Funds] said: Safe."}
    assert not flow.errors
    assert [text for text in model.texts("Lead")[1] if text in heard.values()] == [
        heard[name] for name in ("Loans", "Funds") if name in named
    ]
    assert [model.texts(name) for name in named] == [[["All? Canary."]]] * len(named)


async def test_a_coordinators_specialists_see_their_share_and_it_hears_of_a_failure(tmp_path):
    shares = '{"Loans": "How dear?", "Funds": "How safe?"}'
    script = {"Lead": [shares, "So."], "Loans": [RuntimeError("line is down")], "Funds": ["Safe."]}
    model = Watched(script=script)

    flow = await record(wired(model, "coordinator"), ["All? Canary."], tmp_path, model=model)

    assert not flow.errors
    assert model.texts("Loans") == [["How dear?"]]
    assert model.texts("Funds") == [["How safe?"]]
    assert model.texts("Lead")[1] == [
        "All? Canary.",
        "For context:",
        "[Loans] was asked: How dear?",
        "[Loans] failed: RuntimeError: line is down",
        "[Funds] was asked: How safe?",
        "[Funds] said: Safe.",
    ]
    returned = [line for line in flow.control if "<-" in line and "Loans" in line]
    assert returned == ["ask_Loans <- Loans FAILED", "coordinator <- ask_Loans"]
    assert flow.control[-1] == "end coordinator to user"


async def test_what_a_lead_decides_in_json_is_asked_for_in_a_plain_schema(tmp_path):
    asked = {}

    class Shapes(Scripted):
        async def generate_content_async(self, llm_request, stream=False):
            shape: Any = llm_request.config.response_schema
            if shape:
                plain = shape if isinstance(shape, dict) else shape.model_json_schema()
                asked[plain["title"]] = plain["properties"]
            async for response in super().generate_content_async(llm_request, stream):
                yield response

    for construct in ("router", "coordinator"):
        model = Shapes(script=SCRIPTS[construct])
        await record(wired(model, construct), ["?"], tmp_path / construct)

    text = {"type": "string"}
    assert asked == {
        "Choice": {"specialist": {**text, "title": "Specialist", "enum": ["Loans", "Funds"]}},
        "Dispatch": {
            "Loans": {**text, "description": "Loans knows the cost."},
            "Funds": {**text, "description": "Funds knows."},
        },
    }


async def test_a_coordinator_that_needs_nobody_answers_itself(tmp_path):
    model = Watched(script={"Lead": ["{}", "Hello."]})

    flow = await record(wired(model, "coordinator"), ["Hello?"], tmp_path, model=model)

    assert measure(flow.trace)[0].answer == "Hello."


async def test_in_a_sequence_each_is_told_what_the_one_before_said(tmp_path):
    model = Watched(script=twice("sequential"))

    await record(wired(model, "sequential"), ["a", "b"], tmp_path)

    told = ["For context:", "[Loans] said: 5%."]
    assert model.texts("Funds") == [["a", *told], ["a", "6%.", "b", *told]]


@pytest.mark.parametrize("construct", ["loop", "deprecated_loop"])
async def test_a_loop_ends_before_its_limit_if_an_agent_escalates(construct, tmp_path):
    script = {"Loans": ["5%."], "Funds": [call("exit_loop")]}
    model = Scripted(script=script)
    lead, (loans, funds) = team(model)
    funds.tools = [exit_loop]

    root = wire(lead, [loans, funds], construct)
    flow = await record(root, ["?"], tmp_path, model=model)

    called = [move.target for move in flow.moves if move.kind == "call"]
    assert [name for name in called if name in ("Loans", "Funds")] == ["Loans", "Funds"]


async def test_candidates_differ_in_name_and_temperature(tmp_path):
    model = Watched(script=SCRIPTS["best_of_n"])

    await record(wired(model, "best_of_n"), ["?"], tmp_path)

    heat = {sent.agent: sent.temperature for sent in model.sent}
    assert heat == {"Lead_1": 0.0, "Lead_2": 0.5, "Lead_3": 1.0, "Lead": None}


async def test_instructions_that_are_functions_are_asked_when_they_are_needed(tmp_path):
    model = Watched(script={"Lead": ["Hello."]})
    lead, (loans, funds) = team(model)
    loans.instruction = lambda context: f"You lend to {context.user_id}."
    lead.instruction = "You lead in {place?}."

    await record(wire(lead, [loans, funds], "single_agent"), ["?"], tmp_path)

    (sent,) = model.sent
    assert "You lead in ." in sent.instruction
    assert "You lend to u." in sent.instruction


@pytest.mark.parametrize("construct", ["single_agent", "advisor", "skills", "best_of_n"])
@pytest.mark.parametrize("as_tool", [None, False, True])
async def test_one_for_all_is_told_whom_adk_lets_it_use(construct, as_tool, tmp_path):
    model = Watched(script=SCRIPTS[construct])
    lead, (loans, funds) = team(model)
    clerk = agent("Clerk", model)
    loans.tools += [AgentTool(clerk)] if as_tool else []
    funds = funds.clone(update={"sub_agents": [clerk] if as_tool is False else []})

    await record(wire(lead, [loans, funds], construct), ["?"], tmp_path)

    sent = model.to("Lead_2" if construct == "best_of_n" else "Lead")[-1]  # its skill is loaded
    uses_clerk = {
        None: False,
        False: "transfer_to_agent" in sent.tools,
        True: "Clerk" in sent.tools,
    }
    assert uses_clerk[as_tool] == (as_tool is not None)
    assert ("nobody but Clerk to transfer to" in sent.instruction) == (as_tool is not None)
    assert ("You work alone" in sent.instruction) == (as_tool is None)


async def test_braces_in_a_description_are_no_session_state(tmp_path):
    model = Watched(script=SCRIPTS["router"])
    lead, specialists = team(model)
    specialists[1].description = "Answers {anything}."

    flow = await record(wire(lead, specialists, "router"), ["?"], tmp_path)

    assert not flow.errors
    assert "Funds: Answers {anything}." in model.sent[0].instruction


async def test_a_failing_node_ends_the_fork_and_the_turn(tmp_path):
    model = Scripted(script={"Loans": [RuntimeError("line is down")], "Funds": ["6%."]})

    flow = await record(wired(model, "parallel"), ["?"], tmp_path)

    control = flow.control
    assert "parallel <- Loans FAILED" in control
    assert control[-2:] == ["parallel >-", "end parallel to user FAILED"]


# Who calls whom in `mixed`


def test_mixed_calls_those_whom_its_lead_calls_else_the_last():
    lead, (loans, funds) = team(Scripted())
    calling = agent("Lead", Scripted(), tools=[AgentTool(loans)])

    def called(lead, **options):
        root: Any = wire(lead, [loans, funds], "mixed", **options)
        return [tool.name for tool in root.tools], [sub.name for sub in root.sub_agents]

    assert called(lead) == (["Funds"], ["Loans"])
    assert called(calling) == (["Loans"], ["Funds"])
    assert called(calling, called=["Loans", "Funds"]) == (["Loans", "Funds"], [])


# What cannot be wired


def same_name(lead, specialists):
    return wire(lead, [*specialists, agent("Loans", Scripted())], "transfer")


def same_tool_name(lead, specialists):
    def rate(years: int) -> str:
        """Looks another rate up."""
        return ""

    specialists[1].tools = [rate]
    return wire(lead, specialists, "single_agent")


ALL = ", ".join(CONSTRUCTS)


@pytest.mark.parametrize(
    ("attempt", "told"),
    [
        (lambda lead, them: wire(lead, them, "swarm"), f"'swarm' is no construct; known are {ALL}"),
        (lambda lead, _: wire(lead, [], "task"), "Lead has no specialists"),
        (lambda lead, them: wire(lead, them, "mixed", called=["Savings"]), "Savings is none of"),
        (same_name, "two agents are named Loans"),
        (same_tool_name, "single_agent: Loans and Funds have different tools named 'rate'"),
    ],
)
def test_what_cannot_be_wired_is_told_in_one_line(attempt, told):
    with pytest.raises(WiringError, match=told) as caught:
        attempt(*team(Scripted()))
    assert "\n" not in str(caught.value)
