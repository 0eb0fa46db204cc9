"""The static picture of an app, the lines that record it for good, and every form of an app."""

import json
import sys
from typing import Any

import pytest
from google.adk.agents import LlmAgent, LoopAgent, SequentialAgent
from google.adk.apps import App
from google.adk.tools import google_search
from google.adk.tools.agent_tool import AgentTool

from adk_flow.errors import AdkFlowError
from adk_flow.inspect.static import inspect_app
from adk_flow.models.scripted import Scripted, transfer
from adk_flow.record.plugin import FlowPlugin
from adk_flow.render.inspection import agents_to_flowchart, agents_to_text
from adk_flow.run.app import find_app, lines_to_record
from tests.doubles.command import assert_refused, run_command
from tests.doubles.flow import agent, expected, record
from tests.doubles.somebody import NAMES, load, place


def inspected(name, folder):
    return inspect_app(load(place(name, folder)))


def test_transfers_are_adks_own_with_the_flags_that_bar_some(tmp_path):
    assert agents_to_text(inspected("concierge", tmp_path), 80).rstrip() == expected("""
        App concierge
            next message: to concierge after weather

        concierge  LlmAgent, gemini-2.5-pro
            transfers to: travel, weather

        travel  LlmAgent, mode chat, gemini-2.5-flash
            Plans journeys.
            transfers to: flights, hotels, concierge (its parent), weather (a peer)

        flights  LlmAgent, mode chat, gemini-2.5-flash
            Books flights.
            transfers to: travel (its parent), hotels (a peer)

        hotels  LlmAgent, mode chat, gemini-2.5-flash
            Books hotels.
            transfers to: travel (its parent)
            may not transfer to: flights (a peer), by disallow_transfer_to_peers

        weather  LlmAgent, mode chat, gemini-2.5-flash
            Tells the weather.
            transfers to: travel (a peer)
            may not transfer to: concierge (its parent), by disallow_transfer_to_parent

        Remarks
          ! loses_turn: weather is handed a turn, and the user's next message goes to
              concierge, by disallow_transfer_to_parent
    """)


def test_a_graph_is_drawn_as_a_box_with_its_routes(tmp_path):
    assert agents_to_flowchart(inspected("helpdesk", tmp_path)).rstrip() == expected("""
        flowchart TD
            subgraph n0["helpdesk<br/>Workflow"]
                n1["classifier<br/>LlmAgent, single_turn, gemini-2.5-flash"]
                n2["route<br/>FunctionNode"]
                n3["billing<br/>LlmAgent, single_turn, gemini-2.5-flash"]
                n4["repairs<br/>LlmAgent, single_turn, gemini-2.5-flash"]
                n0_start((start))
                n0_start --> n1
                n1 --> n2
                n2 -->|"bill"| n3
                n2 -->|"__DEFAULT__"| n4
            end
            linkStyle default stroke:#e34c42
    """)


def test_tools_of_tools_modes_and_code_are_followed(tmp_path):
    names = ("research", "onboarding", "errands", "story")
    research, onboarding, errands, story = (inspected(name, tmp_path) for name in names)

    def links(picture):
        return [(picture.named(a.source), a.how, picture.named(a.target)) for a in picture.links]

    used = [("research", "analyst"), ("analyst", "searcher")]
    assert links(research) == [(agent, "agent_tool", other) for agent, other in used]
    assert [one.tools for one in research.members] == [[], ["count_words"], ["google_search"]]
    assert links(onboarding) == [
        ("onboarding", "task", "interviewer"),
        ("onboarding", "single_turn", "translator"),
    ]
    run = {("node", "run_errands"), ("code", "cook"), ("code", "shopper")}
    assert {link[1:] for link in links(errands)} == run
    assert links(story) == [("story", "sub_agent", "teller"), ("story", "code", "judge")]


def odd_app():
    lost = LlmAgent(name="lost", disallow_transfer_to_parent=True, disallow_transfer_to_peers=True)
    steps = SequentialAgent(name="steps", description="Steps.", sub_agents=[LlmAgent(name="one")])
    twin = LlmAgent(name="one", description="Another one.")
    root = LlmAgent(name="root", sub_agents=[lost, steps], tools=[AgentTool(twin)])
    return App(name="odd", root_agent=root)


def test_what_is_odd_is_remarked(tmp_path):
    remarks = [(one.kind, one.text) for one in inspect_app(odd_app()).remarks]

    kinds, texts = zip(*remarks, strict=True)
    assert kinds == ("deprecated", "loses_turn", "name_clash", "no_description")
    assert texts[0].startswith("steps is a SequentialAgent: SequentialAgent is deprecated")
    assert texts[2:] == (
        "2 are named one: neither ADK nor a log tells them apart",
        "lost has no description, by which a model would choose it",
    )
    assert all(len(line) <= 80 for line in agents_to_text(inspect_app(odd_app()), 80).splitlines())


BARRED: dict[str, Any] = {"disallow_transfer_to_parent": True, "disallow_transfer_to_peers": True}


def search_desk(model="gemini-2.0-flash"):
    """Agents that cannot hand over, each for another reason."""
    searcher = LlmAgent(name="searcher", description="Searches.", tools=[google_search])
    closed = LlmAgent(name="closed", description="Writes.", **BARRED)
    task = LlmAgent(name="task", description="Books.", mode="task")
    root = LlmAgent(name="root", model=model, sub_agents=[searcher, closed, task])
    return App(name="desk", root_agent=root)


def test_a_search_tool_keeps_its_agent_from_transfers_and_so_with_the_turn():
    picture = inspect_app(search_desk())

    assert [one.text for one in picture.remarks] == [
        "searcher holds the next turn too and can hand it to nobody, by google_search",
        "closed is handed a turn, and the user's next message goes to root, by "
        "disallow_transfer_to_parent",
    ]
    barred = "    may not transfer to: root (its parent), by google_search"
    assert barred in agents_to_text(picture, 80)
    kinds = [one.kind for one in inspect_app(search_desk("gemini-3-flash-preview")).remarks]
    assert kinds == ["loses_turn"]


def test_a_lead_that_adk_lets_never_run_is_remarked():
    poet = LlmAgent(name="poet", description="Writes.")
    root = LlmAgent(name="root", model="gemini-2.5-pro", tools=[google_search], sub_agents=[poet])

    (remark,) = inspect_app(App(name="desk", root_agent=root)).remarks

    assert remark.kind == "fails"
    assert remark.text == "root fails when it runs: ADK refuses google_search beside sub-agents"


@pytest.mark.parametrize("target", ["searcher", "closed", "free", "loop"])
async def test_a_dead_end_is_who_holds_the_next_turn_in_a_run_without_a_transfer(target, tmp_path):
    says = ["One.", "Two."]
    script = {"root": [transfer(target), "Two."], target: says, "inner": says}
    model = Scripted(model="gemini-2.0-flash", script=script)
    specialists = [
        agent("searcher", model, tools=[google_search]),
        agent("closed", model, **BARRED),
        agent("free", model),
        LoopAgent(name="loop", sub_agents=[agent("inner", model)], max_iterations=1),
    ]
    root = agent("root", model, sub_agents=specialists)

    flow = await record(root, ["One?", "Two?"], tmp_path)

    sent = [one for one in flow.log.records if one.request][-1]
    is_stuck = flow.log.records[-1].active_agent == target and not sent.request.tools
    remarks = inspect_app(App(name="desk", root_agent=root)).remarks
    ends = {end for one in remarks if one.kind == "dead_end" for end in one.text.split()[:1]}
    assert (target in ends) == is_stuck == (target == "searcher")


def test_hostile_names_draw_nothing():
    root = LlmAgent(name="root", description="\x1b[31mred\x1b[0m\nend")
    root.name = 'end"]; click n0 "javascript:alert(1)" <script> %%{init}'
    picture = inspect_app(App(name="app", root_agent=root))

    chart = agents_to_flowchart(picture)

    assert len(chart.splitlines()) == 3
    assert chart.count('"') == 2
    assert not any(sign in chart for sign in ("<script", "%%", ";\n", "{init"))
    assert "\x1b" not in agents_to_text(picture, 80)


@pytest.mark.parametrize("name", NAMES)
def test_every_app_is_inspected_in_80_columns(name, tmp_path):
    picture = inspected(name, tmp_path)

    assert all(len(line) <= 80 for line in agents_to_text(picture, 80).splitlines())
    assert agents_to_flowchart(picture).startswith("flowchart TD\n")
    assert {one.id for one in picture.members} >= {one.target for one in picture.links}


@pytest.mark.parametrize("name", ["concierge", "shop", "library", "helpdesk"])
def test_the_lines_of_init_switch_recording_on(name, tmp_path):
    folder = place(name, tmp_path)
    load(folder)
    found = find_app(folder)
    assert not found.is_recorded

    with found.file.open("a") as file:
        file.write("\n" + "\n".join(lines_to_record(found)) + "\n")

    app = load(folder)
    assert isinstance(app.plugins[0], FlowPlugin)
    assert app.name == name


def test_init_writes_nothing_and_knows_who_records_already(tmp_path):
    folder = place("shop", tmp_path)
    before = sorted(folder.iterdir())

    assert run_command("init", "shop", folder=tmp_path).stdout.rstrip() == expected("""
        In shop/agent.py, at the end:

        from adk_flow import FlowPlugin

        app.plugins.insert(0, FlowPlugin())
    """)
    assert [one for one in sorted(folder.iterdir()) if one.name != "__pycache__"] == before
    with (folder / "agent.py").open("a") as file:
        file.write("from adk_flow import FlowPlugin\napp.plugins.insert(0, FlowPlugin())\n")
    assert "records already" in run_command("init", "shop", folder=tmp_path).stdout


AGENT = "from google.adk.agents import LlmAgent\nroot_agent = LlmAgent(name='Root', model='{}')\n"


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("one/agent.py", "one"),
        ("one/agent.py", "one/agent.py"),
        ("one/__init__.py", "one"),
        ("one/__init__.py", "one/__init__.py"),
        ("one.py", "one.py"),
        ("2024_desk/agent.py", "2024_desk"),
        ("one/root_agent.yaml", "one/root_agent.yaml"),
    ],
)
def test_an_app_is_found_in_every_form(written, path, tmp_path):
    file = tmp_path / written
    file.parent.mkdir(exist_ok=True)
    is_yaml = file.suffix == ".yaml"
    file.write_text("name: Root\ninstruction: Help.\n" if is_yaml else AGENT.format("gemini-x"))
    sys.modules.pop("one", None)
    sys.modules.pop("one.agent", None)

    result = run_command("run", path, "Hello", "--model", "offline", folder=tmp_path)

    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert "no language model" in result.stdout
    assert "Root  LlmAgent" in run_command("inspect", path, folder=tmp_path).stdout


def test_a_dry_run_of_built_in_tools_and_other_providers(tmp_path):
    place("research", tmp_path)

    result = run_command("run", "research", "Analyse it", "--model", "offline", folder=tmp_path)

    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stderr == ""


def test_json_is_the_picture(tmp_path):
    place("newsroom", tmp_path)

    result = run_command("inspect", "newsroom", "--format", "json", folder=tmp_path)

    told, names = json.loads(result.stdout), ["editor", "politics", "sport", "money", "culture"]
    assert [one["name"] for one in told["members"]] == names
    assert {one["how"] for one in told["links"]} == {"agent_tool"}


def test_what_is_no_app_is_refused_in_one_line(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "wrong.py").write_text("root_agent = 5\n")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "root_agent.yaml").write_text("name: 5\nfoo: bar\n")

    for name, *more in (["run", "Hi"], ["inspect"], ["init"]):
        for path, words in (("nowhere", "does not exist"), ("empty", "No root_agent found")):
            refused = run_command(name, path, *more, folder=tmp_path)
            assert_refused(refused, words)
            assert "Then run" not in refused.stderr, "ADK's advice, which is no one line"
    for path in ("wrong.py", "bad"):
        refused = run_command("inspect", path, folder=tmp_path)
        assert_refused(refused, "cannot be loaded as an ADK app")
    with pytest.raises(AdkFlowError):
        load(tmp_path / "nowhere")


def test_an_app_that_cannot_be_rewired_is_compared_as_it_is(tmp_path):
    place("review", tmp_path)
    arguments = ("compare", "review", "--question", "A poem", "--model", "offline")

    result = run_command(*arguments, "--constructs", "transfer", folder=tmp_path)

    assert "2 constructs" in result.stdout, result.stderr
    told = " ".join(result.stdout.split())
    assert "review is a Workflow; under other constructs an LlmAgent must lead" in told
