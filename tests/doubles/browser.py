"""Chromium, and tabs of it that must not have complained of anything when they are closed."""

import asyncio
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_NONE = "no Chromium; on Debian: apt-get install chromium"
SMALLEST_TEXT = """Math.min(...[...document.querySelectorAll("figure svg text")]
    .filter((text) => text.checkVisibility())
    .map((text) => parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a))"""
"""Pixels that the smallest text of a drawing has on screen."""
MILLISECONDS = 60_000
"""What a state is waited for at most, on a machine that does much else."""
needs_chromium = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason=_NONE)]


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=MILLISECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def tab(browser, **options):
    """Opens a tab, which must not have complained of anything when it is closed."""
    complaints: list[str] = []
    page = browser.new_page(**options)
    page.set_default_timeout(MILLISECONDS)
    for event in ("console", "pageerror", "dialog"):
        page.on(event, lambda said: complaints.append(str(said)))
    yield page
    page.close()
    assert complaints == []


def recorded(conversation):
    """Runs a coroutine in a thread, as the browser's driver has a loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, conversation).result()


def barriers(page):
    """What axe-core finds of serious or critical barriers on a page."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    found = axe.run(page).response["violations"]
    return [
        f"{each['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]
