"""Files and folders: what is missing, what nobody uses, what cannot be read."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from worker.content.library import LAYOUT, SUFFIX
from worker.content.lint.finding import Finding, error, warning
from worker.content.pages import FOLDER as PAGES
from worker.content.phrases import FOLDER as REPLIES
from worker.resources import TEMPLATES
from worker.rules.contacts import canonical_language, is_language

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from worker.content.library import Library
    from worker.rules.facts import Clinic
    from worker.rules.protocol import Protocol

#: Left behind by file managers, or written for colleagues.
_NOT_OURS = re.compile(r"\..*|Thumbs\.db|desktop\.ini|README.*|LICEN[CS]E.*", re.IGNORECASE)


def folder_findings(library: Library, clinics: Iterable[Clinic]) -> Iterator[Finding]:
    """What is wrong with the folder as a whole."""
    root = library.folder
    yield from _layout(library)
    for treatment in sorted(library.protocols):
        languages = library.languages(treatment)
        yield from _languages(library, treatment, languages, clinics)
        yield from _unused(root, treatment, library.protocols[treatment], languages)
    for path in sorted(root.iterdir()):
        known = {LAYOUT, REPLIES, PAGES, *library.treatments}
        if path.is_dir() and path.name not in known and not _NOT_OURS.fullmatch(path.name):
            yield warning(
                "unused",
                f"{root.name}/{path.name}",
                0,
                "has no protocol.toml, so nothing is sent from it",
                "give it one (copy another treatment's), or remove the folder",
            )


def missing_translations(library: Library, clinics: Iterable[Clinic]) -> Iterator[Finding]:
    """Messages that one language of a treatment should have and does not."""
    own = {clinic.language for clinic in clinics}
    for file in library.missing_translations():
        folder, _, name = file.rpartition("/")
        present = {path.name for path in _inside(library, folder).glob("*")}
        near = _nearest(name, present - _wanted_names(library, folder))
        advice = f'is "{near}" meant? rename it' if near else "write it"
        # There is nothing behind the clinic's own language.
        then = (
            "patients of this language get the message in the clinic's language"
            if library.has_translation(file) and folder.rpartition("/")[2] not in own
            else "the message waits, and nobody gets it in this language"
        )
        yield error("missing", file, 0, "is missing", f"{advice}. Until then {then}")


def _inside(library: Library, shown: str) -> Path:
    """A folder by the name that people are told."""
    return library.folder / shown.removeprefix(library.shown(""))


def _wanted_names(library: Library, folder: str) -> set[str]:
    protocol = library.protocols.get(folder.split("/")[-2])
    return _names(protocol) if protocol else set()


def _names(protocol: Protocol) -> set[str]:
    return {
        milestone.name + SUFFIX[channel]
        for milestone in protocol.milestones
        for channel in milestone.every_channel
    }


def _layout(library: Library) -> Iterator[Finding]:
    """Every mail needs the page around it, and its footer in the mail's language."""
    root = library.folder
    shared, own = _layout_files()
    needed = dict.fromkeys(shared, "the page around every e-mail")
    for treatment in library.protocols:
        for language in filter(is_language, library.languages(treatment)):
            if any((root / treatment / language).glob("*.email.md")):
                purpose = f'what e-mails in "{language}" share'
                needed |= dict.fromkeys((f"{language}{ending}" for ending in own), purpose)
    for name, purpose in needed.items():
        if not (root / LAYOUT / name).is_file():
            shipped = (TEMPLATES / LAYOUT / name).is_file()
            source = name if shipped else f"en{name[name.index('.') :]}"
            yield error(
                "missing",
                f"{root.name}/{LAYOUT}/{name}",
                0,
                f"is missing: {purpose}; without it no such e-mail can be made",
                f"copy {source} from the templates that came with Aftercare"
                + ("" if shipped else " and translate it"),
            )


def _layout_files() -> tuple[list[str], list[str]]:
    """The layout's files as they come with Aftercare: shared ones, and the endings of English's."""
    names = sorted(path.name for path in (TEMPLATES / LAYOUT).iterdir())
    own = [name.removeprefix("en") for name in names if name.startswith("en.")]
    return [name for name in names if not name.endswith(tuple(own))], own


def _languages(
    library: Library, treatment: str, languages: list[str], clinics: Iterable[Clinic]
) -> Iterator[Finding]:
    """Folders with a name that no patient's language has, and languages that are not there."""
    shown = f"{library.folder.name}/{treatment}"
    for name in languages:
        right = canonical_language(name)
        if right != name:
            advice = f'rename it to "{right}"' if right else 'name it like "en" or "es"'
            what = "is never used: patients' languages are read as two or three letters"
            yield warning("language", f"{shown}/{name}", 0, what, advice)
    for clinic in clinics:
        if clinic.language not in languages:
            finding = warning if library.protocols[treatment].sample else error
            yield finding(
                "language",
                f"{shown}/{clinic.language}",
                0,
                f"is missing, and {clinic.name} writes in this language when it has no other",
                "write the messages in it, or change the clinic's language: aftercare clinic edit",
            )
    elsewhere = {each for other in library.protocols for each in library.languages(other)}
    for name in sorted(elsewhere - set(languages)):
        if canonical_language(name) == name and all(each.language != name for each in clinics):
            yield warning(
                "language",
                f"{shown}/{name}",
                0,
                "is missing, and other treatments have this language",
                "translate the messages; until then patients get them in the clinic's language",
            )


def _unused(
    root: Path, treatment: str, protocol: Protocol, languages: list[str]
) -> Iterator[Finding]:
    """Files that no milestone asks for: a typing mistake, or a channel that is not used."""
    wanted = _names(protocol)
    for language in languages:
        folder = root / treatment / language
        for path in sorted(folder.iterdir()):
            if path.name in wanted or _NOT_OURS.fullmatch(path.name):
                continue
            what, advice = _why_unused(path.name, protocol, wanted)
            file = f"{root.name}/{treatment}/{language}/{path.name}"
            yield warning("unused", file, 0, what, advice)
    for path in sorted((root / treatment).iterdir()):
        if path.is_file() and path.name != "protocol.toml" and not _NOT_OURS.fullmatch(path.name):
            yield warning(
                "unused",
                f"{root.name}/{treatment}/{path.name}",
                0,
                "is used by nobody here",
                "messages belong into the folder of their language, such as en",
            )


def _why_unused(name: str, protocol: Protocol, wanted: set[str]) -> tuple[str, str]:
    for channel, suffix in SUFFIX.items():
        milestone = protocol.milestone(name.removesuffix(suffix)) if name.endswith(suffix) else None
        if milestone is not None:
            return (
                f"is never sent: {milestone.name} has no {channel.noun} in the protocol",
                f'add "{channel}" to its channels in protocol.toml, or remove the file',
            )
    near = _nearest(name, wanted)
    advice = f"is it meant to be {near}? rename it" if near else "rename or remove it"
    return "is never sent: the protocol has no message of this name", advice


def _nearest(name: str, others: set[str]) -> str:
    """The file that this one is probably meant to be, by what stands before the ending."""
    stem, _, ending = name.partition(".")
    stems = get_close_matches(stem, sorted({each.partition(".")[0] for each in others}), n=1)
    alike = sorted(each for each in others if stems and each.partition(".")[0] == stems[0])
    return next((each for each in alike if each.endswith(ending)), alike[0] if alike else "")
