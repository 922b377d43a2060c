"""Health, headers, sizes, and a database that is away."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.rules.given import case
from tests.support.stored import MONDAY
from tests.support.web_server import web_server
from tests.web.conftest import ATTEMPT, Desk, web_settings
from worker.store import leases
from worker.store.engine import open_engine
from worker.store.schema import migrate

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

#: Nobody listens there.
AWAY = "postgresql+psycopg://clinic:s3cret@127.0.0.1:1/aftercare"


def sending_pass(desk: Desk, at: datetime) -> None:
    """A worker finished a sending pass."""
    with desk.engine.begin() as db:
        leases.take(db, "send/w1", "w1", until=at, now=at)
        leases.give_back(db, "send/w1", "w1", problem="", now=at)


@pytest.mark.parametrize(
    ("status", "worker", "minutes"),
    [
        case("just now", 200, "running", 0),
        case("a slow pass", 200, "running", 5),
        case("gone", 503, "stale", 6),
        case("never seen", 503, "stale", None),
    ],
)
def test_health_is_the_workers_pulse(
    desk: Desk, status: int, worker: str, minutes: int | None
) -> None:
    """200 while a worker comes by; a platform restarts or alerts on anything else."""
    if minutes is not None:
        sending_pass(desk, MONDAY - timedelta(minutes=minutes))
    answer = desk.client.get("/healthz")
    expected = {"ok": status == 200, "database": "up", "worker": worker}
    assert (answer.status_code, answer.json()) == (status, expected)


def test_a_database_that_is_away(caplog: pytest.LogCaptureFixture) -> None:
    """Twilio is told to come again, patients as well, and no password is anywhere."""
    with web_server(web_settings(AWAY)) as client:
        desk = Desk(open_engine(AWAY), client, web_settings(AWAY))
        health = client.get("/healthz")
        posts = [
            desk.post(f"/twilio/status?attempt={ATTEMPT}", {"MessageSid": "SM1"}),
            desk.post("/twilio/inbound", {"MessageSid": "SM1", "From": "+34600123456"}),
        ]
        pages = [client.get(desk.link(2)), client.post(desk.link(2), data={"stop": "all"})]
    assert (health.status_code, health.json()["database"]) == (503, "down")
    assert [each.status_code for each in [*posts, *pages]] == [503] * 4
    assert all("try again in a few minutes" in each.text for each in pages)
    assert "s3cret" not in caplog.text + "".join(each.text for each in [health, *posts, *pages])


def test_the_database_may_come_later(tmp_path: Path) -> None:
    """The web process was up first: once the database answers, so does it."""
    folder = tmp_path / "later"
    settings = web_settings(f"sqlite:///{folder}/aftercare.db")
    with web_server(settings, clock=lambda: MONDAY) as client:
        assert client.get("/healthz").json()["database"] == "down"
        folder.mkdir()
        assert client.get("/healthz").json()["database"] == "up"


def test_a_database_that_needs_migrating_is_as_good_as_away(postgres_url: str) -> None:
    """A webhook must not fail half-way through on a missing table."""
    with web_server(web_settings(postgres_url)) as client:
        assert client.get("/healthz").json()["database"] == "down"
        engine = open_engine(postgres_url)
        migrate(engine)
        engine.dispose()
        assert client.get("/healthz").json()["database"] == "up"


@pytest.mark.parametrize("path", ["/healthz", "/", "/unsubscribe/x", "/twilio/status", "/docs"])
def test_every_answer_is_for_nobody_else(desk: Desk, path: str) -> None:
    """Not for frames, caches, search engines or other sites; and nobody says what serves it."""
    headers = desk.client.get(path).headers
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "noindex" in headers["X-Robots-Tag"]
    assert not {"Server", "X-Powered-By", "Set-Cookie"} & set(headers)


def test_a_request_that_is_too_large_is_not_read(desk: Desk) -> None:
    """Whatever it says its length is, and wherever it goes."""
    before = desk.store()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    for path in ("/twilio/inbound", "/twilio/status", desk.link(desk.care)):
        told = desk.client.post(path, content=b"a=" + b"x" * 70_000, headers=kind)
        untold = desk.client.post(path, content=iter([b"a=", *[b"x" * 1000] * 70]), headers=kind)
        assert (told.status_code, untold.status_code) == (413, 413)
    assert desk.store() == before


def test_logs_hold_no_token_number_or_body(
    desk: Desk, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """A link that stands in a log could be used by whoever reads it."""
    link = desk.link(desk.care)
    desk.client.get(f"{link}?q=+34600123456")
    desk.client.post(link, data={"stop": "all", "note": "it is bleeding"})
    text = {"MessageSid": "SM9", "From": "+34600123456", "Body": "it is bleeding"}
    desk.post("/twilio/inbound", text)
    desk.client.post("/twilio/inbound", data=text)
    said = capsys.readouterr()
    # What the test's own client logs is not ours.
    ours = [each.getMessage() for each in caplog.records if not each.name.startswith("http")]
    logged = "\n".join([said.out, said.err, *ours])
    assert "web.request" in logged
    for secret in (link.rpartition("/")[2], "600123456", "bleeding", "ana@", ATTEMPT):
        assert secret not in logged
