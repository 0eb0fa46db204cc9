"""How long secrets are looked for in a megabyte of text, with google-re2 and with plain `re`.

CPU time of the first run, in which RE2 makes the states that it needs, and the median of three
more; `python benchmarks/masking.py`.
"""

from __future__ import annotations

import importlib.util
import random
import runpy
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from string import ascii_letters, digits

from adk_flow.record import secrets

MEGABYTE = 1_000_000
AIM_PAGES, AIM_ANY = 100, 1000
PAGES = "".join(page.read_text() for page in sorted(Path("docs").glob("*.md")))


def _random(letters: str) -> str:
    return "".join(random.Random(1).choices(letters, k=MEGABYTE))


TEXTS = {
    "pages of this project": PAGES,
    "one word and an @": "a" * (MEGABYTE - 1) + "@",
    "hexadecimal": "0123456789abcdef",
    "random hexadecimal": _random("0123456789abcdef"),
    "random base64": _random(ascii_letters + digits + "+/"),
    "random base64 of URLs": _random(ascii_letters + digits + "-_"),
    "e-mail addresses only": "a@b.c ",
    "digits only": "1 2 3 4 5 ",
    "cards only": "4111 1111 1111 1111 ",
    "names of secrets only": "a_token: ",
    "names of none only": "key=",
    "names and what is no value": "key=1aa ",
    "names of services only": "lob=",
    "numbers in twos only": "5 5",
    "telephone numbers only": "07700 900123 ",
}


def milliseconds(mask: Callable[[str], str], text: str, runs: int) -> tuple[float, float]:
    """Gives the time of masking a text first, and the median of later times."""
    times = []
    for _ in range(runs + 1):
        began = time.process_time()
        mask(text)
        times.append(1000 * (time.process_time() - began))
    return times[0], statistics.median(times[1:])


def main() -> None:
    """Prints a table."""
    find_spec, importlib.util.find_spec = importlib.util.find_spec, lambda *names: None
    plain = runpy.run_path(secrets.__file__)["mask_secrets"]
    importlib.util.find_spec = find_spec
    print(f"Aim: ordinary text {AIM_PAGES}, any other {AIM_ANY} ms.")
    print("| a megabyte of | google-re2, first, ms | then | plain `re`, ms |\n|---|--:|--:|--:|")
    for name, text in TEXTS.items():
        whole = (text * (MEGABYTE // len(text) + 1))[:MEGABYTE]
        figures = (*milliseconds(secrets.mask_secrets, whole, 3), milliseconds(plain, whole, 1)[1])
        print(f"| {name} | {' | '.join(f'{figure:,.0f}' for figure in figures)} |", flush=True)


if __name__ == "__main__":
    main()
