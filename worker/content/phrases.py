"""The lists of what patients reply, ``replies/en.toml`` and so on, in the templates folder.

A list that cannot be read must never mean that a stop or a red flag is missed, so a fault is
raised with its file and key instead of passed over, and a clinic's own folder that lacks a
language gets the list that Aftercare ships.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Annotated

import structlog
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from worker.errors import TemplateError
from worker.resources import TEMPLATES
from worker.rules.contacts import read_language
from worker.rules.replies import Phrasebook
from worker.rules.wording import split_phrase

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

log = structlog.get_logger()

FOLDER = "replies"


def _checked(phrase: str) -> str:
    split_phrase(phrase)
    return phrase


Phrase = Annotated[str, AfterValidator(_checked)]
Phrases = tuple[Phrase, ...]
SomePhrases = Annotated[Phrases, Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Stop(_Strict):
    words: SomePhrases
    messages: Phrases = ()
    phrases: Phrases = ()
    beginnings: Phrases = ()
    endings: Phrases = ()
    not_stop: Phrases = ()


class _Words(_Strict):
    words: Phrases = ()


class _Negation(_Strict):
    words: Phrases = ()
    between: Phrases = ()
    carried_on_by: Phrases = ()
    ended_by: Phrases = ()
    taken_back_by: Phrases = ()


class _Past(_Strict):
    words: Phrases = ()
    between: Phrases = ()


class _Document(_Strict):
    stop: _Stop
    start: _Words = _Words()
    help: _Words = _Words()
    courtesy: _Words = _Words()
    red_flags: Annotated[dict[str, Phrases], Field(min_length=1)]
    emergencies: Annotated[dict[str, Phrases], Field(min_length=1)]
    mild: _Words = _Words()
    not_red_flags: _Words = _Words()
    negation: _Negation = _Negation()
    past: _Past = _Past()
    spelling: dict[Phrase, Phrases] = {}

    def phrasebook(self, language: str) -> Phrasebook:
        return Phrasebook(
            language=language,
            stop_words=self.stop.words,
            stop_messages=self.stop.messages,
            stop_phrases=self.stop.phrases,
            stop_beginnings=self.stop.beginnings,
            stop_endings=self.stop.endings,
            not_stop=self.stop.not_stop,
            start_words=self.start.words,
            help_words=self.help.words,
            courtesy=self.courtesy.words,
            red_flags=_flat(self.red_flags),
            emergencies=_flat(self.emergencies),
            mild=self.mild.words,
            not_red_flags=self.not_red_flags.words,
            negations=self.negation.words,
            negation_fillers=self.negation.between,
            past=self.past.words,
            past_fillers=self.past.between,
            alternatives=self.negation.carried_on_by,
            contrasts=self.negation.ended_by,
            taken_back=self.negation.taken_back_by,
            spelling=tuple(self.spelling.items()),
        )


def _flat(groups: dict[str, Phrases]) -> Phrases:
    return tuple(phrase for group in groups.values() for phrase in group)


def load_phrasebooks(templates: Path) -> tuple[Phrasebook, ...]:
    """Every language's list: the clinic's own, and the shipped one where it has none.

    Args:
        templates: The templates folder in use; the lists stand in its ``replies``.

    Raises:
        TemplateError: With every fault, a line each: ``replies/en.toml: key: what to do``.
    """
    books, problems = _load(templates)
    if problems:
        raise TemplateError("\n".join(problems))
    return books


def usable_phrasebooks(templates: Path) -> tuple[Phrasebook, ...]:
    """The same, for reading real replies: a faulty list gives way to the shipped one.

    A patient's stop must not wait until somebody mends a file; the fault is logged, and told by
    ``aftercare check`` and ``aftercare status``.
    """
    books, problems = _load(templates)
    for problem in problems:
        log.error("phrasebook.fault", problem=problem)
    have = {book.language for book in books}
    return (*books, *(book for book in load_phrasebooks(TEMPLATES) if book.language not in have))


def phrasebook_problems(templates: Path) -> list[str]:
    """Every fault in the lists, a line each."""
    return _load(templates)[1]


def _load(templates: Path) -> tuple[tuple[Phrasebook, ...], list[str]]:
    folders = (TEMPLATES / FOLDER, templates / FOLDER)
    files = {path.name: path for folder in folders for path in folder.glob("*.toml")}
    books: list[Phrasebook] = []
    problems: list[str] = []
    for name in sorted(files):
        try:
            books.append(_read(files[name]))
        except TemplateError as error:
            problems += str(error).splitlines()
    return tuple(books), problems


def _read(path: Path) -> Phrasebook:
    shown = f"{path.parent.parent.name}/{FOLDER}/{path.name}"
    try:
        language = read_language(path.stem)
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        return _Document.model_validate(data).phrasebook(language)
    except ValidationError as error:
        problems = "\n".join(f"{shown}: {line}" for line in _faults(error))
        raise TemplateError(problems) from None
    except tomllib.TOMLDecodeError as error:
        message = f"{shown}: not valid TOML: {error}"
        raise TemplateError(message) from None
    except (OSError, UnicodeDecodeError) as error:
        message = f"{shown}: cannot be read ({type(error).__name__})"
        raise TemplateError(message) from None
    except ValueError as error:
        message = f"{shown}: the file's name must be a language's: {error}"
        raise TemplateError(message) from None


def _faults(error: ValidationError) -> Iterator[str]:
    """Pydantic's findings as ``key: message`` lines."""
    faults = error.errors(include_url=False, include_input=False)
    places = [fault["loc"] for fault in faults]
    for fault in faults:
        depth = len(fault["loc"])
        if fault["type"] == "too_short" and any(
            len(place) > depth and place[:depth] == fault["loc"] for place in places
        ):
            continue  # a faulty phrase is reported as itself, not as "none left" too
        yield f"{_key(fault['loc'])}: {_message(fault['type'], fault['msg'])}"


def _key(loc: tuple[int | str, ...]) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return "".join(part for part in parts if part != ".[key]").removeprefix(".")


def _message(kind: str, message: str) -> str:
    match kind:
        case "extra_forbidden":
            return "unknown key; check the spelling or remove it"
        case "missing":
            return "is missing"
        case "tuple_type":
            return 'must be a list of phrases, like ["stop", "opt out"]'
        case "string_type":
            return 'must be a phrase in quotes, like "opt out"'
        case "too_short":
            return "must not be empty"
        case _:
            return message.removeprefix("Value error, ")
