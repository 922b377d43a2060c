"""The commands ``hold`` and ``release``, and what ``why`` tells of a patient's decisions."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from freezegun import freeze_time
from sqlalchemy import select, update

from tests.rules.given import case
from tests.support.command import Shell, add_clinic
from tests.support.replying import NUMBER
from tests.support.stored import MONDAY, PATIENT, store_message, store_session
from worker.channels.base import Inbound
from worker.content.phrases import load_phrasebooks
from worker.jobs.replies import take_reply
from worker.parts import open_store
from worker.resources import TEMPLATES
from worker.rules.messages import Channel
from worker.settings import load_settings
from worker.store import decisions
from worker.store.kinds import Answer
from worker.store.patient_events import By, events_of
from worker.store.tables import MESSAGES, PATIENT_EVENTS, REPLIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Engine


@contextmanager
def _engine() -> Iterator[Engine]:
    engine = open_store(load_settings())
    yield engine
    engine.dispose()


def _messages() -> dict[str, str]:
    """Where each message stands: ``home sms`` and so on."""
    with _engine() as engine, engine.begin() as db:
        rows = db.execute(select(MESSAGES.c.milestone, MESSAGES.c.channel, MESSAGES.c.status))
        return {f"{milestone} {channel}": status.value for milestone, channel, status in rows}


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Shell]:
    """Monday 15:00: patient P1 of a clinic, with a text that is due and an e-mail that is."""
    shell = Shell(tmp_path, monkeypatch, capsys)
    with freeze_time(MONDAY):
        with _engine() as engine, engine.begin() as db:
            store_session(db)
            store_message(db)
            store_message(db, channel=Channel.EMAIL)
        yield shell


# hold and release


@pytest.mark.parametrize(
    ("told", "stands", "words"),
    [
        case(
            "a hold leaves advice alone",
            "is on hold: what lifts a restriction and invitations wait, advice goes on.",
            {"home sms": "planned", "home email": "planned"},
            ["--reason", "rash"],
        ),
        case(
            "deceased",
            "gets nothing any more, on any channel.",
            {"home sms": "skipped", "home email": "skipped"},
            ["--deceased"],
        ),
        case(
            "never contact",
            "gets nothing any more, on any channel.",
            {"home sms": "skipped", "home email": "skipped"},
            ["--never-contact", "--reason", "lawyer's letter"],
        ),
        case(
            "texts alone",
            "gets no more text messages.",
            {"home sms": "skipped", "home email": "planned"},
            ["--texts", "--reason", "asked at the desk"],
        ),
        case(
            "e-mails and invitations",
            "gets no more e-mails and invitations.",
            {"home sms": "planned", "home email": "skipped"},
            ["--emails", "--invitations", "--reason", "asked at the desk"],
        ),
    ],
)
def test_hold_does_what_staff_say_and_says_it(
    shell: Shell, told: str, stands: dict[str, str], words: list[str]
) -> None:
    """At once, on record with who decided, and the same again changes nothing."""
    done = shell.run("hold", "P1", "--by", "Eva", *words)
    assert (done.code, done.told) == (0, f"Patient P1 {told}")
    assert _messages() == stands
    with _engine() as engine, engine.begin() as db:
        rows = [row for row in events_of(db, "glow", "P1") if row["event"] != "consent"]
    assert {(row["actor"], row["how"]) for row in rows} == {("Eva", "command")}
    again = shell.run("hold", "P1", "--by", "Eva", *words)
    assert again.told == f"Patient P1 {told[:-1]} already."


@pytest.mark.parametrize(
    ("hold", "release"),
    [
        (["--reason", "rash"], []),
        (["--deceased"], ["--contact-again"]),
        (["--texts", "--emails", "--invitations", "--reason", "asked"],
         ["--texts", "--emails", "--invitations"]),
    ],
)  # fmt: skip
def test_release_undoes_it(shell: Shell, hold: list[str], release: list[str]) -> None:
    """What is still true is planned again; a second release finds nothing to undo."""
    shell.run("hold", "P1", *hold)
    done = shell.run("release", "P1", *release)
    assert done.told == "Patient P1 is released; what is still true goes out."
    assert set(_messages().values()) == {"planned"}
    assert shell.run("release", "P1", *release).told == "Patient P1 was not on hold."


def test_a_plain_release_does_not_raise_the_dead(shell: Shell) -> None:
    """Never contact is undone only by its own option."""
    shell.run("hold", "P1", "--deceased")
    done = shell.run("release", "P1")
    assert done.code == 1
    assert "aftercare release P1 --contact-again" in done.told
    assert set(_messages().values()) == {"skipped"}


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ('There is no patient "P9"', ["hold", "P9", "--reason", "x"]),
        ('There is no patient "P9"', ["release", "P9"]),
        ('There is no clinic "shin"', ["hold", "P1", "--reason", "x", "--clinic", "shin"]),
        ("--reason is missing", ["hold", "P1"]),
        (
            '"P1" is a patient of glow and shine; say which: --clinic glow',
            ["hold", "P1", "--reason", "x"],
        ),
    ],
)
def test_an_unclear_patient_is_nobody(shell: Shell, told: str, words: list[str]) -> None:
    """The error says what to write, and nothing changes."""
    if "shine" in told:
        add_clinic(shell, "shine")
        with _engine() as engine, engine.begin() as db:
            store_session(db, "S2", patient=replace(PATIENT, clinic="shine"))
    done = shell.run(*words)
    assert done.code == 1
    assert told in done.told
    assert set(_messages().values()) == {"planned"}
    if "shine" in told:
        assert shell.run(*words, "--clinic", "glow").code == 0
        with _engine() as engine, engine.begin() as db:
            held = select(PATIENT_EVENTS.c.clinic).where(PATIENT_EVENTS.c.event == "held")
            assert db.execute(held).scalars().all() == ["glow"]


# why


def _write(*bodies: str, **columns: Any) -> Callable[[Connection], None]:
    """The patient's texts, and what became of the answer or the e-mail to staff."""

    def act(db: Connection) -> None:
        books = load_phrasebooks(TEMPLATES)
        db.rollback()
        for number, body in enumerate(bodies):
            inbound = Inbound(f"SM{number}", NUMBER, "+34910999999", body, MONDAY)
            take_reply(db.engine, inbound, phrasebooks=books, now=MONDAY)
        if columns:
            db.execute(update(REPLIES).values(columns))

    return act


def _by_provider(why: str, *, opted_out: bool) -> Callable[[Connection], None]:
    def act(db: Connection) -> None:
        decisions.decide_by_provider(
            db,
            Channel.SMS,
            NUMBER,
            why=why,
            opted_out=opted_out,
            suppress_for=None,
            now=MONDAY,
        )

    return act


def _unsubscribe(db: Connection) -> None:
    by = By("patient", "unsubscribe link")
    decisions.stop_invitations(db, "glow", "P1", by=by, now=MONDAY)


def _unsubscribe_all(db: Connection) -> None:
    by = By("patient", "unsubscribe link")
    address, why = PATIENT.email or "", "The patient unsubscribed"
    decisions.stop(db, Channel.EMAIL, address, by=by, why=why, now=MONDAY)


def _die(db: Connection) -> None:
    why = "The patient died"
    decisions.never_contact(db, "glow", "P1", by=By("Eva", "command"), why=why, now=MONDAY)


@pytest.mark.parametrize(
    ("sentences", "acts"),
    [
        case(
            "a stop",
            [
                "! A text from this number said stop: no more text messages",
                "Mon 23 Nov 15:00 The patient wrote stop by text message",
                "A text from this number said stop: no more text messages (patient, by reply)",
            ],
            [_write("STOP")],
        ),
        case(
            "a stop in words",
            ["The patient wrote stop by text message; the answer waits to leave; not passed on"],
            [_write("Stop. Thank you")],
        ),
        case(
            "a start",
            [
                "The patient wrote start by text message",
                "Start was said: text messages go out again (patient, by reply)",
            ],
            [_write("STOP", "START")],
        ),
        case(
            "help",
            ["The patient asked for help by text message; the answer waits to leave"],
            [_write("help please")],
        ),
        case(
            "anything else",
            ["The patient wrote something for staff by text message; not passed on to staff yet"],
            [_write("see you on Friday")],
        ),
        case(
            "staff have read it",
            ["The patient wrote something for staff by text message; passed on to staff"],
            [_write("see you on Friday", told_at=MONDAY)],
        ),
        case(
            "an answer has left",
            ["The patient asked for help by text message; answered"],
            [_write("help please", answer_state=Answer.SENT)],
        ),
        case(
            "an answer came too late",
            ["The patient asked for help by text message; not answered: Too late to answer"],
            [_write("help please", answer_state=Answer.NOT_SENT, answer_why="Too late to answer")],
        ),
        case(
            "an answer that may have left",
            ["The patient asked for help by text message; the answer may have left"],
            [_write("help please", answer_state=Answer.SENDING)],
        ),
        case(
            "an answer that nobody knows of",
            ["The patient asked for help by text message; nobody knows whether the answer left"],
            [_write("help please", answer_state=Answer.UNKNOWN)],
        ),
        case(
            "an unsubscribed address",
            ["! The patient unsubscribed: no more e-mails", "(patient, by unsubscribe link)"],
            [_unsubscribe_all],
        ),
        case(
            "asked at the desk",
            [
                "! Stopped by staff (asked at the desk): no more text messages",
                "(asked at the desk): no more text messages (Eva, by command)",
            ],
            [["hold", "--texts", "--reason", "asked at the desk"]],
        ),
        case(
            "e-mails again",
            ["Start was said: e-mails go out again (Eva, by command)"],
            [["hold", "--emails", "--reason", "x"], ["release", "--emails"]],
        ),
        case(
            "invitations again",
            ["Invitations go out again (Eva, by command)"],
            [["hold", "--invitations", "--reason", "x"], ["release", "--invitations"]],
        ),
        case(
            "a hold by staff, released",
            ["On hold: rash, called (Eva, by command)", "Released by Eva (Eva, by command)"],
            [["hold", "--reason", "rash, called"], ["release"]],
        ),
        case(
            "never contact, which was a mistake",
            [
                "Never to be contacted: wrong file (Eva, by command)",
                "May be contacted again, says Eva (Eva, by command)",
            ],
            [["hold", "--never-contact", "--reason", "wrong file"], ["release", "--contact-again"]],
        ),
        case(
            "a red flag",
            [
                "! On hold: a worrying reply came in by text, and staff look at it first",
                "Mon 23 Nov 15:00 The patient wrote of a worrying symptom by text message;",
                "and staff look at it first (patient, by reply)",
            ],
            [_write("it is bleeding")],
        ),
        case(
            "a stop that the provider knows of",
            ["Twilio: the patient replied STOP (21610): no more text messages (provider, by"],
            [_by_provider("Twilio: the patient replied STOP (21610)", opted_out=True)],
        ),
        case(
            "a dead number",
            ["Twilio: this is not a working phone number (30005) (provider, by provider code)"],
            [_by_provider("Twilio: this is not a working phone number (30005)", opted_out=False)],
        ),
        case(
            "no more invitations",
            [
                "! No invitations to book: The patient wants no more invitations",
                "The patient wants no more invitations (patient, by unsubscribe link)",
            ],
            [_unsubscribe],
        ),
        case(
            "a death",
            ["! The patient died", "Mon 23 Nov 15:00 The patient died (Eva, by command)"],
            [_die],
        ),
        case(
            "consent",
            [
                "Mon 23 Nov 15:00 The clinic's system says the patient agreed to: text messages",
                "e-mails, invitations to book (source, by source row)",
            ],
            [lambda _: None],
        ),
    ],
)
def test_why_tells_what_was_decided_and_by_whom(
    shell: Shell, sentences: list[str], acts: list[Callable[[Connection], None] | list[str]]
) -> None:
    """In sentences that a receptionist understands, without the reply's own words."""
    for act in acts:
        if isinstance(act, list):
            command, *options = act
            assert shell.run(command, "P1", *options, "--by", "Eva").code == 0
            continue
        with _engine() as engine, engine.connect() as db:
            act(db)
            db.commit()
    done = shell.run("why", "P1")
    assert done.code == 0
    assert "Patient P1 of glow" in done.told
    for sentence in sentences:
        assert sentence in done.told
    assert "bleeding" not in done.told
    assert NUMBER not in done.told
