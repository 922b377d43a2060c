"""The last look before a message leaves: everything is decided again at the moment of sending."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from worker.rules.conditions import unfitting
from worker.rules.messages import Cause, Channel, Kind, Reason
from worker.rules.planning import STANDS_BY, overlap, overtaken
from worker.rules.timing import start_of_next_day
from worker.rules.values import value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from worker.rules.facts import Clinic, Patient, Session
    from worker.rules.joining import Day
    from worker.rules.protocol import Milestone


#: While a row has a fault its messages are looked at this often.
FAULT_PAUSE = timedelta(minutes=5)
#: While another message goes first, this one is looked at again this soon.
TURN_PAUSE = timedelta(minutes=1)
#: While an address is left alone for a time its messages are looked at this often.
SUPPRESSED_PAUSE = timedelta(hours=1)


@value
class Situation:
    """Everything that may speak against sending one message now."""

    channel: Channel
    kind: Kind
    due_at: datetime
    expires_at: datetime
    session: Session
    patient: Patient
    clinic: Clinic
    #: The milestone as the protocol has it today; None when it is gone.
    milestone: Milestone | None
    #: When each restriction on the patient ends, over all their sessions.
    ends: Mapping[str, datetime]
    #: The patient's other sessions.
    others: tuple[Session, ...] = ()
    #: A newer milestone of the same session and channel that is due as well.
    superseded_by: str = ""
    #: Why the address is on the suppression list; empty when it is not.
    suppressed: str = ""
    #: Until when it is; None until somebody mends or lifts it.
    suppressed_until: datetime | None = None
    opted_out: bool = False
    #: Why staff hold this patient's permissions and invitations; empty when they do not.
    clinical_hold: str = ""
    #: Messages that already left to this patient on this channel in the patient's present day.
    sent_today: int = 0
    #: More important messages to this patient on this channel that are due as well.
    goes_first: int = 0
    #: Whether the text message that this one stands in for failed for good.
    text_failed: bool = False
    #: The patient's other sessions of the same day, one of which may speak for this one.
    day: Day | None = None


@value
class Send:
    """Nothing speaks against it."""


@value
class Wait:
    """Not now; look again at ``until``."""

    until: datetime
    why: Reason


@value
class Hold:
    """Not before a person has looked."""

    why: Reason


@value
class Skip:
    """Not at all."""

    why: Reason


Verdict = Send | Wait | Hold | Skip


def gate(it: Situation, now: datetime) -> Verdict:  # noqa: C901 (a decision list reads best whole)
    """Decide whether a message may leave at ``now``."""
    milestone = it.milestone
    if it.session.withdrawn:
        return Skip(Reason(Cause.WITHDRAWN, it.session.withdrawn))
    if milestone is None or it.channel not in milestone.every_channel:
        return Skip(Reason(Cause.NOT_IN_PROTOCOL, "The protocol no longer has this message"))
    if pointless := _pointless(it, milestone):
        return Skip(pointless)
    if it.session.fault:
        return _until_mended(it, now)
    if now < it.due_at:
        return Wait(it.due_at, Reason(Cause.RESCHEDULED, "The session moved, so its time did"))
    if stale := _stale(it, now):
        return Skip(stale)
    if unwanted := _unwanted(it, milestone.kind):
        return _while_unwanted(it, unwanted, now)
    if it.clinical_hold and milestone.kind is not Kind.ADVICE:
        return Hold(Reason(Cause.CLINICAL_HOLD, it.clinical_hold))
    if overlapping := overlap(milestone, it.ends, now):
        return Skip(overlapping)
    if it.day is not None and (joined := _joined(it, it.day, milestone, now)):
        return joined
    return _patience(it, milestone, now)


def _pointless(it: Situation, milestone: Milestone) -> Reason | None:
    """It is not for this session, or not needed."""
    if it.channel is milestone.stands_in and not it.text_failed:
        return STANDS_BY
    unfit = unfitting(it.session, milestone, it.others)
    return unfit or overtaken(it.session, milestone, it.others)


def _until_mended(it: Situation, now: datetime) -> Verdict:
    """The clinic's row says something that cannot be right: better wait than send what was."""
    why = Reason(Cause.FAULTY_ROW, "The clinic's row for this session has a fault; see status")
    if now >= it.expires_at:
        return Skip(Reason(Cause.TOO_LATE, f"Too late: the fault was not mended. {why.text}"))
    return Wait(min(now + FAULT_PAUSE, it.expires_at), why)


def _stale(it: Situation, now: datetime) -> Reason | None:
    """The truth window: what was true at its time may be wrong or pointless now."""
    if now >= it.expires_at:
        return Reason(Cause.TOO_LATE, "Too late: by now the message would no longer be true")
    if it.superseded_by:
        text = f"A newer message of the same session ({it.superseded_by}) is due as well"
        return Reason(Cause.SUPERSEDED, text)
    return None


def _unwanted(it: Situation, kind: Kind) -> Reason | None:
    """The patient, or the law on their behalf, does not want it."""
    if it.patient.blocked:
        return Reason(Cause.BLOCKED, it.patient.blocked)
    if missing := it.patient.missing_consent(it.channel, kind):
        return Reason(Cause.NO_CONSENT, missing)
    if not it.patient.address(it.channel):
        text = f"Not reachable: {it.patient.address_problem(it.channel)}"
        return Reason(Cause.NO_ADDRESS, text)
    if it.opted_out:
        return Reason(Cause.OPTED_OUT, said_stop(it.channel))
    if it.suppressed:
        return Reason(Cause.SUPPRESSED, it.suppressed)
    return None


def _joined(it: Situation, day: Day, milestone: Milestone, now: datetime) -> Verdict | None:
    """Whether another session of the day speaks for this one: it has, or it is about to."""
    if said := day.told_by(milestone, it.channel):
        return Skip(said)
    carrier = day.carrier(milestone, it.channel, it.expires_at, now)
    if carrier is None:
        return None
    text = f"Session {carrier.session_id} of the same day sends this message for both"
    why = Reason(Cause.JOINED, text)
    # Until it has left it may yet fail, or its session be withdrawn: then this one goes.
    until = max(carrier.due_at, now + TURN_PAUSE)
    return Wait(until, why) if until < it.expires_at else Skip(why)


def said_stop(channel: Channel) -> str:
    """Why nothing more goes out on a channel."""
    return f"The patient said stop to {channel.noun}s"


def _while_unwanted(it: Situation, unwanted: Reason, now: datetime) -> Verdict:
    """Not at all; but an address that is left alone only for a time may still hear of this."""
    until = it.suppressed_until
    if unwanted.cause is not Cause.SUPPRESSED or until is None or until >= it.expires_at:
        return Skip(unwanted)
    # Looked at again before that: the clinic may correct the address.
    return Wait(min(until, now + SUPPRESSED_PAUSE), unwanted)


def _patience(it: Situation, milestone: Milestone, now: datetime) -> Verdict:
    """Right message, perhaps the wrong hour."""
    quiet_until = it.clinic.hours.quiet_until(now, it.patient.zone)
    if quiet_until and not _still_leaving(it, milestone, now):
        local = quiet_until.astimezone(it.patient.zone)
        text = f"Quiet hours for the patient until {local:%H:%M} their time"
        return _wait(it, quiet_until, Reason(Cause.QUIET_HOURS, text))
    if it.sent_today >= it.clinic.daily_limit:
        text = f"The patient already got {it.sent_today} {it.channel.noun}s today"
        tomorrow = start_of_next_day(now, it.patient.zone)
        return _wait(it, tomorrow, Reason(Cause.DAILY_LIMIT, text))
    if it.sent_today + it.goes_first >= it.clinic.daily_limit:
        text = "A more important message goes first today: permission, then advice, then invitation"
        return _wait(it, now + TURN_PAUSE, Reason(Cause.DAILY_LIMIT, text))
    return Send()


def _still_leaving(it: Situation, milestone: Milestone, now: datetime) -> bool:
    """Whether the patient has only just left, so that any hour is a good one."""
    grace = milestone.any_hour_for
    return grace is not None and now < grace.after(it.due_at, it.patient.zone)


def _wait(it: Situation, until: datetime, why: Reason) -> Verdict:
    """Wait, unless the truth window ends first: then it is too late already, and says so."""
    if until < it.expires_at:
        return Wait(until, why)
    text = f"{why.text}; after that it would no longer be true"
    return Skip(Reason(Cause.TOO_LATE, text))
