"""Versions: what a message was made from, the same on every machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.content.samples import TREATMENT
from worker.content.library import Library
from worker.rules.messages import Channel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROTOCOL = "microneedling/protocol.toml"
SMS = "microneedling/en/home.sms.txt"
MAIL = "microneedling/en/home.email.md"


def digests(library: Library, *, language: str = "en") -> dict[tuple[str, Channel], str]:
    """What each message's own words are made from."""
    return {
        (each.name, channel): library.find(
            TREATMENT, each.name, channel, wanted=language, fallback=language
        ).digest
        for each in library.protocols[TREATMENT].milestones
        for channel in each.channels
    }


def grow(path: Path, text: str = "\n# x\n") -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "changed"),
    [
        pytest.param(SMS, lambda each: each == ("home", Channel.SMS), id="a text"),
        pytest.param(MAIL, lambda each: each == ("home", Channel.EMAIL), id="an e-mail"),
        pytest.param(PROTOCOL, lambda each: each[1] is Channel.EMAIL, id="the protocol"),
        pytest.param("layout/email.html", lambda each: each[1] is Channel.EMAIL, id="the layout"),
        pytest.param("layout/en.footer.md", lambda each: each[1] is Channel.EMAIL, id="a footer"),
        pytest.param("microneedling/es/home.sms.txt", lambda _: False, id="another language"),
        pytest.param("layout/es.footer.md", lambda _: False, id="another footer"),
    ],
)
def test_a_version_changes_with_whatever_makes_the_words(
    folder: Path, file: str, changed: Callable[[tuple[str, Channel]], bool]
) -> None:
    """A message's own digest changes with its own files; the treatment's with any of them."""
    before = Library(folder)
    grow(folder / file)
    after = Library(folder)
    assert after.versions[TREATMENT] != before.versions[TREATMENT]
    old, new = digests(before), digests(after)
    assert {each for each in old if old[each] != new[each]} == {
        each for each in old if changed(each)
    }


@pytest.mark.parametrize("ends", ["\r\n", "\r"])
def test_a_version_is_the_same_whatever_the_line_ends(folder: Path, ends: str) -> None:
    """Files that went through Windows, with their byte order marks, are the same files."""
    before = Library(folder)
    for path in (each for each in folder.rglob("*") if each.is_file()):
        text = path.read_text(encoding="utf-8")
        path.write_bytes(text.replace("\n", ends).encode("utf-8-sig"))
    after = Library(folder)
    assert after.versions == before.versions
    assert digests(after) == digests(before)
    assert after.contents(TREATMENT) == before.contents(TREATMENT)


@pytest.mark.parametrize(
    "stray", ["microneedling/en/home.sms.txt~", "microneedling/.DS_Store", "layout/logo.png",
              "peel/protocol.toml", "replies/en.toml"],
)  # fmt: skip
def test_what_makes_no_words_changes_no_version(folder: Path, stray: str) -> None:
    """An editor's backup, a picture, another treatment: nobody has to sign this off again."""
    before = Library(folder).versions[TREATMENT]
    (folder / stray).parent.mkdir(exist_ok=True)
    (folder / stray).write_bytes(b"\xff\xfe")
    assert Library(folder).versions[TREATMENT] == before


def test_a_version_does_not_depend_on_where_the_folder_lies(folder: Path, library: Library) -> None:
    """The clinic's copy of the shipped templates has the shipped versions."""
    assert Library(folder).versions == library.versions


def test_a_file_that_is_renamed_is_another_version(folder: Path) -> None:
    """The same texts under another name are for other patients."""
    before = Library(folder).versions[TREATMENT]
    (folder / "microneedling" / "es").rename(folder / "microneedling" / "fr")
    assert Library(folder).versions[TREATMENT] != before


def test_a_pinned_library_does_not_see_later_edits(folder: Path) -> None:
    """What was checked is what is rendered, even when someone saves a file in between."""
    library = Library(folder)
    pinned = library.pinned()
    before = pinned.versions, digests(pinned)
    grow(folder / SMS)
    assert library.refresh()
    assert (pinned.versions, digests(pinned)) == before
    assert library.versions != pinned.versions


def test_the_contents_are_what_a_copy_can_be_made_from(folder: Path, tmp_path: Path) -> None:
    """The stored files of a version make the very same words again."""
    library = Library(folder)
    for name, text in library.contents(TREATMENT).items():
        path = tmp_path / "again" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    again = Library(tmp_path / "again")
    assert again.versions[TREATMENT] == library.versions[TREATMENT]
    assert digests(again) == digests(library)
