"""The commands that an operator starts with: migrate, clinic, check."""

from __future__ import annotations

import shutil
import socket
from typing import TYPE_CHECKING

import pytest

from tests.support.clinic_database import ClinicDatabase
from tests.support.command import GLOW, Shell, add_clinic, words_of
from worker.resources import TEMPLATES

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    """A shell in an empty folder."""
    return Shell(tmp_path, monkeypatch, capsys)


# migrate


def test_migrate_makes_a_postgresql_ready(shell: Shell, postgres_url: str) -> None:
    """Before it every command says so, after it they work, and twice is harmless."""
    shell.export(DATABASE_URL=postgres_url.replace("postgresql+psycopg", "postgres"))
    before = shell.run("clinic", "list")
    assert before.code == 1
    assert "DATABASE_URL: the database is not up to date; run: aftercare migrate" in before.told
    for _ in range(2):
        done = shell.run("migrate")
        assert (done.code, done.out) == (0, "The postgresql database is up to date.\n")
    assert shell.run("clinic", "list").code == 0


def test_sqlite_needs_no_migrate(shell: Shell) -> None:
    """A new file is brought up to date by whatever command comes first."""
    told = "No clinic is set up yet; run: aftercare clinic add"
    assert (0, told) == (shell.run("clinic", "list").code, shell.run("clinic", "list").told)
    assert shell.run("migrate").out == "The sqlite database is up to date.\n"


def test_a_database_that_does_not_answer_is_told_without_secrets(shell: Shell) -> None:
    """No traceback, the setting by its name, no password."""
    shell.export(DATABASE_URL="postgresql://clinic:s3cret@127.0.0.1:1/aftercare")
    for words in (["migrate"], ["status"], ["why", "P1"], ["clinic", "list"]):
        done = shell.run(*words)
        assert done.code == 1
        assert done.told.startswith("DATABASE_URL: the worker's database does not answer (")
        assert "s3cret" not in done.told


# clinic


def test_a_clinic_is_set_up_and_shown(shell: Shell) -> None:
    """The phone number is read with the country, and every fact is in the list."""
    done = shell.run("clinic", "add", "glow", *words_of(GLOW))
    assert (done.code, done.out) == (0, "Glow Skin Clinic is set up as glow.\n")
    told = shell.run("clinic", "list").told
    for fact in ("glow", "Europe/Madrid", "+34910123456", "ES", "09:00-20:00"):
        assert fact in told


def test_every_wrong_option_is_named_at_once(shell: Shell) -> None:
    """As many lines as mistakes, and nothing is stored."""
    wrong = {
        "--name": "  ",
        "--time-zone": "Spain",
        "--phone": "call me",
        "--country": "Spain",
        "--language": "klingon",
        "--email": "desk",
        "--booking-url": "http://glow.example.com",
        "--colour": "teal",
        "--logo-url": "http://glow.example.com/logo.png",
        "--opens": "nine",
        "--closes": "25:00",
    }
    done = shell.run("clinic", "add", "glow", *words_of(wrong))
    assert done.code == 1
    told = [line.partition(":")[0] for line in done.err.splitlines()]
    assert sorted(wrong) == sorted(told)
    assert "No clinic is set up yet" in shell.run("clinic", "list").told


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            {"--opens": "20:00", "--closes": "09:00"},
            "--opens, --closes: sending hours must open before they close, not 20:00-09:00",
        ),
        ({"--daily-limit": "0"}, "--daily-limit"),
        ({"--colour": "#12"}, '--colour: "#12" is not a colour; write it like #0f766e'),
    ],
)
def test_options_that_cannot_be_are_refused(
    shell: Shell, options: dict[str, str], told: str
) -> None:
    """What is optional is checked as well."""
    done = shell.run("clinic", "add", "glow", *words_of({**GLOW, **options}))
    assert done.code != 0
    assert told in done.told


def test_a_key_is_taken_once(shell: Shell) -> None:
    """A second clinic of the same key is refused; of another key it is a second clinic."""
    add_clinic(shell)
    done = shell.run("clinic", "add", "glow", *words_of(GLOW))
    assert done.code == 1
    assert done.told == (
        'The clinic "glow" is set up already; change it with: aftercare clinic edit'
    )
    add_clinic(shell, "sol", name="Sol")
    assert "sol" in shell.run("clinic", "list").told


def test_editing_changes_only_what_is_given(shell: Shell) -> None:
    """One option, one change; a wrong one changes nothing; an unknown clinic is told."""
    add_clinic(shell)
    assert shell.run("clinic", "edit", "glow", "--time-zone", "Atlantic/Canary").code == 0
    wrong = shell.run("clinic", "edit", "glow", "--phone", "x", "--language", "zz")
    assert wrong.code == 1
    assert "--phone: " in wrong.err
    assert "--language: " in wrong.err
    told = shell.run("clinic", "list").told
    assert "Atlantic/Canary" in told
    assert "+34910123456" in told
    unknown = shell.run("clinic", "edit", "sol", "--name", "Sol")
    assert (unknown.code, unknown.told) == (1, 'There is no clinic "sol"; there are: glow')


# check


def test_check_is_content_with_a_clinic_that_is_set_up(shell: Shell, tmp_path: Path) -> None:
    """All is well: exit 0, every part has its mark, and the mode is told."""
    add_clinic(shell)
    source = ClinicDatabase(f"sqlite:///{tmp_path}/clinic.db")
    source.engine.dispose()
    shell.export(SOURCE_URL=source.url)
    done = shell.run("check")
    assert (done.code, done.out.count("✓"), done.out.count("✗")) == (0, 5, 0)
    assert "Mode: trial: patients are not contacted (AFTERCARE_MODE)" in done.told


def test_check_tells_everything_that_is_wrong_at_once(shell: Shell, tmp_path: Path) -> None:
    """No clinic, a view without columns, templates with faults, providers that do not answer."""
    source = ClinicDatabase(f"sqlite:///{tmp_path}/clinic.db", ("session_id", "phone"))
    source.engine.dispose()
    templates = shutil.copytree(TEMPLATES, tmp_path / "templates")
    words = templates / "microneedling"
    (words / "en" / "home.sms.txt").write_text("{{ clinic.name", encoding="utf-8")
    (words / "es" / "home.email.md").unlink()
    (templates / "peeling").mkdir()
    (templates / "peeling" / "protocol.toml").write_text("titel = 'Peeling'", encoding="utf-8")
    shell.export(
        SOURCE_URL=source.url,
        AFTERCARE_TEMPLATES=str(templates),
        AFTERCARE_MODE="live",
        TWILIO_ACCOUNT_SID="AC" + "1" * 32,
        TWILIO_AUTH_TOKEN="s3cret",
        TWILIO_FROM="+15005550006",
        TWILIO_API_URL="http://127.0.0.1:1",
        SMTP_URL="smtp://care:s3cret@127.0.0.1:1",
        MAIL_FROM="care@example.com",
    )
    done = shell.run("check")
    assert (done.code, done.out.count("✓"), done.out.count("✗")) == (1, 0, 5)
    for problem in (
        "No clinic is set up yet; run: aftercare clinic add",
        "completed_sessions has no column treatment, completed_at, patient_id",
        "templates/microneedling/en/home.sms.txt, line 1: ",
        "templates/microneedling/es/home.email.md is missing",
        "templates/peeling/protocol.toml, line 1: titel: unknown key",
        "Mode: live: patients are contacted",
    ):
        assert problem in done.told
    assert "s3cret" not in done.told


def _templates(shell: Shell) -> Path:
    """A clinic's own copy of the templates, in use."""
    folder = shutil.copytree(TEMPLATES, shell.folder / "words")
    shell.export(AFTERCARE_TEMPLATES=str(folder))
    return folder


def test_check_tells_what_texts_cost_and_what_is_a_sample(shell: Shell) -> None:
    """A note and a warning: neither is wrong, so the templates have their mark."""
    add_clinic(shell)
    done = shell.run("check")
    assert "✓ Templates" in done.out
    assert "Warning: templates/chemical-peel/protocol.toml, line 12: the treatment is a" in done.out
    assert 'for a first name with letters outside the GSM alphabet, such as "Łukasz"' in done.told


def test_check_fails_for_a_fault_in_a_template_and_not_for_a_warning(shell: Shell) -> None:
    """The clinic's own copy is linted, and each finding names its file and line."""
    add_clinic(shell)
    source = ClinicDatabase(f"sqlite:///{shell.folder}/clinic.db")
    source.engine.dispose()
    shell.export(SOURCE_URL=source.url)
    home = _templates(shell) / "microneedling" / "en" / "home.sms.txt"
    home.with_name("hom.sms.txt").write_text("x", encoding="utf-8")
    warned = shell.run("check")
    assert (warned.code, "✓ Templates" in warned.out) == (0, True)
    assert "Warning: words/microneedling/en/hom.sms.txt is never sent" in warned.told
    text = home.read_text(encoding="utf-8").replace("Some redness", "See http://x.example. Redness")
    home.write_text(text, encoding="utf-8")
    failed = shell.run("check")
    assert (failed.code, "✗ Templates" in failed.out) == (1, True)
    told = "words/microneedling/en/home.sms.txt, line 2: http://x.example is not a secure link"
    assert told in failed.told


@pytest.mark.parametrize("lacking", ["layout", "replies"])
def test_check_tells_what_an_older_copy_lacks(shell: Shell, lacking: str) -> None:
    """A copy made before a folder was added: which one, and where to get it."""
    add_clinic(shell)
    shutil.rmtree(_templates(shell) / lacking)
    told = shell.run("check").told
    assert f"words/{lacking}" in told
    assert "that came with Aftercare" in told
    assert told.count("email.html") <= 2


def test_check_wants_the_clinics_language(shell: Shell) -> None:
    """Before the first patient: nothing could be sent in it."""
    add_clinic(shell, language="French")
    done = shell.run("check")
    assert "templates/microneedling/fr is missing, and Glow Skin Clinic writes in" in done.told
    assert done.code == 1


def test_status_tells_of_a_missing_translation_and_of_samples(shell: Shell) -> None:
    """Until it is written, patients get the clinic's language, and somebody should know."""
    add_clinic(shell)
    assert "chemical-peel is a sample: have your clinician review it" in shell.run("status").told
    (_templates(shell) / "microneedling" / "es" / "home.sms.txt").unlink()
    told = shell.run("status").told
    assert "words/microneedling/es/home.sms.txt is missing; patients of this language get" in told


@pytest.mark.parametrize(
    "url", ["postgresql://clinic@127.0.0.1:1/aftercare", "sqlite:////nowhere/aftercare.db"]
)
def test_check_goes_on_without_its_database(shell: Shell, url: str) -> None:
    """A database that does not answer is one of the problems, not the only one told."""
    shell.export(DATABASE_URL=url)
    done = shell.run("check")
    assert done.code == 1
    assert "DATABASE_URL" in done.told
    assert "SOURCE_URL is not set: no sessions are collected" in done.told


def test_check_begins_with_the_settings(shell: Shell) -> None:
    """Settings that cannot work are told all at once."""
    shell.export(AFTERCARE_MODE="live", SOURCE_QUERY="nowhere.sql")
    done = shell.run("check")
    assert done.code == 1
    assert "The settings need attention:" in done.err
    assert "SOURCE_QUERY: there is no file nowhere.sql" in done.told
    assert "AFTERCARE_MODE=live needs TWILIO_ACCOUNT_SID or SMTP_URL" in done.told


def test_check_looks_at_the_web_process_and_returned_mail(shell: Shell) -> None:
    """With an API key alone no webhook can be told from a forged one; a weak key is told too."""
    add_clinic(shell)
    shell.export(
        PUBLIC_URL="https://care.example.com",
        SECRET_KEY="short",
        BOUNCE_URL="imap://care:s3cret@127.0.0.1:1/INBOX",
        TWILIO_ACCOUNT_SID="AC" + "1" * 32,
        TWILIO_API_KEY_SID="SK1",
        TWILIO_API_KEY_SECRET="s3cret",
        TWILIO_FROM="+15005550006",
        TWILIO_API_URL="http://127.0.0.1:1",
    )
    done = shell.run("check")
    assert done.code == 1
    for problem in (
        "BOUNCE_URL: the mailbox for undeliverable e-mails cannot be read",
        "TWILIO_AUTH_TOKEN is missing: Twilio signs its webhooks with it",
        "SECRET_KEY can be guessed: make it 32 random characters or more",
    ):
        assert problem in done.told
    assert "s3cret" not in done.told


def test_web_tells_a_port_that_is_taken(shell: Shell) -> None:
    """In words, with what to change; and what it cannot do without PUBLIC_URL."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = shell.run("web", "--port", str(taken.getsockname()[1]))
    assert done.code == 1
    assert "--host and --port: cannot listen on 127.0.0.1 port" in done.told
    assert "PUBLIC_URL is not set: webhooks are refused" in done.told


# the command itself


def test_the_help_tells_every_command(shell: Shell) -> None:
    """Commands are imported when they are asked for; the list has them all, in their order."""
    lines = shell.run("--help").out.splitlines()
    told = [line.split()[1] for line in lines if line.startswith("│ ") and line[2].isalpha()]
    assert told == [
        *("demo", "init", "run", "import", "migrate", "check", "clinic", "source", "status"),
        *("why", "preview", "hold", "release", "send-test", "web", "classify", "plan"),
        *("approve", "forecast"),
    ]


def test_a_slip_of_the_keyboard_gets_a_suggestion(shell: Shell) -> None:
    """The nearest command is named, though none of them is loaded yet."""
    done = shell.run("statsu")
    assert done.code == 2
    assert "Did you mean 'status'?" in done.told
