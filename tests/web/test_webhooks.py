"""Twilio's webhooks: only what Twilio signed counts, and it may come twice and in any order."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from tests.rules.given import case
from tests.support.twilio_server import ACCOUNT, TOKEN
from tests.support.web_server import web_server
from tests.web.conftest import ATTEMPT, PUBLIC, Desk, web_settings
from worker.rules.messages import Channel, Status
from worker.store.kinds import SuppressionKind
from worker.store.tables import MESSAGES, PATIENTS, REPLIES, SUPPRESSIONS

if TYPE_CHECKING:
    from pathlib import Path

STATUS = f"/twilio/status?attempt={ATTEMPT}"
INBOUND = "/twilio/inbound"


def said(status: str, **more: str) -> dict[str, str]:
    """What Twilio posts about a message; blank values belong to the signature."""
    about = {"MessageSid": "SM1", "SmsSid": "SM1", "MessageStatus": status, "SmsStatus": status}
    return {**about, "AccountSid": ACCOUNT, "To": "+34600123456", "ErrorCode": "", **more}


def texted(body: str, **more: str) -> dict[str, str]:
    """What Twilio posts for a text that came in."""
    about = {"MessageSid": "SM9", "From": "+34600123456", "To": "+34900000000", "Body": body}
    return {**about, "NumMedia": "0", "FromCity": "", "AccountSid": ACCOUNT, **more}


# Receipts


@pytest.mark.parametrize(
    ("expected", "params"),
    [
        case("delivered", Status.DELIVERED, said("delivered")),
        case("failed", Status.FAILED, said("undelivered", ErrorCode="30008")),
        case("on its way", Status.SENT, said("sent")),
        case("a status from the future", Status.SENT, said("teleported")),
        case("new parameters", Status.DELIVERED, said("delivered", Mood="good", Blank="")),
        case("letters", Status.DELIVERED, said("delivered", Note="señal débil ✓ & más")),
    ],
)
def test_a_receipt_is_taken(desk: Desk, expected: Status, params: dict[str, str]) -> None:
    """The message moves by what Twilio says; the answer is empty and good."""
    answer = desk.post(STATUS, params)
    assert (answer.status_code, answer.content) == (204, b"")
    assert desk.row(desk.text).status is expected


def test_our_attempt_in_the_address_finds_the_message(desk: Desk) -> None:
    """Twilio's answer to the create was lost: its callback brings our id back, and settles it."""
    with desk.engine.begin() as db:
        unknown = {"status": Status.UNKNOWN, "provider_id": None}
        db.execute(update(MESSAGES).where(MESSAGES.c.id == desk.text).values(unknown))
        claim = "INSERT INTO message_events (message_id, at, event, from_status, to_status, cause,"
        claim += " reason, attempt_id, actor) SELECT id, created_at, 'claimed', 'planned',"
        claim += (
            f" 'sending', 'claimed', '', attempt_id, 'worker' FROM messages WHERE id={desk.text}"
        )
        db.exec_driver_sql(claim)
    assert desk.post(STATUS, said("delivered", MessageSid="SM77")).status_code == 204
    row = desk.row(desk.text)
    assert (row.status, row.provider_id) == (Status.DELIVERED, "SM77")


def test_receipts_in_any_order_and_twice_end_the_same(desk: Desk) -> None:
    """Callbacks come unordered and repeat; delivered stays delivered."""
    assert desk.post(STATUS, said("delivered")).status_code == 204
    once = desk.store()
    for order in permutations(["queued", "sending", "sent", "delivered"]):
        for each in order:
            assert desk.post(STATUS, said(each)).status_code == 204
    assert desk.post(STATUS, said("failed", ErrorCode="30005")).status_code == 204
    assert desk.store() == once


def test_a_dead_number_is_suppressed(desk: Desk) -> None:
    """The webhook's error code has the same effect as the one at sending."""
    desk.post(STATUS, said("undelivered", ErrorCode="30006"))
    with desk.engine.begin() as db:
        row = db.execute(select(SUPPRESSIONS)).one()
    assert (row.kind, row.address) == (SuppressionKind.UNREACHABLE, "+34600123456")


def test_another_programs_message_changes_nothing(desk: Desk) -> None:
    """One account may serve others: signed, and none of ours."""
    before = desk.store()
    answer = desk.post("/twilio/status?attempt=other", said("delivered", MessageSid="SM404"))
    assert (answer.status_code, desk.store()) == (204, before)


# Who may say it

_SHA256 = {"X-Twilio-Webhooks-Signature-Settings": "key=k1,algorithm=HMAC_SHA256"}


def test_the_sha_256_variant_is_read(desk: Desk) -> None:
    """Its header says so; without the header the same signature is nobody's."""
    params = said("delivered")
    bare = desk.post(STATUS, params, algorithm="HMAC_SHA256")
    assert (bare.status_code, desk.row(desk.text).status) == (403, Status.SENT)
    assert desk.post(STATUS, params, algorithm="HMAC_SHA256", **_SHA256).status_code == 204
    assert desk.row(desk.text).status is Status.DELIVERED


@pytest.mark.parametrize(
    "forged",
    [
        case("another token", {"token": "guessed"}),
        case("another host", {"public": "https://evil.example.com/aftercare"}),
        case("plain http", {"public": PUBLIC.replace("https", "http")}),
        case("without our prefix", {"public": "https://care.example.com"}),
        case("unknown algorithm", {"X-Twilio-Webhooks-Signature-Settings": "algorithm=NONE"}),
        case("SHA-1 said to be SHA-256", _SHA256),
    ],
)
@pytest.mark.parametrize("path", [STATUS, INBOUND])
def test_what_twilio_did_not_sign_changes_nothing(
    desk: Desk, path: str, forged: dict[str, str]
) -> None:
    """A wrong key, or the right one over another address: 403, and every row stays."""
    before = desk.store()
    params = said("delivered") | texted("STOP", MessageSid="SM1")
    assert desk.post(path, params, **forged).status_code == 403
    assert desk.store() == before


@pytest.mark.parametrize("path", [STATUS, INBOUND])
def test_what_was_changed_on_the_way_counts_as_unsigned(desk: Desk, path: str) -> None:
    """Another parameter, another query, a missing blank, a host that claims to be ours."""
    before = desk.store()
    params = said("delivered") | texted("hello", MessageSid="SM1")
    good = desk.post(path, {"never": "sent"}).request.headers["X-Twilio-Signature"]
    hosts = {"Host": "care.example.com", "X-Forwarded-Proto": "https"}
    tries: list[tuple[str, dict[str, Any], dict[str, str]]] = [
        (path, params, {}),
        (path, params, {"X-Twilio-Signature": ""}),
        (path, params, {"X-Twilio-Signature": good}),
        (path, params, {"X-Twilio-Signature": "AAAA", **hosts}),
        (path, {}, {"X-Twilio-Signature": good}),
        (
            f"{path}&x=1" if "?" in path else f"{path}?x=1",
            {"never": "sent"},
            {"X-Twilio-Signature": good},
        ),
        (path, {"never": "sent", "Blank": ""}, {"X-Twilio-Signature": good}),
    ]
    for where, what, headers in tries:
        assert desk.client.post(where, data=what, headers=headers).status_code == 403
    assert desk.client.post(path, files={"Body": ("a.txt", b"STOP")}).status_code in {400, 403}
    assert desk.client.get(path).status_code == 405
    assert desk.store() == before


@pytest.mark.parametrize(
    "changes",
    [
        case(
            "no token",
            {"twilio_auth_token": "", "twilio_api_key_sid": "SK1", "twilio_api_key_secret": "s"},
        ),
        case("no public address", {"public_url": ""}),
    ],
)
def test_without_token_or_address_every_webhook_is_refused(
    desk: Desk, changes: dict[str, str]
) -> None:
    """An empty key must not become a key that everybody knows."""
    before = desk.store()
    with web_server(web_settings(desk.settings.database_url, **changes)) as client:
        other = Desk(desk.engine, client, desk.settings)
        for public in (PUBLIC, ""):
            for token in ("", TOKEN, "s"):
                answer = other.post(INBOUND, texted("STOP"), token=token, public=public)
                assert answer.status_code == 403
    assert desk.store() == before


def test_an_account_with_an_api_key_and_a_signing_key(desk: Desk) -> None:
    """TWILIO_WEBHOOK_SECRET signs what names a key; the auth token signs the rest."""
    settings = web_settings(desk.settings.database_url, twilio_webhook_secret="of the key")
    with web_server(settings) as client:
        other = Desk(desk.engine, client, settings)
        signed: dict[str, Any] = {"algorithm": "HMAC_SHA256", **_SHA256}
        assert other.post(STATUS, said("sent"), **signed).status_code == 403
        assert other.post(STATUS, said("sent"), token="of the key", **signed).status_code == 204
        assert other.post(STATUS, said("sent")).status_code == 204


@pytest.mark.parametrize("where", ["", "/aftercare"])
def test_a_proxy_may_pass_our_prefix_on_or_not(desk: Desk, where: str) -> None:
    """Both ways to configure it work, since the address that counts is PUBLIC_URL."""
    path = "/twilio/status"
    made = desk.post(path, said("delivered")).request
    again = desk.client.post(where + path, content=made.content, headers=dict(made.headers))
    assert again.status_code == 204


# What patients text back


def test_a_stop_stops(desk: Desk) -> None:
    """One signed text that says stop: kept, acted on, and answered with nothing by Twilio."""
    answer = desk.post(INBOUND, texted("Stop. Thank you"))
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/xml")
    assert answer.text == '<?xml version="1.0" encoding="UTF-8"?><Response/>'
    with desk.engine.begin() as db:
        kinds = db.execute(select(SUPPRESSIONS.c.channel, SUPPRESSIONS.c.kind)).all()
        reply = db.execute(select(REPLIES)).one()
    assert kinds == [(Channel.SMS, SuppressionKind.OPTED_OUT)]
    assert (reply.provider_id, reply.recipient) == ("SM9", "+34900000000")


def test_the_same_text_twice_is_one(desk: Desk) -> None:
    """Twilio sends a webhook again when it saw no answer; polling may bring it a third time."""
    for _ in range(2):
        assert desk.post(INBOUND, texted("Is this normal?")).status_code == 200
    with desk.engine.begin() as db:
        assert len(db.execute(select(REPLIES)).all()) == 1


@pytest.mark.parametrize(
    "params",
    [
        texted("", NumMedia="1", MediaUrl0="https://api.twilio.com/x"),
        texted("ça va ? 🙂\nsí", OptOutType=""),
        texted("STOP", OptOutType="STOP"),
        texted("hello", OptOutType="SOMETHING NEW", NewThing="1"),
    ],
    ids=["only a picture", "letters", "advanced opt-out", "a word from the future"],
)
def test_whatever_shape_a_text_has(desk: Desk, params: dict[str, str]) -> None:
    """It is kept, once, with its words as they came."""
    assert desk.post(INBOUND, params).status_code == 200
    with desk.engine.begin() as db:
        assert db.execute(select(REPLIES.c.body)).scalar_one() == params["Body"]


def test_a_signed_post_that_is_no_text_changes_nothing(desk: Desk) -> None:
    """Without an id or a sender there is nothing to keep."""
    before = desk.store()
    for params in ({}, {"MessageSid": "SM9"}, {"From": "+34600123456"}):
        assert desk.post(INBOUND, params).status_code == 200
        assert desk.post("/twilio/status", params).status_code == 204
    assert desk.store() == before


def test_a_clinics_broken_list_never_costs_a_stop(desk: Desk, tmp_path: Path) -> None:
    """The shipped lists stand in until the clinic's own are mended."""
    (tmp_path / "own" / "replies").mkdir(parents=True)
    (tmp_path / "own" / "replies" / "en.toml").write_text("[stop", encoding="utf-8")
    settings = web_settings(desk.settings.database_url, aftercare_templates=tmp_path / "own")
    with web_server(settings) as client:
        answer = Desk(desk.engine, client, settings).post(INBOUND, texted("please stop"))
    assert answer.status_code == 200
    with desk.engine.begin() as db:
        assert db.execute(select(PATIENTS.c.sms_stopped)).scalar_one()


def test_the_same_on_postgresql(desk_on_postgres: Desk) -> None:
    """A receipt, a forged one, a stop, and the stop again."""
    desk = desk_on_postgres
    assert desk.post(STATUS, said("delivered"), token="guessed").status_code == 403
    assert desk.row(desk.text).status is Status.SENT
    assert desk.post(STATUS, said("delivered")).status_code == 204
    assert desk.row(desk.text).status is Status.DELIVERED
    for _ in range(2):
        assert desk.post(INBOUND, texted("no more texts please, stop")).status_code == 200
    with desk.engine.begin() as db:
        assert len(db.execute(select(REPLIES)).all()) == 1
        assert db.execute(select(PATIENTS.c.sms_stopped)).scalar_one()
