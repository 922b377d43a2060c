"""From rows to the plain values that the rules work on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.rules.contacts import read_zone
from worker.rules.facts import Clinic, Patient
from worker.rules.timing import SendingHours

if TYPE_CHECKING:
    from sqlalchemy import RowMapping


def clinic_from(row: RowMapping) -> Clinic:
    """A clinic from its row in ``clinics``."""
    return Clinic(
        key=row["key"],
        name=row["name"],
        zone=read_zone(row["time_zone"]),
        country=row["country"],
        language=row["language"],
        phone=row["phone"],
        email=row["email"],
        address=row["address"],
        booking_url=row["booking_url"],
        colour=row["colour"],
        logo_url=row["logo_url"],
        hours=SendingHours(row["opens"], row["closes"]),
        daily_limit=row["daily_limit"],
        sms_from=row["sms_from"],
        mail_from=row["mail_from"],
        zone_from_phone=row["zone_from_phone"],
    )


def patient_from(row: RowMapping) -> Patient:
    """A patient from a row in ``patients``."""
    return Patient(
        clinic=row["clinic"],
        patient_id=row["patient_id"],
        first_name=row["first_name"],
        phone=row["phone"],
        email=row["email"],
        language=row["language"],
        zone=read_zone(row["time_zone"]),
        sms_consent=row["sms_consent"],
        email_consent=row["email_consent"],
        marketing_consent=row["marketing_consent"],
        phone_problem=row["phone_problem"],
        email_problem=row["email_problem"],
        blocked=row["blocked"],
        sms_stopped=row["sms_stopped"],
        email_stopped=row["email_stopped"],
        invitations_stopped=row["invitations_stopped"],
    )
