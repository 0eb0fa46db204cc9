"""Findings bear the ids of MAST's failure modes as they were published."""

import json
import re
from io import StringIO
from pathlib import Path

from rich.console import Console

from adk_flow.analysis.findings import KINDS, detect_findings
from adk_flow.analysis.findings.finding import MAST_MODES
from adk_flow.analysis.trace_reader import trace_log
from adk_flow.log.reader import read_log
from adk_flow.models.scripted import call
from adk_flow.render.flow_json import flow_to_data
from adk_flow.render.flow_text import print_flow
from tests.doubles.findings import desk
from tests.doubles.flow import record

# Cemri et al., Why Do Multi-Agent LLM Systems Fail? (arXiv 2503.13657), figure 1.
PUBLISHED = {
    "FM-1.1": "disobey task specification",
    "FM-1.2": "disobey role specification",
    "FM-1.3": "step repetition",
    "FM-1.4": "loss of conversation history",
    "FM-1.5": "unaware of termination conditions",
    "FM-2.1": "conversation reset",
    "FM-2.2": "fail to ask for clarification",
    "FM-2.3": "task derailment",
    "FM-2.4": "information withholding",
    "FM-2.5": "ignored other agent's input",
    "FM-2.6": "reasoning-action mismatch",
    "FM-3.1": "premature termination",
    "FM-3.2": "no or incomplete verification",
    "FM-3.3": "incorrect verification",
}
PAGE = Path(__file__).parents[3] / "docs" / "compare.md"


def test_each_mode_is_one_that_was_published_and_stands_on_the_page():
    page = " ".join(PAGE.read_text().split())

    assert set(MAST_MODES) <= set(KINDS)
    for mode in MAST_MODES.values():
        number, _, name = mode.partition(" ")
        assert PUBLISHED[number] == name
        assert f"{number} ({name})" in page
    assert set(re.findall(r"FM-\d\.\d", page)) == {mode[:6] for mode in MAST_MODES.values()}


async def test_json_and_show_bear_the_id(tmp_path):
    script = {"Root": [call("Loans", request="?"), "He says 5%."], "Loans": ["It is 5%."]}
    flow = await record(desk(script, mode="single_turn"), ["?"], tmp_path)
    log, stream = read_log(flow.plugin.paths[0]), StringIO()

    print_flow(log, Console(file=stream, width=200))

    (finding,) = json.loads(json.dumps(flow_to_data(trace_log(log), "both")))["findings"]
    assert (finding["kind"], finding["mast"]) == ("repeated_answer", "FM-1.3")
    assert "Root says it again. [MAST FM-1.3]" in stream.getvalue()
    assert [one.mast for one in detect_findings(flow.trace)] == ["FM-1.3"]
