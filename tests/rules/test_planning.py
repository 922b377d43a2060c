"""From a session to its whole plan."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from tests.rules.given import PROTOCOLS, case, moment, patient, session
from worker.rules.messages import Cause, Channel, Kind, Reason
from worker.rules.planning import PlannedMessage, plan, restriction_ends
from worker.rules.protocol import Milestone
from worker.rules.timing import Span

if TYPE_CHECKING:
    from worker.rules.facts import Patient, Session

#: The words a receptionist reads.
BOOKED = "Not for this session: the next session is already booked"
LAST = BOOKED.replace("the next session is already booked", "this was session 3 of 3")
NOT_SAID = BOOKED.replace(
    "the next session is already booked",
    "the clinic's system does not say which session of the course this is",
)


def plan_for(it: Session, who: Patient, *others: Session) -> list[PlannedMessage]:
    return plan(it, who, others, PROTOCOLS)


def skips(planned: list[PlannedMessage], *names: str) -> dict[tuple[str, str], Reason]:
    """Why messages will not go, by milestone and channel.

    Of these milestones, or of all but the end of the course, which has not come.
    """
    return {
        (each.milestone, each.channel.value): each.skip
        for each in planned
        if each.skip is not None
        and (each.milestone in names if names else each.milestone != "course-complete")
    }


def test_the_whole_plan_of_a_monday_session() -> None:
    """Monday 15:00 in Madrid: six milestones on two channels, each with its window."""
    planned = plan_for(session("2026-11-23 15:00+01:00"), patient())
    windows = [
        ("home", Kind.ADVICE, "2026-11-23 15:15+01:00", "2026-11-23 21:15+01:00"),
        ("first-day", Kind.ADVICE, "2026-11-24 15:00+01:00", "2026-11-26 03:00+01:00"),
        ("active-again", Kind.PERMISSION, "2026-11-27 10:00+01:00", "2026-12-01 10:00+01:00"),
        ("exfoliate-again", Kind.PERMISSION, "2026-12-08 10:00+01:00", "2026-12-15 10:00+01:00"),
        ("next-session", Kind.INVITATION, "2026-12-22 10:00+01:00", "2027-01-05 10:00+01:00"),
        ("course-complete", Kind.ADVICE, "2026-12-22 10:00+01:00", "2027-01-05 10:00+01:00"),
    ]
    first_of_three = Reason(
        Cause.CONDITION,
        "Not for this session: this was session 1 of 3",
    )
    skip = {"course-complete": first_of_three}
    assert planned == [
        PlannedMessage(name, channel, kind, moment(due_at), moment(expires_at), skip.get(name))
        for name, kind, due_at, expires_at in windows
        for channel in (Channel.SMS, Channel.EMAIL)
    ]


@pytest.mark.parametrize(
    ("zone", "ended", "expected"),
    [
        case("Friday 18:40, clocks go back on Sunday",
             "Europe/Madrid", "2026-10-23 18:40+02:00", "2026-10-27 10:00+01:00"),
        case("Friday 18:40, clocks go forward on Sunday",
             "Europe/Madrid", "2026-03-27 18:40+01:00", "2026-03-31 10:00+02:00"),
        case("Friday ten sharp in New York, clocks go forward on Sunday",
             "America/New_York", "2026-03-06 10:00-05:00", "2026-03-09 10:00-04:00"),
        case("ten to midnight on Honolulu, over new year",
             "Pacific/Honolulu", "2026-12-30 23:50-10:00", "2027-01-03 10:00-10:00"),
        case("a traveller whose home is Kiritimati, where it is tomorrow already",
             "Pacific/Kiritimati", "2026-11-23 15:00+01:00", "2026-11-27 10:00+14:00"),
        case("two days before leap day",
             "Europe/Madrid", "2028-02-27 09:00+01:00", "2028-03-01 10:00+01:00"),
    ],
)  # fmt: skip
def test_exercise_is_allowed_at_ten_where_the_patient_lives(
    zone: str, ended: str, expected: str
) -> None:
    """The third day ends first, then ten o'clock comes on the patient's own wall."""
    planned = plan_for(session(ended), patient(zone=ZoneInfo(zone)))
    due = {each.due_at for each in planned if each.milestone == "active-again"}
    assert due == {moment(expected)}


def test_a_permission_waits_for_its_restriction_even_if_the_protocol_slips() -> None:
    """Should ``after`` ever end first, the restriction's own end counts."""
    early = Milestone(
        name="early",
        kind=Kind.PERMISSION,
        lifts=("sun",),
        after=Span.parse("1 day"),
        useful_for=Span.parse("4 days"),
    )
    slipped = replace(PROTOCOLS["peel"], milestones=(early,))
    planned = plan(session(treatment="peel"), patient(), [], {"peel": slipped})
    assert {each.due_at for each in planned} == {moment("2026-11-30 15:00+01:00")}


@pytest.mark.parametrize(
    ("facts", "who", "milestone", "expected"),
    [
        case("withdrawn",
             {"withdrawn": "The clinic's system marks the session as “cancelled”"}, {}, "home",
             Reason(Cause.WITHDRAWN, "The clinic's system marks the session as “cancelled”")),
        case("the next session is booked",
             {"next_session_at": moment("2026-12-21 15:00+01:00")}, {}, "next-session",
             Reason(Cause.CONDITION, BOOKED)),
        case("the last of the course",
             {"session_number": 3}, {}, "next-session", Reason(Cause.CONDITION, LAST)),
        case("a clinic that does not count sessions",
             {"session_number": None}, {}, "next-session", Reason(Cause.CONDITION, NOT_SAID)),
        case("no marketing consent",
             {}, {"marketing_consent": False}, "next-session",
             Reason(Cause.NO_CONSENT, "An invitation to book is marketing, "
                                      "and the patient has not consented to that")),
    ],
)  # fmt: skip
def test_what_speaks_against_a_milestone_skips_it_on_both_channels(
    facts: dict[str, Any], who: dict[str, Any], milestone: str, expected: Reason
) -> None:
    """It is planned all the same, as skipped, so that staff can read why."""
    planned = plan_for(session(**facts), patient(**who))
    found = skips(planned, milestone)
    assert found == {(milestone, "sms"): expected, (milestone, "email"): expected}


@pytest.mark.parametrize(
    ("who", "channel", "expected"),
    [
        case("no consent to text messages", {"sms_consent": False}, "sms",
             Reason(Cause.NO_CONSENT, "The patient has not consented to text messages")),
        case("no consent to e-mail", {"email_consent": False}, "email",
             Reason(Cause.NO_CONSENT, "The patient has not consented to e-mails")),
        case("no phone number", {"phone": None}, "sms",
             Reason(Cause.NO_ADDRESS, "Not reachable: no phone number on record")),
        case("no e-mail address", {"email": None}, "email",
             Reason(Cause.NO_ADDRESS, "Not reachable: no e-mail address on record")),
        case("a phone number that is none", {"phone": None, "phone_problem": "too short"}, "sms",
             Reason(Cause.NO_ADDRESS, "Not reachable: too short")),
    ],
)  # fmt: skip
def test_what_speaks_against_a_channel_leaves_the_other(
    who: dict[str, Any], channel: str, expected: Reason
) -> None:
    """Every milestone is skipped on that channel and goes out on the other."""
    planned = plan_for(session(), patient(**who))
    names = {each.milestone for each in planned} - {"course-complete"}
    assert skips(planned) == {(name, channel): expected for name in names}


def test_without_marketing_consent_only_the_invitation_stays_away() -> None:
    """Care needs no consent to marketing."""
    planned = plan_for(session(), patient(marketing_consent=False))
    assert {name for name, _ in skips(planned)} == {"next-session"}


def test_a_later_session_restarts_its_restrictions() -> None:
    """A peel on Wednesday keeps out of the sun until the next one: Friday's permission stays."""
    peel = session("2026-11-25 12:00+01:00", session_id="S2", treatment="peel")
    planned = plan_for(session("2026-11-23 15:00+01:00"), patient(), peel)
    expected = Reason(
        Cause.OVERLAP,
        "Another session of this patient still restricts sun; "
        "that session's own message says when it is allowed again",
    )
    assert skips(planned) == {("active-again", each): expected for each in ("sms", "email")}


@pytest.mark.parametrize(
    ("ended", "changes"),
    [
        case("one that is withdrawn", "2026-11-25 12:00+01:00", {"withdrawn": "cancelled"}),
        case("one whose treatment has no protocol",
             "2026-11-25 12:00+01:00", {"treatment": "massage"}),
        case("one whose week ends on the second, hours before the permission",
             "2026-11-20 09:59+01:00", {}),
        case("one whose week ends at the very minute", "2026-11-20 10:00+01:00", {}),
    ],
)  # fmt: skip
def test_a_session_that_no_longer_restricts_is_no_overlap(
    ended: str, changes: dict[str, Any]
) -> None:
    """Only a restriction that still runs when the permission is due stands in its way."""
    peel = session(ended, session_id="S2", **({"treatment": "peel"} | changes))
    assert skips(plan_for(session("2026-11-23 15:00+01:00"), patient(), peel)) == {}


def test_a_session_that_restricts_a_minute_longer_is_an_overlap() -> None:
    """The permission is due at 10:00, the peel's week ends at 10:01."""
    peel = session("2026-11-20 10:01+01:00", session_id="S2", treatment="peel")
    planned = plan_for(session("2026-11-23 15:00+01:00"), patient(), peel)
    assert set(skips(planned)) == {("active-again", "sms"), ("active-again", "email")}


def test_the_latest_end_of_each_restriction_counts() -> None:
    """Over all the sessions of a patient, whatever their order; the withdrawn do not count."""
    sessions = [
        session("2026-11-25 12:00+01:00", session_id="S2", treatment="peel"),
        session("2026-11-23 15:00+01:00"),
        session("2026-12-01 15:00+01:00", session_id="S3", withdrawn="cancelled"),
    ]
    expected = {
        "exercise": moment("2026-11-26 15:00+01:00"),
        "sun": moment("2026-12-02 12:00+01:00"),
        "swimming": moment("2026-11-27 12:00+01:00"),
        "exfoliation": moment("2026-12-07 15:00+01:00"),
    }
    zone = patient().zone
    assert restriction_ends(sessions, PROTOCOLS, zone) == expected
    assert restriction_ends(reversed(sessions), PROTOCOLS, zone) == expected


@pytest.mark.parametrize(
    ("ended", "changes", "invited"),
    [
        ("2026-12-21 15:00+01:00", {}, False),  # back four weeks later
        ("2026-12-21 15:00+01:00", {"withdrawn": "cancelled"}, True),  # that never was
        ("2026-12-21 15:00+01:00", {"treatment": "peel"}, True),  # back for something else
        ("2026-11-02 15:00+01:00", {}, True),  # the session before
    ],
)
def test_who_has_been_back_is_not_invited_back(
    ended: str, changes: dict[str, Any], *, invited: bool
) -> None:
    """An invitation is pointless once the patient has had a later session of that treatment."""
    other = session(ended, session_id="S2", **changes)
    found = skips(plan_for(session("2026-11-23 15:00+01:00"), patient(), other), "next-session")
    reason = Reason(Cause.SUPERSEDED, "The patient has had a later session since")
    assert set(found.values()) == (set() if invited else {reason})


@pytest.mark.parametrize(
    ("facts", "later", "goes"),
    [
        case("the first of three", {}, None, {"next-session"}),
        case("the last of three", {"session_number": 3}, None, {"course-complete"}),
        case("one more than planned", {"session_number": 4}, None, {"course-complete"}),
        case("a course of one",
             {"session_number": 1, "sessions_planned": 1}, None, {"course-complete"}),
        case("a clinic that does not count", {"session_number": None}, None, set()),
        case("a clinic that does not say how many are planned",
             {"sessions_planned": None}, None, set()),
        case("the next session is booked",
             {"next_session_at": moment("2026-12-21 15:00+01:00")}, None, set()),
        case("back after the last of three", {"session_number": 3}, {}, set()),
        case("back for something else after the last of three",
             {"session_number": 3}, {"treatment": "peel"}, {"course-complete"}),
    ],
)  # fmt: skip
def test_a_course_goes_on_or_is_over_never_both(
    facts: dict[str, Any], later: dict[str, Any] | None, goes: set[str]
) -> None:
    """Four weeks on the patient is asked to book, or thanked, or neither."""
    others = [] if later is None else [session("2026-12-14 15:00+01:00", session_id="S2", **later)]
    planned = plan_for(session(**facts), patient(), *others)
    ends = {"next-session", "course-complete"}
    assert {each.milestone for each in planned if each.skip is None} & ends == goes


def test_who_comes_back_after_the_last_session_is_told_of_no_end() -> None:
    """In words that staff understand."""
    back = session("2026-12-14 15:00+01:00", session_id="S2", session_number=4)
    planned = plan_for(session(session_number=3), patient(), back)
    found = skips(planned, "course-complete")[("course-complete", "sms")]
    assert found.text == "Not for this session: the patient has had a later session since"
