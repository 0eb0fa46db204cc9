"""What the figures of a talk with any app are made of: who is sent what, as sums of tokens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from adk_flow.laws.nested import NestedAgents
from adk_flow.laws.team import AppTeam, Side


def terms_of_turns(
    team: AppTeam, construct: str, topics: int, follow_ups: int
) -> Iterator[Counter[str]]:
    """Gives the terms of a talk up to each of its turns, see `AppTeam.conversation`.

    What is asked is always the same, and so is no term. None of them is ever taken off another, so
    that a law's factors are 0 or more.
    """
    total: Counter[str] = Counter()
    past: Counter[str] = Counter()
    below = NestedAgents(construct)
    for number in range(follow_ups + 1):
        asked = team.specialists[:topics] if number == 0 else team.specialists[topics - 1 : topics]
        is_whole = number == 0 and topics == len(team.specialists)
        lead = team.lead if is_whole else team.lead._replace(parts=0, called=0, returned=0, says=0)
        names = {side.named for side in asked}
        idle = [side for side in team.specialists if side.named not in names]
        asked, inner = below.turn(lead, asked, idle)
        sizes = {
            "1": 1,
            "lead": team.lead.instruction,
            "lead named": team.lead.name + team.lead.description,
            "lead tools": team.lead.tools,
            "specialists": len(team.specialists),
            "names": sum(side.name for side in team.specialists),
            "descriptions": sum(side.description for side in team.specialists),
            **{f"past {name}": value for name, value in past.items()},
        }
        total.update(_turn(team, lead, asked, idle, sizes))
        total.update(inner)
        total["inner hop turns"] += inner["inner hop calls"] * number
        past.update(_said([lead, *asked]))
        total["first turn"] = 1
        yield total.copy()


def _said(sides: Sequence[Side]) -> dict[str, int]:
    return {
        "acts": sum(side.called + side.returned for side in sides),
        "says": sum(side.says for side in sides),
        "turns": 1,
        "topics": len(sides) - 1,
    }


def _turn(
    team: AppTeam,
    lead: Side,
    asked: Sequence[Side],
    idle: Sequence[Side],
    sizes: Mapping[str, int],
) -> dict[str, int]:
    weights = {
        "turns": 1,
        "acting turns": int(bool(lead.acts or any(side.acts for side in asked))),
        "topics": len(asked),
        "acting topics": sum(side.acts for side in asked),
        "lead acts": lead.acts,
        "idle": len(idle),
    }
    everybody = {
        "instructions": sum(side.instruction for side in team.specialists),
        "tools": sum(side.tools for side in team.specialists),
    }
    terms = {f"{a} · {b}": weights[a] * sizes[b] for a, b in product(weights, sizes)}
    once = ("turns", "acting turns")
    terms |= {f"{a} · {b}": weights[a] * everybody[b] for a, b in product(once, everybody)}
    acting = [side for side in asked if side.acts]
    for group, sides in (("asked", asked), ("acting", acting), ("idle", idle)):
        terms[f"{group} static"] = sum(side.static for side in sides)
        for name in ("name", "description"):
            total = sizes[f"{name}s"]
            terms[f"{group} {name}"] = sum(getattr(side, name) for side in sides)
            terms[f"{group} other {name}s"] = sum(total - getattr(side, name) for side in sides)
    for name in ("called", "returned", "says"):
        terms[name] = sum(getattr(side, name) for side in asked)
        for weight in ("turns", "topics", "acting topics"):
            terms[f"lead {name} · {weight}"] = getattr(lead, name) * weights[weight]
    terms["instructions asked"] = sum(side.instruction for side in asked)
    return terms | _before(asked)


def _before(asked: Sequence[Side]) -> Counter[str]:
    """Sums what was done before each of those asked in the same turn."""
    terms: Counter[str] = Counter()
    for number, side in enumerate(asked):
        for earlier in asked[:number]:
            acts = earlier.called + earlier.returned
            values = {"": 1, " parts": earlier.parts, " acts": acts, " says": earlier.says}
            for name, value in values.items():
                terms[f"before{name}"] += value
                terms[f"before acting{name}"] += side.acts * value
        if number:
            terms["next"] += 1
            terms["next acting"] += side.acts
            terms["next heard"] += asked[number - 1].says
            terms["next acting heard"] += side.acts * asked[number - 1].says
    return terms
