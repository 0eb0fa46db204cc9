"""Laws: exact fits, what came along against runs made here, prefixes, crossings, predictions."""

from fractions import Fraction
from random import Random

import pytest
from google.adk.agents.llm_agent import LlmAgent
from google.adk.agents.loop_agent import LoopAgent
from google.adk.agents.sequential_agent import SequentialAgent
from google.adk.apps import App
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.tools.agent_tool import AgentTool
from google.adk.tools.function_tool import FunctionTool
from google.genai import types

from adk_flow.analysis import pricing
from adk_flow.analysis.latency import profile_named
from adk_flow.analysis.prefixes import shared_prefixes
from adk_flow.analysis.trace_reader import read_trace
from adk_flow.comparison.variants import make_variants
from adk_flow.laws.crossings import LawSetting, compared_values, find_crossings, find_law_winners
from adk_flow.laws.formulas import LARGE, SMALL, Law, fit_laws, terms_at
from adk_flow.laws.grid import Point, make_app, make_conversation, run_point, run_talk
from adk_flow.laws.least_squares import fit_shares, fit_terms
from adk_flow.laws.prediction import predict_winners
from adk_flow.laws.table import read_laws
from adk_flow.laws.team import read_team
from adk_flow.render.laws import write_formula, write_laws, write_prediction
from adk_flow.run.conversation_run import run_conversation
from adk_flow.wiring import CONSTRUCTS, WiringError
from docs.samples import make_sample

FLASH = LawSetting(profile_named("gemini-2.5-flash"), "gemini-2.5-flash")
BY_TOKEN = ("transfer", "agent_tool", "single_agent")


@pytest.mark.parametrize("seed", range(5))
def test_what_is_a_sum_of_the_terms_is_fitted_without_a_rest(seed):
    dice = Random(seed)
    names = dice.sample([*terms_at(Point(1, 1, 1, 1, 1))], 6)
    law = {name: Fraction(dice.randint(-50, 50), dice.choice([1, 2])) for name in names}
    places = [terms_at(point._replace(follow_ups=f)) for point in SMALL for f in range(4)]
    values = [2 * sum(factor * place[name] for name, factor in law.items()) for place in places]

    (fitted,) = fit_terms(places, [[int(value) for value in values]])

    assert fitted == {name: 2 * factor for name, factor in law.items() if factor}


def test_shares_are_fitted_by_nothing_below_zero():
    dice = Random(1)
    law = {"a": 3.0, "c": 0.5, "d": 120.0}
    places = [{name: dice.randint(0, 90) for name in "abcdef"} | {"d": 1} for _ in range(40)]
    values = [round(sum(law.get(n, 0) * x for n, x in place.items()) * 2) for place in places]

    fitted = fit_shares(places, values, values)

    assert min(fitted.values()) > 0
    for name in "abcdef":
        assert fitted.get(name, 0) == pytest.approx(2 * law.get(name, 0), abs=0.02)


@pytest.fixture(scope="module")
def rows():
    point = Point(topics=2, follow_ups=1, specialists=5, tools=2, words=7)
    assert point._replace(follow_ups=3) not in SMALL + LARGE
    return run_point(point, [*BY_TOKEN, "coordinator"])


def test_the_laws_that_come_along_say_what_a_run_of_here_takes(rows):
    laws = {law.construct: law for law in read_laws().grid}

    assert len(rows) == 8
    for construct, point, figures in rows:
        said = laws[construct].at(point)
        assert (said.calls, said.path_calls) == (figures.calls, figures.path_calls)
        assert said.tokens == pytest.approx(figures.tokens, rel=0.02)


def test_laws_were_exact_in_calls_and_near_in_tokens_where_not_fitted():
    for law in read_laws().grid:
        assert law.tried
        assert (law.errors["calls"], law.errors["tokens"] <= 0.02) == (0, True), law.construct


def test_a_law_that_leaves_somebody_out_says_for_how_many_topics_it_holds(rows):
    topic = [row._replace(point=row.point._replace(topics=1)) for row in rows]

    (alone, *_), (both, *_) = fit_laws(topic, []), fit_laws(rows, [])

    assert (alone.holds_at(LARGE[0]), alone.holds_at(LARGE[1])) == (False, True)
    assert both.holds_at(LARGE[0])


class Requests(BasePlugin):
    """Keeps the text of each request as the model gets it."""

    def __init__(self):
        super().__init__(name="requests")
        self.texts = []

    async def before_model_callback(self, *, callback_context, llm_request):
        config = llm_request.config
        tools = [tool for tool in config.tools or () if isinstance(tool, types.Tool)]
        declared = [one for tool in tools for one in tool.function_declarations or ()]
        parts = [part for content in llm_request.contents for part in content.parts or ()]
        texts = [one.model_dump_json(exclude_none=True) for one in (*declared, *parts)]
        self.texts.append("\0".join([str(config.system_instruction), *texts]))


def common(text, other):
    pairs = enumerate(zip(text, other, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(text), len(other)))


@pytest.mark.parametrize("construct", ["transfer", "single_agent"])
async def test_shared_prefixes_are_those_of_the_models_own_requests(construct, tmp_path):
    app = make_variants(make_app(3, 2), [construct]).apps[construct]
    seen = Requests()
    app = app.model_copy(update={"plugins": [*app.plugins, seen]})
    talk = make_conversation(Point(2, 1, 3, 2, 40))

    await run_conversation(app, talk, file=tmp_path / "log.jsonl")

    trace = read_trace(tmp_path / "log.jsonl")
    calls = [call for turn in trace.turns for call in turn.asked_models]
    told = [prefix.shared / prefix.size for prefix in shared_prefixes(calls, trace.log.texts)]
    texts = seen.texts
    expected = [
        max((common(text, before) for before in texts[:number]), default=0) / len(text)
        for number, text in enumerate(texts)
    ]
    assert len(told) == len(expected) >= 4
    # JSON around parts is no part of the log's texts.
    assert told == pytest.approx(expected, abs=0.12)
    assert [share > 0.9 for share in told] == [share > 0.9 for share in expected]


def test_what_the_laws_say_fits_a_width_and_is_the_same_in_any():
    laws = read_laws().grid

    folded, whole = write_laws(laws, FLASH, 80), write_laws(laws, FLASH)

    assert max(map(len, folded.splitlines())) <= 80
    assert folded.split() == whole.split()
    assert "within 5 % of the shortest" in whole
    assert "classifier_router can answer one topic only" in whole


def law_of(construct, tokens, calls=2):
    zero = {name: {} for name in read_laws().grid[0].factors}
    factors = {**zero, "input_tokens": tokens, "calls": {"1·1": Fraction(calls)}}
    errors = dict.fromkeys([*zero, "tokens"], 0.0)
    return Law(construct=construct, factors=factors, fitted=1, errors=errors)


def test_crossings_stand_where_by_hand_one_begins_to_beat_the_other():
    # 100 + 50f against 400 + 10f: equal at 7.5 follow-ups.
    steep = law_of("steep", {"1·1": Fraction(100), "f·1": Fraction(50)})
    flat = law_of("flat", {"1·1": Fraction(400), "f·1": Fraction(10)})

    winners = [*find_law_winners([steep, flat], FLASH)]

    (crossing,) = [c for c in find_crossings(winners, ["steep", "flat"]) if c.figure == "tokens"]
    assert crossing[1:] == ("flat", "steep", "follow-ups", 8)
    assert not [c for c in find_crossings(winners, ["steep", "flat"]) if c.figure == "LLM calls"]
    assert "  tokens         100 + 50f\n" in write_laws([steep, flat], FLASH)


def test_costs_take_the_cached_price_for_what_an_earlier_request_began_with(monkeypatch):
    law = law_of("a", {"1·1": Fraction(1000)})
    figures = law.at(LARGE[0])._replace(
        shared_bytes=30, sent_bytes=40, path_calls=2, path_tokens=10
    )

    values = compared_values(figures, FLASH)

    assert values["cost"] == pytest.approx(1000 * 0.3e-6)
    assert values["cost with cached prefixes"] == pytest.approx(250 * 0.3e-6 + 750 * 0.03e-6)
    assert values["critical path"] == pytest.approx((2 * 406 + 10 * 6.3) / 1000)

    monkeypatch.setitem(pricing._OWN, "uncached", pricing.Price(input=0.3, output=2.5))
    alone = compared_values(figures, FLASH._replace(model="uncached"))
    assert (alone["cost"], alone["cost with cached prefixes"]) == (values["cost"], None)

    # Two requests of 150,000 tokens are none above 200,000, where this model's price doubles.
    pro = FLASH._replace(model="gemini-2.5-pro")
    long = compared_values(figures._replace(calls=2, input_tokens=300_000), pro)
    assert long["cost"] == pytest.approx(300_000 * 1.25e-6)


@pytest.mark.parametrize(
    ("factors", "written"),
    [
        ({"1·1": 2, "f·1": 2}, "2 + 2f"),
        ({"1·n": 1, "k·1": 3, "k·m": -1, "f²·nm": 5}, "n + k(3 - m) + 5nm·f²"),
        ({"1·1": Fraction(1, 2)}, "0.5"),
        ({}, "0"),
    ],
)
def test_formulas_read_as_sums(factors, written):
    assert write_formula(factors) == written


async def test_predictions_are_those_of_runs_of_an_app_that_was_not_fitted():
    table = read_laws()
    seed = table.samples + 1
    app = make_sample(seed)
    team = await read_team(app)

    said = await predict_winners(app, table.apps)

    assert write_prediction(said, table).startswith("sample, before any run: all ")
    wired = make_variants(app, BY_TOKEN).apps
    talk = team.conversation(len(team.specialists), 0)
    for name in BY_TOKEN:
        (figures,) = await run_talk(wired[name], talk, name)
        assert said.at_once["LLM calls"].values[name] == figures.calls
        assert said.at_once["tokens"].values[name] == pytest.approx(figures.tokens, rel=0.1)


def tool_of(name):
    def look(x: str) -> str:
        """Looks something up."""
        return "a"

    look.__name__ = f"look_{name}"
    return FunctionTool(look)


def specialist(name, *below, calls=()):
    tools = [tool_of(name), *map(AgentTool, calls)]
    return LlmAgent(name=name, instruction=f"You do {name}.", tools=tools, sub_agents=[*below])


SHAPES = {
    "chain": lambda: [specialist("A", specialist("B", specialist("C")))],
    "chain of four": lambda: [
        specialist("A", specialist("B", specialist("C", specialist("D")), specialist("E"))),
        specialist("Z"),
    ],
    "calls": lambda: [
        specialist("A", calls=[specialist("B", calls=[specialist("C")])]),
        specialist("Z"),
    ],
    "both": lambda: [
        specialist("A", specialist("B", calls=[specialist("C")])),
        specialist("Z", calls=[specialist("Y", specialist("X"))]),
    ],
    "stages": lambda: [
        SequentialAgent(name="S", sub_agents=[specialist("X"), specialist("Y")]),
        specialist("Z"),
    ],
    "rounds": lambda: [LoopAgent(name="R", sub_agents=[specialist("X")], max_iterations=1)],
    "flat": lambda: [specialist("X"), specialist("Z")],
}


async def test_a_prediction_of_agents_that_share_a_name_is_said_to_be_weak():
    team = [specialist("A", calls=[specialist("Same")]), specialist("Same"), specialist("Z")]
    lead = LlmAgent(name="Lead", instruction="You lead.", sub_agents=[*team])

    said = await predict_winners(App(name="twins", root_agent=lead), read_laws().apps)

    assert said.rough == ["A", "Same"]


@pytest.mark.parametrize("shape", SHAPES)
async def test_of_each_construct_something_is_predicted_or_why_not(shape):
    lead = LlmAgent(name="Lead", instruction="You lead.", sub_agents=SHAPES[shape]())
    app = App(name="shape", root_agent=lead)
    team = await read_team(app)
    talk = team.conversation(len(team.specialists), 0)

    said = await predict_winners(app, read_laws().apps)

    predicted = [*said.at_once["tokens"].values] if said.at_once else []
    assert {*predicted, *said.left_out} == {*CONSTRUCTS}
    assert not {*predicted} & {*said.left_out}
    wired = make_variants(app, CONSTRUCTS).apps
    failing = [name for name, why in said.left_out.items() if why.startswith("not all are asked")]
    for name in [*predicted, *failing]:
        turns = await run_talk(wired[name], talk, name)
        assert bool(turns) == (name in predicted), name
        for figures in turns:
            assert said.at_once["LLM calls"].values[name] == figures.calls, name
            if name.startswith("agent_tool"):
                assert said.at_once["tokens"].values[name] == pytest.approx(figures.tokens, rel=0.1)
    assert said.rough == (["R"] if shape == "rounds" else [])
    text = write_prediction(said, read_laws(), 80)
    assert ("A weak prediction" in text) == bool(said.rough)
    assert max(map(len, text.splitlines())) <= 80
    assert all(name in text for name in said.left_out)
    if shape == "chain":  # whether all or the first are asked is the same
        assert said.at_once["tokens"].values == said.in_turn[1].values


async def test_an_app_without_specialists_is_told_what_it_needs():
    lead = LlmAgent(name="Solo", instruction="You.")

    with pytest.raises(WiringError, match="Solo has no specialists; needed is an LlmAgent"):
        await predict_winners(App(name="solo", root_agent=lead), read_laws().apps)
