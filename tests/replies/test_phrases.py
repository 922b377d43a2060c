"""The lists as files: what a clinician may write, and what happens when it is wrong."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from worker.content.library import Library
from worker.content.phrases import load_phrasebooks
from worker.errors import TemplateError
from worker.resources import TEMPLATES
from worker.rules.replies import Meaning, classify

if TYPE_CHECKING:
    from pathlib import Path

SMALLEST = """
[stop]
words = ["arrêt"]
[red_flags]
fievre = ["fièvre"]
[emergencies]
souffle = ["peux pas respirer"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A clinic's own templates folder with an empty folder for its lists."""
    (tmp_path / "replies").mkdir()
    return tmp_path


def write(folder: Path, name: str, text: str) -> None:
    """Save a list."""
    (folder / "replies" / name).write_text(text, encoding="utf-8")


def test_a_new_language_is_read_beside_the_shipped_ones(folder: Path) -> None:
    """A file is all it takes, and only the sections that cannot be done without."""
    write(folder, "fr.toml", SMALLEST)

    books = load_phrasebooks(folder)

    assert [book.language for book in books] == ["en", "es", "fr"]
    assert classify("Arrêt, please", books).meaning is Meaning.STOP
    assert classify("j'ai de la fièvre", books).meaning is Meaning.RED_FLAG
    assert classify("je peux pas respirer", books).emergency


def test_a_clinic_s_own_list_stands_in_for_the_shipped_one(folder: Path) -> None:
    """Whole file for whole file, so that what a clinician took out stays out."""
    write(folder, "en.toml", SMALLEST.replace("fievre = [", 'glow = ["sparkl*"] #'))

    books = load_phrasebooks(folder)

    assert classify("my skin is sparkling", books).meaning is Meaning.RED_FLAG
    assert classify("I have a rash", books).meaning is Meaning.STAFF


def test_a_folder_without_lists_uses_the_shipped_ones(tmp_path: Path) -> None:
    """A copy from before there were lists must not mean that stops are missed."""
    assert load_phrasebooks(tmp_path) == load_phrasebooks(TEMPLATES)


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("fr.toml: not valid TOML", "[stop"),
        ("fr.toml: stop: is missing", SMALLEST.replace("[stop]", "[courtesy]")),
        ("fr.toml: red_flags: is missing", '[stop]\nwords = ["a"]\n[emergencies]\na = ["b"]'),
        ("fr.toml: stop.wrods: unknown key", SMALLEST.replace("[stop]", "[stop]\nwrods = []")),
        ("fr.toml: stop.words: must be a list", SMALLEST.replace('["arrêt"]', '"arrêt"')),
        ("fr.toml: stop.words[0]: must be a phrase in quotes", SMALLEST.replace('"arrêt"', "7")),
        ("fr.toml: stop.words: must not be empty", SMALLEST.replace('"arrêt"', "")),
        (
            'fr.toml: red_flags.fievre[0]: "fièvre, pus" has "fievre,"',
            SMALLEST.replace('"fièvre"', '"fièvre, pus"'),
        ),
        ("fr.toml: red_flags.fievre[0]: ", SMALLEST.replace('"fièvre"', '"... fièvre"')),
        ("fr.toml: spelling.a,b: ", SMALLEST + '[spelling]\n"a,b" = ["c"]'),
    ],
)
def test_a_fault_names_the_file_and_the_key(folder: Path, expected: str, text: str) -> None:
    """A list that cannot be read is never passed over."""
    write(folder, "fr.toml", text)
    with pytest.raises(TemplateError) as raised:
        load_phrasebooks(folder)
    assert f"{folder.name}/replies/{expected}" in str(raised.value)


def test_all_faults_of_all_files_are_told_at_once(folder: Path) -> None:
    """One look, one round of corrections."""
    write(folder, "fr.toml", "[stop")
    write(folder, "en.toml", SMALLEST.replace('"arrêt"', '"*"'))
    write(folder, "klingon.toml", SMALLEST)
    with pytest.raises(TemplateError) as raised:
        load_phrasebooks(folder)
    shown = f"{folder.name}/replies/"
    files = [line.removeprefix(shown).split(":")[0] for line in str(raised.value).splitlines()]
    assert files == ["en.toml", "fr.toml", "klingon.toml"]


def test_the_folder_of_lists_is_no_treatment(tmp_path: Path) -> None:
    """The library passes it over."""
    shutil.copytree(TEMPLATES, tmp_path / "templates")
    library = Library(tmp_path / "templates")
    assert library.treatments == {"chemical-peel", "microneedling"}
    assert (library.problems, library.missing_translations()) == ({}, [])
