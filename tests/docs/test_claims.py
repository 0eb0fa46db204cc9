"""Published claims beside ours: figures that can be derived by hand, and a page that shows them."""

import json
import re
import sys
from collections import Counter
from importlib import import_module

import pytest

from tests.doubles.desk import ROOT


@pytest.fixture(scope="module")
def claims():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODEL_NAME", "offline")
        patch.syspath_prepend(str(ROOT / "docs"))
        yield import_module("claims")
        sys.modules.pop("claims")


def test_model_calls_are_those_that_each_wiring_needs(claims):
    # A call of a specialist with a tool: lead, specialist twice, lead. Whoever took over, or has
    # loaded a skill, needs but two for the next; a router classifies each time.
    by_hand = {"agent_tool": [4, 8], "transfer": [3, 5], "skills": [3, 5], "router": [3, 6]}
    turns = [claims.question(0), claims.question(0)]

    made = claims.runs(claims.team(3), turns, list(by_hand))

    assert {name: claims.calls_after(made[name]) for name in by_hand} == by_hand


def test_an_agent_that_is_called_reads_its_own_knowledge_and_one_for_all_reads_every_ones(claims):
    question, names = claims.question(0, tools=0), ["single_agent", "agent_tool"]

    none, much = (
        claims.runs(claims.team(3, tools=0, knowledge=facts), [question], names)
        for facts in (0, 1000)
    )

    grown = {name: claims.tokens(much[name]) - claims.tokens(none[name]) for name in names}
    assert grown == {"single_agent": 3000, "agent_tool": 1000}


def test_a_verdict_follows_the_figures(claims):
    assert [claims.near(1.36, figure) for figure in (1.0, 1.36, 1.9)] == [
        claims.AGREES,
        claims.AGREES,
        claims.CONTRADICTS,
    ]
    told = json.loads(claims.claims_json(["fewer_tokens"]))
    rows = told["claims"]["fewer_tokens"]["rows"]
    assert [row["verdict"] for row in rows] == [claims.CONTRADICTS] * 2
    assert told["schema"] == 1


@pytest.mark.environments
def test_the_page_has_every_claim_as_it_is_made_now_with_a_command(claims):
    page = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")

    for name in ("one_task", "multiples", "adks_metrics"):
        assert f"<!-- {name} -->\n{claims.claim_table(name)}<!-- end -->" in page
    commands = Counter(re.findall(r"`make claims CLAIMS=(\w+)`", page))
    assert commands == Counter(list(claims.CLAIMS))
    assert f"{claims.KNOWLEDGE:,} tokens of knowledge" in page
    assert f"asks 1 to {claims.FAN_OUT} specialists" in page
    assert "claims: $(INSTALLED)" in (ROOT / "Makefile").read_text(encoding="utf-8")
