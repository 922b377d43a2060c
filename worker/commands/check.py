"""``aftercare check``: everything that is wrong, at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer
from sqlalchemy.exc import OperationalError

from worker.channels.accounts import MailServer
from worker.channels.smtp import SmtpSender
from worker.commands.output import output
from worker.commands.web import web_problems
from worker.content.costs import text_costs
from worker.content.library import Library
from worker.content.lint import Severity, lint
from worker.errors import ConfigurationError, SourceError, describe
from worker.parts import open_mailbox, open_source, open_store, utc_now
from worker.providers import twilio_account
from worker.settings import Mode, load_settings
from worker.store.clinics import all_clinics
from worker.store.engine import reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker.rules.facts import Clinic
    from worker.settings import Settings

#: Shorter keys have been guessed by trying.
_SHORTEST_KEY = 32


def check() -> None:
    """Check the settings, the databases, the templates and the providers.

    Tells everything that is wrong at once and exits with 1 when anything is; warnings alone do not
    count. Every template is tried on sample patients, and on the clinics that are set up.
    """
    settings = load_settings()
    errors_, warnings, note = _templates(settings)
    parts = {
        "Database": _database(settings),
        "Clinic's database": _source(settings),
        "Templates": errors_,
        "Twilio": _twilio(settings),
        "Mail server": _mail(settings),
    }
    if mailbox := open_mailbox(settings):
        parts["Returned mail"] = filter(None, [mailbox.check()])
    if settings.public_url:
        parts["Web process"] = _web(settings)
    wrong = 0
    for part, problems in parts.items():
        found = list(problems)
        wrong += len(found)
        output.print(f"{'[red]✗[/]' if found else '[green]✓[/]'} {part}")
        for problem in found:
            output.print(f"    {problem}", markup=False, soft_wrap=True)
        if part == "Templates":
            for warning in warnings:
                output.print(f"    Warning: {warning}", markup=False, soft_wrap=True)
            output.print(f"    {note}", markup=False, soft_wrap=True, style="dim")
    output.print(f"Mode: {settings.aftercare_mode}" + _mode_note(settings))
    if wrong:
        raise typer.Exit(1)


def _mode_note(settings: Settings) -> str:
    if settings.aftercare_mode is Mode.LIVE:
        return ": patients are contacted"
    return ": patients are not contacted (AFTERCARE_MODE)"


def _database(settings: Settings) -> Iterator[str]:
    try:
        with reading(open_store(settings)).begin() as db:
            if not all_clinics(db):
                yield "No clinic is set up yet; run: aftercare clinic add"
    except ConfigurationError as error:
        yield from error.problems
    except OperationalError as error:
        yield f"DATABASE_URL: the worker's database does not answer ({describe(error)})"


def _source(settings: Settings) -> Iterator[str]:
    source = open_source(settings)
    if source is None:
        yield "SOURCE_URL is not set: no sessions are collected"
        return
    try:
        source.check()
    except SourceError as error:
        yield str(error)


def _templates(settings: Settings) -> tuple[list[str], list[str], str]:
    """What is wrong with the words, what is worth a look, and what texts cost."""
    library = Library(settings.aftercare_templates)
    if not library.treatments:
        nothing = f"AFTERCARE_TEMPLATES: {library.folder} has no folder with a protocol.toml"
        return [nothing], [], ""
    findings = lint(library, _clinics(settings))
    told = {
        severity: [str(each) for each in findings if each.severity is severity]
        for severity in Severity
    }
    return told[Severity.ERROR], told[Severity.WARNING], text_costs(library)


def _clinics(settings: Settings) -> list[Clinic]:
    """The clinics whose names the words have to fit; none while there is no database to ask."""
    try:
        with reading(open_store(settings)).begin() as db:
            return list(all_clinics(db).values())
    except (ConfigurationError, OperationalError):
        return []  # told as a problem of the database


def _twilio(settings: Settings) -> Iterator[str]:
    if settings.has_sms:
        # The worker, which is the same program, would carry Twilio's library about for nothing.
        from worker.channels.twilio import TwilioSender  # noqa: PLC0415

        problem = TwilioSender(twilio_account(settings), utc_now).check()
        yield from [problem] if problem else []
    elif settings.aftercare_mode is not Mode.TRIAL:
        yield "TWILIO_ACCOUNT_SID is not set: no text messages are sent"


def _mail(settings: Settings) -> Iterator[str]:
    if settings.has_email:
        server = MailServer.parse(settings.smtp_url.get_secret_value())
        sender = SmtpSender(server, settings.mail_from, utc_now)
        problem = sender.check()
        sender.close()
        yield from [problem] if problem else []
    elif settings.aftercare_mode is not Mode.TRIAL:
        yield "SMTP_URL is not set: no e-mails are sent"


def _web(settings: Settings) -> Iterator[str]:
    yield from web_problems(settings)
    if len(settings.secret_key.get_secret_value()) < _SHORTEST_KEY:
        yield f"SECRET_KEY can be guessed: make it {_SHORTEST_KEY} random characters or more"
