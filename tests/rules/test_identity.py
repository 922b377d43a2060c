"""Whether an id still means the same person."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.support.stored import PATIENT
from worker.rules.identity import is_someone_else

EVA = {"first_name": "Eva", "phone": "+34600999888", "email": "eva@example.com"}


@pytest.mark.parametrize(
    ("human", "changes", "someone_else"),
    [
        ("nothing changed", {}, False),
        ("another number", {"phone": EVA["phone"]}, False),
        ("another number and address", {"phone": EVA["phone"], "email": EVA["email"]}, False),
        ("married", {"first_name": "María"}, False),
        ("a longer name and all else new", {**EVA, "first_name": "Ana María"}, False),
        ("the same address in capitals", {**EVA, "email": "ANA@EXAMPLE.COM"}, False),
        ("another name, the rest is gone", {**EVA, "phone": None, "email": None}, False),
        ("all of it", EVA, True),
        ("name and number, no address any more", {**EVA, "email": None}, True),
        ("name and address, no number any more", {**EVA, "phone": None}, True),
    ],
)
def test_people_change_but_not_all_at_once(
    human: str,
    changes: dict[str, Any],
    someone_else: bool,  # noqa: FBT001 (a table's column)
) -> None:
    """Every detail that both records have must differ, and there must be two of them."""
    assert is_someone_else(PATIENT, replace(PATIENT, **changes)) is someone_else, human
