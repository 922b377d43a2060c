"""How a patient is reached: phone numbers, e-mail addresses, languages and time zones."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from itertools import starmap
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from babel import Locale, UnknownLocaleError
from babel.core import get_global
from email_validator import EmailNotValidError, validate_email

#: The usual emergency numbers, in the order in which they are looked for.
_EMERGENCY = ("911", "112", "999", "000", "111", "110", "119", "190", "120")
#: Languages that may be called by their name, in English, in Spanish or by their speakers.
_NAMED = (
    *("ar", "bg", "ca", "cs", "da", "de", "el", "en", "es", "et", "eu", "fa", "fi", "fr", "gl"),
    *("he", "hi", "hr", "hu", "id", "it", "ja", "ko", "lt", "lv", "ms", "nb", "nl", "pl", "pt"),
    *("ro", "ru", "sk", "sl", "sr", "sv", "ta", "th", "tr", "uk", "ur", "vi", "zh"),
)
_NAMED_IN = ("en", "es")
_LONGEST_CODE = 3


@lru_cache(maxsize=1024)
def read_phone(text: str, country: str) -> str:
    """A phone number in any usual notation, as E.164 (``+34600123456``).

    Args:
        text: What the clinic's system holds.
        country: ISO 3166 code that a number without a country prefix belongs to.

    Raises:
        ValueError: In words for staff, without the number.
    """
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        message = "this is not a phone number; write it with its country code, like +34 600 123 456"
        raise ValueError(message) from None
    # Not is_valid_number: ranges open faster than the library's tables follow, and a new number
    # that is turned away here is a patient who never hears from us. The provider has the last word.
    possible = phonenumbers.is_possible_number_with_reason(number)
    if possible != phonenumbers.ValidationResult.IS_POSSIBLE:
        message = f"this phone number has too few or too many digits for {country}"
        raise ValueError(message)
    if len(set(str(number.national_number))) == 1:
        message = "this is a placeholder, not a phone number; ask the patient for theirs"
        raise ValueError(message)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@lru_cache(maxsize=1024)
def read_email(text: str) -> str:
    """An e-mail address, its domain in lower case.

    Raises:
        ValueError: In words for staff, without the address.
    """
    message = "this is not an e-mail address; write it like name@example.com"
    try:
        # Whether the domain can receive mail is found out by sending; no look-up happens here.
        address = validate_email(text.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise ValueError(message) from None
    if "." not in address.domain:
        raise ValueError(message)
    return address.normalized


@lru_cache(maxsize=256)
def read_language(text: str) -> str:
    """A language code as templates use it.

    ``es`` from ``ES``, ``es-MX``, ``es_419``, ``spa`` or ``Spanish (Mexico)``.

    Raises:
        ValueError: When there is no such language.
    """
    plain = text.partition("(")[0].strip().casefold()
    code = re.split(r"[-_.@]", plain)[0]
    try:
        known = len(code) <= _LONGEST_CODE
        found = get_global("language_aliases").get(code, code) if known else _named(plain)
        return Locale.parse(found.split("_")[0]).language
    except (UnknownLocaleError, ValueError):
        message = f'"{text}" is not a language code; write it like "en" or "es"'
        raise ValueError(message) from None


def canonical_language(text: str) -> str:
    """The language code, or nothing when there is no such language."""
    try:
        return read_language(text)
    except ValueError:
        return ""


def is_language(text: str) -> bool:
    """Whether this is a language code just as templates use it."""
    return canonical_language(text) == text


def _named(name: str) -> str:
    """The code of a language that is called by its name: ``spanish``, ``inglés``, ``deutsch``."""
    for spoken in _NAMED_IN:
        names = Locale(spoken).languages
        for code in _NAMED:
            if name == names.get(code, "").casefold():
                return code
    own = (code for code in _NAMED if name == (Locale(code).get_language_name() or "").casefold())
    return next(own, name)


@lru_cache(maxsize=1024)
def read_zone(text: str) -> ZoneInfo:
    """A time zone by its IANA name.

    Raises:
        ValueError: When there is no such zone.
    """
    try:
        return ZoneInfo(text.strip())
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = f'"{text}" is not a time zone; write it like "Europe/Madrid"'
        raise ValueError(message) from None


@lru_cache(maxsize=1024)
def zones_of_phone(number: str) -> tuple[ZoneInfo, ...]:
    """Where a foreign phone may be; nothing when its number does not say.

    Zones whose clocks agree all year count as one: Italy's numbers are the Vatican's too.

    Args:
        number: E.164.
    """
    # Only clinics that ask for it need these tables, which take a while to load.
    from phonenumbers import timezone  # noqa: PLC0415

    parsed = phonenumbers.parse(number, None)
    names = timezone.time_zones_for_number(parsed)
    if names == (timezone.UNKNOWN_TIMEZONE,):
        names = timezone.time_zones_for_geographical_number(parsed)
    zones = [ZoneInfo(name) for name in names if name != timezone.UNKNOWN_TIMEZONE]
    return tuple({_year_of_offsets(zone): zone for zone in reversed(zones)}.values())[::-1]


def _year_of_offsets(zone: ZoneInfo) -> tuple[object, ...]:
    """What its clocks show on the first and the fifteenth of each month of a year."""
    days = ((2026, month, day) for month in range(1, 13) for day in (1, 15))
    return tuple(
        each.replace(tzinfo=UTC).astimezone(zone).utcoffset() for each in starmap(datetime, days)
    )


@lru_cache(maxsize=256)
def read_country(text: str) -> str:
    """An ISO 3166 country code in upper case.

    Raises:
        ValueError: When no phone numbers are known for it.
    """
    code = text.strip().upper()
    if code not in phonenumbers.SUPPORTED_REGIONS:
        message = f'"{text}" is not a country code; write it like "ES" or "US"'
        raise ValueError(message)
    return code


def country_of_phone(number: str) -> str | None:
    """The ISO 3166 code of the country that an E.164 number belongs to."""
    return phonenumbers.region_code_for_number(phonenumbers.parse(number, None))


@lru_cache(maxsize=256)
def emergency_number(country: str) -> str:
    """What to call in a country when somebody cannot breathe; empty when it is not known."""
    known = (each for each in _EMERGENCY if phonenumbers.is_emergency_number(each, country))
    return next(known, "")


@lru_cache(maxsize=1024)
def show_phone(number: str, country: str) -> str:
    """An E.164 number as people in ``country`` would read it."""
    parsed = phonenumbers.parse(number, None)
    home = phonenumbers.region_code_for_number(parsed) == country
    style = (
        phonenumbers.PhoneNumberFormat.NATIONAL
        if home
        else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    )
    return phonenumbers.format_number(parsed, style)
