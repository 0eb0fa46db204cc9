"""Rules on a session's state, on what instructions were filled with, and on warnings."""

from types import SimpleNamespace

import pytest
from google.adk.agents import BaseAgent, SequentialAgent
from google.adk.agents.readonly_context import ReadonlyContext
from google.adk.utils.instructions_utils import inject_session_state
from hypothesis import given
from hypothesis import strategies as st

from adk_flow.check.evaluate import check_rules
from adk_flow.check.flow import read_flow
from adk_flow.check.rules import read_rules
from adk_flow.check.state import is_filled
from adk_flow.models.scripted import Scripted
from tests.doubles.command import run_command, write_app
from tests.doubles.flow import agent, record

CONCIERGE = """
from google.adk.agents import LlmAgent, SequentialAgent
from adk_flow.models.scripted import Scripted

model = Scripted(script={"Asks": ["A Thai massage"], "Books": ["Booked."]})
asks = LlmAgent(name="Asks", model=model, instruction="Ask.", output_key="KEY")
books = LlmAgent(name="Books", model=model, instruction="Guest has spa: {spa?}. Be kind.")
root_agent = SequentialAgent(name="Root", sub_agents=[asks, books])
"""

RULES = {
    "instructions:\n  Books: 'Guest has spa: {spa}.'": (
        "Books was told “Guest has spa: . Be kind.”, expected “Guest has spa: {spa}.”"
    ),
    "state: {spa: '...'}": "spa was never written; the state holds sap",
    "state: {spa: 'A ... massage'}": "spa was never written; the state holds sap",
    "no_warnings: [unwritten_state]": "unwritten_state: Books reads state that no output_key and",
}


def check(folder, rules, key):
    app = folder / key
    write_app(app, CONCIERGE.replace("KEY", key))
    (folder / "rules.yaml").write_text(f"hold: ['A massage?']\n{rules}\n")
    return run_command("check", app, "--expect", folder / "rules.yaml", folder=folder)


@pytest.mark.parametrize("rules", RULES)
def test_a_misspelt_output_key_breaks_each_rule_that_asks_for_it(rules, tmp_path):
    misspelt, right = check(tmp_path, rules, "sap"), check(tmp_path, rules, "spa")

    assert (misspelt.returncode, right.returncode) == (1, 0), right.stdout
    assert RULES[rules] in " ".join(misspelt.stdout.split())


@pytest.mark.parametrize(
    ("rules", "capture", "reason"),
    [
        ("state: {spa: Sauna}", "full", "state: spa is 'Thai', expected 'Sauna'"),
        ("each_turn: {state: {spa: Thai}}", "full", ""),
        ("state: {spa: ann@spa.example}", "full", "state: spa cannot be known: what is expected"),
        ("state: {ann@spa.example: Thai}", "full", "state: [masked] was never written"),
        (
            "instructions: {Books: ask ann@spa.example}",
            "full",
            "instructions: Books was told “It is Thai”, expected “ask [masked]”",
        ),
        ("state: {spa: '...'}", "none", "state: spa cannot be known: the log does not hold all"),
        ("instructions: {Root: '{spa}'}", "full", "instructions: Root's model was never asked"),
        ("instructions: {Books: It is ...}", "full", ""),
        ("instructions: {Books: x}", "none", "instructions: cannot be known: recorded with texts"),
    ],
)
async def test_what_a_log_holds_of_state_and_instructions(rules, capture, reason, tmp_path):
    model = Scripted(script={"Asks": ["Thai"], "Books": ["Booked."]})
    stages: list[BaseAgent] = [
        agent("Asks", model, output_key="spa"),
        agent("Books", model, instruction="It is {spa}"),
    ]
    root = SequentialAgent(name="Root", sub_agents=stages)
    recorded = await record(root, ["?"], tmp_path, capture=capture)
    (tmp_path / "rules.yaml").write_text(rules)

    results = check_rules(read_flow(recorded.log.path), read_rules(tmp_path / "rules.yaml"))

    broken = [f"{result.rule}: {result.reason}" for result in results if result.reason]
    assert [line.removeprefix("each_turn.")[: len(reason)] for line in broken] == (
        [reason] if reason else []
    )


def test_a_kind_of_warning_that_there_is_not_is_refused(tmp_path):
    refused = check(tmp_path, "no_warnings: [unwriten]", "spa")

    assert refused.returncode == 2
    assert "rules.yaml: line 2: no_warnings: 'unwriten' is no kind; expected one of" in (
        refused.stderr
    )


def test_warnings_cannot_be_known_of_a_log(tmp_path):
    check(tmp_path, "state: {spa: '...'}", "spa")
    (tmp_path / "rules.yaml").write_text("no_warnings: [endless_loop]")

    result = run_command("check", "flow_logs", "--expect", "rules.yaml", folder=tmp_path)

    assert result.returncode == 1
    assert "no_warnings: endless_loop: cannot be known of a log" in result.stdout


WORDS = st.sampled_from(["massage", "Be", "kind", "spa:", "1,250.50"])
TEXT = st.lists(WORDS, min_size=1, max_size=3).map(" ".join)
LITERALS = st.lists(TEXT, min_size=2, max_size=4)
# What stands in a place is none of the words around it, or nobody could tell where it ends.
VALUE = st.lists(st.sampled_from(["foot", "rub", "£9", "at: 10"]), min_size=1, max_size=3)
VALUES = st.lists(
    st.one_of(VALUE.map(" ".join), st.sampled_from(["", " ", "\n"])), min_size=3, max_size=3
)


@given(LITERALS, VALUES, st.sampled_from([". ", ", ", "\n"]))
async def test_an_instruction_is_filled_if_adk_had_words_for_each_key(literals, values, mark):
    keys = [f"key{number}" for number in range(len(literals) - 1)]
    gaps = [f" {{{key}?}}{mark}" for key in keys]
    template = "".join(map("".join, zip(literals, [*gaps, "."], strict=True)))
    state = dict(zip(keys, values, strict=False))
    context = SimpleNamespace(
        _invocation_context=SimpleNamespace(session=SimpleNamespace(state=state))
    )

    instruction = await inject_session_state(template, ReadonlyContext(context._invocation_context))

    assert is_filled(template, instruction) == all(value.strip() for value in state.values())
