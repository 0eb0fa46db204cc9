"""The desk behind `adk web` and `adk api_server`, through its API and in a real browser."""

import os
import shutil

import pytest

from adk_flow.analysis.moves import moves
from adk_flow.check.snapshot import picture
from adk_flow.log.reader import read_log
from tests.doubles.desk import ANSWER, QUESTION, ROOT
from tests.doubles.flow import expected
from tests.doubles.served import Chat, serving, web_server

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    folder = tmp_path_factory.mktemp("web")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODEL_NAME", "offline")
        with serving(ROOT, folder) as client:
            yield client, folder


def test_the_api_runs_the_desk_and_writes_the_same_log(web):
    client, folder = web

    chat = Chat(client, "root_agent").say([QUESTION])

    transfers = [event["actions"].get("transferToAgent") for event in chat.events]
    assert "Pension_Agent" in transfers
    assert ANSWER in chat.events[-1]["content"]["parts"][0]["text"]
    (path,) = folder.glob(f"root_agent/{chat.session}-*.jsonl")
    control = [move for move in moves(read_log(path).records) if move.is_control]
    assert picture(control) == expected("""
        start user to Root_Agent
        Root_Agent => Pension_Agent
        end Pension_Agent to user
    """)


@pytest.mark.parametrize(
    ("name", "question", "answer"),
    [
        ("evening_brief", "Give me my evening brief for Berlin.", "U2"),
        ("translation", "The train to Munich leaves at 9:30.", "München"),
    ],
)
def test_every_example_is_listed_and_runs(web, name, question, answer):
    client, app = web[0], f"examples.{name}"
    assert app in client.get("/list-apps").json()

    assert answer in Chat(client, app).say([question]).text


@pytest.mark.parametrize("is_web", [True, False])
def test_no_folder_is_listed_that_is_no_app(is_web, tmp_path):
    with serving(ROOT, tmp_path, web=is_web) as client:
        listed = client.get("/list-apps").json()

    assert "root_agent" in listed
    for name in listed:
        assert (ROOT.joinpath(*name.split(".")) / "agent.py").is_file(), name


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium; on Debian: apt-get install chromium")
def test_a_person_asks_the_desk_in_a_browser(tmp_path, monkeypatch):
    from playwright.sync_api import expect, sync_playwright

    monkeypatch.setenv("MODEL_NAME", "offline")
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
    with sync_playwright() as playwright, web_server(ROOT, tmp_path / "logs") as address:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=quiet)
        page = browser.new_page()
        page.set_default_timeout(120_000)
        page.goto(f"{address}/dev-ui/?app=root_agent")
        page.get_by_text("No Thanks").click()
        box = page.locator("textarea").first
        box.fill(QUESTION)
        box.press("Enter")
        expect(page.get_by_text(ANSWER)).to_be_visible()
        expect(page.get_by_text('transfer_to_agent("Pension_Agent")')).to_be_visible()
        page.screenshot(path=os.environ.get("SCREENSHOT", str(tmp_path / "desk.png")))
        browser.close()
