"""Answers kept in a cassette: real clients against a server on 127.0.0.1 that counts requests."""

import itertools
import stat

import pytest
from google.adk.tools.agent_tool import AgentTool

from adk_flow.comparison.recommend import write_caveats
from adk_flow.comparison.runner import compare
from adk_flow.errors import AdkFlowError
from adk_flow.models.cassette import Cassette, Tape
from adk_flow.models.enforcement import in_force
from adk_flow.models.override import Override
from adk_flow.render.comparison_model import explain_kind
from adk_flow.scenario.conversation import of_questions
from tests.doubles.command import run_command
from tests.doubles.wire.advisers import REPAYMENT, SMALLER_REPAYMENT, ask, mortgage, root
from tests.doubles.wire.gemini_server import APP
from tests.doubles.wire.model_server import Call, Status

ASKED = {"cost": of_questions(["What does it cost?"])}
HAND_OVER = Call("transfer_to_agent", {"agent_name": "Loans"})
CALL = Call("Loans", {"request": "What does it cost?"})


@pytest.mark.parametrize("stream", [False, True])
async def test_a_conversation_is_answered_again_as_it_was_and_asks_nobody(
    server, talk, model, tmp_path, stream
):
    server.script = {
        "Root": [ask("Mortgage", "Compare."), "Done: £1,000 or £500."],
        "Mortgage": [[REPAYMENT, SMALLER_REPAYMENT], "£1,000 or £500."],
    }
    file = tmp_path / "answers.jsonl"

    async def talked():
        cassette = Cassette(file)
        with in_force(Override(tape=Tape(cassette))):
            agent = root(model(), tools=[AgentTool(mortgage(model()))])
            return await talk(agent, "Compare them.", stream=stream), cassette

    first, recording = await talked()
    requests = len(server.requests)
    again, replaying = await talked()

    assert (recording.asked, recording.replayed) == (requests, 0) == (4, 0)
    assert (replaying.asked, replaying.replayed) == (0, 4)
    assert len(server.requests) == requests
    assert told(first) == told(again)
    assert again.picture == first.picture


def told(flow):
    """All that a log tells of answers: usage, finish, call ids, partial pieces."""
    kept = ("hook", "agent", "text", "size", "partial", "usage", "version", "finish", "calls")
    return [
        [getattr(record, name, None) for name in kept]
        for record in flow.log.records
        if record.hook == "after_model"
    ]


# Comparisons


names = map("kept_{}".format, itertools.count())


class Comparing:
    """Compares an app with one cassette, each time anew."""

    def __init__(self, folder):
        self.folder, self.file = folder, folder / "answers.jsonl"
        self.app = folder / next(names)  # Python keeps a module by its name
        self.app.mkdir()
        (self.app / "agent.py").write_text(APP)
        self._outs = map("out{}".format, itertools.count())

    def __call__(self, asked=ASKED, **options):
        chosen = {"constructs": ["agent_tool"], "cassette": self.file, **options}
        return compare(self.app, asked, folder=self.folder / next(self._outs), **chosen)


@pytest.fixture
def compared(tmp_path):
    return Comparing(tmp_path)


def figures(comparison):
    """All of its figures but those of time that passed."""
    kept = ("construct", "llm_calls", "input_tokens", "dollars", "critical_path_seconds")
    return [[getattr(one, name) for name in kept] for one in comparison.constructs]


def answers(comparison):
    return [run.total.answer for run in comparison.runs]


def test_a_second_comparison_makes_no_request_and_needs_neither_key_nor_budget(
    gemini, compared, monkeypatch
):
    gemini.script = {
        "Root": [Status(429, "slow down"), HAND_OVER, CALL, "It costs 5%."],
        "Loans": ["5%.", "5%, or so."],
    }

    first = compared(jobs=1, dollars=1.0)
    monkeypatch.delenv("GOOGLE_API_KEY")
    requests = len(gemini.requests)
    again = compared(jobs=1)

    gemini.finish()
    assert requests == len(gemini.requests) == 6
    assert figures(first) == figures(again)
    assert answers(first) == answers(again)
    assert (first.kind, again.kind) == ("cassette", "cassette")
    used = [(one.setting.cassette.replayed, one.setting.cassette.asked) for one in (first, again)]
    assert used == [(0, 5), (5, 0)]
    told = "of a real model's answers 5 were asked for just now and 0 come out of a file"
    assert explain_kind(first) == told
    assert write_caveats(again)[1] == (
        f"5 model calls answered from the cassette {compared.file}, 0 asked."
    )
    assert stat.S_IMODE(compared.file.stat().st_mode) == 0o600


def test_trials_have_answers_of_their_own_and_more_of_them_ask_for_these_only(gemini, compared):
    rates = [f"It is {rate}%." for rate in range(1, 9)]
    gemini.script = {"Root": rates}

    first = compared(constructs=["single_agent"], calls=20, trials=3)
    asked = len(gemini.requests)
    again = compared(constructs=["single_agent"], trials=3)
    cut = compared(constructs=["single_agent"], trials=4)
    more = compared(constructs=["single_agent"], calls=20, trials=4)

    assert asked == 6  # as_is and single_agent tell their models different things
    assert sorted(answers(first)) == sorted(answers(again)) == sorted(rates[:6])
    assert [run.total.answer for run in first.runs] == [run.total.answer for run in again.runs]
    assert sorted(answers(cut)) == sorted(rates[:6])
    assert "holds no answer for Root in turn 1 of cost under " in cut.setting.stopped
    assert "(and 1 more)" in cut.setting.stopped
    assert more.setting.cassette.asked == len(gemini.requests) - asked == 2
    assert sorted(answers(more)) == rates


def test_the_budget_counts_what_is_asked(gemini, compared):
    gemini.script = {"Root": [HAND_OVER, CALL, "5%."], "Loans": ["5%.", "5%."]}

    stopped = compared(jobs=1, calls=2)
    whole = compared(jobs=1, calls=3)

    gemini.finish()
    assert stopped.setting.stopped == "the budget of 2 model calls is spent"
    assert not whole.setting.stopped
    assert whole.setting.cassette.asked == 3


def test_an_error_is_not_kept(gemini, compared):
    gemini.script = {"Root": [*[Status(503, "busy")] * 5, HAND_OVER], "Loans": ["5%."]}

    first = compared(jobs=1, constructs=["as_is"], calls=9)
    again = compared(jobs=1, constructs=["as_is"], calls=9)

    gemini.finish()
    assert "busy" in first.setting.cassette.words
    assert answers(again) == ["5%."]
    assert "busy" not in compared.file.read_text()


def test_what_is_missing_is_told_and_nobody_is_asked(gemini, compared):
    gemini.script = {"Root": [HAND_OVER], "Loans": ["5%."]}
    compared(jobs=1, constructs=["as_is"], calls=9)
    done = []

    partly = compared(jobs=1, progress=lambda *numbers: done.append(numbers))
    with pytest.raises(AdkFlowError) as told:
        compared({"rate": of_questions(["At which rate?"])}, jobs=1)

    gemini.finish()
    lack = f"{compared.file}: holds no answer for %s; say how many model calls may be made and run"
    first = lack % "Root in turn 1 of cost under agent_tool"
    assert partly.setting.stopped == f"{first} it again, which records it"
    assert [run.construct for run in partly.runs] == ["as_is"]
    assert done[-1] == (1, 2)
    assert explain_kind(partly) == (
        "of a real model's answers 0 were asked for just now and 2 come out of a file: "
        "those are no other sample"
    )
    whole = lack % "Root in turn 1 of rate under as_is (and 1 more)"
    assert str(told.value) == f"calls: {whole} it again, which records it"


def test_a_run_without_a_key_says_what_is_missing(gemini, compared, tmp_path):
    ended = run_command("run", compared.app, "Hello?", "--cassette", compared.file, folder=tmp_path)

    assert ended.returncode == 1
    assert not gemini.requests
    last = ended.stderr.splitlines()[-1]
    assert f"{compared.file}: holds no answer for Root in turn 1 (ValueError: " in last
    assert "(is the key set?)" in last
