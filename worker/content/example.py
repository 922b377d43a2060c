"""A made-up patient for each message, to show how it reads before anybody real gets it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from worker.content.context import message_context
from worker.errors import TemplateError
from worker.rules.facts import Patient, Session
from worker.rules.planning import plan, restriction_ends

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from worker.content.library import Library
    from worker.rules.facts import Clinic
    from worker.rules.messages import Channel, Words
    from worker.rules.planning import PlannedMessage
    from worker.rules.protocol import Milestone

NAMES = {"en": "Emma", "es": "Ana"}
#: A name outside the GSM alphabet, to show what it costs in a text message.
COSTLY_NAME = "Łukasz"
_ENDED_AT = time(15)


@dataclass(frozen=True, slots=True)
class Example:
    """One message to a made-up patient, and the same to one whose name costs more."""

    milestone: Milestone
    channel: Channel
    due_at: datetime
    words: Words | None
    costly: Words | None
    #: Why there are no words.
    problem: str = ""
    #: What is to be known about the words.
    note: str = ""


def example_session(treatment: str, clinic: Clinic, now: datetime) -> Session:
    """The first session of three, which ended last Monday at 15:00."""
    today = now.astimezone(clinic.zone).date()
    monday = today - timedelta(days=today.weekday() or 7)
    ended = datetime.combine(monday, _ENDED_AT, tzinfo=clinic.zone)
    return Session("example", treatment, ended, session_number=1, sessions_planned=3)


def example_patient(clinic: Clinic, language: str) -> Patient:
    """A patient of the clinic who agreed to everything."""
    return Patient(
        clinic=clinic.key,
        patient_id="example",
        first_name=NAMES.get(language, "Alex"),
        phone=clinic.phone,
        email=clinic.email,
        language=language,
        zone=clinic.zone,
        sms_consent=True,
        email_consent=True,
        marketing_consent=True,
    )


def examples(
    library: Library, clinic: Clinic, treatment: str, language: str, now: datetime
) -> Iterator[Example]:
    """Every message of a treatment in one language, in the protocol's order."""
    patient = example_patient(clinic, language)
    protocol = library.protocols[treatment]
    for milestone in protocol.milestones:
        session = _fitting(milestone, example_session(treatment, clinic, now))
        for planned in plan(session, patient, [], library.protocols):
            if planned.milestone == milestone.name:
                yield _example(library, clinic, patient, session, milestone, planned)


def _fitting(milestone: Milestone, session: Session) -> Session:
    """A session for which the milestone's ``when`` holds, if there is one."""
    soon = session.completed_at + timedelta(weeks=5)
    others = (
        session,
        replace(session, session_number=2, next_session_at=soon),
        replace(session, session_number=3),
        replace(session, session_number=None, sessions_planned=None),
    )
    return next((each for each in others if milestone.applies(each.condition_facts())), session)


def _example(  # noqa: PLR0917 (what a message is made from)
    library: Library,
    clinic: Clinic,
    patient: Patient,
    session: Session,
    milestone: Milestone,
    planned: PlannedMessage,
) -> Example:
    try:
        template = library.find(
            session.treatment,
            milestone.name,
            planned.channel,
            wanted=patient.language,
            fallback=clinic.language,
        )
        context: Mapping[str, Any] = message_context(
            clinic,
            patient,
            session,
            ends=restriction_ends([session], library.protocols, patient.zone),
            due_at=planned.due_at,
            language=template.language,
        )
        words = template.render(context)
        costly = template.render({**context, "first_name": COSTLY_NAME})
    except TemplateError as error:
        return Example(milestone, planned.channel, planned.due_at, None, None, str(error))
    note = ""
    if template.language != patient.language:
        note = f"Not translated yet, so patients get it as in {template.file}."
    return Example(milestone, planned.channel, planned.due_at, words, costly, note=note)
