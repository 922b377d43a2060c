"""The calendar, read by vobject: the right moments, never early, and nothing private in a title."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import vobject

from tests.content.samples import (
    GLOW,
    LANGUAGES,
    MONDAY,
    SITUATIONS,
    TREATMENT,
    Situation,
    ended,
    render,
)
from tests.support.stored import PATIENT
from worker.content.calendar import same_but_for_stamps
from worker.content.context import message_context
from worker.content.library import Library
from worker.resources import TEMPLATES
from worker.rules.messages import Channel
from worker.rules.planning import restriction_ends
from worker.rules.protocol import ProtocolError, parse_protocol

if TYPE_CHECKING:
    from pathlib import Path

    from worker.rules.facts import Session

NOW = MONDAY.completed_at + timedelta(minutes=15)


#: As the fixture `library`, for what is worked out outside of a test.
SHIPPED = Library(TEMPLATES)


def calendar(
    session: Session = MONDAY, *, now: datetime = NOW, language: str = "en", **changes: Any
) -> str:
    """The calendar of a session's ``home`` e-mail."""
    library = SHIPPED
    patient = replace(PATIENT, **changes)
    context = message_context(
        GLOW,
        patient,
        session,
        ends=restriction_ends([session], library.protocols, patient.zone),
        due_at=now,
        language=language,
    )
    template = library.find(TREATMENT, "home", Channel.EMAIL, wanted=language, fallback="en")
    return template.render(context).calendar or ""


def entries(text: str) -> dict[str, Any]:
    """The entries by their title, without the clinic's name."""
    found = vobject.readOne(text)
    assert found.method.value == "PUBLISH"
    return {each.summary.value.removeprefix("Glow Clinic: "): each for each in found.vevent_list}


def test_the_dates_of_the_protocol() -> None:
    """Monday 15:00: exercise and sun from Thursday 15:00, exfoliation two weeks later, booking."""
    found = entries(calendar())
    begins = {title: each.dtstart.value for title, each in found.items()}
    thursday = datetime(2026, 11, 26, 14, tzinfo=UTC)
    assert begins == {
        "exercise allowed again": thursday,
        "sun allowed again, only with SPF 30+": thursday,
        "exfoliating allowed again, gently": datetime(2026, 12, 7, 14, tzinfo=UTC),
        "time to book your next visit": date(2026, 12, 21),
    }
    assert found["time to book your next visit"].dtend.value == date(2026, 12, 22)


@pytest.mark.parametrize(
    ("moment", "session"),
    [
        ("seconds", ended("2026-11-23 15:00:01")),
        ("almost midnight", ended("2026-11-23 23:59:59")),
        ("midnight", ended("2026-11-23 00:00")),
        ("clocks go back", ended("2026-10-24 18:40")),
        ("clocks go forward", ended("2027-03-27 02:30")),
    ],
)
def test_no_entry_is_early(moment: str, session: Session) -> None:
    """Each begins when its restriction has ended, and at most a minute later."""
    ends = restriction_ends([session], SHIPPED.protocols, PATIENT.zone)
    found = entries(calendar(session, now=session.completed_at))
    titles = {"exercise": "exercise", "sun": "sun", "exfoliation": "exfoliating"}
    for name, title in titles.items():
        (begins,) = [each.dtstart.value for told, each in found.items() if told.startswith(title)]
        assert timedelta(0) <= begins - ends[name] < timedelta(minutes=1), moment


def test_a_booked_visit_stands_with_its_time_and_place() -> None:
    """Then there is nothing to book."""
    booked = datetime(2026, 12, 21, 15, 30, tzinfo=UTC)
    found = entries(calendar(ended("2026-11-23 15:00", next_session_at=booked)))
    visit = found["your next visit"]
    assert visit.dtstart.value == booked
    assert visit.location.value == GLOW.address
    assert "time to book your next visit" not in found


@pytest.mark.parametrize(
    ("why", "session", "changes"),
    [
        ("no consent to invitations", MONDAY, {"marketing_consent": False}),
        ("the last of three", ended("2026-11-23 15:00", session_number=3), {}),
    ],
)
def test_nobody_is_invited_who_should_not_be(
    why: str, session: Session, changes: dict[str, Any]
) -> None:
    """The reminder to book is an invitation, and follows the same rules."""
    found = entries(calendar(session, **changes))
    assert len(found) == 3, why


def test_what_is_allowed_already_is_no_entry() -> None:
    """A message that goes out late only brings what is still to come."""
    late = MONDAY.completed_at + timedelta(days=4)
    assert set(entries(calendar(now=late))) == {
        "exfoliating allowed again, gently",
        "time to book your next visit",
    }


def test_a_second_import_replaces_the_first() -> None:
    """The same entries under the same ids, with a higher sequence and the later stamp."""
    first, second = entries(calendar()), entries(calendar(now=NOW + timedelta(hours=1)))
    assert {each.uid.value for each in first.values()} == {
        each.uid.value for each in second.values()
    }
    for title, each in first.items():
        assert each.dtstamp.value == NOW.astimezone(UTC)
        assert int(second[title].sequence.value) > int(each.sequence.value)


def test_a_later_sessions_dates_replace_the_earlier_ones() -> None:
    """Back on Wednesday: Thursday, which would be too early now, does not stay in the calendar."""
    monday = entries(calendar())["exercise allowed again"]
    back = ended("2026-11-25 15:00", session_number=2)
    wednesday = entries(calendar(replace(back, session_id="S2"), now=back.completed_at))
    later = wednesday["exercise allowed again"]
    assert (later.uid.value, later.dtstart.value) == (
        monday.uid.value,
        monday.dtstart.value + timedelta(days=2),
    )
    assert int(later.sequence.value) > int(monday.sequence.value)


def test_no_two_patients_share_an_entry() -> None:
    """And an id does not tell who it is."""
    one, other = calendar(), calendar(patient_id="P2")
    ids = [set(re.findall(r"UID:(\S+)", text)) for text in (one, other)]
    assert len(ids[0] | ids[1]) == 8
    assert "P1" not in one
    assert "Ana" not in one


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_calendar_gives_nothing_away(language: str) -> None:
    """Neither the treatment nor a part of the body, in any entry; and it is marked private."""
    protocol = SHIPPED.protocols[TREATMENT]
    for situation in ("the first of three", "the next one is booked"):
        found = vobject.readOne(calendar(SITUATIONS[situation].session, language=language))
        for event in found.vevent_list:
            shown = f"{event.summary.value} {event.description.value}".replace(GLOW.name, "")
            for word in (*protocol.private_words, protocol.title):
                assert not re.search(rf"\b{re.escape(word)}\b", shown, re.IGNORECASE)
            assert getattr(event, "class").value == "PRIVATE"


def test_it_speaks_the_patients_language() -> None:
    """In Spanish as in English."""
    assert set(entries(calendar(language="es"))) == {
        "ya puedes hacer ejercicio",
        "el sol, de nuevo, solo con SPF 30+",
        "ya puedes exfoliar, con suavidad",
        "momento de reservar tu próxima visita",
    }


def test_calendars_that_say_the_same_are_known() -> None:
    """Made again a minute later it is the same; with another date it is not."""
    later = calendar(now=NOW + timedelta(minutes=1))
    assert calendar() != later
    assert same_but_for_stamps(calendar(), later)
    moved = ended("2026-11-23 15:01")
    assert not same_but_for_stamps(calendar(), calendar(moved))


def test_only_where_the_protocol_says_so(library: Library) -> None:
    """The other e-mails carry none."""
    carried = {
        each.name: render(library, each.name, Channel.EMAIL, "en").calendar is not None
        for each in library.protocols[TREATMENT].milestones
    }
    assert [name for name, has in carried.items() if has] == ["home"]


def test_a_title_with_a_private_word_is_refused(folder: Path) -> None:
    """A calendar on a shared screen is no place for it."""
    path = folder / "layout" / "en.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"exercise allowed', '"exercise after needling allowed'))
    (problem,) = Library(folder).problems.values()
    assert problem.startswith("templates/microneedling/en/home.email.md: ")
    assert 'the calendar would show "needling"' in problem


def test_a_text_message_carries_no_calendar() -> None:
    """The protocol says which channel it needs."""
    text = (TEMPLATES / TREATMENT / "protocol.toml").read_text(encoding="utf-8")
    only_sms = text.replace('channels = ["sms", "email"]\ncalendar', 'channels = ["sms"]\ncalendar')
    assert only_sms != text
    with pytest.raises(ProtocolError, match=r"milestones\.home: `calendar` needs the channel"):
        parse_protocol(only_sms, treatment=TREATMENT, file="protocol.toml")


def test_the_clinics_name_may_hold_anything(library: Library) -> None:
    """Commas and semicolons in it end no line of the file."""
    clinic = replace(GLOW, name="Glow; Skin, Laser & Söhne")
    words = render(library, "home", Channel.EMAIL, "en", situation=Situation(MONDAY, clinic=clinic))
    found = vobject.readOne(words.calendar)
    assert all(each.summary.value.startswith(f"{clinic.name}: ") for each in found.vevent_list)
