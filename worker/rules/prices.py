"""What texts cost: a price per segment for each country that phones belong to."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TYPE_CHECKING

import phonenumbers

from worker.rules.contacts import read_country

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Stands for every country that has no price of its own.
ANY = "*"


@dataclass(frozen=True, slots=True)
class Prices:
    """The price of one segment by country code, in one currency."""

    by_country: Mapping[str, Decimal]

    @classmethod
    def parse(cls, value: object) -> Prices:
        """Read ``US=0.0083, ES=0.07, *=0.05``.

        Raises:
            ValueError: With what is wrong and how to write it.
        """
        if isinstance(value, Prices):
            return value
        pairs = [each.strip() for each in str(value).split(",") if each.strip()]
        found: dict[str, Decimal] = {}
        for pair in pairs:
            country, _, price = (part.strip() for part in pair.partition("="))
            code = ANY if country == ANY else read_country(country)
            if code in found:
                message = f"{code} has two prices; keep one"
                raise ValueError(message)
            found[code] = _read_price(pair, price)
        return cls(found)

    def __bool__(self) -> bool:
        return bool(self.by_country)

    def cost(self, country: str, segments: int) -> Decimal | None:
        """What segments to phones of a country cost; None when nobody said."""
        price = self.by_country.get(country, self.by_country.get(ANY))
        return None if price is None else price * segments


def _read_price(pair: str, text: str) -> Decimal:
    try:
        price = Decimal(text)
    except InvalidOperation:
        price = Decimal(-1)
    if not (price.is_finite() and price >= 0):
        message = f'"{pair}" is not a price per segment; write it like ES=0.0700, with a point'
        raise ValueError(message)
    return price


@lru_cache(maxsize=1024)
def country_of(phone: str) -> str:
    """The country that an E.164 number belongs to; ``001`` for a number of no country."""
    number = phonenumbers.parse(phone)
    code = number.country_code or 0
    shared = phonenumbers.region_codes_for_country_code(code)
    # Only where countries share a code (+1, +44) is there anything to find out.
    found = phonenumbers.region_code_for_number(number) if len(shared) > 1 else None
    return str(found or phonenumbers.region_code_for_country_code(code))
