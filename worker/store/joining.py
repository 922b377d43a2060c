"""How the messages of a day stand, for sessions that may share one."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from worker.rules.joining import Day, Key, Standing, same_day
from worker.rules.messages import LEFT, Channel, Status
from worker.store.tables import MESSAGES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection

    from worker.rules.protocol import Protocol
    from worker.store.cases import Case


def standing(
    db: Connection, cases: Iterable[Case], channel: Channel | None = None
) -> dict[Key, Standing]:
    """The messages that wait or have left of all sessions that share their day with another.

    Most patients have one session a day; for those nothing is asked.
    """
    ids: set[str] = set()
    for case in cases:
        if mates := same_day(case.session, case.others, case.patient.zone):
            ids |= {case.session.session_id, *(each.session_id for each in mates)}
    if not ids:
        return {}
    wanted = select(
        MESSAGES.c.session_id,
        MESSAGES.c.milestone,
        MESSAGES.c.channel,
        MESSAGES.c.status,
        MESSAGES.c.due_at,
        MESSAGES.c.expires_at,
        MESSAGES.c.told,
    ).where(MESSAGES.c.session_id.in_(ids), MESSAGES.c.status.in_(LEFT | {Status.PLANNED}))
    if channel is not None:
        wanted = wanted.where(MESSAGES.c.channel == channel)
    return {
        (row.session_id, row.milestone, row.channel): Standing(
            row.status,
            row.due_at,
            row.expires_at,
            {name: datetime.fromisoformat(end) for name, end in (row.told or {}).items()},
        )
        for row in db.execute(wanted)
    }


def day_of(
    case: Case, standing: Mapping[Key, Standing], protocols: Mapping[str, Protocol]
) -> Day | None:
    """A session's day; None when it is the patient's only session of it."""
    mates = same_day(case.session, case.others, case.patient.zone)
    if not mates:
        return None
    return Day(case.session, mates, standing, protocols, case.patient.zone)
