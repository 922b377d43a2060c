"""The first half of sending: which due messages may leave, and with which words.

In one transaction each due message is looked at by the gate; what may leave is rendered and marked
``sending``, with its attempt, its lease and its words. Only once that is committed does anything
leave, so a crash can never send something that is not on record.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from datetime import timedelta
from secrets import token_hex
from typing import TYPE_CHECKING

import structlog

from worker.channels.base import Envelope
from worker.channels.mime import new_message_ref
from worker.content.calendar import same_but_for_stamps
from worker.content.draft import draft
from worker.content.links import NO_LINKS
from worker.errors import TemplateError, describe
from worker.jobs.approvals import protocols_in_effect, unapproved
from worker.jobs.surroundings import look_around
from worker.rules.gate import Hold, Send, Skip, Wait, gate
from worker.rules.messages import Cause, Channel, Reason, Transition
from worker.rules.values import value
from worker.store import channels, messages, outgoing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping

    from worker.content.library import Library
    from worker.content.links import Links
    from worker.jobs.surroundings import Surroundings
    from worker.rules.facts import Clinic
    from worker.rules.gate import Situation
    from worker.rules.messages import Words
    from worker.rules.protocol import Protocol
    from worker.store.cases import Case

log = structlog.get_logger()

#: A template that cannot be used is looked at again after this long: someone may be mending it.
TEMPLATE_PAUSE = timedelta(minutes=5)
#: A session this old restricts nobody, so its treatment's protocol no longer matters.
_RESTRICTS_FOR = timedelta(days=60)


@value
class Claimed:
    """A message that is marked ``sending`` and may leave."""

    message_id: int
    session_id: str
    milestone: str
    envelope: Envelope
    #: Attempts so far, this one included.
    attempts: int
    expires_at: datetime


#: What becomes of a due message, and what leaves if it is claimed.
Decision = tuple[Transition, Claimed | None]


@dataclass(frozen=True, slots=True)
class Claimer:
    """Looks at due messages and claims what may leave, for one worker.

    Args:
        library: Protocols and templates.
        worker: This worker's name.
        lease: How long a claim holds.
        mail_from: Its domain makes the Message-IDs.
        require_approval: Whether messages of a version that nobody signed off are held.
        links: Makes the links to unsubscribe.
    """

    library: Library
    worker: str
    lease: timedelta
    mail_from: str
    require_approval: bool = False
    #: As one batch sees them: the protocols in effect, and what still has to be signed off.
    protocols: Mapping[str, Protocol] = field(default_factory=dict)
    unapproved: Mapping[str, str] = field(default_factory=dict)
    #: Makes the unsubscribe links of e-mails.
    links: Links = NO_LINKS

    def claim(
        self,
        db: Connection,
        channel: Channel,
        limit: int,
        now: datetime,
        *,
        alone: bool = False,
    ) -> tuple[int, list[Claimed]]:
        """Decide up to ``limit`` due messages; returns how many were looked at, and the claimed.

        ``alone`` is for one that may have left before or have taken a worker down.
        """
        rows = outgoing.lock_due(db, channel, now, limit, alone=alone)
        return self._decide_all(db, rows, channel, now)

    def clear_expired(self, db: Connection, channel: Channel, limit: int, now: datetime) -> None:
        """On a channel that is paused: what is out of date meanwhile is skipped, not forgotten."""
        rows = outgoing.lock_due(db, channel, now, limit, expired=True)
        self._decide_all(db, rows, channel, now)

    def _decide_all(
        self, db: Connection, rows: Sequence[RowMapping], channel: Channel, now: datetime
    ) -> tuple[int, list[Claimed]]:
        around = look_around(db, rows, channel, now)
        batch = self._for_one_batch(db) if rows else self
        decided = [batch._try_to_decide(row, around, now) for row in rows]  # noqa: SLF001 (itself)
        moves = [
            messages.Move(row["id"], move) for row, (move, _) in zip(rows, decided, strict=True)
        ]
        moved = messages.move_all(db, moves, now, locked=rows) if moves else []
        for (on, sender), until in around.tries.items():
            channels.note_try(db, on, sender, until)
        claimed = [each for (_, each), did in zip(decided, moved, strict=True) if each and did]
        return len(rows), claimed

    def _for_one_batch(self, db: Connection) -> Claimer:
        """One reading of the templates and one of the signatures: what is checked leaves."""
        library = self.library.pinned()
        return replace(
            self,
            library=library,
            protocols=protocols_in_effect(db, library, required=self.require_approval),
            unapproved=unapproved(db, library.versions) if self.require_approval else {},
        )

    def _try_to_decide(self, row: RowMapping, around: Surroundings, now: datetime) -> Decision:
        """Decide one message; should that stumble, it is set aside and the rest go on."""
        try:
            return self._decide(row, around, now)
        except Exception as error:
            log.exception("message.decide_bug", message_id=row["id"])
            text = f"The worker stumbles over this message ({describe(error)}); a person decides"
            return Transition.held(Reason(Cause.STAFF, text)), None

    def _decide(self, row: RowMapping, around: Surroundings, now: datetime) -> Decision:
        case = around.cases[row["session_id"]]
        if broken := self._unusable_protocol(case, now):
            return _wait_for_template(row, broken, now), None
        if row["cause"] is Cause.TEMPLATE and now >= row["expires_at"]:
            return _wait_for_template(row, row["reason"], now), None
        situation = around.situation(row, self.protocols, now)
        verdict = gate(situation, now)
        if isinstance(verdict, Send):
            return self._claim_one(row, situation, around, now)
        if isinstance(verdict, Skip):
            around.note_skipped(row)
        return _put_aside(row, verdict, now), None

    def _unusable_protocol(self, case: Case, now: datetime) -> str:
        """A treatment of the patient's whose restrictions are not known; then nothing is safe."""
        for session in case.sessions:
            recent = session.completed_at > now - _RESTRICTS_FOR and not session.withdrawn
            own = session is case.session
            if (recent or own) and session.treatment not in self.protocols:
                return f"The protocol of {session.treatment} cannot be used; see aftercare check"
        return ""

    def _claim_one(
        self, row: RowMapping, it: Situation, around: Surroundings, now: datetime
    ) -> Decision:
        if why := self.unapproved.get(it.session.treatment):
            log.warning("message.unapproved", message_id=row["id"])
            return Transition.held(Reason(Cause.UNAPPROVED, why)), None
        unsubscribe_url = self._unsubscribe_url(row, it)
        try:
            drafted = draft(
                self.library,
                it.clinic,
                it.patient,
                it.session,
                milestone=row["milestone"],
                channel=it.channel,
                ends=it.ends,
                due_at=it.due_at,
                now=now,
                treatments=self._treatments(it),
                unsubscribe_url=unsubscribe_url,
            )
            template, words = drafted.template, _as_before(drafted.render(), row)
        except TemplateError as error:
            return _wait_for_template(row, str(error), now), None
        sender = it.clinic.sender(it.channel)
        if pause := around.paused_by_sender(it.channel, sender, now):
            waits = Wait(pause.until, Reason(Cause.CHANNEL_DOWN, pause.problem))
            return _put_aside(row, waits, now), None
        around.note_try(it.channel, sender, now + self.lease)
        told = self._told(it)
        around.note_departure(row, told, now)
        envelope = Envelope(
            channel=it.channel,
            address=it.patient.address(it.channel) or "",
            words=words,
            attempt_id=token_hex(16),
            sender=sender,
            from_name=it.clinic.name,
            reply_to=it.clinic.email,
            message_ref=self._message_ref(row, it.clinic),
            unsubscribe_url=unsubscribe_url,
            begin_before=time.monotonic() + self.lease.total_seconds() / 2,
        )
        attempts = row["attempts"] + 1
        sets = {
            "attempts": attempts,
            "attempt_id": envelope.attempt_id,
            "lease_until": now + self.lease,
            "worker": self.worker,
            "claimed_at": now,
            "address": envelope.address,
            "language": template.language,
            "body": words.text,
            "version": template.version,
            "told": {name: end.isoformat() for name, end in told.items()},
        }
        if it.channel is Channel.EMAIL:
            sets["subject"] = words.subject
            sets["html"] = words.html
            sets["calendar"] = words.calendar
            sets["message_ref"] = envelope.message_ref
        return Transition.claimed(sets), Claimed(
            message_id=row["id"],
            session_id=row["session_id"],
            milestone=row["milestone"],
            envelope=envelope,
            attempts=attempts,
            expires_at=row["expires_at"],
        )

    def _told(self, it: Situation) -> dict[str, datetime]:
        """The ends that the words can tell: those of the treatment whose words they are."""
        protocol = self.protocols[it.session.treatment]
        return {name: it.ends[name] for name in protocol.restrictions}

    def _treatments(self, it: Situation) -> list[str]:
        """The titles of the treatments that the words speak for."""
        if it.day is not None and it.milestone is not None:
            return it.day.titles(it.milestone)
        return [self.protocols[it.session.treatment].title]

    def _message_ref(self, row: RowMapping, clinic: Clinic) -> str:
        """The Message-ID: made at the first attempt, the same at every later one."""
        if row["channel"] is not Channel.EMAIL:
            return ""
        return row["message_ref"] or new_message_ref(clinic.mail_from or self.mail_from)

    def _unsubscribe_url(self, row: RowMapping, it: Situation) -> str:
        """The same at every attempt, since it rests on the message and its address."""
        if it.channel is not Channel.EMAIL:
            return ""
        return self.links.unsubscribe(row["id"], it.patient.address(it.channel) or "")


def _wait_for_template(row: RowMapping, problem: str, now: datetime) -> Transition:
    if now >= row["expires_at"]:
        reason = Reason(Cause.TOO_LATE, f"Too late: its template was not mended. {problem}")
        return Transition.skipped(reason, at=now)
    log.error("message.template_fault", message_id=row["id"], problem=problem)
    until = min(now + TEMPLATE_PAUSE, row["expires_at"])
    return Transition.waits(until, Reason(Cause.TEMPLATE, problem))


def _as_before(words: Words, row: RowMapping) -> Words:
    """The words, with an earlier attempt's calendar if it says the same: same mail, same bytes."""
    earlier = row["calendar"]
    if earlier and words.calendar and same_but_for_stamps(earlier, words.calendar):
        return replace(words, calendar=earlier)
    return words


def _put_aside(row: RowMapping, verdict: Wait | Hold | Skip, now: datetime) -> Transition:
    match verdict:
        case Wait(until, why):
            return Transition.waits(until, why)
        case Hold(why):
            return Transition.held(why)
        case Skip(why):
            log.info("message.skipped", message_id=row["id"], cause=why.cause)
            return Transition.skipped(why, at=now)
