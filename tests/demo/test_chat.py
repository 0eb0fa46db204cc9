"""The page to chat on, in a real browser: a flow that draws itself, and its figures."""

import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys

import pytest

from tests.doubles.desk import ROOT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium; on Debian: apt-get install chromium"),
    pytest.mark.skipif(
        importlib.util.find_spec("streamlit") is None,
        reason="needs the extra demo (make streamlit)",
    ),
]

KEEP_PICTURES = """
    window.pictures = [];
    new MutationObserver(() => {
        const source = document.querySelector("img[src^='data:image/svg+xml']")?.src;
        const picture = source && new TextDecoder().decode(
            Uint8Array.from(atob(source.split(",")[1]), letter => letter.charCodeAt(0)));
        if (picture && picture !== pictures.at(-1)) pictures.push(picture);
    }).observe(document, {subtree: true, childList: true, attributes: true});
"""
"""Each picture that the page shows, in order."""


@pytest.fixture
def address(tmp_path):
    """Runs the page in a process of its own, as the Makefile does."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    recipe = (ROOT / "Makefile").read_text().partition("/streamlit run ")[2].partition("\n\n")[0]
    words = recipe.replace("\\\n", " ").replace("$(or $(PORT),8501)", str(port)).split()
    own = {"MODEL_NAME": "offline", "ADK_FLOW_DIR": str(tmp_path), "HOME": str(tmp_path)}
    command = [sys.executable, "-m", "streamlit", "run", *words]
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **own}, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield next(line.split()[-1] for line in process.stdout if "URL:" in line)
        finally:
            process.kill()


def picture(page):
    return page.locator("img[src^='data:image/svg+xml']")


def test_a_flow_draws_itself_beside_the_chat_and_parallel_is_quicker_than_one_by_one(address):
    from playwright.sync_api import expect, sync_playwright

    asked, errors = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(60_000)
        expect.set_options(timeout=60_000)
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.add_init_script(KEEP_PICTURES)
        page.goto(address)

        page.get_by_role("button", name="What would a £250,000 mortgage").click()
        expect(picture(page)).to_be_visible()
        expect(page.get_by_text("next message goes to Root_Agent")).to_be_visible()
        figures = page.get_by_text("in ADK's session").inner_text()
        answer = page.get_by_test_id("stChatMessage").nth(1)
        expect(answer).to_contain_text("£1,389.58")
        # The last to be asked is in the picture at the end, and was not while it was drawn.
        page.wait_for_function("pictures.at(-1).includes('>Pension_<')")
        assert ">Pension_<" not in page.evaluate("pictures[0]")

        page.get_by_role("button", name="Parallel against one by one").click()
        expect(page.get_by_role("table")).to_contain_text("one_by_one")
        cells = page.get_by_role("table").inner_text()

        page.get_by_role("combobox").first.click()
        page.get_by_role("option", name="pattern: translation").click()
        expect(page.get_by_text("next message goes to")).to_have_count(0)
        page.get_by_role("button", name="The train to Munich").click()
        expect(page.get_by_text("next message goes to")).to_be_visible()
        for part in ("Selector", '<g class="control', '<g class="talk'):
            page.wait_for_function("part => pictures.at(-1).includes(part)", arg=part)
        browser.close()

    assert re.match(r"8 LLM calls \(2 in ADK's session\), 3 tool calls, [\d,]+ tokens", figures)
    seconds = dict(re.findall(r"(as_is|one_by_one)\s+([\d.]+) s", cells))
    assert float(seconds["as_is"]) < float(seconds["one_by_one"])
    assert errors == []
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
