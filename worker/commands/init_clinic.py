"""The part of ``aftercare init`` that is about the clinic: what is asked, and what is offered."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, fields, replace
from datetime import time
from typing import TYPE_CHECKING, TypeVar

from worker.commands.ask import ask
from worker.errors import ConfigurationError
from worker.rules.contacts import read_country, read_email, read_language, read_phone, read_zone
from worker.rules.facts import Clinic
from worker.rules.places import language_of, zones_of
from worker.rules.timing import SendingHours

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")
_KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


#: What follows from another answer: it is not asked for before that.
_FOLLOWS = {"key": "name", "time_zone": "country", "language": "country"}


@dataclass(frozen=True, slots=True)
class Given:
    """What the command line said of the clinic; empty where it said nothing."""

    key: str = ""
    name: str = ""
    country: str = ""
    time_zone: str = ""
    language: str = ""
    phone: str = ""
    email: str = ""
    opens: str = ""
    closes: str = ""


def choose(given: Given, clinics: Mapping[str, Clinic]) -> Clinic | None:
    """The clinic that is set up already and is meant; None when it is a new one."""
    if given.key:
        return clinics.get(given.key)
    return next(iter(clinics.values())) if len(clinics) == 1 else None


def ask_clinic(given: Given, stored: Clinic | None) -> Clinic:
    """Ask for everything; what is stored or follows from other answers is offered."""
    old = stored or _NOBODY
    name = ask("The clinic's name, as patients know it", _read_name, given.name or old.name)
    key = old.key or ask("A short key for it", read_key, given.key or key_for(name))
    country = ask("Country (two letters, like US)", read_country, given.country or old.country)
    zones = zones_of(country)
    zone = given.time_zone or (old.zone.key if stored else next(iter(zones), ""))
    hint = f" (in {country}: {_listed(zones)})" if len(zones) > 1 else ""
    language = given.language or old.language or language_of(country)
    opens, closes = given.opens or f"{old.hours.opens:%H:%M}", given.closes
    return replace(
        old,
        key=key,
        name=name,
        country=country,
        zone=ask(f"Time zone{hint}", read_zone, zone),
        language=ask("Language of messages, unless a patient has another", read_language, language),
        phone=ask(
            "Phone number that every message carries",
            lambda text: read_phone(text, country),
            given.phone or old.phone,
        ),
        email=ask(
            "The front desk's e-mail (replies and alerts)", read_email, given.email or old.email
        ),
        hours=_ask_hours(opens, closes or f"{old.hours.closes:%H:%M}"),
    )


def _ask_hours(opens: str, closes: str) -> SendingHours:
    first = ask("Messages may arrive from (patient's own time)", _read_hour, opens)
    return ask(
        "Messages may arrive until", lambda text: SendingHours(first, _read_hour(text)), closes
    )


def take_clinic(given: Given, stored: Clinic | None) -> Clinic:
    """The clinic from the command line alone, with what follows from it.

    Raises:
        ConfigurationError: With everything that is missing or wrong.
    """
    problems: list[str] = []
    old = stored or _NOBODY

    def take(option: str, read: Callable[[str], T], default: str) -> T | None:
        text = getattr(given, option) or default
        name = f"--{option.replace('_', '-')}"
        try:
            return read(text)
        except ValueError as error:
            if text:
                problems.append(f"{name}: {error}")
            elif option not in _FOLLOWS or getattr(given, _FOLLOWS[option]):
                problems.append(f"{name} is missing")
        return None

    name = take("name", _read_name, old.name)
    key = take("key", read_key, old.key or key_for(name or ""))
    country = take("country", read_country, old.country)
    zones = zones_of(country or "")
    zone = take("time_zone", read_zone, old.zone.key if stored else "".join(zones[:1]))
    usual = language_of(country) if country else ""
    language = take("language", read_language, old.language or usual)
    phone = take("phone", lambda text: read_phone(text, country or "US"), old.phone)
    email = take("email", read_email, old.email)
    opens = take("opens", _read_hour, f"{old.hours.opens:%H:%M}")
    closes = take("closes", _read_hour, f"{old.hours.closes:%H:%M}")
    hours = SendingHours()
    try:
        hours = SendingHours(opens or hours.opens, closes or hours.closes)
    except ValueError as error:
        problems.append(f"--opens, --closes: {error}")
    if not (name and key and country and zone and language and phone and email) or problems:
        raise ConfigurationError(problems)
    return replace(
        old,
        key=key,
        name=name,
        country=country,
        zone=zone,
        language=language,
        phone=phone,
        email=email,
        hours=hours,
    )


def key_for(name: str) -> str:
    """A key from a name: ``Glow Skin Clinic`` becomes ``glow-skin-clinic``."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-")


def read_key(text: str) -> str:
    """A key as a column of the view can hold it."""
    if not _KEY.fullmatch(text):
        message = "a key has small letters, digits and dashes, like glow"
        raise ValueError(message)
    return text


def _read_name(text: str) -> str:
    name = " ".join(text.split())
    if not name:
        message = "a clinic needs the name that patients know it by"
        raise ValueError(message)
    return name


def _read_hour(text: str) -> time:
    whole = f"{text}:00" if text.isdigit() else text
    try:
        return time.fromisoformat(whole.zfill(5))
    except ValueError:
        message = f'"{text}" is not a time; write it like 09:00'
        raise ValueError(message) from None


def _listed(zones: tuple[str, ...], most: int = 6) -> str:
    return ", ".join(zones[:most]) + (" …" if len(zones) > most else "")


def differences(before: Clinic, after: Clinic) -> list[str]:
    """The names of what is not the same."""
    names = [each.name for each in fields(Clinic)]
    return [name for name in names if getattr(before, name) != getattr(after, name)]


_NOBODY = Clinic("", "", read_zone("UTC"), "", "", "", "")
