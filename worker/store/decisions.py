"""What patients, staff and providers decide about reaching a patient.

Each decision takes effect in the caller's transaction, on the messages that wait as well, and is
written to ``patient_events`` with who, when, how and why. The clinic's rows never undo one. A
reason is a sentence for staff and holds no name, number, address or body.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from worker.rules.messages import Cause, Channel, Kind, Reason
from worker.store import addresses, waiting
from worker.store.kinds import Decision, SuppressionKind
from worker.store.patient_events import PROVIDER, By, note
from worker.store.replies import written_by
from worker.store.tables import PATIENTS, REPLIES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import Column, ColumnElement, Connection

    from worker.store.patient_events import PatientKey


def stop(
    db: Connection, channel: Channel, address: str, *, by: By, why: str, now: datetime
) -> list[PatientKey]:
    """Nothing more goes to an address on this channel: whoever is reached there, now or later.

    What waits for its patients is skipped. The stop stays with them when their number changes.

    Args:
        db: An open transaction.
        channel: What stops.
        address: E.164 or an e-mail address.
        by: Who said so, and how.
        why: The beginning of a sentence for staff: ``A text from this number said stop``.
        now: The present moment.

    Returns:
        The patients at that address, for staff to know when it is shared.
    """
    addresses.suppress(
        db,
        channel,
        address,
        SuppressionKind.OPTED_OUT,
        reason=why,
        actor=by.actor,
        how=by.how,
        now=now,
    )
    patients = addresses.patients_at(db, channel, address)
    reason = f"{why}: no more {channel.noun}s"
    if len(patients) > 1:
        reason += f". {len(patients)} patients share this {_place(channel)}; it stops for them all"
    stopped = _stopped(channel)
    for patient in patients:
        fresh = _patient(patient) & (stopped == "")
        if db.execute(update(PATIENTS).where(fresh).values({stopped: reason})).rowcount:
            note(db, patient, Decision.STOPPED, reason, by=by, now=now, channel=channel)
    waiting.skip(
        db, patients, Reason(Cause.OPTED_OUT, reason), actor=by.actor, now=now, channel=channel
    )
    return patients


def is_stopped(db: Connection, channel: Channel, address: str, now: datetime) -> bool:
    """Whether stop was said for this address."""
    listed = addresses.suppressed(db, channel, [address], now)
    return SuppressionKind.OPTED_OUT in listed.get(address, {})


def start(
    db: Connection, channel: Channel, address: str, *, by: By, now: datetime
) -> list[PatientKey]:
    """Undo a stop, for everyone at that address; what is still true is planned again.

    Returns:
        The patients who are reached again; nobody when there was no stop to undo.
    """
    kind = SuppressionKind.OPTED_OUT
    listed = addresses.lift(db, channel, address, kind, actor=by.actor, now=now)
    patients = addresses.patients_at(db, channel, address)
    stopped = _stopped(channel)
    reason = f"Start was said: {channel.noun}s go out again"
    again = []
    for patient in patients:
        was = update(PATIENTS).where(_patient(patient), stopped != "")
        if db.execute(was.values({stopped: ""})).rowcount or listed:
            note(db, patient, Decision.STARTED, reason, by=by, now=now, channel=channel)
            again.append(patient)
    waiting.revive(db, again, Cause.OPTED_OUT, reason, actor=by.actor, now=now, channel=channel)
    _keep_on_hold(db, again, actor=by.actor, now=now)
    return again


def stop_invitations(
    db: Connection, clinic: str, patient_id: str, *, by: By, now: datetime, why: str = ""
) -> bool:
    """No more invitations to book, on any channel; care goes on. Returns whether it is news."""
    patient = (clinic, patient_id)
    reason = why or "The patient wants no more invitations"
    fresh = _patient(patient) & (PATIENTS.c.invitations_stopped == "")
    stopped = update(PATIENTS).where(fresh).values(invitations_stopped=reason)
    if not db.execute(stopped).rowcount:
        return False
    note(db, patient, Decision.INVITATIONS_STOPPED, reason, by=by, now=now)
    skip = Reason(Cause.NO_CONSENT, f"No invitations to book any more: {reason}")
    waiting.skip(db, [patient], skip, actor=by.actor, now=now, kinds=(Kind.INVITATION,))
    return True


def start_invitations(
    db: Connection, clinic: str, patient_id: str, *, by: By, now: datetime
) -> bool:
    """Invitations to book go out again, as far as the clinic has the consent for them."""
    patient = (clinic, patient_id)
    was = update(PATIENTS).where(_patient(patient), PATIENTS.c.invitations_stopped != "")
    if not db.execute(was.values(invitations_stopped="")).rowcount:
        return False
    note(db, patient, Decision.INVITATIONS_STARTED, "Invitations go out again", by=by, now=now)
    waiting.plan_again(db, [patient], now)
    return True


def hold(db: Connection, clinic: str, patient_id: str, *, by: By, why: str, now: datetime) -> bool:
    """Permissions and invitations wait until :func:`release`; advice goes on.

    Returns:
        Whether it is news: a hold that is on already keeps its reason.
    """
    patient = (clinic, patient_id)
    fresh = _patient(patient) & (PATIENTS.c.clinical_hold == "")
    news = db.execute(update(PATIENTS).where(fresh).values(clinical_hold=why)).rowcount > 0
    if news:
        note(db, patient, Decision.HELD, why, by=by, now=now)
    waiting.hold(db, patient, Reason(Cause.CLINICAL_HOLD, why), actor=by.actor, now=now)
    return news


def release(db: Connection, clinic: str, patient_id: str, *, by: By, now: datetime) -> bool:
    """Undo a hold: what is still true waits for its time again. Returns whether there was one."""
    patient = (clinic, patient_id)
    was = update(PATIENTS).where(_patient(patient), PATIENTS.c.clinical_hold != "")
    if not db.execute(was.values(clinical_hold="")).rowcount:
        return False
    reason = f"Released by {by.actor}"
    note(db, patient, Decision.RELEASED, reason, by=by, now=now)
    waiting.release(db, patient, Reason(Cause.STAFF, reason), actor=by.actor, now=now)
    red_flags = update(REPLIES).where(
        written_by(clinic, patient_id), REPLIES.c.handled_at.is_(None)
    )
    db.execute(red_flags.values(handled_at=now))
    return True


def _keep_on_hold(
    db: Connection, patients: Sequence[PatientKey], *, actor: str, now: datetime
) -> None:
    """What comes back to a patient on hold is held at once: staff look first, as before."""
    for patient in patients:
        on_hold = select(PATIENTS.c.clinical_hold).where(_patient(patient))
        if why := db.execute(on_hold).scalar():
            waiting.hold(db, patient, Reason(Cause.CLINICAL_HOLD, why), actor=actor, now=now)


def never_contact(
    db: Connection, clinic: str, patient_id: str, *, by: By, why: str, now: datetime
) -> bool:
    """The patient died, or must never hear from us: everything ends, on both channels."""
    patient = (clinic, patient_id)
    fresh = _patient(patient) & (PATIENTS.c.blocked == "")
    if not db.execute(update(PATIENTS).where(fresh).values(blocked=why)).rowcount:
        return False
    note(db, patient, Decision.NEVER_CONTACT, why, by=by, now=now)
    waiting.skip(db, [patient], Reason(Cause.BLOCKED, why), actor=by.actor, now=now)
    return True


def contact_again(db: Connection, clinic: str, patient_id: str, *, by: By, now: datetime) -> bool:
    """Undo :func:`never_contact`, which was a mistake; what is still true is planned again."""
    patient = (clinic, patient_id)
    was = update(PATIENTS).where(_patient(patient), PATIENTS.c.blocked != "")
    if not db.execute(was.values(blocked="")).rowcount:
        return False
    reason = f"May be contacted again, says {by.actor}"
    note(db, patient, Decision.CONTACT_AGAIN, reason, by=by, now=now)
    waiting.revive(db, [patient], Cause.BLOCKED, reason, actor=by.actor, now=now)
    _keep_on_hold(db, [patient], actor=by.actor, now=now)
    return True


def unreachable(
    db: Connection,
    channel: Channel,
    address: str,
    *,
    by: By,
    why: str,
    now: datetime,
    expires_at: datetime | None = None,
) -> list[PatientKey]:
    """An address cannot be reached, for a time or until it is changed; returns its patients."""
    news = addresses.suppress(
        db,
        channel,
        address,
        SuppressionKind.UNREACHABLE,
        reason=why,
        actor=by.actor,
        how=by.how,
        now=now,
        expires_at=expires_at,
    )
    patients = addresses.patients_at(db, channel, address)
    for patient in patients if news else ():
        note(db, patient, Decision.UNREACHABLE, why, by=by, now=now, channel=channel)
    return patients


def decide_by_provider(
    db: Connection,
    channel: Channel,
    address: str,
    *,
    why: str,
    opted_out: bool,
    suppress_for: timedelta | None,
    now: datetime,
    how: str = "provider code",
) -> None:
    """What a provider's answer or receipt says about an address: stop was said, or it is dead."""
    by = By(PROVIDER, how)
    if opted_out:
        stop(db, channel, address, by=by, why=why, now=now)
    else:
        until = None if suppress_for is None else now + suppress_for
        unreachable(db, channel, address, by=by, why=why, now=now, expires_at=until)


def _stopped(channel: Channel) -> Column[str]:
    return PATIENTS.c.sms_stopped if channel is Channel.SMS else PATIENTS.c.email_stopped


def _place(channel: Channel) -> str:
    return "number" if channel is Channel.SMS else "address"


def _patient(patient: PatientKey) -> ColumnElement[bool]:
    return (PATIENTS.c.clinic == patient[0]) & (PATIENTS.c.patient_id == patient[1])
