"""``aftercare import``: what a clinic without a database does every evening."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from freezegun import freeze_time
from sqlalchemy import func, select

from tests.sources.test_csv import written
from tests.support.clinic_database import ClinicDatabase
from tests.support.command import Shell, add_clinic
from tests.support.stored import everything
from tests.support.world import CLINIC
from worker.jobs.file_import import import_file
from worker.jobs.intake import News
from worker.sources.csv import open_csv
from worker.store.clinics import add_clinic as add
from worker.store.engine import open_engine, rehearsal
from worker.store.tables import SESSIONS

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from tests.support.command import Done
    from worker.store.engine import Transactions

EVENING = "2026-11-23 18:00:00+00:00"


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Shell]:
    """Monday evening at a clinic that went live in the morning."""
    shell = Shell(tmp_path, monkeypatch, capsys)
    with freeze_time(EVENING, tick=True):
        shell.export(AFTERCARE_GO_LIVE="2026-11-23T00:00+01:00")
        add_clinic(shell)
        yield shell


def save(shell: Shell, *rows: dict[str, Any], name: str = "sessions.csv", **how: Any) -> None:
    """A file with these rows."""
    (shell.folder / name).write_text(written(*rows, **how), encoding="utf-8")


def imported(shell: Shell, *options: str, name: str = "sessions.csv") -> Done:
    """``aftercare import``."""
    return shell.run("import", name, *options)


def report(shell: Shell, name: str = "sessions.csv.rejected.csv") -> list[dict[str, str]]:
    """The lines to mend."""
    text = (shell.folder / name).read_text(encoding="utf-8-sig")
    separator = ";" if ";" in text.splitlines()[0] else ","
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=separator))


def stored(shell: Shell) -> dict[str, Any]:
    """The worker's whole database."""
    engine = open_engine(f"sqlite:///{shell.folder}/aftercare.db")
    with engine.begin() as db:
        found = everything(db, but=frozenset({"source_state", "leases"}))
    engine.dispose()
    return found


def sessions(shell: Shell) -> dict[str, Any]:
    """The stored sessions, by id."""
    engine = open_engine(f"sqlite:///{shell.folder}/aftercare.db")
    with engine.begin() as db:
        rows = {each.session_id: each for each in db.execute(select(SESSIONS))}
    engine.dispose()
    return rows


def test_a_file_is_imported_once_however_often(shell: Shell) -> None:
    """The second time nothing is new, and no row of any table is another."""
    save(shell, {}, {"session_id": "S2", "patient_id": "P2"})
    first = imported(shell)
    assert (first.code, "2 new" in first.told) == (0, True)
    before = stored(shell)
    again = imported(shell)
    assert (again.code, "0 new 0 changed 0 withdrawn 2 unchanged" in again.told) == (0, True)
    assert stored(shell) == before
    assert not (shell.folder / "sessions.csv.rejected.csv").exists()


def test_the_worker_plans_what_was_imported(shell: Shell) -> None:
    """From here on a session is like any other."""
    save(shell, {"completed_at": "2026-11-23 18:30:00"})
    assert imported(shell).code == 0
    assert shell.run("run", "--once").code == 0
    assert "home" in shell.run("why", "S1").told


def test_a_dry_run_shows_the_same_and_writes_nothing(shell: Shell) -> None:
    """Neither a row nor a file."""
    save(shell, {})
    assert imported(shell).code == 0
    before = stored(shell)
    rows = [{"phone": "611 111 111"}, {"session_id": "S2"}, {"session_id": "S3", "treatment": "x"}]
    save(shell, *rows)
    files = sorted(shell.folder.iterdir())
    done = imported(shell, "--dry-run")
    assert done.code == 1
    assert "1 new 1 changed 0 withdrawn 0 unchanged 1 rejected" in done.told
    assert "line 4: treatment" in done.told
    assert stored(shell) == before
    assert sorted(shell.folder.iterdir()) == files


def test_rejected_lines_are_mended_and_imported_again(shell: Shell) -> None:
    """The report is a file like the first: mend its cells, import it, and all is well."""
    bad = [
        {"session_id": "S2", "first_name": "Zoë\nAna", "sms_consent": "perhaps"},
        {"session_id": "S3", "completed_at": "05/06/2026 10:00", "phone": "3.46E+10"},
        {"session_id": "", "patient_id": "P9"},
        {"session_id": "S5", "phone": "12"},
    ]
    save(shell, {}, *bad, separator=";")
    done = imported(shell)
    assert done.code == 1
    assert "2 new 0 changed 0 withdrawn 0 unchanged 3 rejected" in done.told
    for secret in ("Ana", "600 123", "3.46E+10;", "ana@"):
        assert secret not in done.told
    lines = report(shell)
    assert [(each["line"], each["column"]) for each in lines] == [
        ("3", "sms_consent"),
        ("5", "completed_at, phone"),
        ("6", "session_id"),
        ("7", "phone"),
    ]
    assert lines[0]["first_name"] == "Zoë\nAna"
    assert "may be day/month" in lines[1]["reason"]
    path = shell.folder / "sessions.csv.rejected.csv"
    assert path.stat().st_mode & 0o077 == 0

    mended = path.read_text(encoding="utf-8-sig")
    mended = mended.replace("perhaps", "no").replace("05/06/2026 10:00", "2026-11-23 10:00")
    mended = mended.replace("3.46E+10", "600 111 222").replace(";12;", ";;")
    mended = mended.replace("\n;microneedling", "\nS4;microneedling")
    path.write_text(mended, encoding="utf-8-sig")
    done = imported(shell, name=path.name)
    assert (done.code, done.err.count("Traceback")) == (0, 0), done.told
    assert sorted(sessions(shell)) == ["S1", "S2", "S3", "S4", "S5"]
    assert shell.run("status").told.count("need mending") == 0


def test_a_report_of_a_report_has_its_columns_once(shell: Shell) -> None:
    """What is wrong twice is reported twice, not doubled."""
    save(shell, {"sms_consent": "perhaps"})
    imported(shell)
    name = "sessions.csv.rejected.csv"
    assert imported(shell, name=name).code == 1
    (line,) = report(shell, f"{name}.rejected.csv")
    assert list(line).count("reason") == 1
    assert (line["line"], line["column"]) == ("2", "sms_consent")


def test_what_is_not_in_the_file_stays(shell: Shell) -> None:
    """Tomorrow's file has tomorrow's sessions; a status withdraws, silence does not."""
    save(shell, {}, {"session_id": "S2"}, {"session_id": "S3"})
    imported(shell)
    save(shell, {"session_id": "S3", "status": "cancelled"}, {"session_id": "S4"})
    done = imported(shell)
    assert "1 new 0 changed 1 withdrawn" in done.told
    assert {each: bool(row.withdrawn) for each, row in sessions(shell).items()} == {
        "S1": False,
        "S2": False,
        "S3": True,
        "S4": False,
    }


def test_what_the_database_brings_is_left_to_it(shell: Shell) -> None:
    """A file can neither change nor keep alive what the clinic's own system knows better."""
    database = ClinicDatabase(f"sqlite:///{shell.folder}/clinic.db")
    database.add(updated_at="2026-11-23 15:00:00")
    database.engine.dispose()
    shell.export(SOURCE_URL=database.url)
    assert shell.run("run", "--once").code == 0
    before = sessions(shell)["S1"]
    save(shell, {"status": "cancelled"}, {"session_id": "S2", "patient_id": "P2"})
    done = imported(shell)
    assert "1 come from the clinic's database already" in done.told
    assert sessions(shell)["S1"] == before
    assert sessions(shell)["S2"].source == "csv"


def test_sessions_before_go_live_are_told(shell: Shell) -> None:
    """A first import of the whole history writes to nobody, and says so."""
    save(shell, {"completed_at": "2026-11-20 10:00:00"}, {"session_id": "S2"})
    done = imported(shell)
    assert "1 ended before go-live (2026-11-22 23:00 UTC)" in done.told
    assert {each: row.before_go_live for each, row in sessions(shell).items()} == {
        "S1": True,
        "S2": False,
    }


def test_without_a_wish_the_first_import_is_go_live(shell: Shell) -> None:
    """What ended before it is recorded only; the operator hears how to move it."""
    shell.export(AFTERCARE_GO_LIVE="")
    save(shell, {})
    done = imported(shell)
    assert "AFTERCARE_GO_LIVE moves it" in done.told
    shell.export(AFTERCARE_GO_LIVE="2026-11-23")
    imported(shell)
    assert not sessions(shell)["S1"].before_go_live


def test_a_clinic_for_lines_that_name_none(shell: Shell) -> None:
    """With ``--clinic``; a line that names another one is somebody's mistake."""
    add_clinic(shell, "brillo", country="US", phone="+12125550123")
    save(shell, {"phone": "(212) 555-0145"}, {"session_id": "S2", "clinic": "glow"})
    assert imported(shell, "--clinic", "brillo").code == 1
    assert sessions(shell)["S1"].clinic == "brillo"
    (line,) = report(shell)
    assert (line["session_id"], line["column"]) == ("S2", "clinic")
    assert "There is no clinic" in imported(shell, "--clinic", "luna").told


def test_the_same_id_with_another_patient_is_held(shell: Shell) -> None:
    """The rule of every source, with the line it stands on."""
    save(shell, {})
    imported(shell)
    save(shell, {"session_id": "S0"}, {"patient_id": "P2"})
    assert imported(shell).code == 1
    (line,) = report(shell)
    assert (line["line"], line["column"]) == ("3", "session_id")
    assert sessions(shell)["S1"].patient_id == "P1"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"PK\x03\x04workbook", "an Excel workbook"),
        (b"", "is empty"),
        (written().encode(), "no session below"),
    ],
)
def test_a_file_that_cannot_be_used_changes_nothing(
    shell: Shell, content: bytes, told: str
) -> None:
    """One sentence, and exit code 1."""
    (shell.folder / "sessions.csv").write_bytes(content)
    done = imported(shell)
    assert (done.code, told in done.err) == (1, True)
    assert sessions(shell) == {}


def test_the_report_never_goes_into_the_file_itself(shell: Shell) -> None:
    """Nor where nothing can be written: then it says what to do."""
    save(shell, {"sms_consent": "perhaps"})
    before = (shell.folder / "sessions.csv").read_bytes()
    assert imported(shell, "--rejected", "sessions.csv").code == 1
    assert (shell.folder / "sessions.csv").read_bytes() == before
    assert "use --rejected" in imported(shell, "--rejected", "away/report.csv").told
    assert imported(shell, "--rejected", "report.csv").code == 1
    assert len(report(shell, "report.csv")) == 1


@pytest.mark.parametrize("known_first", [True, False])
def test_a_session_on_two_lines_is_nobodys_to_choose(shell: Shell, known_first: bool) -> None:  # noqa: FBT001
    """Even if one of the lines is what is stored: its messages wait until the file is mended."""
    save(shell, {})
    imported(shell)
    lines = [{}, {"phone": "611 111 111"}]
    save(shell, *(lines if known_first else reversed(lines)), {"session_id": "S2"})
    done = imported(shell)
    assert "1 new 0 changed 0 withdrawn 0 unchanged 2 rejected" in done.told
    first, second = report(shell)
    assert "further down" in first["reason"]
    assert "on line 2" in second["reason"]
    assert sessions(shell)["S1"].fault.startswith("session_id stands ")
    save(shell, {})
    imported(shell)
    assert sessions(shell)["S1"].fault == ""


def test_both_databases_rehearse_and_import(engine: Engine, tmp_path: Path) -> None:
    """What the rehearsal tells is what the import does, and only the import is kept."""
    now = datetime(2026, 11, 23, 18, tzinfo=UTC)
    rows = [{"session_id": f"S{number}", "patient_id": f"P{number}"} for number in range(1_200)]
    path = tmp_path / "sessions.csv"
    path.write_text(written(*rows, {"session_id": "X", "treatment": "x"}), encoding="utf-8")
    with engine.begin() as db:
        add(db, CLINIC, now)
        before = everything(db)

    def bring(into: Transactions) -> tuple[Counter[News], int, int]:
        found = import_file(
            into, open_csv(path), treatments={"microneedling"}, go_live=now, clock=lambda: now
        )
        return found.tally.counts, found.rejected, found.before_go_live

    with rehearsal(engine) as trial:
        rehearsed = bring(trial)
    with engine.begin() as db:
        assert everything(db) == before
    assert bring(engine) == rehearsed == ({News.NEW: 1_200, News.FAULTY: 1}, 1, 1_200)
    with engine.begin() as db:
        assert db.execute(select(func.count()).select_from(SESSIONS)).scalar_one() == 1_200
    assert bring(engine) == ({}, 1, 1_200)


def test_dates_as_the_operator_says(shell: Shell) -> None:
    """With ``--dates`` an ambiguous file can be used."""
    save(shell, {"completed_at": "11/12/2025 10:00"})
    assert imported(shell).code == 1
    done = imported(shell, "--dates", "day-first")
    assert (done.code, "dates day-first" in done.told) == (0, True)
    assert sessions(shell)["S1"].completed_at.date() == datetime(2025, 12, 11, tzinfo=UTC).date()
