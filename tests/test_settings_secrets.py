"""Secrets appear neither in the settings' own text nor in what is said about them."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

import pytest

from worker.errors import ConfigurationError
from worker.settings import Settings, load_settings

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "s3cret"
FITTING = {
    "DATABASE_URL": f"postgres://clinic:{SECRET}@db/aftercare",
    "SOURCE_URL": f"mysql://reader:{SECRET}@db/clinic",
    "TWILIO_ACCOUNT_SID": "AC1",
    "TWILIO_AUTH_TOKEN": SECRET,
    "TWILIO_API_KEY_SECRET": SECRET,
    "TWILIO_FROM": "+15005550006",
    "SMTP_URL": f"smtp://care:{SECRET}@mail.example.com:587",
    "MAIL_FROM": "care@example.com",
    "SECRET_KEY": SECRET,
    "TWILIO_WEBHOOK_SECRET": SECRET,
    "BOUNCE_URL": f"imaps://care:{SECRET}@mail.example.com/INBOX",
}


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing but what a test sets itself."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    "name",
    [name for name, value in FITTING.items() if SECRET in value],
)
def test_settings_can_be_printed(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A setting that holds a secret shows it neither as text nor as representation."""
    for each, value in FITTING.items():
        monkeypatch.setenv(each, value if each == name else value.replace(SECRET, "x"))
    settings = load_settings()
    assert SECRET not in f"{settings!r} {settings!s} {settings}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", f"clinic:{SECRET}@db/aftercare"),
        ("DATABASE_URL", f"oracle://clinic:{SECRET}@db/aftercare"),
        pytest.param(
            "DATABASE_URL",
            f"postgresql://clinic:with@and:{SECRET}@db/aftercare",
        ),
        ("SOURCE_URL", f"clinic;{SECRET}"),
        ("SMTP_URL", f"care:{SECRET}@mail.example.com"),
        ("SMTP_URL", f"http://care:{SECRET}@mail.example.com"),
        ("SMTP_URL", f"smtp://care:with@and:{SECRET}@:mail"),
        ("BOUNCE_URL", f"imap://care:{SECRET}@mail.example.com"),
        ("PUBLIC_URL", f"https://care:{SECRET}@care.example.com"),
        ("AFTERCARE_POLL_SECONDS", SECRET),
        ("AFTERCARE_MODE", SECRET),
    ],
)
def test_a_problem_does_not_quote_the_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """A value that is wrong may be a secret in the wrong place."""
    monkeypatch.setenv("MAIL_FROM", "care@example.com")
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as fault:
        load_settings()
    assert name in str(fault.value)
    told = "".join(traceback.format_exception(fault.value))
    assert SECRET not in f"{told} {fault.value!r} {fault.value.problems}"
