"""When to ask a provider what became of a message that it took and never spoke of again."""

from __future__ import annotations

from datetime import datetime, timedelta

#: After these spans. A receipt that is not there after a day will not come: many carriers give
#: none, and each question costs a call.
ASK_AFTER = (timedelta(minutes=5), timedelta(hours=1), timedelta(days=1))


def next_ask(sent_at: datetime, now: datetime) -> datetime | None:
    """The next moment to ask; None when it has been asked often enough."""
    return next((sent_at + span for span in ASK_AFTER if sent_at + span > now), None)
