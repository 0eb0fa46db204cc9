"""How long secrets are looked for in a megabyte of text, with google-re2 and with plain `re`.

CPU time, the median of five runs; `python benchmarks/masking.py`.
"""

from __future__ import annotations

import importlib.util
import runpy
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from adk_flow.record import secrets

MEGABYTE = 1_000_000
PAGES = "".join(page.read_text() for page in sorted(Path("docs").glob("*.md")))
TEXTS = {
    "pages of this project": PAGES,
    "one word and an @": "a" * (MEGABYTE - 1) + "@",
    "hexadecimal": "0123456789abcdef",
    "e-mail addresses only": "a@b.c ",
    "digits only": "1 2 3 4 5 ",
    "cards only": "4111 1111 1111 1111 ",
    "names of secrets only": "a_token: ",
}


def milliseconds(mask: Callable[[str], str], text: str) -> float:
    """Gives the median time of masking a text."""
    times = []
    for _ in range(5):
        began = time.process_time()
        mask(text)
        times.append(time.process_time() - began)
    return 1000 * statistics.median(times)


def main() -> None:
    """Prints a table."""
    find_spec, importlib.util.find_spec = importlib.util.find_spec, lambda *names: None
    plain = runpy.run_path(secrets.__file__)["mask_secrets"]
    importlib.util.find_spec = find_spec
    print("| a megabyte of | google-re2, ms | plain `re`, ms |\n|---|--:|--:|")
    for name, text in TEXTS.items():
        whole = (text * (MEGABYTE // len(text) + 1))[:MEGABYTE]
        figures = (milliseconds(mask, whole) for mask in (secrets.mask_secrets, plain))
        print(f"| {name} | {' | '.join(f'{figure:,.0f}' for figure in figures)} |", flush=True)


if __name__ == "__main__":
    main()
