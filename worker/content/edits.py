"""What an edit changed: files of a treatment, and the words of one message."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from difflib import unified_diff
from itertools import islice
from typing import TYPE_CHECKING

from worker.content.calendar import entries

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from worker.rules.messages import Words


@dataclass(frozen=True, slots=True)
class FileEdit:
    """A file that is not what it was, with how many lines came and went."""

    name: str
    added: int
    removed: int
    #: ``new``, ``gone`` or ``changed``.
    what: str

    def __str__(self) -> str:
        return f"{self.name} ({self.what}, +{self.added} -{self.removed} lines)"


def file_edits(old: Mapping[str, str], new: Mapping[str, str]) -> list[FileEdit]:
    """The files that differ, by name."""
    return [
        _edit(name, old.get(name), new.get(name))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


def _edit(name: str, old: str | None, new: str | None) -> FileEdit:
    lines = list(line_diff(old or "", new or ""))
    added = sum(line.startswith("+") for line in lines)
    removed = sum(line.startswith("-") for line in lines)
    return FileEdit(name, added, removed, "new" if old is None else "changed" if new else "gone")


def line_diff(old: str, new: str) -> Iterable[str]:
    """Lines that went (``-``), came (``+``) and stayed, without a diff's own headings."""
    lines = unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=1)
    # The first two name the files; a line of the text may well begin with dashes.
    return [line for line in islice(lines, 2, None) if not line.startswith("@@")]


def shown(words: Words) -> str:
    """All that a patient reads, as one text: an e-mail's subject first, its calendar last."""
    head = f"Subject: {words.subject}\n\n" if words.subject is not None else ""
    dates = [_entry(*each) for each in entries(words.calendar)] if words.calendar else []
    return "\n".join([head + words.text.strip(), *dates])


def _entry(begins: date, title: str) -> str:
    when = f"{begins:%a %d %b %H:%M}" if isinstance(begins, datetime) else f"{begins:%a %d %b}"
    return f"Calendar: {when}, {title}"
