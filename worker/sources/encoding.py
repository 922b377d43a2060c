"""In which letters a spreadsheet program wrote a file, and what is no such file at all.

Excel writes "CSV UTF-8" with a mark at its beginning, "Unicode text" as UTF-16, and plain "CSV" in
the letters of its computer: Windows-1252 in the West, Mac Roman on older Macs. Nothing in such a
file says which, so it is read off the bytes; what is unclear is refused, because a patient would
be greeted by a garbled name.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from worker.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BLOCK = 1 << 20
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
#: How encodings are called in front of people.
NAMES = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "cp1252": "Windows-1252",
    "mac_roman": "Mac Roman",
}
_SAVE_AS = "open it in Excel, save it as “CSV UTF-8 (comma delimited)”, and import that file"
#: How files begin that people take for CSV, and what they are.
_OTHER_FILES = {
    b"PK\x03\x04": "an Excel workbook (or another zipped file)",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook (.xls)",
    b"%PDF": "a PDF",
    b"{\\rtf": "a text document (RTF)",
    b"<": "a web page or XML",
}
#: Letters in Windows-1252 are almost all up here, in Mac Roman almost all below.
_HIGH = re.compile(rb"[\xc0-\xff]")
#: Letters in Mac Roman (é, á, ü …), rare signs in Windows-1252. The dashes and quotation marks of
#: the latter count only inside a word, its apostrophe not at all.
_LOW = re.compile(rb"[\x81-\x84\x86-\x90\x98-\x9f]|(?<=[A-Za-z])[\x96\x97](?=[a-z])")
#: No Western text: many letters beyond ASCII in a row, as in Russian or Greek.
_NOT_WESTERN = re.compile(rb"[\x80-\xff]{4}")
#: Nor Windows-1252: bytes without meaning there, or a sign like a power of three inside a word,
#: where another part of Europe has a letter.
_NOT_WINDOWS = re.compile(rb"[\x81\x8d\x8f\x90\x9d]|[A-Za-z][\xb2\xb3\xb6\xb9\xbc-\xbf]")


def detect_encoding(path: Path) -> str:
    """The name of the codec that reads this file.

    Raises:
        SourceError: When it is no text file of a spreadsheet's; says what to do.
    """
    with path.open("rb") as file:
        start = file.read(4096)
    for mark, name in _MARKS.items():
        if start.startswith(mark):
            return name
    stripped = start.lstrip()
    if not stripped:
        message = f"{path.name} is empty; export it again"
        raise SourceError(message)
    for beginning, kind in _OTHER_FILES.items():
        if stripped.startswith(beginning):
            message = f"{path.name} is {kind}, not CSV: {_SAVE_AS}"
            raise SourceError(message)
    if b"\0" in start:
        return _utf_16(path, start)
    return _eight_bits(path)


def _utf_16(path: Path, start: bytes) -> str:
    """UTF-16 without a mark: every other byte of plain letters is 0."""
    even, odd = start[::2].count(0), start[1::2].count(0)
    most, least = max(even, odd), min(even, odd)
    if most < len(start) / 4 or least > most / 10:
        message = f"{path.name} is not a text file: {_SAVE_AS}"
        raise SourceError(message)
    return "utf-16-le" if odd > even else "utf-16-be"


@dataclass(slots=True)
class _Signs:
    """What speaks for which letters."""

    utf_8: bool = True
    high: int = 0
    low: int = 0
    not_windows: bool = False
    not_western: bool = False
    decoder: codecs.IncrementalDecoder = field(
        default_factory=codecs.getincrementaldecoder("utf-8")
    )

    def look(self, block: bytes, *, last: bool) -> None:
        """Take note of the next part of the file."""
        if self.utf_8:
            try:
                self.decoder.decode(block, final=last)
            except UnicodeDecodeError:
                self.utf_8 = False
        self.high += len(_HIGH.findall(block))
        self.low += len(_LOW.findall(block))
        self.not_windows |= _NOT_WINDOWS.search(block) is not None
        self.not_western |= _NOT_WESTERN.search(block) is not None


def _eight_bits(path: Path) -> str:
    signs = _Signs()
    for block in _blocks(path):
        signs.look(block, last=False)
        if b"\0" in block:
            message = f"{path.name} is not a text file: {_SAVE_AS}"
            raise SourceError(message)
    signs.look(b"", last=True)
    if signs.utf_8:
        return "utf-8"
    macintosh = signs.low > signs.high
    if signs.not_western or (signs.not_windows and not macintosh):
        message = f"It is not clear which letters {path.name} is written in: {_SAVE_AS}"
        raise SourceError(message)
    return "mac_roman" if macintosh else "cp1252"


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block
