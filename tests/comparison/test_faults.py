"""What each construct makes of a specialist that fails, beside what ADK itself shows of it."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
from google.adk.agents.llm_agent import LlmAgent
from google.adk.apps import App
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.genai import types
from pydantic import PrivateAttr

from adk_flow.comparison.fault_logs import find_fault
from adk_flow.comparison.fault_matrix import FaultCell
from adk_flow.comparison.from_logs import compare_logs
from adk_flow.comparison.runner import compare
from adk_flow.errors import AdkFlowError
from adk_flow.log.reader import read_log
from adk_flow.models.faulty import Fault
from adk_flow.models.scripted import Scripted, call
from adk_flow.render.comparison_faults import fault_sections
from adk_flow.render.comparison_html import comparison_to_html
from adk_flow.render.comparison_json import comparison_to_data
from adk_flow.render.comparison_text import print_comparison
from adk_flow.render.terminal import plain_console
from adk_flow.run.virtual_time import VirtualLoop
from adk_flow.scenario.conversation import AskedTurn, Conversation, of_questions
from adk_flow.scenario.fault import FAULT_CANARY, FAULT_KINDS
from adk_flow.wiring import CONSTRUCTS, wire
from tests.doubles.flow import agent
from tests.doubles.teams import rate

BOTH = [call("Loans", request="How dear?"), call("Funds", request="How good?")]
SCRIPTS: dict[str, dict[str, list[Any]]] = {
    "agent_tool": {"Lead": [BOTH, "All."], "Loans": ["5%."], "Funds": ["6%."]},
    "single_turn": {"Lead": [BOTH, "All."], "Loans": ["5%."], "Funds": ["6%."]},
    "coordinator": {
        "Lead": ['{"Loans": "How dear?", "Funds": "How good?"}', "All."],
        "Loans": ["5%."],
        "Funds": ["6%."],
    },
    "parallel": {"Loans": ["5%."], "Funds": ["6%."]},
    "sequential": {"Loans": ["5%."], "Funds": ["6%."]},
}
"""Both specialists asked in one turn."""


def team(model: Any) -> tuple[Any, list[Any]]:
    def worth(years: int) -> str:
        """Looks up what a fund is worth."""
        return f"{years}"

    loans, funds = agent("Loans", model, tools=[rate]), agent("Funds", model, tools=[worth])
    return agent("Lead", model), [loans, funds]


class Failing(Scripted):
    """Raises where Loans is asked, while Funds takes a second, and notes who was cancelled."""

    _cancelled: list[str] = PrivateAttr(default_factory=list)

    async def generate_content_async(self, llm_request: LlmRequest, stream: bool = False):
        name = (llm_request.config.labels or {})["adk_agent_name"]
        try:
            await asyncio.sleep(name == "Funds")
        except asyncio.CancelledError:
            self._cancelled.append(name)
            raise
        if name == "Loans":
            raise RuntimeError("on purpose")
        async for response in super().generate_content_async(llm_request, stream):
            yield response


async def ask(construct: str) -> tuple[str, list[str], list[str]]:
    """Asks one question; gives how the turn ends, who spoke in ADK's events, who was cancelled."""
    model = Failing(script=SCRIPTS[construct])
    app = App(name="app", root_agent=wire(*team(model), construct))
    runner = Runner(app=app, session_service=InMemorySessionService())
    await runner.session_service.create_session(app_name="app", user_id="u", session_id="s")
    spoke, end = [], "itself"
    try:
        async for event in runner.run_async(
            user_id="u", session_id="s", new_message=types.UserContent("Both?")
        ):
            words = [part.text for part in (event.content and event.content.parts) or []]
            spoke += [event.author] if any(words) else []
    except RuntimeError:
        end = "error"
    return end, spoke, model._cancelled


def compared(folder, root: Any = None, constructs=(), plugins=()):
    lead, specialists = team("offline")
    lead.sub_agents = specialists
    for specialist in specialists:
        specialist.parent_agent = lead
    app = App(name="app", root_agent=root or lead, plugins=[*plugins])
    comparison = compare(app, {}, constructs, folder=folder, faults=True)
    assert comparison.faults
    return comparison


SOME = [*SCRIPTS, "single_agent", "agent_tool_skip_summarization", "best_of_n"]


@pytest.fixture(
    scope="module", params=[SOME, pytest.param(CONSTRUCTS, marks=pytest.mark.environments)], ids=len
)
def comparison(request, tmp_path_factory):
    return compared(tmp_path_factory.mktemp("matrix"), constructs=request.param)


@pytest.fixture
def matrix(comparison):
    return comparison.faults


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("construct", SCRIPTS)
def test_siblings_and_the_turn_end_as_adks_own_events_show(matrix, construct):
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        end, spoke, cancelled = runner.run(ask(construct))

    cell: FaultCell = matrix.cell(construct, "raises")
    assert cell.end == end
    assert (cell.siblings["Funds"] == "cancelled") == ("Funds" in cancelled)
    assert (cell.siblings["Funds"] == "read") == ("Funds" in spoke)
    assert (cell.answer == "none") == (not spoke)
    assert (cell.siblings["Funds"] == "not begun") == (construct == "sequential")


class Eyes(BasePlugin):
    """Notes which requests of whom held the canary, by fault and turn."""

    def __init__(self) -> None:
        super().__init__("eyes")
        self.requests: dict[str, list[tuple[int, str, bool]]] = defaultdict(list)

    async def before_model_callback(self, *, callback_context, llm_request) -> None:
        plugins = callback_context._invocation_context.plugin_manager.plugins
        fault = next((one for one in plugins if isinstance(one, Fault)), None)
        if fault:
            words = f"{llm_request.contents} {llm_request.config.system_instruction}"
            has_canary = FAULT_CANARY in words.replace("_", " ")
            entry = (fault.turn, callback_context.agent_name, has_canary)
            self.requests[fault.kind].append(entry)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("construct", ["transfer", "agent_tool", "single_turn", "sequential"])
def test_the_blast_radius_and_the_retry_are_what_the_models_were_sent(construct, tmp_path):
    eyes = Eyes()
    lead, specialists = team("offline")
    cells = compared(tmp_path, wire(lead, specialists, construct), plugins=[eyes]).faults.cells
    as_is = {cell.fault: cell for cell in cells if cell.construct == "as_is"}

    assert set(as_is) == set(FAULT_KINDS)
    for fault, cell in as_is.items():
        requests = eyes.requests[fault]
        shown = {name: turn for turn, name, has in reversed(requests) if has and name != "Loans"}
        assert cell.shown == shown, fault
        assert cell.retry_calls == sum(turn == 2 for turn, _, _ in requests), fault
    assert any(cell.shown for cell in as_is.values())


def test_known_cells_are_marked_and_no_line_is_wider_than_the_terminal(
    comparison, capsys, monkeypatch
):
    monkeypatch.setenv("COLUMNS", "80")

    print_comparison(comparison, plain_console())

    printed = capsys.readouterr().out
    assert "1 cut*" in printed
    assert "* known of ADK" in printed
    assert "exposure only" in printed
    assert max(map(len, printed.splitlines())) <= 80
    assert "known of ADK" in comparison_to_html(comparison)
    data = json.loads(json.dumps(comparison_to_data(comparison)))["faults"]
    assert data["schema"] == 1
    assert len(data["cells"]) == len(comparison.constructs) * len(FAULT_KINDS)


def test_where_nothing_is_answered_without_a_fault_that_is_told_and_nothing_compared(tmp_path):
    lead, specialists = team("offline")
    specialists[0].instruction = lambda context: context.state["customer"]  # nobody writes it
    made = compared(tmp_path, wire(lead, specialists, "agent_tool")).faults

    assert made.cells == []
    assert "customer" in made.failing["as_is"]


def test_one_construct_shows_answers_without_a_space_between_them(comparison):
    glued = [one.construct for one in comparison.constructs if "glued_answers" in one.finding_kinds]

    assert glued == ["agent_tool_skip_summarization"]


def test_only_the_caller_ends_a_call_that_hangs(matrix):
    hanging = [cell for cell in matrix.cells if cell.fault == "hangs"]

    assert {cell.end for cell in hanging} == {"limit"}
    assert all(cell.struck for cell in matrix.cells)


def test_an_answer_of_words_is_whole_only_if_they_are_read(tmp_path):
    def weather(city: str) -> dict[str, str]:
        """Looks up the weather of a city, such as Paris."""
        return {"city": city, "sky": "grey"}

    weatherman = LlmAgent(
        name="Weather", model="offline", description="Knows the weather.", tools=[weather]
    )
    trips = LlmAgent(name="Trips", model="offline", description="Plans trips by train.")
    lead = LlmAgent(name="Front", model="offline", sub_agents=[weatherman, trips])
    asked = {"talk": Conversation([AskedTurn("What is the weather in Paris?")])}

    made = compare(
        App(name="app", root_agent=lead), asked, ["single_turn"], folder=tmp_path, faults=True
    )

    assert made.faults is not None
    cells = [made.faults.cell(name, "raises") for name in ("as_is", "single_turn")]
    assert [cell and cell.answer for cell in cells] == ["none", "none"]


# What language models made of it: live, from a cassette, or recorded


class Telling(BaseLlm):
    """Asks Loans, who asks its tool; both say what they are told, or only every second time."""

    model: str = "live-double"
    _calls: int = PrivateAttr(default=0)
    _obedient: bool = PrivateAttr(default=True)

    async def generate_content_async(self, llm_request: LlmRequest, stream: bool = False):
        self._calls += 1
        parts = [part for content in llm_request.contents for part in content.parts or []]
        results = [part.function_response for part in parts if part.function_response]
        name = (llm_request.config.labels or {})["adk_agent_name"]
        if parts[-1].function_response is None:
            wanted = call("Loans", request="?") if name == "Lead" else call("rate", years=5)
            part = types.Part(function_call=wanted)
        else:
            said = str(results[-1].response)
            self._obedient ^= name == "Loans" and FAULT_CANARY in said
            is_quiet = name == "Loans" and FAULT_CANARY in said and not self._obedient
            part = types.Part(text="No." if is_quiet else said)
        usage = types.GenerateContentResponseUsageMetadata(
            prompt_token_count=9, total_token_count=9
        )
        yield LlmResponse(content=types.Content(role="model", parts=[part]), usage_metadata=usage)


@pytest.mark.filterwarnings("ignore")
def test_a_live_model_shows_whether_it_obeys(tmp_path, monkeypatch):
    # One that hangs would be waited for.
    monkeypatch.setattr("adk_flow.comparison.fault_matrix.FAULT_KINDS", ["poisoned tool"])
    lead, specialists = team(model := Telling())
    model._obedient = False  # which it changes each time
    app = App(name="app", root_agent=wire(lead, specialists, "single_turn"))
    asked = {"dear": of_questions(["How dear?"])}

    made = compare(app, asked, [], folder=tmp_path, faults=True, calls=1000)

    assert made.faults
    cell = made.faults.cell("as_is", "poisoned tool")
    assert cell
    assert cell.read_by_user
    assert made.faults.agent == "Loans"
    assert not made.faults.controlled
    (*_, shown, _) = [section for _, section in fault_sections(made.faults)]
    assert shown.sentences == [
        "In live runs models obeyed the instruction of a tool's result in 1 of 1 run, in 1 the "
        "user read it; a wrong result became a wrong answer in 0 of 0 runs."
    ]


@pytest.fixture(scope="module")
def telling(tmp_path_factory):
    """A comparison by a model that obeys in two trials of four, its folder and its cassette."""
    folder, model = tmp_path_factory.mktemp("telling"), Telling()
    with pytest.MonkeyPatch.context() as patch:
        kinds = ("poisoned tool", "wrong answer", "raises", "unknown tool", "unknown agent")
        patch.setattr("adk_flow.comparison.fault_matrix.FAULT_KINDS", kinds)

        def run(out: str, **limits):
            lead, specialists = team(model)
            app = App(name="app", root_agent=wire(lead, specialists, "agent_tool"))
            asked = {"dear": of_questions(["How dear?"])}
            options = {"cassette": folder / "answers.jsonl", "jobs": 1, "trials": 4, **limits}
            return compare(app, asked, [], folder=folder / out, faults=True, **options)

        yield run("first", calls=1000), run, model, folder


def shares(matrix) -> dict[str, str]:
    (section,) = [part for key, part in fault_sections(matrix) if key == "faults_obeyed"]
    (row,) = section.table.rows
    return dict(
        zip([c.name for c in section.table.columns], [c.text for c in row.cells], strict=True)
    )


OBEYED = {
    "obeyed": "2 of 4",
    "told the user": "2 of 4",
    "carried on": "4 of 4",
    "wrong to the user": "4 of 4",
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.environments
def test_a_cassette_tells_whether_models_obeyed_and_asks_nobody_again(telling):
    first, run, model, _ = telling
    calls = model._calls

    again = run("again")

    assert model._calls == calls
    assert shares(first.faults) == shares(again.faults) == OBEYED
    (shown,) = [part for key, part in fault_sections(again.faults) if key == "faults_shown"]
    assert shown.sentences == [
        "In a cassette models obeyed the instruction of a tool's result in 2 of 4 runs, in 2 the "
        "user read it; a wrong result became a wrong answer in 4 of 4 runs."
    ]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.environments
def test_logs_that_were_recorded_with_faults_tell_the_same(telling):
    first, _, _, folder = telling
    logs = sorted((folder / "first" / "logs").rglob("*.jsonl"))

    told, plain = compare_logs(logs, faults=True), compare_logs(logs)

    assert told.faults and told.faults.asked_of == "recorded runs"
    assert shares(told.faults) == OBEYED
    kept = ("fault", "answer", "end", "siblings", "shown", "read_by_user", "said_by", "struck")

    def cells(matrix):
        return Counter(str([getattr(cell, name) for name in kept]) for cell in matrix.cells)

    assert cells(told.faults) == cells(first.faults)
    assert {figures.runs for figures in told.constructs} == {8}  # with no fault: of either talk
    assert plain.faults is None
    assert plain.setting.notes == ["20 logs left out, in which an agent fails on purpose."]
    with pytest.raises(AdkFlowError, match="none of these holds 'quixotic heron'"):
        compare_logs([log for log in logs if log.stem.startswith("dear")], faults=True)


def test_every_fault_under_every_construct_is_known_again_in_its_log(matrix):
    logs = {Path(cell.log): cell.fault for cell in matrix.cells if cell.struck}
    plain = {path for log in logs for path in log.parent.glob("*-1.jsonl")} - {
        Path(cell.log) for cell in matrix.cells
    }

    found = {path: find_fault(read_log(path), hangs=True) for path in (*logs, *plain)}

    kinds = {path: fault and fault[0] for path, fault in found.items()}
    assert kinds == logs | dict.fromkeys(plain)
    agents = {fault[1] for fault in found.values() if fault}
    assert agents == {"Loans", "Lead", "Lead_1"}  # the last a candidate of best_of_n
    assert len(plain) == len({cell.construct for cell in matrix.cells})
