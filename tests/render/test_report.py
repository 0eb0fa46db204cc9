"""The report of real comparisons: parsed, opened in a browser, and fed with hostile words."""

import asyncio
import os
import re
import shutil
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from msgspec.structs import replace

from adk_flow.analysis.latency import PROFILES
from adk_flow.analysis.metrics import summed
from adk_flow.analysis.run_metrics import RunMetrics, Shown, measure_run
from adk_flow.analysis.visibility import Visibility
from adk_flow.comparison.aggregate import Comparison, Setting, compare_runs
from adk_flow.comparison.recommend import write_recommendation
from adk_flow.log.reader import read_log
from adk_flow.render.comparison_html import comparison_to_html
from adk_flow.render.comparison_tables import CONTEXTS
from adk_flow.run.conversation_run import run_conversation
from adk_flow.scenario.conversation import read_conversation
from tests.doubles.flow import expected

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium; on Debian: apt-get install chromium"
)
CONSTRUCTS = ["single_agent", "transfer", "agent_tool"]
TEAM = ["Mortgage_Agent", "Investment_Agent", "Pension_Agent"]
PACED = Setting(app="root_agent", baseline="single_agent", pace="gemini-2.5-flash")
SMALLEST_TEXT = """Math.min(...[...document.querySelectorAll(".pictures svg text")]
    .filter((text) => text.checkVisibility())
    .map((text) => parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a))"""
"""Pixels that the smallest text of a drawing has on screen."""
HOSTILE = (
    "<script>alert(1)</script>\"><img src=x onerror='alert(1)'>\x1b[31m\x07\u202e\u2066{{7*7}}"
)


class Page(HTMLParser):
    """Elements, rows of tables and words of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.shapes: list[tuple[str, dict[str, str]]] = []
        """Of drawings: the classes of its group, and what each has."""
        self._group = ""
        self.rows: list[list[str]] = []
        self.inlined = {"style": "", "script": ""}
        self.words = ""
        self._tag, self._in_cell = "", False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self._tag = tag
        if tag == "g":
            self._group = self.elements[-1][1]["class"]
        elif tag in ("path", "rect", "circle", "text"):
            self.shapes.append((self._group, self.elements[-1][1]))
        if tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            self.rows[-1].append("")
            self._in_cell = True
        elif tag == "small":
            self.rows[-1][-1] += " "

    def handle_endtag(self, tag):
        self._tag = ""
        self._in_cell = self._in_cell and tag not in ("th", "td")

    def handle_data(self, data):
        if self._tag in self.inlined:
            self.inlined[self._tag] += data
            return
        self.words += data
        if self._in_cell:
            self.rows[-1][-1] += data

    def count(self, style: str) -> int:
        """Counts the shapes of a style."""
        return [group for group, _ in self.shapes].count(style)

    def row(self, first: str, width: int) -> list[str]:
        """Gives the words of a row by its first cell and its number of cells."""
        rows = [[" ".join(cell.split()) for cell in row] for row in self.rows]
        (found,) = [row for row in rows if len(row) == width and row[0].split()[0] == first]
        return found


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> list[RunMetrics]:
    """Holds two conversations under three constructs, with the offline model."""
    os.environ["MODEL_NAME"] = "offline"
    from constructs.desk import desk

    folder = tmp_path_factory.mktemp("logs")
    measured = []
    for construct in CONSTRUCTS:
        for name in ("one_question", "three_in_one_message"):
            asked = read_conversation(ROOT / "conversations" / f"{name}.yaml")
            file = folder / f"{construct}-{name}.jsonl"
            held = asyncio.run(run_conversation(desk(construct), asked, file=file))
            measured.append(
                measure_run(
                    read_log(file),
                    construct=construct,
                    conversation=name,
                    asked=asked,
                    failed_checks=held.failed_checks,
                    team=TEAM,
                    pace=PROFILES["gemini-2.5-flash"],
                )
            )
    return measured


@pytest.fixture(scope="module")
def comparison(runs) -> Comparison:
    return compare_runs(runs, PACED)


@pytest.fixture(scope="module")
def html(comparison) -> str:
    return comparison_to_html(comparison)


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
            figure = html.partition(f'data-waterfall="{run.construct}"')[2]
            page = Page(figure.partition("</figure>")[0])
            bars = {int(at["data-span"]): style for style, at in page.shapes if "data-span" in at}
            marked = [number for number, style in bars.items() if "critical" in style]
            assert len(bars) == len(run.spans[0])
            assert sorted(marked) == sorted(run.critical[0])


def test_a_diagram_shows_transfers_calls_and_words_in_styles_of_their_own(html):
    parts = html.partition('class="pictures"')[2].split("</figure>")[:3]
    figures = dict(zip(CONSTRUCTS, map(Page, parts), strict=True))

    transfers = {name: page.count("control handover") for name, page in figures.items()}
    assert transfers == {"single_agent": 0, "transfer": 3, "agent_tool": 0}
    assert figures["agent_tool"].count("band") == 1
    assert figures["agent_tool"].count("talk") == 2 + 2 * 3
    assert figures["agent_tool"].count("model-call") == 8


def test_what_failed_is_drawn_as_such(runs):
    run = runs[-1]
    moves = [replace(move, failed=move.kind == "return") for move in run.moves]
    html = comparison_to_html(compare_runs([replace(run, moves=moves)], PACED))
    page = Page(html.partition('class="pictures"')[2])

    assert page.count("control broken") == sum(move.failed for move in moves) == 3


def test_repeated_findings_are_told_once_with_their_proofs(html):
    page = Page(html.partition('id="findings"')[2].partition("</section>")[0])
    hidden = [row for row in page.rows if row[0] == "agent_tool" and "not in ADK" in row[1]]

    assert [row[2] for row in hidden] == ["1", "1"]
    assert "one_question, turn 1, records" in hidden[0][3]
    assert "agent_tool-one_question.jsonl" in hidden[0][3]


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
    style, script = (
        b64encode(sha256(text.encode()).digest()).decode() for text in page.inlined.values()
    )

    assert policy.startswith(
        f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; base-uri"
    )
    assert [tag for tag, _ in page.elements if tag in page.inlined] == ["style", "script"]
    assert "@import" not in page.inlined["style"]
    assert set(re.findall(r"url\((.)", page.inlined["style"])) == {"#"}
    _assert_inert(page)


def test_a_construct_with_eight_conversations_takes_less_than_46_kilobytes(runs):
    eight = [replace(run, conversation=f"{run.conversation}_{n}") for run in runs for n in range(4)]
    html = comparison_to_html(compare_runs(eight, PACED))

    assert html.count('id="answers"') == 1
    assert len(html.encode()) < 46_000 * len(CONSTRUCTS)


def test_what_looks_the_same_under_several_constructs_is_drawn_once(runs):
    twin = [replace(run, construct="twin") for run in runs if run.construct == "transfer"]
    page = Page(comparison_to_html(compare_runs([*runs, *twin], PACED)))
    drawn = [at["data-sequence"] for _, at in page.elements if "data-sequence" in at]

    assert drawn == 2 * ["single_agent", "transfer twin", "agent_tool"]


def _assert_inert(page: Page) -> None:
    tags = {tag for tag, _ in page.elements}
    assert [tag for tag, _ in page.elements].count("script") == 1
    assert not tags & {"img", "iframe", "object", "embed", "base", "link", "form"}
    for tag, attributes in page.elements:
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            assert name not in ("style", "src", "srcset", "action", "data"), (tag, name)
            assert name not in ("href", "xlink:href") or value.startswith("#"), (tag, value)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page.words)


@pytest.fixture(scope="module")
def hostile(comparison) -> str:
    """A page in which every word that may come from outside holds markup and control characters."""
    data = _poisoned(msgspec.to_builtins(comparison))
    return comparison_to_html(msgspec.convert(data, Comparison))


_OWN = {"kind", "axis", "shown", "level", "figure", "via", "finding_kinds"}
"""Fields whose words are ours."""
_BY_NAME = {"agents", "after_turns", "values", "skipped"}
"""Fields that are dictionaries by name."""


def _poisoned(data, field=""):
    if isinstance(data, dict):
        if field in _BY_NAME:
            return {key + HOSTILE: _poisoned(value) for key, value in data.items()}
        return {key: v if key in _OWN else _poisoned(v, key) for key, v in data.items()}
    if isinstance(data, list | tuple):
        return [_poisoned(value) for value in data]
    return data + HOSTILE if isinstance(data, str) else data


def test_hostile_words_are_inert(hostile):
    page = Page(hostile)

    assert page.words.count("<script>alert(1)</script>") > 100
    assert "{{7*7}}" in page.words
    _assert_inert(page)


def _logs_only(run: RunMetrics) -> RunMetrics:
    return replace(run, team=[], specialists=[], failed_checks=[], checked=False)


def _failed(run: RunMetrics) -> RunMetrics:
    turns = [replace(turn, failed=True, error="quota", messages=[]) for turn in run.turns]
    return replace(run, turns=turns, total=summed(turns))


def _bare(run: RunMetrics) -> RunMetrics:
    unknown = Visibility(
        agents=[],
        canaries=["home"],
        unseen=["home"],
        sights=[],
        leaks=[],
        crossings=[],
        unknown_reason="recorded with texts=none",
    )
    return replace(run, moves=[], spans=[], critical=[], turns=[], total=summed([]),
                   visibility=unknown)  # fmt: skip


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
    assert "Cannot compare: no construct answered a conversation" in comparison_to_html(
        compare_runs([], Setting())
    )


@pytest.mark.browser
@needs_chromium
@pytest.mark.parametrize("page", ["html", "hostile"])
def test_a_browser_shows_the_page_without_complaint(page, request, tmp_path):
    from playwright.sync_api import sync_playwright

    file = tmp_path / "report.html"
    file.write_text(request.getfixturevalue(page), encoding="utf-8")
    said: list[str] = []
    asked_for: set[str] = set()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        for width in (1200, 400):
            tab = browser.new_page(viewport={"width": width, "height": 800})
            tab.on("console", lambda message: said.append(message.text))
            tab.on("pageerror", lambda error: said.append(str(error)))
            tab.on("dialog", lambda dialog: said.append(dialog.message))
            tab.on("request", lambda request: asked_for.add(request.url))
            tab.goto(file.as_uri())
            assert tab.evaluate("document.scrollingElement.scrollWidth") <= width
            assert tab.evaluate("getComputedStyle(document.body).fontSize") == "16px"
            assert tab.evaluate(SMALLEST_TEXT) >= 12
        browser.close()

    assert said == []
    assert asked_for == {file.as_uri()}


@pytest.mark.browser
@needs_chromium
def test_tables_sort_and_constructs_can_be_ticked_away_by_keyboard(html, comparison, tmp_path):
    from playwright.sync_api import expect, sync_playwright

    file = tmp_path / "report.html"
    file.write_text(html, encoding="utf-8")
    calls = {figures.construct: figures.llm_calls for figures in comparison.constructs}
    said: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        tab = browser.new_page()
        tab.on("console", lambda message: said.append(message.text))
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.goto(file.as_uri())
        table = tab.locator(".figures").first
        header = table.get_by_role("columnheader", name="LLM calls", exact=True)
        for order, is_down in (("ascending", False), ("descending", True)):
            header.get_by_role("button").press("Enter")
            expect(header).to_have_attribute("aria-sort", order)
            names = table.locator("tbody .name").all_text_contents()
            assert names == sorted(calls, key=calls.__getitem__, reverse=is_down)
        names = tab.locator("tbody th:visible, figcaption:visible")
        tick = tab.get_by_role("checkbox", name="agent_tool")
        before = names.filter(has_text="agent_tool").count()
        tick.press("Space")
        expect(names.filter(has_text="agent_tool")).to_have_count(0)
        expect(names.filter(has_text="transfer")).not_to_have_count(0)
        tick.press("Space")
        expect(names.filter(has_text="agent_tool")).to_have_count(before)
        assert before > 5
        browser.close()

    assert said == []


def test_the_recommended_construct_is_marked_in_every_table_of_figures(html, comparison):
    name = re.search(r"take (\w+)", write_recommendation(comparison)[0])[1]
    rows = [row for row in Page(html).rows if "recommended" in row[0]]

    assert len(rows) >= 3
    assert {row[0].split()[0] for row in rows} == {name}


def test_every_sight_of_specialists_has_words():
    assert set(CONTEXTS) == set(get_args(Shown))
