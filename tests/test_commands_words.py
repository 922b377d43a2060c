"""The commands for changing words with confidence: plan, approve and forecast."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from freezegun import freeze_time
from sqlalchemy import update

from tests.conftest import MONDAY_AFTERNOON
from tests.jobs.test_approvals import edit
from tests.support.command import Shell, add_clinic
from tests.support.stored import PATIENT, everything, store_session
from worker.app import build_app
from worker.content.library import Library
from worker.parts import open_store, utc_now
from worker.resources import TEMPLATES
from worker.settings import load_settings
from worker.store.tables import MESSAGES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

FIRST_DAY = "microneedling/en/first-day.sms.txt"


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Shell]:
    """A clinic on Monday at three, with templates of its own; Ana's first message has left."""
    with freeze_time(MONDAY_AFTERNOON) as frozen:
        shell = Shell(tmp_path, monkeypatch, capsys)
        shutil.copytree(TEMPLATES, tmp_path / "templates")
        shell.export(AFTERCARE_TEMPLATES="templates", COLUMNS="200")
        add_clinic(shell)
        with _store() as db:
            store_session(db, at=utc_now())
        frozen.tick(timedelta(minutes=15))
        work()
        yield shell


@contextmanager
def _store() -> Iterator[Connection]:
    engine = open_store(load_settings())
    with engine.begin() as db:
        yield db
    engine.dispose()


def work() -> None:
    """One pass of the worker."""
    app = build_app(load_settings())
    assert app.run_once()
    app.close()


def stored() -> dict[str, list[Any]]:
    with _store() as db:
        return everything(db)


@pytest.fixture
def edited(shell: Shell) -> Path:
    """A copy of the templates, in which the first day has other words."""
    folder = shutil.copytree(shell.folder / "templates", shell.folder / "new")
    edit(folder, FIRST_DAY, "dryness", "tightness")
    return folder


# plan


def test_plan_shows_what_is_coming(shell: Shell) -> None:
    """When on the patient's clock, who by id, and what; names and numbers are not in it."""
    done = shell.run("plan", "--days", "5")
    lines = done.out.splitlines()
    assert lines[0] == "Tuesday 24 November 2026"
    assert lines[1].split() == [
        *("·", "Tue", "24", "Nov", "15:00", "microneedling", "first-day", "sms"),
        *("patient", "P1,", "session", "S1"),
    ]
    assert "4 messages wait for the next 5 days" in done.told
    assert (done.code, "Ana" in done.out, "600123456" in done.out) == (0, False, False)


def test_plan_for_machines(shell: Shell) -> None:
    """Times in UTC."""
    rows = json.loads(shell.run("plan", "--days", "30", "--json").out)
    assert len(rows) == 8
    assert rows[0]["due_at"] == "2026-11-24T14:00:00+00:00"
    assert (rows[0]["session_id"], rows[0]["milestone"]) == ("S1", "first-day")


@pytest.mark.parametrize(
    ("words", "expected"), [(("--only", "P1"), 2), (("--only", "S1"), 2), (("--only", "P2"), 0)]
)
def test_plan_of_one(shell: Shell, words: tuple[str, ...], expected: int) -> None:
    """By patient or by session."""
    assert len(json.loads(shell.run("plan", "--days", "1", "--json", *words).out)) == expected


def test_diff_with_an_edited_copy(shell: Shell, edited: Path) -> None:
    """The normal case: copy, edit, look. Old and new words stand together; nothing is written."""
    before = stored()
    done = shell.run("plan", "--diff", "--templates", str(edited))
    assert (done.code, done.err) == (0, "")
    assert "microneedling/en/first-day.sms.txt (changed, +1 -1 lines)" in done.told
    assert "microneedling first-day sms (en): reads differently, 1 message" in done.told
    assert "session S1 of patient P1" in done.told
    assert "-Mild dryness can happen. Use SPF 30+." in done.told
    assert "+Mild tightness can happen. Use SPF 30+." in done.told
    assert "Of the messages that wait now: reads differently: 1." in done.told
    assert stored() == before


def test_diff_tells_alike_changes_once(shell: Shell, edited: Path) -> None:
    """Of many patients one is the example; with --only each is shown."""
    with _store() as db:
        store_session(db, "S2", patient=replace(PATIENT, patient_id="P2"), at=utc_now())
    work()
    done = shell.run("plan", "--diff", "--templates", str(edited))
    assert "reads differently, 2 messages for example session S1" in done.told
    assert done.told.count("tightness") == 1
    one = shell.run("plan", "--diff", "--templates", str(edited), "--only", "P2")
    assert "reads differently, 1 message session S2 of patient P2" in one.told


def test_diff_for_machines(shell: Shell, edited: Path) -> None:
    """Everything, with the words."""
    found = json.loads(shell.run("plan", "--diff", "--templates", str(edited), "--json").out)
    assert found["files"] == [
        {"name": FIRST_DAY, "added": 1, "removed": 1, "what": "changed"}
    ]  # fmt: skip
    (change,) = found["changes"]
    assert change["effects"] == ["reads differently"]
    assert "dryness" in change["old"]["words"]
    assert "tightness" in change["new"]["words"]
    assert change["new"]["due_at"] == "2026-11-24T14:00:00+00:00"


def test_diff_shows_a_move_on_the_patients_clock(shell: Shell, edited: Path) -> None:
    """From when to when."""
    edit(edited, "microneedling/protocol.toml", 'after = "24 hours"', 'after = "26 hours"')
    done = shell.run("plan", "--diff", "--templates", str(edited))
    assert "first-day sms (en): moves, reads differently, 1 message" in done.told
    assert "due: Tue 24 Nov 15:00 → Tue 24 Nov 17:00" in done.told


def test_diff_of_nothing(shell: Shell) -> None:
    """An untouched copy changes nothing, and that is said."""
    shutil.copytree(shell.folder / "templates", shell.folder / "new")
    done = shell.run("plan", "--diff", "--templates", "new")
    assert (done.code, done.told) == (
        0,
        "No file differs. Of the messages that wait now: none changes.",
    )


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--diff",), "There is nothing to compare with. Copy the folder of the templates"),
        (
            ("--diff", "--templates", "nowhere"),
            "--templates: nowhere has no folder with a protocol",
        ),
        (("--templates", "new"), "--templates goes with --diff"),
        (("--clinic", "nope"), 'There is no clinic "nope"'),
    ],
)
def test_plan_says_what_to_do_instead(shell: Shell, words: tuple[str, ...], problem: str) -> None:
    """Exit 1 and a sentence."""
    done = shell.run("plan", *words)
    assert (done.code, problem in done.told) == (1, True)


def test_diff_in_place_is_against_what_was_signed_off(shell: Shell) -> None:
    """Once something was signed off, an edit in place can be looked at too."""
    shell.run("approve", "--by", "Marta")
    edit(shell.folder / "templates", FIRST_DAY, "dryness", "tightness")
    done = shell.run("plan", "--diff")
    assert "+Mild tightness can happen" in done.told


# approve


def test_approve_records_who_and_what(shell: Shell) -> None:
    """The first time everything is new; later it says what changed since."""
    done = shell.run("approve", "--by", "Dr.  Marta Ruiz", "--note", "as it ships")
    assert done.code == 0
    assert "is signed off by Dr. Marta Ruiz." in done.told
    assert "Signed off for the first time" in done.told

    again = shell.run("approve", "--by", "Somebody")
    assert "was signed off by Dr. Marta Ruiz already" in again.told

    edit(shell.folder / "templates", FIRST_DAY, "dryness", "tightness")
    done = shell.run("approve", "--by", "Leo", "--treatment", "microneedling")
    assert "Changed since 2026-11-23 14:15 UTC (Dr. Marta Ruiz):" in done.told
    assert f"{FIRST_DAY} (changed, +1 -1 lines)" in done.told

    found = json.loads(shell.run("approve", "--list", "--json").out)
    ours = [each for each in found if each["treatment"] == "microneedling"]
    assert [(each["treatment"], each["approved_by"], each["note"]) for each in ours] == [
        ("microneedling", "Dr. Marta Ruiz", "as it ships"),
        ("microneedling", "Leo", ""),
    ]
    listed = shell.run("approve", "--list").out.splitlines()
    signed = [line for line in listed if line.startswith("2026-11-23 14:15 UTC  microneedling")]
    assert len(signed) == 2


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (FIRST_DAY, "{{ clinic.name }}", "{{ clinic.name"),
        ("microneedling/protocol.toml", '"36 hours"', '"36 yours"'),
        ("layout/en.footer.md", "{{ clinic.name }}", "{{ clinic.name"),
        # Faults with which a message could well leave, wrong.
        ("microneedling/en/active-again.sms.txt", "Sun only with SPF 30+.", "Enjoy the sun."),
        ("layout/en.toml", "of it until {{ end | moment }}", "of it until {{ end }}"),
    ],
)
def test_approve_refuses_what_has_a_fault(shell: Shell, file: str, old: str, new: str) -> None:
    """Every fault is named with its line, and nothing is recorded."""
    edit(shell.folder / "templates", file, old, new)
    done = shell.run("approve", "--by", "Marta")
    assert (done.code, "this needs mending first" in done.told) == (1, True)
    assert f"- templates/{file}, line " in done.told
    assert shell.run("approve", "--list").told.startswith("Nothing has been signed off yet")


def test_a_fault_of_another_treatment_stands_in_nobodys_way(shell: Shell) -> None:
    """A signature is for one treatment and the layout round its e-mails."""
    edit(shell.folder / "templates", FIRST_DAY, "{{ clinic.phone }}", "us")
    done = shell.run("approve", "--by", "Marta", "--treatment", "chemical-peel")
    assert (done.code, "chemical-peel" in done.told) == (0, True)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ((), "Say who signs it off: aftercare approve --by"),
        (("--by", " "), "Say who signs it off"),
        (("--by", "Marta", "--treatment", "peel"), 'There is no treatment "peel" in templates'),
    ],
)
def test_approve_says_what_is_missing(shell: Shell, words: tuple[str, ...], problem: str) -> None:
    """Exit 1, and nothing is recorded."""
    done = shell.run("approve", *words)
    assert (done.code, problem in done.told) == (1, True)


def test_held_until_approved(shell: Shell) -> None:
    """From the setting to the patient: held, told by status, released by the command, sent."""
    shell.export(AFTERCARE_REQUIRE_APPROVAL="true")
    with freeze_time("2026-11-24 14:05:00+00:00"):
        work()
        status = shell.run("status")
        assert status.code == 1
        assert "Nobody has signed off the messages of microneedling yet" in status.told
        assert "2 messages are held" in status.told
        shown = shell.run("plan", "--days", "1").out
        assert shown.count("then run: aftercare approve") == 2
        done = shell.run("approve", "--by", "Marta")
        assert "2 messages that were held for this wait for their time again." in done.told
        work()
        status = shell.run("status")
        assert (status.code, "held 0" in status.told, "sent 4" in status.told) == (0, True, True)


def test_status_tells_of_an_edit_since_the_last_signature(shell: Shell) -> None:
    """Nothing is held where approval is not required; but whoever signed may want to know."""
    told = "The messages of microneedling were changed and nobody has signed that off yet"
    assert told not in shell.run("status").told  # nobody here signs anything
    shell.run("approve", "--by", "Marta")
    edit(shell.folder / "templates", FIRST_DAY, "dryness", "tightness")
    done = shell.run("status")
    assert (done.code, told in done.told, "chemical-peel were" in done.told) == (0, True, False)


def test_why_tells_which_words_and_who_signed_them_off(shell: Shell) -> None:
    """For every message that was made: nobody, somebody only later, or somebody in time."""
    version = Library(shell.folder / "templates").versions["microneedling"]
    words = f"Its words are version {version}, "
    assert shell.run("why", "P1").told.count(f"{words}which nobody has signed off") == 2
    signed = f"{words}signed off by Dr. Marta Ruiz on Mon 23 Nov 15:20"
    with freeze_time("2026-11-23 14:20:00+00:00"):
        shell.run("approve", "--by", "Dr. Marta Ruiz")
    with freeze_time("2026-11-24 14:05:00+00:00"):
        work()
        told = shell.run("why", "P1").told
    assert (told.count(signed), told.count(f"{signed} after it was made")) == (4, 2)


# forecast


def totals(shell: Shell, *words: str) -> dict[str, Any]:
    done = shell.run("forecast", "--json", *words)
    assert (done.code, done.err) == (0, "")
    found: dict[str, Any] = json.loads(done.out)
    return found


def test_forecast_without_prices(shell: Shell) -> None:
    """Messages and segments, and which setting gives costs; what has left counts too."""
    done = shell.run("forecast")
    assert "For costs set AFTERCARE_SMS_PRICES" in done.told
    assert "2026-11 glow en 3 3 2 4" in done.told
    found = totals(shell)
    assert [(each["month"], each["texts"], each["left"]) for each in found["lines"]] == [
        ("2026-11", 3, 2),
        ("2026-12", 2, 0),
    ]
    assert found["total"]["cost"] is None


def test_forecast_with_prices(shell: Shell) -> None:
    """By the country of the phone, in the clinic's currency."""
    shell.export(AFTERCARE_SMS_PRICES="US=0.0083,ES=0.0700,*=0.05", AFTERCARE_CURRENCY="eur")
    found = totals(shell)
    segments = found["total"]["segments"]
    assert found["total"]["segments_by_country"] == {"ES": segments}
    assert found["total"]["cost"] == str(segments * 7 / 100).ljust(4, "0") + "00"
    assert f"€0.{segments * 7}" in shell.run("forecast").told


def test_forecast_names_the_price_that_is_missing(shell: Shell) -> None:
    """A sum that leaves a country out would be wrong, so there is none."""
    shell.export(AFTERCARE_SMS_PRICES="US=0.0083")
    assert totals(shell)["total"]["cost"] is None
    assert "AFTERCARE_SMS_PRICES has no price for ES" in shell.run("forecast").told


def test_forecast_counts_a_name_that_costs_a_segment(shell: Shell) -> None:
    """Measured with the patient's own name, as it will be billed."""
    before = totals(shell)["total"]["segments"]
    with _store() as db:
        store_session(db, patient=replace(PATIENT, first_name="Łucja"), at=utc_now())
    assert totals(shell)["total"]["segments"] > before


@pytest.mark.parametrize(
    ("months", "expected"), [("1", ["2026-11"]), ("2", ["2026-11", "2026-12"])]
)
def test_forecast_by_month(shell: Shell, months: str, expected: list[str]) -> None:
    """The present one is the first."""
    found = totals(shell, "--months", months)
    assert [each["month"] for each in found["lines"]] == expected


def test_forecast_leaves_out_what_is_out_of_date(shell: Shell) -> None:
    """What will be skipped costs nothing."""
    with _store() as db:
        late = update(MESSAGES).where(MESSAGES.c.milestone == "first-day")
        db.execute(late.values(expires_at=utc_now()))
    assert totals(shell)["lines"][0]["texts"] == 2


def test_forecast_tells_what_it_cannot_measure(shell: Shell) -> None:
    """A faulty template is counted and told, never left out in silence."""
    edit(shell.folder / "templates", FIRST_DAY, "{{ clinic.name }}", "{{ clinic.name")
    assert totals(shell)["total"]["unmeasured"] == 1
    assert "1 texts could not be measured" in shell.run("forecast").told


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("AFTERCARE_SMS_PRICES", "ES=cheap", 'AFTERCARE_SMS_PRICES: "ES=cheap" is not a price'),
        ("AFTERCARE_CURRENCY", "coins", "AFTERCARE_CURRENCY: is not a currency code"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_read(shell: Shell, name: str, value: str, problem: str) -> None:
    """Each names its setting."""
    shell.export(**{name: value})
    done = shell.run("forecast")
    assert (done.code, problem in done.told) == (1, True)
