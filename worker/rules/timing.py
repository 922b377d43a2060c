"""When: spans of time, due times and the hours in which a patient may be disturbed.

Every moment that goes in or comes out is an aware datetime; results are in UTC. Hours and minutes
elapse; days and weeks are calendar days in the patient's zone ("three days later, at the same time
on the clock").
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


class Unit(StrEnum):
    """What a span counts in."""

    __hash__ = str.__hash__  # in C; an enum's own is not, and each look-up would wait for it

    #: Elapses, whatever the clock on the wall does.
    MINUTES = "minutes"
    #: Elapses, whatever the clock on the wall does.
    HOURS = "hours"
    #: Calendar days in the patient's zone.
    DAYS = "days"
    #: Seven calendar days each.
    WEEKS = "weeks"


_SPAN = re.compile(r"\s*(\d{1,4})\s*(minute|hour|day|week)s?\s*", re.IGNORECASE)
_ELAPSED = {Unit.MINUTES: timedelta(minutes=1), Unit.HOURS: timedelta(hours=1)}
_UNITS = {**_ELAPSED, Unit.DAYS: timedelta(days=1), Unit.WEEKS: timedelta(weeks=1)}
#: How far a calendar day can be from 24 hours: clocks changed by an hour.
_CLOCK_CHANGE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time as a protocol writes it: ``15 minutes``, ``24 hours``, ``3 days``."""

    amount: int
    unit: Unit
    #: Whether it runs on whatever clocks do; else it counts calendar days.
    elapses: bool = field(init=False, repr=False, compare=False)
    _nominal: timedelta = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Worked out once: planning asks twelve times for each session.
        object.__setattr__(self, "elapses", self.unit in _ELAPSED)
        object.__setattr__(self, "_nominal", self.amount * _UNITS[self.unit])

    @classmethod
    def parse(cls, text: str) -> Span:
        """Read ``"3 days"``.

        Raises:
            ValueError: When it is not a whole number and a unit.
        """
        found = _SPAN.fullmatch(text)
        if not found:
            message = f'"{text}" is not a length of time; write it like "15 minutes" or "3 days"'
            raise ValueError(message)
        return cls(int(found[1]), Unit(found[2].lower() + "s"))

    def __str__(self) -> str:
        unit = self.unit.value
        return f"{self.amount} {unit[:-1] if self.amount == 1 else unit}"

    def after(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """The moment this span after ``moment``, in UTC."""
        if self.elapses:
            return moment.astimezone(UTC) + self._nominal
        local = moment.astimezone(zone)
        day = local.date() + self._nominal
        return at_wall_time(day, local.time(), zone)

    @property
    def shortest(self) -> timedelta:
        """The least that this span can last, when clocks change inside it."""
        return self._nominal if self.elapses else self._nominal - _CLOCK_CHANGE

    @property
    def longest(self) -> timedelta:
        """The most that this span can last, when clocks change inside it."""
        return self._nominal if self.elapses else self._nominal + _CLOCK_CHANGE

    def never_before(self, other: Span) -> bool:
        """Whether this span, from the same start, can never end before ``other`` does."""
        if self.elapses == other.elapses:
            return self._nominal >= other._nominal
        return self.shortest >= other.longest


# Planning asks for the same days' ten o'clock again and again: half its time in a trial.
@lru_cache(maxsize=1024)
def at_wall_time(day: date, wall: time, zone: ZoneInfo) -> datetime:
    """The UTC moment at which clocks in ``zone`` show ``wall`` on ``day``.

    When clocks change, a wall time can come twice or not at all. Then the later reading counts:
    waiting a little longer is never wrong here, being early is.
    """
    one = datetime.combine(day, wall, tzinfo=zone)
    other = one.replace(fold=1 - one.fold)
    return max(one.astimezone(UTC), other.astimezone(UTC))


def next_wall_time(moment: datetime, wall: time, zone: ZoneInfo) -> datetime:
    """The first ``wall`` o'clock in ``zone`` at or after ``moment``, in UTC."""
    day = moment.astimezone(zone).date()
    today = at_wall_time(day, wall, zone)
    return today if today >= moment else at_wall_time(day + timedelta(days=1), wall, zone)


def due_time(start: datetime, after: Span, at: time | None, zone: ZoneInfo) -> datetime:
    """When a milestone falls due: ``after`` past ``start``, then the first ``at`` o'clock."""
    ready = after.after(start, zone)
    return ready if at is None else next_wall_time(ready, at, zone)


def start_of_next_day(moment: datetime, zone: ZoneInfo) -> datetime:
    """The next midnight in ``zone`` after ``moment``, in UTC."""
    return at_wall_time(moment.astimezone(zone).date() + timedelta(days=1), time.min, zone)


@dataclass(frozen=True, slots=True)
class SendingHours:
    """The part of a patient's day in which a message may arrive; the rest is quiet.

    The default is stricter than the US rule for solicitations, 8 am to 9 pm at the recipient's
    location (47 CFR 64.1200(c)(1)), because some states end at 8 pm.
    """

    opens: time = time(9)
    closes: time = time(20)

    def __post_init__(self) -> None:
        if self.opens >= self.closes:
            message = f"sending hours must open before they close, not {self}"
            raise ValueError(message)

    def __str__(self) -> str:
        return f"{self.opens:%H:%M}-{self.closes:%H:%M}"

    @property
    def quiet_night(self) -> timedelta:
        """How long the quiet part between two days lasts."""
        awake = datetime.combine(date.min, self.closes) - datetime.combine(date.min, self.opens)
        return timedelta(days=1) - awake

    def quiet_until(self, now: datetime, zone: ZoneInfo) -> datetime | None:
        """When the quiet hours that ``now`` falls in end, in UTC; None when it is not quiet."""
        if self.opens <= now.astimezone(zone).time() < self.closes:
            return None
        return next_wall_time(now, self.opens, zone)
