"""One set of promises over every channel: what the contract in ``worker/channels/base.py`` says."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.support.mail_server import MailServer, ReceivedMail
from tests.support.twilio_server import TwilioServer
from worker.channels.accounts import MailServer as Address
from worker.channels.base import Envelope
from worker.channels.console import OutboxSender, TeamSender
from worker.channels.memory import MemorySender
from worker.channels.smtp import SmtpSender
from worker.channels.twilio import TwilioSender
from worker.providers import twilio_account
from worker.rules.messages import Channel, Words
from worker.rules.outcomes import Accepted, ChannelDown, TryAgain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from worker.channels.base import Sender

NOW = datetime(2026, 11, 23, 14, tzinfo=UTC)

SMS = Envelope(
    channel=Channel.SMS,
    address="+34600123456",
    words=Words(text="Glow: hi Ana!"),
    attempt_id="0" * 32,
)
EMAIL = Envelope(
    channel=Channel.EMAIL,
    address="ana@example.com",
    words=Words(text="Hi Ana,\n\nrest.\n", subject="Your evening", html="<p>Hi Ana</p>"),
    attempt_id="0" * 32,
    from_name="Glow Skin Clinic",
    reply_to="desk@glow.example.com",
    message_ref="<1@glow.example.com>",
)

#: Texts that have been mangled on the way by other senders.
TEXTS = {
    "plain": "Glow: hi Ana!",
    "several lines": "Glow: hi!\nNo sun until Thursday.\n\nCall 910 12 34 56",
    "GSM extras": "Price 30 € [from] {now} ~ ^ | \\",
    "accents and quotes": "¡Adiós, “Zoë”! Mañana más: 20 °C",
    "emoji": "Well done 👩‍⚕️🎉",
    "another script": "Здравствуйте, Анна",
    "a dot begins a line": "First\n.hidden\n..twice\n.\nlast",
    "form characters": "a+b=c & d%20e; #1? 100%",
    "very long line": "word " * 300 + "end",
    "From begins a line": "Hi\nFrom tomorrow you may",
}


@dataclass(frozen=True)
class Bench:
    """A channel with a look at what its other end got.

    ``received`` gives (address, subject, text) of each message; ``break_it`` takes the other end
    away.
    """

    sender: Sender
    sample: Envelope
    received: Callable[[], list[tuple[str, str | None, str]]]
    break_it: Callable[[], None]

    def envelope(self, text: str, address: str = "") -> Envelope:
        """The sample with another text, ended as the templates of its channel end."""
        text += "\n" if self.sample.channel is Channel.EMAIL else ""
        words = replace(self.sample.words, text=text)
        return replace(
            self.sample,
            words=words,
            address=address or self.sample.address,
            attempt_id=uuid4().hex,
        )


def over_twilio(stack: ExitStack, _: Path) -> Bench:
    server = stack.enter_context(TwilioServer())
    return Bench(
        TwilioSender(twilio_account(server.settings()), lambda: NOW),
        SMS,
        lambda: [(each.to, None, each.body) for each in server.received],
        server.stop,
    )


def over_smtp(stack: ExitStack, _: Path) -> Bench:
    server = stack.enter_context(MailServer())
    return Bench(
        SmtpSender(Address.parse(server.url), "notes@glow.example.com", lambda: NOW),
        EMAIL,
        lambda: [(each.rcpt_to[0], each.mail["Subject"], each.text) for each in server.received],
        server.stop,
    )


def over_outbox(sample: Envelope) -> Callable[[ExitStack, Path], Bench]:
    def make(_: ExitStack, folder: Path) -> Bench:
        outbox = folder / "outbox"

        def received() -> list[tuple[str, str | None, str]]:
            return [
                *(read_sms(path.read_text(encoding="utf-8")) for path in outbox.glob("*.txt")),
                *(read_email(path.read_bytes()) for path in outbox.glob("*.eml")),
            ]

        sender = OutboxSender(outbox, lambda: NOW, "notes@glow.example.com")
        return Bench(sender, sample, received, lambda: spoil(outbox))

    return make


def read_sms(content: str) -> tuple[str, str | None, str]:
    head, _, text = content.partition("\n\n")
    return head.removeprefix("To: "), None, text.removesuffix("\n")


def read_email(content: bytes) -> tuple[str, str | None, str]:
    mail = ReceivedMail("", (), content)
    return mail.mail["To"], mail.mail["Subject"], mail.text


def spoil(folder: Path) -> None:
    """Put a file where the folder was: nothing can be written into it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.touch()


def over_memory(_: ExitStack, __: Path) -> Bench:
    sender = MemorySender()

    def received() -> list[tuple[str, str | None, str]]:
        return [(each.address, each.words.subject, each.words.text) for each in sender.sent]

    return Bench(sender, SMS, received, lambda: sender.answers.append(ChannelDown("Gone")))


def over_team(_: ExitStack, folder: Path) -> Bench:
    real, outbox = MemorySender(), OutboxSender(folder, lambda: NOW, "notes@glow.example.com")

    def received() -> list[tuple[str, str | None, str]]:
        return [(each.address, each.words.subject, each.words.text) for each in real.sent]

    team = [SMS.address, *(f"+3460012340{number}" for number in range(10))]
    sender = TeamSender(real, outbox, team)
    return Bench(sender, SMS, received, lambda: real.answers.append(ChannelDown("Gone")))


CHANNELS = {
    "twilio": over_twilio,
    "smtp": over_smtp,
    "outbox for SMS": over_outbox(SMS),
    "outbox for e-mail": over_outbox(EMAIL),
    "memory": over_memory,
    "team": over_team,
}


@pytest.fixture(params=CHANNELS)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """Each channel in turn."""
    with ExitStack() as stack:
        bench = CHANNELS[request.param](stack, tmp_path)
        stack.callback(bench.sender.close)
        yield bench


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_what_arrives_is_what_was_given(bench: Bench, text: str) -> None:
    """Address, subject and every letter of the text reach the other end unchanged."""
    envelope = bench.envelope(text)

    outcome = bench.sender.send(envelope)

    assert isinstance(outcome, Accepted)
    assert bench.received() == [(envelope.address, envelope.words.subject, envelope.words.text)]


def test_every_message_has_its_own_id_at_the_provider(bench: Bench) -> None:
    """Where a provider gives ids, two messages never share one."""
    outcomes = [bench.sender.send(bench.envelope(text)) for text in ("one", "two", "three")]

    ids = [each.provider_id for each in outcomes if isinstance(each, Accepted)]
    given = [each for each in ids if each is not None]
    assert len(ids) == 3
    assert len(set(given)) == len(given)


def test_many_threads_send_each_message_once(bench: Bench) -> None:
    """Eight threads send forty messages at once: each arrives exactly once, at its own address."""
    addresses = (
        [f"patient{number}@example.com" for number in range(10)]
        if bench.sample.channel is Channel.EMAIL
        else [f"+3460012340{number}" for number in range(10)]
    )
    envelopes = [bench.envelope(f"Message {n}", addresses[n % 10]) for n in range(40)]

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(bench.sender.send, envelopes))

    assert {type(each) for each in outcomes} == {Accepted}
    expected = [(each.address, each.words.subject, each.words.text) for each in envelopes]
    assert sorted(bench.received(), key=str) == sorted(expected, key=str)


@pytest.mark.parametrize("sent_before", [0, 2])
def test_a_dead_end_is_an_outcome_not_an_exception(bench: Bench, sent_before: int) -> None:
    """When the other end goes away, the channel says so, does not raise, and names no address."""
    for number in range(sent_before):
        assert isinstance(bench.sender.send(bench.envelope(f"Hi {number}")), Accepted)
    bench.break_it()

    outcome = bench.sender.send(bench.envelope("Hi Ana"))

    assert isinstance(outcome, ChannelDown | TryAgain)
    assert bench.sample.address not in outcome.why
    assert "Ana" not in outcome.why


def test_closing_is_always_allowed(bench: Bench) -> None:
    """A channel can be closed unused, and twice, without a fuss."""
    bench.sender.close()
    bench.sender.close()
