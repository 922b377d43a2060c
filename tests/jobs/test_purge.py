"""Purge: persons are forgotten in time, what happened is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, insert, select

from tests.jobs.looking import left
from tests.support.stored import MONDAY, PATIENT, everything, store_message, store_session
from worker.jobs.purge import purge
from worker.rules.messages import Cause, Channel, Status
from worker.rules.replies import Meaning
from worker.store.addresses import suppress
from worker.store.kinds import Answer, RowFate, SuppressionKind
from worker.store.tables import MESSAGES, PATIENTS, REJECTED_ROWS, REPLIES

if TYPE_CHECKING:
    from tests.support.world import World

RETENTION = timedelta(days=400)
NOW = MONDAY + timedelta(days=1000)
LONG_AGO = NOW - timedelta(days=401)
LATELY = NOW - timedelta(days=399)
WORDS: dict[str, Any] = {
    "address": "ana@example.com",
    "subject": "Your notes",
    "body": "Hi Ana",
    "html": "<p>Hi Ana</p>",
    "calendar": "BEGIN:VCALENDAR",
    "language": "en",
    "message_ref": "<1@example.com>",
    "provider_id": "SM1",
}


def _store(engine: Engine, patient_id: str, *sessions: datetime) -> None:
    """A patient with sessions at these moments, and a message of each that was delivered."""
    with engine.begin() as db:
        for number, moment in enumerate(sessions):
            session_id = f"{patient_id}-{number}"
            store_session(
                db, session_id, patient=replace(PATIENT, patient_id=patient_id), at=moment
            )
            ended: dict[str, Any] = {"status": Status.DELIVERED, "cause": Cause.RECEIPT}
            ended |= {"claimed_at": moment, "sent_at": moment, "ended_at": moment, "attempts": 1}
            store_message(db, session_id, due_at=moment, **WORDS, **ended)


def _rows(engine: Engine) -> dict[str, list[Any]]:
    with engine.begin() as db:
        return everything(db)


def test_names_addresses_and_words_are_erased(engine: Engine) -> None:
    """After the retention time nothing of the person is left in patient or message."""
    _store(engine, "P1", LONG_AGO)
    assert purge(engine, retention=RETENTION, now=NOW) == 1
    with engine.begin() as db:
        patient = db.execute(select(PATIENTS)).one()
        letter = db.execute(select(MESSAGES)).one()
    assert (patient.first_name, patient.phone, patient.email) == ("", None, None)
    assert patient.erased_at == NOW
    words = (letter.subject, letter.body, letter.html, letter.calendar)
    assert {letter.address, *words} == {None}


def test_ids_statuses_and_reasons_stay(engine: Engine) -> None:
    """What happened can still be counted and told: only the words and the person are gone."""
    _store(engine, "P1", LONG_AGO)
    before = _rows(engine)
    purge(engine, retention=RETENTION, now=NOW)
    after = _rows(engine)
    assert before["message_events"] == after["message_events"]
    assert before["sessions"] == after["sessions"]
    (had,), (has,) = before["messages"], after["messages"]
    erased = {"address", "subject", "body", "html", "calendar"}
    assert erased == {name for name in had._fields if getattr(had, name) != getattr(has, name)}


@pytest.mark.parametrize(
    "sessions",
    [(LATELY,), (LONG_AGO, LATELY), (NOW - RETENTION,)],
    ids=["lately", "long ago and lately", "to the second"],
)
def test_recent_patients_are_untouched(engine: Engine, sessions: tuple[datetime, ...]) -> None:
    """Whoever had a session within the time keeps everything, older sessions' words too."""
    _store(engine, "P1", *sessions)
    before = _rows(engine)
    assert purge(engine, retention=RETENTION, now=NOW) == 0
    assert before == _rows(engine)


def test_one_is_forgotten_and_the_other_is_not(engine: Engine) -> None:
    """Among many only those whose time has come; a second purge finds nothing left to do."""
    for number in range(5):
        _store(engine, f"old-{number}", LONG_AGO)
        _store(engine, f"new-{number}", LATELY)
    assert purge(engine, retention=RETENTION, now=NOW) == 5
    with engine.begin() as db:
        names = db.execute(select(PATIENTS.c.patient_id).where(PATIENTS.c.first_name != "")).all()
    assert sorted(name for (name,) in names) == [f"new-{number}" for number in range(5)]
    before = _rows(engine)
    assert purge(engine, retention=RETENTION, now=NOW) == 0
    assert before == _rows(engine)


def test_more_than_one_batch_is_forgotten_at_once(engine: Engine) -> None:
    """A clinic that lowers the retention time sees all its old patients go, not five hundred."""
    _store(engine, "P0", LONG_AGO)
    with engine.begin() as db:
        (known,) = db.execute(select(PATIENTS)).mappings()
        db.execute(
            insert(PATIENTS), [{**known, "patient_id": f"P{number}"} for number in range(1, 1200)]
        )
    assert purge(engine, retention=RETENTION, now=NOW) == 1200


def test_a_stop_is_never_forgotten(engine: Engine) -> None:
    """Suppressed addresses stay: without them a stop would be over after a year."""
    with engine.begin() as db:
        kind = SuppressionKind.OPTED_OUT
        suppress(
            db, Channel.SMS, "+34600123456", kind, reason="STOP", actor="patient", now=LONG_AGO
        )
    before = _rows(engine)
    purge(engine, retention=RETENTION, now=NOW)
    assert before == _rows(engine)


def _reply(moment: datetime, number: int) -> dict[str, Any]:
    said = {"channel": Channel.SMS, "address": "+34600123456", "body": "Is this normal?"}
    read = {"meaning": Meaning.STAFF, "emergency": False, "stops": False, "note": ""}
    answer = {"answer": "", "answer_state": Answer.NONE, "answer_why": "", "recipient": "+349"}
    return {"provider_id": f"SM{number}", "received_at": moment, **said, **read, **answer}


def _fault(moment: datetime, number: int) -> dict[str, Any]:
    seen = {"first_seen_at": moment, "last_changed_at": moment, "row": {"first_name": "Ana"}}
    fate = {"fate": RowFate.REJECTED, "reason": "patient_id is empty"}
    return {"source": "sql", "row_key": f"S{number}", **fate, **seen}


def test_replies_and_faulty_rows_are_erased_as_well(engine: Engine) -> None:
    """What patients wrote and what the clinic's bad rows held go too; their reasons stay."""
    with engine.begin() as db:
        for number, moment in enumerate((LONG_AGO, LATELY)):
            db.execute(insert(REPLIES).values(_reply(moment, number)))
            db.execute(insert(REJECTED_ROWS).values(_fault(moment, number)))
    purge(engine, retention=RETENTION, now=NOW)
    with engine.begin() as db:
        replies = db.execute(select(REPLIES.c.body, REPLIES.c.address).order_by(REPLIES.c.id)).all()
        rows = db.execute(select(REJECTED_ROWS.c.row, REJECTED_ROWS.c.reason).order_by("id")).all()
    assert replies == [(None, None), ("Is this normal?", "+34600123456")]
    assert rows == [(None, "patient_id is empty"), ({"first_name": "Ana"}, "patient_id is empty")]


# Against the clinic's own database, which forgets nothing


def test_what_is_erased_is_not_read_back(world: World) -> None:
    """The old row is still in the clinic's view, and the next passes leave it there."""
    world.source.add()
    world.wait(minutes=15)
    assert len(left(world)) == 2
    for day in ("2028-02-01", "2028-02-02"):
        world.move_to(f"{day} 12:00")
        with world.app.engine.begin() as db:
            assert db.execute(select(PATIENTS.c.first_name)).scalar_one() == ""
            assert set(db.execute(select(MESSAGES.c.body)).scalars()) == {None}


def test_a_faulty_row_is_not_read_back_either(world: World) -> None:
    """A row that nobody mended for more than a year is forgotten, and stays so."""
    world.source.add(sms_consent="perhaps")
    world.run()
    for day in ("2028-02-01", "2028-02-02"):
        world.move_to(f"{day} 12:00")
    with world.app.engine.begin() as db:
        assert db.execute(select(REJECTED_ROWS.c.row)).scalar_one() is None
