"""Sample clinics, patients and sessions that between them take every branch of the templates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tests.support.stored import PATIENT
from tests.support.world import MADRID
from worker.content.context import message_context
from worker.resources import TEMPLATES
from worker.rules.facts import Clinic, Session
from worker.rules.messages import Channel
from worker.rules.planning import plan, restriction_ends

if TYPE_CHECKING:
    from pathlib import Path

    from worker.content.library import Library
    from worker.rules.messages import Words

TREATMENT = "microneedling"
MILESTONES = (
    "home",
    "first-day",
    "active-again",
    "exfoliate-again",
    "next-session",
    "course-complete",
)
LANGUAGES = ("en", "es")
#: Every message that ships.
MESSAGES = [(name, channel) for name in MILESTONES for channel in Channel]

GLOW = Clinic(
    key="glow",
    name="Glow Clinic",
    zone=MADRID,
    country="ES",
    language="es",
    phone="+34910123456",
    email="desk@glow.example.com",
    address="Calle Mayor 1, 28013 Madrid",
    booking_url="https://glow.example.com/book",
    colour="#b4531f",
)
BOSTON = replace(GLOW, name="Harbor Clinic", country="US", language="en", phone="+16175550123")

#: Names that people have, and some that they have not.
NAMES = [
    "Ana",
    "",
    "María José",
    "Łukasz",
    "Александра",
    "小明",
    "محمد",
    "Zoë 👩‍⚕️",
    "O'Brien",
    "Maximiliana-Christophora von und zu Hohenlohe-Langenburg",
    "Krungthepmahanakhon" * 10,
]


@dataclass(frozen=True, slots=True)
class Situation:
    """A session and what else bears on its messages."""

    session: Session
    #: Another session of the patient, a while later.
    later: Session | None = None
    clinic: Clinic = GLOW


def ended(moment: str, **facts: Any) -> Session:
    """A session that ended at a Madrid time: the first of three, unless told otherwise."""
    course = {"session_number": 1, "sessions_planned": 3}
    at = datetime.fromisoformat(moment).replace(tzinfo=MADRID)
    return Session("S1", TREATMENT, at, **{**course, **facts})


def _at(moment: str) -> datetime:
    return datetime.fromisoformat(moment).replace(tzinfo=MADRID)


MONDAY = ended("2026-11-23 15:00")
#: What makes the templates' branches differ, by what it is.
SITUATIONS = {
    "the first of three": Situation(MONDAY),
    "in Boston": Situation(MONDAY, clinic=BOSTON),
    "the last of three": Situation(ended("2026-11-23 15:00", session_number=3)),
    "a course that is not counted": Situation(
        ended("2026-11-23 15:00", session_number=None, sessions_planned=None)
    ),
    "the next one is booked": Situation(
        ended("2026-11-23 15:00", next_session_at=_at("2026-12-21 16:30"))
    ),
    "the next one was booked for last week": Situation(
        ended("2026-11-23 15:00", next_session_at=_at("2026-11-16 16:30"))
    ),
    "back two weeks later": Situation(MONDAY, ended("2026-12-07 12:00", session_number=2)),
    "back four weeks later": Situation(MONDAY, ended("2026-12-21 12:00", session_number=2)),
    "at midnight": Situation(ended("2026-11-23 00:00")),
    "the longest day and month": Situation(ended("2026-09-16 23:45")),
    "clocks go back": Situation(ended("2026-10-24 18:40")),
    "a clinic without a booking page": Situation(
        MONDAY, clinic=replace(GLOW, booking_url="", address="")
    ),
}


def render(
    library: Library,
    milestone: str,
    channel: Channel,
    language: str,
    *,
    situation: Situation = SITUATIONS["the first of three"],
    name: str = "Ana",
) -> Words:
    """The words as the worker would send them."""
    patient = replace(PATIENT, first_name=name, language=language)
    others = [situation.later] if situation.later else []
    sessions = [situation.session, *others]
    planned = plan(situation.session, patient, others, library.protocols)
    due_at = next(each.due_at for each in planned if each.milestone == milestone)
    template = library.find(TREATMENT, milestone, channel, wanted=language, fallback="en")
    context = message_context(
        situation.clinic,
        patient,
        situation.session,
        ends=restriction_ends(sessions, library.protocols, patient.zone),
        due_at=due_at,
        language=template.language,
    )
    return template.render(context)


def template_path(folder: Path, milestone: str, channel: Channel, language: str) -> Path:
    """Where a message's template lies."""
    suffix = {Channel.SMS: "sms.txt", Channel.EMAIL: "email.md"}[channel]
    return folder / TREATMENT / language / f"{milestone}.{suffix}"


def shipped(milestone: str, channel: Channel, language: str) -> str:
    """A shipped template's source."""
    return template_path(TEMPLATES, milestone, channel, language).read_text(encoding="utf-8")
