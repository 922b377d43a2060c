"""Planning again: only what has not left yet changes, and it says why."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.rules.given import PROTOCOLS, case, moment, patient, session
from worker.rules.messages import (
    FINAL,
    LEFT,
    WAITING,
    Cause,
    Channel,
    Reason,
    Status,
    Transition,
)
from worker.rules.planning import (
    ExistingMessage,
    PlannedMessage,
    Replan,
    plan,
    replan,
    without_refused,
)

#: The evening of the session of ``given.session``.
NOW = moment("2026-11-23 18:00+01:00")
NOTHING = Replan((), ())
MENDED = Reason(Cause.PROTOCOL, "Planned again: what stood in its way is mended")
CHANGED = Reason(Cause.RESCHEDULED, "The session, the zone or the protocol changed")
GONE = Reason(Cause.NOT_IN_PROTOCOL, "The protocol no longer has this message")
WITHDRAWN = Reason(Cause.WITHDRAWN, "cancelled")
NO_PHONE = Reason(Cause.NO_ADDRESS, "Not reachable: no phone number on record")


def wanted(ended: str = "2026-11-23 15:00+01:00", **changes: Any) -> list[PlannedMessage]:
    """The plan of a session that may have changed, but for the end of its course."""
    planned = plan(session(ended, **changes), patient(), [], PROTOCOLS)
    return [each for each in planned if each.milestone != "course-complete"]


def stored(messages: list[PlannedMessage], **changes: Any) -> list[ExistingMessage]:
    """A plan as the store holds it, each message with its place as its id."""
    return [
        replace(
            ExistingMessage(
                id=number,
                milestone=each.milestone,
                channel=each.channel,
                status=Status.SKIPPED if each.skip else Status.PLANNED,
                reason=each.skip or each.why,
                due_at=each.due_at,
                expires_at=each.expires_at,
                attempts=0,
            ),
            **changes,
        )
        for number, each in enumerate(messages)
    ]


def moves(found: Replan) -> list[Transition]:
    return [transition for _, transition in found.move]


def test_a_new_session_is_planned_whole() -> None:
    """Nothing is there yet, so everything is added."""
    assert replan(wanted(), [], NOW) == Replan(tuple(wanted()), ())


@pytest.mark.parametrize("changes", [{}, {"session_number": 3}, {"withdrawn": "cancelled"}])
def test_nothing_moves_when_nothing_changed(changes: dict[str, Any]) -> None:
    """Planning twice is planning once, for what goes out and for what is skipped."""
    assert replan(wanted(**changes), stored(wanted(**changes)), NOW) == NOTHING


@pytest.mark.parametrize("status", sorted(WAITING))
def test_a_moved_session_moves_what_waits(status: Status) -> None:
    """To its new time; what is planned stays planned, and what is held stays held."""
    moved = wanted("2026-11-24 15:00+01:00")
    found = replan(moved, stored(wanted(), status=status), NOW)
    assert found.add == ()
    assert moves(found) == [
        Transition.rescheduled(status, each.due_at, each.expires_at, CHANGED) for each in moved
    ]


def test_a_longer_truth_window_counts_for_what_waits() -> None:
    """The protocol was edited: the same due time, another end."""
    [first, *_] = wanted()
    longer = replace(first, expires_at=moment("2026-11-23 23:15+01:00"))
    [(_, transition)] = replan([longer], stored([first]), NOW).move
    assert transition.sets["expires_at"] == longer.expires_at


@pytest.mark.parametrize("status", sorted(WAITING))
def test_a_withdrawn_session_skips_what_waits(status: Status) -> None:
    """Planned or held, it will not be sent, and the reason is the session's."""
    found = replan(wanted(withdrawn="cancelled"), stored(wanted(), status=status), NOW)
    assert moves(found) == [Transition.skipped(WITHDRAWN, at=NOW)] * len(wanted())


@pytest.mark.parametrize("status", sorted((LEFT | FINAL) - {Status.SKIPPED}))
@pytest.mark.parametrize(
    "changes",
    [
        case("the session moved", {"ended": "2026-11-24 15:00+01:00"}),
        case("the session is withdrawn", {"withdrawn": "cancelled"}),
    ],
)
def test_what_has_left_is_never_touched(status: Status, changes: dict[str, Any]) -> None:
    """Nobody can call it back, so its record stays what it is; what failed stays failed."""
    left = stored(wanted(), status=status, attempts=1)
    assert replan(wanted(**changes), left, NOW) == NOTHING


@pytest.mark.parametrize("status", sorted(set(Status) - WAITING))
def test_what_has_left_stays_when_its_milestone_goes(status: Status) -> None:
    """The protocol was edited after it went out."""
    assert replan([], stored(wanted(), status=status), NOW) == NOTHING


@pytest.mark.parametrize("status", sorted(WAITING))
def test_a_milestone_that_left_the_protocol_is_skipped(status: Status) -> None:
    """Only that one, and with its reason."""
    rest = [each for each in wanted() if each.milestone != "first-day"]
    found = replan(rest, stored(wanted(), status=status), NOW)
    assert found == Replan((), tuple((id_, Transition.skipped(GONE, at=NOW)) for id_ in (2, 3)))


def test_a_channel_that_left_a_milestone_is_skipped_and_the_other_goes_on() -> None:
    """One milestone, by text message only from now on."""
    rest = [each for each in wanted() if (each.milestone, each.channel) != ("home", Channel.EMAIL)]
    assert replan(rest, stored(wanted()), NOW).move == ((1, Transition.skipped(GONE, at=NOW)),)


def test_a_milestone_that_joined_the_protocol_is_added() -> None:
    """What is there already stays as it is."""
    before = [each for each in wanted() if each.milestone != "first-day"]
    joined = [each for each in wanted() if each.milestone == "first-day"]
    assert replan(wanted(), stored(before), NOW) == Replan(tuple(joined), ())


@pytest.mark.parametrize(
    "cause",
    [
        Cause.WITHDRAWN,
        Cause.NOT_IN_PROTOCOL,
        Cause.CONDITION,
        Cause.NO_ADDRESS,
        Cause.NO_CONSENT,
        Cause.OVERLAP,
        Cause.TOO_LATE,
        Cause.SUPERSEDED,
        Cause.SUPPRESSED,
    ],
)
def test_a_skipped_message_waits_again_when_its_cause_is_mended(cause: Cause) -> None:
    """The number was corrected, the consent given, the session is back: there is still time."""
    found = replan(
        wanted(), stored(wanted(), status=Status.SKIPPED, reason=Reason(cause, "so")), NOW
    )
    assert moves(found) == [
        Transition.revived(each.due_at, each.expires_at, MENDED) for each in wanted()
    ]


@pytest.mark.parametrize(
    "cause",
    [Cause.OPTED_OUT, Cause.BLOCKED, Cause.STAFF, Cause.CLINICAL_HOLD],
)
def test_a_skip_that_a_person_decided_stays(cause: Cause) -> None:
    """The patient said stop, or staff did: no correction in the clinic's data undoes that."""
    assert (
        replan(wanted(), stored(wanted(), status=Status.SKIPPED, reason=Reason(cause, "so")), NOW)
        == NOTHING
    )


def test_a_skipped_message_stays_when_its_time_is_over() -> None:
    """At the very end of its truth window it is too late; a second before, it is not."""
    first = wanted()[:1]
    skipped = stored(first, status=Status.SKIPPED, reason=NO_PHONE)
    end = moment("2026-11-23 21:15+01:00")
    assert replan(first, skipped, end) == NOTHING
    assert moves(replan(first, skipped, moment("2026-11-23 21:14:59+01:00"))) != []


def test_a_skipped_message_that_was_tried_stays() -> None:
    """A copy may have left with the attempt, so it never goes again by itself."""
    tried = stored(wanted(), status=Status.SKIPPED, reason=NO_PHONE, attempts=1)
    assert replan(wanted(), tried, NOW) == NOTHING


def test_a_skipped_message_stays_while_something_else_stands_in_its_way() -> None:
    """The number was corrected, but now the session is withdrawn: that is what staff read."""
    skipped = stored(wanted(), status=Status.SKIPPED, reason=NO_PHONE)
    assert moves(replan(wanted(withdrawn="cancelled"), skipped, NOW)) == [
        Transition.still_skipped(each.due_at, each.expires_at, WITHDRAWN) for each in wanted()
    ]


@pytest.mark.parametrize(
    ("expected", "reason"),
    [
        case("a fact of the clinic's", WITHDRAWN, Reason(Cause.CONDITION, "session 3 of 3")),
        case("another session's restriction", WITHDRAWN, Reason(Cause.OVERLAP, "still restricts")),
        case("stop was said", None, Reason(Cause.OPTED_OUT, "The patient said stop")),
        case("the patient died", None, Reason(Cause.BLOCKED, "The patient died")),
        case("told by another session", None, Reason(Cause.JOINED, "Session S2 has sent it")),
        case("too late", None, Reason(Cause.TOO_LATE, "Too late")),
    ],
)
def test_a_reason_that_is_no_longer_the_right_one_is_replaced(
    expected: Reason | None, reason: Reason
) -> None:
    """But not what a patient or staff decided, nor what has happened."""
    skipped = stored(wanted(), status=Status.SKIPPED, reason=reason)
    found = moves(replan(wanted(withdrawn="cancelled"), skipped, NOW))
    assert {each.reason for each in found} == ({expected} if expected else set())


def test_what_is_not_for_a_session_says_so_whatever_else_holds() -> None:
    """After a stop too: a start would not bring it, so the stop is not what staff should read."""
    stopped = {channel: Reason(Cause.OPTED_OUT, "The patient said stop") for channel in Channel}
    [end] = [
        each
        for each in plan(session(), patient(), [], PROTOCOLS)
        if (each.milestone, each.channel) == ("course-complete", Channel.SMS)
    ]
    assert replan(without_refused([end], stopped), stored([end]), NOW) == NOTHING
    last = replace(end, skip=None)
    [(_, moved)] = replan(without_refused([last], stopped), stored([end]), NOW).move
    assert moved.reason == stopped[Channel.SMS]


def test_what_a_stop_skipped_follows_its_session() -> None:
    """When it moves, so do the times: a start after that brings back what is true then."""
    said = Reason(Cause.OPTED_OUT, "The patient said stop")
    stopped = dict.fromkeys(Channel, said)
    moved = wanted("2026-11-25 15:00+01:00")
    skipped = stored(wanted(), status=Status.SKIPPED, reason=said)
    assert moves(replan(without_refused(moved, stopped), skipped, NOW)) == [
        Transition.still_skipped(each.due_at, each.expires_at, said) for each in moved
    ]


def test_a_session_that_was_withdrawn_by_mistake_goes_on() -> None:
    """What has left meanwhile stays, what was skipped and still has time waits again."""
    home, *rest = stored(wanted(withdrawn="cancelled"))
    sent = replace(home, status=Status.SENT, attempts=1)
    found = replan(wanted(), [sent, *rest], NOW)
    assert [id_ for id_, _ in found.move] == [each.id for each in rest]
    assert {each.name for each in moves(found)} == {"revived"}
