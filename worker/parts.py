"""The parts of a worker that settings name: the clock, the database, the source, the channels.

Commands open those that they need; :mod:`worker.app` puts them together.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from worker.channels.base import NotSetUp
from worker.channels.console import OutboxSender, TeamSender
from worker.channels.mailbox import BounceMailbox, Mailbox
from worker.channels.smtp import MailServer, SmtpSender
from worker.channels.twilio import Account, TwilioSender
from worker.errors import ConfigurationError
from worker.rules.messages import Channel
from worker.settings import Mode
from worker.sources.sql import SqlSource
from worker.store.engine import open_engine
from worker.store.schema import is_current, migrate

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from worker.channels.base import Sender
    from worker.settings import Settings

#: Unsent mail has no address to come from in trial mode.
TRIAL_SENDER = "aftercare@example.com"


def utc_now() -> datetime:
    """The one place where the clock is read."""
    return datetime.now(UTC)


def open_store(settings: Settings) -> Engine:
    """The worker's database, ready to use: SQLite is brought up to date by itself.

    Raises:
        ConfigurationError: When PostgreSQL needs ``aftercare migrate`` first.
    """
    engine = open_engine(settings.database_url)
    if is_current(engine):
        return engine
    if engine.dialect.name != "sqlite":
        message = "DATABASE_URL: the database is not up to date; run: aftercare migrate"
        raise ConfigurationError([message])
    migrate(engine)
    return engine


def open_source(settings: Settings) -> SqlSource | None:
    """The clinic's database, if one is set."""
    if settings.source_url is None:
        return None
    query = settings.source_query.read_text(encoding="utf-8") if settings.source_query else None
    return SqlSource(settings.source_url, query)


def open_mailbox(settings: Settings) -> BounceMailbox | None:
    """Where undeliverable e-mails come back to, if it is set."""
    url = settings.bounce_url.get_secret_value()
    return BounceMailbox(Mailbox.parse(url)) if url else None


def twilio_account(settings: Settings) -> Account:
    """The account that the ``TWILIO_`` settings name."""
    key, secret = (
        (settings.twilio_api_key_sid, settings.twilio_api_key_secret)
        if settings.twilio_api_key_sid
        else (settings.twilio_account_sid, settings.twilio_auth_token)
    )
    return Account(
        account_sid=settings.twilio_account_sid,
        key_sid=key,
        key_secret=secret,
        messaging_service_sid=settings.twilio_messaging_service_sid,
        from_=settings.twilio_from,
        api_url=settings.twilio_api_url,
        public_url=settings.public_url,
    )


def open_senders(settings: Settings, clock: Callable[[], datetime]) -> dict[Channel, Sender]:
    """A way to send for each channel, as far as the mode allows."""
    sender = settings.mail_from or TRIAL_SENDER
    outbox = OutboxSender(settings.aftercare_outbox, clock, sender)
    if settings.aftercare_mode is Mode.TRIAL:
        return {Channel.SMS: outbox, Channel.EMAIL: outbox}
    senders: dict[Channel, Sender] = {
        Channel.SMS: TwilioSender(
            twilio_account(settings), clock, connections=settings.aftercare_sms_threads
        )
        if settings.has_sms
        else NotSetUp("Text messages are not set up: TWILIO_ACCOUNT_SID is missing"),
        Channel.EMAIL: SmtpSender(
            MailServer.parse(settings.smtp_url.get_secret_value()), settings.mail_from, clock
        )
        if settings.has_email
        else NotSetUp("E-mail is not set up: SMTP_URL is missing"),
    }
    if settings.aftercare_mode is Mode.TEAM:
        team = settings.aftercare_team
        return {channel: TeamSender(real, outbox, team) for channel, real in senders.items()}
    return senders
