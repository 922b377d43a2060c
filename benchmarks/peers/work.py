"""What a peer does for one message: the same template, the stock client, one row in a table."""

from __future__ import annotations

import logging
import os
import time
from functools import cache
from threading import local
from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy import make_url
from twilio.rest import Client

from benchmarks.seed import CLINIC, NOW, facts
from worker.content.draft import draft
from worker.content.library import Library
from worker.resources import TEMPLATES
from worker.rules.messages import Channel
from worker.rules.planning import restriction_ends

if TYPE_CHECKING:
    from collections.abc import Callable

    from worker.rules.messages import Words

#: Where a peer's own processes find what they need.
DATABASE, PORT = "BENCH_DATABASE", "BENCH_PORT"
THREADS = 16
_PATIENCE = 900
_threads = local()


def words(number: int, channel: Channel = Channel.SMS) -> Words:
    """What the patient of this number is told."""
    patient, session = facts(number)
    library = _library()
    return draft(
        library,
        CLINIC,
        patient,
        session,
        milestone="first-day",
        channel=channel,
        ends=restriction_ends([session], library.protocols, patient.zone),
        due_at=NOW,
    ).render()


def deliver(number: int) -> None:
    """One text: rendered, sent, its outcome committed."""
    sent = _client().messages.create(
        to=facts(number)[0].phone or "", from_=CLINIC.phone, body=words(number).text
    )
    _connection().execute(
        "INSERT INTO outcomes (number, sid, status) VALUES (%s, %s, %s)",
        (number, sent.sid, sent.status),
    )


def make_table() -> None:
    """The table of outcomes."""
    _connection().execute("CREATE TABLE outcomes (number int PRIMARY KEY, sid text, status text)")


def dsn() -> str:
    """The database as psycopg wants it."""
    url = make_url(os.environ[DATABASE])
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def measured(enqueue: Callable[[], object], count: int) -> dict[str, float]:
    """Enqueue everything, and wait until every outcome is on record."""
    began = time.monotonic()
    enqueue()
    enqueued = time.monotonic()
    wait_for(count)
    return {"count": count, "s to enqueue": enqueued - began}


def wait_for(count: int) -> None:
    """Wait until so many outcomes are on record.

    Raises:
        TimeoutError: When they take too long.
    """
    until = time.monotonic() + _PATIENCE
    while _recorded() < count:
        if time.monotonic() > until:
            message = f"{_recorded()} of {count} outcomes after {_PATIENCE} s"
            raise TimeoutError(message)
        time.sleep(0.02)


def _recorded() -> int:
    row: Any = _connection().execute("SELECT count(*) FROM outcomes").fetchone()
    return int(row[0])


@cache
def _library() -> Library:
    return Library(TEMPLATES)


@cache
def _client() -> Client:
    # The library tells every request at INFO; a peer is not slowed down by that.
    logging.getLogger("twilio.http_client").setLevel(logging.WARNING)
    client = Client("AC" + "0" * 32, "token")
    client.api.base_url = f"http://127.0.0.1:{os.environ[PORT]}"
    return client


def _connection() -> psycopg.Connection[Any]:
    """A connection for each thread, kept open."""
    if not hasattr(_threads, "connection"):
        _threads.connection = psycopg.connect(dsn(), autocommit=True)
    found: psycopg.Connection[Any] = _threads.connection
    return found
