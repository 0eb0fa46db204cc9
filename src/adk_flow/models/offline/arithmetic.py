"""Works sums out with functions that calculate, and with agents that do, never in the head.

What a function does is read off its declaration: its name, the first word of its description, and
how many numbers it takes.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from adk_flow.models.offline.numerals import numerals
from adk_flow.models.offline.sums import ADD, DIVIDE, MULTIPLY, POWER, ROOT, SUBTRACT, Sum, Term
from adk_flow.models.offline.words import readable, words
from adk_flow.models.request.functions import Function
from adk_flow.models.request.turns import Called, Returned, Step

_OPERATION_WORDS = {
    ADD: "add adds adding addition sum sums plus",
    SUBTRACT: "subtract subtracts subtraction minus",
    MULTIPLY: "multiply multiplies multiplication product times",
    DIVIDE: "divide divides division quotient",
    POWER: "power raise raises exponent",
    ROOT: "root sqrt",
}
_OPERANDS = {ADD: 2, SUBTRACT: 2, MULTIPLY: 2, DIVIDE: 2, POWER: 2, ROOT: 1}
_CALCULATING = frozenset(
    words("calculator calculators calculate calculates calculation calculations arithmetic")
)

Arguments = dict[str, Any]


class Request(NamedTuple):
    """A function call to make."""

    function: str
    arguments: Arguments


class Failed(NamedTuple):
    """What a function said in place of a number."""

    response: Any


def operations(functions: Iterable[Function]) -> dict[str, Function]:
    """Finds the functions that do arithmetic, by operation."""
    found: dict[str, Function] = {}
    for function in functions:
        if operation := _operation(function):
            found.setdefault(operation, function)
    return found


def _operation(function: Function) -> str:
    spelt = words(readable(function.name)) + words(function.description)[:1]
    named = [one for one, known in _OPERATION_WORDS.items() if set(known.split()) & set(spelt)]
    if len(named) != 1:
        return ""
    takes_all = takes_list(function) and named[0] in (ADD, MULTIPLY)
    are_numbers = all(one.is_number for one in function.parameters)
    is_of_right_size = len(function.required) == len(function.parameters) == _OPERANDS[named[0]]
    return named[0] if takes_all or (are_numbers and is_of_right_size) else ""


def takes_list(function: Function) -> bool:
    """Tells whether a function takes any number of numbers as one list."""
    if len(function.parameters) != 1 or function.parameters[0].kind != "array":
        return False
    item = function.parameters[0].schema.get("items") or {}
    return item.get("type") in ("number", "integer")


def is_calculating(name: str, description: str) -> bool:
    """Tells whether an agent says of itself that it calculates."""
    return not _CALCULATING.isdisjoint([*words(readable(name)), *words(description)])


class Calculation:
    """Sums, worked out step by step: what is known of them, and what has to be called next."""

    def __init__(self, functions: dict[str, Function], steps: Sequence[Step]) -> None:
        self.functions = functions
        self.pending: list[Request] = []
        """Calls that can be made now, each once."""
        self.failed: list[Failed] = []
        self._known = list(results(steps))

    def value(self, term: Term) -> float | None:
        """Returns what a term comes to; None if calls have to be made first, or one failed."""
        if not isinstance(term, Sum):
            return term
        values = [self.value(one) for one in term.operands]
        known = [value for value in values if value is not None]
        return self._worked(term.operation, known) if len(known) == len(values) else None

    def can(self, term: Term) -> bool:
        """Tells whether there is a function for every operation of a term."""
        if not isinstance(term, Sum):
            return True
        return term.operation in self.functions and all(map(self.can, term.operands))

    def _worked(self, operation: str, operands: list[float]) -> float | None:
        """Works out one operation; a function of two takes several in pairs, side by side."""
        function = self.functions[operation]
        if takes_list(function):
            return self._called(function, [operands])
        while len(operands) > _OPERANDS[operation]:
            pairs = [operands[at : at + 2] for at in range(0, len(operands), 2)]
            worked = [self._called(function, one) if one[1:] else one[0] for one in pairs]
            operands = [value for value in worked if value is not None]
            if len(operands) < len(worked):
                return None
        return self._called(function, operands)

    def _called(self, function: Function, operands: Sequence[Any]) -> float | None:
        """Returns what a function gave for these operands, or asks for the call."""
        names = [one.name for one in function.parameters]
        request = Request(function.name, dict(zip(names, operands, strict=True)))
        for known, response in self._known:
            if known == request:
                value = number_in(response)
                if value is None:
                    self.failed.append(Failed(response))
                return value
        if request not in self.pending:
            self.pending.append(request)
        return None


def results(steps: Sequence[Step]) -> Iterator[tuple[Request, Any]]:
    """Pairs the agent's own calls with what came back: both stand in the same order."""
    for name in dict.fromkeys(step.function for step in steps if isinstance(step, Called)):
        called = [one for one in steps if isinstance(one, Called) and one.function == name]
        gave = [one for one in steps if isinstance(one, Returned) and one.function == name]
        own = [one for one in called if not one.agent]
        back = [one for one in gave if not one.agent]
        for one, other in zip(own, back, strict=False):
            yield Request(name, one.arguments), other.response


def number_in(response: Any) -> float | None:
    """Returns the number that a function gave; None if it gave none, or an error."""
    if isinstance(response, dict):
        if response.get("error"):
            return None
        found = [one for one in map(number_in, response.values()) if one is not None]
        return found[0] if found else None
    if isinstance(response, int | float) and not isinstance(response, bool):
        return float(response)
    return None


def last_number(text: str) -> float | None:
    """Returns the number that an answer ends with: its result."""
    found = numerals(text)
    return found[-1].value if found else None
