"""Makes the documentation's pictures, of real runs of the desk in headless Chromium.

    python docs/screenshots.py [FOLDER]

The desk is asked four questions in `adk web`, without a key, with the page of flows in another
tab; then it is compared under some constructs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
IMAGES = Path(sys.argv[1]) if sys.argv[1:] else ROOT / "docs" / "images"
QUESTIONS = (
    "How much would £10,000 of savings grow to at 5% a year over 10 years?",
    "And how much tax relief would I get on £5,000 paid into my pension if I earn £60,000 a year?",
    "What would a £250,000 mortgage at 4.5% over 25 years cost a month?",
    "Back to investing, what is the difference between a fund and a share?",
)
CONSTRUCTS = "single_agent,transfer,agent_tool,coordinator,parallel"
COMMAND = (sys.executable, "-m", "adk_flow")
KEYLESS = {**os.environ, "MODEL_NAME": "offline", "PYTHONPATH": f"{ROOT / 'src'}"}


def main() -> None:
    """Makes all of them."""
    IMAGES.mkdir(exist_ok=True)
    expect.set_options(timeout=120_000)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        picture_flows(browser, Path(folder) / "logs")
        picture_report(browser, Path(folder) / "comparison")
        browser.close()
    for file in sorted(IMAGES.glob("*.png")):
        print(f"{file.name}: {file.stat().st_size / 1000:.0f} kB")


def picture_flows(browser: Browser, logs: Path) -> None:
    """Pictures `adk web` beside `watch`, and a flow's page where a call is selected."""
    with served(logs) as (flows, web):
        page = opened(browser, flows)
        chat = opened(browser, f"{web}/dev-ui/?app=root_agent")
        chat.get_by_text("No Thanks").click()
        # Its icons are letters of a font that comes from elsewhere.
        chat.add_style_tag(content="mat-icon { visibility: hidden }")
        for number, question in enumerate(QUESTIONS, start=1):
            box = chat.locator("textarea").first
            box.fill(question)
            box.press("Enter")
            turn = page.locator(f"#turn-{number}")
            expect(turn.locator(".said").nth(1)).to_be_visible()
            expect(turn.locator(".working")).to_have_count(0)
        expect(chat.get_by_text("fund pools").first).to_be_visible()
        page.locator("#turn-3 .sequence a[aria-label^='Mortgage_Agent:']").first.click()
        expect(page.locator("#panel")).to_contain_text("What it was sent")
        page.evaluate("document.querySelector('#turn-3').scrollIntoView()")
        save(page, "page")
        side_by_side(browser, [chat.screenshot(), page.screenshot()], "watch")


def picture_report(browser: Browser, folder: Path) -> None:
    """Pictures a comparison's verdict, and two constructs side by side."""
    words = ("--conversation", "conversations", "--baseline", "single_agent", "--out", str(folder))
    compare = (*COMMAND, "compare", "root_agent", "--constructs", CONSTRUCTS, *words)
    subprocess.run(compare, check=True, cwd=ROOT, env=KEYLESS, capture_output=True)
    page = opened(browser, (folder / "report.html").as_uri())
    save(page, "report")
    page.locator("figcaption").get_by_role("button", name="parallel").first.click()
    page.get_by_label("Construct on the right").select_option("transfer")
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    save(page, "pair")


@contextmanager
def served(logs: Path) -> Iterator[tuple[str, str]]:
    """Runs `watch --with adk web`; gives both addresses."""
    adk = Path(sys.executable).parent / "adk"
    memory = ("--session_service_uri", "memory://", "--artifact_service_uri", "memory://")
    web = (adk, "web", "--host", "127.0.0.1", "--port", "0", *memory, ".")
    command = [*COMMAND, "watch", logs, "--with", *web]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    home = KEYLESS | {"HOME": str(logs.parent)}  # where `adk web` remembers its questions
    with subprocess.Popen([*map(str, command)], cwd=ROOT, env=home, **pipes) as process:
        assert process.stdout
        flows = next(line.split()[-1] for line in process.stdout if "Flows:" in line)
        ready = next(line for line in process.stdout if "Uvicorn running on" in line)
        Thread(target=process.stdout.read, daemon=True).start()  # or the pipe fills
        try:
            yield flows, ready.partition(" on ")[2].split()[0]
        finally:
            process.terminate()


def opened(browser: Browser, address: str) -> Page:
    """Opens a tab of one size."""
    page = browser.new_page(viewport={"width": 1180, "height": 760})
    page.goto(address)
    return page


def side_by_side(browser: Browser, pictures: list[bytes], name: str) -> None:
    """Puts pictures beside each other."""
    page = browser.new_page(viewport={"width": 1340, "height": 442})
    shown = (f'<img src="data:image/png;base64,{b64encode(png).decode()}">' for png in pictures)
    style = "body{margin:0;display:flex;gap:10px;padding:10px;background:#8a94a3}img{width:655px}"
    page.set_content(f"<style>{style}</style>{''.join(shown)}")
    save(page, name)


def save(page: Page, name: str) -> None:
    """Writes what a tab shows."""
    page.screenshot(path=IMAGES / f"{name}.png")


if __name__ == "__main__":
    main()
