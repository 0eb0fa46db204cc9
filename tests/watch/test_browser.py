"""The page in a real browser: beside a flow under way, walked through, fed hostile words."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import httpx
import pytest
from google.adk.tools.agent_tool import AgentTool

from adk_flow.models.scripted import Scripted, call
from tests.doubles.browser import SMALLEST_TEXT, barriers, needs_chromium, recorded, tab
from tests.doubles.desk import ROOT
from tests.doubles.flow import agent, record
from tests.doubles.served import Chat, adk_server
from tests.watch.logs import record_desk

pytestmark = needs_chromium
HOSTILE = "<img src=x onerror='alert(1)'><script>alert(2)</script>\x1b[31m\u202e{{7*7}}"


@contextmanager
def watching(*words: object) -> Iterator[str]:
    """Runs `adk-flow watch` in a process of its own; gives the address that it prints."""
    command = [sys.executable, "-m", "adk_flow", "watch", *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = next(line for line in process.stdout if "Flows:" in line)
            yield line.split()[-1]
        finally:
            process.terminate()
            assert process.wait(timeout=60) == 128 + 15


def test_a_childs_tool_call_is_on_the_page_before_the_parents_answer(browser, tmp_path):
    from playwright.sync_api import expect

    may_end = Event()

    def slow_rate() -> str:
        """Takes as long as the test wants."""
        may_end.wait(60)
        return "5"

    model = Scripted(
        script={
            "Root": [call("Loans", request="How dear?"), "So 5%."],
            "Loans": [call("slow_rate"), "5"],
        }
    )
    loans = agent("Loans", model, tools=[slow_rate])
    root = agent("Root", model, tools=[AgentTool(loans)])
    with watching(tmp_path) as address, tab(browser) as page:
        page.goto(address)
        expect(page.get_by_text("Nothing recorded yet")).to_be_visible()
        flow = Thread(target=lambda: asyncio.run(record(root, ["How dear is it?"], tmp_path)))
        flow.start()
        try:
            expect(page.locator(".sequence a[aria-label='Loans: slow_rate']")).to_be_visible()
            expect(page.locator(".working")).to_have_text("Root → Loans")
            expect(page.locator("#rows .live")).to_be_visible()
            expect(page.locator(".said")).to_have_count(1)
        finally:
            may_end.set()
            flow.join()
        expect(page.locator(".said").nth(1)).to_contain_text("So 5%.")
        expect(page.locator("#rows .live")).to_have_count(0)


def test_the_desk_answers_four_questions_behind_adk_web_and_the_page_follows(
    browser, tmp_path, monkeypatch
):
    from playwright.sync_api import expect

    monkeypatch.setenv("MODEL_NAME", "offline")
    questions = (
        "How much would £10,000 of savings grow to at 5% a year over 10 years?",
        "What would a £250,000 mortgage at 4.5% over 25 years cost a month?",
        "How much tax relief would I get on £5,000 paid into my pension if I earn £60,000 a year?",
        "And what is the weather?",
    )
    with (
        watching(tmp_path) as address,
        adk_server("web", ROOT, tmp_path / "logs") as server,
        httpx.Client(base_url=server.address, timeout=120) as client,
        tab(browser) as page,
    ):
        page.goto(address)
        chat = Chat(client, "root_agent")
        for number, question in enumerate(questions, start=1):
            chat.say([question])
            turn = page.locator(f"#turn-{number}")
            expect(turn.locator(".said").first).to_contain_text(question)
            expect(turn.locator(".said").nth(1)).to_be_visible()
            expect(turn.locator(".working")).to_have_count(0)
        expect(page.locator("#rows li")).to_have_count(1)
        for words, count in (("mortgage_agent", 1), ("root_agent", 1), ("nobody", 0)):
            page.fill("#search", words)
            expect(page.locator("#rows li:visible")).to_have_count(count)


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return recorded(record_desk(tmp_path_factory.mktemp("logs"))).plugin.paths[0]


def written(log, folder):
    """Writes the page of one log as one file."""
    from adk_flow import read_trace
    from adk_flow.render.page import trace_to_html

    file = folder / "page.html"
    file.write_text(trace_to_html(read_trace(log)), encoding="utf-8")
    return file.as_uri()


@contextmanager
def opened(browser, log, folder, is_served):
    """Opens the page of one log as a file, or served, once its own stream has drawn it."""
    from playwright.sync_api import expect

    with watching(log) as address, tab(browser) as page:
        page.goto(address if is_served else written(log, folder))
        if is_served:
            # The first key begins another stream, which draws everything anew.
            expect(page.locator("#rows a[aria-current]")).to_be_visible()
            page.locator("#turn-1").evaluate("turn => turn.classList.add('former')")
            page.keyboard.press("Escape")
            expect(page.locator(".former")).to_have_count(0)
        yield page


@pytest.mark.parametrize("is_served", [True, False])
def test_keys_and_links_walk_through_the_records(browser, tmp_path, log, is_served):
    from playwright.sync_api import expect

    with opened(browser, log, tmp_path, is_served) as page:
        where, panel = page.locator("#where"), page.locator("#panel h2")
        page.keyboard.press("ArrowRight")
        expect(panel).to_contain_text("Record 0")
        expect(page.locator(".sequence .future").first).to_be_attached()
        for _ in range(6):
            page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowLeft")
        expect(where).to_contain_text("turn 1, record 5")
        expect(panel).to_contain_text("Record 5")
        expect(page).to_have_url(re.compile("#turn-1/record-5$"))

        page.locator("#turn-2 .sequence a", has_text="transfer").first.press("Enter")
        expect(page).to_have_url(re.compile(r"#turn-2/record-\d+$"))
        link = page.url
        expect(page.locator("#panel .move")).to_contain_text("Root transfers to Savings")

        page.goto("about:blank")
        page.goto(link)
        expect(page.locator("#panel .move")).to_contain_text("Root transfers to Savings")
        expect(page.locator("#timeline .cursor")).to_be_attached()

        page.keyboard.press("Escape")
        expect(page.locator(".future")).to_have_count(0)
        expect(page.locator("#panel")).to_contain_text("What the signs mean")
        page.select_option("#pace", "measured")
        page.locator("main").click(position={"x": 2, "y": 2})
        expect(where).to_have_text(re.compile(r"^\d+ records$"))
        total = int(where.text_content().split()[0])
        page.keyboard.press(" ")
        expect(where).to_contain_text(f"({total} of {total})")


def test_hostile_words_stay_words(browser, tmp_path):
    from playwright.sync_api import expect

    model = Scripted(script={"Root": [call("Loans", request=HOSTILE), HOSTILE], "Loans": [HOSTILE]})
    root = agent("Root", model, tools=[AgentTool(agent("Loans", model))])
    path = recorded(record(root, [HOSTILE], tmp_path)).plugin.paths[0]
    text = path.read_text().replace('"app":"app"', '"app":"<img src=x>"')
    path.write_text(text.replace('"Loans"', '"<b>Loans</b>"'))
    with watching(tmp_path) as address, tab(browser) as page:
        for place in (address, written(path, tmp_path)):
            page.goto(place)
            expect(page.locator("h1")).to_have_text("<img src=x>")
            for _ in range(int(page.locator("#where").text_content().split()[-2])):
                page.keyboard.press("ArrowRight")
            expect(page.locator("#panel h2").first).to_contain_text("after_run")
            expect(page.locator("img, b, body script:not(:last-child)")).to_have_count(0)


@pytest.mark.parametrize("is_served", [True, False])
def test_the_page_fits_its_window_and_bars_nobody(browser, tmp_path, log, is_served):
    from playwright.sync_api import expect

    with opened(browser, log, tmp_path, is_served) as page:
        for width in (1400, 900, 400):
            page.set_viewport_size({"width": width, "height": 800})
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                page.keyboard.press("Escape")
                expect(page.locator(".future")).to_have_count(0)
                assert page.evaluate("document.scrollingElement.scrollWidth") <= width
                assert page.evaluate(SMALLEST_TEXT) >= 12
                assert barriers(page) == []
                for _ in range(4):
                    page.keyboard.press("ArrowRight")
                expect(page.locator("#panel")).to_contain_text("Model call of Root")
                assert barriers(page) == []
