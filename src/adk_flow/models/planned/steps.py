"""What an agent does next by a plan: calls, a transfer, or its last words."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from adk_flow.models.keyless import KeylessAnswer
from adk_flow.models.planned.agent_map import Hop
from adk_flow.models.planned.turn import Key, PlannedActivation, PlannedTurn, Sent
from adk_flow.models.planned.view import Offer, RequestView, said, written
from adk_flow.models.request.functions import CONSULT, FINISH, LOAD, RESPOND, TRANSFER
from adk_flow.models.request.schemas import Schema
from adk_flow.models.request.values import (
    PLACEHOLDER,
    canonical,
    fault_of_value,
    free_property,
    value_of,
    values_of,
)
from adk_flow.scenario.plan import PlannedCall, Task


class NextCall(NamedTuple):
    """A call of a function."""

    function: str
    arguments: dict[str, Any]
    tasks: tuple[int, ...] = ()
    """The tasks that it asks another agent for."""
    says: str = ""
    """Words that go with it."""


class PlannedStep:
    """One request of one activation, and what its agent does about it."""

    def __init__(self, turn: PlannedTurn, view: RequestView) -> None:
        """Takes a turn, in which it notes what has been done so far."""
        self.turn, self.view = turn, view
        self.active: PlannedActivation = turn.activation(view)
        self._unmatched = Counter(_key(call.function, call.arguments) for call, _ in view.made)
        self.results: dict[int, list[Any]] = {}
        """What the tools of the agent's own tasks returned, so far."""
        self._pair_results()
        self._note_silent()

    def decide(self) -> KeylessAnswer:
        """Decides what the agent says or calls; a PlanError where that is impossible."""
        if self.view.schema is not None:
            return canonical(self._form(self.view.schema)), []
        if calls := [*self._own_calls(), *self._delegations()]:
            return self._calling(calls)
        ways = (pair for pair in self._waiting() if pair[1].how == "transfer")
        undone = ((n, hop.agent) for (n, *_), hop in ways if not self.turn.has_ended(n))
        number, onward = next(undone, (-1, ""))
        if onward:
            text = "\n\n".join(filter(None, [self._finish(n, spoken=True) for n in self._ended()]))
            self.turn.passed_on.update(self.active.own)
            if onward in self.turn.owners[number]:
                self.turn.end_silent([number], "")
            return text, [(TRANSFER, {"agent_name": onward})]
        return self._conclude()

    # Tools of its own

    def _pair_results(self) -> None:
        left = [(_key(call.function, call.arguments), back) for call, back in self.view.made]
        for number in self.active.own:
            self.results[number] = []
            for call in self.turn.tasks[number].calls:
                key = _key(call.name, call.args)
                pair = next((pair for pair in left if pair[0] == key), None)
                if pair is not None:
                    left.remove(pair)
                    if pair[1] is not None:
                        self.results[number].append(pair[1].response)

    def _note_silent(self) -> None:
        """Notes what came of calls of those that ask no model, as an agent of code."""
        for call, back in self.view.made:
            offer = self.view.offers.get(call.function)
            if back and offer and offer.is_agent:
                ask = written(call.arguments)
                for sent in self.turn.sent:
                    if (sent.agent, sent.message, sent.is_taken) == (offer.name, ask, False):
                        self.turn.end_silent(sent.tasks, said(back.response))

    def _ended(self) -> list[int]:
        """Lists its own tasks whose tools have all returned and that need wait for no other."""
        ended: list[int] = []
        for number in self.active.own:
            task = self.turn.tasks[number]
            asked = self.turn.numbers(task.asked)
            is_whole = len(self.results[number]) == len(task.calls)
            is_whole = is_whole and all(self._has_ended(other, task) for other in asked)
            if is_whole and self.turn.is_ready(number, ended):
                ended.append(number)
        return ended

    def _has_ended(self, number: int, asking: Task) -> bool:
        """Whether nothing more comes of asking for a task; words after it wait for its result."""
        if self.turn.has_ended(number) or self.view.agent in self.turn.owners[number]:
            return True
        hop = self._hop(number)
        return hop is None or (hop.how == "transfer" and asking.says is None)

    def _own_calls(self) -> Iterator[NextCall]:
        ended = self._ended()
        ready = [number for number in self.active.own if self.turn.is_ready(number, ended)]
        barred = [n for n in self._undone() if self._hop(n) is None and LOAD in self.view.offers]
        numbers = (*ready, *barred)
        if first := {_key(*call[:2]): call for number in numbers for call in self._before(number)}:
            yield from (call for call in first.values() if not self._is_made(*call[:2]))
            return
        for number in ready:
            for call in self._open(number):
                if call.name and not self._is_made(call.name, call.args):
                    self._check(call)
                    yield NextCall(call.name, call.args, says=call.says)

    def _before(self, number: int) -> list[NextCall]:
        """Lists the skills to load, and what to ask a stronger model, before any other tool."""
        view, task = self.view, self.turn.tasks[number]
        owners = self.turn.owners[number]
        skills = self.turn.team.skills_for(view.agent, task, owners) if LOAD in view.offers else []
        loads = [NextCall(LOAD, {"skill_name": one}) for one in skills if one not in view.skills]
        is_advised = CONSULT in view.offers and number in self.active.own
        questions = task.consults if is_advised else ()
        calls = [*loads, *(NextCall(CONSULT, {"question": text}) for text in questions)]
        returned = [_key(call.function, call.arguments) for call, back in view.made if back]
        return [call for call in calls if _key(*call[:2]) not in returned]

    def _open(self, number: int) -> list[PlannedCall]:
        """Takes the calls of a task that may be made by now: those before have returned."""
        task = self.turn.tasks[number]
        returned = len(self.results[number])
        for place, call in enumerate(task.tools):
            asked = self.turn.numbers(call.tasks)
            if call.then and returned < place:
                return task.tools[:place]
            returned += bool(asked) and all(self._has_ended(other, task) for other in asked)
        return task.tools

    def _is_made(self, function: str, arguments: dict[str, Any]) -> bool:
        key = _key(function, arguments)
        self._unmatched[key] -= 1
        return self._unmatched[key] >= 0

    def _check(self, call: PlannedCall) -> None:
        offer = self.view.offers.get(call.name)
        if offer is None or offer.is_agent:
            tools = [offer.name for offer in self.view.offers.values() if not offer.is_agent]
            named = ", ".join(name for name in tools if name not in (TRANSFER, FINISH, RESPOND))
            reason = f"it has no tool {call.name!r}; it has {named or 'none'}"
            raise self.turn.fail(self.view.agent, reason)
        fault = "" if call.is_masked else fault_of_value(offer.schema, call.args)
        if fault:
            raise self.turn.fail(self.view.agent, f"{call.name} does not take that: {fault}")

    # Other agents

    def _hop(self, number: int) -> Hop | None:
        """Finds the way to the owners of a task."""
        called = [offer.name for offer in self.view.offers.values() if offer.is_agent]
        owners, team = self.turn.owners[number], self.turn.team
        return team.hop(self.view.agent, owners, called, self.view.targets)

    def _asked(self) -> Iterator[list[int]]:
        """Walks the tasks that it may ask others for, those that one call is for together."""
        ended = self._ended()
        for number in self.active.own:
            if self.turn.is_ready(number, ended):
                yield from (self.turn.numbers(call.tasks) for call in self._open(number))
        together: dict[str, list[int]] = {}
        for number in self.active.reach:
            referrer = self.turn.referrers.get(number)
            is_others = referrer not in self.active.own and not self._only_joins(number)
            if not is_others or not self.turn.is_free(number, self.active.reach):
                continue
            graph = self._graph(number)
            if not graph:
                yield [number]
            elif number not in self.turn.done and self.turn.is_ready(number, ended):
                together.setdefault(graph, []).append(number)
        yield from together.values()

    def _graph(self, number: int) -> str:
        """Names the graph that is called for a task, all of whose agents hear what is asked."""
        hop = self._hop(number)
        offer = self.view.offers.get(hop.agent) if hop and hop.how == "call" else None
        is_graph = offer and (offer.kind == "node_tool" or self.turn.team.has_stages(offer.name))
        return offer.name if offer and is_graph else ""

    def _only_joins(self, number: int) -> bool:
        """Whether a task joins what others say, for which nobody goes back to its agent."""
        task, owners = self.turn.tasks[number], self.turn.owners[number]
        is_joining = task.only_asks and task.says is not None
        return is_joining and any(known.agent in owners for known in self.turn.activations)

    def _waiting(self) -> Iterator[tuple[list[int], Hop]]:
        """Walks the tasks of others that it was asked for, each with the way to them."""
        for asked in self._asked():
            tasks = [n for n in asked if self.view.agent not in self.turn.owners[n]]
            hop = self._hop(tasks[0]) if tasks else None
            if hop is None:
                continue
            is_back = self.view.came_by_transfer and tasks[0] in self.turn.done
            if not is_back and self.turn.is_ready(tasks[0], self._ended()):
                yield tasks, hop

    def _delegations(self) -> Iterator[NextCall]:
        for tasks, hop in self._waiting():
            if hop.how == "call":
                arguments = self._arguments(tasks, self.view.offers[hop.agent])
                if not self._is_made(hop.agent, arguments) and self._is_due(tasks[0]):
                    says = self.turn.words.get(tasks[0], "")
                    yield NextCall(hop.agent, arguments, tuple(tasks), says)

    def _is_due(self, number: int) -> bool:
        """Whether the next activation of a task's agent plays it, and nobody has gone there yet."""
        task = self.turn.tasks[number]
        was_sent = any(number in sent.tasks for sent in self.turn.sent)
        is_asked = number in self.turn.referrers  # by a call that says when
        is_anew = was_sent and not is_asked
        is_next = is_asked or task.pass_ in (0, self.turn.passes[task.agent] + 1)
        return is_next and (is_anew or number not in self.turn.done)

    def _send(self, agent: str, ask: Any, tasks: list[int]) -> None:
        self.turn.sent.append(Sent(agent, written(ask), self.turn.with_asked(tasks)))

    def _arguments(self, tasks: list[int], offer: Offer) -> dict[str, Any]:
        """Writes what an agent is called with, by its schema."""
        ask, parts = self._ask(tasks), offer.schema.get("properties") or {}
        if isinstance(ask, dict) and set(ask) <= set(parts):
            arguments = {**values_of(offer.schema), **ask}
            if fault := fault_of_value(offer.schema, arguments):
                raise self.turn.fail(offer.name, f"it cannot be asked that: {fault}")
            return arguments
        if set(parts) <= {"request"}:
            return {"request": _words(ask)}
        return _worded(offer.schema, _words(ask))

    def _ask(self, tasks: list[int]) -> str | dict[str, Any]:
        """Writes what tasks ask together, those of them that say what."""
        asks = [self.turn.ask(n) for n in tasks if self.turn.tasks[n].ask]
        if len(asks) < 2 or not all(isinstance(ask, str) for ask in asks):
            return asks[0] if asks else self.turn.ask(tasks[0])
        return "\n\n".join(dict.fromkeys(map(_words, asks)))

    def _calling(self, calls: list[NextCall]) -> KeylessAnswer:
        # ADK's task agents must be called alone (2.13, tools/agent_tool.py).
        offers = self.view.offers
        together = [call for call in calls if offers[call.function].kind != "task"]
        made = together or calls[:1]
        for call in made:
            self.active.made[_key(call.function, call.arguments)] += 1
            if call.tasks:
                self._send(call.function, call.arguments, [*call.tasks])
        for number in self.active.own:
            tools = self.turn.tasks[number].calls
            if tools and all(self.active.made[_key(tool.name, tool.args)] for tool in tools):
                self.turn.called.add(number)
        says = (call.says for call in made if call.says)
        return "\n\n".join(says), [(call.function, call.arguments) for call in made]

    # Last words

    def _conclude(self) -> KeylessAnswer:
        """Ends the agent's part of the turn in the way that its functions ask for."""
        waits = any(self.turn.tasks[number].waits for number in self._ended())
        names = [RESPOND] if waits else [RESPOND, FINISH]
        ending = next((self.view.offers[name] for name in names if name in self.view.offers), None)
        if ending is None or any(call.function == ending.name for call, _ in self.view.made):
            return self._answer(), []
        text = "\n\n".join(filter(None, (self.turn.tasks[n].parting for n in self._ended())))
        arguments = self._form(ending.schema)
        self.active.made[_key(ending.name, arguments)] += 1
        return text, [(ending.name, arguments)]

    def _answer(self) -> str:
        """Says what its tasks came to; a lead merges what others have found."""
        ended, tasks, offers = self._ended(), self.turn.tasks, self.view.offers
        own = {number: self._finish(number) for number in ended}
        stated = [
            n for n in ended if tasks[n].says is not None and tasks[n].agent == self.view.agent
        ]
        joined = {n for number in stated for n in self.turn.with_asked([number])[1:]}
        texts = [text for number, text in own.items() if number not in joined]
        if not stated:
            made = [pair for pair in self.view.made if pair[0].function in offers]
            backs = [back for call, back in made if back and offers[call.function].is_agent]
            delegated = [said(back.response) for back in backs]
            texts = [*self.view.heard, *texts, *(text for text in delegated if text != PLACEHOLDER)]
        empty = "" if any(tasks[n].says == "" for n in stated) else PLACEHOLDER
        return "\n\n".join(dict.fromkeys(filter(None, texts))) or empty

    def _finish(self, number: int, *, spoken: bool = False) -> str:
        """Notes that a task is done, and writes what it came to.

        With `spoken`, only words of its own: what its tools returned is there to see.
        """
        says = self.turn.tasks[number].says
        returned = "\n\n".join(said(result) for result in self.results[number])
        self.turn.done[number] = returned if says is None else _words(says)
        return "" if spoken and says is None else self.turn.done[number]

    def _form(self, schema: Schema) -> Any:
        """Fills a schema: by what a task says, whom waiting tasks are for, or anything valid."""
        ended = self._ended()
        stated = [n for n in ended if _is_form(self.turn.tasks[n].says, schema)]
        for number in ended:
            if number in stated or self.turn.tasks[number].says is None:
                self._finish(number)
        if stated:
            says = self.turn.tasks[stated[0]].says
            value = {**values_of(schema), **says} if isinstance(says, dict) else says
            if fault := fault_of_value(schema, value):
                raise self.turn.fail(self.view.agent, f"it cannot say that: {fault}")
            return value
        waiting = self._undone()
        if "properties" not in schema:
            chosen = self._chosen(schema, waiting)
            return value_of(schema, self._form_text(schema)) if chosen is None else chosen
        shares = self._shares(schema, waiting)
        return {**_worded(schema, "" if shares else self._form_text(schema)), **shares}

    def _form_text(self, schema: Schema) -> str:
        return self._answer() if free_property(schema) else PLACEHOLDER

    def _undone(self) -> list[int]:
        """Lists the tasks that a schema may pass on: ready, not done, and not its own."""
        return [
            number
            for number in self.active.reach
            if number not in self.turn.done
            and self.view.agent not in self.turn.owners[number]
            and self.turn.is_ready(number)
        ]

    def _shares(self, schema: Schema, waiting: list[int]) -> dict[str, Any]:
        """Fills the properties that choose or share out between agents."""
        shares: dict[str, Any] = {}
        for name, part in schema["properties"].items():
            if (chosen := self._chosen(part, waiting)) is not None:
                shares[name] = chosen
            elif name in self.turn.team.nodes:
                share = self._share(name, waiting)
                if share or name in (schema.get("required") or ()):
                    shares[name] = share or value_of(part)
        return shares

    def _share(self, name: str, waiting: list[int]) -> str:
        owners = self.turn.owners
        tasks = [n for n in waiting if self.turn.team.is_on_the_way(name, owners[n])]
        share = "\n\n".join(dict.fromkeys(_words(self.turn.ask(number)) for number in tasks))
        if tasks:
            self._send(name, share, tasks)
        return share

    def _chosen(self, schema: Schema, waiting: list[int]) -> Any:
        """Chooses between agents: the one for the first waiting task; None where none are named.

        Where several may be chosen, all those for waiting tasks.
        """
        team, owners = self.turn.team, self.turn.owners
        if items := schema.get("items"):
            several = [name for name in items.get("enum", ()) if name in team.nodes]
            able = [n for n in several if any(team.is_on_the_way(n, owners[w]) for w in waiting)]
            return able if several else None
        named = [name for name in schema.get("enum", ()) if name in team.nodes]
        fitting = (name for n in waiting for name in named if team.is_on_the_way(name, owners[n]))
        return next(fitting, named[0] if named else None)


def _key(function: str, arguments: dict[str, Any]) -> Key:
    return function, canonical(arguments)


def _words(value: Any) -> str:
    return value if isinstance(value, str) else canonical(value)


def _is_form(says: Any, schema: Schema) -> bool:
    """Whether what a task says is meant for a schema: data, or a word that it allows."""
    parts = schema.get("properties")
    if isinstance(says, dict) and parts is not None:
        return set(says) <= set(parts)
    return says is not None and parts is None and not fault_of_value(schema, says)


def _worded(schema: Schema, words: str) -> dict[str, Any]:
    """Makes valid values with some words in the first property that takes any."""
    values, place = values_of(schema), free_property(schema)
    if place and words:
        values[place] = value_of(schema["properties"][place], words)
    return values
