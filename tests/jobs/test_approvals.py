"""Signing off: no patient reads a version that nobody answers for."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.jobs.looking import happened, left, local, one, problems, statuses
from worker.content.library import Library
from worker.jobs.approvals import release, unapproved
from worker.rules.messages import Cause, Channel
from worker.store import approvals
from worker.store.approvals import Approval

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.world import World

NEVER = (
    "Nobody has signed off the messages of microneedling yet; look at them, "
    "then run: aftercare approve"
)
CHANGED = (
    "The messages of microneedling were changed and nobody has signed that off yet; "
    "look with aftercare plan --diff, then run: aftercare approve"
)
SMS = "microneedling/en/home.sms.txt"
PROTOCOL = "microneedling/protocol.toml"


def edit(folder: Path, file: str, old: str, new: str) -> None:
    """Save a file with other text, visibly later than before."""
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    later = path.stat().st_mtime_ns + 1_000_000
    path.write_text(text.replace(old, new), encoding="utf-8")
    os.utime(path, ns=(later, later))


def sign(world: World, treatment: str = "microneedling") -> None:
    """``aftercare approve``, as the store sees it."""
    library = Library(world.settings.aftercare_templates)
    with world.app.engine.begin() as db:
        approval = Approval(treatment, library.versions[treatment], "Marta", world.now, "")
        approvals.add(db, approval, library.contents(treatment))
    release(world.app.engine, library.versions, world.now)


@pytest.fixture
def strict(new_world: Callable[..., World], own_templates: Path) -> World:
    """A clinic with templates of its own that requires approval; Ana's session has ended."""
    world = new_world(templates=own_templates, require_approval=True)
    world.source.add()
    return world


@pytest.fixture
def signed(strict: World) -> World:
    """The same after somebody has signed off the templates as they ship."""
    sign(strict)
    return strict


def test_what_nobody_signed_off_is_held(strict: World) -> None:
    """Both channels wait at their time, and say what to run; nothing leaves."""
    strict.wait(minutes=15)
    assert left(strict) == []
    for channel in Channel:
        row = one(strict, "home", channel)
        assert (row.status, row.cause, row.reason) == ("held", Cause.UNAPPROVED, NEVER)
    # What is not due yet is not held yet.
    assert statuses(strict)["first-day"] == "planned"


def test_what_is_signed_off_leaves_with_its_version(signed: World, own_templates: Path) -> None:
    """A message tells which version it was made from: the one that has the signature."""
    signed.wait(minutes=15)
    assert len(left(signed)) == 2
    version = Library(own_templates).versions["microneedling"]
    assert {one(signed, "home", each).version.split("-")[0] for each in Channel} == {version}


def test_signing_off_releases_what_is_held(strict: World) -> None:
    """At once, and it leaves at the next pass; its story is told."""
    strict.wait(minutes=15)
    sign(strict)
    assert statuses(strict)["home"] == "planned"
    strict.wait(minutes=1)
    assert len(left(strict)) == 2
    row = one(strict, "home")
    assert happened(strict, row.id) == ["planned", "held", "approved", "claimed", "accepted"]


@pytest.mark.parametrize("signs", [True, False])
def test_a_signature_that_comes_too_late_sends_nothing(strict: World, signs: bool) -> None:  # noqa: FBT001
    """After its truth window the message is skipped, whether or not anybody ever signs."""
    strict.wait(minutes=15)
    strict.frozen.tick(6 * 3600)
    if signs:
        sign(strict)
    strict.run()
    row = one(strict, "home")
    assert (row.status, row.cause) == ("skipped", Cause.TOO_LATE)
    assert row.reason == "Too late: nobody signed off its version in time"
    assert left(strict) == []


def test_a_minute_before_its_time_is_over_it_still_leaves(strict: World) -> None:
    """The truth window decides, to the minute."""
    strict.wait(minutes=15)
    strict.frozen.tick(4 * 3600)
    sign(strict)
    strict.run()
    assert len(left(strict)) == 2


@pytest.mark.parametrize("file", [SMS, "layout/email.html", "microneedling/es/home.sms.txt"])
def test_an_edit_after_the_signature_holds(signed: World, own_templates: Path, file: str) -> None:
    """Whatever file it is: the treatment is signed off as a whole."""
    path = own_templates / file
    edit(own_templates, file, path.read_text(encoding="utf-8")[:20], "x" * 20)
    signed.wait(minutes=15)
    row = one(signed, "home")
    assert (row.status, row.reason, left(signed)) == ("held", CHANGED, [])


def test_taking_the_edit_back_releases(signed: World, own_templates: Path) -> None:
    """The files are again what was signed off: nothing is left to decide."""
    before = (own_templates / SMS).read_text(encoding="utf-8")
    edit(own_templates, SMS, before, before + "More.\n")
    signed.wait(minutes=15)
    assert statuses(signed)["home"] == "held"
    edit(own_templates, SMS, before + "More.\n", before)
    signed.wait(minutes=1)
    assert len(left(signed)) == 2


def test_only_the_last_signature_counts(signed: World, own_templates: Path) -> None:
    """A version that was replaced and comes back by mistake is looked at again."""
    before = (own_templates / SMS).read_text(encoding="utf-8")
    edit(own_templates, SMS, before, before + "More.\n")
    sign(signed)
    edit(own_templates, SMS, before + "More.\n", before)
    signed.wait(minutes=15)
    assert statuses(signed)["home"] == "held"


def test_other_treatments_are_not_held(signed: World, own_templates: Path) -> None:
    """A new treatment that nobody signed off yet stops its own messages only."""
    shutil.copytree(own_templates / "microneedling", own_templates / "peel")
    signed.source.add(session_id="S2", patient_id="P2", treatment="peel", phone="600 123 457")
    signed.wait(minutes=15)
    assert statuses(signed)["home"] == "sent"
    assert statuses(signed, "S2")["home"] == "held"
    edit(own_templates, PROTOCOL, "36 hours", "35 hours")
    sign(signed, "peel")
    signed.wait(minutes=1)
    assert statuses(signed, "S2")["home"] == "sent"


def test_an_unsigned_protocol_moves_and_drops_nothing(signed: World, own_templates: Path) -> None:
    """Plans keep to what was signed off, for old sessions and new; with the signature they move."""
    signed.wait(minutes=15)
    edit(
        own_templates,
        PROTOCOL,
        'at = "10:00"\nuseful_for = "4 days"',
        'at = "11:00"\nuseful_for = "4 days"',
    )
    edit(own_templates, PROTOCOL, 'name = "first-day"', 'name = "second-day"')
    signed.source.add(session_id="S2", patient_id="P2", phone="600 123 457")
    signed.wait(minutes=1)
    for session in ("S1", "S2"):
        assert statuses(signed, session)["first-day"] == "planned"
        assert "second-day" not in statuses(signed, session)
        due_at = one(signed, "active-again", session=session).due_at
        assert local(signed, due_at) == "Fri 27 Nov 10:00"

    for language in ("en", "es"):
        for kind in ("sms.txt", "email.md"):
            old = own_templates / "microneedling" / language / f"first-day.{kind}"
            old.rename(old.with_name(f"second-day.{kind}"))
    sign(signed)
    signed.wait(minutes=1)
    assert statuses(signed)["first-day"] == "skipped"
    assert statuses(signed)["second-day"] == "planned"
    assert local(signed, one(signed, "active-again").due_at) == "Fri 27 Nov 11:00"


def test_an_unsigned_protocol_loosens_no_restriction(signed: World, own_templates: Path) -> None:
    """Another treatment's edit lets nobody into the sun before its signed protocol does."""
    shutil.copytree(own_templates / "microneedling", own_templates / "peel")
    edit(own_templates, "peel/protocol.toml", 'sun = "3 days"', 'sun = "9 days"')
    edit(own_templates, "peel/protocol.toml", 'lifts = ["exercise", "sun"]', 'lifts = ["exercise"]')
    sign(signed, "peel")
    signed.source.add(session_id="S2", treatment="peel")
    signed.wait(minutes=15)
    edit(own_templates, "peel/protocol.toml", 'sun = "9 days"', 'sun = "1 days"')
    signed.move_to("2026-11-26 10:05")
    row = one(signed, "active-again")
    assert (row.status, row.cause) == ("skipped", Cause.OVERLAP)


def test_an_edit_while_a_batch_is_decided_is_not_sent(
    signed: World, own_templates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The version that is checked is the version that is rendered, however close an edit comes."""
    library = signed.app.library
    check = unapproved

    def edit_after_the_check(*arguments: object) -> dict[str, str]:
        found = check(*arguments)  # type: ignore[arg-type]
        path = own_templates / SMS
        edit(own_templates, SMS, path.read_text(encoding="utf-8"), "{{ clinic.name }}: unsigned\n")
        assert library.refresh()
        monkeypatch.undo()
        return found

    monkeypatch.setattr("worker.jobs.claim.unapproved", edit_after_the_check)
    signed.frozen.tick(15 * 60)
    signed.app.stages.run("collect")
    signed.app.stages.run("plan")
    signed.app.stages.run("send")
    assert [each.words.text for each in signed.sms.sent if "unsigned" in each.words.text] == []
    assert len(left(signed, Channel.SMS)) + (statuses(signed)["home"] == "held") == 1


def test_without_the_setting_nothing_is_held(
    new_world: Callable[..., World], own_templates: Path
) -> None:
    """Signatures may be kept all the same; they only do not stop anything."""
    world = new_world(templates=own_templates)
    world.source.add()
    sign(world)
    edit(own_templates, SMS, "redness", "reddening")
    world.wait(minutes=15)
    assert len(left(world)) == 2


def test_status_says_what_waits_for_a_signature(signed: World, own_templates: Path) -> None:
    """As long as an edit is not signed off, even before a message is due."""
    with signed.app.engine.begin() as db:
        assert "microneedling" not in unapproved(db, Library(own_templates).versions)
    edit(own_templates, SMS, "redness", "reddening")
    with signed.app.engine.begin() as db:
        found = unapproved(db, Library(own_templates).versions)
        assert found["microneedling"] == CHANGED
    signed.wait(minutes=15)
    assert "2 messages are held" in problems(signed)


def test_held_messages_do_not_starve_those_that_can_go(
    strict: World, monkeypatch: pytest.MonkeyPatch, own_templates: Path
) -> None:
    """However many wait for another treatment's signature."""
    monkeypatch.setattr("worker.jobs.approvals._BATCH", 1)
    shutil.copytree(own_templates / "microneedling", own_templates / "peel")
    for number in range(2, 5):
        strict.source.add(
            session_id=f"S{number}", patient_id=f"P{number}", treatment="peel",
            phone=f"600 123 45{number}",
        )  # fmt: skip
    strict.wait(minutes=15)
    sign(strict)
    assert statuses(strict)["home"] == "planned"
    assert [statuses(strict, f"S{number}")["home"] for number in range(2, 5)] == ["held"] * 3
