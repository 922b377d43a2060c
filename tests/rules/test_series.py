"""A patient's weeks, with sessions that move, vanish, come to light late or come back.

Planning and the gate decide as they do in the worker, in any order: between a change and the next
planning pass messages may be looked at with what was planned before.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import product

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.rules.given import CLINIC, PEEL, PROTOCOL_FILE, patient
from tests.rules.test_promises import still_restricts
from tests.rules.worlds import ends_of_sessions, minutes, zones
from worker.rules.facts import Patient, Session
from worker.rules.gate import Send, Situation, Skip, Wait, gate
from worker.rules.joining import Day, Standing, same_day
from worker.rules.messages import LEFT, Channel, Kind, Reason, Status
from worker.rules.planning import ExistingMessage, plan, replan, restriction_ends, window
from worker.rules.protocol import parse_protocol

#: A day on which everything happens at once is the hardest, so hours matter as much as days.
spans = st.one_of(minutes(-30, 30), minutes(-20 * 24, 20 * 24))
MICRONEEDLING = parse_protocol(
    PROTOCOL_FILE.read_text(encoding="utf-8"), treatment="microneedling", file="protocol.toml"
)
PROTOCOLS = {
    "microneedling": MICRONEEDLING,
    "peel": PEEL,
    "twin": replace(MICRONEEDLING, treatment="twin"),
}


@dataclass(slots=True)
class Row:
    """A message as the store would hold it."""

    message: ExistingMessage
    kind: Kind
    next_at: datetime
    told: dict[str, datetime] = field(default_factory=dict)


@dataclass(slots=True)
class Weeks:
    """The patient, the sessions as the clinic tells them, and the messages so far."""

    patient: Patient
    sessions: dict[str, Session]
    now: datetime
    rows: dict[tuple[str, str, Channel], Row] = field(default_factory=dict)
    left: list[tuple[datetime, str, str, Channel]] = field(default_factory=list)

    def day(self, it: Session) -> Day:
        """A session's day, as the store would tell it."""
        standing = {
            key: Standing(row.message.status, row.message.due_at, row.message.expires_at, row.told)
            for key, row in self.rows.items()
            if row.message.status in LEFT | {Status.PLANNED}
        }
        mates = same_day(it, self.others(it), self.patient.zone)
        return Day(it, mates, standing, PROTOCOLS, self.patient.zone)

    def others(self, it: Session) -> list[Session]:
        """The patient's other sessions."""
        return [each for each in self.sessions.values() if each is not it]

    def plan(self) -> None:
        """A planning pass over every session."""
        for it in list(self.sessions.values()):
            wanted = plan(it, self.patient, self.others(it), PROTOCOLS, day=self.day(it))
            own = [row.message for key, row in self.rows.items() if key[0] == it.session_id]
            todo = replan(wanted, own, self.now)
            for number, move in todo.move:
                [row] = [each for each in self.rows.values() if each.message.id == number]
                self._set(row, move.to, move.reason)
                row.message = replace(
                    row.message,
                    due_at=move.sets.get("due_at", row.message.due_at),
                    expires_at=move.sets.get("expires_at", row.message.expires_at),
                )
                row.next_at = row.message.due_at
            for each in todo.add:
                why = each.skip or each.why
                status = Status.SKIPPED if each.skip else Status.PLANNED
                message = ExistingMessage(
                    len(self.rows), each.milestone, each.channel, status, why,
                    each.due_at, each.expires_at, attempts=0,
                )  # fmt: skip
                row = Row(message, each.kind, each.due_at)
                self.rows[it.session_id, each.milestone, each.channel] = row

    def send(self) -> None:
        """A sending pass: the newest first, each decided by the gate."""
        due = [
            (key, row)
            for key, row in self.rows.items()
            if row.message.status is Status.PLANNED and row.next_at <= self.now
        ]
        for key, row in sorted(due, key=lambda each: each[1].message.due_at, reverse=True):
            match gate(self.situation(key, row), self.now):
                case Send():
                    it = self.sessions[key[0]]
                    ends = restriction_ends(self.sessions.values(), PROTOCOLS, self.patient.zone)
                    row.told = {name: ends[name] for name in PROTOCOLS[it.treatment].restrictions}
                    row.message = replace(row.message, status=Status.SENT, attempts=1)
                    self.left.append((self.now, *key))
                case Skip(why):
                    self._set(row, Status.SKIPPED, why)
                case Wait(until):
                    row.next_at = until

    def situation(self, key: tuple[str, str, Channel], row: Row) -> Situation:
        """What the worker would gather about a message."""
        it = self.sessions[key[0]]
        protocol = PROTOCOLS[it.treatment]
        milestone = protocol.milestone(key[1])
        assert milestone is not None
        due_at, expires_at = window(it, milestone, protocol, self.patient.zone)
        return Situation(
            channel=key[2],
            kind=row.kind,
            due_at=max(due_at, row.message.due_at),
            expires_at=min(expires_at, row.message.expires_at),
            session=it,
            patient=self.patient,
            clinic=CLINIC,
            milestone=milestone,
            ends=restriction_ends(self.sessions.values(), PROTOCOLS, self.patient.zone),
            others=tuple(self.others(it)),
            day=self.day(it),
        )

    def restricting(self, session_id: str, milestone: str) -> list[tuple[str, str]]:
        """What still restricts a thing that this permission would allow, counted independently."""
        found = PROTOCOLS[self.sessions[session_id].treatment].milestone(milestone)
        assert found is not None
        return [
            (each.session_id, name)
            for each, name in product(self.sessions.values(), found.lifts)
            if still_restricts(
                replace(each, treatment=each.treatment.replace("twin", "microneedling")),
                name, self.now, self.patient.zone,
            )
        ]  # fmt: skip

    @staticmethod
    def _set(row: Row, status: Status, reason: Reason) -> None:
        row.message = replace(row.message, status=status, reason=reason)


@st.composite
def weeks(draw: st.DrawFn, apart: st.SearchStrategy[timedelta] = spans) -> Weeks:
    """A patient anywhere with up to three sessions, some of them on one day."""
    zone = draw(zones)
    first = draw(ends_of_sessions(zone))
    sessions = {}
    for number in range(draw(st.integers(1, 3))):
        ended = first + (draw(apart) if number else timedelta())
        treatment = draw(st.sampled_from(sorted(PROTOCOLS)))
        name = f"S{number}"
        sessions[name] = Session(
            name, treatment, ended, session_number=number + 1, sessions_planned=3
        )
    return Weeks(patient(zone=zone), sessions, first + timedelta(minutes=15))


def something_happens(data: st.DataObject, it: Weeks) -> None:
    """A session moves, is withdrawn, comes back or comes to light; or the patient's zone does."""
    session_id = data.draw(st.sampled_from(sorted(it.sessions)))
    session = it.sessions[session_id]
    match data.draw(st.sampled_from(["move", "withdraw", "restore", "late", "zone", "nothing"])):
        case "move":
            moved = session.completed_at + data.draw(minutes(-48, 48))
            it.sessions[session_id] = replace(session, completed_at=moved)
        case "withdraw":
            it.sessions[session_id] = replace(session, withdrawn="cancelled")
        case "restore":
            it.sessions[session_id] = replace(session, withdrawn="")
        case "late":
            number = f"S{len(it.sessions)}"
            ended = it.now - data.draw(minutes(0, 72))
            treatment = data.draw(st.sampled_from(sorted(PROTOCOLS)))
            it.sessions[number] = Session(number, treatment, ended)
        case "zone":
            it.patient = replace(it.patient, zone=data.draw(zones))


@settings(deadline=None, max_examples=120, suppress_health_check=list(HealthCheck))
@given(weeks(), st.data())
def test_no_permission_ever_leaves_while_some_session_restricts_it(
    it: Weeks, data: st.DataObject
) -> None:
    """Whatever moves, vanishes or comes to light between one pass and the next."""
    it.plan()
    for _ in range(data.draw(st.integers(1, 12))):
        it.now += data.draw(st.one_of(minutes(0, 3), minutes(0, 5 * 24)))
        something_happens(data, it)
        if data.draw(st.booleans()):
            it.plan()
        before = len(it.left)
        it.send()
        for _, session_id, milestone, channel in it.left[before:]:
            if it.rows[session_id, milestone, channel].kind is Kind.PERMISSION:
                assert it.restricting(session_id, milestone) == []
    assert len({tuple(key) for _, *key in it.left}) == len(it.left)


@settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
@given(weeks(apart=minutes(-7, 7)))
def test_a_day_of_joining_sessions_gets_one_message_for_the_way_home(it: Weeks) -> None:
    """Known in time or not until they end, in whatever order they are looked at."""
    ended = [each.completed_at for each in it.sessions.values()]
    it.now = min(ended)
    while it.now < max(ended) + timedelta(hours=7):
        it.plan()
        it.send()
        it.now += timedelta(minutes=45)
    days = [
        it.sessions[session_id].completed_at.astimezone(it.patient.zone).date()
        for _, session_id, milestone, channel in it.left
        if (milestone, channel) == ("home", Channel.SMS)
    ]
    assert len(set(days)) == len(days)
