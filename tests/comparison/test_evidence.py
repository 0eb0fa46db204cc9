"""What is no evidence for a construct, and what a construct changes besides the wiring."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from google.adk.agents.llm_agent import LlmAgent
from google.adk.agents.remote_a2a_agent import RemoteA2aAgent
from google.adk.apps import App
from google.adk.examples.example import Example
from google.adk.models.llm_request import LlmRequest
from google.adk.tools.agent_tool import AgentTool
from google.adk.tools.example_tool import ExampleTool
from google.genai import types

from adk_flow.comparison.from_logs import compare_logs
from adk_flow.comparison.recommend import choose_constructs, find_obstacle, write_recommendation
from adk_flow.comparison.runner import compare
from adk_flow.comparison.variants import make_variants
from adk_flow.render.comparison_html import comparison_to_html
from adk_flow.scenario.conversation import AskedTurn, Conversation
from adk_flow.scenario.plan import PlannedCall, Task
from adk_flow.wiring import CONSTRUCTS

GRAPHS_WITHOUT_LEAD = ("classifier_router", "sequential", "parallel", "loop")


def price_of(product: str) -> dict[str, int]:
    """Looks up what a product costs."""
    return {"price": 5}


def shop(**lead: Any) -> App:
    """A lead with a specialist for prices and one for returns."""
    fields = {"sub_agents": specialists(), **lead}
    return App(name="shop", root_agent=LlmAgent(name="Shop", model="offline", **fields))


def specialists() -> list[LlmAgent]:
    prices = LlmAgent(name="Prices", description="Says what a product costs", tools=[price_of])
    return [prices, LlmAgent(name="Returns", description="Takes products back")]


def lead_of(app: App) -> Any:
    return app.root_agent


def asked(*tasks: Task, **turn: Any) -> dict[str, Conversation]:
    return {
        "kettle": Conversation([AskedTurn("What does a kettle cost?", plan=list(tasks), **turn)])
    }


TASK = Task("Prices", tools=[PlannedCall("price_of", args={"product": "kettle"})])


def compared(app: App, folder, conversations, constructs=("transfer", "agent_tool"), **options):
    return compare(app, conversations, constructs, folder=folder, **options)


def test_a_called_agent_that_fails_is_no_evidence_though_the_turn_goes_on(tmp_path):
    app = shop()
    lead_of(app).sub_agents[0].instruction = "For {customer}."  # which nobody writes

    comparison = compared(app, tmp_path, asked(TASK), ["single_turn", "transfer"])

    assert {gap.kind for one in comparison.constructs for gap in one.gaps.values()} == {"failed"}
    (sentence,) = write_recommendation(comparison)
    assert sentence.startswith("Cannot compare: no construct answered a conversation as asked.")
    assert "`customer`" in sentence
    assert "`state:`" in sentence


def test_a_projected_path_holds_nothing_of_this_machine(tmp_path):
    conversation = {"talk": Conversation([AskedTurn("Who takes products back?")])}
    app, series = shop(), ["transfer", "sequential", "loop", "router"]
    lead_of(app).sub_agents[0].tools = []  # whose own time is measured

    comparison = compared(app, tmp_path, conversation, series)

    assert not any(run.controlled for run in comparison.runs)
    for run in comparison.runs:
        # One call after another; by the profile 406 ms a call and 6.3 ms a token.
        took = [406_000 + 6_300 * (s.output_tokens or 0) for s in run.spans[0] if s.kind == "model"]
        assert run.total.critical_path_microseconds == sum(took), run.construct


def test_what_the_offline_model_refuses_is_no_evidence(tmp_path):
    conversation = {"talk": Conversation([AskedTurn("Tell me a story about dragons.")])}

    comparison = compared(shop(), tmp_path, conversation)

    assert {gap.kind for one in comparison.constructs for gap in one.gaps.values()} == {"refused"}
    assert "`plan:`" in find_obstacle(comparison)


def test_answers_that_touch_are_no_evidence(tmp_path):
    # With `skip_summarization` ADK shows both as one event, without a space between (2.13, cli.py).
    both = asked(Task("Prices", says="It costs £5."), Task("Returns", says="Keep the receipt."))

    comparison = compared(shop(), tmp_path, both, ["agent_tool", "agent_tool_skip_summarization"])

    (gap,) = [gap for figures in comparison.constructs for gap in figures.gaps.values()]
    assert gap.kind == "glued"
    assert "£5.Keep the" in gap.reason
    assert "agent_tool_skip" not in write_recommendation(comparison)[0]


def test_the_apps_own_wiring_is_compared_first_and_is_the_baseline(tmp_path):
    comparison = compared(shop(), tmp_path, asked(TASK))

    assert [one.construct for one in comparison.constructs] == ["as_is", "transfer", "agent_tool"]
    assert comparison.setting.baseline == "as_is"
    assert not find_obstacle(comparison)
    assert [one.agreeing_runs for one in comparison.constructs] == [None, 1, 1]


def test_a_recommended_construct_is_said_in_the_lines_of_the_app_that_it_changes(tmp_path):
    comparison = compared(shop(), tmp_path, asked(TASK))

    (chosen,) = {f.construct for f in choose_constructs(comparison)} - {"as_is"}
    ((name, lines),) = comparison.setting.wiring.items()
    assert name == chosen == "agent_tool"
    before = "sub_agents=[prices, returns]"
    after = "tools=[AgentTool(agent=prices), AgentTool(agent=returns)]"
    assert [line for line in lines if line[:1] in ("+", "-")] == [
        "+from google.adk.tools import AgentTool",
        f'-root_agent = LlmAgent(name="Shop", {before})',
        f'+root_agent = LlmAgent(name="Shop", {after})',
    ]
    assert "How to wire it" in comparison_to_html(comparison)


def test_another_figure_is_no_agreement_and_another_spelling_of_it_is(tmp_path):
    says = {"as_is": "It costs 1,250.00.", "transfer": "The price: 1250", "agent_tool": "1,205"}
    logs = []
    for construct, words in says.items():
        plan = asked(Task("Prices", says=words))
        made = compared(
            shop(), tmp_path / construct, plan, [] if construct == "as_is" else [construct]
        )
        logs += [run.log for run in made.runs if run.construct == construct]

    comparison = compare_logs(list(map(type(tmp_path), logs)), "as_is")

    assert [one.agreeing_runs for one in comparison.constructs] == [None, 1, 0]


def test_words_of_a_callback_that_a_construct_loses_are_a_serious_finding(tmp_path):
    def sign(callback_context, llm_response) -> None:
        part = llm_response.content.parts[-1]
        if part.text and not llm_response.partial:
            part.text = f"{part.text}\nThis is no advice."

    app = shop(
        after_model_callback=sign, sub_agents=[], tools=[AgentTool(specialists()[0]), price_of]
    )
    comparison = compared(app, tmp_path, asked(TASK), ["agent_tool", "transfer"])

    lost = {
        figures.construct: figures.finding_kinds.get("lost_words", 0)
        for figures in comparison.constructs
    }
    assert lost == {"as_is": 0, "agent_tool": 0, "transfer": 1}
    (gap,) = [gap for one in comparison.constructs for gap in one.gaps.values()]
    assert gap.kind == "lost"
    assert "This is no advice." in gap.reason


def test_a_copy_of_a_log_is_no_second_trial(tmp_path):
    made = compared(shop(), tmp_path, asked(TASK))
    logs = [type(tmp_path)(run.log) for run in made.runs]
    copy = tmp_path / "copy.jsonl"
    shutil.copy(logs[0], copy)

    comparison = compare_logs([*logs, copy])

    assert comparison.setting.trials == 1
    assert len(comparison.runs) == len(logs)
    assert [one.llm_calls for one in comparison.constructs] == [
        one.llm_calls for one in made.constructs
    ]


def test_a_graphs_only_agent_is_a_specialist_by_the_log_too(tmp_path):
    made = compared(shop(), tmp_path, asked(TASK), ["classifier_router", "single_agent"])

    read = compare_logs([Path(run.log) for run in made.runs])

    assert {one.construct: one.shown for one in read.constructs} == {
        "as_is": "user",
        "classifier_router": "user",
        "single_agent": "one agent",
    }


def test_the_leads_agent_callbacks_run_under_every_construct(tmp_path):
    def load(callback_context) -> None:
        callback_context.state["customer"] = "Ada"

    def close(callback_context) -> types.Content:
        return types.ModelContent("Anything else?")

    app = shop(before_agent_callback=load, after_agent_callback=close)
    for agent in lead_of(app).sub_agents:
        agent.instruction = "For {customer}."

    comparison = compared(app, tmp_path, asked(TASK), CONSTRUCTS)

    assert set(comparison.setting.skipped) == {"advisor", "router_many", "coordinator", "best_of_n"}
    assert "after_agent_callback would end each time" in comparison.setting.skipped["best_of_n"]
    for run in comparison.runs:
        assert not run.total.failed, run.construct
        if run.construct in ("router", *GRAPHS_WITHOUT_LEAD):
            assert "Anything else?" in run.turns[0].read, run.construct


@pytest.mark.parametrize("construct", GRAPHS_WITHOUT_LEAD)
def test_a_lead_whose_callback_answers_answers_for_the_whole_graph(construct, tmp_path):
    def block(callback_context) -> types.Content:
        return types.ModelContent("Closed today.")

    comparison = compared(shop(before_agent_callback=block), tmp_path, asked(TASK), [construct])

    (run,) = comparison.runs_of(construct)
    assert (run.total.llm_calls, run.turns[0].answer) == (0, "Closed today.")


def test_a_graph_without_a_lead_is_left_out_if_the_lead_guards_its_model(tmp_path):
    def guard(callback_context, llm_request: LlmRequest) -> None:
        return None

    result = make_variants(shop(before_model_callback=guard), CONSTRUCTS)

    assert set(result.skipped) == set(GRAPHS_WITHOUT_LEAD)
    assert "before_model_callback would never run" in result.skipped["loop"]


def test_a_specialist_keeps_its_own_helper_unless_all_are_put_on_one_level(tmp_path):
    clerk = LlmAgent(name="Clerk", description="Knows prices", tools=[price_of])
    stock = LlmAgent(name="Stock", description="Knows what is there")
    sales = LlmAgent(
        name="Sales", description="Sells", tools=[AgentTool(clerk)], sub_agents=[stock]
    )
    app = shop(sub_agents=[sales, LlmAgent(name="Returns", description="Takes products back")])

    kept, flat = make_variants(app, CONSTRUCTS), make_variants(app, CONSTRUCTS, deep=True)

    assert (kept.team, flat.team) == (["Sales", "Returns"], ["Sales", "Stock", "Clerk", "Returns"])
    copy = lead_of(kept.apps["transfer"]).sub_agents[0]
    assert [tool.agent for tool in copy.tools] == [clerk]
    assert [agent.name for agent in copy.sub_agents] == ["Stock"]
    assert copy.sub_agents[0] is not stock
    alone = lead_of(flat.apps["transfer"]).sub_agents[0]
    assert (alone.tools, alone.sub_agents) == ([], [])


def test_a_comparison_of_three_levels_calls_the_helper_under_every_construct(tmp_path):
    clerk = LlmAgent(name="Clerk", description="Knows prices", tools=[price_of])
    sales = LlmAgent(name="Sales", description="Sells", tools=[AgentTool(clerk)])
    app = shop(sub_agents=[sales, LlmAgent(name="Returns", description="Takes products back")])
    task = Task("Clerk", tools=[PlannedCall("price_of", args={"product": "kettle"})])

    comparison = compared(app, tmp_path, asked(task), ("transfer", "agent_tool", "single_turn"))

    for run in comparison.runs:
        assert not run.failed_checks[0], run.construct
        assert "Clerk" in run.total.agents, run.construct


def test_few_shot_examples_exclude_no_construct_and_a_missing_agent_does(tmp_path):
    hello = Example(input=types.UserContent("Hi"), output=[types.ModelContent("Hello")])
    remote = RemoteA2aAgent(name="Far", agent_card="http://127.0.0.1:9/card.json")
    app = shop(tools=[ExampleTool([hello])], sub_agents=[*specialists(), remote])

    result = make_variants(app, CONSTRUCTS)

    assert result.changes["transfer"] == []
    assert result.changes["router"] == [
        "Far is missing, a RemoteA2aAgent",
        "nobody has the lead's few-shot examples",
    ]
    complete = [name for name in result.apps if name not in result.incomplete]
    assert complete == ["transfer", "agent_tool", "agent_tool_skip_summarization", "mixed"]
    assert make_variants(shop(tools=[ExampleTool([hello])]), CONSTRUCTS).incomplete == {}
