"""What the operator sets, in the environment or in ``.env``; every problem is reported at once.

Secrets are pydantic's ``SecretStr`` or sit inside URLs that are never printed: no secret appears
in a log, an error or the output of ``aftercare check``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self
from urllib.parse import urlsplit

from babel.numbers import list_currencies
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    InstanceOf,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy import make_url

from worker.channels.accounts import LOOPBACK, Mailbox, MailServer
from worker.errors import ConfigurationError
from worker.resources import TEMPLATES
from worker.rules.messages import Channel
from worker.rules.prices import Prices
from worker.sources.connect import source_url

if TYPE_CHECKING:
    from collections.abc import Iterator


class Mode(StrEnum):
    """Who is really contacted."""

    #: Nobody: every message lands in the outbox folder.
    TRIAL = "trial"
    #: Only the addresses in ``AFTERCARE_TEAM``; the rest lands in the outbox folder.
    TEAM = "team"
    #: Patients.
    LIVE = "live"


def _database_url(text: str) -> str:
    """A database URL as people and hosting platforms write it, with the driver we use."""
    return source_url(text).render_as_string(hide_password=False)


def _own_database_url(text: str) -> str:
    url = _database_url(text)
    if make_url(url).get_backend_name() not in ("sqlite", "postgresql"):
        message = (
            "must be SQLite or PostgreSQL, like sqlite:///aftercare.db or postgresql://host/db"
        )
        raise ValueError(message)
    return url


def _moment(value: object) -> object:
    """A date, with or without a time, as people write it; without a zone it is UTC."""
    if not isinstance(value, str):
        return value
    try:
        moment = datetime.fromisoformat(value if value[4:5] == "-" else "")
    except ValueError:
        message = "is not a date; write it like 2026-11-23 or 2026-11-23T08:00+01:00"
        raise ValueError(message) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _in_order(numbers: tuple[int, ...]) -> tuple[int, ...]:
    if not numbers or min(numbers) < 1:
        message = "must be seconds from 1, with commas between them, like 120,600"
        raise ValueError(message)
    return tuple(sorted(numbers))


def _is_public(url: str) -> bool:
    """Whether a URL can be given to patients and to Twilio: encrypted, or this very machine."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 (reading it is what checks it)
    except ValueError:
        return False
    if not parts.hostname or parts.query or parts.fragment or parts.username:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _currency(text: str) -> str:
    code = text.strip().upper()
    if code not in list_currencies():
        message = "is not a currency code; write it like USD or EUR"
        raise ValueError(message)
    return code


DatabaseUrl = Annotated[str, AfterValidator(_database_url)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
#: Several values with commas between them; pydantic-settings would expect JSON otherwise.
Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
SmsPrices = Annotated[InstanceOf[Prices], NoDecode, BeforeValidator(Prices.parse)]
Seconds = Annotated[tuple[int, ...], NoDecode, BeforeValidator(_split), AfterValidator(_in_order)]


class Settings(BaseSettings):
    """Every setting; the field's name in upper case is the variable's name."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    #: These two may hold a password, so they are left out of any representation.
    database_url: Annotated[str, AfterValidator(_own_database_url), Field(repr=False)] = (
        "sqlite:///aftercare.db"
    )
    source_url: Annotated[DatabaseUrl | None, Field(repr=False)] = None
    #: A file with the SQL to use instead of the view.
    source_query: Path | None = None

    twilio_account_sid: str = ""
    twilio_auth_token: SecretStr = SecretStr("")
    twilio_api_key_sid: str = ""
    twilio_api_key_secret: SecretStr = SecretStr("")
    #: The secret of a signing key for webhooks (SHA-256); without one the auth token signs.
    twilio_webhook_secret: SecretStr = SecretStr("")
    twilio_messaging_service_sid: str = ""
    twilio_from: str = ""
    twilio_api_url: str = ""
    smtp_url: SecretStr = SecretStr("")
    mail_from: str = ""
    public_url: str = ""
    secret_key: SecretStr = SecretStr("")
    #: The mailbox that undeliverable e-mails come back to.
    bounce_url: SecretStr = SecretStr("")

    aftercare_mode: Mode = Mode.TRIAL
    #: Phone numbers (E.164) and e-mail addresses that ``team`` mode may reach.
    aftercare_team: Words = ()
    aftercare_poll_seconds: Annotated[float, Field(ge=0.1, le=3600)] = 15
    #: How long a claimed message is its worker's own; well above the provider time-outs.
    aftercare_lease_seconds: Annotated[int, Field(ge=1, le=3600)] = 120
    aftercare_lookup_seconds: Seconds = (120, 600)
    aftercare_sms_per_second: Annotated[float, Field(gt=0, le=100_000)] = 10
    aftercare_sms_threads: Annotated[int, Field(ge=1, le=256)] = 64
    aftercare_email_threads: Annotated[int, Field(ge=1, le=64)] = 4
    aftercare_templates: Path = TEMPLATES
    aftercare_go_live: Moment | None = None
    aftercare_retention_days: Annotated[int, Field(ge=60)] = 400
    aftercare_outbox: Path = Path("aftercare-outbox")
    #: Messages of a version that nobody signed off (``aftercare approve``) are held.
    aftercare_require_approval: bool = False
    #: What a text costs per segment, by the phone's country; ``*`` for every other.
    aftercare_sms_prices: SmsPrices = Prices({})
    aftercare_currency: Annotated[str, AfterValidator(_currency)] = "USD"
    log_format: Annotated[str, Field(pattern="^(console|json)$")] = "console"

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        problems = [
            *self._source_problems(),
            *self._provider_problems(),
            *self._public_problems(),
            *self._bounce_problems(),
        ]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @property
    def poll(self) -> timedelta:
        """How often every stage looks for work."""
        return timedelta(seconds=self.aftercare_poll_seconds)

    @property
    def lease(self) -> timedelta:
        """How long a claim holds."""
        return timedelta(seconds=self.aftercare_lease_seconds)

    def threads(self, channel: Channel) -> int:
        """How many calls to a channel's provider may be under way at once."""
        sms = channel is Channel.SMS
        return self.aftercare_sms_threads if sms else self.aftercare_email_threads

    @property
    def has_sms(self) -> bool:
        """Whether there is an account to send SMS with."""
        return bool(self.twilio_account_sid)

    @property
    def has_email(self) -> bool:
        """Whether there is a server to send e-mail with."""
        return bool(self.smtp_url.get_secret_value())

    def _source_problems(self) -> list[str]:
        if self.source_query and not self.source_query.is_file():
            return [f"SOURCE_QUERY: there is no file {self.source_query}"]
        if self.source_query and not self.source_url:
            return ["SOURCE_QUERY needs SOURCE_URL, the database to run it in"]
        return []

    def _public_problems(self) -> list[str]:
        if not self.public_url:
            return []
        problems = []
        if not _is_public(self.public_url):
            problems.append(
                "PUBLIC_URL must be where the web process is, like https://care.example.com"
            )
        if not self.secret_key.get_secret_value():
            problems.append(
                "SECRET_KEY is missing: it signs the links in e-mails (PUBLIC_URL is set); make "
                'one with: python -c "import secrets; print(secrets.token_hex(32))"'
            )
        return problems

    def _bounce_problems(self) -> list[str]:
        if not self.bounce_url.get_secret_value():
            return []
        try:
            Mailbox.parse(self.bounce_url.get_secret_value())
        except ValueError as error:
            return [f"BOUNCE_URL {error}"]
        return []

    def _mail_problems(self) -> list[str]:
        if not self.has_email:
            return []
        problems = []
        try:
            MailServer.parse(self.smtp_url.get_secret_value())
        except ValueError as error:
            problems.append(f"SMTP_URL {error}")
        if "@" not in parseaddr(self.mail_from)[1]:
            problems.append(
                "MAIL_FROM must be the address that e-mails come from, care@example.com"
            )
        return problems

    def _provider_problems(self) -> list[str]:
        problems = []
        key = bool(self.twilio_api_key_sid and self.twilio_api_key_secret.get_secret_value())
        if self.has_sms and not (key or self.twilio_auth_token.get_secret_value()):
            problems.append(
                "TWILIO_AUTH_TOKEN is missing (or TWILIO_API_KEY_SID with TWILIO_API_KEY_SECRET)"
            )
        if self.has_sms and not (self.twilio_messaging_service_sid or self.twilio_from):
            problems.append("TWILIO_MESSAGING_SERVICE_SID or TWILIO_FROM is missing: who texts?")
        problems += self._mail_problems()
        if self.twilio_api_url and not self.twilio_api_url.startswith(("http://", "https://")):
            problems.append(
                "TWILIO_API_URL must start with https:// (or http:// for a test server)"
            )
        if self.aftercare_mode is not Mode.TRIAL and not (self.has_sms or self.has_email):
            problems.append(
                f"AFTERCARE_MODE={self.aftercare_mode} needs TWILIO_ACCOUNT_SID or SMTP_URL"
            )
        if self.aftercare_mode is Mode.TEAM and not self.aftercare_team:
            problems.append("AFTERCARE_MODE=team needs AFTERCARE_TEAM, the addresses it may reach")
        return problems


def load_settings() -> Settings:
    """Read the settings.

    Raises:
        ConfigurationError: With every problem, each naming its variable.
    """
    try:
        return Settings()
    except ValidationError as error:
        problems = list(_problems(error))
        wrong = {str(fault["loc"][0]) for fault in error.errors() if fault["loc"]}
    # What does not fit together only shows once every value can be read: so look again without
    # the wrong ones, and nobody mends one half only to hear of the other.
    defaults = {name: Settings.model_fields[name].default for name in wrong}
    try:
        Settings(**defaults)
    except ValidationError as error:
        problems += [each for each in _problems(error) if each not in problems]
    raise ConfigurationError(problems)


def _problems(error: ValidationError) -> Iterator[str]:
    for fault in error.errors(include_url=False, include_input=False):
        message = fault["msg"].removeprefix("Value error, ")
        name = str(fault["loc"][0]).upper() if fault["loc"] else ""
        yield from [f"{name}: {message}"] if name else message.splitlines()
