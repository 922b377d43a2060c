"""``aftercare source``: what a pass would do, told before it is done; and what a person decides."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from tests.support.clinic_database import ClinicDatabase
from tests.support.command import Shell, add_clinic
from tests.support.stored import everything
from worker.store.engine import open_engine
from worker.store.schema import migrate
from worker.store.tables import SESSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: An hour ago, as the sample clinic in Madrid writes it; but with its zone, wherever this runs.
AN_HOUR_AGO = (datetime.now(UTC) - timedelta(hours=1)).isoformat(" ", "seconds")


class Desk:
    """An installation with a clinic's database, on each kind of database of its own."""

    def __init__(self, shell: Shell, database_url: str) -> None:
        self.shell = shell
        self.clinic = ClinicDatabase(f"sqlite:///{shell.folder}/clinic.db")
        self.engine = open_engine(database_url)
        migrate(self.engine)
        go_live = (datetime.now(UTC) - timedelta(days=30)).isoformat()
        shell.export(
            DATABASE_URL=database_url, SOURCE_URL=self.clinic.url, AFTERCARE_GO_LIVE=go_live
        )
        add_clinic(shell)

    def add(self, session_id: str, patient_id: str = "", **changes: Any) -> None:
        """A session that ended an hour ago."""
        times = {"completed_at": AN_HOUR_AGO, "updated_at": AN_HOUR_AGO}
        patient_id = patient_id or f"P-{session_id}"
        self.clinic.add(session_id=session_id, patient_id=patient_id, **times, **changes)

    def run(self) -> None:
        """One real pass, in trial mode."""
        done = self.shell.run("run", "--once")
        assert done.code in {0, 1}, done.told

    def look(self, *options: str) -> Any:
        """``aftercare source --json``."""
        done = self.shell.run("source", "--json", *options)
        assert (done.code, done.err) == (0, "")
        return json.loads(done.out)

    def stored(self) -> dict[str, list[Any]]:
        """Every row of every table."""
        with self.engine.begin() as db:
            return everything(db)

    def sessions(self) -> dict[str, str]:
        """Every session's patient."""
        with self.engine.begin() as db:
            rows = db.execute(select(SESSIONS.c.session_id, SESSIONS.c.patient_id))
            return {row.session_id: row.patient_id for row in rows}


@pytest.fixture
def desk(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    database_url: str,
) -> Iterator[Desk]:
    """See :class:`Desk`."""
    desk = Desk(Shell(tmp_path, monkeypatch, capsys), database_url)
    yield desk
    desk.clinic.engine.dispose()
    desk.engine.dispose()


def test_looking_ahead_changes_nothing(desk: Desk) -> None:
    """New, changed, cancelled, vanished and faulty rows: told, and every table as it was."""
    for number in range(8):
        desk.add(f"S{number}")
    desk.run()
    desk.add("new")
    desk.add("bad", sms_consent="perhaps")
    desk.clinic.change("S1", first_name="Anita")
    desk.clinic.change("S2", status="cancelled")
    desk.clinic.remove("S3")
    before = desk.stored()
    found = desk.look("--limit", "3")
    assert before == desk.stored()
    assert {name: found[name] for name in ("read", "new", "changed", "withdrawn", "faulty")} == {
        "read": 9,
        "new": 1,
        "changed": 1,
        "withdrawn": 2,
        "faulty": 1,
    }
    fault = {"row": "bad", "fate": "rejected", "reason": "sms_consent is neither yes nor no"}
    assert found["faults"] == [fault]
    told = {each["session_id"]: each for each in found["sessions"]}
    assert {key: each["news"] for key, each in told.items()} == {
        "new": "new",
        "S1": "changed",
        "S2": "withdrawn",
        "S3": "withdrawn",
    }
    assert "cancelled" in told["S2"]["withdrawn"]
    assert "deleted" in told["S3"]["withdrawn"]


def test_what_is_told_is_what_is_done(desk: Desk) -> None:
    """The messages foreseen for a session are those that the next pass plans, to the minute."""
    desk.add("S1")
    (foreseen,) = desk.look()["sessions"]
    desk.run()
    with desk.engine.begin() as db:
        planned = everything(db)["messages"]
    assert len(foreseen["messages"]) == len(planned) == 12
    assert sorted(datetime.fromisoformat(each["due_at"]) for each in foreseen["messages"]) == (
        sorted(row.due_at for row in planned)
    )
    assert all(each["due_at"][-6:] in {"+01:00", "+02:00"} for each in foreseen["messages"])


def test_a_person_reads_it(desk: Desk) -> None:
    """For people: counts, each new session with its plan, and faults with reasons."""
    for number in range(7):
        desk.add(f"S{number}")
    desk.add("bad", sms_consent="perhaps")
    done = desk.shell.run("source")
    assert done.code == 0
    assert "8 rows read: 7 new, 0 changed, 0 withdrawn, 1 with a new fault" in done.told
    assert "Session S0 of patient P-S0: microneedling" in done.told
    assert "active-again" in done.told
    assert "and 2 more (--limit)" in done.told
    assert "bad: sms_consent is neither yes nor no" in done.told
    assert "Nothing was changed" in done.told
    assert desk.sessions() == {}


def test_a_doubtful_view_is_told_beforehand(desk: Desk) -> None:
    """The guard speaks up here as well."""
    desk.add("S1")
    desk.run()
    desk.clinic.remove("S1")
    assert desk.look()["problem"].startswith("The clinic's view is empty; nothing was withdrawn")


def test_a_source_that_cannot_be_read_is_a_fault(desk: Desk) -> None:
    """The reason is told, the exit code says so, and nothing is stored of it."""
    desk.clinic.table.drop(desk.clinic.engine)
    before = desk.stored()
    done = desk.shell.run("source")
    assert done.code == 1
    assert "completed_sessions cannot be read" in done.told
    assert before == desk.stored()


def test_without_a_source_there_is_nothing_to_show(desk: Desk) -> None:
    """The setting is named, and the command that asks for it."""
    desk.shell.export(SOURCE_URL="")
    done = desk.shell.run("source")
    assert done.code == 1
    assert "SOURCE_URL is not set" in done.told
    assert "aftercare init" in done.told


# A person decides


def test_a_session_goes_to_its_new_owner_once_a_person_says_so(desk: Desk) -> None:
    """Until then nothing is sent for it; what the first owner got stays on record."""
    desk.add("S1", "P1")
    desk.run()
    desk.clinic.change("S1", patient_id="P2", phone="600 999 888", email="eva@example.com")
    desk.run()
    assert desk.sessions() == {"S1": "P1"}
    done = desk.shell.run("status")
    assert "aftercare source accept S1" in done.told
    assert desk.shell.run("source", "accept", "S1").code == 0
    desk.run()
    owners = desk.sessions()
    assert owners.pop("S1") == "P2"
    ((set_apart, owner),) = owners.items()
    assert (set_apart[:10], owner) == ("S1 (until ", "P1")
    with desk.engine.begin() as db:
        messages = everything(db)["messages"]
    waiting = {row.session_id for row in messages if row.status == "planned"}
    assert waiting == {"S1"}
    assert len(messages) == 24
    assert desk.look()["faults"] == []


def test_a_patient_id_that_means_someone_else_is_held(desk: Desk) -> None:
    """Name, phone and e-mail all differ: the one who was there hears nothing of the other's."""
    stranger = {"first_name": "Eva", "phone": "600 999 888", "email": "eva@example.com"}
    desk.add("S1", "P1")
    desk.run()
    desk.add("S2", "P1", **stranger)
    desk.run()
    assert desk.sessions() == {"S1": "P1"}
    (fault,) = desk.look()["faults"]
    assert (fault["row"], fault["fate"]) == ("S2", "held")
    assert "someone else" in fault["reason"]
    desk.clinic.remove("S1")
    assert desk.shell.run("source", "accept", "S2").code == 0
    desk.run()
    assert desk.sessions()["S2"] == "P1"
    with desk.engine.begin() as db:
        (patient,) = everything(db)["patients"]
    assert (patient.first_name, patient.phone, patient.erased_at) == ("Eva", "+34600999888", None)


def test_only_what_is_held_can_be_accepted(desk: Desk) -> None:
    """A mistyped id changes nothing, and the ids that are held are named."""
    desk.add("S1", "P1")
    desk.run()
    before = desk.stored()
    done = desk.shell.run("source", "accept", "S1")
    assert (done.code, before) == (1, desk.stored())
    assert "no row of session S1 is held; there are: none" in done.told
    assert desk.shell.run("source", "accept").code == 1


def test_missing_sessions_are_withdrawn_once_a_person_says_so(desk: Desk) -> None:
    """The way out when a clinic really deleted a lot."""
    for number in range(10):
        desk.add(f"S{number}")
    desk.run()
    for number in range(9):
        desk.clinic.remove(f"S{number}")
    desk.run()
    assert "9 of 10 open sessions of glow are missing" in desk.shell.run("status").told
    done = desk.shell.run("source", "accept", "--missing")
    assert (done.code, "9 sessions are withdrawn" in done.told) == (0, True)
    desk.run()
    assert "are missing" not in desk.shell.run("status").told


def test_a_row_that_nobody_will_mend_is_told_no_more(desk: Desk) -> None:
    """Until it says something else; and what waits for a decision is not put away like that."""
    desk.add("S1", "P1", sms_consent="perhaps")
    desk.run()
    assert "sms_consent" in desk.shell.run("status").told
    assert desk.shell.run("source", "dismiss", "S1", "--by", "Nora").code == 0
    desk.run()
    assert "sms_consent" not in desk.shell.run("status").told
    desk.clinic.change("S1", sms_consent="who knows", updated_at=datetime.now(UTC).isoformat())
    desk.run()
    assert "sms_consent" in desk.shell.run("status").told
    done = desk.shell.run("source", "dismiss", "S9")
    assert (done.code, "no row of session S9 needs mending" in done.told) == (1, True)


def test_a_held_row_is_not_dismissed(desk: Desk) -> None:
    """Whose session it is must be decided: nothing is put away by mistake."""
    desk.add("S1", "P1")
    desk.run()
    desk.clinic.change("S1", patient_id="P2", first_name="Eva", phone="+34600999888")
    desk.run()
    done = desk.shell.run("source", "dismiss", "S1")
    assert (done.code, "aftercare source accept S1" in done.told) == (1, True)
