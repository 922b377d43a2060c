"""What a template may say: the names that stand in ``{{ … }}``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha1
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL

from babel.lists import format_list

from worker.content.colours import Palette, palette
from worker.content.language import locale_for
from worker.rules.contacts import show_phone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from babel import Locale

    from worker.rules.facts import Clinic, Patient, Session

_NAMESPACE = NAMESPACE_URL.bytes


@dataclass(frozen=True, slots=True)
class ClinicWords:
    """The clinic, as a patient sees it."""

    name: str
    #: As people read it, and as a ``tel:`` link needs it.
    phone: str
    tel: str
    email: str
    address: str
    booking_url: str
    colour: str
    logo_url: str
    #: The colour in shades that can be read.
    palette: Palette


@lru_cache(maxsize=256)
def clinic_words(clinic: Clinic) -> ClinicWords:
    """A clinic as a patient sees it."""
    return ClinicWords(
        name=clinic.name,
        phone=show_phone(clinic.phone, clinic.country),
        tel=clinic.phone,
        email=clinic.email,
        address=clinic.address,
        booking_url=clinic.booking_url,
        colour=clinic.colour,
        logo_url=clinic.logo_url,
        palette=palette(clinic.colour),
    )


@lru_cache(maxsize=256)
def _listed(treatments: tuple[str, ...], locale: Locale) -> str:
    return format_list(treatments, locale=locale)


def _reference(name: str) -> str:
    """``uuid5(NAMESPACE_URL, name)`` in a third of its time (RFC 9562, section 5.5)."""
    made = bytearray(sha1(_NAMESPACE + name.encode(), usedforsecurity=False).digest()[:16])
    made[6] = made[6] & 0x0F | 0x50
    made[8] = made[8] & 0x3F | 0x80
    text = made.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def message_context(
    clinic: Clinic,
    patient: Patient,
    session: Session,
    *,
    ends: Mapping[str, datetime],
    due_at: datetime,
    language: str,
    now: datetime | None = None,
    treatments: Sequence[str] = (),
    unsubscribe_url: str = "",
) -> dict[str, Any]:
    """Everything a message's template may use; all moments are patient-local.

    Args:
        clinic: Who writes.
        patient: Who reads.
        session: What it is about.
        ends: When each restriction ends, over all the patient's sessions.
        due_at: When this message falls due.
        language: The language of the template, which may not be the patient's.
        now: When it leaves; by default as soon as it is due.
        treatments: The titles of the treatments that the message speaks for.
        unsubscribe_url: Where this e-mail's reader can unsubscribe; empty when there is no place.
    """
    locale = locale_for(language, clinic.country)
    following = session.next_session_at
    return {
        "locale": locale,
        "language": language,
        "clinic": clinic_words(clinic),
        "unsubscribe_url": unsubscribe_url,
        "first_name": patient.first_name,
        "session_number": session.session_number or 0,
        "sessions_planned": session.sessions_planned or 0,
        "sessions_left": session.sessions_left,
        "treatments": _listed(tuple(treatments), locale),
        "next_session_at": following.astimezone(patient.zone) if following else None,
        "completed_at": session.completed_at.astimezone(patient.zone),
        "due_at": due_at.astimezone(patient.zone),
        "now": (now or due_at).astimezone(patient.zone),
        "may_invite": patient.marketing_consent,
        # Tells one patient from all others without telling who it is.
        "reference": _reference(f"aftercare:{clinic.key}/{patient.patient_id}"),
        "ends": {name: end.astimezone(patient.zone) for name, end in ends.items()},
    }
