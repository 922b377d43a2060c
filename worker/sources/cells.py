"""Cells as spreadsheet programs write them, made into texts that the row contract reads.

A spreadsheet changes what it is given: dates into its own country's order, long numbers into
``3.46E+10``. What can be undone for sure is undone. What cannot is refused with the reason: a date
that is guessed wrong would allow a patient sport or sun too early.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from worker.sources.values import Unreadable

DATES = frozenset({"completed_at", "next_session_at", "updated_at"})
_IDS = frozenset({"session_id", "patient_id"})
_NUMBERS = frozenset({"phone", "session_number", "sessions_planned"})

_FORMULA = re.compile(r'="(.*)"')
_SHORTENED = re.compile(r"[+-]?\d+(?:[.,]\d+)?E\+\d+", re.IGNORECASE)
_WHOLE = re.compile(r"(\d+)[.,]0+")
_SERIAL = re.compile(r"\d{5}(?:[.,]\d+)?")
_DATE = re.compile(r"(\d{1,4})([./-])(\d{1,2})\2(\d{1,4})(?:[ T,]+(\S.*))?")
_TIME = re.compile(
    r"(\d{1,2})[:.](\d{2})(?:[:.](\d{2})(?:[.,]\d+)?)?\s*(?:([ap])\.?\s?m\.?)?", re.IGNORECASE
)
_YEAR = 4
_MONTHS = 12
_NOON = 12


class Order(StrEnum):
    """Whether 05/06/2026 is in June or in May."""

    DAY_FIRST = "day-first"
    MONTH_FIRST = "month-first"


@dataclass(slots=True)
class Evidence:
    """Which order the dates of a file are written in: one that fits only one way shows it."""

    day_first_at: int = 0
    month_first_at: int = 0

    def look(self, text: str, line: int) -> None:
        """Take note of a date on a line, should it show the order."""
        parts = _DATE.fullmatch(text.strip())
        if parts is None or parts[2] == "." or len(parts[1]) == _YEAR:
            return
        if int(parts[1]) > _MONTHS:
            self.day_first_at = self.day_first_at or line
        if int(parts[3]) > _MONTHS:
            self.month_first_at = self.month_first_at or line

    @property
    def order(self) -> Order | None:
        """The order; None when nothing shows it, or the file contradicts itself."""
        if bool(self.day_first_at) == bool(self.month_first_at):
            return None
        return Order.DAY_FIRST if self.day_first_at else Order.MONTH_FIRST


def read_cell(column: str, cell: str, order: Order | None) -> str:
    """A cell of a column of the contract, as the row contract reads it."""
    text = cell.strip().removeprefix("'").strip()
    if wrapped := _FORMULA.fullmatch(text):
        text = wrapped[1]
    if column in DATES:
        return _read_date(text, order)
    if column in _IDS | _NUMBERS and _SHORTENED.fullmatch(text):
        return Unreadable(
            text,
            "is a long number that Excel has cut short (like 3.46E+10), its digits are lost; "
            "format the column as text in the clinic's system or in Excel, and export again",
        )
    if column in _NUMBERS and (whole := _WHOLE.fullmatch(text)):
        return whole[1]
    return text


def _read_date(text: str, order: Order | None) -> str:
    """A date as ISO 8601 text; one that is not understood stays as it is."""
    if _SERIAL.fullmatch(text):
        why = (
            "is a bare number, as Excel shows a date without its format; format the column as "
            "yyyy-mm-dd hh:mm and export again"
        )
        return Unreadable(text, why)
    parts = _DATE.fullmatch(text)
    if parts is None or _is_iso(text):
        return text
    first, mark, middle, last, time = parts.groups()
    if len(first) == _YEAR:
        return _iso(text, first, middle, last, time)
    if len(last) != _YEAR:
        why = "has a year of two digits; write it like 2026-11-23 15:30"
        return Unreadable(text, why)
    if mark == ".":
        return _iso(text, last, middle, first, time)
    return _read_in_order(text, (first, middle, last, time), order)


def _read_in_order(text: str, parts: tuple[str, str, str, str | None], order: Order | None) -> str:
    """A date with slashes or dashes, its year last: which comes first, the day or the month?"""
    first, middle, year, time = parts
    fits_day_first, fits_month_first = int(middle) <= _MONTHS, int(first) <= _MONTHS
    if order is None and fits_day_first and fits_month_first and first != middle:
        why = (
            "may be day/month or month/day, and nothing in the file tells which; write it like "
            "2026-11-23 15:30, or import with --dates day-first or --dates month-first"
        )
        return Unreadable(text, why)
    if order is Order.DAY_FIRST or (order is None and fits_day_first):
        return _iso(text, year, middle, first, time)
    return _iso(text, year, first, middle, time)


def _is_iso(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _iso(text: str, year: str, month: str, day: str, time: str | None) -> str:
    """The parts as ISO 8601 text; the text itself when they are no date."""
    try:
        date = datetime(int(year), int(month), int(day))  # noqa: DTZ001 (clinic-local)
    except ValueError:
        return text
    if time is None:
        return f"{date:%Y-%m-%d}"
    clock = _read_clock(time.strip())
    return f"{date:%Y-%m-%d} {clock}" if clock else text


def _read_clock(text: str) -> str:
    """A time of day as ``15:30:00``; empty when it is none."""
    parts = _TIME.fullmatch(text)
    if parts is None:
        return ""
    hour, half = int(parts[1]), (parts[4] or "").lower()
    if half and not 1 <= hour <= _NOON:
        return ""
    if half:
        hour = hour % _NOON + (_NOON if half == "p" else 0)
    return f"{hour:02}:{parts[2]}:{parts[3] or '00'}"
