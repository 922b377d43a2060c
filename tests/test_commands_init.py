"""``aftercare init``: from an empty folder to a worker that can start."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text
from typer.testing import CliRunner

from tests.support.clinic_database import ClinicDatabase
from tests.support.command import Shell, words_of
from worker.cli import app
from worker.commands import dotenv
from worker.rules.places import language_of, zones_of
from worker.store.clinics import all_clinics
from worker.store.engine import open_engine

if TYPE_CHECKING:
    from pathlib import Path

    from worker.rules.facts import Clinic

GLOW = {
    "--name": "Glow Skin Clinic",
    "--country": "es",
    "--phone": "910 123 456",
    "--email": "desk@glow.example.com",
}


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    """An empty folder."""
    return Shell(tmp_path, monkeypatch, capsys)


def clinics(shell: Shell) -> dict[str, Clinic]:
    """What is set up."""
    engine = open_engine(f"sqlite:///{shell.folder}/aftercare.db")
    with engine.begin() as db:
        found = all_clinics(db)
    engine.dispose()
    return found


def env(shell: Shell) -> str:
    """What the file says."""
    return (shell.folder / ".env").read_text("utf-8")


def test_with_options_it_asks_nothing(shell: Shell) -> None:
    """Key, zone, language and hours follow from the rest; the view is understood; .env is ours."""
    source = ClinicDatabase(f"sqlite:///{shell.folder}/clinic.db")
    source.add()
    source.add(session_id="S2", phone="12")
    done = shell.run("init", "--yes", "--source-url", source.url, *words_of(GLOW))
    assert (done.code, done.err) == (0, "")
    (clinic,) = clinics(shell).values()
    assert (clinic.key, clinic.zone.key, clinic.language) == (
        "glow-skin-clinic",
        "Europe/Madrid",
        "es",
    )
    assert clinic.phone == "+34910123456"
    assert "The first 2 rows, as they are understood" in done.told
    assert "session S2: phone: this phone number has too few or too many digits" in done.told
    assert env(shell) == f"SOURCE_URL={source.url}\nAFTERCARE_MODE=trial\n"
    assert stat.S_IMODE((shell.folder / ".env").stat().st_mode) == 0o600
    for next_step in ("aftercare check", "aftercare source", "aftercare run", "trial"):
        assert next_step in done.told
    assert shell.run("check").code == 0
    assert shell.run("source").code == 0


def test_everything_that_is_missing_is_told_at_once(shell: Shell) -> None:
    """Without questions the options must say it; what follows from another is not asked for."""
    done = shell.run("init", "--yes", "--email", "desk")
    assert done.code == 1
    told = [line.strip() for line in done.err.splitlines()[1:]]
    assert told[:3] == ["- --name is missing", "- --country is missing", "- --phone is missing"]
    assert told[3].startswith("- --email: this is not an e-mail address")
    assert not (shell.folder / ".env").exists()


def test_running_it_again_edits(shell: Shell) -> None:
    """What is not said stays; the same answers change nothing; another URL is not put over one."""
    source = ClinicDatabase(f"sqlite:///{shell.folder}/clinic.db")
    assert shell.run("init", "--yes", "--source-url", source.url, *words_of(GLOW)).code == 0
    before = env(shell)
    done = shell.run("init", "--yes")
    assert (done.code, "glow-skin-clinic stays as it was" in done.told) == (0, True)
    done = shell.run("init", "--yes", "--language", "en", "--closes", "19:00")
    assert "glow-skin-clinic is changed: language, hours" in done.told
    assert clinics(shell)["glow-skin-clinic"].language == "en"
    other = f"sqlite:///{shell.folder}/other.db"
    ClinicDatabase(other)
    done = shell.run("init", "--yes", "--source-url", other)
    assert "SOURCE_URL in .env stays as it is" in done.told
    assert env(shell) == before
    assert shell.run("init", "--yes", "--replace", "--source-url", other).code == 0
    assert f"SOURCE_URL={other}" in env(shell)


def test_a_database_without_the_view_gets_a_start(shell: Shell) -> None:
    """The proposal is shown with what it would mean, and written down; a finished one is kept."""
    url = f"sqlite:///{shell.folder}/clinic.db"
    engine = create_engine(url)
    with engine.begin() as db:
        db.execute(text("CREATE TABLE clients (id INTEGER PRIMARY KEY, name TEXT, phone TEXT)"))
        db.execute(
            text(
                "CREATE TABLE bookings (id INTEGER PRIMARY KEY, client_id INTEGER, ends_at TEXT, "
                "status TEXT)"
            )
        )
    engine.dispose()
    done = shell.run("init", "--yes", "--source-url", url, *words_of(GLOW))
    assert done.code == 0
    file = shell.folder / "completed_sessions.sql"
    assert "CREATE VIEW completed_sessions AS" in file.read_text("utf-8")
    assert "no column is about consent to text messages" in done.told
    assert "decide the lines marked DECIDE" in done.told
    file.write_text("-- finished by hand", encoding="utf-8")
    done = shell.run("init", "--yes")
    assert file.read_text("utf-8") == "-- finished by hand"
    assert "stays as it was" in done.told


def test_a_database_that_does_not_answer_changes_nothing(shell: Shell) -> None:
    """The reason is told without the password, and neither file nor clinic is written."""
    url = "postgresql://reader:s3cret@127.0.0.1:1/clinic"
    done = shell.run("init", "--yes", "--source-url", url, *words_of(GLOW))
    assert done.code == 1
    assert "SOURCE_URL: the clinic's database does not answer" in done.told
    assert "s3cret" not in done.told
    assert not (shell.folder / ".env").exists()
    assert clinics(shell) == {}


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("notaurl:s3cret", "SOURCE_URL is not a database URL; write it like postgresql://"),
        ("postgresql://ana:p@s3cret@127.0.0.1/clinic", "SOURCE_URL has an @ in its user name or"),
    ],
)
def test_an_address_that_is_none_is_told_without_its_password(
    shell: Shell, written: str, told: str
) -> None:
    """In words, and no part of what may be a password; nothing is written."""
    done = shell.run("init", "--yes", "--source-url", written, *words_of(GLOW))
    assert (done.code, told in done.told) == (1, True)
    assert "s3cret" not in done.told
    assert not (shell.folder / ".env").exists()


def test_a_conversation(shell: Shell, postgres_url: str) -> None:
    """A wrong answer is asked for again with the reason; a password is neither shown nor lost."""
    ClinicDatabase(postgres_url).add()
    answers = [
        *("Glow Skin Clinic", "glow"),
        *("Spain", "ES", "", "klingon", "en"),
        *("910", "910 123 456", "desk at glow", "desk@glow.example.com"),
        *("nine", "9", "8:00", "20:00"),
        *("not a url", "postgres://reader:@127.0.0.1:1/nowhere"),
        *(postgres_url, "s3c/r@t"),
    ]
    done = CliRunner().invoke(app, ["init"], input="\n".join(answers) + "\n")
    assert done.exit_code == 0, done.output
    told = " ".join(done.output.split())
    for reason in (
        '"Spain" is not a country code',
        '"klingon" is not a language code',
        "too few or too many digits for ES",
        "this is not an e-mail address",
        '"nine" is not a time',
        "must open before they close",
        "is not a database URL",
        "the clinic's database does not answer",
    ):
        assert reason in told
    assert "s3c" not in told
    assert "s3c%2Fr%40t@" in env(shell)
    (clinic,) = clinics(shell).values()
    assert (clinic.key, clinic.zone.key, clinic.language) == ("glow", "Europe/Madrid", "en")


@pytest.mark.parametrize(
    ("country", "zone", "language"),
    [
        ("ES", "Europe/Madrid", "es"),
        ("US", "America/New_York", "en"),
        ("GB", "Europe/London", "en"),
        ("MX", "America/Mexico_City", "es"),
        ("CH", "Europe/Zurich", "de"),
        ("AU", "Australia/Sydney", "en"),
    ],
)
def test_what_follows_from_a_country(country: str, zone: str, language: str) -> None:
    """The zone that most people live in, and the language that most read."""
    assert (zones_of(country)[0], language_of(country)) == (zone, language)


@pytest.mark.parametrize(
    "value",
    [
        "postgresql://r:s3c%2Fr%40t@h/db?sslmode=require",
        "with a blank and a # sign",
        'it\'s "quoted" \\ back',
        "",
    ],
)
def test_a_setting_is_read_back_as_it_was_written(tmp_path: Path, value: str) -> None:
    """Comments, order and other settings stay; the value survives whatever is in it."""
    file = tmp_path / ".env"
    file.write_text("# ours\nexport A=1\nSOURCE_URL=old\nB='two'\n", encoding="utf-8")
    dotenv.write(file, {"SOURCE_URL": value, "NEW": "3"})
    assert dotenv.read(file) == {"A": "1", "SOURCE_URL": value, "B": "two", "NEW": "3"}
    assert file.read_text("utf-8").startswith("# ours\nexport A=1\nSOURCE_URL=")
    assert [each.name for each in tmp_path.iterdir()] == [".env"]
