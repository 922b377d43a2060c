"""Outlook: what is really going to leave, once planned."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.rules.given import PROTOCOLS, moment, patient, session
from worker.rules.messages import Cause, Channel, Reason, Status
from worker.rules.outlook import outlook
from worker.rules.planning import PLANNED, ExistingMessage, PlannedMessage, plan

#: The evening after the session: home has gone out, first-day has not.
EVENING = moment("2026-11-23 18:00+01:00")
SMS = Channel.SMS


def wanted(**changes: Any) -> list[PlannedMessage]:
    """The shipped protocol for the first session of three, on one channel."""
    found = plan(session(**changes), patient(), [], PROTOCOLS)
    return [each for each in found if each.channel is SMS]


def stored(**statuses: Status) -> list[ExistingMessage]:
    """The same plan as the store holds it; milestones named here stand elsewhere."""
    return [
        ExistingMessage(
            number,
            each.milestone,
            each.channel,
            statuses.get(each.milestone.replace("-", "_"), Status.PLANNED),
            PLANNED,
            each.due_at,
            each.expires_at,
            0,
        )
        for number, each in enumerate(wanted())
    ]


def names(
    plan_: list[PlannedMessage], existing: list[ExistingMessage], hours: float = 0
) -> list[str]:
    """The milestones that come, seen ``hours`` after the evening."""
    return [name for name, _ in outlook(plan_, existing, EVENING + timedelta(hours=hours))]


ALL = ["home", "first-day", "active-again", "exfoliate-again", "next-session"]


@pytest.mark.parametrize(
    ("expected", "existing", "hours"),
    [
        pytest.param(ALL[1:], stored(home=Status.SENT), 0, id="what left is not to come"),
        pytest.param(ALL, [], -3, id="nothing is planned yet"),
        pytest.param(ALL, stored(), 0, id="the one that is due is to come"),
        pytest.param(ALL, stored(first_day=Status.HELD), 0, id="what is held may come"),
        pytest.param(ALL[1:], stored(), 4, id="its window is over"),
        pytest.param(ALL[2:], stored(), 24 * 3, id="a newer one is due as well"),
        pytest.param(
            ALL[3:], stored(active_again=Status.SENT), 24 * 3, id="a newer one left already"
        ),
        pytest.param(
            ALL[1:2] + ALL[3:], stored(active_again=Status.FAILED), 22, id="what failed is over"
        ),
    ],
)
def test_what_is_to_come(
    expected: list[str], existing: list[ExistingMessage], hours: float
) -> None:
    """As the gate will decide when its time comes."""
    assert names(wanted(), existing, hours) == expected


def test_what_failed_stands_in_no_older_messages_way() -> None:
    """A newer message that came to nothing replaces none, as at the gate."""
    late = [each for each in wanted() if each.milestone in ("active-again", "exfoliate-again")]
    late[0] = replace(late[0], expires_at=late[1].expires_at)
    after = late[1].due_at - EVENING + timedelta(hours=1)
    hours = after / timedelta(hours=1)
    existing = [each for each in stored(exfoliate_again=Status.FAILED) if each.id in (2, 3)]
    assert names(late, existing, hours) == ["active-again"]
    existing = [each for each in stored(exfoliate_again=Status.SENT) if each.id in (2, 3)]
    assert names(late, existing, hours) == []


def test_what_is_planned_to_be_skipped_does_not_come() -> None:
    """The last session of a course invites to nothing; its closing message comes."""
    expected = [*ALL[1:4], "course-complete"]
    assert names(wanted(session_number=3), stored(home=Status.SENT)) == expected


def test_what_was_skipped_for_a_reason_that_is_mended_comes_again() -> None:
    """The protocol has the milestone back; what a patient stopped stays stopped."""
    was = Reason(Cause.NOT_IN_PROTOCOL, "The protocol no longer has this message")
    gone = [replace(each, reason=was) for each in stored(first_day=Status.SKIPPED)]
    assert names(wanted(), gone) == ALL
    stopped = [replace(each, reason=Reason(Cause.OPTED_OUT, "stop")) for each in gone]
    assert names(wanted(), stopped) == ["home", *ALL[2:]]


def test_the_new_times_count() -> None:
    """A session that moved a day comes a day later, whatever the store still says."""
    moved = outlook(wanted(ended="2026-11-24 15:00+01:00"), stored(home=Status.SENT), EVENING)
    assert moved["first-day", SMS].due_at == moment("2026-11-25 15:00+01:00")
