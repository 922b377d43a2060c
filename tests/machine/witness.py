"""What the state machine knows by itself, and the promises that it holds the worker to.

Nothing here uses the worker's rules: hours, restrictions and allowed moves are written out again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from worker.rules.messages import Channel, Status
from worker.store.tables import MESSAGE_EVENTS, MESSAGES

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tests.machine.provider import Acceptance
    from worker.rules.facts import Patient, Session

#: Days after a session until what the milestone allows is allowed.
RESTS = {"active-again": 3, "exfoliate-again": 14}
INVITATION = "next-session"
#: The message that goes out while the patient leaves, so quiet hours do not matter for an hour.
HOME = "home"

#: Where a message may go from where.
MOVES: dict[Status | None, set[Status]] = {
    None: {Status.PLANNED, Status.SKIPPED},
    Status.PLANNED: {Status.PLANNED, Status.SENDING, Status.SKIPPED, Status.HELD, Status.SENT},
    Status.HELD: {Status.HELD, Status.PLANNED, Status.SKIPPED, Status.SENT},
    Status.SENDING: {Status.SENT, Status.PLANNED, Status.FAILED, Status.UNKNOWN},
    Status.UNKNOWN: {Status.UNKNOWN, Status.SENT, Status.PLANNED, Status.FAILED, Status.HELD},
    Status.SENT: {Status.DELIVERED, Status.FAILED},
    # Skipped for another reason now: what is told must be what stands in the way today.
    Status.SKIPPED: {Status.PLANNED, Status.SKIPPED},
    Status.DELIVERED: set(),
    Status.FAILED: set(),
}


@dataclass(frozen=True, slots=True)
class Claim:
    """A message as it stood when it was claimed."""

    message_id: int
    milestone: str
    channel: Channel
    at: datetime
    address: str
    text: str
    message_ref: str | None


@dataclass(slots=True)
class Witness:
    """The facts as the test made them, and every claim that it saw."""

    patients: dict[str, Patient]
    sessions: dict[str, Session] = field(default_factory=dict)
    #: Whose session it is.
    owners: dict[str, str] = field(default_factory=dict)
    opted_out: set[tuple[Channel, str]] = field(default_factory=set)
    #: By attempt.
    claims: dict[str, Claim] = field(default_factory=dict)
    _seen: int = 0

    def look(self, db: Connection) -> None:
        """Take note of the claims since the last look; each must be right by the facts of now."""
        event, message = MESSAGE_EVENTS, MESSAGES
        claimed = (
            select(message, event.c.id.label("event_id"), event.c.attempt_id.label("attempt"))
            .join(event, event.c.message_id == message.c.id)
            .where(event.c.event == "claimed", event.c.id > self._seen)
            .order_by(event.c.id)
        )
        for row in db.execute(claimed).mappings():
            self._seen = row["event_id"]
            self.claims[row["attempt"]] = Claim(
                row["id"],
                row["milestone"],
                row["channel"],
                row["claimed_at"],
                row["address"],
                row["body"],
                row["message_ref"],
            )
            assert not (wrong := self._objections(row)), f"{row['milestone']} left, but {wrong}"

    def _objections(self, row: Any) -> str:
        """What speaks against sending a message at the moment at which it was claimed."""
        now, milestone, channel = row["claimed_at"], row["milestone"], row["channel"]
        session = self.sessions[row["session_id"]]
        patient = self.patients[self.owners[row["session_id"]]]
        consent = patient.sms_consent if channel is Channel.SMS else patient.email_consent
        quiet = not 9 <= now.astimezone(patient.zone).hour < 20
        leaving = milestone == HOME and now < row["due_at"] + timedelta(hours=1)
        checks = {
            "the session is withdrawn": bool(session.withdrawn),
            "there is no consent": not consent,
            "it is marketing": milestone == INVITATION and not patient.marketing_consent,
            "the patient said stop": (channel, row["address"]) in self.opted_out,
            "it is not due": now < row["due_at"],
            "it is too late": now >= row["expires_at"],
            "a session still restricts it": now < self._allowed_at(milestone, patient),
            "it is night": quiet and not leaving,
        }
        return ", ".join(why for why, holds in checks.items() if holds)

    def _allowed_at(self, milestone: str, patient: Patient) -> datetime:
        """When the last of a patient's sessions stops restricting what a milestone allows."""
        if milestone not in RESTS:
            return datetime.min.replace(tzinfo=UTC)
        return max(
            _days_later(each.completed_at, RESTS[milestone], patient)
            for name, each in self.sessions.items()
            if self.owners[name] == patient.patient_id and not each.withdrawn
        )

    def check_moves(self, db: Connection) -> None:
        """Each event leaves from where the one before arrived, and only on allowed moves."""
        stands: dict[int, Status | None] = defaultdict(lambda: None)
        for event in db.execute(select(MESSAGE_EVENTS).order_by(MESSAGE_EVENTS.c.id)):
            assert stands[event.message_id] == event.from_status, event
            assert event.to_status in MOVES[event.from_status], event
            assert event.reason, event
            stands[event.message_id] = event.to_status
        rows = db.execute(select(MESSAGES.c.id, MESSAGES.c.status))
        assert {row.id: row.status for row in rows} == stands

    def check_copies(self, accepted: list[Acceptance], *, most: timedelta) -> None:
        """Nobody gets a message twice, and nothing leaves that was not claimed just before.

        Two messages may have the same words (two sessions on one day); then it cannot be told
        which of them arrived, and together they arrive at most as often as there are of them.
        An unknown e-mail goes again, but only as the same message: mail programs show it once.
        """
        for each in accepted:
            claim = self.claims[each.envelope.attempt_id]
            assert (claim.address, claim.text) == each.words
            assert claim.at <= each.at <= claim.at + most
        texts = [each for each in accepted if each.envelope.channel is Channel.SMS]
        self._check_texts(texts)
        references = defaultdict(set)
        for each in accepted:
            claim = self.claims[each.envelope.attempt_id]
            if claim.channel is Channel.EMAIL:
                references[claim.message_id].add(each.envelope.message_ref)
        assert all(len(each) == 1 for each in references.values())
        assert len(set[str]().union(*references.values())) == len(references)

    def _check_texts(self, texts: list[Acceptance]) -> None:
        same_words = defaultdict(set)
        for claim in self.claims.values():
            if claim.channel is Channel.SMS:
                same_words[claim.address, claim.text].add(claim.message_id)
        for words, copies in Counter(each.words for each in texts).items():
            assert copies <= len(same_words[words]), "a text arrived twice"
        alone = [each for each in texts if len(same_words[each.words]) == 1]
        copies_of = Counter(self.claims[each.envelope.attempt_id].message_id for each in alone)
        assert all(copies == 1 for copies in copies_of.values()), "a message arrived twice"


def _days_later(moment: datetime, days: int, patient: Patient) -> datetime:
    """The same time on the patient's clock, days later."""
    local = moment.astimezone(patient.zone).replace(tzinfo=None) + timedelta(days=days)
    return local.replace(tzinfo=patient.zone).astimezone(UTC)
