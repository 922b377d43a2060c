"""Cells: what spreadsheets do to dates and numbers is undone, or refused; nothing is guessed."""

from __future__ import annotations

import pytest

from tests.sources.reading import bad, good
from tests.support.clinic_database import GOOD_ROW
from worker.sources.cells import Evidence, Order, read_cell
from worker.sources.values import Unreadable

DAY, MONTH = Order.DAY_FIRST, Order.MONTH_FIRST


@pytest.mark.parametrize(
    ("written", "order", "meant"),
    [
        ("2026-11-23 15:30", None, "2026-11-23 15:30"),
        ("2026-11-23T14:30:00Z", None, "2026-11-23T14:30:00Z"),
        ("2026/11/23 15:30", None, "2026-11-23 15:30:00"),
        ("23.11.2026 15:30", None, "2026-11-23 15:30:00"),
        ("5.6.2026 9:05", None, "2026-06-05 09:05:00"),
        ("23.11.2026 15.30", None, "2026-11-23 15:30:00"),
        ("23/11/2026 15:30", None, "2026-11-23 15:30:00"),
        ("11/23/2026 15:30", None, "2026-11-23 15:30:00"),
        ("23-11-2026 15:30", None, "2026-11-23 15:30:00"),
        ("11/23/2026 3:30 PM", None, "2026-11-23 15:30:00"),
        ("23/11/2026 3:30:10 p. m.", None, "2026-11-23 15:30:10"),
        ("11/23/2026 12:05 AM", None, "2026-11-23 00:05:00"),
        ("11/23/2026 12:05 pm", None, "2026-11-23 12:05:00"),
        ("5/6/2026 15:30", DAY, "2026-06-05 15:30:00"),
        ("5/6/2026 15:30", MONTH, "2026-05-06 15:30:00"),
        ("05/05/2026 15:30", None, "2026-05-05 15:30:00"),
        ("23/11/2026", DAY, "2026-11-23"),
    ],
)
def test_a_date_as_spreadsheets_write_it(written: str, order: Order | None, meant: str) -> None:
    """However a country writes it, the same day and time come out."""
    assert read_cell("completed_at", written, order) == meant


@pytest.mark.parametrize(
    ("written", "order", "why"),
    [
        ("05/06/2026 15:30", None, "may be day/month or month/day"),
        ("05-06-2026 15:30", None, "--dates day-first"),
        ("23/11/2026 15:30", MONTH, "is not a date and time"),
        ("11/23/2026 15:30", DAY, "is not a date and time"),
        ("23.11.26 15:30", None, "year of two digits"),
        ("26/11/05 15:30", DAY, "year of two digits"),
        ("46349.645833", None, "is a bare number"),
        ("46349,645833", None, "yyyy-mm-dd hh:mm"),
        ("23.11.2026", None, "has no time of day"),
        ("31.11.2026 15:30", None, "is not a date and time"),
        ("23.11.2026 25:30", None, "is not a date and time"),
        ("11/23/2026 15:30 PM", None, "is not a date and time"),
        ("23.11.2026 half past three", None, "is not a date and time"),
    ],
)
def test_a_date_that_could_be_another_is_refused(written: str, order: Order, why: str) -> None:
    """A wrong day means "you may exercise again" too early; so the line waits for a person."""
    told = bad({**GOOD_ROW, "completed_at": read_cell("completed_at", written, order)})
    assert told.startswith("completed_at ")
    assert why in told
    assert written not in told


@pytest.mark.parametrize(
    ("dates", "order"),
    [
        ([], None),
        (["05/06/2026", "01/02/2026"], None),
        (["05/06/2026", "23/06/2026"], DAY),
        (["05/06/2026", "06/23/2026 10:00"], MONTH),
        (["05-06-2026", "23-06-2026"], DAY),
        (["23/06/2026", "06/23/2026"], None),
        (["23.06.2026", "2026-06-23"], None),
    ],
)
def test_one_date_shows_how_all_are_written(dates: list[str], order: Order | None) -> None:
    """A day above twelve settles it; a file that contradicts itself settles nothing."""
    evidence = Evidence()
    for line, date in enumerate(dates, start=2):
        evidence.look(date, line)
    assert evidence.order is order


@pytest.mark.parametrize("column", ["phone", "session_id", "patient_id"])
@pytest.mark.parametrize("cut", ["3.47E+10", "3,47E+10", "3.46007E+11", "4e+12"])
def test_a_number_that_excel_cut_short_is_refused(column: str, cut: str) -> None:
    """Its digits are lost: it might be anybody's."""
    told = bad({**GOOD_ROW, column: read_cell(column, cut, None)})
    assert "digits are lost" in told
    assert cut not in told


@pytest.mark.parametrize(
    ("column", "cell", "meant"),
    [
        ("phone", "'0034600123456", "0034600123456"),
        ("phone", '="0034600123456"', "0034600123456"),
        ("phone", "34600123456.0", "34600123456"),
        ("phone", "34600123456,00", "34600123456"),
        ("phone", " 600 123 456 ", "600 123 456"),
        ("session_number", "2,0", "2"),
        ("session_id", "00012", "00012"),
        ("session_id", "'00012", "00012"),
        ("session_id", "12E4", "12E4"),
        ("first_name", "D'Arcy", "D'Arcy"),
        ("first_name", "1.5E+3", "1.5E+3"),
    ],
)
def test_what_excel_adds_is_taken_away(column: str, cell: str, meant: str) -> None:
    """Apostrophes, formula wrappers and decimal zeros are Excel's, not the clinic's."""
    found = read_cell(column, cell, None)
    assert (found, isinstance(found, Unreadable)) == (meant, False)


@pytest.mark.parametrize("yes", ["x", "X", "ja", "WAHR", "VERDADERO", "oui", "VRAI", "TRUE", "1"])
def test_a_yes_in_excels_languages(yes: str) -> None:
    """As its own cells show it, and as people tick a list."""
    assert good(sms_consent=read_cell("sms_consent", yes, None)).patient.sms_consent


@pytest.mark.parametrize("no", ["nein", "FALSCH", "FALSO", "non", "FAUX", "não", "FALSE", "0"])
def test_a_no_in_excels_languages(no: str) -> None:
    """Whatever says no means no."""
    assert not good(sms_consent=read_cell("sms_consent", no, None)).patient.sms_consent
