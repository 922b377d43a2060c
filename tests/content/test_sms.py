"""From a text template to an SMS: never empty, never too long by its own fault."""

from __future__ import annotations

from typing import Any

import pytest

from tests.content.samples import GLOW, ended
from tests.support.stored import PATIENT
from worker.content.context import message_context
from worker.content.sms import compile_sms
from worker.errors import TemplateError
from worker.rules.sms import measure


def _context(name: str = "Ana") -> dict[str, Any]:
    session = ended("2026-11-23 15:00")
    context = message_context(
        GLOW, PATIENT, session, ends={}, due_at=session.completed_at, language="en"
    )
    return {**context, "first_name": name}


@pytest.mark.parametrize(
    "source", ["", "\n\n", "{% if session_number > 7 %}Hi{% endif %}", "\u200b"]
)
def test_an_empty_text_is_never_sent(source: str) -> None:
    """A template that says nothing for this patient is a fault, not a message."""
    with pytest.raises(TemplateError, match="the text is empty"):
        compile_sms(source).render(_context())


@pytest.mark.parametrize(
    ("name", "length", "kept"),
    [
        ("Ana", 303, True),
        ("Ana", 304, False),
        ("Zoë", 303, True),
        ("Zoë", 304, False),
        ("小明", 304, True),
        ("Łukasz", 160, True),
    ],
)
def test_only_a_names_length_leaves_it_out(name: str, length: int, kept: bool) -> None:  # noqa: FBT001 (expected)
    """Up to two segments of plain letters it stays, whatever its own letters cost."""
    text = compile_sms("{{ first_name }}" + "x" * length).render(_context(name)).text
    assert (name in text) is kept


def test_a_text_that_is_too_long_by_itself_keeps_the_name() -> None:
    """Leaving the name out would mend nothing."""
    text = compile_sms("{{ first_name }}" + "x" * 400).render(_context()).text
    assert text.startswith("Ana")
    assert measure(text).segments == 3
