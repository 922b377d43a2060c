"""What follows a reply: the answer to the patient, once at most, and the e-mail to staff."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.jobs.looking import one, problems
from tests.rules.given import case
from tests.support.replying import NUMBER, events, reply, write
from tests.support.world import CLINIC
from worker.jobs.answers import Answerer
from worker.resources import TEMPLATES
from worker.rules.messages import Status
from worker.rules.outcomes import ChannelDown, Outcome, Refused, TryAgain, Unknown
from worker.store import decisions, replies
from worker.store.clinics import add_clinic
from worker.store.kinds import Answer
from worker.store.patient_events import By

if TYPE_CHECKING:
    from tests.support.world import World

DESK = CLINIC.email


@pytest.fixture
def ana(world: World) -> World:
    """Ana's session has just been collected and planned; she reads Spanish."""
    world.source.add(language="es")
    world.run()
    return world


def texts(world: World) -> list[str]:
    """The first line of each text that left."""
    return [each.words.text.splitlines()[0] for each in world.sms.sent]


def mails(world: World) -> list[tuple[str, str]]:
    """What staff were told: subject and body."""
    return [
        (each.words.subject or "", each.words.text)
        for each in world.email.sent
        if each.address == DESK
    ]


# To the patient


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        case("a stop in words", "Glow Skin Clinic: no volveremos a enviarte mensajes.", "basta ya"),
        case(
            "a worry",
            "Glow Skin Clinic: gracias por avisar. Nuestro equipo ya lo sabe.",
            "me sale pus",
        ),
        case("an emergency", "Glow Skin Clinic: esto puede ser una urgencia.", "no puedo respirar"),
        case(
            "a call for help",
            "Glow Skin Clinic: mensajes de cuidados, unos pocos tras cada visita.",
            "ayuda por favor",
        ),
    ],
)
def test_a_patient_is_answered_at_once_in_their_language(
    ana: World, expected: str, text: str
) -> None:
    """At the next pass, once, with the clinic's phone, even if the texts have just ended."""
    write(ana, text)
    ana.run()
    ana.run()
    assert texts(ana) == [expected]
    (answer,) = ana.sms.sent
    assert (answer.address, "910 12 34 56" in answer.words.text) == (NUMBER, True)
    assert reply(ana, text).answer_state is Answer.SENT


def test_an_emergency_names_the_number_to_call(ana: World) -> None:
    """112 in Spain."""
    write(ana, "I can't breathe")
    ana.run()
    assert "llama ya al 112." in ana.sms.sent[0].words.text


@pytest.mark.parametrize(
    ("state", "outcome", "copies"),
    [
        case("it surely did not leave", Answer.SENT, TryAgain("Patience"), 1),
        case("the provider is down", Answer.SENT, ChannelDown("No key"), 1),
        case("it may have left", Answer.UNKNOWN, Unknown("The line broke"), 0),
        case("it is refused", Answer.NOT_SENT, Refused("Not this text"), 0),
    ],
)
def test_an_answer_goes_once_at_most(
    ana: World, state: Answer, outcome: Outcome, copies: int
) -> None:
    """What may have left is never sent again; what surely did not is."""
    ana.sms.answers = [outcome]
    write(ana, "me sale pus")
    for _ in range(3):
        ana.wait(seconds=15)
    assert len(ana.sms.sent) == copies
    assert reply(ana, "me sale pus").answer_state is state


def test_an_answer_that_never_left_does_not_count_as_one(ana: World) -> None:
    """The first worry could not be answered; the second, minutes later, is."""
    ana.sms.answers = [Refused("Not this text")]
    write(ana, "me sale pus")
    ana.wait(minutes=5)
    assert texts(ana) == []
    write(ana, "tengo fiebre")
    ana.wait(minutes=1)
    assert texts(ana) == ["Glow Skin Clinic: gracias por avisar. Nuestro equipo ya lo sabe."]


def test_a_worker_that_dies_while_answering_leaves_it_at_that(ana: World) -> None:
    """Marked before the call: the next worker does not send what may have left."""

    class Died(BaseException):
        """The worker's end."""

    def die(_: object) -> None:
        raise Died

    write(ana, "me sale pus")
    ana.sms.send = die  # type: ignore[method-assign, assignment]
    with pytest.raises(Died):
        ana.run()
    del ana.sms.send
    ana.wait(minutes=3)
    assert ana.sms.sent == []
    assert reply(ana, "me sale pus").answer_state is Answer.SENDING


def test_two_workers_answer_once(ana: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both saw the answer waiting; the one that comes second leaves it alone."""
    write(ana, "me sale pus")
    with ana.app.engine.begin() as db:
        seen = replies.waiting_answers(db, 10)
    monkeypatch.setattr("worker.store.replies.waiting_answers", lambda *_: seen)
    answerer = Answerer(ana.app.engine, ana.sms, TEMPLATES, lambda: ana.now)
    assert [answerer.answer_waiting(), answerer.answer_waiting()] == [1, 0]
    assert len(ana.sms.sent) == 1


@pytest.mark.parametrize(
    ("left", "written"),
    [
        case("start, then stop", [], ["STOP", "iniciar", "Stop"]),
        case("stop in words, then start", [], ["basta ya", "START"]),
        case("in words both times", ["recibes de nuevo"], ["basta ya", "iniciar"]),
    ],
)
def test_an_answer_that_a_newer_text_makes_wrong_is_not_sent(
    ana: World, left: list[str], written: list[str]
) -> None:
    """Between two passes the patient changed their mind: nobody who stopped hears of a start."""
    for text in written:
        ana.frozen.tick(timedelta(seconds=2))
        write(ana, text)
    ana.run()
    confirmed = "The patient got no confirmation (A newer text from this number says otherwise)."
    assert [confirmed in body for _, body in mails(ana)].count(True) == ("basta ya" in written)
    assert len(ana.sms.sent) == len(left)
    assert all(said in sent for said, sent in zip(left, texts(ana), strict=True))


def test_an_answer_that_waits_does_not_go_to_the_dead(ana: World) -> None:
    """Staff learnt of it between the text and its answer: the gate is asked at the very end."""
    write(ana, "me sale pus")
    with ana.app.engine.begin() as db:
        eva = By("Eva", "command")
        decisions.never_contact(db, "glow", "P1", by=eva, why="The patient died", now=ana.now)
    ana.run()
    assert ana.sms.sent == []
    kept = reply(ana, "me sale pus")
    assert (kept.answer_state, kept.answer_why) == (Answer.NOT_SENT, "The patient died")


def test_a_late_confirmation_is_none(ana: World) -> None:
    """After five minutes a confirmation is no longer allowed; the stop counts all the same."""
    write(ana, "basta ya", at=ana.now - timedelta(minutes=6))
    ana.run()
    assert ana.sms.sent == []
    assert one(ana, "home").status is Status.SKIPPED


def test_a_start_in_words_that_the_provider_does_not_know_of(ana: World) -> None:
    """Twilio still has the STOP and refuses the answer: so it is stop again, and on record."""
    write(ana, "STOP")
    write(ana, "start please", at=ana.now + timedelta(seconds=1))
    assert one(ana, "home").status is Status.PLANNED
    ana.sms.answers = [Refused("Opted out (21610)", "Twilio: said STOP (21610)", opted_out=True)]
    ana.run()
    assert one(ana, "home").reason == "Twilio: said STOP (21610): no more text messages"
    assert events(ana)[-1] == ("stopped", "provider", "provider code")


# To staff


def test_staff_are_alerted_at_once_of_a_red_flag(ana: World) -> None:
    """The subject tells nothing of the patient, the body all that is needed to act."""
    write(ana, "Me sale pus\ny está rojo")
    ana.run()
    ((subject, body),) = mails(ana)
    assert subject == "Aftercare: a patient's reply needs you now"
    assert body == (
        "Patient P1 of Glow Skin Clinic wrote by text message on Monday 23 November at 15:00:\n"
        "\n"
        "    Me sale pus\n"
        "    y está rojo\n"
        "\n"
        "This is a red flag: a clinician should look at it now.\n"
        "The patient is answered with the clinic's phone.\n"
        "What lifts a restriction and invitations wait until you run: aftercare release P1\n"
    )
    assert "Ana" not in body


@pytest.mark.parametrize(
    ("expected", "outcome"),
    [
        case(
            "refused",
            "The patient could not be answered (Not this text): please call.",
            Refused("Not this text"),
        ),
        case("unknown", "The patient may not have been answered: please call.", Unknown("Broken")),
    ],
)
def test_staff_know_when_a_worry_was_not_answered(
    ana: World, expected: str, outcome: Outcome
) -> None:
    """Then they must call; the alert says so, and that it cannot wait."""
    ana.sms.answers = [outcome]
    write(ana, "I can't breathe")
    ana.wait(seconds=15)
    [(_, body)] = mails(ana)
    assert expected in body
    assert "This may be an EMERGENCY. Please call the patient now." in body


def test_each_red_flag_is_told_not_one_an_hour(ana: World) -> None:
    """A second patient's worry within the hour is another alert."""
    for text in ("me sale pus", "tengo fiebre"):
        write(ana, text)
        ana.wait(minutes=1)
    assert len(mails(ana)) == 2


@pytest.mark.parametrize("text", ["Nos vemos el viernes", "", "👍"])
def test_any_other_reply_is_passed_on(ana: World, text: str) -> None:
    """Word for word, under a subject that says nothing; a picture alone is told as one."""
    write(ana, text)
    ana.run()
    ((subject, body),) = mails(ana)
    assert subject == "Aftercare: a patient has replied"
    assert (text or "(no words: a picture, perhaps; the Twilio console has it)") in body
    assert ana.sms.sent == []


def test_a_bare_stop_is_nobodys_work(ana: World) -> None:
    """Twilio answered, the texts ended, nothing is left to read."""
    write(ana, "STOP")
    ana.run()
    assert (mails(ana), ana.sms.sent) == ([], [])


def test_an_unknown_number_is_told_because_it_can_be_called(ana: World) -> None:
    """Without a patient there is no id: the number is what staff have."""
    write(ana, "tengo fiebre", number="+34600000001")
    ana.run()
    assert mails(ana)[0][1].startswith("Somebody at +34600000001 wrote by text message on")


def test_a_mail_that_fails_is_sent_again_as_the_same(ana: World) -> None:
    """Better told twice than not at all, with one Message-ID; meanwhile status says so."""
    ana.email.answers = [ChannelDown("No connection")] * 6
    write(ana, "me sale pus")
    for _ in range(6):
        ana.wait(minutes=1)
    assert "1 patients' replies could not be passed on to staff yet" in problems(ana)
    assert reply(ana, "me sale pus").told_at is None
    for _ in range(3):
        ana.wait(minutes=1)
    told = reply(ana, "me sale pus")
    sent = [each.message_ref for each in ana.email.sent if each.address == DESK]
    assert [ref for ref in sent if ref == told.message_ref] == [told.message_ref]
    assert told.told_at is not None


def test_staff_of_every_clinic_hear_of_what_nobody_can_place(world: World) -> None:
    """Two clinics and an unknown number: both are told, and nobody answers in a wrong name."""
    with world.app.engine.begin() as db:
        add_clinic(db, replace(CLINIC, key="shine", email="desk@shine.example.com"), world.now)
    write(world, "it is bleeding", number="+34600000001")
    world.run()
    assert {each.address for each in world.email.sent} == {DESK, "desk@shine.example.com"}
    assert world.sms.sent == []
    assert "several clinics could be meant" in mails(world)[0][1]


def test_status_lists_who_is_on_hold(ana: World) -> None:
    """Until staff release the patient, with the command that does."""
    write(ana, "me sale pus")
    expected = (
        "Patient P1 of glow is on hold since 2026-11-23 14:00 UTC. On hold: a worrying reply came "
        "in by text, and staff look at it first. When that is done: aftercare release P1"
    )
    assert expected in problems(ana)
    with ana.app.engine.begin() as db:
        decisions.release(db, "glow", "P1", by=By("Eva", "command"), now=ana.now)
    assert "on hold" not in problems(ana)
    assert reply(ana, "me sale pus").handled_at is not None
