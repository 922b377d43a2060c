"""Who comes to the sample clinic, and what happens there in six weeks.

Each patient shows one thing that matters. ``about`` says which, and is printed with the timeline.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from worker.rules.facts import Clinic

if TYPE_CHECKING:
    from collections.abc import Callable

    from worker.demo.booking import BookingDatabase

CLINIC = Clinic(
    key="glow",
    name="Glow Skin Clinic",
    zone=ZoneInfo("America/New_York"),
    country="US",
    language="en",
    phone="+12125550100",
    email="desk@glow.example.com",
    address="12 Orchard Street, New York, NY 10002",
    booking_url="https://glow.example.com/book",
)

#: A Monday; two weeks later the clocks go back.
START = datetime(2026, 10, 19, 8, 0, tzinfo=CLINIC.zone)
LENGTH = timedelta(weeks=6)


@dataclass(frozen=True, slots=True)
class Visit:
    """An appointment: when it starts (days after the start, time of day) and where in a course."""

    day: int
    time: str
    number: int = 1
    of: int = 3

    @property
    def starts_at(self) -> datetime:
        """Clinic-local."""
        hour, minute = map(int, self.time.split(":"))
        day = START.date() + timedelta(days=self.day)
        return datetime(day.year, day.month, day.day, hour, minute, tzinfo=CLINIC.zone)


@dataclass(frozen=True, slots=True)
class Person:
    """A sample patient."""

    name: str
    about: str
    visits: tuple[Visit, ...]
    mobile: str | None
    mail: str | None
    lang: str | None = None
    zone: str | None = None
    texts_ok: str = "yes"
    mails_ok: str = "yes"
    offers_ok: str = "yes"
    #: Days after the start on which the (first) session is taken back.
    cancelled_on: int | None = None
    #: Days after the start on which the front desk mends the zone.
    mended_on: int | None = None


PEOPLE = (
    Person(
        "Emma",
        "the plain case: five messages, by text and e-mail",
        (Visit(0, "14:00"),),
        "(212) 555-0111",
        "emma@example.com",
    ),
    Person(
        "Lucía",
        "reads Spanish",
        (Visit(0, "15:00"),),
        "212-555-0112",
        "lucia@example.com",
        lang="es",
    ),
    Person(
        "Noah",
        "lives in Honolulu: his own mornings count",
        (Visit(0, "16:00"),),
        "(808) 555-0113",
        "noah@example.com",
        zone="Pacific/Honolulu",
    ),
    Person(
        "Olivia",
        "an evening session: what falls due at night waits for the morning",
        (Visit(1, "19:45"),),
        "212 555 0114",
        "olivia@example.com",
    ),
    Person(
        "Liam",
        "no consent to text messages",
        (Visit(1, "10:00"),),
        "212 555 0115",
        "liam@example.com",
        texts_ok="no",
    ),
    Person(
        "Mia",
        "a phone number that cannot be used",
        (Visit(1, "11:00"),),
        "ask her",
        "mia@example.com",
    ),
    Person(
        "Ava",
        "the last session of her course: a word of thanks, and no invitation",
        (Visit(1, "13:00", 3, 3),),
        "212 555 0117",
        "ava@example.com",
    ),
    Person(
        "Ethan",
        "the session was entered by mistake and cancelled a day later",
        (Visit(2, "10:00"),),
        "212 555 0118",
        "ethan@example.com",
        cancelled_on=3,
    ),
    Person(
        "Sophia",
        "a second session after ten days restarts the restrictions",
        (Visit(2, "12:00", 1, 3), Visit(12, "12:00", 2, 3)),
        "212 555 0119",
        "sophia@example.com",
    ),
    Person(
        "Jack",
        "the next session is booked already: nothing about booking",
        (Visit(3, "09:00", 1, 2), Visit(45, "09:00", 2, 2)),
        "212 555 0120",
        "jack@example.com",
    ),
    Person(
        "Zoë",
        "no e-mail address, and no consent to invitations",
        (Visit(3, "17:00"),),
        "212 555 0121",
        None,
        offers_ok="no",
    ),
    Person(
        "Łukasz",
        "a time zone that does not exist, mended by the front desk a day later",
        (Visit(4, "11:00"),),
        "212 555 0122",
        "lukasz@example.com",
        zone="America/Newark",
        mended_on=5,
    ),
)


@dataclass(order=True, frozen=True, slots=True)
class Happening:
    """Something that happens in the clinic's booking system."""

    at: datetime
    do: Callable[[BookingDatabase], None] = field(compare=False)


def happenings() -> list[Happening]:
    """Everything that happens in the six weeks, in order."""
    events: list[Happening] = []
    appointment = 0
    for customer, person in enumerate(PEOPLE, 1):
        events.append(Happening(START, _register(customer, person)))
        for visit in person.visits:
            appointment += 1
            events += _visit(appointment, customer, visit)
        if person.cancelled_on is not None:
            when = START + timedelta(days=person.cancelled_on)
            events.append(Happening(when, _set_state(appointment, "cancelled", when)))
        if person.mended_on is not None:
            when = START + timedelta(days=person.mended_on, hours=2)
            events.append(Happening(when, _mend_zone(customer, CLINIC.zone.key)))
    return sorted(events)


def _visit(appointment: int, customer: int, visit: Visit) -> list[Happening]:
    booked = START + timedelta(minutes=appointment)
    course = (visit.number, visit.of)
    ended = visit.starts_at + timedelta(minutes=50)

    def book(db: BookingDatabase) -> None:
        starts_at = visit.starts_at
        db.book(appointment, customer=customer, starts_at=starts_at, course=course, now=booked)

    events = [Happening(booked, book)]
    if ended < START + LENGTH:
        events.append(Happening(ended, _set_state(appointment, "done", ended)))
    return events


def _register(customer: int, person: Person) -> Callable[[BookingDatabase], None]:
    row: dict[str, Any] = {
        "id": customer,
        "given_name": person.name,
        "family_name": "Sample",
        "mobile": person.mobile,
        "mail": person.mail,
        "lang": person.lang,
        "zone": person.zone,
        "texts_ok": person.texts_ok,
        "mails_ok": person.mails_ok,
        "offers_ok": person.offers_ok,
    }
    return lambda db: db.add_customer(**row)


def _set_state(appointment: int, state: str, at: datetime) -> Callable[[BookingDatabase], None]:
    return lambda db: db.set_state(appointment, state, at)


def _mend_zone(customer: int, zone: str) -> Callable[[BookingDatabase], None]:
    return lambda db: db.set_zone(customer, zone)
