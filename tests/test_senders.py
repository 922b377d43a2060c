"""A clinic's own sender: who patients see, what the providers hear, and whose trouble it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.support.command import Shell, add_clinic
from tests.support.mail_server import MailServer, Manner
from tests.support.twilio_behaviour import error
from tests.support.twilio_server import SERVICE, TwilioServer
from tests.test_smtp_mail import ENVELOPE as MAIL
from tests.test_smtp_mail import NOW, arrived
from tests.test_twilio import ENVELOPE, sender_to
from worker.channels.accounts import MailServer as Address
from worker.channels.smtp import SmtpSender
from worker.channels.twilio import CODES, Meaning
from worker.rules.outcomes import ChannelDown

if TYPE_CHECKING:
    from pathlib import Path

OWN_NUMBER = "+12125550199"
OWN_SERVICE = "MG" + "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("own", "heard"),
    [
        ("", {"MessagingServiceSid": SERVICE}),
        (OWN_NUMBER, {"From": OWN_NUMBER}),
        (OWN_SERVICE, {"MessagingServiceSid": OWN_SERVICE}),
    ],
)
def test_texts_come_from_the_clinics_own_number(own: str, heard: dict[str, str]) -> None:
    """Or its own messaging service; without either, from the installation's."""
    with TwilioServer() as server:
        sender_to(server).send(replace(ENVELOPE, sender=own))
        (posted,) = server.posts
    assert {name: posted[name] for name in ("From", "MessagingServiceSid") if name in posted} == (
        heard
    )


@pytest.mark.parametrize("code", sorted(CODES))
def test_only_a_senders_own_fault_is_the_senders(code: int) -> None:
    """A wrong number is the clinic's; a wrong key, a full queue or a dead phone is not."""
    with TwilioServer() as server:
        sender = sender_to(server)
        known = CODES[code]
        own = sender._outcome(known, code, OWN_NUMBER)
        shared = sender._outcome(known, code)
    if known.meaning is Meaning.SENDER:
        assert isinstance(own, ChannelDown)
        assert own.sender == OWN_NUMBER
        assert "--sms-from" in own.why
    else:
        assert own == shared
    assert getattr(shared, "sender", "") == ""


def test_twilio_refuses_a_clinics_number() -> None:
    """From the wire to the outcome."""
    with TwilioServer() as server:
        server.script.append(error(21606))
        outcome = sender_to(server).send(replace(ENVELOPE, sender=OWN_NUMBER))
    assert isinstance(outcome, ChannelDown)
    assert outcome.sender == OWN_NUMBER


@pytest.mark.parametrize(
    ("own", "shown"),
    [
        ("", "Glow Skin Clinic <notes@glow.example.com>"),
        ("hola@brillo.example.com", "Glow Skin Clinic <hola@brillo.example.com>"),
        ('"Equipo Brillo" <hola@brillo.example.com>', "Equipo Brillo <hola@brillo.example.com>"),
    ],
)
def test_mail_comes_from_the_clinics_own_address(own: str, shown: str) -> None:
    """In the letter and on the envelope; the clinic's name stands there unless it chose another."""
    received = arrived(replace(MAIL, sender=own))
    assert received.mail["From"] == shown
    assert received.mail_from == ("hola@brillo.example.com" if own else "notes@glow.example.com")


@pytest.mark.parametrize("own", ["", "hola@brillo.example.com"])
def test_a_mail_server_refuses_a_sender(own: str) -> None:
    """The clinic's own is its own trouble; MAIL_FROM is everybody's."""
    with MailServer() as server:
        server.script.append(Manner(at_mail="550 5.7.1 not yours"))
        sender = SmtpSender(Address.parse(server.url), "notes@glow.example.com", lambda: NOW)
        outcome = sender.send(replace(MAIL, sender=own))
        sender.close()
    assert isinstance(outcome, ChannelDown)
    assert outcome.sender == own
    assert ("--mail-from" if own else "MAIL_FROM") in outcome.why


# The command


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    """A shell with a clinic."""
    shell = Shell(tmp_path, monkeypatch, capsys)
    add_clinic(shell)
    return shell


def test_senders_are_set_shown_and_taken_away(shell: Shell) -> None:
    """Numbers as people write them; an empty one gives the installation's back."""
    mail = "Equipo Brillo <hola@brillo.example.com>"
    assert shell.run("clinic", "edit", "glow", "--sms-from", "910 111 222").code == 0
    assert shell.run("clinic", "edit", "glow", "--mail-from", mail).code == 0
    shown = shell.run("clinic", "list").told
    assert 'sends as +34910111222 and "Equipo Brillo" <hola@brillo.example.com>' in shown
    assert shell.run("clinic", "edit", "glow", "--sms-from", "", "--mail-from", "").code == 0
    assert "sends as" not in shell.run("clinic", "list").told


@pytest.mark.parametrize(
    ("option", "wrong", "told"),
    [
        ("--sms-from", "BRILLO", "STOP"),
        ("--sms-from", "12", "--sms-from"),
        ("--mail-from", "Brillo", "--mail-from"),
        ("--mail-from", "Brillo <hola@>", "--mail-from"),
    ],
)
def test_a_sender_that_cannot_be_is_refused(
    shell: Shell, option: str, wrong: str, told: str
) -> None:
    """A name as a sender of texts would leave patients no way to say STOP."""
    done = shell.run("clinic", "edit", "glow", option, wrong)
    assert (done.code, told in done.err) == (1, True)
