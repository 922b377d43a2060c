"""Signed links: the same at every attempt, nobody else's, and silent."""

from __future__ import annotations

import base64
import re

import pytest
from pydantic import SecretStr

from worker.content.links import NO_LINKS, Links, Ticket

PUBLIC = "https://care.example.com/aftercare"
KEY = SecretStr("f" * 64)
LINKS = Links(PUBLIC, KEY)
ANA = "ana@example.com"


def token(links: Links = LINKS, number: int = 17, address: str = ANA) -> str:
    return links.unsubscribe(number, address).rpartition("/")[2]


def test_a_link_is_read_back() -> None:
    """It says which message, and fits its address in any capitals."""
    ticket = LINKS.read(token())
    assert ticket is not None
    assert ticket.message_id == 17
    assert LINKS.is_for(ticket, "Ana@Example.COM")
    assert not LINKS.is_for(ticket, "bea@example.com")


def test_it_is_the_same_at_every_attempt() -> None:
    """A message that goes again says the same, letter by letter; and a slash more is no matter."""
    assert LINKS.unsubscribe(17, ANA) == Links(f"{PUBLIC}/", KEY).unsubscribe(17, ANA)
    assert LINKS.unsubscribe(17, ANA).startswith(f"{PUBLIC}/unsubscribe/")


def test_it_is_short_and_needs_no_encoding() -> None:
    """Mail programs break long links, and some break signs that need percent codes."""
    assert re.fullmatch(r"[A-Za-z0-9_.-]{1,100}", token(number=10**9))


def test_it_holds_nothing_personal() -> None:
    """Neither the address nor a digest of it that others could make from a guess."""
    payload = token().rpartition(".")[0]
    plain = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).decode()
    assert plain.startswith("[17,")
    assert not re.search(r"ana|example", plain)
    other = Links(PUBLIC, SecretStr("another")).unsubscribe(17, ANA)
    assert other.rpartition("/")[2].rpartition(".")[0] != payload


@pytest.mark.parametrize("place", [0, 3, -1, -10])
def test_a_changed_link_is_nobodys(place: int) -> None:
    """One letter changed anywhere, another key, or the signature of something else."""
    letters = list(token())
    letters[place] = "A" if letters[place] != "A" else "B"
    assert LINKS.read("".join(letters)) is None
    assert Links(PUBLIC, SecretStr("another")).read(token()) is None


@pytest.mark.parametrize("said", ["17", 17, [17], ["x", "y"], {"a": 1}, None, [None, "d"]])
def test_what_we_signed_for_another_purpose_is_no_link(said: object) -> None:
    """Even under our own key only a number and a digest are a ticket."""
    assert LINKS.read(LINKS._serializer().dumps(said)) is None


def test_without_a_public_address_or_a_key_there_are_no_links() -> None:
    """An empty key must not sign, and must not vouch for what anybody signed with it."""
    assert NO_LINKS.unsubscribe(17, ANA) == ""
    assert Links(PUBLIC, SecretStr("")).unsubscribe(17, ANA) == ""
    assert Links("", KEY).unsubscribe(17, ANA) == ""
    assert NO_LINKS.read(token()) is None
    assert NO_LINKS.read(NO_LINKS._serializer().dumps([17, "digest"])) is None
    assert isinstance(Links("", KEY).read(token()), Ticket)
