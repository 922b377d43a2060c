"""Faults in the folder: what is missing, what nobody uses, what cannot be read."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.content.samples import GLOW
from tests.rules.given import case
from worker.content.lint import Severity

if TYPE_CHECKING:
    from tests.content.lint.conftest import Desk

ERROR, WARNING = Severity.ERROR, Severity.WARNING


def _one(desk: Desk, severity: Severity, rule: str) -> str:
    """The only finding, in words."""
    (finding,) = desk.findings()
    assert (finding.severity, finding.rule) == (severity, rule), finding
    return str(finding)


def test_a_missing_translation_is_told(bilingual: Desk) -> None:
    """And what happens until it is written."""
    (bilingual.folder / "care/es/home.email.md").unlink()
    told = _one(bilingual, ERROR, "missing")
    assert told == (
        "templates/care/es/home.email.md is missing; write it. Until then patients of this "
        "language get the message in the clinic's language"
    )


def test_what_is_missing_in_the_clinics_language_goes_to_nobody(bilingual: Desk) -> None:
    """Nothing is behind the clinic's own language, so nothing is promised."""
    (bilingual.folder / "care/es/home.email.md").unlink()
    (finding,) = bilingual.findings([GLOW])  # which writes in Spanish
    assert str(finding).endswith("the message waits, and nobody gets it in this language")


def test_what_is_missing_in_every_language_goes_to_nobody(bilingual: Desk) -> None:
    """As after a milestone was added to the protocol."""
    for language in ("en", "es"):
        (bilingual.folder / f"care/{language}/home.email.md").unlink()
    assert all("nobody gets it" in str(each) for each in bilingual.findings())


@pytest.mark.parametrize(
    ("file", "original"),
    [
        ("care/es/home.email.md", "care/en/home.email.md"),
        ("layout/es.footer.md", "layout/en.footer.md"),
        ("layout/es.toml", "layout/en.toml"),
    ],
)
def test_a_copy_that_nobody_translated_is_told(bilingual: Desk, file: str, original: str) -> None:
    """A language begins as a copy of another, and one file is easily forgotten."""
    bilingual.write(file, bilingual.read(original))
    told = _one(bilingual, WARNING, "untranslated")
    assert told.startswith(f"templates/{file} is word for word templates/{original}; translate it")


def test_a_language_that_nobody_answers_in_is_told(bilingual: Desk) -> None:
    """Patients who are written to in French reply in French, and unsubscribe in it."""
    (bilingual.folder / "care/es").rename(bilingual.folder / "care/fr")
    for name in ("footer.md", "toml"):
        (bilingual.folder / f"layout/es.{name}").rename(bilingual.folder / f"layout/fr.{name}")
    found = {each.file: str(each) for each in bilingual.findings()}
    for file, told in (
        ("templates/replies/fr.toml", "a stop or a worry in this language is not understood"),
        ("templates/replies/fr", "replies are answered in the clinic's language"),
        ("templates/pages/fr.toml", "opens in another language"),
    ):
        assert told in found.pop(file)
    assert found == {}


def test_a_misspelt_file_is_told_twice(desk: Desk) -> None:
    """Once as missing, with the file that is probably meant, and once as never sent."""
    folder = desk.folder / "care/en"
    (folder / "home.sms.txt").rename(folder / "hom.sms.txt")
    missing, unused = map(str, desk.findings())
    assert missing.startswith("templates/care/en/home.sms.txt is missing")
    assert 'is "hom.sms.txt" meant? rename it' in missing
    assert unused.startswith("templates/care/en/hom.sms.txt is never sent")
    assert "home.sms.txt" in unused


@pytest.mark.parametrize(
    ("file", "told"),
    [
        case("a message that no milestone has", "care/en/goodbye.sms.txt",
             "is never sent: the protocol has no message of this name; rename or remove it"),
        case("the wrong ending", "care/en/home.txt", "is it meant to be home."),
        case("a message in no language", "care/home.sms.txt",
             "is used by nobody here; messages belong into the folder of their language"),
    ],
)  # fmt: skip
def test_a_file_that_nobody_uses_is_told(desk: Desk, file: str, told: str) -> None:
    """Somebody wrote it and believes that patients read it."""
    desk.write(file, "x")
    finding = _one(desk, WARNING, "unused")
    assert finding.startswith(f"templates/{file} ")
    assert told in finding


@pytest.mark.parametrize("file", ["care/README.md", "care/en/.DS_Store", "care/en/README.txt"])
def test_notes_and_left_overs_are_passed_over(desk: Desk, file: str) -> None:
    """They are not for patients."""
    desk.write(file, "x")
    assert desk.findings() == []


def test_a_channel_that_the_protocol_does_not_use_is_told(bilingual: Desk) -> None:
    """The mail is written, and never sent."""
    bilingual.replace("care/protocol.toml", 'useful_for = "1 day"', 'useful_for = "1 day"\n'
                 'channels = ["sms"]')  # fmt: skip
    english, spanish = map(str, bilingual.findings())
    assert "care/en/home.email.md is never sent: home has no e-mail in the protocol" in english
    assert 'add "email" to its channels in protocol.toml' in english
    assert "care/es/home.email.md" in spanish


def test_a_folder_without_a_protocol_is_told(desk: Desk) -> None:
    """A treatment that was only begun."""
    desk.write("facial/en/home.sms.txt", "x")
    assert _one(desk, WARNING, "unused").startswith("templates/facial has no protocol.toml")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("es-MX", 'rename it to "es"'),
        ("pt_BR", 'rename it to "pt"'),
        ("Spanish", 'rename it to "es"'),
        ("klingon", 'name it like "en" or "es"'),
    ],
)
def test_a_language_folder_that_no_patient_reaches_is_told(
    bilingual: Desk, name: str, told: str
) -> None:
    """Patients' languages are read as ``es``, whatever the clinic's system calls them."""
    (bilingual.folder / "care/es").rename(bilingual.folder / "care" / name)
    finding = _one(bilingual, WARNING, "language")
    assert finding.startswith(f"templates/care/{name} is never used")
    assert told in finding


def test_a_language_that_only_other_treatments_have_is_told(bilingual: Desk) -> None:
    """The second treatment was not translated."""
    shutil.copytree(bilingual.folder / "care", bilingual.folder / "facial")
    shutil.rmtree(bilingual.folder / "facial/es")
    assert _one(bilingual, WARNING, "language").startswith("templates/facial/es is missing")


def test_a_clinics_language_has_to_be_there(desk: Desk) -> None:
    """It is what every other language falls back to."""
    (finding,) = desk.findings([replace(GLOW, language="fr")])
    assert finding.severity is ERROR
    assert str(finding).startswith(
        "templates/care/fr is missing, and Glow Clinic writes in this language"
    )


def test_a_clinics_name_that_makes_texts_long_is_told(desk: Desk) -> None:
    """Two segments for the sample clinic may be three for one with a longer name."""
    desk.replace("home.sms.txt", "Reply", "x" * 120 + "\nReply")
    name = (
        "The Northern Institute of Dermatology, Aesthetic Medicine and Advanced Skin Care of Leeds"
    )
    (finding,) = desk.findings([replace(GLOW, language="en", name=name)])
    assert (finding.severity, finding.rule) == (WARNING, "too-long")
    assert f"for your clinic {name} the text has 3 segments" in str(finding)


def test_a_clinics_own_name_may_say_what_it_does(desk: Desk) -> None:
    """A clinic called "Needle & Thread" cannot keep its own name off the phone."""
    assert desk.findings([replace(GLOW, language="en", name="Needle & Thread")]) == []


# The layout and the lists of replies, which an older copy may lack


@pytest.mark.parametrize("file", ["email.html", "es.footer.md"])
def test_a_copy_without_a_file_of_the_layout_is_told_once(bilingual: Desk, file: str) -> None:
    """Not once for every mail; and where to get it."""
    (bilingual.folder / "layout" / file).unlink()
    told = _one(bilingual, ERROR, "missing")
    assert told.startswith(f"templates/layout/{file} is missing")
    assert f"copy {file} from the templates that came with Aftercare" in told


def test_a_copy_without_replies_is_told(desk: Desk) -> None:
    """The shipped lists are used, so nothing is missed."""
    (desk.folder / "replies").rmdir()
    assert _one(desk, WARNING, "missing").startswith(
        "templates/replies is missing, so patients' replies are read with the lists that came"
    )


def test_a_list_of_replies_that_cannot_be_read_is_told(desk: Desk) -> None:
    """A stop could be missed."""
    desk.write("replies/en.toml", '[stop]\nwords = ["stop"]\n\n[red_flag]\nx = ["pus"]\n')
    found = desk.findings()
    assert {each.severity for each in found} == {ERROR}
    assert any(
        str(each).startswith("templates/replies/en.toml, line 4: red_flag: unknown key")
        for each in found
    )


# The protocol


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        case("a key that is not known", 'title = "Care"', 'titel = "Care"', 1, "titel: unknown"),
        case("a length that is none", 'exercise = "3 days"', 'exercise = "soon"', 4,
             "restrictions.exercise"),
        case("too early", 'after = "3 days"', 'after = "2 days"', 17,
             "allows sun before its restriction"),
        case("not TOML", 'title = "Care"', 'title = "Care', 1, "not valid TOML"),
    ],
)  # fmt: skip
def test_a_fault_of_the_protocol_is_told_with_its_line(
    desk: Desk, old: str, new: str, line: int, told: str
) -> None:
    """Until it is mended nothing is sent for the treatment."""
    desk.replace("care/protocol.toml", old, new)
    finding = next(each for each in desk.findings() if told in str(each))
    assert (finding.severity, finding.rule, finding.line) == (ERROR, "protocol", line)
    assert str(finding).startswith(f"templates/care/protocol.toml, line {line}: ")


def test_a_sample_is_told_until_somebody_reviewed_it(desk: Desk) -> None:
    """A warning, because nothing is wrong with it but that nobody has looked."""
    desk.replace("care/protocol.toml", 'title = "Care"', 'title = "Care"\nsample = true')
    told = _one(desk, WARNING, "sample")
    assert told.startswith("templates/care/protocol.toml, line 2: the treatment is a sample")
    assert "have your clinician review every message" in told


def test_a_protocol_without_private_words_is_told(desk: Desk) -> None:
    """Then no check can tell what a locked phone gives away."""
    desk.replace("care/protocol.toml", '["needle", "acné"]', "[]")
    assert _one(desk, WARNING, "no-private-words")
