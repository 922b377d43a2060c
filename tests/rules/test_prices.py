"""Prices: what a segment costs, by the country of the phone."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from worker.rules.prices import Prices, country_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("US=0.0083,ES=0.0700,*=0.05", {"US": "0.0083", "ES": "0.0700", "*": "0.05"}),
        (" us = 0.01 , es=1 ", {"US": "0.01", "ES": "1"}),
        ("*=0", {"*": "0"}),
        ("", {}),
    ],
)
def test_prices_are_read_to_the_digit(text: str, expected: dict[str, str]) -> None:
    """As decimals: a thousandth of a dollar must not get lost in binary."""
    assert Prices.parse(text).by_country == {key: Decimal(each) for key, each in expected.items()}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("ES", '"ES" is not a price per segment; write it like ES=0.0700, with a point'),
        ("ES=", '"ES=" is not a price per segment'),
        ("ES=cheap", '"ES=cheap" is not a price'),
        ("ES=-1", '"ES=-1" is not a price'),
        ("ES=NaN", '"ES=NaN" is not a price'),
        ("ES=Infinity", '"ES=Infinity" is not a price'),
        ("ES=0,07", '"07" is not a country code'),
        ("Spain=1", '"Spain" is not a country code; write it like "ES" or "US"'),
        ("ES=1,es=2", "ES has two prices; keep one"),
    ],
)
def test_a_price_that_makes_no_sense_is_told(text: str, problem: str) -> None:
    """With how to write it."""
    with pytest.raises(ValueError, match=re.escape(problem)):
        Prices.parse(text)


@pytest.mark.parametrize(
    ("country", "expected"), [("US", "0.0249"), ("ES", "0.21"), ("FR", "0.15")]
)
def test_a_country_without_a_price_takes_the_common_one(country: str, expected: str) -> None:
    """``*`` stands for every other."""
    prices = Prices.parse("US=0.0083,ES=0.07,*=0.05")
    assert prices.cost(country, 3) == Decimal(expected)


def test_a_cost_that_nobody_knows_is_not_made_up() -> None:
    """Nothing stands for the country, so there is no sum."""
    assert Prices.parse("US=0.0083").cost("FR", 3) is None
    assert not Prices.parse("")


@pytest.mark.parametrize(
    ("phone", "country"),
    [
        ("+34600123456", "ES"),
        ("+12125550123", "US"),
        ("+14165550123", "CA"),
        ("+18765550123", "JM"),
        ("+447400123456", "GB"),
        ("+447781123456", "GG"),
        ("+15005550006", "US"),  # no number that exists: the code's first country
        ("+88216123456", "001"),
    ],
)
def test_the_country_of_a_phone(phone: str, country: str) -> None:
    """Also where several countries share a code."""
    assert country_of(phone) == country
