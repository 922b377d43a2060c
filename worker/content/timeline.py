"""The timeline of an e-mail: a column for each day, a bar for each restriction, and today.

Only numbers and words are worked out here; ``templates/layout/timeline.html`` paints them, and
``timeline.txt`` tells the same in the text part.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from worker.content.layout import Layout

#: The last day that is always shown; a restriction that ends later makes the timeline longer.
LAST_DAY = 14
#: With more columns than this only the weeks are numbered.
_ROOM_FOR_NUMBERS = 16
_WEEK = 7
#: Then two digits take this many columns.
_TWO_DIGITS = 3
_SECONDS_A_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Day:
    """A day's column: its number, where there is room for it."""

    number: int
    label: str
    today: bool
    #: How many columns the label takes, its own in the middle.
    span: int
    #: Of those, in per cent of the whole.
    width: float


@dataclass(frozen=True, slots=True)
class Row:
    """A restriction: what is said of it, and how much of the bar is waiting."""

    name: str
    says: str
    allowed: bool
    #: Per cent of the whole width.
    wait: float
    free: float


@dataclass(frozen=True, slots=True)
class Timetable:
    """What ``timetable`` is in the timeline's templates."""

    today: str
    days: tuple[Day, ...]
    rows: tuple[Row, ...]
    #: Of one day's column, in per cent.
    column: float


def timetable(context: Mapping[str, Any], layout: Layout, names: Sequence[str]) -> Timetable:
    """The timeline for one patient.

    Args:
        context: What a message's template may use, see ``context.py``.
        layout: The language's words.
        names: The restrictions to show, in order.
    """
    now, ends = context["now"], context["ends"]
    start = context["completed_at"].date()
    today = max((now.date() - start).days, 0)
    ending = {name: (ends[name].date() - start).days for name in names}
    last = max(LAST_DAY, *(_last_day(ends[name], ending[name]) for name in names))
    count = last + 1
    rows = []
    for name in names:
        words, end = layout.restriction(name), ends[name]
        allowed = end <= now
        phrase = words.allowed if allowed else words.wait
        wait = min(max((ending[name] + _part_of_day(end)) / count, 0), 1)
        says = phrase.render({**context, "end": end}).strip()
        rows.append(Row(words.name, says, allowed, _percent(wait), _percent(1 - wait)))
    return Timetable(
        today=layout.words.timeline.today.render({**context, "day": today}).strip(),
        days=_axis(today, count, frozenset(ending.values())),
        rows=tuple(rows),
        column=_percent(1 / count),
    )


def _last_day(end: datetime, number: int) -> int:
    """The last day that a restriction touches: one that ends at midnight ends the day before."""
    return number - 1 if end.time() == time.min else number


# Patients of the same day share it: a tenth of what an e-mail's words take.
@lru_cache(maxsize=256)
def _axis(today: int, count: int, ending: frozenset[int]) -> tuple[Day, ...]:
    """The columns' heads: every day has one, or the weeks have, when there are too many days."""
    return tuple(_heads(today, count, ending))


def _heads(today: int, count: int, ending: Collection[int]) -> Iterator[Day]:
    crowded = count > _ROOM_FOR_NUMBERS
    shown = {0, _WEEK, count - 1, *ending}
    if crowded:
        shown = {each for each in range(0, count, _WEEK) if abs(each - today) > _TWO_DIGITS - 1}
    shown.add(today)
    number = 0
    while number < count:
        middle = number + _TWO_DIGITS // 2
        if crowded and middle in shown and middle > 9:  # noqa: PLR2004 (two digits)
            span = min(_TWO_DIGITS, count - number)
            yield Day(middle, str(middle), middle == today, span, _percent(span / count))
            number += span
        else:
            label = str(number) if number in shown else ""
            yield Day(number, label, number == today, 1, _percent(1 / count))
            number += 1


def _part_of_day(moment: datetime) -> float:
    return (moment.hour * 3600 + moment.minute * 60 + moment.second) / _SECONDS_A_DAY


def _percent(part: float) -> float:
    return round(part * 100, 2)
