"""The errors Aftercare raises.

::

    AftercareError            something went wrong that a person can understand
    ├── SourceError           the clinic's database cannot be read as agreed
    ├── TemplateError         a template or protocol cannot be used
    ├── MailboxError          the mailbox for undeliverable e-mails cannot be read
    └── NotFoundError         no such clinic, patient, session or message

    ConfigurationError        stands outside: settings are checked at the start, all at once,
                              and each problem names the setting and what to write
"""

from __future__ import annotations

import traceback
from typing import Any


class AftercareError(Exception):
    """Something went wrong that a person can understand. The text never holds personal data."""


class SourceError(AftercareError):
    """The clinic's database cannot be read as agreed."""


class TemplateError(AftercareError):
    """A template or protocol cannot be used; the text names the file and what to do."""


class MailboxError(AftercareError):
    """The mailbox for undeliverable e-mails cannot be read; the text names ``BOUNCE_URL``."""


class NotFoundError(AftercareError):
    """No such clinic, patient, session or message."""


class ConfigurationError(Exception):
    """Settings that cannot work; ``problems`` has a line for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def describe(error: BaseException) -> str:
    """An exception as its type and the innermost place in the code, never its text.

    Texts of exceptions often quote the value that failed.
    """
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"


def without_text(error: BaseException) -> dict[str, Any]:
    """An exception for the log: its type, and the places in the code."""
    frames = traceback.extract_tb(error.__traceback__)
    return {
        "exception": type(error).__name__,
        "trace": [f"{each.filename}:{each.lineno} {each.name}" for each in frames],
    }
