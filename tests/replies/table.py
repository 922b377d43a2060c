"""How the tables of replies are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet

    from worker.rules.replies import Meaning


@dataclass(frozen=True)
class Group:
    """Replies that mean the same, for the same reason."""

    principle: str
    meaning: Meaning
    replies: tuple[str, ...]
    #: Only for red flags: whether the patient is told to call the emergency services.
    emergency: bool = False
    #: Only for red flags: whether the message says stop as well.
    also_stop: bool = False


def group(
    principle: str,
    meaning: Meaning,
    *replies: str,
    emergency: bool = False,
    also_stop: bool = False,
) -> Group:
    """A part of a table."""
    return Group(principle, meaning, replies, emergency, also_stop)


def cases(table: list[Group]) -> list[ParameterSet]:
    """Every reply of a table with its group."""
    return [
        pytest.param(each, reply, id=f"{each.meaning}: {reply!r}")
        for each in table
        for reply in each.replies
    ]
