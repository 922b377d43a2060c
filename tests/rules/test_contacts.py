"""Phone numbers, e-mail addresses, languages, zones and countries as clinics write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.rules.given import case
from worker.rules.contacts import (
    read_country,
    read_email,
    read_language,
    read_phone,
    read_zone,
    show_phone,
)

if TYPE_CHECKING:
    from collections.abc import Callable

NOT_A_NUMBER = "this is not a phone number; write it with its country code, like +34 600 123 456"
WRONG_LENGTH = "this phone number has too few or too many digits for ES"
PLACEHOLDER = "this is a placeholder, not a phone number; ask the patient for theirs"
NOT_AN_ADDRESS = "this is not an e-mail address; write it like name@example.com"


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        case("as Spaniards write it", "600 123 456", "ES", "+34600123456"),
        case("in pairs", "600 12 34 56", "ES", "+34600123456"),
        case("with dots", "600.123.456", "ES", "+34600123456"),
        case("with its country code", "+34 600-123-456", "ES", "+34600123456"),
        case("with 00", "0034 600 123 456", "ES", "+34600123456"),
        case("with the country code and no plus", "34600123456", "ES", "+34600123456"),
        case("with stray spaces and a line break", "  600 123 456\n", "ES", "+34600123456"),
        case("as a spreadsheet keeps it from being a number", "'600123456", "ES", "+34600123456"),
        case("with a label", "tel:+34600123456", "US", "+34600123456"),
        case("with no-break spaces", "600\u00a0123\u00a0456", "ES", "+34600123456"),
        case("a visitor from New York, in Madrid", "+1 212 555 0134", "ES", "+12125550134"),
        case("New York", "(212) 555-0134", "US", "+12125550134"),
        case("New York, dialling Britain", "011 44 7700 900123", "US", "+447700900123"),
        case("letters on the keypad", "1-800-FLOWERS", "US", "+18003569377"),
        case("London", "020 7946 0958", "GB", "+442079460958"),
        case("Britain, with a zero in brackets", "+44 (0)7700 900123", "GB", "+447700900123"),
        case("France", "06 12 34 56 78", "FR", "+33612345678"),
        case("Germany", "0151 / 23456789", "DE", "+4915123456789"),
        case("Italy, where a landline keeps its zero", "02 1234567", "IT", "+39021234567"),
        case("Brazil", "(11) 91234-5678", "BR", "+5511912345678"),
        case("Argentina", "+54 9 11 1234-5678", "AR", "+5491112345678"),
        case("Australia", "0412 345 678", "AU", "+61412345678"),
        case("Japan, in full-width digits", "\uff10\uff19\uff10-1234-5678", "JP", "+819012345678"),
        case("Saudi Arabia, in its own digits", "٠٥٠١٢٣٤٥٦٧", "SA", "+966501234567"),
    ],
)
def test_a_phone_number_is_read_in_any_usual_notation(
    text: str, country: str, expected: str
) -> None:
    """Whatever the front desk typed, the same patient has the same number."""
    assert read_phone(text, country) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", NOT_A_NUMBER),
        ("-", NOT_A_NUMBER),
        ("+", NOT_A_NUMBER),
        ("none", NOT_A_NUMBER),
        ("NULL", NOT_A_NUMBER),
        ("ana@example.com", NOT_A_NUMBER),
        ("600 123 456 / 600 999 111", NOT_A_NUMBER),
        ("+999 12345678", NOT_A_NUMBER),
        ("123", WRONG_LENGTH),
        ("600 123 45", WRONG_LENGTH),
        ("600 123 456 789", WRONG_LENGTH),
        ("6.00123456E8", WRONG_LENGTH),
        ("600123456.0", WRONG_LENGTH),
        ("000 000 000", PLACEHOLDER),
        ("999999999", PLACEHOLDER),
        ("+34 666 666 666", PLACEHOLDER),
    ],
)
def test_what_is_no_phone_number_says_what_to_do(text: str, expected: str) -> None:
    """In words for the front desk, and never with the number: reasons are kept for ever."""
    with pytest.raises(ValueError, match="phone number") as raised:
        read_phone(text, "ES")
    assert str(raised.value) == expected
    digits = [part for part in text.replace("+", " ").split() if part.isdigit()]
    assert not any(part in str(raised.value).replace("+34 600 123 456", "") for part in digits)


@pytest.mark.parametrize(
    ("number", "country", "expected"),
    [
        case("at home", "+34600123456", "ES", "600 12 34 56"),
        case("abroad", "+34600123456", "US", "+34 600 12 34 56"),
        case("at home in New York", "+12125550134", "US", "(212) 555-0134"),
    ],
)
def test_a_phone_number_is_shown_as_people_there_write_it(
    number: str, country: str, expected: str
) -> None:
    """Patients read the clinic's number as they would dial it."""
    assert show_phone(number, country) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ana@example.com", "ana@example.com"),
        (" Ana@Example.COM ", "Ana@example.com"),
        ("ana.maría+skin@example.com", "ana.maría+skin@example.com"),
        ("ana@clínica.example.com", "ana@clínica.example.com"),
        ("o'brien@example.com", "o'brien@example.com"),
    ],
)
def test_an_email_address_is_read(text: str, expected: str) -> None:
    """The part before the @ stays as its owner writes it; the domain is the same in any case."""
    assert read_email(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ana",
        "ana@",
        "@example.com",
        "ana@localhost",
        "ana@example..com",
        "ana maria@example.com",
        "ana@example.com, luis@example.com",
        "Ana <ana@example.com>",
        "ana@[127.0.0.1]",
        "ana@example.com\nBcc: luis@example.com",
    ],
)
def test_what_is_no_email_address_says_so(text: str) -> None:
    """One address and nothing else; and the reason never repeats what stood there."""
    with pytest.raises(ValueError, match="e-mail address") as raised:
        read_email(text)
    assert str(raised.value) == NOT_AN_ADDRESS


@pytest.mark.parametrize(
    ("read", "text", "expected"),
    [
        case("language", read_language, "es", "es"),
        case("language in capitals", read_language, " EN ", "en"),
        case("language of a country", read_language, "es-MX", "es"),
        case("language as computers write it", read_language, "pt_BR.UTF-8", "pt"),
        case("language and script", read_language, "zh-Hant-TW", "zh"),
        case("language of a continent", read_language, "es_419", "es"),
        case("language with three letters", read_language, "spa", "es"),
        case("language by its name", read_language, "Spanish", "es"),
        case("language by its speakers' name", read_language, "Español", "es"),
        case("language by its Spanish name", read_language, "inglés", "en"),
        case("language by a name with a country", read_language, "Spanish (Mexico)", "es"),
        case("a language nobody translated", read_language, "Deutsch", "de"),
        case("country", read_country, "ES", "ES"),
        case("country in small letters", read_country, " us ", "US"),
    ],
)
def test_codes_are_read_in_any_usual_notation(
    read: Callable[[str], str], text: str, expected: str
) -> None:
    """Templates are by language, whatever the country."""
    assert read(text) == expected


@pytest.mark.parametrize("name", ["Europe/Madrid", " Pacific/Kiritimati ", "UTC"])
def test_a_zone_is_read_by_its_name(name: str) -> None:
    """The names of the IANA database."""
    assert read_zone(name).key == name.strip()


@pytest.mark.parametrize(
    ("read", "text", "expected"),
    [
        case("no language's name", read_language, "klingon",
             '"klingon" is not a language code; write it like "en" or "es"'),
        case("no language", read_language, "xx",
             '"xx" is not a language code; write it like "en" or "es"'),
        case("no text", read_language, "", '"" is not a language code; write it like "en" or "es"'),
        case("a city", read_zone, "Madrid",
             '"Madrid" is not a time zone; write it like "Europe/Madrid"'),
        case("a folder of zones", read_zone, "Europe",
             '"Europe" is not a time zone; write it like "Europe/Madrid"'),
        case("an offset", read_zone, "GMT+1",
             '"GMT+1" is not a time zone; write it like "Europe/Madrid"'),
        case("a way out of the folder", read_zone, "../../etc/passwd",
             '"../../etc/passwd" is not a time zone; write it like "Europe/Madrid"'),
        case("a file that is no zone", read_zone, "tzdata.zi",
             '"tzdata.zi" is not a time zone; write it like "Europe/Madrid"'),
        case("a country's name", read_country, "Spain",
             '"Spain" is not a country code; write it like "ES" or "US"'),
        case("no country", read_country, "UK",
             '"UK" is not a country code; write it like "ES" or "US"'),
    ],
)  # fmt: skip
def test_a_code_that_is_none_says_how_to_write_one(
    read: Callable[[str], object], text: str, expected: str
) -> None:
    """It quotes what stands there: a code is nobody's secret."""
    with pytest.raises(ValueError, match="write it like") as raised:
        read(text)
    assert str(raised.value) == expected
