"""A small record of each city, kept in `evening/*.yaml`, for the bots of the evening brief."""

import unicodedata
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
import yaml

Kind = TypeVar("Kind")

FOLDER = Path(__file__).with_name("evening")


class City(NamedTuple):
    """What is known of a city."""

    name: str
    known: Any


def read_cities(file: str, kind: type[Kind]) -> dict[str, Kind]:
    """Reads what a file knows of each city, by the city's name."""
    text = (FOLDER / file).read_text(encoding="utf-8")
    return msgspec.convert(yaml.safe_load(text), dict[str, kind])


def find_city(name: str, cities: dict[str, Any]) -> City | None:
    """Finds a city by its name, in any case and with or without accents."""
    wanted = _plain(name)
    return next((City(*city) for city in cities.items() if _plain(city[0]) == wanted), None)


def unknown(name: str, cities: dict[str, Any]) -> dict[str, str]:
    """Says which cities there are instead."""
    return {"error": f"Nothing is known of {name!r}; known cities are {', '.join(cities)}."}


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.strip().casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
