"""The providers as the settings name them, and who makes the calls to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from worker.channels.accounts import Account, MailServer, Providers
from worker.channels.apart import CallsApart, ProvidersApart
from worker.channels.base import NotSetUp
from worker.channels.calls import Calls, Pace
from worker.channels.console import OutboxSender, TeamSender
from worker.channels.crew import Crew
from worker.channels.wire import Setup, Width
from worker.jobs.lanes import Lane, width
from worker.rules.messages import Channel
from worker.settings import Mode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from threading import Event

    from worker.channels.base import Envelope, Sender
    from worker.settings import Settings

log = structlog.get_logger()

#: Unsent mail has no address to come from in trial mode.
TRIAL_SENDER = "aftercare@example.com"
_NO_PACE = 1e9


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
        key_secret=secret.get_secret_value(),
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
    # A worker whose providers are in a process of their own carries none of their libraries.
    from worker.channels.live import open_providers  # noqa: PLC0415

    senders = {**_not_set_up(), **open_providers(_providers(settings), clock)}
    if settings.aftercare_mode is Mode.TEAM:
        team = settings.aftercare_team
        return {channel: TeamSender(real, outbox, team) for channel, real in senders.items()}
    return senders


def open_lanes(
    settings: Settings,
    clock: Callable[[], datetime],
    stop: Event,
    *,
    senders: Mapping[Channel, Sender] | None = None,
) -> dict[Channel, Lane]:
    """A lane for each channel, with calls made by threads of this process."""
    lanes = {}
    for channel, sender in (senders or open_senders(settings, clock)).items():
        (threads, per_second), capacity = _width(settings, channel)
        calls = Calls(sender, Pace(per_second), Crew(threads, channel), stop, _report)
        lanes[channel] = Lane(channel, calls, capacity)
    return lanes


def open_lanes_apart(settings: Settings, apart: ProvidersApart, stop: Event) -> dict[Channel, Lane]:
    """A lane for each channel, with calls made by another process; only for ``live`` mode."""
    used = {Channel.SMS: settings.has_sms, Channel.EMAIL: settings.has_email}
    lanes = {}
    for channel, missing in _not_set_up().items():
        if used[channel]:
            lanes[channel] = Lane(channel, CallsApart(apart, channel), _width(settings, channel)[1])
        else:
            calls = Calls(missing, Pace(_NO_PACE), Crew(1, channel), stop, _report)
            lanes[channel] = Lane(channel, calls, 1)
    return lanes


def start_apart(settings: Settings) -> ProvidersApart | None:
    """Start the process that talks to the providers; only ``live`` mode sends enough to need it."""
    if settings.aftercare_mode is not Mode.LIVE:
        return None
    widths = {channel: _width(settings, channel)[0] for channel in Channel}
    return ProvidersApart(Setup(_providers(settings), widths))


def _providers(settings: Settings) -> Providers:
    return Providers(
        sms=twilio_account(settings) if settings.has_sms else None,
        email=MailServer.parse(settings.smtp_url.get_secret_value())
        if settings.has_email
        else None,
        mail_from=settings.mail_from,
        connections=settings.aftercare_sms_threads,
    )


def _report(envelope: Envelope, error: Exception) -> None:
    whose = {"channel": envelope.channel, "attempt_id": envelope.attempt_id}
    log.error("channel.bug", **whose, exc_info=error)


def _not_set_up() -> dict[Channel, Sender]:
    return {
        Channel.SMS: NotSetUp("Text messages are not set up: TWILIO_ACCOUNT_SID is missing"),
        Channel.EMAIL: NotSetUp("E-mail is not set up: SMTP_URL is missing"),
    }


def _width(settings: Settings, channel: Channel) -> tuple[Width, int]:
    """How wide a channel is, and how many of its messages may be claimed at once."""
    paced = channel is Channel.SMS and settings.aftercare_mode is Mode.LIVE
    per_second = settings.aftercare_sms_per_second if paced else _NO_PACE
    threads, capacity = width(per_second, threads=settings.threads(channel), lease=settings.lease)
    return Width(threads, per_second), capacity
