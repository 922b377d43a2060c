"""Bounces: an e-mail that came back fails its message, and a dead mailbox gets nothing more."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from tests.rules.given import case
from tests.support.imap_server import ImapServer
from tests.support.reports import LETTER, report
from tests.support.stored import MONDAY, everything, message, store_message, store_session
from worker.app import build_app
from worker.channels.accounts import Mailbox
from worker.channels.bounces import read_bounces
from worker.channels.mailbox import BounceMailbox
from worker.channels.memory import MemorySender
from worker.jobs.bounces import BounceReader
from worker.jobs.report import health
from worker.rules.messages import Channel, Status
from worker.settings import Settings
from worker.store.engine import open_engine
from worker.store.kinds import SuppressionKind
from worker.store.schema import migrate
from worker.store.tables import PATIENT_EVENTS, SUPPRESSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

OURS = "<177.42@glow.example.com>"


@pytest.fixture
def returned() -> Iterator[ImapServer]:
    """The mailbox that e-mails come back to."""
    with ImapServer() as server:
        yield server


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Engine]:
    """The worker's database, where it makes no difference which."""
    engine = open_engine(f"sqlite:///{tmp_path}/aftercare.db")
    migrate(engine)
    yield engine
    engine.dispose()


def sent(engine: Engine, **changes: Any) -> int:
    """An e-mail that left on Monday at 15:00."""
    columns = {
        "status": Status.SENT,
        "address": "Ana@example.com",
        "message_ref": OURS,
        "sent_at": MONDAY,
        **changes,
    }
    with engine.begin() as db:
        store_session(db)
        return store_message(db, channel=Channel.EMAIL, **columns)


def read(engine: Engine, server: ImapServer, *, hours: int = 1) -> int:
    """One look into the mailbox."""
    box = BounceMailbox(Mailbox.parse(server.url))
    return BounceReader(engine, box, lambda: MONDAY + timedelta(hours=hours)).read()


def told(engine: Engine, message_id: int) -> tuple[str, str]:
    with engine.begin() as db:
        row = message(db, message_id)
    return row.status.value, row.reason


def suppressed(engine: Engine) -> list[str]:
    with engine.begin() as db:
        rows = db.execute(select(SUPPRESSIONS)).all()
    assert {each.kind for each in rows} <= {SuppressionKind.UNREACHABLE}
    return [each.address for each in rows]


def test_a_dead_mailbox(engine: Engine, returned: ImapServer) -> None:
    """The message failed, with a reason for staff; the address gets nothing more, on record."""
    message_id = sent(engine)
    returned.add(report(message_id=OURS))
    assert read(engine, returned) == 1
    assert told(engine, message_id) == ("failed", "There is no such mailbox (5.1.1)")
    assert suppressed(engine) == ["ana@example.com"]
    with engine.begin() as db:
        event = db.execute(
            select(PATIENT_EVENTS).where(PATIENT_EVENTS.c.event == "unreachable")
        ).one()
    assert (event.actor, event.how) == ("provider", "bounce")


@pytest.mark.parametrize(
    ("status", "given"),
    [
        case("full", "failed", {"status": "5.2.2", "diagnostic": "552 5.2.2 full"}),
        case("spam", "failed", {"status": "5.7.1", "diagnostic": "554 5.7.1 spam"}),
        case("given up", "failed", {"status": "4.4.7", "diagnostic": "421 4.4.7 timeout"}),
        case("delayed", "sent", {"status": "4.4.1", "action": "delayed"}),
    ],
)
def test_one_that_is_soft_costs_that_message_at_most(
    sqlite: Engine, returned: ImapServer, status: str, given: dict[str, str]
) -> None:
    """The patient's next e-mail goes out as usual."""
    message_id = sent(sqlite)
    returned.add(report(message_id=OURS, **given))
    read(sqlite, returned)
    assert told(sqlite, message_id)[0] == status
    assert suppressed(sqlite) == []


def test_a_bare_550_suppresses_at_the_second_time(sqlite: Engine, returned: ImapServer) -> None:
    """Some servers say 550 to what they do not like, and not only to unknown mailboxes."""
    bare = {"status": "5.0.0", "diagnostic": "550 no"}
    sent(sqlite)
    sent(sqlite, milestone="later", message_ref="<2@glow.example.com>")
    returned.add(report(message_id=OURS, **bare))
    read(sqlite, returned)
    assert suppressed(sqlite) == []
    returned.add(report(message_id="<2@glow.example.com>", **bare))
    read(sqlite, returned)
    assert suppressed(sqlite) == ["ana@example.com"]


@pytest.mark.parametrize(
    ("found", "recipient", "hours"),
    [
        case("a relay gave it another id", 1, "ana@EXAMPLE.com", 1),
        case("somebody we never wrote to", 0, "bea@example.com", 1),
        case("too long ago to be ours", 0, "ana@example.com", 24 * 8),
    ],
)
def test_without_our_message_id_the_recipient_counts(
    sqlite: Engine, returned: ImapServer, found: int, recipient: str, hours: int
) -> None:
    """The last e-mail to that address, if it may still have been on its way."""
    message_id = sent(sqlite)
    returned.add(report(message_id="<0102@eu-west-1.amazonses.com>", recipient=recipient))
    assert read(sqlite, returned, hours=hours) == found
    assert told(sqlite, message_id)[0] == ("failed" if found else "sent")


def test_the_same_report_again_changes_nothing(engine: Engine, returned: ImapServer) -> None:
    """A crash between taking it in and marking it, or the server's second copy."""
    sent(engine)
    returned.add(report(message_id=OURS))
    read(engine, returned)
    with engine.begin() as db:
        once = everything(db)
    returned.messages[0].flags.clear()
    returned.add(report("gmail", message_id=OURS))
    assert read(engine, returned, hours=2) == 0
    with engine.begin() as db:
        assert everything(db) == once


def test_a_report_that_nobody_can_read_hides_no_other(
    sqlite: Engine, returned: ImapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the library stumbles over: the next report is taken in."""
    message_id = sent(sqlite)
    returned.add(b"Content-Type: multipart/report; boundary=\r\n\r\n" + bytes(range(256)))
    returned.add(report(message_id=OURS))

    def stumbles(raw: bytes) -> Any:
        if b"boundary=\r\n" in raw:
            raise RecursionError
        return read_bounces(raw)

    monkeypatch.setattr("worker.jobs.bounces.read_bounces", stumbles)
    assert read(sqlite, returned) == 1
    assert told(sqlite, message_id)[0] == "failed"
    assert all("AftercareRead" in each.flags for each in returned.messages)


def test_a_mailbox_that_is_down_is_told_until_it_is_back(
    tmp_path: Path, returned: ImapServer
) -> None:
    """``status`` names the setting, once, and forgets it when the mailbox answers."""
    settings = Settings(
        _env_file=None,
        database_url=f"sqlite:///{tmp_path}/aftercare.db",
        bounce_url=returned.url,
        aftercare_outbox=tmp_path / "outbox",
    )
    app = build_app(settings, senders={each: MemorySender() for each in Channel})
    returned.add(LETTER)

    def told_problems() -> list[str]:
        app.run_once()
        with app.engine.begin() as db:
            now = app.stages.clock()
            return list(health(db, now, poll=settings.poll).problems)

    returned.hangs_up_at = "SELECT"
    for _ in range(2):
        (problem,) = told_problems()
        assert problem.startswith("bounces: BOUNCE_URL: the mailbox")
    returned.hangs_up_at = ""
    assert told_problems() == []
    app.close()
