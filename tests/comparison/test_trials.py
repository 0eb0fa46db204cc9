"""Experiments: what is run, kept, resumed, limited; over a model that counts its calls."""

from __future__ import annotations

import asyncio
import json
import warnings
from collections.abc import AsyncGenerator
from contextlib import nullcontext
from typing import Any

import pytest
from google.adk.agents import BaseAgent, LlmAgent, ParallelAgent
from google.adk.apps import App
from google.adk.models import FallbackModel
from google.adk.models.base_llm import BaseLlm
from google.adk.models.google_llm import Gemini
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.tools.agent_tool import AgentTool
from google.adk.tools.function_tool import FunctionTool
from google.adk.workflow import Workflow
from google.genai import types
from pydantic import Field

from adk_flow.analysis.latency import LatencyProfile
from adk_flow.analysis.metrics import measure
from adk_flow.analysis.run_metrics import AS_IS, KEYLESS_MODELS, ONE_BY_ONE
from adk_flow.analysis.trace_reader import trace_log
from adk_flow.comparison.aggregate import Setting
from adk_flow.comparison.budget import Budget
from adk_flow.comparison.experiment import Experiment, plan_trials
from adk_flow.comparison.runner import compare
from adk_flow.comparison.spec import read_constructs
from adk_flow.comparison.store import Folder, Trial, TrialResult, TrialStore
from adk_flow.comparison.trials import Batch, Bench
from adk_flow.comparison.variants import identify, make_variants
from adk_flow.errors import AdkFlowError
from adk_flow.log.reader import read_log
from adk_flow.models.enforcement import in_force
from adk_flow.models.faulty import AlteredModel
from adk_flow.models.override import models_of, override_models, override_of
from adk_flow.models.scripted import Scripted, call
from adk_flow.render.report_links import link_to
from adk_flow.scenario.conversation import of_questions

IDENTITY = {"app": "app"}
ASKED = {"one": of_questions(["Cost?"]), "two": of_questions(["Cost?", "Again?"])}


class Answering(BaseLlm):
    """Answers at once, and counts; a priced model by name, so that its runs are live."""

    model: str = "gpt-4o-mini"
    asked: list[str] = Field(default_factory=list)
    reports: bool = True
    """Whether it reports tokens."""
    gate: Any = None
    """Called before each answer; may wait, or raise."""

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        self.asked.append((llm_request.config.labels or {})["adk_agent_name"])
        if self.gate is not None:
            await self.gate(len(self.asked))
        usage = types.GenerateContentResponseUsageMetadata(
            prompt_token_count=1000, candidates_token_count=100, total_token_count=1100
        )
        yield LlmResponse(
            content=types.ModelContent("It is 5%."), usage_metadata=usage if self.reports else None
        )


def app_of(model: Any, *names: str) -> App:
    below: list[Any] = [
        LlmAgent(name=name, model=model, description=f"{name} knows.")
        for name in names or ("Loans",)
    ]
    return App(name="app", root_agent=LlmAgent(name="Lead", model=model, sub_agents=below))


def lead_of(app: App) -> Any:
    return app.root_agent


async def experiment(app: App, results: TrialStore, times: int = 1, **options: Any) -> list[Trial]:
    apps = {"transfer": app, "mixed": app}
    trials = list(plan_trials(list(apps), list(ASKED), times))
    await make_missing(apps, trials, results, **{"jobs": 2, **options})
    return trials


async def make_missing(
    apps: dict[str, App], trials: list[Trial], results: TrialStore, **options: Any
) -> None:
    with results.alone():
        jobs = options.pop("jobs", 1)
        bench = Bench(of_trials(apps), apps, **options)
        await bench.make_together(trials, results, Batch({}, set()), jobs)


def of_trials(apps: dict[str, App]) -> Experiment:
    return Experiment(
        app="",
        constructs=list(apps),
        conversations=ASKED,
        models=["gpt-4o-mini"],
        identity=IDENTITY,
        team=[],
        pace=None,
        setting=Setting(),
    )


def made(trials: list[Trial], results: TrialStore) -> list[Trial]:
    return [trial for trial in trials if results.find(trial)]


async def test_every_trial_has_a_log_of_its_own_and_only_new_ones_are_made(tmp_path):
    model = Answering()
    await experiment(app_of(model), TrialStore(tmp_path, IDENTITY))
    assert len(model.asked) == 6

    trials = await experiment(app_of(model), TrialStore(tmp_path, IDENTITY), times=2)

    assert len(trials) == 8
    assert len(model.asked) == 12
    results = TrialStore(tmp_path, IDENTITY)
    for trial in trials:
        log = read_log(results.log_of(trial))
        assert log.header.construct == trial.construct
        assert len(measure(trace_log(log))) == len(ASKED[trial.conversation].turns)


def test_links_lead_to_the_pages_that_are_written(tmp_path):
    comparison = compare(
        app_of("offline"),
        *({"one": ASKED["one"]}, [ONE_BY_ONE]),
        folder=tmp_path,
        trials=11,
        page=lambda trace, findings: trace.log.path,
    )

    links = [link for run in comparison.runs if (link := link_to(run))]
    assert len(links) == 2 * 10
    assert sorted(links) == sorted(
        str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.html")
    )
    for run in comparison.runs[:2]:
        assert (tmp_path / link_to(run)).read_text() == run.log


async def test_a_trial_whose_log_is_gone_or_that_failed_is_made_again(tmp_path):
    async def fail_once(number: int) -> None:
        if number == 1:
            raise ConnectionError("no route")

    model = Answering(gate=fail_once)
    results = TrialStore(tmp_path, IDENTITY)
    trials = await experiment(app_of(model), results, jobs=1)
    assert [trial for trial in trials if results.is_missing(trial)] == [trials[0]]
    results.log_of(trials[3]).unlink()
    before = len(model.asked)

    await experiment(app_of(model), TrialStore(tmp_path, IDENTITY), jobs=1)

    assert len(model.asked) - before == 1 + 2
    assert not any(TrialStore(tmp_path, IDENTITY).is_missing(trial) for trial in trials)


async def test_what_is_stopped_in_the_middle_keeps_what_ran_and_goes_on(tmp_path):
    waiting = asyncio.Event()

    async def hang_at_third(number: int) -> None:
        if number == 3:
            waiting.set()
            await asyncio.Event().wait()

    model = Answering(gate=hang_at_third)
    running = asyncio.create_task(experiment(app_of(model), TrialStore(tmp_path, IDENTITY), jobs=1))
    await waiting.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    results = TrialStore(tmp_path, IDENTITY)
    trials = list(plan_trials(["transfer", "mixed"], list(ASKED), 1))
    kept = made(trials, results)
    assert kept == trials[:2]
    assert not list(tmp_path.rglob("*.part"))
    model.gate = None

    await experiment(app_of(model), results)

    assert made(trials, results) == trials
    assert len(model.asked) == 3 + 4


@pytest.mark.parametrize(
    ("limit", "spent"),
    [
        ({"calls": 3}, "the budget of 3 model calls is spent"),
        # 1,000 × $0.15 + 100 × $0.60 a million tokens: $0.00021 a call.
        ({"dollars": 0.0005}, "the budget of $0.0005 is spent ($0.0006)"),
    ],
)
async def test_a_budget_stops_cleanly_and_what_was_complete_is_kept(tmp_path, limit, spent):
    model, results = Answering(), TrialStore(tmp_path, IDENTITY)
    budget = Budget(**limit)

    trials = await experiment(app_of(model), results, jobs=1, budget=budget)

    assert budget.refused == spent
    assert len(model.asked) == 3
    assert made(trials, results) == trials[:2]
    await experiment(app_of(model), TrialStore(tmp_path, IDENTITY))
    assert made(trials, TrialStore(tmp_path, IDENTITY)) == trials


@pytest.mark.parametrize(("calls", "asked"), [(None, 1), (2, 2)])
async def test_a_limit_in_dollars_stops_at_once_without_tokens_unless_calls_are_limited_too(
    tmp_path, calls, asked
):
    model, results = Answering(reports=False), TrialStore(tmp_path, IDENTITY)
    budget = Budget(dollars=10, calls=calls)

    await experiment(app_of(model), results, jobs=1, budget=budget)

    assert len(model.asked) == asked
    assert budget.is_blind == (calls is None)


async def test_a_budget_counts_calls_in_nested_runs_too(tmp_path):
    model = Answering()
    loans = LlmAgent(name="Loans", model=model, description="Loans.")
    lead = Scripted(script={"Lead": [call("Loans", request="Cost?")] * 3})
    root = LlmAgent(name="Lead", model=lead, tools=[AgentTool(loans)])
    results = TrialStore(tmp_path, IDENTITY)
    apps = {"agent_tool": App(name="app", root_agent=root)}
    budget = Budget(calls=4)

    await make_missing(apps, [Trial("agent_tool", "one", 1)], results, budget=budget)

    assert budget.calls == 4
    assert model.asked == ["Loans", "Loans"]
    assert results.is_missing(Trial("agent_tool", "one", 1))


async def test_a_budget_counts_calls_past_adks_hooks_and_prices_them(tmp_path):
    class Busy(Exception):
        code = status_code = 429

    async def busy(count):
        raise Busy

    models = [Answering(gate=busy), Answering()]
    root = LlmAgent(name="Lead", model=FallbackModel(models=[*models]))
    results, budget = TrialStore(tmp_path, IDENTITY), Budget(dollars=1)
    apps = {"as_is": App(name="app", root_agent=root)}

    await make_missing(apps, [Trial("as_is", "one", 1)], results, budget=budget)

    assert budget.calls == sum(len(model.asked) for model in models) == 2
    assert budget.dollars == pytest.approx(0.00021)


def test_a_folder_of_another_experiment_is_refused(tmp_path):
    TrialStore(tmp_path, {"app": "desk", "model": "offline"})

    with pytest.raises(
        AdkFlowError, match="whose model is offline and not gpt-4o; name a new folder"
    ):
        TrialStore(tmp_path, {"app": "desk", "model": "gpt-4o"})


def test_a_folder_is_taken_if_all_in_it_are_comparisons(tmp_path):
    folder = Folder(tmp_path / "out")
    for name in ("", ".git/config", "comparisons/a/experiment.json", "b/report.html", "flows/c"):
        if name:
            folder.write(name, "")
        folder.check_free()
    folder.write("comparisons/sources/notes", "")

    with pytest.raises(AdkFlowError, match="out: holds comparisons/sources/notes, which is no"):
        folder.check_free()


def test_a_conversation_that_has_changed_is_refused(tmp_path):
    later = TrialStore(tmp_path, IDENTITY)
    later.expect("one", ASKED["two"])
    results = TrialStore(tmp_path, IDENTITY)
    results.expect("one", ASKED["one"])
    with results.alone():
        _made(results, Trial("transfer", "one", 1))

    with pytest.raises(AdkFlowError, match="conversation one has changed since"), later.alone():
        pass
    with pytest.raises(AdkFlowError, match="conversation one has changed since"):
        TrialStore(tmp_path, IDENTITY).expect("one", ASKED["two"])
    TrialStore(tmp_path, IDENTITY).expect("one", ASKED["one"])
    TrialStore(tmp_path, IDENTITY).expect("two", ASKED["two"])


def _made(results, trial):
    results.begin(trial).write_text("log")
    results.add(TrialResult(*trial, failed_checks=[]))


@pytest.mark.parametrize("text", ["{", '{"a":' * 5000])
def test_a_damaged_state_is_refused_and_left_as_it_is(tmp_path, text):
    (tmp_path / "experiment.json").write_text(text)

    with pytest.raises(AdkFlowError, match=r"experiment\.json: is no experiment's"):
        TrialStore(tmp_path, IDENTITY)

    assert (tmp_path / "experiment.json").read_text() == text


def test_a_line_is_written_for_each_trial_and_one_that_was_cut_is_made_again(tmp_path):
    results = TrialStore(tmp_path, IDENTITY)
    trials = plan_trials(["transfer"], ["one"], 50)
    with results.alone():
        for trial in trials:
            before = _size(tmp_path)
            _made(results, trial)
            assert _size(tmp_path) - before < 150
    (file,) = (tmp_path / "trials").iterdir()
    file.write_bytes(file.read_bytes()[:-5])

    later = TrialStore(tmp_path, IDENTITY)
    assert made(trials, later) == trials[:-1]
    with later.alone():
        _made(later, trials[-1])
    assert made(trials, TrialStore(tmp_path, IDENTITY)) == trials
    file.write_bytes(file.read_bytes().replace(b"transfer", b"\xff", 1))
    with pytest.raises(AdkFlowError, match=r"trials/1-\d+\.jsonl: is no experiment's"):
        TrialStore(tmp_path, IDENTITY)


def _size(folder):
    return sum(path.stat().st_size for path in folder.rglob("*.json*") if path.is_file())


def test_a_folder_of_before_goes_on(tmp_path):
    done = [
        {"construct": "transfer", "conversation": "one", "number": number, "failed": number == 2}
        for number in (1, 2)
    ]
    state = {"identity": IDENTITY, "conversations": {}, "done": done}
    (tmp_path / "experiment.json").write_text(json.dumps(state))
    trials = plan_trials(["transfer"], ["one"], 3)
    results = TrialStore(tmp_path, IDENTITY)
    for trial in trials[:2]:
        results.begin(trial).write_text("log")
        results.begin(trial).with_suffix(".jsonl").write_text("log")

    assert [trial for trial in trials if results.is_missing(trial)] == trials[1:]
    with results.alone():
        _made(results, trials[1])
        _made(results, trials[2])

    again = TrialStore(tmp_path, IDENTITY)
    assert not any(map(again.is_missing, trials))


def test_names_choose_no_path(tmp_path):
    results = TrialStore(tmp_path, IDENTITY)

    hostile = results.log_of(Trial("../../x", "../y\n", 1))

    assert hostile.parent.parent == tmp_path / "logs"
    assert ".." not in str(hostile.relative_to(tmp_path))
    assert hostile != results.log_of(Trial("../../x", "../y ", 1))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("instruction", "Answer in rhyme."),
        ("static_instruction", "Answer in rhyme."),
        ("before_model_callback", lambda callback_context, llm_request: None),
        ("after_tool_callback", [lambda **given: None]),
    ],
)
def test_identity_differs_by_what_an_agent_is_told_and_by_its_callbacks(field, value):
    one, other = app_of("offline"), app_of("offline")
    setattr(lead_of(other).sub_agents[0], field, value)

    assert identify(one, models_of(one), None) == identify(app_of("offline"), ["offline"], None)
    assert identify(one, models_of(one), None) != identify(other, models_of(other), None)


def test_identity_tells_graphs_apart_by_their_edges():
    def app(*edges: Any) -> App:
        return App(name="app", root_agent=Workflow(name="graph", edges=[("START", *edges)]))

    def nodes() -> list[Any]:
        return [LlmAgent(name=name, model="offline") for name in ("a", "b")]

    one, other = identify(app(*nodes()), [], None), identify(app(*nodes()[::-1]), [], None)

    assert one == identify(app(*nodes()), [], None)
    assert one != other


def test_two_experiments_in_one_folder_at_once_are_refused(tmp_path):
    one, other = TrialStore(tmp_path, IDENTITY), TrialStore(tmp_path, IDENTITY)

    with (
        one.alone(),
        pytest.raises(AdkFlowError, match="another adk-flow is running"),
        other.alone(),
    ):
        pass
    with other.alone():
        pass


def test_what_cannot_be_held_one_by_one_says_why():
    below: list[Any] = [LlmAgent(name=name, model="offline") for name in ("a", "b")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        root = ParallelAgent(name="Both", sub_agents=below)

    result = make_variants(App(name="app", root_agent=root), [AS_IS, ONE_BY_ONE])

    assert list(result.apps) == [AS_IS]
    assert result.skipped == {ONE_BY_ONE: "Both is a ParallelAgent, which has no limit to set"}


def test_an_app_is_keyless_only_if_every_agents_model_is():
    app = app_of("offline")
    assert set(models_of(app)) <= KEYLESS_MODELS
    lead_of(app).sub_agents[0].model = "gemini-2.5-flash"
    assert not set(models_of(app)) <= KEYLESS_MODELS
    assert models_of(app) == ["offline", "gemini-2.5-flash"]

    assert set(models_of(override_models(app, "offline"))) <= KEYLESS_MODELS


def test_gemini_is_given_retries_unless_it_has_its_own():
    own = types.HttpRetryOptions(attempts=2)
    app = app_of(Gemini(model="gemini-2.5-flash", retry_options=own))
    lead_of(app).model = "gemini-2.5-flash"

    lead, loans = lead_of(app), lead_of(app).sub_agents[0]
    with in_force(override_of(override_models(app, retries=True))):
        assert lead.canonical_model.retry_options.attempts == 5
        assert loans.canonical_model.retry_options == own
    assert lead.canonical_model.retry_options is None


async def test_a_pace_is_slept_by_output_tokens(monkeypatch):
    slept = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("adk_flow.models.faulty.asyncio.sleep", sleep)
    app = app_of(Answering())
    profile = LatencyProfile("test", 400, 6)
    with in_force(override_of(override_models(app, latency=profile))):
        model = lead_of(app).canonical_model
    assert isinstance(model, AlteredModel)
    labels = {"adk_agent_name": "Lead"}
    request = LlmRequest(config=types.GenerateContentConfig(labels=labels))

    answers = [one async for one in model.generate_content_async(request)]

    assert slept == [1.0]
    assert answers[0].content.parts[0].text == "It is 5%."
    assert model.model == "gpt-4o-mini"


def quote() -> str:
    """Quotes."""
    return "5%"


def test_what_cannot_be_rewired_is_named_with_the_reason():
    class Custom(BaseAgent):
        pass

    app = app_of("offline", "Loans", "Funds")
    loans, funds = lead_of(app).sub_agents
    loans.tools, funds.tools = [quote], [FunctionTool(quote, require_confirmation=True)]
    custom = Custom(name="Odd")
    custom.parent_agent = lead_of(app)
    lead_of(app).sub_agents.append(custom)

    result = make_variants(app, ["single_agent", "transfer", AS_IS])

    assert list(result.apps) == [AS_IS, "transfer"]
    assert result.apps[AS_IS] is app
    assert result.team == ["Loans", "Funds", "Odd"]
    assert "different tools named 'quote'" in result.skipped["single_agent"]
    assert result.changes == {"transfer": []}

    task = make_variants(app, ["task"])
    assert task.changes == {"task": ["Odd is missing, a Custom"]}
    assert task.incomplete == {"task": "Odd is missing, a Custom"}


def test_a_function_that_is_wrapped_twice_is_one_tool():
    app = app_of("offline", "Loans", "Funds")
    loans, funds = lead_of(app).sub_agents
    loans.tools, funds.tools = [FunctionTool(quote)], [quote]

    same = make_variants(app, ["single_agent"])

    assert len(lead_of(same.apps["single_agent"]).tools) == 1


def test_an_app_that_cannot_be_wired_at_all_says_why():
    lead = LlmAgent(name="Lead", model="offline")

    result = make_variants(App(name="app", root_agent=lead), ["transfer"])

    assert result.skipped == {"transfer": "Lead has no specialists"}
    assert list(result.apps) == [ONE_BY_ONE]


def test_tools_of_the_leads_own_that_a_construct_has_no_place_for_are_named():
    app = app_of("offline", "Loans", "Funds")
    lead_of(app).tools.append(quote)

    result = make_variants(
        app, ["transfer", "router", "coordinator", "deprecated_loop", "single_agent"]
    )

    lost = "nobody has the lead's own tools (quote)"
    assert result.incomplete == {"router": lost, "deprecated_loop": lost}
    assert result.changes["router"] == ["nobody has the lead's own tools (quote)"]
    assert result.changes["transfer"] == []
    assert make_variants(app_of("offline", "Loans"), ["router"]).incomplete == {}


@pytest.mark.parametrize(
    ("release", "is_enough"), [("1.39.1", False), ("2.3.0", False), ("2.4.0", True)]
)
def test_rewiring_needs_graphs_that_are_tools(release, is_enough, monkeypatch):
    monkeypatch.setattr("adk_flow._adk.installed", release)

    with nullcontext() if is_enough else pytest.raises(AdkFlowError, match=r"google-adk 2\.4 or"):
        read_constructs("all")
