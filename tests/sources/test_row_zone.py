"""Where a patient lives, when the clinic's system does not say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.rules.given import case
from tests.sources.reading import read
from tests.support.clinic_database import GOOD_ROW
from tests.support.world import CLINIC
from worker.sources.row import Reading

ABROAD = replace(CLINIC, zone_from_phone=True)
SEVERAL = "time_zone: it is empty, and the phone's country has several; the clinic's own is used"


@pytest.mark.parametrize(
    ("phone", "time_zone", "expected", "note"),
    [
        case("a number of the clinic's own country", "600 123 456", None, "Europe/Madrid", ()),
        case("even one of its islands", "928 123 456", None, "Europe/Madrid", ()),
        case("Germany has one clock", "+49 1511 2345678", None, "Europe/Berlin", ()),
        case("Italy too, the Vatican's is the same", "+39 333 1234567", None, "Europe/Rome", ()),
        case("Hawaii has an area code", "+1 808 555 0113", None, "Pacific/Honolulu", ()),
        case("an Australian mobile may be in Perth or in Sydney",
             "+61 412 345 678", None, "Europe/Madrid", (SEVERAL,)),
        case("what the source says counts first",
             "+61 412 345 678", "Australia/Perth", "Australia/Perth", ()),
        case("no number at all", None, None, "Europe/Madrid", ()),
    ],
)  # fmt: skip
def test_a_clinic_may_have_the_zone_read_from_a_foreign_phone(
    phone: str | None, time_zone: str | None, expected: str, note: tuple[str, ...]
) -> None:
    """Only where one country, or one area of it, has one clock; else the clinic's counts."""
    row = {**GOOD_ROW, "phone": phone, "time_zone": time_zone}
    found = read(row, clinics={"glow": ABROAD})
    assert isinstance(found, Reading)
    assert (found.patient.zone.key, found.notes) == (expected, note)


def test_by_default_patients_live_where_the_clinic_is() -> None:
    """A number from home says little about where somebody lives now."""
    found = read({**GOOD_ROW, "phone": "+1 808 555 0113", "time_zone": None})
    assert isinstance(found, Reading)
    assert found.patient.zone == CLINIC.zone
