"""Trial mode: messages land in a folder that one can open, and nobody is contacted."""

from __future__ import annotations

import html
from threading import Lock
from typing import TYPE_CHECKING

from worker.channels.mime import build_email
from worker.rules.messages import Channel
from worker.rules.outcomes import Accepted, TryAgain

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime
    from pathlib import Path

    from worker.channels.base import Envelope, Sender
    from worker.rules.outcomes import Outcome

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Outbox</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 46rem; padding: 0 1rem;
  color-scheme: light dark }
h1 { font-size: 1.4rem }
article { border: 1px solid #8886; border-radius: .8rem; padding: .8rem 1rem; margin: .8rem 0;
  overflow-wrap: anywhere }
header { opacity: .75; font-size: .85rem }
article p { white-space: pre-wrap; margin: .4rem 0 0 }
a { font-weight: 600 }
</style></head><body>
<h1>Outbox</h1>
<p>What Aftercare would have sent, oldest first. None of it went to anybody.</p>
"""


class OutboxSender:
    """Writes each message to a file: ``.eml`` for e-mail, ``.txt`` for SMS, and an index page.

    Args:
        folder: Where to write; made when missing.
        now: The clock; files are named and dated by it.
        mail_from: The sender's address in the e-mails.
    """

    def __init__(self, folder: Path, now: Callable[[], datetime], mail_from: str) -> None:
        self._folder = folder
        self._now = now
        self._mail_from = mail_from
        self._lock = Lock()

    def send(self, envelope: Envelope) -> Outcome:
        """Write the message down."""
        now = self._now()
        stem = f"{now:%Y%m%d-%H%M%S}-{envelope.channel}-{envelope.attempt_id[:8]}"
        try:
            with self._lock:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._write(stem, envelope, now)
                self._show(stem, envelope, now)
        except OSError as error:
            return TryAgain(f"AFTERCARE_OUTBOX cannot be written to ({error.strerror})")
        return Accepted(f"outbox-{stem}", "Trial: written to the outbox, sent to nobody")

    def close(self) -> None:
        """Nothing to let go of."""

    def _write(self, stem: str, envelope: Envelope, now: datetime) -> None:
        if envelope.channel is Channel.EMAIL:
            mail = build_email(envelope, sender=self._mail_from, now=now)
            (self._folder / f"{stem}.eml").write_bytes(mail)
            (self._folder / f"{stem}.html").write_text(envelope.words.html or "", encoding="utf-8")
            if envelope.words.calendar:
                (self._folder / f"{stem}.ics").write_bytes(envelope.words.calendar.encode())
        else:
            text = f"To: {envelope.address}\n\n{envelope.words.text}\n"
            (self._folder / f"{stem}.txt").write_text(text, encoding="utf-8")

    def _show(self, stem: str, envelope: Envelope, now: datetime) -> None:
        """Append to the index page, which is current at any moment; HTML needs no closing tags."""
        page = self._folder / "index.html"
        if not page.exists():
            page.write_text(_PAGE, encoding="utf-8")
        with page.open("a", encoding="utf-8") as index:
            index.write(_entry(stem, envelope, now))


def _entry(stem: str, envelope: Envelope, now: datetime) -> str:
    to = html.escape(envelope.address)
    head = f"<header>{now:%a %d %b %Y %H:%M} UTC · {envelope.channel.noun} to {to}</header>"
    if envelope.channel is Channel.EMAIL:
        subject = html.escape(envelope.words.subject or "")
        kinds = ("eml", "ics") if envelope.words.calendar else ("eml",)
        files = ", ".join(f'<a href="{stem}.{kind}">.{kind}</a>' for kind in kinds)
        shown = f'<a href="{stem}.html">{subject}</a> ({files})'
    else:
        shown = f"<p>{html.escape(envelope.words.text)}</p>"
    return f"<article>{head}{shown}</article>\n"


class TeamSender:
    """Team mode: the real provider for the team's own addresses, the outbox for all others."""

    def __init__(self, real: Sender, outbox: Sender, team: Collection[str]) -> None:
        self._real = real
        self._outbox = outbox
        self._team = frozenset(_plain(each) for each in team)

    def send(self, envelope: Envelope) -> Outcome:
        """To the team for real, else to the outbox."""
        chosen = self._real if _plain(envelope.address) in self._team else self._outbox
        return chosen.send(envelope)

    def close(self) -> None:
        """Close both."""
        self._real.close()
        self._outbox.close()


def _plain(address: str) -> str:
    """An address however it was typed: ``+1 212 555-0123`` is ``+12125550123``."""
    if "@" in address:
        return address.lower()
    return "".join(char for char in address if char.isdigit() or char == "+")
