"""From a session and its protocol to the whole plan: one message per milestone and channel.

Planning is repeatable: :func:`plan` says what should be, :func:`replan` compares it with what is
and names only the moves that are needed. What has left is never touched.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from worker.rules.conditions import unfitting
from worker.rules.messages import (
    MENDABLE,
    WAITING,
    Cause,
    Channel,
    Kind,
    Reason,
    Status,
    Transition,
)
from worker.rules.timing import next_wall_time
from worker.rules.values import value

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from worker.rules.facts import Patient, Session
    from worker.rules.joining import Day
    from worker.rules.protocol import Milestone, Protocol

PLANNED = Reason(Cause.PROTOCOL, "Planned by the protocol")
STANDS_BY = Reason(Cause.FALLBACK, "It goes by e-mail only if the text message cannot be delivered")
STANDS_IN = Reason(
    Cause.FALLBACK, "The text message could not be delivered, so it goes by e-mail instead"
)

#: Staff read what stands in a message's way now, not what did when it was first skipped. But what a
#: patient or staff decided stays the reason, and so does what has happened meanwhile.
_MAY_CHANGE = MENDABLE - {Cause.JOINED, Cause.TOO_LATE}


@value
class PlannedMessage:
    """What the protocol wants for one milestone on one channel."""

    milestone: str
    channel: Channel
    kind: Kind
    due_at: datetime
    expires_at: datetime
    #: Why it is not to be sent as things stand; None when it is.
    skip: Reason | None = None
    #: Why it is to be sent, when it is.
    why: Reason = PLANNED


@value
class ExistingMessage:
    """What the store holds for one milestone on one channel."""

    id: int
    milestone: str
    channel: Channel
    status: Status
    reason: Reason
    due_at: datetime
    expires_at: datetime
    attempts: int


@value
class Replan:
    """The moves that bring what is to what should be."""

    add: tuple[PlannedMessage, ...]
    move: tuple[tuple[int, Transition], ...]


def restriction_ends(
    sessions: Iterable[Session], protocols: Mapping[str, Protocol], zone: ZoneInfo
) -> dict[str, datetime]:
    """When each restriction on a patient ends, in UTC: over all their sessions, the latest end.

    Withdrawn sessions and treatments without a protocol restrict nothing.
    """
    ends: dict[str, datetime] = {}
    for session in sessions:
        protocol = protocols.get(session.treatment)
        if protocol is None or session.withdrawn:
            continue
        for name, span in protocol.restrictions.items():
            end = span.after(session.completed_at, zone)
            ends[name] = max(end, ends.get(name, end))
    return ends


def plan(
    session: Session,
    patient: Patient,
    others: Sequence[Session],
    protocols: Mapping[str, Protocol],
    *,
    lost: Collection[str] = (),
    day: Day | None = None,
) -> list[PlannedMessage]:
    """The whole plan of a session, milestone by milestone in the protocol's order.

    Args:
        session: The session to plan; its treatment has a protocol.
        patient: Whose session it is; the zone decides every local time.
        others: The patient's other sessions, which may restrict for longer.
        protocols: Every treatment's protocol.
        lost: The milestones whose text message failed for good.
        day: How the messages of the patient's other sessions of that day stand.
    """
    protocol = protocols[session.treatment]
    foreign = restriction_ends(others, protocols, patient.zone)
    withdrawn = Reason(Cause.WITHDRAWN, session.withdrawn) if session.withdrawn else None
    messages = []
    for milestone in protocol.milestones:
        due_at, expires_at = window(session, milestone, protocol, patient.zone)
        # What is the same for every channel is asked once: a third of planning's time went there.
        unfit = withdrawn or unfitting(session, milestone, others)
        pointless = overtaken(session, milestone, others) or overlap(milestone, foreign, due_at)
        for channel in milestone.every_channel:
            stands_in = channel is milestone.stands_in
            skip = unfit or _out_of_reach(patient, milestone, channel) or pointless
            if stands_in and milestone.name not in lost:
                skip = skip or STANDS_BY
            if day is not None and milestone.joins:
                skip = skip or day.told_by(milestone, channel)
            messages.append(
                PlannedMessage(
                    milestone.name,
                    channel,
                    milestone.kind,
                    due_at,
                    expires_at,
                    skip,
                    STANDS_IN if stands_in else PLANNED,
                )
            )
    return messages


def window(
    session: Session, milestone: Milestone, protocol: Protocol, zone: ZoneInfo
) -> tuple[datetime, datetime]:
    """When a message falls due and until when it is true, as the session's facts are now.

    A permission never falls due before what it lifts has ended, to the minute.
    """
    ready = max([span.after(session.completed_at, zone) for span in protocol.waits(milestone)])
    due_at = ready if milestone.at is None else next_wall_time(ready, milestone.at, zone)
    return due_at, milestone.useful_for.after(due_at, zone)


def _out_of_reach(patient: Patient, milestone: Milestone, channel: Channel) -> Reason | None:
    if not patient.address(channel):
        return Reason(Cause.NO_ADDRESS, f"Not reachable: {patient.address_problem(channel)}")
    if missing := patient.missing_consent(channel, milestone.kind):
        return Reason(Cause.NO_CONSENT, missing)
    return None


def without_refused(
    wanted: Iterable[PlannedMessage], refused: Mapping[Channel, Reason]
) -> list[PlannedMessage]:
    """The plan with what was decided about whole channels: stopped, dead, never to be contacted."""
    return [
        replace(each, skip=refused[each.channel])
        if each.skip is None and each.channel in refused
        else each
        for each in wanted
    ]


def overtaken(session: Session, milestone: Milestone, others: Iterable[Session]) -> Reason | None:
    """Why an invitation is pointless: the patient has been back since."""
    if milestone.kind is not Kind.INVITATION or not any(map(session.is_followed_by, others)):
        return None
    return Reason(Cause.SUPERSEDED, "The patient has had a later session since")


def overlap(
    milestone: Milestone, foreign_ends: Mapping[str, datetime], moment: datetime
) -> Reason | None:
    """Why a permission would be wrong at ``moment``: another session still restricts it."""
    still = [name for name in milestone.lifts if foreign_ends.get(name, moment) > moment]
    if not still:
        return None
    names = " and ".join(still)
    return Reason(
        Cause.OVERLAP,
        f"Another session of this patient still restricts {names}; "
        "that session's own message says when it is allowed again",
    )


def replan(
    wanted: Sequence[PlannedMessage], existing: Sequence[ExistingMessage], now: datetime
) -> Replan:
    """What to add and what to move so that ``existing`` becomes ``wanted``."""
    present = {(each.milestone, each.channel): each for each in existing}
    add = tuple(each for each in wanted if (each.milestone, each.channel) not in present)
    move = []
    for want in wanted:
        have = present.pop((want.milestone, want.channel), None)
        if have is not None:
            move += [(have.id, each) for each in _move(want, have, now)]
    gone = Reason(Cause.NOT_IN_PROTOCOL, "The protocol no longer has this message")
    move += [
        (each.id, Transition.skipped(gone, at=now))
        for each in present.values()
        if each.status in WAITING
    ]
    return Replan(add, tuple(move))


def _move(want: PlannedMessage, have: ExistingMessage, now: datetime) -> Iterator[Transition]:
    same_times = (want.due_at, want.expires_at) == (have.due_at, have.expires_at)
    if have.status in WAITING:
        if want.skip:
            skipped = Transition.skipped(want.skip, at=now)
            yield skipped if same_times else skipped.moved_to(want.due_at, want.expires_at)
        elif not same_times:
            reason = Reason(Cause.RESCHEDULED, "The session, the zone or the protocol changed")
            yield Transition.rescheduled(have.status, want.due_at, want.expires_at, reason)
    elif have.status is not Status.SKIPPED or have.attempts or want.expires_at <= now:
        return
    elif want.skip:
        reason = want.skip if have.reason.cause in _MAY_CHANGE else have.reason
        if reason != have.reason or not same_times:
            yield Transition.still_skipped(want.due_at, want.expires_at, reason)
    elif have.reason.cause in MENDABLE:
        mended = Reason(Cause.PROTOCOL, "Planned again: what stood in its way is mended")
        reason = mended if want.why == PLANNED else want.why
        yield Transition.revived(want.due_at, want.expires_at, reason)
