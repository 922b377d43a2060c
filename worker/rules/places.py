"""What follows from a country: its time zones and its language, as first answers to offer."""

from __future__ import annotations

from functools import cache

from babel.core import get_global
from babel.languages import get_official_languages


@cache
def zones_of(country: str) -> tuple[str, ...]:
    """The time zones of a country (ISO 3166), by name; those that most people live in first."""
    zones = sorted(
        zone for zone, territory in get_global("zone_territories").items() if territory == country
    )
    return tuple(sorted(zones, key=lambda zone: zone not in _USUAL))


def language_of(country: str) -> str:
    """The language that most people of a country read; ``en`` when it has none of its own."""
    languages = get_official_languages(country, de_facto=True)
    return languages[0].partition("_")[0] if languages else "en"


#: The zone to offer where a country has several.
_USUAL = frozenset(
    {
        "America/Argentina/Buenos_Aires",
        "America/Mexico_City",
        "America/New_York",
        "America/Santiago",
        "America/Sao_Paulo",
        "America/Toronto",
        "Asia/Jakarta",
        "Asia/Shanghai",
        "Australia/Sydney",
        "Europe/Berlin",
        "Europe/Kyiv",
        "Europe/Lisbon",
        "Europe/Madrid",
        "Europe/Moscow",
        "Pacific/Auckland",
    }
)
