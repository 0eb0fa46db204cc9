"""The report in a real browser: worked with by keyboard, beside one another, narrow, printed."""

import re
from contextlib import contextmanager

import pytest
from msgspec.structs import replace

from adk_flow.analysis.critical_path import Span
from adk_flow.comparison.aggregate import compare_runs
from adk_flow.render.comparison_html import comparison_to_html
from adk_flow.render.report_links import link_to
from adk_flow.render.sequence import draw_sequence
from adk_flow.render.templates import environment, inline
from adk_flow.render.waterfall_svg import draw_waterfall
from tests.doubles.browser import SMALLEST_TEXT, barriers, needs_chromium, tab
from tests.render.reports import CONSTRUCTS, PACED

pytestmark = needs_chromium


@contextmanager
def opened(browser, html, folder, **options):
    """Opens a report, which asks for nothing but itself."""
    file = folder / "report.html"
    file.write_text(html, encoding="utf-8")
    asked_for: set[str] = set()
    with tab(browser, **options) as page:
        page.on("request", lambda request: asked_for.add(request.url))
        page.goto(file.as_uri())
        yield page
    assert asked_for == {file.as_uri()}


@pytest.mark.parametrize("kind", ["html", "hostile"])
@pytest.mark.parametrize("width", [1200, 400])
def test_a_browser_shows_the_page_without_complaint(browser, kind, width, request, tmp_path):
    from playwright.sync_api import expect

    html = request.getfixturevalue(kind)
    with opened(browser, html, tmp_path, viewport={"width": width, "height": 800}) as page:
        assert page.evaluate("document.scrollingElement.scrollWidth") <= width
        assert page.evaluate("getComputedStyle(document.body).fontSize") == "16px"
        assert page.evaluate(SMALLEST_TEXT) >= 12
        choice, title = page.locator("#sequences select.turns"), page.locator(".which").first
        choice.select_option("1")
        # The drawings of another turn are unpacked first.
        words = choice.evaluate("each => each.selectedOptions[0].textContent")
        expect(title).to_have_text(words)
        page.locator("figcaption button").first.click()
        assert page.evaluate("document.scrollingElement.scrollWidth") <= width
        assert page.evaluate(SMALLEST_TEXT) >= 12
        expect(page.locator("img, #sequences script")).to_have_count(0)


LONG_NAMES = [
    "Investment_Agent",
    "ask_Pension_Agent",
    "WWWWWWWWWW_MMMMMMMMMM",
    "CustomerCommunicationManager",
    "CUSTOMER_RELATIONS",
    "図書館目録担当エージェント部門",
    "وكيل_المكتبة_العربية",
    "_______________",
    "illicit_liliii",
]
OUTSIDE = """() => [...document.querySelectorAll("svg text")].flatMap((text) => {
    const {left, right} = text.getBoundingClientRect(), lane = 66 * 1.42;
    const svg = text.closest("svg").getBoundingClientRect();
    const room = text.closest(".lane") ? lane + 1 : svg.width;
    return right - left > room || left < svg.left || right > svg.right + 1
        ? [`${text.textContent}: ${right - left} of ${room}`] : [];
})"""
"""Names that reach into another agent's lane, or out of the drawing."""


@pytest.mark.parametrize("drawing", ["lanes", "rows"])
def test_a_name_of_any_script_stays_in_its_lane_and_drawing(browser, drawing):
    call = {"kind": "model", "name": "m", "record": 0, "began": 0, "start": 0}
    spans = [Span(agent=name, **call) for name in LONG_NAMES]
    drawings = {
        "lanes": draw_sequence([], [], LONG_NAMES, ""),
        "rows": draw_waterfall(spans, [], began=None, whole=9, about=""),
    }
    alone = '{% from "drawing.html.j2" import alone %}{{ alone(drawing, style) }}'
    given = {"drawing": drawings[drawing], "style": inline("shared.css").text}
    with tab(browser) as page:
        page.set_content(environment().from_string(alone).render(given))
        assert page.locator("svg text").count() >= len(LONG_NAMES)
        assert page.evaluate(OUTSIDE) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_of_it_bars_anybody(browser, html, scheme, tmp_path):
    with opened(browser, html, tmp_path, color_scheme=scheme) as page:
        page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
        assert barriers(page) == []
        page.locator("figcaption button").first.click()
        assert barriers(page) == []


def test_tables_sort_and_constructs_can_be_ticked_away_by_keyboard(
    browser, html, comparison, tmp_path
):
    from playwright.sync_api import expect

    calls = {figures.construct: figures.llm_calls for figures in comparison.constructs}
    with opened(browser, html, tmp_path) as page:
        table = page.locator(".figures").first
        header = table.get_by_role("columnheader", name="LLM calls", exact=True)
        for order, is_down in (("ascending", False), ("descending", True)):
            header.get_by_role("button").press("Enter")
            expect(header).to_have_attribute("aria-sort", order)
            names = table.locator("tbody .name").all_text_contents()
            assert names == sorted(calls, key=calls.__getitem__, reverse=is_down)
        names = page.locator("tbody th:visible, figcaption:visible")
        tick = page.get_by_role("checkbox", name="agent_tool")
        before = names.filter(has_text="agent_tool").count()
        tick.press("Space")
        expect(names.filter(has_text="agent_tool")).to_have_count(0)
        expect(names.filter(has_text="transfer")).not_to_have_count(0)
        tick.press("Space")
        expect(names.filter(has_text="agent_tool")).to_have_count(before)
        assert before > 5


def test_a_construct_opens_beside_another_and_both_are_walked_through_by_keyboard(
    browser, html, comparison, tmp_path
):
    from playwright.sync_api import expect

    with opened(browser, html, tmp_path) as page:
        page.locator("#sequences select.turns").select_option("1 of one_question")
        expect(page.locator(".which").first).to_have_text("1 of one_question")
        page.get_by_role("button", name="transfer").first.press("Enter")
        left, right = (page.locator("#pair .sides > section").nth(side) for side in (0, 1))
        expect(left.locator("select")).to_have_value("transfer")
        expect(right.locator("select")).to_have_value("agent_tool")  # the recommended one
        for side, name in ((left, "transfer"), (right, "agent_tool")):
            runs = comparison.runs_of(name)
            (run,) = (run for run in runs if run.conversation == "one_question")
            moves = [move for move in run.moves if move.is_control]
            expect(side.locator("figure.sequence .control path")).to_have_count(len(moves))
            expect(side.locator("figure.waterfall rect")).to_have_count(len(run.spans[0]))
            expect(side.locator(".proof")).to_have_attribute("href", link_to(run, 1))
        drawings = page.locator("#pair .sides figure svg")
        scales = drawings.evaluate_all("each => each.map(e => e.getScreenCTM().a)")
        assert len({round(scale, 2) for scale in scales}) == 1
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        expect(page.locator("#step")).to_contain_text("step 2 of")
        for side in (left, right):
            expect(side.locator(".future").first).to_be_attached()
            expect(side.locator(".current").first).to_be_attached()
            expect(side.locator(".step")).not_to_be_empty()
            assert re.search(r"#turn-1/record-\d+$", side.locator(".proof").get_attribute("href"))
        page.keyboard.press("Escape")
        expect(page.locator("#pair")).not_to_be_visible()


def test_it_prints_on_four_pages(browser, runs, tmp_path):
    """As many constructs and conversations as a comparison of the desk has."""
    names = [f"{construct}_{number}" for construct in CONSTRUCTS for number in range(7)][:19]
    many = [
        replace(run, construct=name, conversation=f"{run.conversation}_{number}")
        for name in names
        for run in runs
        if name.startswith(f"{run.construct}_")
        for number in range(4)
    ]
    html = comparison_to_html(compare_runs(many, replace(PACED, baseline=names[0])))
    with opened(browser, html, tmp_path) as page:
        pdf = page.pdf(prefer_css_page_size=True)
        assert len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 4
        page.emulate_media(media="print")
        shown = [heading for heading in page.locator("h2").all() if heading.is_visible()]
        words = {heading.text_content() for heading in shown}
        assert {"Recommendation", "Control and conversation"} <= words
        assert "Answers" not in words
        assert len([figure for figure in page.locator("figure").all() if figure.is_visible()]) > 19
