"""A web process, with one patient who has got a text and two e-mails."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from twilio.request_validator import RequestValidator

from tests.support.stored import (
    MONDAY,
    everything,
    message,
    store_message,
    store_session,
)
from tests.support.twilio_server import ACCOUNT, TOKEN
from tests.support.web_server import web_server
from worker.content.links import Links
from worker.rules.messages import Channel, Kind, Status
from worker.settings import Settings
from worker.store.engine import open_engine
from worker.store.schema import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx
    from sqlalchemy import Engine

#: Where Twilio and patients believe the web process to be: not where the tests reach it.
PUBLIC = "https://care.example.com/aftercare"
ATTEMPT = "a" * 32


def web_settings(database_url: str, **changes: Any) -> Settings:
    """What the operator set."""
    given: dict[str, Any] = {
        "database_url": database_url,
        "public_url": PUBLIC,
        "secret_key": "0123456789abcdef" * 4,
        "twilio_account_sid": ACCOUNT,
        "twilio_auth_token": TOKEN,
        "twilio_from": "+34900000000",
    }
    return Settings(_env_file=None, **{**given, **changes})


@dataclass(slots=True)
class Desk:
    """See the module."""

    engine: Engine
    client: httpx.Client
    settings: Settings
    #: The numbers of the messages that left: a text, an e-mail about care, an invitation.
    text: int = 1
    care: int = 2
    invitation: int = 3
    #: E-mails that wait: about care, and an invitation.
    waits: int = 4
    invites: int = 5

    def post(
        self,
        path: str,
        params: dict[str, Any],
        *,
        public: str = PUBLIC,
        token: str = TOKEN,
        algorithm: str = "HMAC_SHA1",
        **headers: str,
    ) -> httpx.Response:
        """Post a form as Twilio does, signed by the library's own hand."""
        signature = RequestValidator(token).compute_signature(f"{public}{path}", params, algorithm)
        signed = {"X-Twilio-Signature": signature, **headers}
        return self.client.post(path, data=params, headers=signed)

    def row(self, message_id: int) -> Any:
        """A message."""
        with self.engine.begin() as db:
            return message(db, message_id)

    def store(self) -> dict[str, list[Any]]:
        """Every row of every table."""
        with self.engine.begin() as db:
            return everything(db)

    def link(self, message_id: int, address: str = "ana@example.com", public: str = "") -> str:
        """The unsubscribe link of an e-mail, as a path (or under a public address)."""
        links = Links(public or "http://x", self.settings.secret_key)
        return links.unsubscribe(message_id, address).removeprefix("http://x")


def fill(engine: Engine) -> None:
    """The patient's messages: a text, an e-mail about care, an invitation; and one that waits."""
    left: dict[str, Any] = {"address": "ana@example.com", "language": "en", "sent_at": MONDAY}
    with engine.begin() as db:
        store_session(db)
        sent: dict[str, Any] = {"address": "+34600123456", "attempt_id": ATTEMPT}
        sent |= {"status": Status.SENT, "provider_id": "SM1", "sent_at": MONDAY}
        store_message(db, **sent)
        mail, status = Channel.EMAIL, Status.SENT
        store_message(db, channel=mail, status=status, **left)
        kind = Kind.INVITATION
        store_message(db, milestone="again", channel=mail, status=status, kind=kind, **left)
        soon = MONDAY + timedelta(days=3)
        store_message(db, milestone="waits", channel=mail, due_at=soon)
        store_message(db, milestone="invites", channel=mail, due_at=soon, kind=kind)


@contextmanager
def open_desk(engine: Engine, settings: Settings) -> Iterator[Desk]:
    """A web process on a database."""
    with web_server(settings, clock=lambda: MONDAY) as client:
        yield Desk(engine, client, settings)


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the patient's messages, made once and copied for each test."""
    path = tmp_path_factory.mktemp("filled") / "aftercare.db"
    engine = open_engine(f"sqlite:///{path}")
    migrate(engine)
    fill(engine)
    engine.dispose()
    return path


@pytest.fixture
def desk(filled: Path, tmp_path: Path) -> Iterator[Desk]:
    """On Monday 23 November 2026, 15:00 in Madrid."""
    url = f"sqlite:///{shutil.copy(filled, tmp_path / 'web.db')}"
    engine = open_engine(url)
    with open_desk(engine, web_settings(url)) as made:
        yield made
    engine.dispose()


@pytest.fixture
def desk_on_postgres(postgres_url: str) -> Iterator[Desk]:
    """The same on PostgreSQL."""
    engine = open_engine(postgres_url)
    migrate(engine)
    fill(engine)
    with open_desk(engine, web_settings(postgres_url)) as made:
        yield made
    engine.dispose()
