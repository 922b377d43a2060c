"""Whether an id still means the same person: booking systems that are moved or reset re-use ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from worker.rules.facts import Patient

#: Of name, phone and e-mail this many must be known on both sides to tell anything.
_ENOUGH = 2


def is_someone_else(before: Patient, after: Patient) -> bool:
    """Whether two records under one id are of two people.

    People change their number, their address or their name, but not all of it in one day: so every
    detail that both records have must differ, and there must be two of them to compare.
    """
    pairs = [
        (before.phone, after.phone),
        (_folded(before.email), _folded(after.email)),
        (_folded(before.first_name), _folded(after.first_name)),
    ]
    known = [(old, new) for old, new in pairs if old and new]
    return len(known) >= _ENOUGH and not any(_alike(old, new) for old, new in known)


def _folded(text: str | None) -> str:
    return (text or "").strip().casefold()


def _alike(old: str, new: str) -> bool:
    """The same, or the short form of it: "Ana" is "Ana María"."""
    return old.startswith(new) or new.startswith(old)
