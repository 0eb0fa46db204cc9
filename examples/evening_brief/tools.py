"""What is known of a city's evening, from the sample in `cities.yaml`."""

from pathlib import Path
from typing import Any

import yaml

CITIES: dict[str, dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("cities.yaml").read_text(encoding="utf-8")
)


def evening_weather(city: str) -> dict[str, str]:
    """Tells this evening's weather in a city: temperature, sky, chance of rain and wind.

    Args:
        city: The city's English name, such as Berlin.
    """
    return _known(city, "weather")


def evening_trains(city: str) -> dict[str, str]:
    """Tells this evening's disruptions of a city's local trains, and the ways around them.

    Args:
        city: The city's English name, such as Berlin.
    """
    return _known(city, "trains")


def evening_buses(city: str) -> dict[str, str]:
    """Tells this evening's disruptions of a city's buses, and the ways around them.

    Args:
        city: The city's English name, such as Berlin.
    """
    return _known(city, "buses")


def _known(city: str, what: str) -> dict[str, str]:
    name = next((name for name in CITIES if name.casefold() == city.strip().casefold()), "")
    if not name:
        return {"error": f"Nothing is known of {city!r}; known cities are {', '.join(CITIES)}."}
    known = CITIES[name][what]
    if isinstance(known, list):
        lines = [f"{line}: {trouble}" for entry in known for line, trouble in entry.items()]
        known = ". ".join(lines) or "no disruptions"
    return {"summary": f"{what.title()} in {name} this evening (sample data): {known}."}
