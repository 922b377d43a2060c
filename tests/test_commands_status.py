"""The commands that look at what the worker does: status and why."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, update

from tests.support.command import Shell, add_clinic
from tests.support.stored import MONDAY, store_message, store_session
from worker.app import build_app
from worker.parts import open_store, utc_now
from worker.rules.messages import Cause, Channel, Reason, Status, Transition
from worker.settings import load_settings
from worker.store import messages
from worker.store.kinds import RowFate
from worker.store.tables import PATIENTS, REJECTED_ROWS, SESSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    """A shell in an empty folder."""
    return Shell(tmp_path, monkeypatch, capsys)


@contextmanager
def _store() -> Iterator[Connection]:
    """The worker's database, to put something there behind the commands' backs."""
    engine = open_store(load_settings())
    with engine.begin() as db:
        yield db
    engine.dispose()


def _work_once() -> None:
    app = build_app(load_settings())
    assert app.run_once()
    app.close()


# status


def _status(shell: Shell) -> tuple[int, dict[str, Any]]:
    done = shell.run("status", "--json")
    return done.code, json.loads(done.out)


def test_status_before_the_worker_ever_ran(shell: Shell) -> None:
    """Nothing is wrong but that nobody works: exit 1, in both forms."""
    code, found = _status(shell)
    assert code == 1
    assert found == {
        "ok": False,
        "mode": "trial",
        "stale": True,
        "last_pass": None,
        "next_due": None,
        "messages": dict.fromkeys(Status, 0),
        "failed_last_7_days": 0,
        "problems": [],
    }
    done = shell.run("status")
    assert done.code == 1
    assert done.told.startswith("Worker: not running, never seen, mode trial")


def test_status_when_all_is_well(shell: Shell) -> None:
    """After a pass of the worker there is nothing to do for anybody: exit 0."""
    add_clinic(shell)
    _work_once()
    code, found = _status(shell)
    assert (code, found["ok"], found["stale"], found["problems"]) == (0, True, False, [])
    assert found["last_pass"].endswith("+00:00")
    done = shell.run("status")
    assert done.code == 0
    assert "Nothing needs a person." in done.told


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"status": Status.HELD}, "1 messages are held until a person decides"),
        ({"status": Status.UNKNOWN}, "1 messages are overdue by more than an hour"),
        (
            {"status": Status.SENDING, "lease_until": MONDAY - timedelta(days=365)},
            "1 messages are overdue by more than an hour",
        ),
    ],
)
def test_status_when_a_person_is_needed(
    shell: Shell, columns: dict[str, Any], problem: str
) -> None:
    """What is stuck is told in a sentence, and the exit code says so to a monitor."""
    _work_once()
    long_ago = utc_now() - timedelta(days=1)
    with _store() as db:
        store_session(db, at=long_ago)
        store_message(db, due_at=long_ago, **columns)
        db.execute(update(SESSIONS).values(needs_plan=False))
    code, found = _status(shell)
    assert (code, found["ok"], found["messages"][columns["status"]]) == (1, False, 1)
    assert found["problems"] == [problem]
    done = shell.run("status")
    assert (done.code, f"! {problem}" in done.told) == (1, True)


def test_status_counts_what_failed_lately(shell: Shell) -> None:
    """A failure is told for a week, but needs nobody."""
    _work_once()
    with _store() as db:
        store_session(db)
        store_message(db, status=Status.FAILED, ended_at=utc_now())
        store_message(
            db, milestone="x", status=Status.FAILED, ended_at=utc_now() - timedelta(days=8)
        )
        db.execute(update(SESSIONS).values(needs_plan=False))
    code, found = _status(shell)
    assert (code, found["failed_last_7_days"], found["messages"]["failed"]) == (0, 1, 2)


def test_status_tells_when_the_next_message_is_due(shell: Shell) -> None:
    """In UTC, as every time that machines read."""
    due_at = utc_now() + timedelta(days=1)
    with _store() as db:
        store_session(db)
        store_message(db, due_at=due_at)
    _, found = _status(shell)
    assert (found["next_due"], found["messages"]["planned"]) == (due_at.isoformat(), 1)
    assert f"Next message: {due_at:%Y-%m-%d %H:%M} UTC" in shell.run("status").told


# why


@pytest.fixture
def told(shell: Shell) -> Shell:
    """A patient with one session and two messages: a text that waited and left, and an e-mail."""
    later = MONDAY + timedelta(minutes=15)
    night = Reason(Cause.QUIET_HOURS, "Quiet hours for the patient until 09:00 their time")
    stop = Reason(Cause.OPTED_OUT, "The patient said stop to e-mails")
    taken = Reason(Cause.ACCEPTED, "Accepted by the provider")
    with _store() as db:
        store_session(db, "S-77")
        text = store_message(db, "S-77", due_at=later)
        mail = store_message(db, "S-77", channel=Channel.EMAIL, due_at=later)
        messages.move(db, text, Transition.waits(later, night), later)
        messages.move(db, text, Transition.claimed({"attempt_id": "a"}), later)
        messages.move(db, text, Transition.accepted("SM1", taken, at=later), later)
        messages.move(db, mail, Transition.skipped(stop, at=later), later)
    return shell


@pytest.mark.parametrize("which", ["P1", "S-77", "1", "2"])
def test_why_by_patient_session_or_message(told: Shell, which: str) -> None:
    """Whatever staff know leads to the same story: times of the patient, reasons, history."""
    done = told.run("why", which)
    assert done.code == 0
    for line in (
        (
            "Session S-77 of patient P1: microneedling, session 1 of 3, "
            "ended Mon 23 Nov 15:00 (Europe/Madrid)"
        ),
        "✓ Mon 23 Nov 15:15 home sms sent #1",
        "Accepted by the provider",
        "- Mon 23 Nov 15:15 home email skipped #2",
        "The patient said stop to e-mails",
        "Mon 23 Nov 15:15 waits: Quiet hours for the patient until 09:00 their time",
        "Mon 23 Nov 15:15 claimed: Being sent",
        "Mon 23 Nov 15:15 accepted: Accepted by the provider",
    ):
        assert line in done.told
    for personal in ("Ana", "600123456", "ana@example.com"):
        assert personal not in done.told


def test_why_of_what_nobody_knows(told: Shell) -> None:
    """A mistyped id is told as such."""
    for which in ("P9", "999", "99999999999999999999"):
        done = told.run("why", which)
        expected = f"Nothing is known of {which}: no patient, session or message has this id"
        assert (1, expected) == (done.code, done.told)


def test_why_of_a_row_that_needs_mending(told: Shell) -> None:
    """A session that is not planned because of its row says what is wrong with the row."""
    fault = {"source": "sql", "row_key": "S-78", "fate": RowFate.REJECTED, "row": {}}
    seen = {"first_seen_at": MONDAY, "last_changed_at": MONDAY}
    with _store() as db:
        db.execute(insert(REJECTED_ROWS).values(**fault, **seen, reason="sms_consent is empty"))
    done = told.run("why", "S-78")
    expected = "The clinic's row for S-78 needs mending: sms_consent is empty"
    assert (0, expected) == (done.code, done.told)


def test_why_tells_what_holds_for_the_whole_session(told: Shell) -> None:
    """A withdrawal, a block, a hold and what is still to be planned stand above the messages."""
    with _store() as db:
        db.execute(update(SESSIONS).values(withdrawn="It was cancelled", needs_plan=True))
        db.execute(update(PATIENTS).values(blocked="Never contact", clinical_hold="A worry"))
    done = told.run("why", "S-77")
    assert "Patient P1 of glow ! Never contact ! A worry" in done.told
    assert "It was cancelled It is planned at the next pass" in done.told


def test_why_shows_ids_as_they_are(shell: Shell) -> None:
    """An id that looks like markup is shown, not obeyed."""
    with _store() as db:
        store_session(db, "[red]S[/]")
    assert "Session [red]S[/] of patient P1" in shell.run("why", "P1").told


def test_why_shows_what_a_text_costs(shell: Shell) -> None:
    """A name like Łukasz is kept, and the bill can be explained; an erased text says nothing."""
    add_clinic(shell)
    with _store() as db:
        store_session(db)
        store_message(db, body="Glow: hi Łukasz! " + "x" * 60, status=Status.SENT)
        store_message(db, milestone="first-day", body=None, status=Status.SENT)
    told = shell.run("why", "P1").told
    assert told.count("segment") == 1
    assert "2 segments (77 characters, UCS-2)" in told
