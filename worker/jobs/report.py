"""Report: whether all is well, and what needs a person.

The completeness check proves that every completed session has its plan and every due message a
final state; silence that nobody notices is as bad as a wrong message.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from worker.jobs.alert import ALERT
from worker.rules.messages import Status
from worker.store import channels, collected, leases, overview, replies
from worker.store.kinds import RowFate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping

    from worker.rules.messages import Status

#: The lease under which each worker's sending passes are noted.
SENDING = "send/"
#: Work that is behind by more than this is stuck, not slow.
_STUCK_AFTER = timedelta(hours=1)
#: No job takes longer than this.
_HANGS = timedelta(minutes=10)
#: An e-mail to staff leaves within a minute when all is well.
_UNTOLD_AFTER = timedelta(minutes=5)
_RECENT = timedelta(days=7)
#: What left or ended is counted for this long.
COUNTED = timedelta(days=30)
#: A worker that sent nothing to the database for this long is not running.
_STALE_AFTER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Health:
    """The state of the service, for ``status`` and for alerts."""

    #: Those that left or ended, for :data:`COUNTED` back.
    messages: Mapping[Status, int]
    next_due: datetime | None
    #: When a worker last finished a sending pass; None when none ever did.
    last_pass: datetime | None
    stale: bool
    #: What a person has to look at, each a sentence.
    problems: tuple[str, ...]
    failed_lately: int

    @property
    def ok(self) -> bool:
        """Whether nothing needs a person."""
        return not self.stale and not self.problems


def health(
    db: Connection, now: datetime, *, poll: timedelta, template_faults: Sequence[str] = ()
) -> Health:
    """Look at everything.

    Args:
        db: One consistent view of the store.
        now: The present moment.
        poll: How often the worker should come by.
        template_faults: What is wrong in the templates folder.
    """
    counts = overview.count_by_status(db, now - COUNTED)
    jobs = leases.all_leases(db)
    last_pass, stale = pulse(db, now, poll=poll)
    problems = [
        *(row["problem"] for row in collected.all_sources(db) if row["problem"]),
        *(f"{row['name']}: {row['problem']}" for row in jobs if _is_news(row["problem"], db)),
        *(
            f"{channel.noun}s are paused since {pause.since:%Y-%m-%d %H:%M} UTC: {pause.problem}"
            for channel, pause in channels.pauses(db).items()
        ),
        *(
            f"{channel.noun}s from {sender} are paused since {pause.since:%Y-%m-%d %H:%M} UTC: "
            f"{pause.problem}"
            for (channel, sender), pause in channels.sender_pauses(db).items()
        ),
        *template_faults,
        *(_hanging(row) for row in jobs if _hangs(row, now)),
        *_rejected(db),
        *_stuck(db, now),
        *_replies(db, now),
    ]
    if undecided := overview.undecided(db):
        problems.append(f"{undecided} messages are held until a person decides")
    return Health(
        messages=counts,
        next_due=overview.next_due(db),
        last_pass=last_pass,
        stale=stale,
        problems=tuple(problems),
        failed_lately=overview.latest_failures(db, now - _RECENT),
    )


def pulse(db: Connection, now: datetime, *, poll: timedelta) -> tuple[datetime | None, bool]:
    """When a worker last finished a sending pass, and whether that is too long ago."""
    jobs = leases.all_leases(db)
    passes = [row["finished_at"] for row in jobs if row["name"].startswith(SENDING)]
    last_pass = max((each for each in passes if each is not None), default=None)
    return last_pass, last_pass is None or now - last_pass > max(_STALE_AFTER, 10 * poll)


def _is_news(problem: str, db: Connection) -> bool:
    """A job's fault, unless the source tells the same already."""
    return bool(problem) and problem not in {row["problem"] for row in collected.all_sources(db)}


def _hangs(job: RowMapping, now: datetime) -> bool:
    """Whether a job goes on for longer than any job should, its lease still kept by its worker."""
    kept = job["holder"] and job["expires_at"] > now
    return bool(kept and not job["name"].startswith(ALERT) and now - job["started_at"] > _HANGS)


def _hanging(job: RowMapping) -> str:
    return f"{job['name']} has been running since {job['started_at']:%Y-%m-%d %H:%M} UTC; it hangs"


def _rejected(db: Connection) -> list[str]:
    faults = collected.open_faults(db)
    if not faults:
        return []
    # A row that means someone else now comes first: it asks for a decision.
    first = next((row for row in faults if row["fate"] is RowFate.HELD), faults[0])
    example = f"session {first['row_key']}: {first['reason']}"
    return [f"{len(faults)} rows of the clinic's view need mending, the first: {example}"]


def _replies(db: Connection, now: datetime) -> list[str]:
    """Replies that nobody has read yet, and worries that staff have not dealt with."""
    problems = [_on_hold(row) for row in overview.clinical_holds(db)]
    if count := replies.untold(db, now - _UNTOLD_AFTER):
        problems.append(
            f"{count} patients' replies could not be passed on to staff yet; check SMTP_URL and "
            "the clinic's e-mail address"
        )
    return problems


def _on_hold(row: RowMapping) -> str:
    since = f" since {row['since']:%Y-%m-%d %H:%M} UTC" if row["since"] else ""
    who = f"Patient {row['patient_id']} of {row['clinic']}"
    then = f"When that is done: aftercare release {row['patient_id']}"
    return f"{who} is on hold{since}. {row['clinical_hold']}. {then}"


def _stuck(db: Connection, now: datetime) -> list[str]:
    problems = []
    if count := overview.unplanned(db, now - _STUCK_AFTER):
        problems.append(f"{count} sessions have no plan yet; see aftercare check for templates")
    if count := overview.overdue(db, now - _STUCK_AFTER):
        problems.append(f"{count} messages are overdue by more than an hour")
    return problems
