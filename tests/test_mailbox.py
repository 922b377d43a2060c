"""The mailbox that undeliverable e-mails come back to, over a real socket."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.rules.given import case
from tests.support.imap_server import ImapServer
from tests.support.reports import BARE, LETTER, report
from worker.channels.accounts import Mailbox
from worker.channels.mailbox import BounceMailbox
from worker.errors import MailboxError

if TYPE_CHECKING:
    from pathlib import Path

SINCE = datetime(2026, 11, 9, tzinfo=UTC)
ON_LOOPBACK = "imap://user:secret@127.0.0.1:1/INBOX"


def box_of(server: ImapServer) -> BounceMailbox:
    return BounceMailbox(Mailbox.parse(server.url))


def read(box: BounceMailbox, *, mark: bool = True) -> list[bytes]:
    """The reports that are new, marked as the worker marks them."""
    found = []
    with box.open() as session:
        for uid, raw in session.reports(SINCE):
            found.append(raw)
            if mark:
                session.mark(uid)
    return found


@pytest.mark.parametrize("own_marks", [True, False], ids=["own marks", "no own marks"])
@pytest.mark.parametrize("uid_first", [True, False], ids=["UID first", "UID last"])
def test_reports_are_read_once_and_letters_never(*, own_marks: bool, uid_first: bool) -> None:
    """A report is marked and stays; people's letters are neither opened nor marked."""
    with ImapServer(own_marks=own_marks, uid_first=uid_first) as server:
        letter, first, bare = server.add(LETTER), server.add(report()), server.add(BARE)
        box = box_of(server)
        assert read(box) == [report()]
        assert read(box) == []
        second = server.add(report("gmail"))
        assert read(box_of(server)) == [report("gmail")]
        assert [each.flags for each in (letter, bare)] == [set(), set()]
        marks = {"\\Seen", "AftercareRead"} if own_marks else {"\\Seen"}
        assert [each.flags for each in (first, second)] == [marks, marks]
        assert len(server.messages) == 4
        assert server.asked("Deleted") == server.asked("EXPUNGE") == []


def test_a_report_that_staff_opened_first_is_still_read() -> None:
    """Where marks of our own are kept, "seen" is people's."""
    with ImapServer() as server:
        server.add(report(), "\\Seen")
        assert read(box_of(server)) == [report()]


@pytest.mark.parametrize("own_marks", [True, False], ids=["own marks", "no own marks"])
def test_what_was_not_marked_comes_again(*, own_marks: bool) -> None:
    """The worker died before it marked the report: nothing is lost."""
    with ImapServer(own_marks=own_marks) as server:
        server.add(report())
        assert read(box_of(server), mark=False) == read(box_of(server)) == [report()]
        assert server.messages[0].flags >= {"\\Seen"}


def test_letters_are_looked_at_once_by_their_headers() -> None:
    """A mailbox that people use may hold thousands: each is asked about once."""
    with ImapServer() as server:
        for _ in range(3):
            server.add(LETTER)
        box = box_of(server)
        read(box)
        asked = len(server.asked("FETCH"))
        read(box)
        assert len(server.asked("FETCH")) == asked == 1
        assert server.asked("BODY.PEEK[]") == []
        # The server begins its numbers anew: what was a letter may be a report.
        server.validity, server.messages[0].raw = 8, report()
        assert read(box) == [report()]


def test_only_the_beginning_of_a_long_report_is_fetched() -> None:
    """The e-mail that came back may be as long as it likes."""
    raw = report() + b"x" * 300_000
    with ImapServer() as server:
        server.add(raw)
        assert read(box_of(server)) == [raw[:200_000]]


def test_tls_is_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that nobody vouches for is refused before the password is told."""
    with ImapServer(tls=True) as server:
        server.add(report())
        with pytest.raises(MailboxError, match=r"BOUNCE_URL: .*certificate cannot be trusted"):
            read(box_of(server))
        assert server.commands == []
        monkeypatch.setenv("SSL_CERT_FILE", str(server.trust_file(tmp_path)))
        assert read(box_of(server)) == [report()]


@pytest.mark.parametrize("hangs_up_at", ["LOGIN", "SELECT", "SEARCH", "FETCH", "STORE", "LOGOUT"])
def test_a_server_that_hangs_up(hangs_up_at: str) -> None:
    """A passing fault, told by the setting's name; at the farewell it is none at all."""
    with ImapServer(hangs_up_at=hangs_up_at) as server:
        server.add(report())
        box = box_of(server)
        if hangs_up_at == "LOGOUT":
            assert read(box) == [report()]
            return
        with pytest.raises(MailboxError, match=r"BOUNCE_URL: the mailbox .* cannot be read"):
            read(box)
        server.hangs_up_at = ""
        assert read(box) == [report()]


@pytest.mark.parametrize(
    ("told", "url"),
    [
        case("wrong password", "does not accept user or password", ("pass", "wrong")),
        case("no such folder", "has no such folder", ("INBOX", "Bounces")),
        case("nobody there", "cannot be read", ("127.0.0.1:", "127.0.0.1:1")),
    ],
)
def test_what_an_operator_can_mend_is_told_without_secrets(told: str, url: tuple[str, str]) -> None:
    """The setting by its name; never the user, the password or the server's own words."""
    with ImapServer() as server:
        good, bad = url
        changed = ON_LOOPBACK if "127" in good else server.url.replace(good, bad)
        problem = BounceMailbox(Mailbox.parse(changed)).check()
    assert problem.startswith("BOUNCE_URL: ")
    assert told in problem
    assert not {"wrong", "secret", "bounces@", "Bounces"} & set(problem.split())


def test_a_mailbox_that_is_well() -> None:
    """``check`` has nothing to say, also about a folder with blanks and quotes."""
    with ImapServer(folder="Returned mail") as server:
        assert BounceMailbox(Mailbox.parse(server.url.replace(" ", "%20"))).check() == ""


@pytest.mark.parametrize(
    ("expected", "url"),
    [
        (
            ("mail.example.com", 993, "a@b.c", "p:w", "INBOX"),
            "imaps://a%40b.c:p%3Aw@mail.example.com",
        ),
        (("h", 1993, "u", "", "Some Box"), "imaps://u@h:1993/Some%20Box"),
        (("127.0.0.1", 143, "u", "p", "INBOX"), "imap://u:p@127.0.0.1/INBOX"),
    ],
)
def test_the_parts_of_the_setting(expected: tuple[str, int, str, str, str], url: str) -> None:
    """Reserved signs are written as percent codes."""
    box = Mailbox.parse(url)
    assert expected == (box.host, box.port, box.user, box.password, box.folder)


@pytest.mark.parametrize(
    ("told", "url"),
    [
        ("must begin with imaps://", "imap://user:secret@mail.example.com/INBOX"),
        ("must be like", "imaps://mail.example.com/INBOX"),
        ("must be like", "pop3://user:secret@mail.example.com"),
        ("must be like", "imaps://user:secret@mail.example.com:secret/"),
        ("plain letters", "imaps://user:secr%C3%A9t@mail.example.com"),
        ("plain letters", "imaps://user%0D%0A:secret@mail.example.com"),
    ],
)
def test_a_setting_that_cannot_work_says_so(told: str, url: str) -> None:
    """Never with the URL, which holds a password."""
    with pytest.raises(ValueError, match=told) as raised:
        Mailbox.parse(url)
    assert "secr" not in str(raised.value)
