"""What bears on a batch of due messages, fetched together: everything the gate asks about."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from worker.rules.gate import Situation
from worker.rules.joining import Key, Standing
from worker.rules.messages import Channel, Kind, Status
from worker.rules.planning import restriction_ends, window
from worker.store import addresses, channels, joining, outgoing
from worker.store.cases import cases
from worker.store.clinics import some_clinics
from worker.store.kinds import SuppressionKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping

    from worker.rules.facts import Clinic
    from worker.rules.protocol import Protocol
    from worker.store.addresses import Suppressed
    from worker.store.cases import Case
    from worker.store.channels import Pause
    from worker.store.outgoing import Competitor

#: Which kind goes first when a day has room for less than is due.
_TURN = {Kind.PERMISSION: 0, Kind.ADVICE: 1, Kind.INVITATION: 2}
#: A patient's day begins at most this long ago, wherever it is.
_A_DAY_ANYWHERE = timedelta(hours=26)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Facts about a batch of due messages of one channel.

    What one decision changes for the next is kept up to date while the batch is decided.
    """

    cases: Mapping[str, Case]
    clinics: Mapping[str, Clinic]
    suppressed: Mapping[str, Mapping[SuppressionKind, Suppressed]]
    #: By session: the milestones whose time has come, with that time.
    reached: Mapping[str, dict[str, datetime]]
    #: By patient: when messages left.
    departures: defaultdict[tuple[str, str], list[datetime]]
    #: By patient: what else is due.
    competitors: Mapping[tuple[str, str], list[Competitor]]
    #: How the messages stand of sessions that share a day.
    standing: dict[Key, Standing]
    #: Text messages that failed for good: session and milestone.
    failed_texts: Collection[tuple[str, str]]
    #: By channel and sender: clinics' own senders that are in trouble.
    sender_pauses: Mapping[tuple[Channel, str], Pause] = field(default_factory=dict)
    #: Those of them that one message tries meanwhile, with the end of its attempt.
    tries: dict[tuple[Channel, str], datetime] = field(default_factory=dict)

    def situation(
        self, row: RowMapping, protocols: Mapping[str, Protocol], now: datetime
    ) -> Situation:
        """Everything that may speak against sending one of the messages now."""
        case = self.cases[row["session_id"]]
        patient, channel = case.patient, row["channel"]
        listed = self.suppressed.get(patient.address(channel) or "", {})
        protocol = protocols[case.session.treatment]
        milestone = protocol.milestone(row["milestone"])
        due_at, expires_at = row["due_at"], row["expires_at"]
        if milestone is not None:
            # The session may have moved since it was planned: then neither window counts alone.
            due, expires = window(case.session, milestone, protocol, patient.zone)
            due_at, expires_at = max(due_at, due), min(expires_at, expires)
        dead = listed.get(SuppressionKind.UNREACHABLE)
        return Situation(
            channel=channel,
            kind=milestone.kind if milestone else row["kind"],
            due_at=due_at,
            expires_at=expires_at,
            session=case.session,
            patient=patient,
            clinic=self.clinics[patient.clinic],
            milestone=milestone,
            ends=restriction_ends(case.sessions, protocols, patient.zone),
            others=case.others,
            superseded_by=self._newer_than(row),
            suppressed=dead.reason if dead else "",
            suppressed_until=dead.until if dead else None,
            opted_out=SuppressionKind.OPTED_OUT in listed or bool(patient.stopped(channel)),
            clinical_hold=case.clinical_hold,
            sent_today=self._sent_today(case, now),
            goes_first=self._go_first(row, case),
            text_failed=(row["session_id"], row["milestone"]) in self.failed_texts,
            day=joining.day_of(case, self.standing, protocols),
        )

    def paused_by_sender(self, channel: Channel, sender: str, now: datetime) -> Pause | None:
        """What a message has to wait for, if its clinic's own sender is in trouble."""
        pause = self.sender_pauses.get((channel, sender))
        if pause is None:
            return None
        until = self.tries.get((channel, sender), pause.until)
        return replace(pause, until=until) if until > now else None

    def note_try(self, channel: Channel, sender: str, until: datetime) -> None:
        """A message tries whether its sender's trouble is over; the others wait for it."""
        if (channel, sender) in self.sender_pauses:
            self.tries[channel, sender] = until

    def note_skipped(self, row: RowMapping) -> None:
        """A message will not be sent, so it replaces no older one."""
        self.reached[row["session_id"]].pop(row["milestone"], None)
        self._note_decided(row)

    def note_departure(self, row: RowMapping, told: Mapping[str, datetime], now: datetime) -> None:
        """A message leaves: it counts towards the patient's day, and may speak for others."""
        patient = self.cases[row["session_id"]].patient
        self.departures[patient.clinic, patient.patient_id].append(now)
        self._note_decided(row)
        key = (row["session_id"], row["milestone"], row["channel"])
        left = Standing(Status.SENDING, row["due_at"], row["expires_at"], told)
        self.standing.update({key: left} if key in self.standing else {})

    def _note_decided(self, row: RowMapping) -> None:
        patient = self.cases[row["session_id"]].patient
        waiting = self.competitors.get((patient.clinic, patient.patient_id), [])
        waiting[:] = [each for each in waiting if each.message_id != row["id"]]

    def _go_first(self, row: RowMapping, case: Case) -> int:
        """Due messages of a kind that comes first; of its own session only the newest goes."""
        owner = (case.patient.clinic, case.patient.patient_id)
        return sum(
            _TURN[each.kind] < _TURN[row["kind"]] and each.session_id != row["session_id"]
            for each in self.competitors.get(owner, ())
        )

    def _newer_than(self, row: RowMapping) -> str:
        """A milestone of the same session and channel whose time came after this one's."""
        reached = self.reached[row["session_id"]]
        later = {due_at: name for name, due_at in reached.items() if due_at > row["due_at"]}
        return later[max(later)] if later else ""

    def _sent_today(self, case: Case, now: datetime) -> int:
        left = self.departures[case.patient.clinic, case.patient.patient_id]
        if not left:
            return 0
        zone = case.patient.zone
        today = now.astimezone(zone).date()
        return sum(each.astimezone(zone).date() == today for each in left)


def look_around(
    db: Connection, rows: Sequence[RowMapping], channel: Channel, now: datetime
) -> Surroundings:
    """Fetch what bears on these due messages."""
    session_ids = {row["session_id"] for row in rows}
    if not session_ids:
        return Surroundings({}, {}, {}, {}, defaultdict(list), {}, {}, ())
    found = cases(db, session_ids)
    clinics = some_clinics(db, {each.patient.clinic for each in found.values()})
    own_senders = any(each.sender(channel) for each in clinics.values())
    reached, departures = outgoing.before(db, found, channel, now, now - _A_DAY_ANYWHERE)
    reachable = {each.patient.address(channel) or "" for each in found.values()}
    return Surroundings(
        cases=found,
        clinics=clinics,
        suppressed=addresses.suppressed(db, channel, reachable, now),
        reached=reached,
        departures=departures,
        sender_pauses=channels.sender_pauses(db) if own_senders else {},
        competitors=outgoing.competitors(db, _with_others(found.values()), channel, now),
        standing=joining.standing(db, found.values(), channel),
        failed_texts=outgoing.failed_texts(db, session_ids) if channel is Channel.EMAIL else (),
    )


def _with_others(cases: Iterable[Case]) -> set[tuple[str, str]]:
    """Patients with several sessions: only there can messages of one compete with another's."""
    return {(each.patient.clinic, each.patient.patient_id) for each in cases if each.others}
