"""Which reason speaks first when several do, and the message for the way home."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest

from tests.rules.given import PROTOCOLS, case, milestone, moment, patient, session, situation
from worker.rules.gate import Hold, Send, Skip, Wait, gate
from worker.rules.messages import Cause
from worker.rules.planning import plan

if TYPE_CHECKING:
    from collections.abc import Mapping

NIGHT = moment("2026-11-27 22:00+01:00")
LATER = moment("2026-12-01 00:00+01:00")
ON_A_CONDITION = milestone().model_copy(update={"when": "sessions_left > 0"})

#: What may stand in the way of a permission, in the order in which it is looked at: first whether
#: it is still right, then whether it is wanted, last whether it is the hour.
OBSTACLES: dict[Cause, Mapping[str, Any]] = {
    Cause.WITHDRAWN: {"session": {"withdrawn": "cancelled"}},
    Cause.NOT_IN_PROTOCOL: {"milestone": None},
    Cause.CONDITION: {"session": {"session_number": 3}},
    Cause.TOO_LATE: {"expires_at": NIGHT},
    Cause.SUPERSEDED: {"superseded_by": "exfoliate-again"},
    Cause.BLOCKED: {"patient": {"blocked": "deceased"}},
    Cause.NO_CONSENT: {"patient": {"sms_consent": False}},
    Cause.NO_ADDRESS: {"patient": {"phone": None}},
    Cause.OPTED_OUT: {"opted_out": True},
    Cause.SUPPRESSED: {"suppressed": "a dead number"},
    Cause.CLINICAL_HOLD: {"clinical_hold": "fever"},
    Cause.OVERLAP: {"ends": {"sun": LATER}},
    Cause.QUIET_HOURS: {},
    Cause.DAILY_LIMIT: {"sent_today": 2},
}
_BEFORE_QUIET_HOURS = list(OBSTACLES)[:-2]


def cause_at_night(*obstacles: Cause) -> Cause:
    """The cause that the gate names for a permission on Friday night with these obstacles."""
    facts: dict[str, dict[str, Any]] = {"session": {}, "patient": {}}
    changes: dict[str, Any] = {"milestone": ON_A_CONDITION}
    for each in obstacles:
        for name, value in OBSTACLES[each].items():
            if name in facts:
                facts[name] |= value
            else:
                changes[name] = value
    it = replace(
        situation(), session=session(**facts["session"]), patient=patient(**facts["patient"])
    )
    verdict = gate(replace(it, **changes), NIGHT)
    assert isinstance(verdict, Skip | Hold | Wait)
    return verdict.why.cause


@pytest.mark.parametrize("obstacle", _BEFORE_QUIET_HOURS)
def test_what_is_not_to_be_sent_at_all_does_not_wait_for_the_morning(obstacle: Cause) -> None:
    """Quiet hours are looked at last, and only then the daily limit."""
    assert cause_at_night(obstacle) == obstacle


@pytest.mark.parametrize(("first", "second"), list(combinations(_BEFORE_QUIET_HOURS, 2)))
def test_of_two_reasons_the_weightier_is_told(first: Cause, second: Cause) -> None:
    """So the same message never says one thing today and another tomorrow."""
    assert cause_at_night(second, first) == first


def test_quiet_hours_come_before_the_daily_limit() -> None:
    """At night it waits for the morning, when the count of the day begins anew."""
    assert cause_at_night(Cause.DAILY_LIMIT) == Cause.QUIET_HOURS


@pytest.mark.parametrize(
    ("ended", "now", "expected"),
    [
        case("ended at 19:50: they are just leaving at 20:05",
             "2026-11-23 19:50+01:00", "2026-11-23 20:05+01:00", None),
        case("ended at 19:50: at 21:04 they still are",
             "2026-11-23 19:50+01:00", "2026-11-23 21:04:59+01:00", None),
        case("ended at 19:50: at 21:05 they are home, and in the morning it is old",
             "2026-11-23 19:50+01:00", "2026-11-23 21:05+01:00", Cause.TOO_LATE),
        case("ended at 23:50: it goes out just after midnight",
             "2026-11-23 23:50+01:00", "2026-11-24 00:05+01:00", None),
        case("ended at 2:50, found at 4:30: its window lasts until 9:05, so it can wait",
             "2026-11-23 02:50+01:00", "2026-11-23 04:30+01:00", Cause.QUIET_HOURS),
        case("ended at 7:00: they are just leaving at 7:15",
             "2026-11-23 07:00+01:00", "2026-11-23 07:15+01:00", None),
    ],
)  # fmt: skip
def test_the_message_for_the_way_home_minds_no_hour(
    ended: str, now: str, expected: Cause | None
) -> None:
    """For an hour after it is due any hour is a good one; then quiet hours count for it too."""
    it = session(ended)
    home = plan(it, patient(), [], PROTOCOLS)[0]
    changed = replace(situation("home"), session=it, due_at=home.due_at, expires_at=home.expires_at)
    verdict = gate(changed, moment(now))
    assert (None if isinstance(verdict, Send) else verdict.why.cause) == expected


def test_the_daily_limit_counts_for_the_way_home_too() -> None:
    """Three sessions on one day are still two messages."""
    verdict = gate(replace(situation("home"), sent_today=2), moment("2026-11-23 15:15+01:00"))
    assert isinstance(verdict, Skip)
    assert verdict.why.cause is Cause.TOO_LATE
