"""The e-mail as it arrives: headers, parts and letters."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import pytest

from tests.support.mail_server import MailServer, ReceivedMail
from worker.channels.accounts import MailServer as Address
from worker.channels.base import Envelope
from worker.channels.smtp import SmtpSender
from worker.rules.messages import Channel, Words
from worker.rules.outcomes import Accepted

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 11, 23, 14, 30, 5, tzinfo=UTC)
ENVELOPE = Envelope(
    channel=Channel.EMAIL,
    address="ana@example.com",
    words=Words(text="Hi Ana\n", subject="Your evening", html="<p>Hi Ana</p>"),
    attempt_id="0" * 32,
    from_name="Glow Skin Clinic",
    reply_to="desk@glow.example.com",
    message_ref="<177.42@glow.example.com>",
)


def arrived(
    envelope: Envelope,
    *,
    mail_from: str = "notes@glow.example.com",
    clock: Callable[[], datetime] = lambda: NOW,
) -> ReceivedMail:
    with MailServer() as server:
        outcome = SmtpSender(Address.parse(server.url), mail_from, clock).send(envelope)
    assert isinstance(outcome, Accepted)
    assert len(server.received) == 1
    return server.received[0]


def test_the_headers() -> None:
    """Sender, recipient, subject, date, ids and the word to answering machines: each once."""
    received = arrived(ENVELOPE)

    headers = {name: value for name, value in received.mail.items() if name != "Content-Type"}
    assert headers == {
        "From": "Glow Skin Clinic <notes@glow.example.com>",
        "To": "ana@example.com",
        "Subject": "Your evening",
        "Date": "Mon, 23 Nov 2026 14:30:05 +0000",
        "Message-ID": "<177.42@glow.example.com>",
        "Reply-To": "desk@glow.example.com",
        "Auto-Submitted": "auto-generated",
        "MIME-Version": "1.0",
    }
    assert len(received.mail.items()) == len(headers) + 1
    assert (received.mail_from, received.rcpt_to) == (
        "notes@glow.example.com",
        ("ana@example.com",),
    )


def test_text_comes_first_and_html_is_the_better_alternative() -> None:
    """Mail programs show the last part that they can: HTML, or else the text."""
    mail = arrived(ENVELOPE).mail

    assert mail.get_content_type() == "multipart/alternative"
    parts = [part.get_content_type() for part in mail.iter_parts()]
    assert parts == ["text/plain", "text/html"]


def test_a_calendar_is_attached() -> None:
    """Beside the words, to be taken over and not answered; to the letter as it was made."""
    lines = ("BEGIN:VCALENDAR", "METHOD:PUBLISH", "SUMMARY:Clínica Sol", "END:VCALENDAR", "")
    words = replace(ENVELOPE.words, calendar="\r\n".join(lines))
    received = arrived(replace(ENVELOPE, words=words))

    assert received.mail.get_content_type() == "multipart/mixed"
    alternative, calendar = received.mail.iter_parts()
    assert alternative.get_content_type() == "multipart/alternative"
    assert calendar.get_content_type() == "text/calendar"
    assert (calendar.get_param("method"), calendar.get_content_charset()) == ("PUBLISH", "utf-8")
    assert (calendar.get_filename(), calendar.get_content_disposition()) == (
        "calendar.ics",
        "attachment",
    )
    payload = calendar.get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert payload.decode() == words.calendar
    assert (received.text, received.html.strip()) == ("Hi Ana\n", "<p>Hi Ana</p>")


def test_the_language_is_told() -> None:
    """Once, for the whole mail, so that a screen reader speaks it and no program translates it."""
    words = replace(ENVELOPE.words, language="es", calendar="BEGIN:VCALENDAR\r\n")
    assert arrived(replace(ENVELOPE, words=words)).mail.get_all("Content-Language") == ["es"]


def test_without_html_the_text_stands_in_for_it() -> None:
    """A template without HTML still gives both parts, and the text is not read as tags."""
    envelope = replace(ENVELOPE, words=Words(text="1 < 2 & so on\n", subject="S"))

    assert arrived(envelope).html.strip() == "<pre>1 &lt; 2 &amp; so on\n</pre>"


def test_the_same_message_keeps_its_id() -> None:
    """Two attempts carry the same Message-ID, so that a mailbox can tell they are one."""
    first, second = arrived(ENVELOPE), arrived(replace(ENVELOPE, attempt_id="1" * 32))

    assert first.mail["Message-ID"] == second.mail["Message-ID"] == "<177.42@glow.example.com>"


@pytest.mark.parametrize(
    "moment",
    [NOW, NOW.astimezone(timezone(timedelta(hours=-7)))],
    ids=["UTC", "a clock elsewhere"],
)
def test_the_date_is_the_moment_of_sending(moment: datetime) -> None:
    """The Date header is the clock's moment, in whatever zone the clock is."""
    assert parsedate_to_datetime(str(arrived(ENVELOPE, clock=lambda: moment).mail["Date"])) == NOW


@pytest.mark.parametrize(
    ("expected", "from_name", "mail_from"),
    [
        ("Glow Skin Clinic", "Glow Skin Clinic", "notes@glow.example.com"),
        ("Clínica Piel y Sol", "Clínica Piel y Sol", "notes@glow.example.com"),
        ("Glow, Skin & Co. (Madrid)", "Glow, Skin & Co. (Madrid)", "notes@glow.example.com"),
        ('The "Glow"', 'The "Glow"', "notes@glow.example.com"),
        ("Glow", "Glow", "Someone Else <notes@glow.example.com>"),
        ("Someone Else", "", "Someone Else <notes@glow.example.com>"),
    ],
)
def test_the_clinics_name_stands_before_the_address(
    expected: str, from_name: str, mail_from: str
) -> None:
    """Patients see the clinic as the sender, however its name is written."""
    received = arrived(replace(ENVELOPE, from_name=from_name), mail_from=mail_from)

    (author,) = received.mail["From"].addresses
    assert (author.display_name, author.addr_spec) == (expected, "notes@glow.example.com")
    assert received.mail_from == "notes@glow.example.com"


@pytest.mark.parametrize(
    "subject",
    [
        "Your evening",
        "Tus indicaciones para los próximos días",
        "Ваш вечер",
        "今夜のケアについて",
        "Time for a rest 🌙",
        "a very long subject " * 12 + "end",
    ],
)
def test_a_subject_in_any_language_arrives(subject: str) -> None:
    """Every letter of the subject is there, and the raw header is plain ASCII."""
    envelope = replace(ENVELOPE, words=replace(ENVELOPE.words, subject=subject))

    received = arrived(envelope)

    assert received.mail["Subject"] == subject
    assert received.raw.isascii()


def test_no_encoded_word_is_too_long() -> None:
    """RFC 2047, section 2: an encoded word has at most 75 characters."""
    subject = "Una información más sobre la próxima sesión: qué esperar y cómo prepararla"
    envelope = replace(ENVELOPE, words=replace(ENVELOPE.words, subject=subject))

    header, _, _ = arrived(envelope).raw.partition(b"\r\n\r\n")

    words = [each for each in header.split() if each.startswith(b"=?")]
    assert words
    assert max(len(each) for each in words) <= 75


@pytest.mark.parametrize(
    "text",
    [
        "First line\n.\n.. and\n.last\n",
        ".begins\n",
        "ends with a dot on its own\n.\n",
        "From the clinic\nFrom tomorrow\n",
        "Mañana, “SPF 30+”: 20 °C\n",
        "no line break at the end of a very long line " * 40 + "\n",
        "spaces at the end   \n\ttabs\n\n\nblank lines\n",
        "equals = and =20 and =E1\n",
    ],
    ids=["dots", "first dot", "last dot", "From", "accents", "long", "blanks", "equals"],
)
def test_a_body_arrives_letter_by_letter(text: str) -> None:
    """What SMTP treats specially (dots, long lines, other alphabets) arrives as it was written."""
    words = replace(ENVELOPE.words, text=text, html=f"<p>{text}</p>")

    received = arrived(replace(ENVELOPE, words=words))

    assert (received.text, received.html) == (text, f"<p>{text}</p>\n")
    assert max(len(line) for line in received.raw.split(b"\r\n")) <= 998


def test_one_click_unsubscribing() -> None:
    """RFC 8058: both headers, each on one line however long the link, in plain ASCII."""
    url = "https://care.glow.example.com/aftercare/unsubscribe/" + "WzEyMzQ1LCJh" * 40
    received = arrived(replace(ENVELOPE, unsubscribe_url=url))

    assert f"\r\nList-Unsubscribe: <{url}>\r\n".encode() in received.raw
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in received.raw
    assert max(len(line) for line in received.raw.split(b"\r\n")) <= 998
