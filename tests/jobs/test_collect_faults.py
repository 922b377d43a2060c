"""Collect: rows with faults, and sessions from before go-live."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from tests.jobs.looking import faults, left, one, problems, statuses
from worker.app import build_app
from worker.rules.messages import Channel
from worker.store.tables import PATIENTS, REJECTED_ROWS, SESSIONS

if TYPE_CHECKING:
    from tests.support.world import World

NOT_A_NUMBER = "this is not a phone number; write it with its country code, like +34 600 123 456"


def _known(world: World) -> list[str]:
    with world.app.engine.begin() as db:
        return list(db.execute(select(SESSIONS.c.session_id).order_by("session_id")).scalars())


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"sms_consent": "perhaps"}, "sms_consent is neither yes nor no"),
        ({"time_zone": "Spain"}, 'time_zone "Spain" is not a time zone; write it like'),
        ({"treatment": "peeling"}, 'treatment "peeling" has no folder in templates'),
        ({"completed_at": "23.11.2026 15:00"}, "completed_at is not a date and time"),
        ({"patient_id": None}, "patient_id is empty"),
        ({"clinic": "sol"}, 'clinic "sol" is not set up; run: aftercare clinic add sol'),
    ],
)
def test_a_bad_row_waits_while_the_others_go_on(
    world: World, fault: dict[str, Any], reason: str
) -> None:
    """It is kept with its reason and shown to staff; nothing is sent for it, all else is."""
    world.source.add(session_id="S1")
    world.source.add(session_id="bad", **{"patient_id": "P2", **fault})
    world.source.add(session_id="S3", patient_id="P3")
    world.wait(minutes=15)
    assert _known(world) == ["S1", "S3"]
    assert statuses(world, "S3")["home"] == "sent"
    ((key, (fate, told)),) = faults(world).items()
    assert (key, fate) == ("bad", "rejected")
    assert told.startswith(reason)
    assert "1 rows of the clinic's view need mending, the first: session bad: " in problems(world)


@pytest.mark.parametrize(
    "fault",
    [{"sms_consent": None}, {"time_zone": "Spain"}, {"session_number": "third"}],
    ids=["no consent", "no zone", "no number"],
)
def test_a_session_whose_row_is_bad_still_restricts(world: World, fault: dict[str, Any]) -> None:
    """Nothing is sent for it, but the patient was treated: nothing else allows what it forbids."""
    world.source.add()
    world.move_to("2026-12-07 15:00")
    world.source.add(session_id="bad", completed_at="2026-12-07 14:30:00", **fault)
    world.run()
    world.move_to("2026-12-08 10:00")
    assert statuses(world)["exfoliate-again"] == "skipped"
    assert "Another session of this patient still restricts exfoliation" in (
        one(world, "exfoliate-again").reason
    )
    assert world.sent == []
    assert one(world, "home", session="bad").reason == (
        "Too late: the fault was not mended. "
        "The clinic's row for this session has a fault; see status"
    )
    world.source.change("bad", sms_consent="1", time_zone=None, session_number=None)
    world.move_to("2026-12-08 14:30")
    assert statuses(world, "bad")["first-day"] == "sent"
    assert faults(world) == {}


@pytest.mark.parametrize("was", ["completed", "cancelled"])
def test_a_session_that_moves_to_a_bad_row_restricts_from_there(world: World, was: str) -> None:
    """Two sessions, one of which the clinic moves or takes back, and forgets the consent."""
    world.source.add()
    world.source.add(session_id="S2", session_number="2")
    world.run()
    world.source.change("S2", status=was)
    world.move_to("2026-12-07 15:00")
    world.source.change(
        "S2", status="completed", completed_at="2026-12-07 14:30:00", sms_consent=None
    )
    world.move_to("2026-12-08 10:00")
    assert {statuses(world, each)["exfoliate-again"] for each in ("S1", "S2")} & {"sent"} == set()
    assert "still restricts exfoliation" in one(world, "exfoliate-again").reason


def test_a_bad_row_that_vanishes_restricts_no_more(world: World) -> None:
    """It was a mistake and the clinic deleted it: what waited for it is allowed again."""
    world.source.add()
    world.move_to("2026-11-26 15:00")
    world.source.add(session_id="bad", completed_at="2026-11-26 14:30:00", sms_consent=None)
    world.run()
    assert statuses(world)["active-again"] == "skipped"
    world.source.remove("bad")
    world.move_to("2026-11-27 10:00")
    assert statuses(world)["active-again"] == "sent"


def test_a_mended_row_is_taken(world: World) -> None:
    """Once staff correct it, the session is planned and the fault is marked as mended."""
    world.source.add(sms_consent="perhaps")
    world.run()
    world.source.change("S1", sms_consent="yes")
    world.wait(minutes=15)
    assert statuses(world)["home"] == "sent"
    assert faults(world) == {}
    with world.app.engine.begin() as db:
        assert db.execute(select(REJECTED_ROWS.c.mended_at)).scalar_one() == world.now


def test_a_bad_row_that_vanishes_needs_no_mending(world: World) -> None:
    """A faulty row that the clinic deletes is off the list with the next sweep."""
    world.source.add(sms_consent="perhaps")
    world.run()
    world.source.remove("S1")
    world.wait(minutes=11)
    assert faults(world) == {}


def test_a_nonsense_phone_leaves_the_e_mail(world: World) -> None:
    """The session is used for e-mail, the row is on the list, and each SMS says why not."""
    world.source.add(phone="ask her sister")
    world.wait(minutes=15)
    assert faults(world) == {"S1": ("used_in_part", f"phone: {NOT_A_NUMBER}")}
    assert one(world, "home", Channel.EMAIL).status == "sent"
    assert one(world, "home", Channel.SMS).reason == f"Not reachable: {NOT_A_NUMBER}"
    assert len(left(world)) == 1


def test_a_mended_phone_brings_the_messages_back(world: World) -> None:
    """With the right number what still has time goes by SMS as well, and the fault is gone."""
    world.source.add(phone="ask her sister")
    world.wait(minutes=15)
    world.source.change("S1", phone="600 123 456")
    world.move_to("2026-11-24 15:00")
    assert faults(world) == {}
    assert statuses(world)["first-day"] == "sent"


def test_a_session_id_that_changes_its_owner_is_refused(world: World) -> None:
    """Another patient under a known session id is a fault for staff, and gets nothing."""
    world.source.add(session_id="S1", patient_id="P1")
    world.run()
    world.source.change("S1", patient_id="P2", phone="600 999 888", email="eva@example.com")
    world.move_to("2026-11-24 15:00")
    reason = (
        "this session id belonged to another patient before; nothing is sent for it until the row "
        "is put right or a person decides: aftercare source accept S1"
    )
    assert faults(world) == {"S1": ("held", reason)}
    with world.app.engine.begin() as db:
        assert db.execute(select(PATIENTS.c.patient_id)).scalars().all() == ["P1"]
    assert not [each for each in world.sent if each.address in ("+34600999888", "eva@example.com")]


@pytest.mark.parametrize(
    "fault",
    [
        {"sms_consent": "", "email_consent": ""},
        {"time_zone": "Spain"},
        {"completed_at": "2026-12-01 15:00"},
        {"patient_id": "P2", "phone": "600 999 888", "email": "eva@example.com"},
    ],
    ids=["consent unclear", "zone unclear", "moved to next week", "another patient's"],
)
def test_nothing_is_sent_for_a_row_until_it_is_mended(world: World, fault: dict[str, str]) -> None:
    """A row that was fine and turns bad stops its messages, as its reason promises."""
    world.source.add()
    world.wait(minutes=15)
    world.source.change("S1", **fault)
    world.wait(minutes=1)
    assert "S1" in faults(world)
    world.move_to("2026-11-24 15:00")
    assert [each for each in left(world) if "thank you" not in each and "notes" not in each] == []


@pytest.mark.parametrize(
    ("fault", "mended"),
    [
        ({"time_zone": "Spain"}, {"time_zone": None}),
        ({"patient_id": "P2"}, {"patient_id": "P1"}),
        ({"sms_consent": ""}, {"sms_consent": "yes"}),
    ],
)
def test_a_row_that_is_put_right_goes_on_where_it_stopped(
    world: World, fault: dict[str, str], mended: dict[str, str | None]
) -> None:
    """Even put back to exactly what it was: the next message goes out, the last one not twice."""
    world.source.add()
    world.wait(minutes=15)
    world.source.change("S1", **fault)
    world.wait(minutes=1)
    world.source.change("S1", **mended)
    world.move_to("2026-11-24 15:00")
    assert faults(world) == {}
    assert len(left(world, Channel.SMS)) == 2


def test_a_faulty_row_that_is_deleted_withdraws_its_session(world: World) -> None:
    """What was stopped for the fault is skipped for good, and there is nothing left to mend."""
    world.source.add()
    world.source.add(session_id="S2", patient_id="P2")
    world.wait(minutes=15)
    world.source.change("S1", time_zone="Spain")
    world.wait(minutes=1)
    world.source.remove("S1")
    world.wait(minutes=11)
    assert one(world, "first-day").reason == "The session was deleted in the clinic's system"
    assert faults(world) == {}


@pytest.mark.parametrize(
    "odd",
    [{"session_number": "99999999999"}, {"first_name": "An\x00a"}, {"session_id": "S\x002"}],
    ids=["a number without end", "a NUL in a name", "a NUL in an id"],
)
def test_a_row_that_the_store_cannot_keep_stops_no_other(world: World, odd: dict[str, str]) -> None:
    """Whatever a clinic's column holds, the other rows of the same reading are taken."""
    world.source.add(**{"session_id": "S2", "patient_id": "P2", **odd})
    world.source.add(session_id="S1")
    world.wait(minutes=15)
    assert statuses(world)["home"] == "sent"


def test_a_clock_that_ran_ahead_does_not_freeze_a_patient(world: World) -> None:
    """A consent that is withdrawn counts, even if an earlier row was dated next year."""
    world.source.add(updated_at="2027-11-23 15:00")
    world.wait(minutes=15)
    world.source.change("S1", sms_consent="0", updated_at="2026-11-23 15:30")
    world.wait(minutes=11)
    assert one(world, "first-day").status == "skipped"


# Go-live


def _live_from(world: World, local: str) -> None:
    """The operator sets AFTERCARE_GO_LIVE and starts the worker again."""
    moment = datetime.fromisoformat(local).replace(tzinfo=world.zone)
    settings = world.settings.model_copy(update={"aftercare_go_live": moment})
    senders = {channel: lane.calls.sender for channel, lane in world.app.lanes.items()}
    world.app.close()
    world.app = build_app(settings, senders=senders)
    world.run()


def test_sessions_from_before_go_live_are_recorded_and_left_alone(world: World) -> None:
    """Nobody is texted about last week because the clinic switched Aftercare on today."""
    world.source.add(session_id="old", completed_at="2026-11-23 14:59")
    world.source.add(session_id="new", completed_at="2026-11-23 15:00")
    world.wait(minutes=15)
    assert _known(world) == ["new", "old"]
    assert world.messages("old") == []
    assert len(world.messages("new")) == 12
    assert problems(world) == ""


def test_an_earlier_go_live_plans_what_still_has_time(world: World) -> None:
    """The operator may set the date back: then the sessions since then get their messages."""
    world.source.add(session_id="old", completed_at="2026-11-19 15:00")
    world.source.add(session_id="older", completed_at="2026-11-18 15:00")
    world.run()
    _live_from(world, "2026-11-19 09:00")
    assert world.messages("older") == []
    expected = {
        "home": "skipped",
        "first-day": "skipped",
        "active-again": "sent",
        "exfoliate-again": "planned",
        "next-session": "planned",
        "course-complete": "skipped",
    }
    assert expected == statuses(world, "old")


def test_a_later_go_live_stops_what_is_planned(world: World) -> None:
    """The operator may put the start off: sessions before it get nothing more."""
    world.source.add()
    world.run()
    _live_from(world, "2026-12-01 00:00")
    world.move_to("2026-11-24 15:00")
    assert left(world) == []
