"""Reads a sum that is written out, in signs or in words: "12 × 7", "divide 10 by 4"."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from adk_flow.models.offline.numerals import amount, numerals, single_currency

ADD, SUBTRACT, MULTIPLY, DIVIDE = "add", "subtract", "multiply", "divide"
POWER, ROOT = "power", "root"
SIGNS = {ADD: "+", SUBTRACT: "−", MULTIPLY: "×", DIVIDE: "÷", POWER: "^"}


class Sum(NamedTuple):
    """An operation on numbers, or on the results of other operations."""

    operation: str
    operands: tuple["Term", ...]


Term: TypeAlias = float | Sum


class Written(NamedTuple):
    """A sum as somebody wrote it."""

    sum: Sum
    currency: str


class _Unreadable(Exception):
    """Something that is no part of a sum."""


_SIGN_OF = {sign: name for name, sign in SIGNS.items()}
_PREFIX = {
    "add": ADD,
    "sum": ADD,
    "total": ADD,
    "multiply": MULTIPLY,
    "product": MULTIPLY,
    "difference": SUBTRACT,
    "divide": DIVIDE,
}
_WORDS = (
    (r"\bto the power(?: of)?\b|\braised to(?: the power(?: of)?)?\b|\*\*", "^"),
    (r"\bsquared\b", "^\ue002"),
    (r"\bcubed\b", "^\ue003"),
    (r"\b(?:the )?square root(?: of)?\b|√", "√"),
    (r"\b(?:multiplied by|times)\b|[*·]|(?<=[\d)\s])x(?=[\d(\s])", "×"),
    (r"\bdivided by\b|/", "÷"),
    (r"\bplus\b", "+"),
    (r"\bminus\b|[–-]", "−"),
)
_TAKE = re.compile(r"\b(?:subtract|take(?: away)?|deduct)\b(.+?)\bfrom\b(.+)", re.I | re.S)
_LEAD = re.compile(
    r"^\W*(?:(?:please|now|then|and|so|can you|could you|tell me|what is|what's|what are"
    r"|how much is|what do you get if you"
    r"|calculate|compute|work out|find|evaluate|solve|give me)\b[\s:,]*)+",
    re.I,
)
_TAIL = re.compile(r"(?:\s+(?:together|altogether|up|please|equals?|is what))*[\s=?.!]*$", re.I)
_NUMBER, _BASE = "[\ue100-\uefff\ue002\ue003]", 0xE100
_LISTED = re.compile(
    rf"(?:the )?(?P<verb>{'|'.join(_PREFIX)})(?: up)?(?: of| between)?\s*:?\s*(?P<first>{_NUMBER})"
    rf"(?P<rest>(?:\s*(?:,|,?\s*and|,?\s*by|,?\s*with|,?\s*to)\s*{_NUMBER})+)$",
    re.I,
)
_PRIVATE = re.compile("[\ue000-\uf8ff]")


@lru_cache(maxsize=512)
def written_sum(text: str) -> Written | None:
    """Reads a text that is one sum and nothing else; None for any other."""
    text = _TAIL.sub("", _LEAD.sub("", _PRIVATE.sub("", text)))
    text = _TAKE.sub(r"(\2) − (\1)", text)
    found = numerals(text)
    currency = single_currency(found)
    if not found or currency is None or any(one.currency == "%" for one in found):
        return None
    masked = text
    for number, numeral in reversed(list(enumerate(found))):
        masked = f"{masked[: numeral.start]}{chr(_BASE + number)}{masked[numeral.end :]}"
    values = {chr(_BASE + number): numeral.value for number, numeral in enumerate(found)}
    values |= {"\ue002": 2.0, "\ue003": 3.0}
    term = _listed(masked, values) or _parsed(masked, values)
    return Written(term, currency) if isinstance(term, Sum) else None


def _listed(masked: str, values: dict[str, float]) -> Sum | None:
    """Reads "add 3, 4 and 5"."""
    match = _LISTED.match(masked.strip())
    if match is None:
        return None
    operands = tuple(values[sign] for sign in re.findall(_NUMBER, match[0]))
    operation = _PREFIX[match["verb"].lower()]
    is_of_two = operation in (SUBTRACT, DIVIDE)
    return None if is_of_two and len(operands) != 2 else Sum(operation, operands)


def _parsed(masked: str, values: dict[str, float]) -> Term | None:
    """Reads signs between numbers, with the usual precedence."""
    for pattern, sign in _WORDS:
        masked = re.sub(pattern, sign, masked, flags=re.I)
    try:
        reader = _Reader(re.sub(r"\s+", "", masked), values)
        term = reader.level(0)
    except (_Unreadable, RecursionError):
        return None
    return None if reader.rest else term


_LEVELS = (("+", "−"), ("×", "÷"), ("^",))
_DEEPEST = 20


class _Reader:
    """Reads signs from left to right."""

    def __init__(self, signs: str, values: dict[str, float]) -> None:
        self.rest = signs
        self.values = values
        self.depth = 0

    def level(self, number: int) -> Term:
        """Reads a term of one precedence; powers bind to the right."""
        if number == len(_LEVELS):
            return self._single()
        term = self.level(number + 1)
        while self.rest[:1] and self.rest[0] in _LEVELS[number]:
            operation = _SIGN_OF[self._next()]
            term = _joined(
                operation, term, self.level(number if operation == POWER else number + 1)
            )
        return term

    def _single(self) -> Term:
        sign = self._next()
        if sign in self.values:
            return self.values[sign]
        if sign == "−" and self.rest[:1] in self.values:
            return -self.values[self._next()]
        if sign == "√":
            return Sum(ROOT, (self._single(),))
        if sign != "(" or self.depth >= _DEEPEST:
            raise _Unreadable(sign)
        self.depth += 1
        term = self.level(0)
        if self._next() != ")":
            raise _Unreadable("no )")
        return term

    def _next(self) -> str:
        if not self.rest:
            raise _Unreadable("end")
        sign, self.rest = self.rest[0], self.rest[1:]
        return sign


def _joined(operation: str, left: Term, right: Term) -> Sum:
    """Joins terms; a chain of additions is one sum of several."""
    if operation in (ADD, MULTIPLY) and isinstance(left, Sum) and left.operation == operation:
        return Sum(operation, (*left.operands, right))
    return Sum(operation, (left, right))


def shown(term: Term, currency: str = "") -> str:
    """Writes a term in signs."""
    if not isinstance(term, Sum):
        return amount(term, currency)
    if term.operation == ROOT:
        return f"√{_inner(term.operands[0], currency)}"
    return f" {SIGNS[term.operation]} ".join(_inner(one, currency) for one in term.operands)


def _inner(term: Term, currency: str) -> str:
    told = shown(term, currency)
    return f"({told})" if isinstance(term, Sum) and term.operation != ROOT else told


def parts_of(term: Term) -> Iterator[Sum]:
    """Walks the operations of a term, those that others need first."""
    if isinstance(term, Sum):
        for one in term.operands:
            yield from parts_of(one)
        yield term
