"""Settings: every problem at once, each by its name, and never a secret."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from worker.errors import ConfigurationError
from worker.resources import TEMPLATES
from worker.settings import Mode, Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    Load = Callable[..., Settings]

TWILIO = {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "t", "TWILIO_FROM": "+15005550006"}
MAIL = {"SMTP_URL": "smtp://mail.example.com", "MAIL_FROM": "care@example.com"}


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Load:
    """Loads the settings from nothing but what is given, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)

    def load(**given: str) -> Settings:
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        return load_settings()

    return load


def _problems(load: Load, **given: str) -> list[str]:
    with pytest.raises(ConfigurationError) as fault:
        load(**given)
    return fault.value.problems


def test_without_any_setting_nobody_is_texted(load: Load) -> None:
    """The defaults: trial mode, SQLite in the present folder, the templates that came with it."""
    found = load()
    assert (found.aftercare_mode, found.has_sms, found.has_email) == (Mode.TRIAL, False, False)
    assert (found.database_url, found.source_url) == ("sqlite:///aftercare.db", None)
    assert (found.aftercare_templates, found.aftercare_outbox) == (
        TEMPLATES,
        Path("aftercare-outbox"),
    )
    assert (found.poll.seconds, found.lease.seconds) == (15, 120)
    assert (found.aftercare_lookup_seconds, found.aftercare_go_live) == ((120, 600), None)
    assert (found.aftercare_retention_days, found.log_format) == (400, "console")


def test_settings_come_from_a_file_and_the_environment_wins(load: Load, tmp_path: Path) -> None:
    """``.env`` in the present folder is read; what the environment says counts more."""
    lines = [
        "AFTERCARE_MODE=live",
        "SMTP_URL=smtp://mail.example.com",
        "MAIL_FROM=care@example.com",
    ]
    lines += ["AFTERCARE_POLL_SECONDS=5", "SOMETHING_ELSE=1", "LOG_FORMAT="]
    (tmp_path / ".env").write_text("\n".join(lines), encoding="utf-8")
    found = load(AFTERCARE_POLL_SECONDS="7")
    assert (found.aftercare_mode, found.has_email, found.poll.seconds) == (Mode.LIVE, True, 7)
    assert found.log_format == "console"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("postgres://u:p@db/clinic", "postgresql+psycopg://u:p@db/clinic"),
        ("postgresql://db:5433/clinic", "postgresql+psycopg://db:5433/clinic"),
        ("postgresql+psycopg://db/clinic", "postgresql+psycopg://db/clinic"),
        ("postgres://u:p%40s@db/x?a=b", "postgresql+psycopg://u:p%40s@db/x?a=b"),
        ("sqlite:////var/lib/aftercare.db", "sqlite:////var/lib/aftercare.db"),
    ],
)
def test_database_urls_as_platforms_write_them(load: Load, written: str, read: str) -> None:
    """``postgres://`` is accepted, with passwords and options as they are."""
    assert read == load(DATABASE_URL=written).database_url


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("mysql://reader@db/clinic", "mysql+pymysql://reader@db/clinic"),
        ("mariadb://reader@db/clinic", "mariadb+pymysql://reader@db/clinic"),
        ("mssql+pyodbc://reader@db/clinic", "mssql+pyodbc://reader@db/clinic"),
        ("postgres://db/clinic", "postgresql+psycopg://db/clinic"),
    ],
)
def test_the_clinics_database_may_be_any(load: Load, written: str, read: str) -> None:
    """The source takes every SQLAlchemy URL, with the driver that we install by default."""
    assert read == load(SOURCE_URL=written).source_url


def test_lists_are_written_with_commas(load: Load) -> None:
    """Team addresses and look-up times need no JSON."""
    found = load(
        AFTERCARE_TEAM="+34600111222, me@example.com ,", AFTERCARE_LOOKUP_SECONDS="60, 300,900"
    )
    assert found.aftercare_team == ("+34600111222", "me@example.com")
    assert found.aftercare_lookup_seconds == (60, 300, 900)


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("2026-11-23T09:00:00+01:00", datetime(2026, 11, 23, 8, tzinfo=UTC)),
        ("2026-11-23 09:00", datetime(2026, 11, 23, 9, tzinfo=UTC)),
        ("2026-11-23", datetime(2026, 11, 23, tzinfo=UTC)),
    ],
)
def test_go_live_is_a_moment(load: Load, written: str, utc: datetime) -> None:
    """Without a zone it is UTC; a day begins at midnight."""
    assert utc == load(AFTERCARE_GO_LIVE=written).aftercare_go_live


# Problems


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (
            {"DATABASE_URL": "aftercare.db"},
            (
                "DATABASE_URL: is not a database URL; write it like "
                "postgresql://user:password@host/db or sqlite:///aftercare.db"
            ),
        ),
        (
            {"DATABASE_URL": "mysql://db/clinic"},
            (
                "DATABASE_URL: must be SQLite or PostgreSQL, like sqlite:///aftercare.db or "
                "postgresql://host/db"
            ),
        ),
        ({"SOURCE_QUERY": "nowhere.sql"}, "SOURCE_QUERY: there is no file nowhere.sql"),
        (
            {**TWILIO, "TWILIO_AUTH_TOKEN": ""},
            "TWILIO_AUTH_TOKEN is missing (or TWILIO_API_KEY_SID with TWILIO_API_KEY_SECRET)",
        ),
        (
            {**TWILIO, "TWILIO_FROM": ""},
            "TWILIO_MESSAGING_SERVICE_SID or TWILIO_FROM is missing: who texts?",
        ),
        (
            {**MAIL, "MAIL_FROM": ""},
            "MAIL_FROM must be the address that e-mails come from, care@example.com",
        ),
        (
            {**MAIL, "SMTP_URL": "mail.example.com:587"},
            "SMTP_URL must be like smtp://user:password@host:587 or smtps://user:password@host",
        ),
        (
            {"PUBLIC_URL": "https://care.example.com"},
            (
                "SECRET_KEY is missing: it signs the links in e-mails (PUBLIC_URL is set); make "
                'one with: python -c "import secrets; print(secrets.token_hex(32))"'
            ),
        ),
        *(
            (
                {"PUBLIC_URL": url, "SECRET_KEY": "k" * 32},
                "PUBLIC_URL must be where the web process is, like https://care.example.com",
            )
            for url in (
                "http://care.example.com",
                "care.example.com",
                "https://",
                "https://care.example.com:port",
                "https://user:pass@care.example.com",
                "https://care.example.com/?x=1",
            )
        ),
        (
            {"BOUNCE_URL": "mail.example.com"},
            "BOUNCE_URL must be like imaps://user:password@host/INBOX",
        ),
        (
            {"AFTERCARE_MODE": "live"},
            "AFTERCARE_MODE=live needs TWILIO_ACCOUNT_SID or SMTP_URL",
        ),
        (
            {"AFTERCARE_MODE": "team", **MAIL},
            "AFTERCARE_MODE=team needs AFTERCARE_TEAM, the addresses it may reach",
        ),
    ],
)
def test_a_problem_names_its_setting_and_what_to_write(
    load: Load, given: dict[str, str], problem: str
) -> None:
    """One mistake, one line, and the line is enough to mend it."""
    assert [problem] == _problems(load, **given)


def test_a_query_needs_a_database(load: Load, tmp_path: Path) -> None:
    """SOURCE_QUERY alone says what is missing beside it."""
    (tmp_path / "query.sql").write_text("SELECT 1", encoding="utf-8")
    problem = "SOURCE_QUERY needs SOURCE_URL, the database to run it in"
    assert [problem] == _problems(load, SOURCE_QUERY="query.sql")


WRONG = {
    "DATABASE_URL": "oracle://db",
    "SOURCE_URL": "clinic",
    "AFTERCARE_MODE": "production",
    "AFTERCARE_POLL_SECONDS": "0",
    "AFTERCARE_LEASE_SECONDS": "two minutes",
    "AFTERCARE_LOOKUP_SECONDS": "120,soon",
    "AFTERCARE_SMS_PER_SECOND": "-1",
    "AFTERCARE_GO_LIVE": "tomorrow",
    "AFTERCARE_RETENTION_DAYS": "7",
    "LOG_FORMAT": "xml",
}
MISFITS = {
    "SOURCE_QUERY": "nowhere.sql",
    "TWILIO_ACCOUNT_SID": "AC1",
    "SMTP_URL": "nonsense",
    "TWILIO_API_URL": "example.com",
}


def test_every_wrong_value_is_told_at_once(load: Load) -> None:
    """Ten mistakes, ten lines, each beginning with its setting."""
    found = _problems(load, **WRONG)
    assert sorted(WRONG) == sorted(line.partition(":")[0] for line in found)


def test_everything_that_does_not_fit_together_is_told_at_once(load: Load) -> None:
    """A query without a file, an account without a token or a number, mail without an address."""
    told = "\n".join(_problems(load, **MISFITS))
    for name in (*MISFITS, "TWILIO_AUTH_TOKEN", "TWILIO_FROM", "MAIL_FROM"):
        assert name in told or name == "TWILIO_ACCOUNT_SID"


def test_wrong_values_and_misfits_are_told_together(load: Load) -> None:
    """Nobody mends one half only to hear of the other."""
    told = "\n".join(_problems(load, **WRONG, **MISFITS))
    assert "LOG_FORMAT" in told
    assert "MAIL_FROM" in told


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param(
            "DATABASE_URL",
            "postgresql://db:port/clinic",
        ),
        pytest.param(
            "AFTERCARE_LOOKUP_SECONDS",
            ",",
        ),
        pytest.param(
            "AFTERCARE_LOOKUP_SECONDS",
            "-5",
        ),
        pytest.param(
            "AFTERCARE_GO_LIVE",
            "20261101",
        ),
    ],
)
def test_what_cannot_work_is_refused_in_words(load: Load, name: str, value: str) -> None:
    """A value that looks right and is not is a problem at the start, not later."""
    (problem,) = _problems(load, **{name: value})
    assert problem.startswith(f"{name}: ")
    assert "invalid literal" not in problem
