"""One message for a day: who speaks for whom, and who has to speak for themselves after all."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.rules.given import CLINIC, MADRID, MICRONEEDLING, case, moment, patient, session
from worker.rules.gate import Send, Situation, Skip, Verdict, Wait, gate
from worker.rules.joining import Day, Standing, same_day
from worker.rules.messages import Cause, Channel, Reason, Status
from worker.rules.planning import plan, restriction_ends, window
from worker.rules.protocol import parse_protocol

if TYPE_CHECKING:
    from worker.rules.facts import Session
    from worker.rules.protocol import Protocol

#: Half past twelve: both sessions of the morning are over, and their messages due.
NOON = moment("2026-11-23 12:30+01:00")
SENT_FOR_BOTH = "Session S2 of the same day has sent this message, and it holds for both"


def treatment(name: str, restrictions: str, *, joins: str = "joins = true") -> Protocol:
    """A treatment with a message for the way home."""
    return parse_protocol(
        f"""
        title = "{name.title()}"
        restrictions = {{{restrictions}}}

        [[milestones]]
        name = "home"
        kind = "advice"
        after = "15 minutes"
        useful_for = "6 hours"
        any_hour_for = "1 hour"
        {joins}
        """,
        treatment=name,
        file=f"{name}/protocol.toml",
    )


SUN = 'exercise = "3 days", sun = "3 days", exfoliation = "14 days"'
LONGER_SUN = 'exercise = "3 days", sun = "7 days", exfoliation = "14 days"'
PROTOCOLS = {
    "microneedling": MICRONEEDLING,
    "peel": treatment("peel", SUN),
    "laser": treatment("laser", LONGER_SUN),
    "mask": treatment("mask", 'sun = "3 days"'),
    "tattoo": treatment("tattoo", 'swimming = "3 days"'),
    "facial": treatment("facial", SUN, joins=""),
}
ELEVEN = session("2026-11-23 11:00+01:00")


def other(ended: str = "2026-11-23 12:00+01:00", name: str = "peel", **changes: Any) -> Session:
    return session(ended, session_id="S2", treatment=name, **changes)


def standing(it: Session, status: Status = Status.PLANNED, *told_for: Session) -> Standing:
    """How a session's ``home`` stands; once it left, it told the ends of these sessions."""
    protocol = PROTOCOLS[it.treatment]
    milestone = protocol.milestone("home")
    assert milestone is not None
    due_at, expires_at = window(it, milestone, protocol, MADRID)
    ends = restriction_ends([it, *told_for], PROTOCOLS, MADRID)
    told = {name: ends[name] for name in protocol.restrictions} if told_for else {}
    return Standing(status, due_at, expires_at, told)


def verdict(it: Session, mate: Session, its: Standing | None, *, at: str | None = None) -> Verdict:
    """What the gate says of a session's ``home`` when another session had that day, too."""
    protocol = PROTOCOLS[it.treatment]
    milestone = protocol.milestone("home")
    assert milestone is not None
    due_at, expires_at = window(it, milestone, protocol, MADRID)
    stands = {} if its is None else {(mate.session_id, "home", Channel.SMS): its}
    situation = Situation(
        channel=Channel.SMS,
        kind=milestone.kind,
        due_at=due_at,
        expires_at=expires_at,
        session=it,
        patient=patient(),
        clinic=CLINIC,
        milestone=milestone,
        ends=restriction_ends([it, mate], PROTOCOLS, MADRID),
        others=(mate,),
        day=Day(it, same_day(it, [mate], MADRID), stands, PROTOCOLS, MADRID),
    )
    return gate(situation, moment(at) if at else NOON)


def test_the_first_of_two_waits_for_the_second_to_speak_for_both() -> None:
    """A microneedling at eleven and a peel at twelve: the peel's message is the one."""
    mate = other()
    why = Reason(Cause.JOINED, "Session S2 of the same day sends this message for both")
    expected = Wait(NOON + timedelta(minutes=1), why)
    assert verdict(ELEVEN, mate, standing(mate)) == expected
    assert verdict(mate, ELEVEN, standing(ELEVEN)) == Send()


def test_it_waits_until_the_other_is_due() -> None:
    """At a quarter past eleven the peel is not over yet, as far as the booking system knows."""
    found = verdict(ELEVEN, other(), standing(other()), at="2026-11-23 11:15+01:00")
    assert isinstance(found, Wait)
    assert found.until == moment("2026-11-23 12:15+01:00")


def test_once_the_other_has_left_it_is_skipped() -> None:
    """And the reason names the session that spoke for it."""
    mate = other()
    left = standing(mate, Status.SENT, ELEVEN)
    assert verdict(ELEVEN, mate, left) == Skip(Reason(Cause.JOINED, SENT_FOR_BOTH))


@pytest.mark.parametrize(
    ("it", "mate", "expected"),
    [
        case("the treatment with more restrictions speaks, though it ended first",
             other(name="mask"), ELEVEN, Wait),
        case("and it waits for nobody", ELEVEN, other(name="mask"), Send),
        case("a restriction that the other's words do not know", ELEVEN, other(name="tattoo"),
             Send),
        case("a protocol that says nothing of joining", ELEVEN, other(name="facial"), Send),
        case("a session of the day before",
             ELEVEN, other("2026-11-22 12:00+01:00", "laser"), Send),
        case("the same day in Madrid, and in UTC another", session("2026-11-24 00:10+01:00"),
             other("2026-11-24 12:00+01:00"), Send),
        case("a session that was withdrawn", ELEVEN, other(withdrawn="cancelled"), Send),
        case("a session whose row has a fault", ELEVEN, other(fault="no consent"), Send),
        case("a session that ends too late to wait for",
             ELEVEN, other("2026-11-23 17:30+01:00"), Send),
        case("the same treatment twice", ELEVEN, other(name="microneedling"), Wait),
    ],
)  # fmt: skip
def test_who_speaks_for_whom(it: Session, mate: Session, expected: type[Verdict]) -> None:
    """Only a message that says all of it, of a session that counts, on the same day, in time."""
    now = "2026-11-24 01:00+01:00" if it.completed_at.hour == 23 else None
    assert isinstance(verdict(it, mate, standing(mate), at=now), expected)


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.PLANNED}))
def test_nobody_waits_for_a_message_that_does_not_go(status: Status) -> None:
    """Held, failed or skipped, and nothing told: this one goes itself."""
    assert verdict(ELEVEN, other(), standing(other(), status)) == Send()


def test_of_two_that_ended_together_exactly_one_goes() -> None:
    """However often and in whatever order they are looked at."""
    mate = replace(other(name="microneedling"), completed_at=ELEVEN.completed_at)
    verdicts = [verdict(ELEVEN, mate, standing(mate)), verdict(mate, ELEVEN, standing(ELEVEN))]
    assert [type(each) for each in verdicts] == [Wait, Send]


@pytest.mark.parametrize(
    ("late", "expected"),
    [
        case("a peel with the same ends, an hour later", other(), Skip),
        case("a mask, whose restriction was told of", other(name="mask"), Skip),
        case("a laser, which keeps out of the sun for longer", other(name="laser"), Send),
        case("a tattoo, which keeps from swimming", other(name="tattoo"), Send),
    ],
)
def test_a_session_that_comes_to_light_later_speaks_only_if_it_adds_something(
    late: Session, expected: type[Verdict]
) -> None:
    """The microneedling's message left before anyone knew of the other session."""
    left = standing(ELEVEN, Status.DELIVERED, ELEVEN)
    assert isinstance(verdict(late, ELEVEN, left), expected)


def test_the_plan_agrees_with_the_gate() -> None:
    """What is skipped at the gate is not planned again, and comes back when it must."""
    mate = other()
    for told_for, expected in (([ELEVEN], SENT_FOR_BOTH), ([], None)):
        stands = {("S2", "home", Channel.SMS): standing(mate, Status.SENT, *told_for)}
        day = Day(ELEVEN, (mate,), stands, PROTOCOLS, MADRID)
        home, mail, *_ = plan(ELEVEN, patient(), [mate], PROTOCOLS, day=day)
        assert (home.skip.text if home.skip else None) == expected
        assert mail.skip is None


def test_the_words_may_name_every_treatment_that_they_speak_for() -> None:
    """In the order of the day, each once, without those that speak for themselves."""
    mates = (other(), replace(other(name="tattoo"), session_id="S3"), other(name="facial"))
    day = Day(ELEVEN, mates, {}, PROTOCOLS, MADRID)
    home = MICRONEEDLING.milestone("home")
    assert home is not None
    assert day.titles(home) == ["Microneedling", "Peel"]
