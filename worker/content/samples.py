"""Sample clinics, patients and sessions that every message is tried on before a patient gets it.

Between them they take every branch a template usually has: names long and short, in other scripts
and missing; the first, a middle and the last session of a course and one that is not counted; the
next session booked or not; another session that restricts for longer; the longest dates.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import phonenumbers
from babel.core import get_global

from worker.content.context import message_context
from worker.rules.contacts import show_phone
from worker.rules.facts import Clinic, Patient, Session
from worker.rules.planning import plan, restriction_ends

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from worker.rules.protocol import Milestone, Protocol

_MADRID = ZoneInfo("Europe/Madrid")
#: First names that people have. The first is the one every situation is tried with.
NAMES = (
    "Ana",
    "",
    "María José",
    "Łukasz",
    "Александра",
    "小明",
    "محمد",
    "O'Brien",
    "Maximiliana-Christophora von und zu Hohenlohe-Langenburg",
)
#: A clinic of usual size and place.
CLINIC = Clinic(
    key="sample",
    name="Glow Skin Clinic",
    zone=_MADRID,
    country="ES",
    language="en",
    phone="+34910123456",
    email="desk@glow.example.com",
    address="Calle Mayor 1, 28013 Madrid",
    booking_url="https://glow.example.com/book",
)
_NEW_YORK = replace(CLINIC, zone=ZoneInfo("America/New_York"), country="US", phone="+12125550100")


@dataclass(frozen=True, slots=True)
class Sample:
    """One patient of one clinic after one session."""

    #: What is special about it, for findings: ``the next session is booked``.
    about: str
    clinic: Clinic
    first_name: str
    session: Session
    #: Another session of the patient.
    other: Session | None = None
    #: Whether the clinic is one that is set up here.
    real_clinic: bool = False

    @property
    def phone(self) -> str:
        """The clinic's number as the patient reads it."""
        return show_phone(self.clinic.phone, self.clinic.country)

    def fits(self, milestone: Milestone) -> bool:
        """Whether a patient in this situation gets the message."""
        return milestone.applies(self.session.condition_facts([self.other] if self.other else []))

    def context(
        self, milestone: str, language: str, protocols: Mapping[str, Protocol]
    ) -> dict[str, Any]:
        """What the message's template is given."""
        patient = self._patient(language)
        others = [self.other] if self.other else []
        planned = plan(self.session, patient, others, protocols)
        return message_context(
            self.clinic,
            patient,
            self.session,
            ends=restriction_ends([self.session, *others], protocols, patient.zone),
            due_at=next(each.due_at for each in planned if each.milestone == milestone),
            language=language,
        )

    def _patient(self, language: str) -> Patient:
        return Patient(
            clinic=self.clinic.key,
            patient_id="sample",
            first_name=self.first_name,
            phone=self.clinic.phone,
            email=self.clinic.email,
            language=language,
            zone=self.clinic.zone,
            sms_consent=True,
            email_consent=True,
            marketing_consent=True,
        )


def samples(treatment: str, language: str, clinics: Sequence[Clinic] = ()) -> list[Sample]:
    """Every sample for one treatment's messages in one language.

    Args:
        treatment: The folder's name.
        language: Sample clinics stand where it is spoken.
        clinics: Clinics that are set up here; each adds a sample with its own name and number.
    """
    home = _clinic_for(language)
    first = _ended(treatment, "2026-11-23 15:00", home)
    return [
        *(Sample(about, home, NAMES[0], *rest) for about, *rest in _situations(treatment, home)),
        *(Sample(_about_name(name), home, name, first) for name in NAMES[1:]),
        Sample("a clinic in the United States", _NEW_YORK, NAMES[0],
               _ended(treatment, "2026-09-27 23:45", _NEW_YORK)),
        Sample("a clinic without a booking page or an address",
               replace(home, booking_url="", address=""), NAMES[0], first),
        *(
            Sample(f"your clinic {each.name}", each, NAMES[0],
                   _ended(treatment, "2026-09-27 23:45", each), real_clinic=True)
            for each in clinics
        ),
    ]  # fmt: skip


def _situations(treatment: str, clinic: Clinic) -> Iterator[tuple[Any, ...]]:
    def ended(moment: str, **facts: int | datetime | None) -> Session:
        return _ended(treatment, moment, clinic, **facts)

    monday = "2026-11-23 15:00"
    yield "a first session of three", ended(monday)
    yield "a second session of three", ended(monday, session_number=2)
    yield "the last session of a course", ended(monday, session_number=3)
    yield "a course of one", ended(monday, session_number=1, sessions_planned=1)
    not_counted = ended(monday, session_number=None, sessions_planned=None)
    yield "a session of which the course is not known", not_counted
    booked = _moment("2026-12-21 16:30", clinic)
    yield "the next session is booked", ended(monday, next_session_at=booked)
    past = _moment("2026-11-16 16:30", clinic)
    yield "the next session was booked for a day that is over", ended(monday, next_session_at=past)
    yield "a session that ended at midnight", ended("2026-11-23 00:00")
    yield "the longest dates of the year", ended("2026-09-16 23:45")
    yield "the longest dates of the year, three days on", ended("2026-09-27 23:45")
    yield "a Saturday, with an accent in Spanish", ended("2026-11-28 18:40")
    # A permission would not go out then; what else the message says must hold all the same.
    later = ended("2026-12-07 12:00", session_number=2)
    yield "another session two weeks later", ended(monday), later


def _about_name(name: str) -> str:
    return f'a patient called "{name}"' if name else "a patient without a first name"


def _ended(treatment: str, moment: str, clinic: Clinic, **facts: int | datetime | None) -> Session:
    session = Session(
        "sample", treatment, _moment(moment, clinic), session_number=1, sessions_planned=3
    )
    return replace(session, **facts)  # type: ignore[arg-type]


def _moment(text: str, clinic: Clinic) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=clinic.zone)


@lru_cache
def _clinic_for(language: str) -> Clinic:
    """The sample clinic where a language is mostly spoken, for its clock and its phone numbers."""
    if language == "en":
        return replace(_NEW_YORK, zone=_MADRID)
    country = get_global("likely_subtags").get(language, "").rpartition("_")[2]
    number = phonenumbers.example_number(country) if country != "ES" else None
    if number is None:
        return replace(CLINIC, language=language)
    phone = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return replace(CLINIC, language=language, country=country, phone=phone)
