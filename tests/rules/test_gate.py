"""The last look before a message leaves: every verdict, and the sentence that staff read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.rules.given import CLINIC, case, milestone, moment, patient, session, situation
from worker.rules.gate import Hold, Send, Skip, Verdict, Wait, gate
from worker.rules.messages import Cause, Channel, Kind, Reason

#: When ``active-again`` is due after the session of ``given.session``: a Friday.
FRIDAY = "2026-11-27 10:00+01:00"
FRIDAY_NIGHT = "2026-11-27 22:00+01:00"
SATURDAY_AT_NINE = moment("2026-11-28 09:00+01:00")
SATURDAY_BEGINS = moment("2026-11-28 00:00+01:00")
QUIET = "Quiet hours for the patient until 09:00 their time"
ENOUGH = "The patient already got 2 text messages today"
AFTER_THAT = "; after that it would no longer be true"


def skip(cause: Cause, text: str) -> Skip:
    return Skip(Reason(cause, text))


@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize(
    ("milestone", "now"),
    [
        case("home, a quarter of an hour later", "home", "2026-11-23 15:15+01:00"),
        case("first-day, a day later", "first-day", "2026-11-24 15:00+01:00"),
        case("active-again, on the hour", "active-again", FRIDAY),
        case("active-again, in its last minute", "active-again", "2026-12-01 09:59+01:00"),
        case("exfoliate-again, on the hour", "exfoliate-again", "2026-12-08 10:00+01:00"),
        case("next-session, in the last minute of a day", "next-session", "2026-12-22 19:59+01:00"),
    ],
)
def test_nothing_speaks_against_it(channel: Channel, milestone: str, now: str) -> None:
    """On its day, in its hours, to a patient who agreed: it goes."""
    assert gate(situation(milestone, channel), moment(now)) == Send()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        case("the session was cancelled",
             {"session": session(withdrawn="The clinic's system no longer has this session")},
             skip(Cause.WITHDRAWN, "The clinic's system no longer has this session")),
        case("the milestone is gone",
             {"milestone": None},
             skip(Cause.NOT_IN_PROTOCOL, "The protocol no longer has this message")),
        case("the milestone is by e-mail only now",
             {"milestone": milestone().model_copy(update={"channels": (Channel.EMAIL,)})},
             skip(Cause.NOT_IN_PROTOCOL, "The protocol no longer has this message")),
        case("a newer message is due as well",
             {"superseded_by": "exfoliate-again"},
             skip(Cause.SUPERSEDED,
                  "A newer message of the same session (exfoliate-again) is due as well")),
        case("the patient has died",
             {"patient": patient(blocked="Staff blocked this patient: deceased")},
             skip(Cause.BLOCKED, "Staff blocked this patient: deceased")),
        case("consent was withdrawn",
             {"patient": patient(sms_consent=False)},
             skip(Cause.NO_CONSENT, "The patient has not consented to text messages")),
        case("the number was deleted",
             {"patient": patient(phone=None)},
             skip(Cause.NO_ADDRESS, "Not reachable: no phone number on record")),
        case("the patient said stop",
             {"opted_out": True},
             skip(Cause.OPTED_OUT, "The patient said stop to text messages")),
        case("the number is dead",
             {"suppressed": "This number cannot get text messages"},
             skip(Cause.SUPPRESSED, "This number cannot get text messages")),
        case("staff look at a reply first",
             {"clinical_hold": "The patient wrote about bleeding"},
             Hold(Reason(Cause.CLINICAL_HOLD, "The patient wrote about bleeding"))),
        case("another session restricts sun and exercise",
             {"ends": {"exercise": SATURDAY_AT_NINE, "sun": SATURDAY_AT_NINE}},
             skip(Cause.OVERLAP,
                  "Another session of this patient still restricts exercise and sun; "
                  "that session's own message says when it is allowed again")),
        case("enough for one day",
             {"sent_today": 2},
             Wait(SATURDAY_BEGINS, Reason(Cause.DAILY_LIMIT, ENOUGH))),
        case("one more is fine", {"sent_today": 1}, Send()),
        case("another session restricted sun until this very minute",
             {"ends": {"exercise": moment(FRIDAY), "sun": moment(FRIDAY)}}, Send()),
        case("the peel keeps from swimming, which this does not allow",
             {"ends": {"swimming": SATURDAY_AT_NINE}}, Send()),
    ],
)  # fmt: skip
def test_whatever_speaks_against_it_says_why(changes: dict[str, Any], expected: Verdict) -> None:
    """A permission on Friday at ten, and one thing that changed since it was planned."""
    assert gate(replace(situation(), **changes), moment(FRIDAY)) == expected


@pytest.mark.parametrize(
    ("milestone", "changes", "expected"),
    [
        case("an invitation without marketing consent",
             "next-session", {"patient": patient(marketing_consent=False)},
             skip(Cause.NO_CONSENT, "An invitation to book is marketing, "
                                    "and the patient has not consented to that")),
        case("an invitation when the next session is booked",
             "next-session", {"session": session(next_session_at=SATURDAY_AT_NINE)},
             skip(Cause.CONDITION,
                  "Not for this session: the next session is already booked")),
        case("an invitation to a patient who has been back",
             "next-session", {"others": (session("2026-12-21 15:00+01:00", session_id="S2"),)},
             skip(Cause.SUPERSEDED, "The patient has had a later session since")),
        case("an invitation while staff look at a reply",
             "next-session", {"clinical_hold": "fever"},
             Hold(Reason(Cause.CLINICAL_HOLD, "fever"))),
        case("advice while staff look at a reply goes on",
             "first-day", {"clinical_hold": "fever"}, Send()),
        case("advice needs no marketing consent",
             "first-day", {"patient": patient(marketing_consent=False)}, Send()),
        case("advice lifts nothing, so no session stands in its way",
             "first-day", {"ends": {"sun": moment("2027-01-01 00:00+01:00")}}, Send()),
    ],
)  # fmt: skip
def test_each_kind_needs_what_its_kind_needs(
    milestone: str, changes: dict[str, Any], expected: Verdict
) -> None:
    """Advice goes out always, an invitation needs more, on the hour that it is due."""
    it = situation(milestone)
    assert gate(replace(it, **changes), it.due_at) == expected


def test_a_milestone_that_became_an_invitation_needs_what_an_invitation_needs() -> None:
    """The protocol was edited after it was planned as advice; what it is today counts."""
    it = replace(situation("first-day"), milestone=milestone("next-session"))
    assert it.kind is Kind.ADVICE
    held = gate(replace(it, clinical_hold="fever"), it.due_at)
    assert held == Hold(Reason(Cause.CLINICAL_HOLD, "fever"))
    refused = gate(replace(it, patient=patient(marketing_consent=False)), it.due_at)
    assert isinstance(refused, Skip)


@pytest.mark.parametrize(
    ("milestone", "now", "expected"),
    [
        case("a permission at ten in the evening waits for the morning",
             "active-again", FRIDAY_NIGHT,
             Wait(SATURDAY_AT_NINE, Reason(Cause.QUIET_HOURS, QUIET))),
        case("a permission on the last night of its window",
             "active-again", "2026-11-30 22:00+01:00",
             Wait(moment("2026-12-01 09:00+01:00"), Reason(Cause.QUIET_HOURS, QUIET))),
        case("advice whose window ends in the night",
             "first-day", "2026-11-25 22:00+01:00", skip(Cause.TOO_LATE, QUIET + AFTER_THAT)),
        case("a second before its window ends", "first-day", "2026-11-26 02:59:59+01:00",
             skip(Cause.TOO_LATE, QUIET + AFTER_THAT)),
        case("the very second its window ends", "active-again", "2026-12-01 10:00+01:00",
             skip(Cause.TOO_LATE, "Too late: by now the message would no longer be true")),
    ],
)  # fmt: skip
def test_a_message_waits_only_as_long_as_it_stays_true(
    milestone: str, now: str, expected: Verdict
) -> None:
    """What could only go out past its truth window is skipped right away, and says so."""
    assert gate(situation(milestone), moment(now)) == expected


def test_enough_for_one_day_on_the_last_day_is_too_late() -> None:
    """Tomorrow it would no longer be true, so it does not wait for tomorrow."""
    it = replace(situation(), sent_today=2, expires_at=SATURDAY_BEGINS)
    assert gate(it, moment(FRIDAY)) == skip(Cause.TOO_LATE, ENOUGH + AFTER_THAT)


def test_a_clinic_sets_its_own_daily_limit() -> None:
    """One message a day, or five."""
    it = replace(situation(), sent_today=2)
    five = replace(CLINIC, daily_limit=5)
    assert gate(replace(it, clinic=five), moment(FRIDAY)) == Send()


@pytest.mark.parametrize(
    ("zone", "now", "expected"),
    [
        case(
            "New York at noon waits for New York's midnight",
            "America/New_York",
            "2026-11-27 12:00-05:00",
            "2026-11-28 00:00-05:00",
        ),
        case(
            "Kiritimati at noon waits for midnight there",
            "Pacific/Kiritimati",
            "2026-11-28 12:00+14:00",
            "2026-11-29 00:00+14:00",
        ),
    ],
)
def test_the_day_of_the_daily_limit_is_the_patients(zone: str, now: str, expected: str) -> None:
    """The clinic in Madrid has another midnight."""
    it = replace(situation(), patient=patient(zone=ZoneInfo(zone)), sent_today=2)
    verdict = gate(it, moment(now))
    assert verdict == Wait(moment(expected), Reason(Cause.DAILY_LIMIT, ENOUGH))


def test_a_session_that_moved_keeps_its_message_for_the_new_time() -> None:
    """It was claimed for the old one: nothing leaves before the time that the facts give."""
    it = situation("home")
    why = Reason(Cause.RESCHEDULED, "The session moved, so its time did")
    assert gate(it, moment("2026-11-23 15:14+01:00")) == Wait(it.due_at, why)
