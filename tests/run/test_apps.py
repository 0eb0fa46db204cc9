"""Apps in the shapes of ADK's public samples: recorded, drawn, measured, rewired, undisturbed."""

import logging

import pytest
from google.adk.agents import LlmAgent
from google.adk.agents.run_config import RunConfig
from opentelemetry.sdk.trace import TracerProvider

from adk_flow.analysis.findings import detect_findings
from adk_flow.analysis.metrics import measure, summed
from adk_flow.analysis.trace_reader import trace_log
from adk_flow.check.snapshot import draw_snapshot
from adk_flow.comparison.variants import make_variants
from adk_flow.log.reader import read_log
from adk_flow.models.enforcement import in_force
from adk_flow.models.override import override_models, override_of
from adk_flow.models.scripted import Scripted
from adk_flow.record.plugin import FlowPlugin
from adk_flow.record.recorder import Recorder
from adk_flow.record.runs import Runs
from adk_flow.render.mermaid import sequence_diagram
from adk_flow.run.app import with_recorder
from adk_flow.run.conversation_run import run_conversation
from adk_flow.scenario.conversation import of_questions
from adk_flow.wiring import CONSTRUCTS, WiringError, parts_of
from tests.doubles.app_cases import CASES, Streamed, same
from tests.doubles.flow import expected
from tests.doubles.somebody import NAMES, load, place, talk


def test_every_app_has_its_case():
    assert sorted(CASES) == NAMES


def loaded(name, folder, kind=Scripted):
    model = kind(script=CASES[name].script)
    return override_models(load(place(name, folder)), model), model


async def conversed(app, turns, **options):
    with in_force(override_of(app)):
        return await talk(app, turns, **options)


async def recorded(name, folder, kind=Scripted, **options):
    app, model = loaded(name, folder, kind)
    recorder = FlowPlugin(directory=folder / "logs")
    held = await conversed(with_recorder(app, recorder), CASES[name].turns, **options)
    model.finish()
    return held, recorder


@pytest.mark.parametrize("name", CASES)
async def test_an_app_moves_as_expected(name, tmp_path):
    _, recorder = await recorded(name, tmp_path)
    log = read_log(recorder.paths[0])
    drawn, wanted = draw_snapshot(trace_log(log).moves), expected(CASES[name].drawn)

    assert not recorder.faults, recorder.first_fault
    assert same(drawn, wanted), drawn
    figures = summed(measure(trace_log(log)))
    assert (figures.llm_calls, figures.complete, figures.failed) == (CASES[name].calls, True, False)
    assert figures.input_tokens == 20 * figures.seen_llm_calls
    assert "\nsequenceDiagram\n" in sequence_diagram(trace_log(log).moves)
    assert all(finding.text for finding in detect_findings(trace_log(log)))


@pytest.mark.parametrize("name", CASES)
async def test_recording_changes_no_event_no_state_and_no_answer(name, tmp_path):
    app, _ = loaded(name, tmp_path / "plain")
    without = await conversed(app, CASES[name].turns)

    held, _ = await recorded(name, tmp_path / "recorded")

    assert held == without


@pytest.mark.parametrize("name", CASES)
async def test_hooks_that_fail_change_nothing_but_the_fault_count(
    name, tmp_path, monkeypatch, caplog
):
    app, _ = loaded(name, tmp_path / "plain")
    without = await conversed(app, CASES[name].turns)

    def fail(*args, **kwargs):
        raise ZeroDivisionError("on purpose")

    for owner, hook in ((Recorder, "write"), (Runs, "of"), (Recorder, "place")):
        monkeypatch.setattr(owner, hook, fail)
        with caplog.at_level(logging.WARNING, logger="adk_flow"):
            held, recorder = await recorded(name, tmp_path / hook)
        assert held == without
        assert recorder.faults.total() > 0
        assert "on purpose" in caplog.text


@pytest.mark.parametrize("name", CASES)
async def test_a_streamed_run_moves_as_any_other(name, tmp_path):
    config = RunConfig.model_validate({"streaming_mode": "sse"})

    _, recorder = await recorded(name, tmp_path, Streamed, run_config=config)

    log = read_log(recorder.paths[0])
    assert any(record.partial for record in log.records)
    drawn = draw_snapshot(trace_log(log).moves)
    assert same(drawn, expected(CASES[name].drawn)), drawn
    assert summed(measure(trace_log(log))).llm_calls == CASES[name].calls


TEAMS = {
    "concierge": ["travel", "weather"],
    "expenses": ["payer"],
    "library": ["finder", "appraiser"],
    "newsroom": ["politics", "sport", "money", "culture"],
    "onboarding": ["interviewer", "translator"],
    "publisher": ["book", "chat"],
    "research": ["analyst"],
}


@pytest.mark.parametrize("name", CASES)
async def test_an_app_is_rewired_or_says_why_not(name, tmp_path):
    app = load(place(name, tmp_path))
    app = override_models(app, "offline")
    if name not in TEAMS:
        with pytest.raises(WiringError, match=r"must lead|has no specialists"):
            parts_of(app.root_agent)  # pyright: ignore[reportArgumentType]
        line_up = make_variants(app, ["as_is", "transfer"])
        assert set(line_up.apps) | set(line_up.skipped) == {"as_is", "one_by_one", "transfer"}
        assert "transfer" in line_up.skipped
        return

    line_up = make_variants(app, CONSTRUCTS)

    assert line_up.team == TEAMS[name]
    assert set(line_up.apps) | set(line_up.skipped) == set(CONSTRUCTS)
    for construct in ("transfer", "agent_tool", "single_turn"):
        held = await run_conversation(
            line_up.apps[construct], of_questions(["Hello?"]), file=tmp_path / f"{construct}.jsonl"
        )
        assert (held.faults, held.turns[0].failed, held.turns[0].error) == (0, False, "")


# A critic that is no language model is never content.
@pytest.mark.parametrize("name", [name for name in CASES if name != "headline"])
async def test_a_dry_run_needs_no_key_whatever_models_an_app_names(name, tmp_path, monkeypatch):
    for key in ("GOOGLE_API_KEY", "GEMINI_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(key, raising=False)
    app = load(place(name, tmp_path))

    app = override_models(app, "offline")
    held = await run_conversation(
        app, of_questions([str(CASES[name].turns[0])]), file=tmp_path / "log.jsonl"
    )

    assert not held.turns[0].failed, held.turns[0].error
    assert held.log is not None
    asked = {record.model for record in read_log(held.log).records if record.model}
    assert asked <= {"offline"}


MADE = """
from google.adk.agents import LlmAgent
from google.adk.workflow import Workflow, node

@node(rerun_on_resume=True)
async def ask(ctx, node_input: str) -> str:
    expert = LlmAgent(name="expert", model="gemini-2.5-flash", instruction=node_input)
    return await ctx.run_node(expert, node_input)

root_agent = Workflow(name="made", edges=[("START", ask)])
"""


async def test_a_dry_run_reaches_an_agent_that_the_run_makes(tmp_path):
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "agent.py").write_text(MADE)
    app = load(tmp_path / "made")

    app = override_models(app, "offline")
    held = await run_conversation(app, "Well?", file=tmp_path / "log.jsonl")

    assert [turn.llm_calls for turn in held.turns] == [1]
    assert not held.turns[0].failed


async def test_nothing_is_written_for_opentelemetry_where_nobody_listens(tmp_path, monkeypatch):
    told = []
    semconv = pytest.importorskip("google.adk.telemetry._experimental_semconv")
    monkeypatch.setattr(semconv, "_build_request_operation_details", lambda r: told.append(r) or {})
    root = LlmAgent(name="Lead", model=Scripted(script={"Lead": ["Yes.", "Yes."]}))

    await run_conversation(root, ["Well?"], file=tmp_path / "log.jsonl")
    assert not told
    monkeypatch.setattr("adk_flow.record.spans.get_tracer_provider", TracerProvider)
    await run_conversation(root, ["Well?"], file=tmp_path / "other.jsonl")
    assert len(told) == 1
