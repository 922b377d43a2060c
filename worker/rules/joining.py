"""One message for a day: several sessions that would each send the same do not.

A milestone that says ``joins = true`` speaks for every session that the patient had at the clinic
on that day and whose milestone of the same name joins as well. The session with the most
restrictions carries it, among equals the one that ended last; its words tell the latest ends over
all sessions, so what holds for the others is in them. The others wait until it has left, and only
then are skipped: should it not leave after all, they still can.

A session that comes to light when the message has left gets one of its own only if it has
something to add: a restriction that was not told of, or one that ends on a later day than was told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from worker.rules.messages import LEFT, Cause, Reason, Status
from worker.rules.values import value

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    from worker.rules.facts import Session
    from worker.rules.messages import Channel
    from worker.rules.protocol import Milestone, Protocol

#: A message: its session, milestone and channel.
Key = tuple[str, str, "Channel"]


@value
class Standing:
    """Where a message stands, as far as others of its day need to know."""

    status: Status
    due_at: datetime
    expires_at: datetime
    #: When each restriction ends by its words; empty until it left.
    told: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Carrier:
    """The session whose message speaks for the others, and when it falls due."""

    session_id: str
    due_at: datetime


def same_day(session: Session, others: Collection[Session], zone: ZoneInfo) -> tuple[Session, ...]:
    """The other sessions that ended on the same day where the patient lives."""
    if not others:
        return ()
    day = session.completed_at.astimezone(zone).date()
    return tuple(each for each in others if each.completed_at.astimezone(zone).date() == day)


@value
class Day:
    """A session among the others of its day.

    Args:
        session: The session that is looked at.
        mates: The patient's other sessions of that day.
        standing: How the messages of that day stand.
        protocols: Every treatment's protocol.
        zone: Where the patient lives.
    """

    session: Session
    mates: tuple[Session, ...]
    standing: Mapping[Key, Standing]
    protocols: Mapping[str, Protocol]
    zone: ZoneInfo

    def told_by(self, milestone: Milestone, channel: Channel) -> Reason | None:
        """Why a message has nothing to add: another one of the day left and told it all."""
        for mate, _, its in self._alike(milestone, channel):
            if its.status in LEFT and self._adds_nothing_to(its.told):
                text = (
                    f"Session {mate.session_id} of the same day has sent this message, "
                    "and it holds for both"
                )
                return Reason(Cause.JOINED, text)
        return None

    def carrier(
        self, milestone: Milestone, channel: Channel, expires_at: datetime, now: datetime
    ) -> Carrier | None:
        """The session that is to speak for this one as well; None when this one speaks itself."""
        candidates = [
            (self._rank(mate, theirs), mate, its)
            for mate, theirs, its in self._alike(milestone, channel)
            if its.status is Status.PLANNED
            and its.due_at < expires_at
            and now < its.expires_at
            and not mate.withdrawn
            and not mate.fault
            and self._says_all(milestone, mate, theirs)
        ]
        own = self._rank(self.session, milestone)
        better = [each for each in candidates if each[0] > own]
        if not better:
            return None
        _, mate, its = max(better, key=lambda each: each[0])
        return Carrier(mate.session_id, its.due_at)

    def titles(self, milestone: Milestone) -> list[str]:
        """The treatments that a message of this session speaks for, in the order of the day."""
        names = self.protocols[self.session.treatment].restrictions.keys()
        alike = [
            mate
            for mate in self.mates
            if not mate.withdrawn
            and self._joinable(mate, milestone)
            and self.protocols[mate.treatment].restrictions.keys() <= names
        ]
        day = sorted([self.session, *alike], key=lambda each: (each.completed_at, each.session_id))
        return list(dict.fromkeys(self.protocols[each.treatment].title for each in day))

    def _alike(
        self, milestone: Milestone, channel: Channel
    ) -> Iterable[tuple[Session, Milestone, Standing]]:
        """The other sessions of the day that may speak for this one, with their message."""
        for mate in self.mates:
            theirs = self._joinable(mate, milestone)
            its = self.standing.get((mate.session_id, milestone.name, channel))
            if theirs is not None and its is not None:
                yield mate, theirs, its

    def _joinable(self, mate: Session, milestone: Milestone) -> Milestone | None:
        protocol = self.protocols.get(mate.treatment)
        theirs = protocol.milestone(milestone.name) if protocol else None
        joins = theirs is not None and theirs.joins and milestone.joins
        return theirs if theirs and joins and theirs.kind is milestone.kind else None

    def _says_all(self, milestone: Milestone, mate: Session, theirs: Milestone) -> bool:
        """Whether a mate's words can name everything that this message has to tell."""
        own = self.protocols[self.session.treatment].restrictions
        names = self.protocols[mate.treatment].restrictions
        return own.keys() <= names.keys() and set(milestone.lifts) <= set(theirs.lifts)

    def _rank(self, session: Session, milestone: Milestone) -> tuple[int, datetime, str]:
        names = len(self.protocols[session.treatment].restrictions) + len(milestone.lifts)
        return names, session.completed_at, session.session_id

    def _adds_nothing_to(self, told: Mapping[str, datetime]) -> bool:
        """Whether what was told names every restriction of this session, to its day or later."""
        spans = self.protocols[self.session.treatment].restrictions
        for name, span in spans.items():
            end = span.after(self.session.completed_at, self.zone)
            if name not in told or self._day_of(told[name]) < self._day_of(end):
                return False
        return True

    def _day_of(self, moment: datetime) -> date:
        return moment.astimezone(self.zone).date()
