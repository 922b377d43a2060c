"""The bytes of an e-mail: whatever its words and addresses, they mean what was meant."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.channels.base import Envelope
from worker.channels.mime import build_email
from worker.rules.messages import Channel, Words

if TYPE_CHECKING:
    from email.message import EmailMessage

NOW = datetime(2026, 11, 23, 14, 30, 5, tzinfo=UTC)
ENVELOPE = Envelope(
    channel=Channel.EMAIL,
    address="ana@example.com",
    words=Words(text="Hi Ana\n", subject="Your evening", html="<p>Hi Ana</p>"),
    attempt_id="0" * 32,
    from_name="Glow Skin Clinic",
    message_ref="<177.42@glow.example.com>",
)
#: Any letters but those that end a line; lines are put together from them.
LETTERS = st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\t"))


def built(envelope: Envelope) -> tuple[bytes, EmailMessage]:
    raw = build_email(envelope, sender="notes@glow.example.com", now=NOW)
    return raw, message_from_bytes(raw, policy=default)


@settings(max_examples=30, deadline=None)
@given(st.lists(LETTERS | st.sampled_from([".", "..", "--=_mixed", "--=_alternative--", "From x"])))
def test_any_words_arrive_and_fit_on_the_wire(lines: list[str]) -> None:
    """Text, HTML and calendar to the letter, in seven bits, each line of 998 bytes at most."""
    text = "".join(f"{line}\n" for line in lines)
    crlf = text.replace("\n", "\r\n")
    words = Words(text, "S", html=f"<p>{text}", calendar=f"BEGIN\r\n{crlf}")
    raw, mail = built(replace(ENVELOPE, words=words))

    alternative, calendar = mail.iter_parts()
    plain, html = cast("EmailMessage", alternative).iter_parts()
    found = [cast("bytes", part.get_payload(decode=True)) for part in (plain, html, calendar)]
    wanted = [crlf, "<p>" + (crlf or "\r\n"), words.calendar]
    assert [each.decode() for each in found] == wanted
    assert raw.isascii()
    assert raw.endswith(b"\r\n")
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 998


@pytest.mark.parametrize("text", ["Ваш вечер после визита\n" * 9, "今夜のケアについて\n" * 9])
def test_other_alphabets_take_the_shorter_writing(text: str) -> None:
    """A mail in Russian is a third longer on the wire than its letters, not three times as long."""
    raw, mail = built(replace(ENVELOPE, words=Words(text, "S", html=text)))

    assert len(raw) < 2 * 1.5 * len(text.encode()) + 800
    arrived = [str(part.get_content()).replace("\r\n", "\n") for part in mail.iter_parts()]
    assert arrived == [text, text]


@pytest.mark.parametrize(
    "subject",
    ["x" * 200, "Ana\ufeff", "", "Añ" * 40, "Ana: 50% =C3 = _"],
    ids=["one long word", "an invisible letter", "nothing", "long accents", "signs"],
)
def test_a_subject_is_never_taken_for_something_else(subject: str) -> None:
    """Whatever a first name holds, the subject that arrives is the one that was written."""
    _, mail = built(replace(ENVELOPE, words=replace(ENVELOPE.words, subject=subject)))

    assert mail["Subject"] == subject


@pytest.mark.parametrize(
    "address",
    ['"two words"@example.com', "o'neil+care@example.co.uk", "a" * 64 + "@" + "b" * 60 + ".com"],
)
def test_any_usual_address_is_written_as_it_is(address: str) -> None:
    """An address with a space, a quote or of great length is still that one address."""
    _, mail = built(replace(ENVELOPE, address=address))

    assert [each.addr_spec for each in mail["To"].addresses] == [address]


@pytest.mark.parametrize("value", ["Ana\r\nBcc: all@example.com", "Ana\nBcc: all@example.com"])
@pytest.mark.parametrize("field", ["subject", "address", "from_name", "message_ref"])
def test_no_value_adds_a_header(field: str, value: str) -> None:
    """A line break in a name or an address is refused, or is no line break any more."""
    words = {"words": replace(ENVELOPE.words, subject=value)}
    changed = replace(ENVELOPE, **(words if field == "subject" else {field: value}))
    try:
        raw, mail = built(changed)
    except ValueError:
        return
    assert mail["Bcc"] is None, raw
