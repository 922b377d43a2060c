"""What may never happen, tried on thousands of sessions all over the world.

The oracles here know nothing of :mod:`worker.rules.timing`: a day is counted by comparing what the
patient's clock and calendar show.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import product
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, example, given, settings

from tests.rules.given import CLINIC, MADRID, PROTOCOLS, moment, patient, session
from tests.rules.worlds import Case, cases, messages
from worker.rules.gate import Send, Wait, gate
from worker.rules.messages import Channel, Kind, Status
from worker.rules.planning import ExistingMessage, PlannedMessage, Replan, plan, replan
from worker.rules.timing import Unit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from zoneinfo import ZoneInfo

    from worker.rules.facts import Session
    from worker.rules.gate import Situation

#: A slow machine is no reason to fail.
promise = settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])

OPENS, CLOSES = time(9), time(20)


def wall(moment: datetime, zone: ZoneInfo) -> datetime:
    """What calendar and clock show, without a zone."""
    return moment.astimezone(zone).replace(tzinfo=None)


def still_restricts(it: Session, name: str, now: datetime, zone: ZoneInfo) -> bool:
    """Whether a session restricts something at a moment, as the patient would count it."""
    span = PROTOCOLS[it.treatment].restrictions.get(name)
    if span is None or it.withdrawn:
        return False
    if span.unit is Unit.DAYS:
        return wall(now, zone) < wall(it.completed_at, zone) + timedelta(days=span.amount)
    assert span.unit is Unit.HOURS
    return now.astimezone(UTC) < it.completed_at.astimezone(UTC) + timedelta(hours=span.amount)


def lifted_by(message: PlannedMessage, it: Session) -> tuple[str, ...]:
    found = PROTOCOLS[it.treatment].milestone(message.milestone)
    assert found is not None
    return found.lifts


@promise
@given(cases(most_sessions=1))
def test_no_permission_is_due_before_its_restriction_has_ended(case: Case) -> None:
    """For any session, any zone, any clock change."""
    [it] = case.sessions
    zone = case.patient.zone
    for message in case.plan:
        restricting = [
            name
            for name in lifted_by(message, it)
            if still_restricts(it, name, message.due_at, zone)
        ]
        assert restricting == []
        assert message.due_at >= it.completed_at


@promise
@given(cases())
def test_no_permission_is_planned_while_another_session_restricts(case: Case) -> None:
    """Over any set of sessions: it is skipped at once, not only when it is to leave."""
    for message in case.plan:
        restricting = [
            (each.session_id, name)
            for each, name in product(case.sessions, lifted_by(message, case.sessions[0]))
            if still_restricts(each, name, message.due_at, case.patient.zone)
        ]
        assert message.skip is not None or restricting == []


@promise
@given(messages())
def test_no_permission_leaves_while_any_session_restricts(
    drawn: tuple[Case, PlannedMessage, datetime],
) -> None:
    """Over any set of sessions the latest end wins, at whatever moment the gate is asked."""
    case, message, now = drawn
    if gate(case.situation(message), now) != Send():
        return
    restricting = [
        (each.session_id, name)
        for each, name in product(case.sessions, lifted_by(message, case.sessions[0]))
        if still_restricts(each, name, now, case.patient.zone)
    ]
    assert restricting == []


@promise
@given(messages())
def test_nothing_leaves_in_quiet_hours(drawn: tuple[Case, PlannedMessage, datetime]) -> None:
    """Only the message for the way home may, and only for an hour after it is due."""
    case, message, now = drawn
    if gate(case.situation(message), now) != Send():
        return
    awake = OPENS <= wall(now, case.patient.zone).time() < CLOSES
    leaving = message.milestone == "home" and now < message.due_at + timedelta(hours=1)
    assert awake or leaving


@promise
@given(messages())
@example(
    # Due at ten to eight in the evening, and five minutes before its window ends at night.
    (
        Case(patient(zone=MADRID), (session("2026-11-23 19:35+01:00"),)),
        plan(session("2026-11-23 19:35+01:00"), patient(), [], PROTOCOLS)[0],
        moment("2026-11-24 01:45+01:00"),
    )
)
def test_nothing_leaves_or_waits_past_its_truth_window(
    drawn: tuple[Case, PlannedMessage, datetime],
) -> None:
    """A message that waits does so for a later moment, at which it is still true."""
    case, message, now = drawn
    verdict = gate(case.situation(message), now)
    if verdict == Send():
        assert now < message.expires_at
    if isinstance(verdict, Wait):
        assert now < verdict.until < message.expires_at


def waits(it: Situation, now: datetime, full: date | None = None) -> int:
    """How often a message is put off, if on the patient's day ``full`` the limit is reached."""
    count = 0
    while True:
        today = wall(now, it.patient.zone).date()
        verdict = gate(replace(it, sent_today=CLINIC.daily_limit if today == full else 0), now)
        if not isinstance(verdict, Wait):
            return count
        assert verdict.until > now
        now, count = verdict.until, count + 1


@promise
@given(messages())
def test_waiting_comes_to_an_end(drawn: tuple[Case, PlannedMessage, datetime]) -> None:
    """Twice at most is a message put off: until its time, and until the morning after it.

    Its session may have moved, and its new time may be at night. Nothing else may keep one waiting
    that is alone on its day; the next test is about the others.
    """
    case, message, now = drawn
    assert waits(case.situation(message), now) <= len(["its time", "the morning"])


@promise
@given(messages())
def test_a_full_day_costs_a_message_that_day_and_no_more(
    drawn: tuple[Case, PlannedMessage, datetime],
) -> None:
    """It waits for the day to end, and then for the morning, like whatever falls due at night.

    So four times is the most: for its time, for that day's morning, for midnight, for the next.
    """
    case, message, now = drawn
    it = case.situation(message)
    full = wall(max(now, it.due_at), it.patient.zone).date()
    most = ["its time", "the morning", "the next day", "its morning"]
    assert waits(it, now, full) <= len(most)


@promise
@given(messages())
def test_nothing_leaves_to_someone_who_does_not_want_it(
    drawn: tuple[Case, PlannedMessage, datetime],
) -> None:
    """Without consent, after a stop, to a dead number or a blocked patient: never."""
    case, message, now = drawn
    for it in unwanted(case.situation(message)):
        assert gate(it, now) != Send()


def unwanted(it: Situation) -> Iterator[Situation]:
    """The same message, once for each way of not being wanted."""
    yield replace(it, opted_out=True)
    yield replace(it, suppressed="a dead number")
    yield replace(it, patient=replace(it.patient, blocked="deceased"))
    if it.channel is Channel.SMS:
        yield replace(it, patient=replace(it.patient, sms_consent=False))
    if it.channel is Channel.EMAIL:
        yield replace(it, patient=replace(it.patient, email_consent=False))
    if it.kind is Kind.INVITATION:
        yield replace(it, patient=replace(it.patient, marketing_consent=False))


@promise
@given(cases())
def test_a_plan_is_whole_and_the_same_every_time(case: Case) -> None:
    """One message per milestone and channel, each with a window that lasts, whatever happens."""
    planned = case.plan
    assert planned == case.plan
    protocol = PROTOCOLS[case.sessions[0].treatment]
    expected = list(product([each.name for each in protocol.milestones], Channel))
    assert [(each.milestone, each.channel) for each in planned] == expected
    assert all(each.due_at < each.expires_at for each in planned)
    assert all(each.due_at.tzinfo is each.expires_at.tzinfo is UTC for each in planned)


@promise
@given(cases(), cases())
def test_planning_again_settles(before: Case, after: Case) -> None:
    """Whatever the session was and has become: once moved, nothing more is to move."""
    now = before.sessions[0].completed_at
    stored = [_stored(number, each) for number, each in enumerate(before.plan)]
    todo = replan(after.plan, stored, now)
    for number, transition in todo.move:
        stored[number] = replace(
            stored[number],
            status=transition.to,
            reason=transition.reason,
            due_at=transition.sets.get("due_at", stored[number].due_at),
            expires_at=transition.sets.get("expires_at", stored[number].expires_at),
        )
    stored += [_stored(number, each) for number, each in enumerate(todo.add, len(stored))]
    assert replan(after.plan, stored, now) == Replan((), ())


def _stored(number: int, message: PlannedMessage) -> ExistingMessage:
    return ExistingMessage(
        id=number,
        milestone=message.milestone,
        channel=message.channel,
        status=Status.SKIPPED if message.skip else Status.PLANNED,
        reason=message.skip or message.why,
        due_at=message.due_at,
        expires_at=message.expires_at,
        attempts=0,
    )
