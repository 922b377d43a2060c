"""A new language that is not whole yet: what is still in another, and what nobody wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.content.lint.finding import Finding, warning
from worker.content.pages import FOLDER as PAGES
from worker.content.phrases import FOLDER as REPLIES
from worker.resources import TEMPLATES
from worker.rules.contacts import is_language

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from worker.content.library import Library

#: What a file of words ends in; anything else beside it is no text of ours.
_ENDINGS = (".md", ".txt", ".toml")
#: Where a copy usually came from.
_FIRST = "en"


def languages_of(library: Library) -> list[str]:
    """Every language that some treatment has a folder for."""
    found = {each for treatment in library.protocols for each in library.languages(treatment)}
    return sorted(filter(is_language, found))


def untranslated(root: Path, languages: Collection[str]) -> Iterator[Finding]:
    """Files that somebody copied from another language and did not get to yet."""
    # A name says which language it is in: ``en/home.sms.txt``, ``layout/en.footer.md``.
    seen: dict[tuple[str, str], str] = {}
    for language in sorted(languages, key=lambda it: (it != _FIRST, it)):
        for path in sorted([*root.glob(f"*/{language}/*"), *root.glob(f"*/{language}.*")]):
            if not path.name.endswith(_ENDINGS) or not path.is_file():
                continue
            file = path.relative_to(root).as_posix()
            what = file.replace(f"/{language}/", "/*/").replace(f"/{language}.", "/*.")
            text = path.read_text(encoding="utf-8-sig", errors="replace").strip()
            original = seen.setdefault((what, text), file)
            if original != file and text:
                yield warning(
                    "untranslated",
                    f"{root.name}/{file}",
                    0,
                    f"is word for word {root.name}/{original}",
                    "translate it; until then it speaks the other language",
                )


def unanswered(root: Path, languages: Collection[str]) -> Iterator[Finding]:
    """Languages in which patients are written to, and neither understood nor answered."""
    needed = {
        f"{REPLIES}/{{}}.toml": "a stop or a worry in this language is not understood: it goes "
        "to staff like any other reply",
        f"{REPLIES}/{{}}": "replies are answered in the clinic's language",
        f"{PAGES}/{{}}.toml": 'the page behind "unsubscribe" opens in another language',
    }
    for language in languages:
        for pattern, then in needed.items():
            file = pattern.format(language)
            # A clinic's own pages are used as a whole; its replies beside the shipped ones.
            own_pages = file.startswith(PAGES) and (root / PAGES).is_dir()
            places = [root] if own_pages else [root, TEMPLATES]
            if not any((place / file).exists() for place in places):
                source = f"{root.name}/{pattern.format(_FIRST)}"
                advice = f"copy {source} and translate it; until then {then}"
                yield warning("language", f"{root.name}/{file}", 0, "is missing", advice)
