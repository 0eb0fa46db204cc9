"""The weather of an evening, from a bundled sample."""

import msgspec

from tools.checks import Answer, checked
from tools.cities import find_city, read_cities, unknown


class Evening(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The weather of one city."""

    celsius: int
    sky: str
    rain_percent: int
    wind_kmh: int


EVENINGS = read_cities("weather.yaml", Evening)


@checked
def evening_weather(city: str) -> Answer:
    """Tells this evening's weather in a city: temperature, sky, chance of rain and wind.

    Args:
        city: The city's English name, such as Berlin.
    """
    found = find_city(city, EVENINGS)
    if found is None:
        return unknown(city, EVENINGS)
    name, weather = found
    return {
        "city": name,
        **msgspec.structs.asdict(weather),
        "summary": f"Weather in {name} this evening (sample data): {weather.celsius}C,"
        f" {weather.sky}, {weather.rain_percent}% chance of rain, wind {weather.wind_kmh} km/h.",
    }
