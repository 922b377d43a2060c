"""The answers to patients' replies: ``replies/<language>/<name>.sms.txt`` in the templates folder.

Whoever writes that it bleeds must be answered, so a clinic's own file that is missing or faulty
never stands in the way: the one that Aftercare ships goes instead, and ``aftercare check`` tells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from jinja2 import TemplateError as JinjaError

from worker.content.context import clinic_words
from worker.content.phrases import FOLDER
from worker.content.sms import compile_sms
from worker.errors import TemplateError
from worker.resources import TEMPLATES
from worker.rules.contacts import emergency_number

if TYPE_CHECKING:
    from pathlib import Path

    from worker.rules.facts import Clinic
    from worker.rules.messages import Words

log = structlog.get_logger()

_SHIPPED_LANGUAGE = "en"


def answer_words(
    templates: Path, name: str, *, clinic: Clinic, language: str, stopped: bool = False
) -> Words:
    """What a patient is answered, in their language or else the clinic's.

    Args:
        templates: The templates folder in use.
        name: Which answer, of ``worker.rules.replies.ANSWERS``.
        clinic: In whose name.
        language: The patient's.
        stopped: The same reply said stop as well.
    """
    for each in dict.fromkeys((language, clinic.language, _SHIPPED_LANGUAGE)):
        for folder in dict.fromkeys((templates, TEMPLATES)):
            path = folder / FOLDER / each / f"{name}.sms.txt"
            if not path.is_file():
                continue
            try:
                return render_answer(path, clinic, stopped=stopped)
            except TemplateError as error:
                log.error("answer.template_fault", problem=str(error))  # noqa: TRY400 (it says where)
    message = f"{FOLDER}/{language}/{name}.sms.txt is missing"
    raise TemplateError(message)


def render_answer(path: Path, clinic: Clinic, *, stopped: bool) -> Words:
    """One file's answer.

    Raises:
        TemplateError: When it cannot be read or says nothing; names the file.
    """
    shown = f"{path.parents[2].name}/{FOLDER}/{path.parent.name}/{path.name}"
    context: dict[str, Any] = {
        "clinic": clinic_words(clinic),
        "first_name": "",
        "emergency_number": emergency_number(clinic.country),
        "stopped": stopped,
    }
    try:
        words = compile_sms(path.read_text(encoding="utf-8-sig")).render(context)
    except (JinjaError, TemplateError) as error:
        message = f"{shown}: {error}"
        raise TemplateError(message) from None
    except Exception as error:  # noqa: BLE001 (a template is the clinic's code)
        message = f"{shown}: cannot be used ({type(error).__name__})"
        raise TemplateError(message) from None
    if not words.text:
        message = f"{shown}: says nothing"
        raise TemplateError(message)
    return words
