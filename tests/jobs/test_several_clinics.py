"""Several clinics in one installation: each is itself, and one's fault never touches another's.

Glow is in Madrid and speaks English; Brillo is in New York, speaks Spanish, opens later and sends
as itself. Both have a patient P1, who are two people.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import time
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tests.support.world import CLINIC
from worker.rules.facts import Clinic
from worker.rules.messages import Channel, Status
from worker.rules.outcomes import ChannelDown, Outcome, Unknown
from worker.rules.timing import SendingHours
from worker.store.channels import sender_pauses
from worker.store.clinics import add_clinic, edit_clinic

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.world import World
    from worker.channels.base import Envelope

BRILLO = Clinic(
    key="brillo",
    name="Brillo",
    zone=ZoneInfo("America/New_York"),
    country="US",
    language="es",
    phone="+12125550123",
    email="mesa@brillo.example.com",
    colour="#993366",
    hours=SendingHours(time(11), time(19)),
    sms_from="+12125550199",
    mail_from='"Equipo Brillo" <hola@brillo.example.com>',
)
#: A session at each, ended at the same moment: 15:00 in Madrid, 9:00 in New York.
GLOWS: dict[str, Any] = {"clinic": "glow"}
BRILLOS: dict[str, Any] = {
    "session_id": "B1",
    "clinic": "brillo",
    "first_name": "Luz",
    "phone": "(212) 555-0145",
    "email": "luz@example.com",
    "language": None,
    "completed_at": "2026-11-23 09:00:00",
    "updated_at": "2026-11-23 09:00:00",
}
WRONG = ChannelDown("Twilio: the sender number or service is wrong (21606)", BRILLO.sms_from)


def two(world: World) -> World:
    """Brillo joins Glow, and each has a session."""
    with world.app.engine.begin() as db:
        add_clinic(db, BRILLO, world.now)
    world.source.add(**GLOWS)
    world.source.add(**BRILLOS)
    return world


def to(world: World, address: str) -> list[Envelope]:
    """What somebody got."""
    return [each for each in world.sent if each.address == address]


def texts(world: World, address: str) -> list[Envelope]:
    """The text messages that somebody got."""
    return [each for each in to(world, address) if each.channel is Channel.SMS]


class RefusesBrillo:
    """An SMS provider that refuses Brillo's own sender, and takes everything else."""

    def __init__(self, real: Any, outcome: Outcome = WRONG) -> None:
        self.real, self.outcome, self.tried = real, outcome, 0

    def send(self, envelope: Envelope) -> Outcome:
        """By who it comes from."""
        if envelope.sender != BRILLO.sms_from:
            return self.real.send(envelope)  # type: ignore[no-any-return]
        self.tried += 1
        return self.outcome

    def close(self) -> None:
        """Nothing to let go of."""


def refuse_brillo(world: World, outcome: Outcome = WRONG) -> RefusesBrillo:
    """From now on Brillo's sender does not work."""
    refuses = RefusesBrillo(world.sms, outcome)
    world.app.lanes[Channel.SMS].calls.sender = refuses
    return refuses


def test_each_clinic_is_itself(world: World) -> None:
    """Its own name, sender, language, zone and hours, though the sessions end together."""
    two(world)
    world.move_to("2026-11-23 15:15:00")
    (glow,) = texts(world, "+34600123456")
    (brillo,) = texts(world, "+12125550145")
    assert glow.words.text.startswith("Glow Skin Clinic: thank you")
    assert brillo.words.text.startswith("Brillo: gracias por venir")
    assert "jueves 26 de noviembre, 9:00" in brillo.words.text
    assert (glow.sender, brillo.sender) == ("", BRILLO.sms_from)

    # Three days on it is Thursday 9:00 there, so 10:00, but Brillo's hours begin at eleven; here
    # it is Thursday 15:00, so Friday 10:00.
    world.move_to("2026-11-24 23:00:00")
    before = len(texts(world, "+12125550145"))
    world.move_to("2026-11-26 16:59:00")
    assert len(texts(world, "+12125550145")) == before
    world.move_to("2026-11-26 17:00:00")
    assert len(texts(world, "+12125550145")) == before + 1
    assert texts(world, "+34600123456") == [glow]
    world.move_to("2026-11-27 10:00:00")
    assert len(texts(world, "+34600123456")) == 2


def test_brillos_mail_comes_from_brillo(world: World) -> None:
    """With its own address, name, colour and Message-ID, in its own language."""
    two(world)
    world.move_to("2026-11-23 18:00:00")
    (mail,) = to(world, "luz@example.com")[:1]
    assert (mail.sender, mail.reply_to) == (BRILLO.mail_from, BRILLO.email)
    assert mail.message_ref.endswith("@brillo.example.com>")
    assert BRILLO.colour in (mail.words.html or "")
    assert "Hola, Luz" in mail.words.text
    other = to(world, "ana@example.com")[0]
    assert CLINIC.colour in (other.words.html or "")
    assert "brillo" not in f"{other.words.text}{other.words.html}".lower()


def test_the_same_patient_id_is_two_people(world: World) -> None:
    """What Glow writes about its P1 changes nothing for Brillo's."""
    two(world)
    world.run()
    world.source.change("S1", email_consent="0", updated_at="2026-11-23 15:05:00")
    world.move_to("2026-11-23 18:00:00")
    assert [each.address for each in world.email.sent] == ["luz@example.com"]


def test_a_refused_sender_pauses_only_who_uses_it(world: World) -> None:
    """Glow's texts leave, Brillo's wait without losing an attempt, and only Brillo's staff hear."""
    two(world)
    refused = refuse_brillo(world)
    for number in range(2, 5):
        session = {"session_id": f"B{number}", "patient_id": f"P{number}"}
        world.source.add(**{**BRILLOS, **session, "phone": f"(212) 555-014{number}"})
    world.move_to("2026-11-23 17:01:00")

    assert len(to(world, "+34600123456")) == 1
    (row,) = world.messages("B1", channel=Channel.SMS, milestone="home")
    assert (row.status, row.attempts) == (Status.PLANNED, 0)
    assert "21606" in row.reason
    mails = {each.address: each.words.subject for each in world.email.sent if not each.reply_to}
    assert mails == {BRILLO.email: "Aftercare: Text messages to patients are paused"}

    tried = refused.tried
    for _ in range(4):
        world.wait(minutes=1)
    # What was under way at first, and then one at a time.
    assert refused.tried - tried <= 4
    refused.outcome = Unknown("should not be asked again")
    world.app.lanes[Channel.SMS].calls.sender.real.answers = []  # type: ignore[attr-defined]
    with world.app.engine.begin() as db:
        edit_clinic(db, replace(BRILLO, sms_from="+12125550198"), world.now)
        assert sender_pauses(db) == {}
    world.run()
    assert len([each for each in world.sms.sent if each.sender == "+12125550198"]) == 4


def test_a_sender_that_works_again_is_noticed(world: World) -> None:
    """One message tries it; when that leaves, the others follow at the next pass."""
    two(world)
    refused = refuse_brillo(world)
    world.source.add(**{**BRILLOS, "session_id": "B2", "patient_id": "P2"})
    world.move_to("2026-11-23 17:01:00")
    assert refused.tried >= 1
    world.app.lanes[Channel.SMS].calls.sender = world.sms
    world.wait(minutes=1, seconds=5)
    world.run()
    assert len(to(world, "+12125550145")) == 2
    with world.app.engine.begin() as db:
        assert sender_pauses(db) == {}


def test_messages_that_wait_for_a_person_are_told_to_their_clinic(world: World) -> None:
    """Twice nobody knew whether Brillo's text left: that is not Glow's matter."""
    two(world)
    refuse_brillo(world, Unknown("No answer"))
    world.move_to("2026-11-23 17:01:00")
    for _ in range(4):
        world.wait(minutes=15)
    told = [each.address for each in world.email.sent if "decision" in (each.words.subject or "")]
    assert told == [BRILLO.email]


def test_an_id_of_someone_else_is_told_to_its_clinic(world: World) -> None:
    """Brillo's system gives P1's session to another patient: Glow's staff hear nothing of it."""
    two(world)
    world.run()
    world.source.change("B1", patient_id="P9", updated_at="2026-11-23 09:05:00")
    world.wait(minutes=1)
    told = [each for each in world.email.sent if "someone else" in (each.words.subject or "")]
    assert [each.address for each in told] == [BRILLO.email]


def test_a_broken_treatment_stops_only_who_has_it(
    new_world: Callable[..., World], own_templates: Path
) -> None:
    """Brillo's own treatment cannot be rendered; Glow's patients hear what they should."""
    peel = own_templates / "peel"
    peel.mkdir()
    for file in (own_templates / "microneedling").rglob("*"):
        if file.is_file():
            copy = peel / file.relative_to(own_templates / "microneedling")
            copy.parent.mkdir(exist_ok=True)
            copy.write_bytes(file.read_bytes())
    for file in peel.rglob("home.*"):
        file.write_text("{{ nothing_of_the_kind }}")
    world = new_world(templates=own_templates)
    with world.app.engine.begin() as db:
        add_clinic(db, BRILLO, world.now)
    world.source.add(**GLOWS)
    world.source.add(**{**BRILLOS, "treatment": "peel"})
    world.move_to("2026-11-23 17:01:00")
    assert len(to(world, "+34600123456")) == 1
    assert to(world, "+12125550145") == []
    (row,) = world.messages("B1", channel=Channel.SMS, milestone="home")
    assert row.status is Status.PLANNED


def test_rows_of_an_unknown_clinic_stop_nobody(world: World) -> None:
    """Nor do rows that forget to say whose they are."""
    two(world)
    world.source.add(session_id="X1", patient_id="X1", clinic="luna")
    world.source.add(session_id="X2", patient_id="X2", clinic=None)
    world.move_to("2026-11-23 15:16:00")
    assert len(to(world, "+34600123456")) == 1
    assert world.messages("X1") == world.messages("X2") == []
