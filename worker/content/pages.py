"""Pages that a patient opens from an e-mail: ``templates/pages/``.

The words are in a file for each language (``en.toml``), the frame is ``unsubscribe.html``. A
clinic's own folder may lack them or break them: then the shipped ones serve, because a patient
must always be able to unsubscribe.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import structlog
from jinja2 import TemplateError as JinjaError

from worker.content.language import environment
from worker.errors import describe
from worker.resources import TEMPLATES
from worker.rules.contacts import show_phone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from jinja2 import Template

    from worker.rules.facts import Clinic

log = structlog.get_logger()

#: Inside the templates folder.
FOLDER = "pages"

FALLBACK = "en"
_env = environment(html=True)
#: What can be wrong with a page that a clinic edited.
FAULTS = (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, JinjaError, KeyError, TypeError)


@dataclass(frozen=True, slots=True)
class Button:
    """Something a page offers to do: the words' name in the language file, and what is posted."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of one templates folder.

    Args:
        templates: The clinic's templates, or the shipped ones.
    """

    templates: Path

    def unsubscribe(
        self,
        name: str,
        *,
        languages: Sequence[str],
        clinic: Clinic | None = None,
        buttons: Sequence[Button] = (),
        nonce: str = "",
    ) -> str:
        """The unsubscribe page in one of its states.

        Args:
            name: The state: a table in the language files.
            languages: The first one that there are words in is used.
            clinic: Whose page it is; None when nobody knows.
            buttons: What it offers to do.
            nonce: Lets the page's own style through the content security policy.
        """
        for folder in (self.templates / FOLDER, TEMPLATES / FOLDER):
            try:
                return render(folder, name, languages, clinic, buttons, nonce)
            except FAULTS as error:
                if folder.parent == TEMPLATES:
                    raise
                log.error("page.fault", page=f"pages/{name}", error=describe(error))  # noqa: TRY400 (its text may quote a value)
        raise AssertionError  # the shipped folder either answers or raises


def render(  # noqa: PLR0917 (what a page is made of)
    folder: Path,
    name: str,
    languages: Sequence[str],
    clinic: Clinic | None,
    buttons: Sequence[Button],
    nonce: str,
) -> str:
    """A page of one folder; see :meth:`Pages.unsubscribe`, which has a way out of its faults.

    Raises:
        OSError, KeyError, TypeError, UnicodeDecodeError, tomllib.TOMLDecodeError, JinjaError: When
            a file is missing or faulty: :data:`FAULTS`.
    """
    language = next((each for each in languages if (folder / f"{each}.toml").is_file()), FALLBACK)
    every = tomllib.loads((folder / f"{language}.toml").read_text(encoding="utf-8-sig"))
    words, common = every[name], every["common"]
    known = _known(clinic)
    context = {
        **known,
        "language": language,
        "nonce": nonce,
        "heading": _fill(words["heading"], known),
        "paragraphs": [_fill(each, known) for each in words["text"]],
        "buttons": [(each.value, _fill(words[each.name], known)) for each in buttons],
        "contact": _fill(common["contact"], known) if clinic else "",
    }
    return _template((folder / "unsubscribe.html").read_text(encoding="utf-8-sig")).render(context)


def _known(clinic: Clinic | None) -> dict[str, Any]:
    """What the words may say."""
    return {
        "clinic": clinic.name if clinic else "",
        "phone": show_phone(clinic.phone, clinic.country) if clinic else "",
        "tel": clinic.phone if clinic else "",
        "colour": clinic.colour if clinic else "",
    }


def _fill(words: str, known: Mapping[str, Any]) -> str:
    # Plain text: the page around it escapes.
    return _text_env.from_string(words).render(known)


_text_env = environment(html=False)


@lru_cache(maxsize=16)
def _template(source: str) -> Template:
    return _env.from_string(source)
