"""Compare: what an edit would do to real patients' messages, before it takes effect."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.jobs.looking import local, store_of
from tests.jobs.test_approvals import PROTOCOL, SMS, edit
from worker.content.library import Library
from worker.jobs.compare import compare
from worker.jobs.edition import Edition, signed_off
from worker.resources import TEMPLATES
from worker.rules.messages import Channel
from worker.store import approvals
from worker.store.approvals import Approval

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.world import World
    from worker.jobs.compare import Change

FIRST_DAY = "microneedling/en/first-day.sms.txt"


@pytest.fixture
def planned(world: World) -> World:
    """Ana's session ended an hour ago; ``home`` has left, the rest is planned."""
    world.source.add()
    world.wait(minutes=15)
    return world


def changes(world: World, edited: Path, *, only: str = "") -> list[Change]:
    """What the edited folder would change."""
    old, new = (Edition.of(Library(each)) for each in (TEMPLATES, edited))
    with world.app.engine.begin() as db:
        return list(compare(db, old, new, world.now, only=only))


def brief(found: list[Change]) -> dict[str, str]:
    """Each as ``milestone channel: effects``."""
    return {
        f"{each.milestone} {each.channel}": ", ".join(effect.value for effect in each.effects)
        for each in found
    }


@pytest.mark.parametrize(
    ("file", "change", "expected"),
    [
        pytest.param(FIRST_DAY, ("dryness", "tightness"),
                     {"first-day sms": "reads differently"}, id="a word"),
        pytest.param(SMS, ("redness", "reddening"), {}, id="a word of what has left"),
        pytest.param("microneedling/es/first-day.sms.txt", ("{{ clinic.name }}", "Hola"),
                     {}, id="a word of another language"),
        pytest.param(PROTOCOL, ("# How it should feel", "# How it might feel"), {}, id="a comment"),
        pytest.param(PROTOCOL, ('after = "24 hours"', 'after = "26 hours"'),
                     {"first-day sms": "moves", "first-day email": "moves"}, id="a time"),
        pytest.param(PROTOCOL, ('useful_for = "36 hours"', 'useful_for = "30 hours"'),
                     {"first-day sms": "moves", "first-day email": "moves"}, id="a truth window"),
        pytest.param(PROTOCOL, ('when = "sessions_left > 0', 'when = "sessions_left > 5'),
                     {"next-session sms": "vanishes", "next-session email": "vanishes"},
                     id="a condition"),
        pytest.param(PROTOCOL, ('name = "first-day"', 'name = "home-again"'),
                     {"first-day sms": "vanishes", "first-day email": "vanishes",
                      "home-again sms": "appears, breaks", "home-again email": "appears, breaks"},
                     id="a name without its files"),
        pytest.param(FIRST_DAY, ("{{ clinic.name }}", "{{ clinic.nme }}"),
                     {"first-day sms": "breaks"}, id="a slip"),
        pytest.param(PROTOCOL, ('useful_for = "36 hours"', 'useful_for = "36 yours"'),
                     {f"{milestone} {channel}": "breaks" for channel in Channel for milestone in
                      ("first-day", "active-again", "exfoliate-again", "next-session")},
                     id="a protocol that cannot be used"),
    ],
)  # fmt: skip
def test_what_an_edit_does(
    planned: World,
    own_templates: Path,
    file: str,
    change: tuple[str, str],
    expected: dict[str, str],
) -> None:
    """Just the messages that it bears on; what has left is never among them."""
    edit(own_templates, file, *change)
    assert brief(changes(planned, own_templates)) == expected


def test_old_and_new_words_are_the_patients_own(planned: World, own_templates: Path) -> None:
    """Rendered for the real patient, as they would leave; and nothing is written."""
    before = store_of(planned)
    edit(own_templates, FIRST_DAY, "dryness", "tightness")
    (found,) = changes(planned, own_templates)
    assert found.old is not None
    assert found.new is not None
    assert found.new.words == found.old.words.replace("dryness", "tightness")
    assert "Ana" in found.new.words
    assert (found.case.session.session_id, found.language) == ("S1", "en")
    assert store_of(planned) == before


def test_a_longer_restriction_moves_and_rewords(planned: World, own_templates: Path) -> None:
    """Every text that tells the date reads differently, and the permission moves with it."""
    edit(own_templates, PROTOCOL, 'sun = "3 days"', 'sun = "5 days"')
    edit(own_templates, PROTOCOL, 'after = "3 days"', 'after = "5 days"')
    found = {f"{each.milestone} {each.channel}": each for each in changes(planned, own_templates)}
    moved = found["active-again sms"]
    assert brief([moved]) == {"active-again sms": "moves"}
    assert moved.old is not None
    assert moved.new is not None
    assert local(planned, moved.old.due_at) == "Fri 27 Nov 10:00"
    assert local(planned, moved.new.due_at) == "Sun 29 Nov 10:00"
    told = found["first-day sms"]
    assert brief([told]) == {"first-day sms": "reads differently"}
    assert told.new is not None
    assert "28 November" in told.new.words


def test_only_the_look(planned: World, own_templates: Path) -> None:
    """An edited layout changes every e-mail, but no word; both are said."""
    edit(own_templates, "layout/email.html", "</body>", "<hr></body>")
    found = changes(planned, own_templates)
    assert {each.channel for each in found} == {Channel.EMAIL}
    assert {each.note for each in found} == {"Only the look of the e-mail changes, not its words"}


def test_why_it_vanishes(planned: World, own_templates: Path) -> None:
    """In words for staff."""
    edit(own_templates, PROTOCOL, 'when = "sessions_left > 0', 'when = "sessions_left > 5')
    notes = {each.note for each in changes(planned, own_templates)}
    (note,) = notes
    assert note.startswith("Not for this session: this was session 1 of 3")


def test_one_patient_at_a_time(planned: World, own_templates: Path) -> None:
    """``--only`` takes a patient or a session."""
    planned.source.add(session_id="S2", patient_id="P2", phone="600 123 457")
    planned.wait(minutes=1)
    edit(own_templates, FIRST_DAY, "dryness", "tightness")
    for only, expected in (("", ["S1", "S2"]), ("P2", ["S2"]), ("S1", ["S1"]), ("P9", [])):
        found = changes(planned, own_templates, only=only)
        assert [each.case.session.session_id for each in found] == expected


def test_compared_with_what_was_signed_off(planned: World, own_templates: Path) -> None:
    """Edited in place, what was signed off last is what the edit is held against."""
    library = Library(own_templates)
    with planned.app.engine.begin() as db:
        version = library.versions["microneedling"]
        approval = Approval("microneedling", version, "Marta", planned.now, "")
        approvals.add(db, approval, library.contents("microneedling"))
    edit(own_templates, FIRST_DAY, "dryness", "tightness")
    new = Edition.of(Library(own_templates))
    with planned.app.engine.begin() as db:
        old = signed_off(db, new, own_templates.parent / "kept")
        assert brief(list(compare(db, old, new, planned.now))) == {
            "first-day sms": "reads differently"
        }


def test_a_treatment_that_is_gone(planned: World, own_templates: Path) -> None:
    """Its messages would wait for its protocol; no one should learn that from patients."""
    shutil.rmtree(own_templates / "microneedling")
    found = changes(planned, own_templates)
    assert set(brief(found).values()) == {"breaks"}
    assert {each.note for each in found} == {
        "The protocol of microneedling is missing or cannot be used, so this would wait"
    }
