"""The report of real comparisons: parsed, opened in a browser, and fed with hostile words."""

import gzip
import re
from base64 import b64decode
from html import unescape
from itertools import chain
from typing import get_args

import msgspec
import pytest
from msgspec.structs import replace

from adk_flow.analysis.metrics import summed
from adk_flow.analysis.run_metrics import RunMetrics, Shown
from adk_flow.analysis.visibility import Visibility
from adk_flow.comparison.aggregate import Setting, compare_runs
from adk_flow.comparison.recommend import write_recommendation
from adk_flow.render.comparison_html import comparison_to_html
from adk_flow.render.comparison_tables import CONTEXTS
from adk_flow.render.report_links import link_to
from tests.doubles.flow import expected
from tests.render.reports import CONSTRUCTS, PACED, Page

LINK = re.compile(r"flows/[\w-]+/[\w-]+\.html(#(turn-\d+)?/?(record-\d+)?)?", re.ASCII)
"""A link to a run, beside the report."""


def test_the_page_says_what_was_compared_and_how(html):
    words = " ".join(Page(html).words.split())

    assert "CONTROLLED the same decisions under every construct" in words
    assert "Controlled comparison of root_agent: 3 constructs, 2 conversations × 1 trial" in words
    assert "google-adk 2." in words
    assert "Recommendation For conversations like these take " in words


def test_calls_stand_by_construct_and_conversation(html):
    page = Page(html)

    assert page.row("transfer", 3) == ["transfer", "3", "7"]
    assert page.row("agent_tool", 3) == ["agent_tool recommended", "4", "8"]


def test_figures_stand_beside_their_difference_to_the_baseline(runs):
    one = [run for run in runs if run.conversation == "one_question"]
    page = Page(comparison_to_html(compare_runs(one, PACED)))

    assert page.row("single_agent", 6)[:3] == ["single_agent baseline", "2", "all"]
    assert page.row("transfer", 6)[1] == "3 +1 (+50 %)"
    assert page.row("agent_tool", 6)[1:3] == ["4 +2 (+100 %)", "2 of 4"]
    assert "ADK's session shows only some of the LLM calls: agent_tool 2 of 4." in page.words


def test_the_critical_path_is_marked(html, comparison):
    for run in comparison.runs:
        if run.conversation == "three_in_one_message":
            figures = html.partition('data-style="waterfall"')[2].partition("</section>")[0]
            figure = figures.partition(f'data-construct="{run.construct}"')[2]
            page = Page(figure.partition("</figure>")[0])
            bars = {
                int(at["data-record"]): style for style, at in page.shapes if "data-record" in at
            }
            marked = [record for record, style in bars.items() if "critical" in style]
            assert len(bars) == len(run.spans[0])
            assert sorted(marked) == sorted(run.spans[0][n].record for n in run.critical[0])


def test_a_diagram_shows_transfers_calls_and_words_in_styles_of_their_own(html):
    parts = html.partition('data-style="sequence"')[2].split("</figure>")[:3]
    alone, transfer, agent_tool = map(Page, parts)

    pages = (alone, transfer, agent_tool)
    assert [page.count("control handover") for page in pages] == [0, 3, 0]
    styles = ("band", "talk", "model-call")
    assert [agent_tool.count(style) for style in styles] == [1, 2 + 2 * 3, 8]


def test_what_failed_is_drawn_as_such(runs):
    run = runs[-1]
    moves = [replace(move, failed=move.kind == "return") for move in run.moves]
    html = comparison_to_html(compare_runs([replace(run, moves=moves)], PACED))
    page = Page(html.partition('data-style="sequence"')[2])

    assert page.count("control broken") == sum(move.failed for move in moves) == 3


def test_repeated_findings_are_told_once_with_their_proofs(html):
    page = Page(html.partition('id="findings"')[2].partition("</section>")[0])
    hidden = [row for row in page.rows if row[0] == "agent_tool" and "not in ADK" in row[1]]

    assert [row[2] for row in hidden] == ["1", "1"]
    assert "one_question, turn 1, records" in hidden[0][3]


def test_the_matrix_tells_who_was_shown_what(html):
    table = html.partition('<table class="matrix">')[2].partition("</table>")[0]
    lines, construct = [], ""
    for row in Page(table).rows[1:]:
        construct = row.pop(0) if row[0].split()[0] in CONSTRUCTS else construct
        signs = " ".join(cell[:1] for cell in row[1:6])
        lines.append(f"{construct.split()[0]:12} {row[0]:16} {signs}")

    assert "\n".join(lines) == expected("""
        single_agent Root_Agent       ● · · · ·
        transfer     Root_Agent       ● · · · ·
        transfer     Investment_Agent ● · · · ○
        transfer     Mortgage_Agent   ● · · · ·
        transfer     Pension_Agent    ● · · · ●
        agent_tool   Root_Agent       ● · · ● ·
        agent_tool   Investment_Agent · · ● · ·
        agent_tool   Mortgage_Agent   · · ● · ·
        agent_tool   Pension_Agent    · · ● · ·
    """)


def test_nothing_is_loaded_and_nothing_but_its_style_and_script_is_allowed(html):
    page = Page(html)
    (policy,) = [at["content"] for _, at in page.elements if "http-equiv" in at]
    style, script = page.hashes

    allowed = f"default-src 'none'; style-src {style}; script-src {script}; base-uri"
    assert policy.startswith(allowed)
    assert [tag for tag, _ in page.elements if tag in page.inlined] == ["style", "script"]
    assert "@import" not in page.inlined["style"]
    assert set(re.findall(r"url\((.)", page.inlined["style"])) == {"#"}
    _assert_inert(page)


def test_a_construct_with_eight_conversations_takes_less_than_46_kilobytes(runs):
    # 13 of them are to take less than 600.
    eight = [replace(run, conversation=f"{run.conversation}_{n}") for run in runs for n in range(4)]
    html = comparison_to_html(compare_runs(eight, PACED))

    assert html.count('id="answers"') == 1
    assert len(html.encode()) < 46_000 * len(CONSTRUCTS)


def test_what_looks_the_same_under_several_constructs_is_drawn_once(runs):
    twin = [replace(run, construct="twin") for run in runs if run.construct == "transfer"]
    html = comparison_to_html(compare_runs([*runs, *twin], PACED))
    sequences = html.partition('data-style="sequence"')[2].partition("</section>")[0]
    drawn = [re.findall('data-construct="(.*?)"', part) for part in sequences.split("</figure>")]

    assert drawn[:-1] == [["single_agent"], ["transfer", "twin"], ["agent_tool"]]


def unpacked(page: Page) -> list[list[str]]:
    """The drawings of the turns that are not shown first: sequences and waterfalls."""
    return msgspec.json.decode(gzip.decompress(b64decode(page.packed)))


def test_every_turn_is_drawn_under_every_construct(runs):
    twice = [_again(run) if run.conversation == "one_question" else run for run in runs]
    html = comparison_to_html(compare_runs(twice, PACED))
    page = Page(html)
    options = re.findall("<option value=.*?>(.*?)</option>", html)

    turns = ["1 of three_in_one_message", "1 of one_question", "2 of one_question"]
    assert options == turns * 2
    for number, drawn in enumerate(unpacked(page), start=1):
        for style, part in zip(("sequence", "waterfall"), drawn, strict=True):
            assert part.count(f'<figure class="{style}">') == len(CONSTRUCTS)
            assert set(re.findall('data-construct="(.*?)"', part)) == {*CONSTRUCTS}
            assert f"#turn-{number}" in part
            assert part.count("data-record") > 3


def _again(run: RunMetrics) -> RunMetrics:
    """Gives a conversation the same turn once more."""
    moves = [*run.moves, *(replace(move, turn=2) for move in run.moves)]
    turns = [*run.turns, replace(run.turns[0], turn=2)]
    return replace(run, moves=moves, turns=turns, spans=run.spans * 2, critical=run.critical * 2)


def test_tables_have_captions_and_headings_name_what_they_head(html):
    assert html.count("<table") == len(re.findall(r"<table[^>]*>\n<caption>\w", html)) > 5
    found = re.findall(r"<h[23][^>]*>(.*?)</h[23]>", html, re.DOTALL)
    headings = [re.sub("<.*?>", "", words) for words in found]
    assert len(headings) == len(set(headings))
    assert "one_question, turn 1" in headings


def test_every_figure_and_finding_leads_to_its_proof(comparison, html):
    """Links of cells lead to runs, those of findings to the records that prove them."""
    places = {
        (link_to(run, finding.turn, finding.records[0]), finding.text)
        for run in comparison.runs
        for finding in run.findings
    }
    findings = html.partition('id="findings"')[2].partition("</section>")[0]
    rows = [row.split("<td>") for row in findings.split("<tr ")]
    linked = {
        (link, unescape(re.sub("<.*?>", "", row[1]).strip()))
        for row in rows
        if len(row) == 4
        for link in re.findall('href="(.*?)"', row[3])
    }
    assert linked == places

    pages = {link_to(run) for run in comparison.runs}
    calls = html.partition('id="calls"')[2].partition("</section>")[0]
    assert set(re.findall('href="(flows.*?)"', calls)) == pages
    ids = set(re.findall('id="(.*?)"', html))
    anchors = set(re.findall('href="#(.*?)"', html))
    assert anchors <= ids
    assert len([name for name in anchors if name.startswith("runs-")]) == len(CONSTRUCTS)
    for table in re.findall('<table class="figures">(.*?)</table>', html, re.DOTALL):
        figures = re.findall("<td.*?</td>", table)
        assert figures and all('<a href="#runs-' in figure for figure in figures)
    advice = html.partition('class="advice"')[2].partition("</section>")[0]
    for construct, calls in re.findall(r'href="#runs-(\w+)">(\d+) LLM calls', advice):
        runs = [run for run in comparison.runs if run.construct == construct]
        assert int(calls) == sum(run.total.llm_calls or 0 for run in runs)
    unproved = re.sub("<a .*?</a>|<.*?>|all 2 conversations", "", unescape(advice))
    assert not re.search(r"\d", unproved)
    assert len(re.findall("<a ", advice)) > 5
    leaks = re.findall(r'<td class="(?:leak|received)".*?</td>', html)
    assert leaks
    assert all("record-" in cell for cell in leaks)


def _assert_inert(page: Page) -> None:
    tags = {tag for tag, _ in page.elements}
    assert [tag for tag, _ in page.elements].count("script") == 1
    assert not tags & {"img", "iframe", "object", "embed", "base", "link", "form"}
    for tag, attributes in page.elements:
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            assert name not in ("style", "src", "srcset", "action", "data"), (tag, name)
            assert name != "href" or value.startswith("#") or LINK.fullmatch(value), (tag, value)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page.words)


def test_hostile_words_are_inert(hostile):
    page = Page(hostile)

    assert page.words.count("<script>alert(1)</script>") > 100
    assert "{{7*7}}" in page.words
    _assert_inert(page)
    for part in chain(*unpacked(page)):
        assert "<script>alert" in Page(part).words
        _assert_inert(Page(f"<script></script>{part}"))


def _logs_only(run: RunMetrics) -> RunMetrics:
    return replace(run, team=[], specialists=[], failed_checks=[], checked=False)


def _failed(run: RunMetrics) -> RunMetrics:
    turns = [replace(turn, failed=True, error="quota", messages=[]) for turn in run.turns]
    return replace(run, turns=turns, total=summed(turns))


def _bare(run: RunMetrics) -> RunMetrics:
    why, nothing = "recorded with texts=none", {"sights": [], "leaks": [], "crossings": []}
    planted = {"agents": [], "canaries": ["home"], "unseen": ["home"]}
    unknown = Visibility(**planted, **nothing, unknown_reason=why)
    empty = {"moves": [], "spans": [], "critical": [], "turns": [], "total": summed([])}
    return replace(run, **empty, visibility=unknown)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (_logs_only, "Nothing was checked"),
        (_failed, "✗ the turn failed: quota"),
        (_bare, "No move was logged"),
        (_bare, "transfer: no model was called, so nothing is known"),
        (_bare, "transfer may have received more: one_question: recorded with texts=none"),
        (_bare, "Nothing is known of the canary home in one_question under transfer"),
    ],
)
def test_a_comparison_may_lack_almost_everything(runs, changed, told):
    page = Page(comparison_to_html(compare_runs([changed(runs[2])], Setting())))

    assert told in " ".join(page.words.split())
    assert "baseline" not in page.words


def test_nothing_was_run():
    html = comparison_to_html(compare_runs([], Setting()))
    assert "Cannot compare: no construct answered a conversation" in html


def test_the_recommended_construct_is_marked_in_every_table_of_figures(html, comparison):
    name = re.search(r"take (\w+)", write_recommendation(comparison)[0])[1]
    rows = [row for row in Page(html).rows if "recommended" in row[0]]

    assert len(rows) >= 3
    assert {row[0].split()[0] for row in rows} == {name}


def test_every_sight_of_specialists_has_words():
    assert set(CONTEXTS) == set(get_args(Shown))
