"""Questions to the desk with figures worked out by hand, by formulas of their own.

No formula here is the tools': bands are summed rate by rate, savings grown month by month, loans
paid down month by month. A line of `questions.txt` is a turn, `=>` its right figure (`~>` if it
does not state every input in figures), indented if it follows the one above in a conversation; a
turn without a figure must be asked back, refused or looked up. `#` names a set.
"""

import re
from pathlib import Path
from typing import NamedTuple

QUESTIONS = Path(__file__).with_name("questions.txt")


class Asked(NamedTuple):
    """One turn, with the figure that is right."""

    say: str
    figure: str
    """Empty where no figure of the desk's is right."""
    is_whole: bool
    """It states every input in figures, itself or with the turns before it."""


def pounds(amount: float) -> str:
    """Writes a sum as people do: £20,000 or £1,389.58."""
    return f"£{amount:,.2f}".removesuffix(".00")


def payment(loan: float, percent: float, years: int) -> float:
    """Finds the payment that brings a loan to nothing, by halving the range it can be in."""
    low, high = 0.0, float(loan)
    for _ in range(100):
        middle, left = (low + high) / 2, float(loan)
        for _ in range(12 * years):
            left += left * percent / 1200 - middle
        low, high = (middle, high) if left > 0 else (low, middle)
    return high


def monthly(loan: float, percent: float, years: int) -> str:
    """Writes a mortgage's payment."""
    return pounds(payment(loan, percent, years))


def interest(loan: float, percent: float, years: int) -> str:
    """Writes what is paid beyond the loan."""
    return pounds(payment(loan, percent, years) * 12 * years - loan)


def grown(lump: float, a_month: float, percent: float, years: int) -> str:
    """Grows savings month by month, each month's payment at its end."""
    held = float(lump)
    for _ in range(12 * years):
        held = held * (1 + percent / 100) ** (1 / 12) + a_month
    return pounds(held)


def duty(price: float, more: float = 0) -> str:
    """Charges 2% from £125,000, 5% from £250,000, 10% from £925,000, 12% from £1.5m, and more."""
    steps = ((125_000, 2), (250_000, 3), (925_000, 5), (1_500_000, 2))
    percents = sum(max(0, price - start) * rate for start, rate in steps)
    return pounds((percents + price * more) / 100)


def first_time_duty(price: float) -> str:
    """Charges 5% above £300,000, on homes of up to £500,000."""
    return pounds(max(0, price - 300_000) * 5 / 100) if price <= 500_000 else duty(price)


def read_talks() -> dict[str, list[list[Asked]]]:
    """Reads the conversations of each set."""
    sets: dict[str, list[list[Asked]]] = {}
    talks: list[list[Asked]] = []
    for line in QUESTIONS.read_text("utf-8").splitlines():
        say, arrow, formula = re.fullmatch(r"\s*(.*?)(?: ([=~]>) (.*))?", line).groups("")
        if line.startswith("# "):
            talks = sets.setdefault(line[2:], [])
        elif line:
            figure = eval(formula) if formula else ""
            talks += [] if line.startswith(" ") else [[]]
            talks[-1].append(Asked(say, figure, arrow == "=>"))
    return sets
