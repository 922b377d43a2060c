"""CSV files: whatever Excel wrote is read the same, and what is no CSV is told in one sentence."""

from __future__ import annotations

import csv
import io
from itertools import chain
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import pytest

from tests.support.clinic_database import GOOD_ROW
from worker.errors import SourceError
from worker.sources.cells import Order
from worker.sources.csv import CsvFile, open_csv
from worker.sources.row import COLUMNS, REQUIRED
from worker.sources.values import Unreadable

if TYPE_CHECKING:
    from pathlib import Path


def written(*rows: dict[str, Any], separator: str = ",", end: str = "\r\n") -> str:
    """The rows as Excel writes them, with the heads of the whole contract."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, delimiter=separator, lineterminator=end)
    writer.writeheader()
    writer.writerows({**GOOD_ROW, **row} for row in rows)
    return text.getvalue()


def saved(folder: Path, content: str | bytes) -> Path:
    """A file with this content."""
    path = folder / "sessions.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def fault(folder: Path, content: str | bytes) -> str:
    """Why a file cannot be used."""
    with pytest.raises(SourceError) as error:
        open_csv(saved(folder, content))
    told = str(error.value)
    assert "\n" not in told
    return told


def rows(file: CsvFile) -> list[dict[str, str]]:
    """What the row contract gets."""
    return [dict(line.row) for line in chain.from_iterable(file.chunks())]


# What Excel writes


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    ("encoding", "mark", "told"),
    [
        ("utf-8", b"", "UTF-8"),
        ("utf-8", b"\xef\xbb\xbf", "UTF-8"),
        ("utf-16-le", b"\xff\xfe", "UTF-16"),
        ("utf-16-be", b"\xfe\xff", "UTF-16"),
        ("utf-16-le", b"", "UTF-16"),
        ("utf-16-be", b"", "UTF-16"),
        ("cp1252", b"", "Windows-1252"),
        ("mac_roman", b"", "Mac Roman"),
    ],
)
def test_every_encoding_and_separator(
    tmp_path: Path, separator: str, encoding: str, mark: bytes, told: str
) -> None:
    """The same people come out of each, with their accents."""
    names = ["Íñigo", "Zoë", "José María", "Müller; Ana"]
    text = written(*({"first_name": name} for name in names), separator=separator)
    file = open_csv(saved(tmp_path, mark + text.encode(encoding)))
    assert [row["first_name"] for row in rows(file)] == names
    assert told in file.described


def test_plain_ascii_needs_no_guess(tmp_path: Path) -> None:
    """A file without a single accent is fine as it is."""
    assert rows(open_csv(saved(tmp_path, written({}))))[0]["first_name"] == "Ana"


def test_an_apostrophe_of_windows_is_no_mac(tmp_path: Path) -> None:
    """Excel's curly apostrophe stands between letters, as an accent of a Mac would."""
    text = written({"first_name": "O\u2019Brien"}, {"first_name": "D\u2019Arcy"})
    file = open_csv(saved(tmp_path, text.encode("cp1252")))
    assert [row["first_name"] for row in rows(file)] == ["O\u2019Brien", "D\u2019Arcy"]


@pytest.mark.parametrize(("name", "encoding"), [("Оксана", "cp1251"), ("Michał", "cp1250")])
def test_letters_that_cannot_be_told_are_refused(tmp_path: Path, name: str, encoding: str) -> None:
    """Nobody is greeted by a garbled name: the file is wanted as UTF-8."""
    told = fault(tmp_path, written({"first_name": name}).encode(encoding))
    assert "CSV UTF-8" in told


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;"])
def test_a_first_line_may_name_the_separator(tmp_path: Path, first: str) -> None:
    """Excel's own way; the heads are on the second line, the session on the third."""
    text = f"{first}\r\n" + written({"first_name": "Ana, Ben"}, separator=";")
    (line,) = open_csv(saved(tmp_path, text)).lines()
    assert (line.number, line.row["first_name"]) == (3, "Ana, Ben")


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_line_numbers_count_breaks_inside_cells(tmp_path: Path, end: str) -> None:
    """A line is called by where it begins, as any editor shows it; blank ones count too."""
    text = written({"first_name": f"Ana{end}Maria"}, {}, end=end) + end + f",{end}"
    text += written({}, end=end).split(end, 1)[1]
    numbers = [line.number for line in open_csv(saved(tmp_path, text)).lines()]
    assert numbers == [2, 4, 7]


def test_heads_in_any_way_of_writing(tmp_path: Path) -> None:
    """Capitals, blanks, dashes, accents and common other names; other columns are ignored."""
    heads = (
        "Session ID;Servicio;Completed-At;PatientId;VORNAME;Teléfono móvil;E-Mail;SMS consent;"
        "Email Consent;Marketing (consent);Date of birth"
    )
    line = "S1;microneedling;2026-11-23 15:00;P1;Ana;600123456;a@example.com;ja;x;nein;1990-01-01"
    (row,) = rows(open_csv(saved(tmp_path, f"{heads}\n{line}\n")))
    assert row == {
        "session_id": "S1",
        "treatment": "microneedling",
        "completed_at": "2026-11-23 15:00",
        "patient_id": "P1",
        "first_name": "Ana",
        "phone": "600123456",
        "email": "a@example.com",
        "sms_consent": "ja",
        "email_consent": "x",
        "marketing_consent": "nein",
    }


def test_the_contracts_own_name_goes_first(tmp_path: Path) -> None:
    """With ``phone`` and ``Mobile`` in a file, it is ``phone`` that is read."""
    head, line = ",".join(REQUIRED), ",".join(str(GOOD_ROW[name]) for name in REQUIRED)
    text = f"Mobile,{head}\n999,{line}\n"
    assert rows(open_csv(saved(tmp_path, text)))[0]["phone"] == GOOD_ROW["phone"]


def test_a_short_line_is_a_line_with_empty_cells(tmp_path: Path) -> None:
    """Programs leave out what is empty at the end."""
    text = ",".join(REQUIRED) + "\nS1,microneedling\n"
    (row,) = rows(open_csv(saved(tmp_path, text)))
    assert (row["session_id"], row["email_consent"]) == ("S1", "")


# What the whole file tells


def test_one_line_shows_the_order_of_all_dates(tmp_path: Path) -> None:
    """The 23rd can only be a day, so the 5th of June is in June; the operator sees which line."""
    text = written({"completed_at": "05/06/2026 15:00"}, {"completed_at": "23/06/2026 15:00"})
    file = open_csv(saved(tmp_path, text))
    assert rows(file)[0]["completed_at"] == "2026-06-05 15:00:00"
    assert "dates day-first, as line 3 shows" in file.described


def test_the_operator_may_say_the_order(tmp_path: Path) -> None:
    """With ``--dates month-first`` the same date is in May."""
    path = saved(tmp_path, written({"completed_at": "05/06/2026 15:00"}))
    assert isinstance(rows(open_csv(path))[0]["completed_at"], Unreadable)
    file = open_csv(path, Order.MONTH_FIRST)
    assert rows(file)[0]["completed_at"] == "2026-05-06 15:00:00"


def test_a_session_twice_with_other_values_counts_on_no_line(tmp_path: Path) -> None:
    """Which of the two is right is not ours to say; the same line twice is no harm."""
    text = written({}, {"phone": "611 111 111"}, {"session_id": "S2"}, {"session_id": "S2"})
    first, second, third, fourth = rows(open_csv(saved(tmp_path, text)))
    assert isinstance(first["session_id"], Unreadable)
    assert isinstance(second["session_id"], Unreadable)
    assert "line 2" in second["session_id"].why
    assert (type(third["session_id"]), type(fourth["session_id"])) == (str, str)


# What is no CSV


def workbook() -> bytes:
    """As any .xlsx begins."""
    made = io.BytesIO()
    with ZipFile(made, "w") as file:
        file.writestr("xl/workbook.xml", "<workbook/>")
    return made.getvalue()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (workbook(), "an Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an old Excel workbook"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"\r\n<html><table><tr><td>", "a web page"),
        (bytes(range(256)) * 20, "not a text file"),
        (b"session_id,treatment\n" * 300 + b"\0\0\0\0", "not a text file"),
    ],
)
def test_what_is_no_csv_is_named(tmp_path: Path, content: bytes, told: str) -> None:
    """And the sentence says how to get one."""
    said = fault(tmp_path, content)
    assert told in said
    assert "CSV UTF-8" in said


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "is empty"),
        ("\r\n \r\n", "is empty"),
        ("name,when\nAna,today\n", "no column session_id, treatment"),
        (written({}).replace("sms_consent", "consent?"), "no column sms_consent; its first"),
        (written({}).replace("phone", "Mobile").replace("status", "Tel"), "“Mobile” and “Tel”"),
        (written({}) + 'S2,"microneedling', "from line 3 on"),
        (written({}) + 'S2,"micro"needling\n', "from line 3 on"),
        ("\ufeff".encode("utf-16-le") + written({}).encode("utf-16-le")[:-1], "breaks off"),
    ],
)
def test_a_broken_file_is_told_in_one_sentence(
    tmp_path: Path, content: str | bytes, told: str
) -> None:
    """Before anything of it is used."""
    assert told in fault(tmp_path, content)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Nor is a folder one."""
    with pytest.raises(SourceError, match="There is no file"):
        open_csv(tmp_path / "away.csv")
    with pytest.raises(SourceError, match="cannot be read"):
        open_csv(tmp_path)
