"""The page of one log as one file, and the parts of it that are shown by `show`."""

import asyncio
import json
import re
from functools import partial
from html import unescape

import msgspec
import pytest
from google.adk.apps import App
from google.adk.tools.agent_tool import AgentTool

from adk_flow import read_trace
from adk_flow.analysis.latency import DEFAULT_PROFILE, PROFILES, LatencyProfile
from adk_flow.analysis.run_metrics import measure_run
from adk_flow.models.scripted import Scripted, call
from adk_flow.render.flow_text import list_findings
from adk_flow.render.page import trace_to_html
from adk_flow.render.page_pieces import draw_row
from adk_flow.run.conversation_run import run_conversation
from adk_flow.scenario.conversation import Conversation
from adk_flow.wiring import wire
from tests.doubles.command import assert_refused, run_command
from tests.doubles.flow import agent, record
from tests.render.reports import Page
from tests.watch.logs import QUESTIONS, record_desk


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return asyncio.run(record_desk(tmp_path_factory.mktemp("logs"))).plugin.paths[0]


def test_the_policy_lets_in_this_style_and_this_script_and_nothing_else(log):
    page = Page(trace_to_html(read_trace(log)))

    (policy,) = [each["content"] for tag, each in page.elements if "http-equiv" in each]
    style, script = page.hashes
    assert f"style-src {style}; script-src {script};" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not any(name in ("src", "style") for _, each in page.elements for name in each)
    assert not any(name.startswith("on") for _, each in page.elements for name in each)


def test_every_link_leads_to_a_record_that_the_page_explains(log):
    trace = read_trace(log)
    page = Page(trace_to_html(trace))

    links = {each["href"] for tag, each in page.elements if tag == "a"}
    assert {f"#turn-{move.turn}/record-{move.record}" for move in trace.moves} <= links
    explained = {each["id"] for tag, each in page.elements if tag == "template"}
    records = [re.fullmatch(r"#turn-[12]/record-(\d+)", link)[1] for link in links]
    assert {f"detail-{record}" for record in records} <= explained


async def test_of_a_text_that_no_browser_lays_out_the_page_has_the_beginning(tmp_path):
    question, answer = "Why? " * 400_000, "So. " * 500_000
    script = {"Root": [call("look", what=answer), answer]}

    def look(what: str) -> str:
        """Looks."""
        return what + what

    root = agent("Root", Scripted(script=script), tools=[look])
    flow = await record(root, [question], tmp_path)
    html = trace_to_html(flow.trace) + draw_row(flow.trace, "s", "/", is_live=False)

    assert flow.trace.turns[0].messages[0].text == answer  # which the log holds whole
    longest = max(map(len, re.split("<[^>]*>", html)))
    assert longest < 110_000 and "So. … (and 1,900,000 more characters)" in html


def detail_in(html, record):
    return html.partition(f'id="detail-{record}"')[2].partition("</template>")[0]


def test_what_a_model_was_sent_is_told_by_whom_it_came_from(log):
    trace = read_trace(log)
    of_loans = next(c.record for c in trace.turns[0].model_calls if c.agent == "Loans")
    detail = detail_in(trace_to_html(trace), of_loans)

    assert "Model call of Loans" in detail
    assert "the request of Root" in detail
    assert "How dear?" in detail


def test_what_a_model_was_sent_and_what_it_said_stand_once(log):
    trace = read_trace(log)
    html = trace_to_html(trace)

    for turn in trace.turns:
        for asked in turn.model_calls:
            request, answer = detail_in(html, asked.record), detail_in(html, asked.ended)
            assert all(f"Model call of {asked.agent}" in detail for detail in (request, answer))
            assert ("What it was sent" in request) > ("What it was sent" in answer)
            words = re.compile("<h4>It (said|called .*)</h4>")
            assert len(words.findall(answer)) > len(words.findall(request)) == 0
            assert f"record-{asked.ended}" in request
            assert f"record-{asked.record}" in answer


def test_a_page_grows_by_the_same_with_each_turn_however_long_the_conversation(tmp_path):
    said = [f"The answer number {n}." for n in range(60)]
    root = agent("Root", Scripted(script={"Root": said}))
    flow = asyncio.run(record(root, [f"Question {n}?" for n in range(60)], tmp_path))
    html = trace_to_html(flow.trace)

    sizes = [len(detail_in(html, turn.model_calls[0].record)) for turn in flow.trace.turns]
    assert max(sizes[20:]) - min(sizes[20:]) < 200
    last = detail_in(html, flow.trace.turns[59].model_calls[0].record)
    assert "Left out: 97 parts" in last
    assert '<ol class="parts" start="98">' in last
    assert re.findall(r"number (\d+)", last) == [str(n) for n in range(48, 59)]


def test_page_and_text_say_the_same_findings(tmp_path):
    model = Scripted(
        script={
            "Root": [call("Loans", request="How dear?"), "Nothing to say."],
            "Loans": ["It costs 731.25 pounds a month."],
        }
    )
    root = agent("Root", model, tools=[AgentTool(agent("Loans", model))])
    flow = asyncio.run(record(root, ["How dear is it?"], tmp_path))
    text = run_command("show", flow.plugin.paths[0], "--names", "Zed", folder=tmp_path).stdout
    page = trace_to_html(flow.trace, findings=list_findings(flow.trace, ["Zed"]))
    listed = re.findall(r'<li class="(?:notice|serious)"><a [^>]*>(.*?)</a>', page)
    told = re.findall(r"^    finding: (.*?)(?=^    (?:finding|MAST: )|^\S|\Z)", text, re.S | re.M)
    assert [unescape(each).split() for each in listed] == [finding.split() for finding in told]
    assert any("[MAST FM-" in each for each in listed)
    row = draw_row(flow.trace, "id", "/", is_live=True)
    found_by = unescape(re.findall('data-words="(.*?)"', row)[0])
    assert [words for words in ("unrelayed answer", "loans", "root") if words not in found_by] == []
    assert '<span class="live">' in row


def test_a_page_projects_a_run_as_its_figures_do(tmp_path):
    """A tool that the plan says to take two seconds, below a route that takes no time."""
    call = {"name": "lookup", "seconds": 2}
    turn = {"say": "Go", "plan": [{"agent": "A", "tools": [call]}]}
    talk = msgspec.convert({"turns": [turn]}, Conversation)
    log = tmp_path / "log.jsonl"

    def lookup() -> str:
        return "found"

    specialists = [agent("A", "offline", tools=[lookup]), agent("B", "offline")]
    root = wire(agent("Lead", "offline"), specialists, "router")
    app = App(name="app", root_agent=root)
    asyncio.run(run_conversation(app, talk, file=log, construct="router"))
    trace, slow = read_trace(log), LatencyProfile("slow", 9000, 0)
    measured = partial(measure_run, trace, construct="router", conversation="")
    run, plain = measured(asked=talk, pace=slow), measured(pace=PROFILES[DEFAULT_PROFILE])

    assert _length(trace_to_html(trace, run)) == 1e6 * (9 * 3 + 2)
    assert _length(trace_to_html(trace, run)) == run.total.critical_path_microseconds
    assert _length(trace_to_html(trace)) == plain.total.critical_path_microseconds


def _length(page):
    """Finds when the last of a page's projected calls ends, in microseconds."""
    steps = re.findall(r"data-steps=\"(.*?)\"", page)[0]
    return max(int(step.split(":")[2]) for step in steps.split())


def test_a_notebook_draws_a_trace_in_a_frame_that_reaches_nothing(log):
    trace = read_trace(log)

    ((tag, frame),) = Page(vars(type(trace))["_repr_html_"](trace)).elements
    assert tag == "iframe"
    assert frame["sandbox"] == "allow-scripts"
    assert frame["srcdoc"] == trace_to_html(trace)


def test_show_writes_the_page_for_its_owner_alone(log, tmp_path):
    result = run_command("show", log, "--format", "html", "--out", "page.html", folder=tmp_path)

    assert result.stdout == "Page: page.html\n"
    assert (tmp_path / "page.html").read_text() == trace_to_html(read_trace(log))
    assert (tmp_path / "page.html").stat().st_mode & 0o777 == 0o600


def test_a_log_that_holds_no_turn_yet_has_a_page(log, tmp_path):
    header, *_ = log.read_text(encoding="utf-8").splitlines()
    (tmp_path / "new.jsonl").write_text(f"{header}\n", encoding="utf-8")

    done = run_command("show", "new.jsonl", "--format=html", folder=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert "No turn is recorded." in done.stdout
    assert 'class="turn"' not in done.stdout


def test_show_limits_itself_to_a_turn_or_a_record(log, tmp_path):
    def show(*options):
        return run_command("show", log, *options, folder=tmp_path).stdout

    second = show("--turn", "2")
    assert QUESTIONS[1] in second
    assert QUESTIONS[0] not in second
    data = json.loads(show("--turn", "1", "--format", "json"))
    assert {each["turn"] for each in (*data["moves"], *data["turns"])} == {1}
    records = show("--view", "records", "--turn", "1") + show("--view", "records", "--turn", "2")
    assert records == show("--view", "records")
    number = next(m.record for m in read_trace(log).moves if m.kind == "transfer")
    one = show("--record", number)
    assert "=> Root transfers to Savings" in one
    assert '"hook": "before_agent"' in one
    assert json.loads(show("--record", number, "--format", "json"))["agent"] == "Savings"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--turn", "3"], "--turn 3: the log has 2 turns"),
        (["--record", "999"], "--record 999: the log has 37 records"),
        (["--format", "html", "--turn", "1"], "a page shows all of a flow"),
        (["--out", "page.html"], "--out page.html: is the file of --format html"),
        (["--follow", "--format", "mermaid"], "--follow prints moves as text"),
        (["--format", "html", "--out", "."], "cannot be written"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_one_line(log, tmp_path, options, words):
    assert_refused(run_command("show", log, *options, folder=tmp_path), words)
