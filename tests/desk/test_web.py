"""The desk behind `adk web` and `adk api_server`, through its API and in a real browser."""

import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from adk_flow.analysis.moves import moves
from adk_flow.log.reader import read_log
from tests.doubles.flow import expected, picture

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUESTION = (
    "How much tax relief would I get on £5,000 paid into my pension if I earn £60,000 a year?"
)
DEADLINE = 120


@contextmanager
def served(command, folder):
    """Runs an ADK server of the whole repository until it answers; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    adk = Path(sys.executable).with_name("adk")
    storage = ["--session_service_uri", "memory://", "--artifact_service_uri", "memory://"]
    # A home of its own: `adk web` remembers there that its telemetry dialogue was answered.
    own = {"MODEL_NAME": "offline", "ADK_FLOW_DIR": str(folder), "HOME": str(folder)}
    with (folder / "server.log").open("w") as output:
        process = subprocess.Popen(
            [adk, command, "--host", "127.0.0.1", "--port", str(port), *storage, "."],
            cwd=ROOT,
            env={**os.environ, **own},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield _when_ready(f"http://127.0.0.1:{port}", process, folder)
        finally:
            process.terminate()
            process.wait()


def _when_ready(address, process, folder):
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        assert process.poll() is None, (folder / "server.log").read_text()
        try:
            httpx.get(f"{address}/list-apps")
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return address
    raise AssertionError((folder / "server.log").read_text())


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    folder = tmp_path_factory.mktemp("web")
    with served("web", folder) as address:
        yield address, folder


def test_the_api_runs_the_desk_and_writes_the_same_log(web):
    address, folder = web
    session = httpx.post(f"{address}/apps/root_agent/users/u/sessions", json={}).json()["id"]
    message = {"role": "user", "parts": [{"text": QUESTION}]}
    body = {"appName": "root_agent", "userId": "u", "sessionId": session, "newMessage": message}

    events = httpx.post(f"{address}/run", json=body, timeout=60).json()

    transfers = [event["actions"].get("transferToAgent") for event in events]
    assert "Pension_Agent" in transfers
    assert "£1,000 of tax relief" in events[-1]["content"]["parts"][0]["text"]
    (path,) = folder.glob(f"root_agent/{session}-*.jsonl")
    control = [move for move in moves(read_log(path).records) if move.is_control]
    assert picture(control) == expected("""
        start user to Root_Agent
        Root_Agent => Pension_Agent
        end Pension_Agent to user
    """)


@pytest.mark.parametrize(
    ("name", "question", "answer"),
    [
        ("calculator", "Corner Shop: 4 apples at £0.50 each, plus £3 delivery.", "£5"),
        ("evening_brief", "Give me my evening brief for Berlin.", "U2"),
        ("translation", "The train to Munich leaves at 9:30.", "München"),
        ("content", "Is my money safe if a provider fails?", "FSCS"),
    ],
)
def test_every_example_is_listed_and_runs(web, name, question, answer):
    address, app = web[0], f"examples.{name}"
    assert app in httpx.get(f"{address}/list-apps").json()
    session = httpx.post(f"{address}/apps/{app}/users/u/sessions", json={}).json()["id"]
    message = {"role": "user", "parts": [{"text": question}]}
    body = {"appName": app, "userId": "u", "sessionId": session, "newMessage": message}

    events = httpx.post(f"{address}/run", json=body, timeout=60).json()

    parts = [part for event in events for part in event.get("content", {}).get("parts", [])]
    assert answer in " ".join(part.get("text", "") for part in parts)


def test_no_folder_is_listed_that_is_no_app(web, tmp_path):
    with served("api_server", tmp_path) as plain:
        for address in (web[0], plain):
            listed = httpx.get(f"{address}/list-apps").json()
            assert "root_agent" in listed
            for name in listed:
                assert (ROOT.joinpath(*name.split(".")) / "agent.py").is_file(), name


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium; on Debian: apt-get install chromium")
def test_a_person_asks_the_desk_in_a_browser(web, tmp_path):
    from playwright.sync_api import expect, sync_playwright

    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=quiet)
        page = browser.new_page()
        page.set_default_timeout(DEADLINE * 1000)
        page.goto(f"{web[0]}/dev-ui/?app=root_agent")
        page.get_by_text("No Thanks").click()
        box = page.locator("textarea").first
        box.fill(QUESTION)
        box.press("Enter")
        expect(page.get_by_text("£1,000 of tax relief")).to_be_visible()
        expect(page.get_by_text('transfer_to_agent("Pension_Agent")')).to_be_visible()
        page.screenshot(path=os.environ.get("SCREENSHOT", str(tmp_path / "desk.png")))
        browser.close()
