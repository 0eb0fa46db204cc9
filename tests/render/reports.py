"""What the reports under test compare, and how pages are read."""

from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

from adk_flow.comparison.aggregate import Setting

CONSTRUCTS = ["single_agent", "transfer", "agent_tool"]
TEAM = ["Mortgage_Agent", "Investment_Agent", "Pension_Agent"]
PACED = Setting(app="root_agent", baseline="single_agent", pace="gemini-2.5-flash")
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
        self.packed = ""
        self._tag, self._in_cell = "", False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self._tag = self.elements[-1][1].get("id") if tag == "template" else tag
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
        if self._tag == "packed":
            self.packed += data
            return
        self.words += data
        if self._in_cell:
            self.rows[-1][-1] += data

    @property
    def hashes(self) -> list[str]:
        """Those of its style and script, as a policy names them."""
        digests = [sha256(text.encode()).digest() for text in self.inlined.values()]
        return [f"'sha256-{b64encode(digest).decode()}'" for digest in digests]

    def count(self, style: str) -> int:
        """Counts the shapes of a style."""
        return [group for group, _ in self.shapes].count(style)

    def row(self, first: str, width: int) -> list[str]:
        """Gives the words of a row by its first cell and its number of cells."""
        rows = [[" ".join(cell.split()) for cell in row] for row in self.rows]
        (found,) = [row for row in rows if len(row) == width and row[0].split()[0] == first]
        return found
