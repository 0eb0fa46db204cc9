"""What a calculator does next, and says in the end; or that a question needs a language model."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from adk_flow.models.offline.arithmetic import (
    Calculation,
    Request,
    is_calculating,
    last_number,
    operations,
    results,
)
from adk_flow.models.offline.likeness import LONGEST_READ
from adk_flow.models.offline.numerals import amount, has_number
from adk_flow.models.offline.parts import split
from adk_flow.models.offline.shopping import Bill, Store, UnclearError, read_bill
from adk_flow.models.offline.sums import ADD, MULTIPLY, Sum, Term, Written, shown, written_sum
from adk_flow.models.offline.wording import beyond, is_failure, relayed
from adk_flow.models.request.functions import Function
from adk_flow.models.request.situation import Situation
from adk_flow.models.request.turns import TRANSFER


class Step(NamedTuple):
    """What to say, or which functions to call."""

    text: str = ""
    calls: tuple[Request, ...] = ()


Problem = Bill | tuple[Written, ...]


def work(situation: Situation) -> Step | None:
    """Works out a question with figures; None if nobody here calculates, or others may know."""
    text = situation.turn.text
    own = operations(situation.tools)
    agents = [one for one in situation.agents if is_calculating(one.name, one.description)]
    below = [one for one in situation.children if is_calculating(one.name, one.description)]
    is_calculator = {ADD, MULTIPLY} <= set(own)
    if not (is_calculator or agents or below) or not has_number(text):
        return None
    try:
        problem = _problem(text)
    except UnclearError as unclear:
        others = len(situation.tools) - len(own) + len(situation.agents) - len(agents)
        others += len(situation.children) - len(below)
        return None if others else Step(beyond(str(unclear)))
    if is_calculator:
        return _by_tools(problem, own, situation)
    if agents:
        return _by_agent(problem, agents[0], situation)
    return Step(calls=(Request(TRANSFER, {"agent_name": below[0].name}),))


def _problem(text: str) -> Problem:
    """Reads a text as sums that are written out, or else as a bill.

    Raises:
      UnclearError: It is neither.
    """
    if len(text) >= LONGEST_READ:  # its middle has been left out
        raise UnclearError("all of so long a text")
    sums = [written_sum(one) for one in (text, *(part.text for part in split(text)))]
    if sums[0]:
        return (sums[0],)
    several = tuple(one for one in sums[1:] if one)
    return several if several and len(several) == len(sums) - 1 else read_bill(text)


def _by_tools(problem: Problem, own: dict[str, Function], situation: Situation) -> Step:
    """Calls, at once, whatever the results so far allow."""
    calculation = Calculation(own, situation.turn.steps)
    terms = _terms(problem)
    if not all(map(calculation.can, terms)):
        return Step(beyond("an operation for which there is no function"))
    values = [calculation.value(one) for one in terms]
    if calculation.pending:
        return Step(calls=tuple(calculation.pending))
    if calculation.failed:
        return Step("\n".join(dict.fromkeys(relayed(one.response) for one in calculation.failed)))
    known = [value for value in values if value is not None]
    is_bill = isinstance(problem, Bill)
    return Step(_told_bill(problem, calculation, known[-1]) if is_bill else _told(problem, known))


def _terms(problem: Problem) -> list[Term]:
    if isinstance(problem, Bill):
        totals = tuple(store.total for store in problem.stores)
        return [totals[0] if len(totals) == 1 else Sum(ADD, totals)]
    return [one.sum for one in problem]


def _told(sums: Sequence[Written], values: Sequence[float]) -> str:
    return "\n".join(
        f"{shown(one.sum, one.currency)} = {amount(value, one.currency)}"
        for one, value in zip(sums, values, strict=True)
    )


def _told_bill(bill: Bill, calculation: Calculation, total: float) -> str:
    """Writes what each store comes to, line by line."""
    told = [_told_store(store, calculation, bill.currency) for store in bill.stores]
    return "\n".join([*told, f"In all: {amount(total, bill.currency)}."] if told[1:] else told)


def _told_store(store: Store, calculation: Calculation, currency: str) -> str:
    lines = []
    for one in store.purchases:
        value = amount(calculation.value(one.term) or 0, currency)
        is_worked = isinstance(one.term, Sum)
        lines.append(f"{one.told(currency)} = {value}" if is_worked else one.told(currency))
    total = amount(calculation.value(store.total) or 0, currency)
    lead = f"{store.name}: " if store.name else ""
    return f"{lead}{'; '.join(lines)}; total {total}."


def _by_agent(problem: Problem, agent: Function, situation: Situation) -> Step:
    """Asks for every part of the problem at once, then for the sum of what came back."""
    known = dict(_answers(agent, situation))
    parts = _requests(problem)
    if asked := [one for one in parts if one not in known]:
        return _asking(agent, asked)
    told = [known[one] for one in parts]
    if not isinstance(problem, Bill) or len(parts) == 1:
        return Step("\n".join(told))
    values = [None if is_failure(one) else last_number(one) for one in told]
    if None in values:
        return Step("\n".join([*told, "So there is no total."]))
    amounts = [amount(value, problem.currency) for value in values if value is not None]
    addition = f"Add {', '.join(amounts[:-1])} and {amounts[-1]}."
    if addition not in known:
        return _asking(agent, [addition])
    total = last_number(known[addition])
    if is_failure(known[addition]) or total is None:
        return Step("\n".join([*told, known[addition]]))
    return Step("\n".join([*told, f"In all: {amount(total, problem.currency)}."]))


def _requests(problem: Problem) -> list[str]:
    if isinstance(problem, Bill):
        texts = [store.told(problem.currency) for store in problem.stores]
    else:
        texts = [f"What is {shown(one.sum, one.currency)}?" for one in problem]
    return list(dict.fromkeys(texts))


def _asking(agent: Function, requests: Sequence[str]) -> Step:
    name = agent.parameters[0].name
    return Step(calls=tuple(Request(agent.name, {name: one}) for one in requests))


def _answers(agent: Function, situation: Situation) -> Iterator[tuple[str, str]]:
    """Pairs what the agent was asked in this turn with what it said."""
    for request, response in results(situation.turn.steps):
        if request.function == agent.name:
            yield str(request.arguments.get(agent.parameters[0].name)), relayed(response)
