"""Dates that somebody typed into a template by hand: they are right once, and then wrong.

Weekdays, months and units come from Babel, so a new language needs nothing here but, if wanted,
its words for "about" and "up to".
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from babel import Locale
from babel.units import format_unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import timedelta

_LINKS = re.compile(r"(?:https?://|mailto:|tel:)\S+", re.IGNORECASE)
_NUMBER_WORDS = {
    "en": "two three four five six seven eight nine ten eleven twelve fourteen twenty thirty",
    "es": "dos tres cuatro cinco seis siete ocho nueve diez once doce catorce quince veinte "
    "treinta",
}
_NUMBERS = {
    "en": (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 20, 30),
    "es": (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 20, 30),
}
#: Before a number: it then tells how long something lasts, more or less, and not when it ends.
_ROUGHLY = {
    "en": r"up to|about|around|roughly|approximately|almost|nearly|over|more than|longer than",
    "es": r"hasta|unos|unas|aproximadamente|alrededor de|cerca de|casi|mas de|durante unos",
}
#: Before a number: it then tells how often.
_EVERY = {"en": r"every|each", "es": r"cada"}
#: Words that stand between a day and its month.
_OF = r"(?:\s+(?:de|of|d'))?\s+"
#: A month this short may be another word or a name: may, march, April, June.
_UNMISTAKABLE = 6
_HOURS_PER = {"hour": 1, "day": 24, "week": 168, "month": 720}
_SLASHED = re.compile(r"(?<![\w/.-])(\d{1,2})/(\d{1,2})(?:/(?:\d{4}|\d{2}))?(?![\w/])")
_DOTTED = re.compile(r"(?<![\w.-])(\d{1,2})[.-](\d{1,2})[.-](?:\d{4}|\d{2})(?![\w.-]*\d)")
_ISO = re.compile(r"(?<!\d)\d{4}-\d{2}-\d{2}(?!\d)")
#: Not days of a month: "24/7" and the common fractions.
_NO_DATES = {"24/7", "1/2", "1/3", "1/4"}
_MONTHS, _DAYS = 12, 31


@dataclass(frozen=True, slots=True)
class TypedDate:
    """Words that tell a date or a number of days."""

    words: str
    #: Whether it says so only roughly ("up to 48 hours"), which is how reactions are described.
    rough: bool = False


@dataclass(frozen=True, slots=True)
class _Words:
    """What dates look like in one language."""

    weekday: re.Pattern[str]
    #: "Monday to Friday" and "los lunes" tell when the clinic is open.
    opening: re.Pattern[str]
    month: re.Pattern[str]
    span: re.Pattern[str]
    units: dict[str, str]
    numbers: dict[str, int]


def typed_dates(text: str, language: str, restrictions: Iterable[timedelta]) -> Iterator[TypedDate]:
    """Every date and number of days in a line of a template.

    Args:
        text: What stands in the template outside of ``{{ … }}`` and ``{% … %}``.
        language: Of the template.
        restrictions: How long the protocol's restrictions last. A rough length is told only if it
            is one of these: then it is most likely the restriction, typed by hand.
    """
    words = _words(language)
    shown = _LINKS.sub(lambda found: " " * len(found[0]), text)
    plain = words.opening.sub(lambda found: " " * len(found[0]), _fold(shown))
    for pattern in (words.weekday, words.month, _ISO):
        yield from (TypedDate(shown[slice(*found.span())]) for found in pattern.finditer(plain))
    for pattern in (_SLASHED, _DOTTED):
        for found in pattern.finditer(plain):
            if _is_day_and_month(int(found[1]), int(found[2])) and found[0] not in _NO_DATES:
                yield TypedDate(found[0])
    hours = {each.total_seconds() / 3600 for each in restrictions}
    for found in words.span.finditer(plain):
        if found["every"] or found["open"]:
            continue
        rough = bool(found["rough"] or found["from"])
        if not rough or _lasts(found, words) & hours:
            start = found.start("from") if found["from"] else found.start("number")
            yield TypedDate(shown[start : found.end("unit")], rough)


def _is_day_and_month(one: int, two: int) -> bool:
    low, high = sorted((one, two))
    return 1 <= low <= _MONTHS and high <= _DAYS


def _lasts(found: re.Match[str], words: _Words) -> set[float]:
    """How many hours it may mean; two lengths for "24 to 48 hours"."""
    per = _HOURS_PER[words.units[found["unit"]]]
    ends = (found["number"], found["from"])
    return {per * _number(each, words) for each in ends if each}


def _number(text: str, words: _Words) -> float:
    return words.numbers[text] if text in words.numbers else float(text)


def _fold(text: str) -> str:
    """In small letters without accents, each character where it was."""
    return "".join(_fold_one(char) for char in text)


def _fold_one(char: str) -> str:
    folded = unicodedata.normalize("NFD", char.lower())[:1]
    return folded or char


@lru_cache
def _words(language: str) -> _Words:
    locale = Locale.parse(language)
    weekday = "|".join(sorted({_fold(each) for each in locale.days["format"]["wide"].values()}))
    to = r"\s*(?:to|through|and|a|y|al|hasta|-|\u2013)\s*(?:el\s+)?"
    wide = {_fold(each) for each in locale.months["format"]["wide"].values()}
    short = {_fold(each).rstrip(".") for each in locale.months["format"]["abbreviated"].values()}
    either = "|".join(sorted({*wide, *short}, key=lambda it: (-len(it), it)))
    plain = "|".join(sorted(each for each in wide if len(each) >= _UNMISTAKABLE)) or r"(?!)"
    ordinal = r"(?:st|nd|rd|th|º|\.)?"
    month = (
        rf"\b(?:the\s+)?\d{{1,2}}{ordinal}{_OF}(?:{either})\b|"
        rf"\b(?:{either})\.?\s+\d{{1,2}}{ordinal}(?!\w)|\b(?:{plain})\b"
    )
    units = _units(language)
    numbers = dict(
        zip(_NUMBER_WORDS.get(language, "").split(), _NUMBERS.get(language, ()), strict=True)
    )
    number = rf"(?:\d+|{'|'.join(numbers)})" if numbers else r"\d+"
    span = (
        rf"(?:\b(?P<rough>{_ROUGHLY.get(language, '(?!)')})\s+)?"
        rf"(?:\b(?P<every>{_EVERY.get(language, '(?!)')})\s+)?"
        rf"(?:\b(?P<from>{number})\s*(?:to|or|and|a|o|u|y|-|\u2013)\s*)?"
        rf"\b(?P<number>{number})\s*(?P<unit>{'|'.join(units)})\b"
        r"(?P<open>\s+(?:a day|al dia|a week))?"
    )
    return _Words(
        weekday=re.compile(rf"\b(?:{weekday})\b"),
        opening=re.compile(
            rf"\b(?:{weekday}|mon|lun)s?{to}(?:{weekday}|fri|sat|vie|sab)s?\b|\blos\s+(?:{weekday})"
        ),
        month=re.compile(month),
        span=re.compile(span),
        units=units,
        numbers=numbers,
    )


def _units(language: str) -> dict[str, str]:
    """The words for hours, days, weeks and months, the longest first."""
    words = {
        _fold(re.sub(r"[\d\s]", "", format_unit(count, f"duration-{unit}", locale=language))): unit
        for unit in _HOURS_PER
        for count in (1, 2, 5)
    }
    return dict(sorted(words.items(), key=lambda it: -len(it[0])))
