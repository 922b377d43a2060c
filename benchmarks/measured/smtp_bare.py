"""Bare smtplib: the ready bytes of one real e-mail, on connections that are kept."""

from __future__ import annotations

import smtplib
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import local
from typing import TYPE_CHECKING

from benchmarks.peers.work import words
from benchmarks.seed import CLINIC, NOW
from worker.channels.base import Envelope
from worker.channels.mime import build_email, new_message_ref
from worker.rules.messages import Channel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FROM = "care@glow.example.com"


@contextmanager
def prepared(*, port: int, threads: int, count: int) -> Iterator[Callable[[], dict[str, float]]]:
    """``count`` e-mails by ``threads`` connections."""
    envelope = Envelope(
        channel=Channel.EMAIL,
        address="patient@example.com",
        words=words(0, Channel.EMAIL),
        attempt_id="1",
        from_name=CLINIC.name,
        reply_to=CLINIC.email,
        message_ref=new_message_ref(_FROM),
    )
    mail = build_email(envelope, sender=_FROM, now=NOW)
    mine = local()

    def connect() -> None:
        mine.smtp = smtplib.SMTP("127.0.0.1", port)

    def send(number: int) -> None:
        mine.smtp.sendmail(_FROM, f"patient{number}@example.com", mail)

    def work() -> dict[str, float]:
        with ThreadPoolExecutor(threads, initializer=connect) as pool:
            return {"count": len(list(pool.map(send, range(count))))}

    yield work
