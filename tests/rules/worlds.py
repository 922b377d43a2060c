"""Hypothesis strategies: patients all over the world, and sessions close to clock changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from tests.rules.given import CLINIC, PROTOCOLS, patient
from worker.rules.facts import Session
from worker.rules.gate import Situation
from worker.rules.planning import plan, restriction_ends

if TYPE_CHECKING:
    from worker.rules.facts import Patient
    from worker.rules.planning import PlannedMessage

#: From the last place to see a day to the first; half hours and quarters; clocks that change at
#: midnight, by half an hour, by two hours, around Ramadan, or once and never again since 2024.
_NAMES = """
    Pacific/Pago_Pago Pacific/Honolulu Pacific/Marquesas America/Adak America/Los_Angeles
    America/Phoenix America/Denver America/Mexico_City Pacific/Easter America/New_York
    America/Havana America/Asuncion America/Santiago America/Halifax America/St_Johns
    America/Sao_Paulo America/Nuuk America/Scoresbysund Atlantic/Azores Europe/London
    Africa/Casablanca Africa/El_Aaiun Antarctica/Troll Europe/Madrid Europe/Berlin Africa/Cairo
    Asia/Beirut Asia/Gaza Europe/Chisinau Europe/Istanbul Asia/Tehran Asia/Dubai Asia/Kolkata
    Asia/Kathmandu Asia/Almaty Asia/Shanghai Australia/Eucla Asia/Tokyo Australia/Adelaide
    Australia/Sydney Australia/Lord_Howe Pacific/Norfolk Pacific/Auckland Pacific/Chatham
    Pacific/Apia Pacific/Kiritimati
"""
ZONES = tuple(ZoneInfo(name) for name in _NAMES.split())
FIRST, LAST = datetime(2024, 1, 1, tzinfo=UTC), datetime(2030, 12, 31, tzinfo=UTC)
#: How long before a clock change a session must end for something to fall due at that change.
_REACHES = tuple(timedelta(days=days) for days in (0, 1, 2, 3, 7, 14, 28))


@lru_cache
def clock_changes(zone: ZoneInfo) -> tuple[datetime, ...]:
    """The moments, to the minute, at which clocks in a zone change."""
    days = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days)]
    return tuple(
        _change_within(day, day + timedelta(days=1), zone)
        for day in days
        if _offset(day, zone) != _offset(day + timedelta(days=1), zone)
    )


def _change_within(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    while after - before > timedelta(minutes=1):
        middle = before + (after - before) / 2
        if _offset(middle, zone) == _offset(before, zone):
            before = middle
        else:
            after = middle
    return after.replace(second=0, microsecond=0)


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta | None:
    return moment.astimezone(zone).utcoffset()


def minutes(least: float, most: float) -> st.SearchStrategy[timedelta]:
    """Spans of whole minutes, given in hours."""
    return st.integers(int(least * 60), int(most * 60)).map(lambda n: timedelta(minutes=n))


zones = st.sampled_from(ZONES)
anytime = st.datetimes(
    FIRST.replace(tzinfo=None), LAST.replace(tzinfo=None), timezones=st.just(UTC)
)


@st.composite
def ends_of_sessions(draw: st.DrawFn, zone: ZoneInfo) -> datetime:
    """When a session ended: at any time, or so that something falls due at a clock change."""
    changes = clock_changes(zone)
    if not changes or draw(st.booleans()):
        return draw(anytime)
    return draw(st.sampled_from(changes)) - draw(st.sampled_from(_REACHES)) + draw(minutes(-3, 3))


@dataclass(frozen=True, slots=True)
class Case:
    """A patient and all their sessions, the first of which is the one that is looked at."""

    patient: Patient
    sessions: tuple[Session, ...]

    @property
    def plan(self) -> list[PlannedMessage]:
        """The first session's plan."""
        return plan(self.sessions[0], self.patient, self.sessions[1:], PROTOCOLS)

    def situation(self, message: PlannedMessage) -> Situation:
        """What the gate sees of one of its messages."""
        first, *others = self.sessions
        return Situation(
            channel=message.channel,
            kind=message.kind,
            due_at=message.due_at,
            expires_at=message.expires_at,
            session=first,
            patient=self.patient,
            clinic=CLINIC,
            milestone=PROTOCOLS[first.treatment].milestone(message.milestone),
            ends=restriction_ends(self.sessions, PROTOCOLS, self.patient.zone),
            others=tuple(others),
        )


@st.composite
def cases(draw: st.DrawFn, *, most_sessions: int = 4) -> Case:
    """A patient anywhere with up to four sessions in a few weeks, some withdrawn, some peels."""
    zone = draw(zones)
    ended = draw(ends_of_sessions(zone))
    treatment = draw(st.sampled_from(sorted(PROTOCOLS)))
    sessions = [Session("S0", treatment, ended, session_number=1, sessions_planned=3)]
    for number in range(1, draw(st.integers(1, most_sessions))):
        other = Session(
            session_id=f"S{number}",
            treatment=draw(st.sampled_from(sorted(PROTOCOLS))),
            completed_at=ended + draw(minutes(-21 * 24, 21 * 24)),
            withdrawn=draw(st.sampled_from(["", "", "cancelled"])),
        )
        sessions.append(other)
    return Case(patient(zone=zone), tuple(sessions))


@st.composite
def messages(draw: st.DrawFn) -> tuple[Case, PlannedMessage, datetime]:
    """A case, one of its messages and a moment: around its due time, its end, or in between."""
    case = draw(cases())
    message = draw(st.sampled_from(case.plan))
    length = (message.expires_at - message.due_at) / timedelta(hours=1)
    start = draw(st.sampled_from([message.due_at, message.expires_at]))
    now = start + draw(st.one_of(minutes(-3, 3), minutes(-length, length)))
    return case, message, now
