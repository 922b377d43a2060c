"""Signing off: a clinician answers for the words before a patient reads them.

A version is everything that a treatment's messages are made from. Only the version that was signed
off last counts; where approval is required, messages of any other are held until it is.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from worker.rules.messages import Cause, Reason, Transition
from worker.rules.protocol import parse_protocol
from worker.store import approvals, messages

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from worker.content.library import Library
    from worker.rules.protocol import Protocol

_BATCH = 500
_NEVER = (
    "Nobody has signed off the messages of {treatment} yet; look at them, "
    "then run: aftercare approve"
)
_CHANGED = (
    "The messages of {treatment} were changed and nobody has signed that off yet; "
    "look with aftercare plan --diff, then run: aftercare approve"
)
_AGAIN = Reason(Cause.PROTOCOL, "Signed off, so it waits for its time again")
_LATE = Reason(Cause.TOO_LATE, "Too late: nobody signed off its version in time")


def unapproved(db: Connection, versions: Mapping[str, str]) -> dict[str, str]:
    """The treatments whose present version waits for a signature, each with what to do."""
    signed = approvals.latest(db)
    return {
        treatment: (_CHANGED if treatment in signed else _NEVER).format(treatment=treatment)
        for treatment, version in versions.items()
        if treatment not in signed or signed[treatment].version != version
    }


def protocols_in_effect(
    db: Connection, library: Library, *, required: bool
) -> Mapping[str, Protocol]:
    """What sessions are planned with: where approval is required, what was signed off last.

    So an edit that nobody signed off moves nothing, drops nothing and loosens no restriction.
    """
    if not required:
        return library.protocols
    protocols = dict(library.protocols)
    for treatment, approval in approvals.latest(db).items():
        if library.versions.get(treatment) != approval.version:
            kept = approvals.contents(db, treatment)[f"{treatment}/protocol.toml"]
            protocols[treatment] = _parse(kept, treatment)
    return protocols


@lru_cache(maxsize=32)
def _parse(text: str, treatment: str) -> Protocol:
    return parse_protocol(text, treatment=treatment, file=f"approved/{treatment}/protocol.toml")


def release(
    engine: Engine, versions: Mapping[str, str], now: datetime, *, required: bool = True
) -> tuple[int, int]:
    """Look again at what is held for a signature.

    What is signed off now waits for its time again; what is out of date by now is skipped.

    Args:
        engine: The worker's database.
        versions: Each treatment's version as the files stand now.
        now: The present moment.
        required: Whether approval is required at all.

    Returns:
        How many messages wait again, and how many came too late.
    """
    again = late = 0
    while True:
        with engine.begin() as db:
            waiting = unapproved(db, versions) if required else {}
            free = versions.keys() - waiting.keys()
            rows = approvals.lock_waiting(db, free, now, _BATCH)
            for row in rows:
                if now >= row["expires_at"]:
                    late += messages.move(db, row["id"], Transition.skipped(_LATE, at=now), now)
                else:
                    next_at = max(now, row["due_at"])
                    again += messages.move(db, row["id"], Transition.approved(next_at, _AGAIN), now)
        if len(rows) < _BATCH:
            return again, late
