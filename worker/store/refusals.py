"""Who must not be written to on which channel: what planning asks before it plans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.rules.gate import said_stop
from worker.rules.messages import Cause, Channel, Reason
from worker.store import addresses
from worker.store.kinds import SuppressionKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from worker.rules.facts import Patient
    from worker.store.addresses import Suppressed
    from worker.store.patient_events import PatientKey


def refused(
    db: Connection, patients: Iterable[Patient], now: datetime
) -> dict[PatientKey, dict[Channel, Reason]]:
    """By patient: the channels on which nothing is planned for them, each with its reason.

    An address that is left alone only for a time is planned for: the gate waits for it.
    """
    found: dict[PatientKey, dict[Channel, Reason]] = {}
    everyone = list(patients)
    for channel in Channel:
        at = {each.address(channel) or "" for each in everyone}
        listed = addresses.suppressed(db, channel, at, now)
        for each in everyone:
            reason = _refusal(each, channel, listed.get(each.address(channel) or "", {}))
            if reason:
                found.setdefault((each.clinic, each.patient_id), {})[channel] = reason
    return found


def _refusal(
    patient: Patient, channel: Channel, listed: Mapping[SuppressionKind, Suppressed]
) -> Reason | None:
    dead = listed.get(SuppressionKind.UNREACHABLE)
    if patient.blocked:
        return Reason(Cause.BLOCKED, patient.blocked)
    if patient.stopped(channel) or SuppressionKind.OPTED_OUT in listed:
        return Reason(Cause.OPTED_OUT, said_stop(channel))
    if dead and dead.until is None:
        return Reason(Cause.SUPPRESSED, dead.reason)
    return None
