"""A fault in the templates folder, for whoever edits it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding matters."""

    #: A patient would be told something wrong, or nothing. ``aftercare check`` exits with 1.
    ERROR = "error"
    #: Worth a look; messages go out all the same.
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault, with where it stands and what to do."""

    severity: Severity
    #: Which check found it, such as ``typed-date``.
    rule: str
    #: As people see it: ``templates/microneedling/en/home.sms.txt``.
    file: str
    #: From 1; 0 when it is about the file as a whole.
    line: int
    #: What is wrong. It follows the file's name, so for a whole file it begins with a verb.
    what: str
    #: What to do.
    advice: str

    def __str__(self) -> str:
        where = f"{self.file}, line {self.line}:" if self.line else self.file
        return f"{where} {self.what}; {self.advice}"


def error(rule: str, file: str, line: int, what: str, advice: str) -> Finding:
    """A fault that keeps a message from being right."""
    return Finding(Severity.ERROR, rule, file, line, what, advice)


def warning(rule: str, file: str, line: int, what: str, advice: str) -> Finding:
    """Something to look at."""
    return Finding(Severity.WARNING, rule, file, line, what, advice)
