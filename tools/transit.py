"""The disruptions of an evening's local trains, from a bundled sample."""

import msgspec

from tools.checks import Answer, checked
from tools.cities import find_city, read_cities, unknown


class Disruption(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is wrong on a line."""

    line: str
    trouble: str
    instead: str
    """What to do about it."""


DISRUPTIONS = read_cities("transit.yaml", list[Disruption])


@checked
def evening_transit(city: str) -> Answer:
    """Tells this evening's disruptions of a city's local trains: underground, S-Bahn and metro.

    Args:
        city: The city's English name, such as Berlin.
    """
    found = find_city(city, DISRUPTIONS)
    if found is None:
        return unknown(city, DISRUPTIONS)
    name, disruptions = found
    told = [f"{one.line}: {one.trouble}; {one.instead}." for one in disruptions]
    lines = " ".join(told) or "no disruptions."
    return {
        "city": name,
        "disruptions": [msgspec.structs.asdict(one) for one in disruptions],
        "summary": f"Trains in {name} this evening (sample data): {lines}"
        + (" All other lines run normally." if told else ""),
    }
