"""The life of a message: the only moves there are, where from and where to."""

from __future__ import annotations

import inspect
from datetime import timedelta

import pytest

from tests.rules.given import case, moment
from worker.rules.messages import (
    FINAL,
    LEFT,
    OPEN,
    WAITING,
    Cause,
    Channel,
    Reason,
    Status,
    Transition,
)

NOW = moment("2026-11-23 15:00+01:00")
LATER = moment("2026-11-24 15:00+01:00")
WHY = Reason(Cause.STAFF, "Because")

PLANNED, HELD, SENDING, UNKNOWN = Status.PLANNED, Status.HELD, Status.SENDING, Status.UNKNOWN
SENT, DELIVERED, FAILED, SKIPPED = Status.SENT, Status.DELIVERED, Status.FAILED, Status.SKIPPED

#: Every named constructor of a move, with where it may leave from and where it leads.
MOVES = [
    (Transition.rescheduled(PLANNED, NOW, LATER, WHY), {PLANNED}, PLANNED),
    (Transition.rescheduled(HELD, NOW, LATER, WHY), {HELD}, HELD),
    (Transition.revived(NOW, LATER, WHY), {SKIPPED}, PLANNED),
    (Transition.skipped(WHY, at=NOW), {PLANNED, HELD}, SKIPPED),
    (Transition.still_skipped(NOW, LATER, WHY), {SKIPPED}, SKIPPED),
    (Transition.held(WHY), {PLANNED}, HELD),
    (Transition.released(LATER, WHY), {HELD}, PLANNED),
    (Transition.approved(LATER, WHY), {HELD}, PLANNED),
    (Transition.waits(LATER, WHY), {PLANNED}, PLANNED),
    (Transition.claimed({"attempts": 1}), {PLANNED}, SENDING),
    (Transition.accepted("SM1", WHY, at=NOW), {SENDING, UNKNOWN, PLANNED, HELD}, SENT),
    (Transition.postponed(LATER, WHY, attempts=1), {SENDING, UNKNOWN}, PLANNED),
    (Transition.failed(WHY, at=NOW), {SENDING, UNKNOWN, SENT}, FAILED),
    (Transition.lost(WHY, look_at=LATER), {SENDING}, UNKNOWN),
    (Transition.looks_again(LATER, WHY), {UNKNOWN}, UNKNOWN),
    (Transition.unclear(WHY), {UNKNOWN}, HELD),
    (Transition.delivered(WHY, at=NOW), {SENDING, UNKNOWN, SENT}, DELIVERED),
]
TRANSITIONS = [transition for transition, _, _ in MOVES]


@pytest.mark.parametrize(
    ("transition", "leaves", "to"),
    [pytest.param(*each, id=f"{each[0].name} to {each[2]}") for each in MOVES],
)
def test_a_move_leaves_and_leads_where_the_design_says(
    transition: Transition, leaves: set[Status], to: Status
) -> None:
    """The table of the design, move by move."""
    assert (transition.leaves, transition.to) == (frozenset(leaves), to)


def test_every_move_is_in_the_table() -> None:
    """A new constructor without a line above has no promise to keep."""
    constructors = {
        name
        for name, member in inspect.getmembers(Transition, inspect.ismethod)
        if member.__self__ is Transition
    }
    assert constructors == {each.name for each in TRANSITIONS}


@pytest.mark.parametrize("transition", TRANSITIONS, ids=lambda it: it.name)
def test_every_move_says_why(transition: Transition) -> None:
    """In a sentence; a move without one could not be explained to anyone."""
    assert transition.reason.text.strip() != ""
    assert isinstance(transition.reason.cause, Cause)


@pytest.mark.parametrize("status", sorted(FINAL))
def test_what_is_final_is_never_left(status: Status) -> None:
    """But for one: a skipped message never left, so it may wait again."""
    leaving = {each.name for each in TRANSITIONS if status in each.leaves and each.to is not status}
    assert leaving == ({"revived"} if status is SKIPPED else set())


def test_a_sent_message_never_moves_backwards() -> None:
    """From the provider it only goes on: it arrives, or it fails."""
    assert {each.to for each in TRANSITIONS if SENT in each.leaves} == {DELIVERED, FAILED}


def test_a_skipped_message_that_waits_again_only_plans() -> None:
    """From there it takes the gate and a claim like any other."""
    assert {each.to for each in TRANSITIONS if SKIPPED in each.leaves} == {PLANNED, SKIPPED}


def test_only_a_claim_leads_to_sending() -> None:
    """So nothing leaves without an attempt, a lease and words on record."""
    assert [each.name for each in TRANSITIONS if each.to is SENDING] == ["claimed"]


@pytest.mark.parametrize("status", sorted(set(Status) - FINAL))
def test_every_open_status_has_a_way_out(status: Status) -> None:
    """Nothing stays where it is for ever for want of a move."""
    assert any(status in each.leaves and each.to is not status for each in TRANSITIONS)


def test_the_groups_of_statuses_cover_all() -> None:
    """Waiting, left, failed or skipped: every status is in one of them, and in no two."""
    assert sorted([*WAITING, *LEFT, FAILED, SKIPPED]) == sorted(Status)
    assert set(OPEN) == {PLANNED, HELD, SENDING, UNKNOWN}
    assert set(FINAL) == {DELIVERED, FAILED, SKIPPED}


@pytest.mark.parametrize(
    ("transition", "expected"),
    [
        case("rescheduled", Transition.rescheduled(PLANNED, NOW, LATER, WHY),
             {"due_at": NOW, "next_at": NOW, "expires_at": LATER}),
        case("revived", Transition.revived(NOW, LATER, WHY),
             {"due_at": NOW, "next_at": NOW, "expires_at": LATER, "ended_at": None}),
        case("skipped", Transition.skipped(WHY, at=NOW), {"ended_at": NOW}),
        case("released", Transition.released(LATER, WHY), {"next_at": LATER}),
        case("approved", Transition.approved(LATER, WHY), {"next_at": LATER}),
        case("waits", Transition.waits(LATER, WHY), {"next_at": LATER}),
        case("accepted", Transition.accepted("SM1", WHY, at=NOW),
             {"provider_id": "SM1", "sent_at": NOW, "lease_until": None, "ended_at": None,
              "ask_at": NOW + timedelta(minutes=5)}),
        case("postponed", Transition.postponed(LATER, WHY, attempts=3),
             {"next_at": LATER, "attempts": 3, "lease_until": None}),
        case("skipped, the number takes no texts",
             Transition.skipped(Reason(Cause.SUPPRESSED, "a dead number"), at=NOW),
             {"ended_at": NOW, "follow_up": True}),
        case("failed", Transition.failed(WHY, at=NOW),
             {"ended_at": NOW, "lease_until": None, "ask_at": None, "follow_up": True}),
        case("lost", Transition.lost(WHY, look_at=LATER), {"next_at": LATER, "lease_until": None}),
        case("looks again", Transition.looks_again(LATER, WHY), {"next_at": LATER}),
        case("delivered", Transition.delivered(WHY, at=NOW), {"ended_at": NOW, "ask_at": None}),
    ],
)  # fmt: skip
def test_a_move_writes_its_times(transition: Transition, expected: dict[str, object]) -> None:
    """When it is looked at next, when it left, when it ended; a lease ends with its attempt."""
    assert transition.sets == expected


def test_staff_read_plain_words_for_a_channel() -> None:
    """A text message and an e-mail, not codes."""
    assert [each.noun for each in Channel] == ["text message", "e-mail"]
