"""Dates, times and the Jinja environments: how values become words in a patient's language."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from jinja2 import StrictUndefined, pass_context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from worker.rules.sms import is_gsm

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from jinja2.runtime import Context

#: "Thursday 26 November" as a person says it; other languages get Babel's own order.
_DAY_PATTERNS = {"en": "EEEE d MMMM", "es": "EEEE d 'de' MMMM"}
#: A quoted word of a date pattern, or a weekday or month in short.
_SHORT_NAME = re.compile(r"'[^']*'|E{1,3}(?!E)|c{3}(?!c)|M{3}(?!M)|L{3}(?!L)")
#: What Babel puts between a time and "PM"; it would turn an SMS into UCS-2.
_DOTTED_HALF = re.compile(r"\b([ap])\. ?m\.", re.IGNORECASE)
_NARROW_SPACES = str.maketrans({"\u202f": " ", "\u00a0": " "})


@lru_cache(maxsize=256)
def locale_for(language: str, country: str) -> Locale:
    """The language as it is written in the clinic's country (12 or 24 hours), or just so."""
    try:
        return Locale.parse(f"{language}_{country}")
    except UnknownLocaleError:
        return Locale.parse(language)


def day(moment: datetime, locale: Locale) -> str:
    """``Thursday 26 November``; the last minute of a day, once begun, counts as the next day."""
    return _day(_whole_minute(moment).date(), locale)


# Messages that leave together speak of the same few days and times.
@lru_cache(maxsize=1024)
def _day(date: date, locale: Locale) -> str:
    pattern = _DAY_PATTERNS.get(locale.language) or _day_pattern(locale)
    return format_date(date, pattern, locale=locale).translate(_NARROW_SPACES)


@lru_cache
def _day_pattern(locale: Locale) -> str:
    """Weekday, day and month in the language's own order, in whole words.

    Every language has a pattern with short names; that one, with its names written out, is what the
    long one would be (https://unicode.org/reports/tr35/tr35-dates.html#Matching_Skeletons).
    """
    skeletons = locale.datetime_skeletons
    short = (skeletons.get("MMMMEEEEd") or skeletons["MMMEd"]).pattern
    return _SHORT_NAME.sub(lambda it: it[0] if it[0][0] == "'" else it[0][0] * 4, short)


def clock(moment: datetime, locale: Locale) -> str:
    """``3:00 PM`` or ``15:00``; a begun minute counts as over, so that no time is told early."""
    return _clock(_whole_minute(moment).time().replace(fold=0), locale)


@lru_cache(maxsize=1024)
def _clock(time: time, locale: Locale) -> str:
    text = format_time(time, "short", locale=locale).translate(_NARROW_SPACES)
    # "p.m." at the end of a sentence would leave two full stops.
    return _DOTTED_HALF.sub(r"\1m", text)


def moment(value: datetime, locale: Locale) -> str:
    """``Thursday 26 November, 3:00 PM``; at midnight the day says it all."""
    value = _whole_minute(value)
    if (value.hour, value.minute) == (0, 0):
        return day(value, locale)
    return f"{day(value, locale)}, {clock(value, locale)}"


def _whole_minute(moment: datetime) -> datetime:
    """Day and time round up together: "Thursday, 12:00 AM" for 23:59:30 is a day too early."""
    if not (moment.second or moment.microsecond):
        return moment
    return moment.replace(second=0, microsecond=0) + timedelta(minutes=1)


def fold_to_gsm(text: str) -> str:
    """A date in letters of the GSM alphabet: "sabado" for "sábado".

    Only for words we generate. One accent in a date would halve what fits into an SMS, every
    Saturday; names and the clinic's own words are never touched.
    """
    if is_gsm(text):
        return text
    letters = unicodedata.normalize("NFD", text)
    return "".join(each for each in letters if not unicodedata.combining(each))


@lru_cache(maxsize=1024)
def _is_public_field(kind: type, attribute: str) -> bool:
    fields = getattr(kind, "__dataclass_fields__", ())
    return attribute in fields and not attribute.startswith("_")


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, which goes to the fields of our own values without a question.

    It asks seven things about every attribute, and an e-mail reads 140 of them: two thirds of what
    its words cost.
    """

    def getattr(self, obj: Any, attribute: str) -> Any:  # noqa: ANN401 (the library's signature)
        """A public field of a dataclass is a plain value; about anything else the sandbox asks."""
        if _is_public_field(type(obj), attribute):  # type: ignore[arg-type] # a type is hashable
            return getattr(obj, attribute)
        return super().getattr(obj, attribute)

    def make_globals(self, d: Mapping[str, Any] | None) -> dict[str, Any]:
        """As one dict. The library's is a chain of dicts, which each rendering copies slowly."""
        return {**self.globals, **(d or {})}


def environment(
    *, html: bool, gsm: bool = False, trim: bool = True
) -> ImmutableSandboxedEnvironment:
    """A sandboxed environment in which a name that is not there is an error.

    Templates are the clinic's own and may be edited by anyone there: they can read the values
    they are given, and nothing else.
    """
    env = _Sandbox(
        undefined=StrictUndefined,
        autoescape=html,
        trim_blocks=trim,
        lstrip_blocks=trim,
        keep_trailing_newline=False,
    )
    finish = fold_to_gsm if gsm else str
    for name, function in (("day", day), ("clock", clock), ("moment", moment)):

        @pass_context
        def in_language(context: Context, value: datetime, function: _Format = function) -> str:
            return finish(function(value, context["locale"]))

        env.filters[name] = in_language
    return env


if TYPE_CHECKING:
    from collections.abc import Callable

    _Format = Callable[[datetime, Locale], str]
