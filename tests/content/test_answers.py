"""The answers to replies: a clinician may edit them, and none ever goes missing."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.support.world import CLINIC
from worker.content.answers import answer_words
from worker.content.library import Library
from worker.content.lint.replies import reply_findings
from worker.resources import TEMPLATES
from worker.rules.contacts import emergency_number
from worker.rules.replies import ANSWERS
from worker.rules.sms import measure

if TYPE_CHECKING:
    from pathlib import Path

LONG_NAME = replace(CLINIC, name="Clínica Dermatológica Sol y Mar")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """The clinic's own copy of the templates."""
    return shutil.copytree(TEMPLATES, tmp_path / "templates")


def say(folder: Path, name: str = "help", language: str = "en", **more: bool) -> str:
    return answer_words(folder, name, clinic=LONG_NAME, language=language, **more).text


@pytest.mark.parametrize("stopped", [False, True])
@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("name", ANSWERS)
def test_every_shipped_answer_fits(name: str, language: str, *, stopped: bool) -> None:
    """Two SMS at most, in the cheap alphabet, with the clinic's name and phone."""
    text = say(TEMPLATES, name, language, stopped=stopped)
    assert measure(text).segments <= 2
    assert measure(text).encoding == "GSM-7"
    assert "Clinica Dermatologica Sol y Mar" in text.splitlines()[0]
    assert "910 12 34 56" in text


@pytest.mark.parametrize("language", ["en", "es"])
def test_help_says_who_writes_and_how_to_stop(language: str) -> None:
    """What CTIA asks of an answer to HELP; the first line tells nothing of the treatment."""
    text = say(TEMPLATES, "help", language)
    assert "STOP" in text
    assert "needl" not in text.splitlines()[0]


@pytest.mark.parametrize("name", ["red-flag", "emergency"])
def test_a_worry_with_a_stop_is_told_that_it_stops(name: str) -> None:
    """The one answer carries the confirmation too."""
    assert "no more automatic texts" in say(TEMPLATES, name, stopped=True)
    assert "no more automatic texts" not in say(TEMPLATES, name)


def test_a_language_that_nobody_translated_gets_the_clinics(own: Path) -> None:
    """A French patient of an English clinic is answered in English."""
    assert say(own, language="fr") == say(own)


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        ('there is no value called "surname"', "Hello {{ surname }}"),
        ("Unexpected end of template", "{% if stopped %}"),
        ("an empty message is never sent", " "),
    ],
)
def test_a_faulty_answer_gives_way_to_the_shipped_one(own: Path, problem: str, text: str) -> None:
    """Whoever writes that it bleeds is answered all the same, and check says what is wrong."""
    shipped = say(own, "red-flag")
    (own / "replies/en/red-flag.sms.txt").write_text(text, encoding="utf-8")
    assert say(own, "red-flag") == shipped
    (told,) = map(str, reply_findings(Library(own)))
    assert told.startswith("templates/replies/en/red-flag.sms.txt, line 1: ")
    assert problem in told


def test_an_answer_that_is_missing_is_the_shipped_one(own: Path) -> None:
    """An older copy of the templates has no answers at all."""
    shutil.rmtree(own / "replies" / "en")
    assert say(own) == say(TEMPLATES)


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("en/help", "{{ clinic.name }} {{ clinic.phone }}" + "x" * 320, ", line 1: it takes more"),
        ("en/hepl", "x", " answers nothing: no reply is answered by this name; the answers are"),
        ("en/help", "{{ clinic.phone }}", ", line 1: the clinic's name is missing"),
        ("en/help", "{{ clinic.name }}", ", line 1: the clinic's phone number is missing"),
        (
            "en/help",
            "{{ clinic.name }}, {{ clinic.phone }}\nNeedling",
            ', line 2: "needling" stands',
        ),
        ("en/help", "{{ clinic.name }} {{ clinic.phone }} http://a.example", "not a secure link"),
    ],
)
def test_check_tells_of_answers_that_cannot_work(
    own: Path, file: str, text: str, told: str
) -> None:
    """Each fault once, with file and line, and nothing else."""
    (own / f"replies/{file}.sms.txt").write_text(text, encoding="utf-8")
    (found,) = map(str, reply_findings(Library(own)))
    assert found.startswith(f"templates/replies/{file}.sms.txt")
    assert told in found


def test_check_tells_of_a_language_that_is_not_whole(own: Path) -> None:
    """Every answer that it lacks; those that ship are as they should be."""
    (own / "replies/fr").mkdir()
    found = [each.file for each in reply_findings(Library(own))]
    assert found == [f"templates/replies/fr/{each}.sms.txt" for each in ANSWERS]


@pytest.mark.parametrize(
    ("number", "country"), [("911", "US"), ("112", "ES"), ("112", "GB"), ("911", "MX")]
)
def test_the_emergency_number_is_the_countrys(number: str, country: str) -> None:
    """As people there know it."""
    assert emergency_number(country) == number
