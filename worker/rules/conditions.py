"""Why a milestone is not for a session, in words: what its ``when`` asked and what the answer was.

Staff never read the expression itself; it stands in the protocol, and beside each message in the
preview.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from worker.rules.messages import Cause, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from worker.rules.facts import Session
    from worker.rules.protocol import Milestone

_YES_OR_NO = {
    "came_back": {
        True: "the patient has had a later session since",
        False: "the patient has had no later session",
    },
    "next_session_booked": {
        True: "the next session is already booked",
        False: "the next session is not booked",
    },
}
_WHICH = frozenset({"session_number", "sessions_left"})
_HOW_MANY = frozenset({"sessions_planned", "sessions_left"})


def unfitting(session: Session, milestone: Milestone, others: Iterable[Session]) -> Reason | None:
    """Why a milestone is not for this session: its ``when`` does not hold.

    Args:
        session: The session that is looked at.
        milestone: What might be sent for it.
        others: The patient's other sessions.
    """
    if milestone.when is None:
        return None
    facts = session.condition_facts(others)
    if milestone.applies(facts):
        return None
    why = " and ".join(_obstacles(session, milestone, facts))
    return Reason(Cause.CONDITION, f"Not for this session: {why}")


def _obstacles(session: Session, milestone: Milestone, facts: Mapping[str, Any]) -> Iterator[str]:
    """The one answer that alone stands in the way, or else every answer that was asked for."""
    asked = [name for name in _YES_OR_NO if name in milestone.asks_about]
    for name in asked:
        if milestone.applies({**facts, name: not facts[name]}):
            yield _YES_OR_NO[name][facts[name]]
            return
    if milestone.asks_about & (_WHICH | _HOW_MANY):
        yield _place_in_course(session, milestone.asks_about)
    else:
        yield from (_YES_OR_NO[name][facts[name]] for name in asked)


def _place_in_course(session: Session, asked: frozenset[str]) -> str:
    number, planned = session.session_number, session.sessions_planned
    if number is None and asked & _WHICH:
        return "the clinic's system does not say which session of the course this is"
    if planned is None and asked & _HOW_MANY:
        return "the clinic's system does not say how many sessions the course has"
    if number is None:
        return f"the course has {planned} sessions"
    return f"this was session {number}" + (f" of {planned}" if planned else "")
