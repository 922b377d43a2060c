"""``aftercare clinic``: set up the clinics that messages come from."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import time
from email.utils import parseaddr, quote
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.channels.accounts import is_service
from worker.commands.output import output
from worker.errors import AftercareError, NotFoundError
from worker.parts import open_store, utc_now
from worker.rules.contacts import (
    read_country,
    read_email,
    read_language,
    read_phone,
    read_zone,
)
from worker.rules.facts import Clinic
from worker.rules.timing import SendingHours
from worker.settings import load_settings
from worker.store import clinics as store
from worker.store.engine import reading

if TYPE_CHECKING:
    from collections.abc import Callable

app = typer.Typer(no_args_is_help=True, help="Set up clinics: add, edit, list.")

#: Numbers of five or six digits that businesses rent to text from.
_SHORT_CODE = re.compile(r"\d{5,6}")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")

Key = Annotated[str, typer.Argument(help="A short key, as the source's column `clinic` has it.")]
Name = Annotated[str, typer.Option(help="As patients know the clinic.")]
TimeZone = Annotated[str, typer.Option(help="IANA name, like Europe/Madrid.")]
Phone = Annotated[str, typer.Option(help="The number that every message carries.")]
Country = Annotated[str, typer.Option(help="ISO code; phone numbers are read with it, like ES.")]
Language = Annotated[str, typer.Option(help="For patients without one of their own, like en.")]
Email = Annotated[str, typer.Option(help="Staff's address: replies and alerts go there.")]
Address = Annotated[str | None, typer.Option(help="Postal address, for the footer of e-mails.")]
BookingUrl = Annotated[str | None, typer.Option(help="Where to book, an https link.")]
Colour = Annotated[str | None, typer.Option(help="Of the e-mails, like #0f766e.")]
LogoUrl = Annotated[
    str | None, typer.Option(help="A picture for the top of e-mails, an https link.")
]
Opens = Annotated[str | None, typer.Option(help="Messages from this time on, patient-local.")]
Closes = Annotated[str | None, typer.Option(help="Messages until this time, patient-local.")]
DailyLimit = Annotated[
    int | None, typer.Option(min=1, help="Most messages a day, per patient and channel.")
]
SmsFrom = Annotated[
    str | None, typer.Option(help="Its own sender of texts: a number or an MG… messaging service.")
]
MailFrom = Annotated[
    str | None, typer.Option(help='Its own sender of e-mails, like "Glow <care@glow.example>".')
]
ZoneFromPhone = Annotated[
    bool | None,
    typer.Option(
        "--zone-from-phone/--zone-from-clinic",
        help="Where patients live whose time zone the source does not say.",
    ),
]


@app.command("add")
def add(  # noqa: PLR0917 (Typer's options)
    ctx: typer.Context,
    key: Key,
    name: Name,
    time_zone: TimeZone,
    phone: Phone,
    country: Country,
    language: Language,
    email: Email,
    address: Address = None,
    booking_url: BookingUrl = None,
    colour: Colour = None,
    logo_url: LogoUrl = None,
    opens: Opens = None,
    closes: Closes = None,
    daily_limit: DailyLimit = None,
    sms_from: SmsFrom = None,
    mail_from: MailFrom = None,
    zone_from_phone: ZoneFromPhone = None,
) -> None:
    """Set up a clinic."""
    blank = Clinic(key, "", read_zone("UTC"), "US", "en", "", "")
    clinic = _with(blank, ctx.params)
    with open_store(load_settings()).begin() as db:
        if key in store.all_clinics(db):
            message = f'The clinic "{key}" is set up already; change it with: aftercare clinic edit'
            raise AftercareError(message)
        store.add_clinic(db, clinic, utc_now())
    output.print(f"{clinic.name} is set up as {key}.", markup=False)


@app.command("edit")
def edit(  # noqa: PLR0917 (Typer's options)
    ctx: typer.Context,
    key: Key,
    name: Annotated[str | None, typer.Option()] = None,
    time_zone: Annotated[str | None, typer.Option()] = None,
    phone: Annotated[str | None, typer.Option()] = None,
    country: Annotated[str | None, typer.Option()] = None,
    language: Annotated[str | None, typer.Option()] = None,
    email: Annotated[str | None, typer.Option()] = None,
    address: Address = None,
    booking_url: BookingUrl = None,
    colour: Colour = None,
    logo_url: LogoUrl = None,
    opens: Opens = None,
    closes: Closes = None,
    daily_limit: DailyLimit = None,
    sms_from: SmsFrom = None,
    mail_from: MailFrom = None,
    zone_from_phone: ZoneFromPhone = None,
) -> None:
    """Change what is given; the rest stays. Planned messages follow at the next pass."""
    with open_store(load_settings()).begin() as db:
        clinics = store.all_clinics(db)
        if key not in clinics:
            message = f'There is no clinic "{key}"; there are: {", ".join(clinics) or "none"}'
            raise NotFoundError(message)
        store.edit_clinic(db, _with(clinics[key], ctx.params), utc_now())
    output.print(f"{key} is changed.", markup=False)


@app.command("list")
def list_clinics() -> None:
    """Show every clinic."""
    with reading(open_store(load_settings())).begin() as db:
        clinics = store.all_clinics(db)
    for each in clinics.values():
        output.print(f"{each.key}: {each.name}", markup=False, soft_wrap=True, style="bold")
        place = f"{each.zone.key}, {each.country}, {each.language}, messages {each.hours}"
        output.print(f"  {place}", markup=False, soft_wrap=True)
        output.print(f"  {each.phone}, {each.email}", markup=False, soft_wrap=True)
        if own := " and ".join(filter(None, (each.sms_from, each.mail_from))):
            output.print(f"  sends as {own}", markup=False, soft_wrap=True)
        if each.zone_from_phone:
            output.print("  patients' time zones by their phones, where the source has none")
    if not clinics:
        output.print("No clinic is set up yet; run: aftercare clinic add")


def _with(clinic: Clinic, given: dict[str, Any]) -> Clinic:
    """The clinic with what was given, read and checked; every problem is told at once."""
    problems: list[str] = []

    def take(option: str, read: Callable[[Any], Any], default: Any) -> Any:  # noqa: ANN401
        value = given[option]
        if value is None:
            return default
        try:
            return read(value)
        except ValueError as error:
            problems.append(f"--{option.replace('_', '-')}: {error}")
            return default

    country = take("country", read_country, clinic.country)
    changed = replace(
        clinic,
        name=take("name", _read_name, clinic.name),
        zone=take("time_zone", read_zone, clinic.zone),
        country=country,
        language=take("language", read_language, clinic.language),
        phone=take("phone", lambda text: read_phone(text, country), clinic.phone),
        email=take("email", read_email, clinic.email),
        address=take("address", str.strip, clinic.address),
        booking_url=take("booking_url", _read_link, clinic.booking_url),
        colour=take("colour", _read_colour, clinic.colour),
        logo_url=take("logo_url", _read_link, clinic.logo_url),
        daily_limit=take("daily_limit", int, clinic.daily_limit),
        sms_from=take("sms_from", lambda text: _read_sms_from(text, country), clinic.sms_from),
        mail_from=take("mail_from", _read_mail_from, clinic.mail_from),
        zone_from_phone=take("zone_from_phone", bool, clinic.zone_from_phone),
    )
    opens = take("opens", time.fromisoformat, clinic.hours.opens)
    closes = take("closes", time.fromisoformat, clinic.hours.closes)
    try:
        changed = replace(changed, hours=SendingHours(opens, closes))
    except ValueError as error:
        problems.append(f"--opens, --closes: {error}")
    if problems:
        raise AftercareError("\n".join(problems))
    return changed


def _read_name(text: str) -> str:
    name = " ".join(text.split())
    if not name:
        message = "a clinic needs the name that patients know it by"
        raise ValueError(message)
    return name


def _read_sms_from(text: str, country: str) -> str:
    """A number, a short code or a messaging service; empty for the installation's own sender."""
    sender = text.strip()
    if not sender or is_service(sender) or _SHORT_CODE.fullmatch(sender):
        return sender
    if not any(char.isdigit() for char in sender):
        message = f'"{sender}" is a name; patients could not answer STOP to it, so give a number'
        raise ValueError(message)
    return read_phone(sender, country)


def _read_mail_from(text: str) -> str:
    """An address, with or without a name before it; empty for ``MAIL_FROM``."""
    if not text.strip():
        return ""
    name, address = parseaddr(text)
    shown = " ".join(name.split())
    return f'"{quote(shown)}" <{read_email(address)}>' if shown else read_email(address)


def _read_link(text: str) -> str:
    link = text.strip()
    if link and not link.startswith("https://"):
        message = "must start with https://"
        raise ValueError(message)
    return link


def _read_colour(text: str) -> str:
    if not _COLOUR.fullmatch(text.strip()):
        message = f'"{text}" is not a colour; write it like #0f766e'
        raise ValueError(message)
    return text.strip()
