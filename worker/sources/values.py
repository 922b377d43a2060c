"""Single values of a row, in all the shapes that databases and spreadsheets give them.

Each reader raises ``ValueError`` with words that follow the column's name: "is empty".
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Self

_LENGTH_OF_A_DATE = len("2026-11-23")
#: No course is longer.
_MOST_SESSIONS = 1000
#: As databases and spreadsheets write it, in the languages that spreadsheets speak.
_YES = {
    *("1", "t", "true", "y", "yes", "on", "x", "s", "si", "sí", "verdadero", "j", "ja", "wahr"),
    *("oui", "vrai", "vero", "sì", "sim", "verdadeiro", "waar", "tak", "prawda"),
}
_NO = {
    *("0", "f", "false", "n", "no", "off", "falso", "nein", "falsch"),
    *("non", "faux", "não", "nao", "nee", "onwaar", "nie", "fałsz"),
}


class Unreadable(str):
    """A text that its source cannot make sense of: it stays what it is, and says why."""

    __slots__ = ("why",)
    why: str

    def __new__(cls, text: str, why: str) -> Self:
        """The text as it stands, and words that follow the column's name."""
        made = super().__new__(cls, text)
        made.why = why
        return made

    def __repr__(self) -> str:
        """Unlike that of the same text which can be read: a row with it is another row."""
        return f"{super().__repr__()}?"


def read_id(value: object) -> str:
    """An id, as text; it must not be empty."""
    text = read_text(value)
    if not text:
        message = "is empty"
        raise ValueError(message)
    return text


def read_text(value: object) -> str:
    """A text without blanks around it; empty when there is none."""
    _refuse(value)
    text = "" if value is None else str(value).strip()
    if "\0" in text:
        message = "holds a character that no database can keep (NUL)"
        raise ValueError(message)
    return text


def read_flag(value: object) -> bool:
    """A yes or no that must be there."""
    if isinstance(value, bytes):  # MariaDB's BIT(1)
        value = int.from_bytes(value)
    text = "" if value is None else str(value).strip().lower()
    if text in _YES | _NO:
        return text in _YES
    message = "is empty; it must say yes or no" if not text else "is neither yes nor no"
    raise ValueError(message)


def read_flag_or_no(value: object) -> bool:
    """A yes or no; nothing means no."""
    return False if value is None or value == "" else read_flag(value)


def read_time(value: object) -> datetime:
    """A date with a time of day, naive or aware, from a driver or as ISO 8601 text."""
    _refuse(value)
    if isinstance(value, datetime):
        return value
    text = "" if value is None else str(value).strip()
    if len(text) <= _LENGTH_OF_A_DATE:
        message = "is empty" if not text else "has no time of day; write it like 2026-11-23 15:30"
        raise ValueError(message)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        message = "is not a date and time; write it like 2026-11-23 15:30"
        raise ValueError(message) from None


def read_day_or_time(value: object) -> datetime | None:
    """A date, with or without a time of day."""
    _refuse(value)
    if value is None or value == "":
        return None
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time.min)
    text = str(value).strip()
    return read_time(f"{text} 00:00" if len(text) == _LENGTH_OF_A_DATE else value)


def read_time_or_none(value: object) -> datetime | None:
    """A date with a time of day, if it can be read."""
    # Only makes reading faster: one that cannot be read is no reason to keep a patient waiting.
    try:
        return read_time(value)
    except ValueError:
        return None


def read_count(value: object) -> int | None:
    """A number from 1, if there is one."""
    if value is None or value == "":
        return None
    try:
        count = int(str(value).strip())
    except ValueError:
        count = 0
    if count > _MOST_SESSIONS:
        message = "is larger than any course"
        raise ValueError(message)
    if count < 1:
        message = "is not a number from 1"
        raise ValueError(message)
    return count


def _refuse(value: object) -> None:
    """What the source could not read, nobody reads."""
    if isinstance(value, Unreadable):
        raise ValueError(value.why)  # noqa: TRY004 (what pydantic expects of a reader)
