"""Reading one row by the contract, for the tests of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tests.support.clinic_database import GOOD_ROW
from tests.support.world import CLINIC
from worker.rules.contacts import read_zone
from worker.sources.row import Reading, Rejection, Withdrawal, read_row

#: Monday 23 November 2026, 16:00 in Madrid: an hour after the session of GOOD_ROW.
NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
BOSTON = replace(CLINIC, key="hub", country="US", zone=read_zone("America/New_York"))
#: What must never stand in a reason.
PERSONAL = {
    "first_name": "Zephyrine",
    "phone": "+34 600 987 654",
    "email": "zephyrine@example.com",
}


def read(raw: dict[str, Any], *, clinics: Any = None) -> Reading | Withdrawal | Rejection:
    """Judge a row with one clinic set up, or ``clinics``."""
    clinics = {CLINIC.key: CLINIC} if clinics is None else clinics
    return read_row(raw, clinics=clinics, treatments={"microneedling"}, now=NOW)


def good(**changes: Any) -> Reading:
    """:data:`GOOD_ROW` with changes that leave it usable."""
    found = read({**GOOD_ROW, **changes})
    assert isinstance(found, Reading), found
    return found


def bad(raw: dict[str, Any], **kwargs: Any) -> str:
    """Why a row is refused."""
    found = read(raw, **kwargs)
    assert isinstance(found, Rejection), found
    return found.why
