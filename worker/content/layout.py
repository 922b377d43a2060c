"""What every e-mail of a language shares: the page, the footer, and words of its own.

They stand in ``templates/layout``: ``email.html``, ``timeline.html`` and ``timeline.txt`` for all
languages, ``en.footer.md`` and ``en.toml`` for each.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated

from jinja2 import Template, TemplateSyntaxError
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from worker.content.language import environment
from worker.errors import TemplateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_env = environment(html=False)


def _compiled(text: object) -> Template:
    if not isinstance(text, str) or not text.strip():
        message = "must be a text in quotes"
        raise ValueError(message)
    try:
        return _env.from_string(text)
    except TemplateSyntaxError as error:
        raise ValueError(error.message) from None


#: A text with ``{{ … }}`` in it, ready to be filled in.
Phrase = Annotated[Template, BeforeValidator(_compiled)]
PlainText = Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class TimelineWords(_Strict):
    """What stands over the timeline."""

    today: Phrase


class CalendarWords(_Strict):
    """The calendar's titles and its note."""

    booked: PlainText
    due: PlainText
    note: Phrase


class RestrictionWords(_Strict):
    """How one restriction is told."""

    name: PlainText
    wait: Phrase
    allowed: Phrase
    again: PlainText


class LayoutWords(_Strict):
    """A language's ``layout/en.toml``."""

    timeline: TimelineWords
    calendar: CalendarWords
    restrictions: dict[str, RestrictionWords]


@dataclass(frozen=True, slots=True)
class Layout:
    """The layout folder, in one language."""

    page: str
    footer: str
    picture: str
    picture_text: str
    words: LayoutWords
    #: How to name the language's file of words to people.
    words_file: str

    def restriction(self, name: str) -> RestrictionWords:
        """How a restriction is told.

        Raises:
            TemplateError: When the language has no words for it; says which to add and where.
        """
        found = self.words.restrictions.get(name)
        if found is None:
            message = (
                f"{self.words_file} has no words for the restriction {name}; "
                f"add [restrictions.{name}] with name, wait, allowed and again"
            )
            raise TemplateError(message)
        return found


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8-sig")


def read_layout(folder: Path, language: str, *, read_file: Callable[[Path], str] = _read) -> Layout:
    """Read the layout folder for a language.

    Raises:
        TemplateError: When the language's words are faulty; names file and key.
        FileNotFoundError: When a file is missing.
    """

    def read(name: str) -> str:
        return read_file(folder / name)

    name = f"{language}.toml"
    shown = f"{folder.parent.name}/{folder.name}/{name}"
    return Layout(
        page=read("email.html"),
        footer=read(f"{language}.footer.md"),
        picture=read("timeline.html"),
        picture_text=read("timeline.txt"),
        words=parse_words(read(name), shown),
        words_file=shown,
    )


# Each e-mail of a language asks for the same words, and compiling them takes most of a start.
@lru_cache(maxsize=16)
def parse_words(text: str, shown: str) -> LayoutWords:
    """Read a language's file of words.

    Args:
        text: What it says.
        shown: How to name it to people.

    Raises:
        TemplateError: With every fault, a line each; names file and key.
    """
    try:
        return LayoutWords.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        message = f"{shown}: not valid TOML: {error}"
        raise TemplateError(message) from None
    except ValidationError as error:
        raise TemplateError("\n".join(f"{shown}: {line}" for line in _faults(error))) from None


def _faults(error: ValidationError) -> Iterator[str]:
    told = {"extra_forbidden": "unknown key; check the spelling or remove it"}
    told |= {"missing": "is missing", "string_type": "must be a text in quotes"}
    told |= {"string_too_short": "must not be empty"}
    for fault in error.errors(include_url=False, include_input=False):
        key = ".".join(map(str, fault["loc"]))
        message = fault["msg"].removeprefix("Value error, ")
        yield f"{key}: {told.get(fault['type'], message)}"
