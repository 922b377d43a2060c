"""Collect: one pass over the clinic's database, from its rows to sessions.

Reading may be repeated at any time: a row that did not change costs no write. A pass reads what
changed since the last one, with a margin; every so often, and always on a view that cannot tell
what changed, a sweep reads everything and notices what vanished.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from worker.errors import SourceError
from worker.jobs.intake import Intake, News, Tally
from worker.store import clinics as clinic_store
from worker.store import collected as store

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from sqlalchemy import Connection, RowMapping

    from worker.sources.base import Source
    from worker.store.collected import OpenSession
    from worker.store.engine import Transactions

log = structlog.get_logger()

#: How far before the newest change reading starts again. More than a day, so that neither a late
#: commit, nor another clock, nor a time in another zone makes a difference.
OVERLAP = timedelta(hours=26)
#: A view of this many rows is swept once a second at most; so a usual one at every pass.
_SWEPT_PER_SECOND = 1_000
#: However large the view, what vanished from it is noticed after this long.
SWEEP_EVERY = timedelta(minutes=10)
#: The first reading goes this far back: older sessions restrict nobody any more.
FIRST_READING = timedelta(days=60)
#: A sweep that misses more open sessions than this (or this share) withdraws none: the view is
#: probably broken.
MOST_VANISHED = 5
MOST_VANISHED_SHARE = 0.2


def collect(
    engine: Transactions,
    source: Source,
    *,
    treatments: Collection[str],
    go_live: datetime | None,
    clock: Callable[[], datetime],
    keep: int = 0,
    believe: bool = False,
) -> Tally:
    """One pass over the source.

    Args:
        engine: The worker's database.
        source: Where the rows come from.
        treatments: The treatments that have a protocol.
        go_live: The operator's wish; by default the first pass.
        clock: The present moment.
        keep: How many ids of each kind of news to keep for showing.
        believe: Sweep, and withdraw what is missing however much it is: a person has checked.

    Raises:
        SourceError: When it cannot be read; the reason is kept for ``status`` as well.
    """
    now = clock()
    with engine.begin() as db:
        clinics = clinic_store.all_clinics(db)
        state = store.source_state(db, source.kind, go_live, now)
        sweep = believe or not source.reads_changes or _sweep_is_due(state, now)
        # What nothing happened to costs nothing: only a sweep asks for all that is open.
        still_open = store.open_sessions(db, source.kind, now) if sweep else {}
        faults = store.fates(db, source.kind)
    if not clinics:
        problem = "no clinic is set up yet; run: aftercare clinic add"
        _note_problem(engine, source, problem, now)
        raise SourceError(problem)
    since = _since(source, state, still_open, sweep=sweep)
    intake = Intake(source.kind, clinics, treatments, state["go_live_at"], faults, Tally(keep=keep))
    missing_sessions, missing_faults = set(still_open), set(faults)
    try:
        for rows in source.read(since):
            with engine.begin() as db:
                met = intake.take(db, rows, clock())
            missing_sessions.difference_update(met)
            missing_faults.difference_update(met)
    except SourceError as error:
        _note_problem(engine, source, str(error), now)
        raise
    tally = intake.tally
    with engine.begin() as db:
        problem = state["doubt"]
        if sweep:
            gone = {key: still_open[key] for key in missing_sessions}
            believed, problem = (gone, "") if believe else _weigh(gone, still_open, tally.read)
            _withdraw(db, believed, tally, clock())
        if sweep and not problem:
            store.mend_faults(db, source.kind, missing_faults, now)
        newest = [each for each in (state["watermark"], tally.newest) if each is not None]
        store.note_reading(
            db,
            source.kind,
            # A time in the future would make the next passes overlook what really changes.
            watermark=min(max(newest), now) if newest else None,
            swept_rows=tally.read if sweep else None,
            doubt=problem,
            now=clock(),
        )
    _note_problem(engine, source, problem, now)
    return tally


def _sweep_is_due(state: RowMapping, now: datetime) -> bool:
    swept_at: datetime | None = state["swept_at"]
    if swept_at is None:
        return True
    pause = timedelta(seconds=(state["swept_rows"] or 0) / _SWEPT_PER_SECOND)
    since = now - swept_at
    # A clock that was set back must not put the next sweep off.
    return since >= min(pause, SWEEP_EVERY) or since < timedelta(0)


def _since(
    source: Source, state: RowMapping, still_open: Mapping[str, OpenSession], *, sweep: bool
) -> datetime | None:
    """Where this pass starts; None reads everything."""
    watermark: datetime | None = state["watermark"]
    if not sweep and watermark is not None:
        return watermark - OVERLAP
    if not source.takes_since:
        return None
    earliest: datetime = state["go_live_at"] - FIRST_READING
    return min([earliest, *(each.completed_at for each in still_open.values())]) - OVERLAP


def _weigh(
    missing: Mapping[str, OpenSession], still_open: Mapping[str, OpenSession], read: int
) -> tuple[Mapping[str, OpenSession], str]:
    """What of the missing is believed to be deleted, and why the rest is not.

    A clinic that misses too much is set aside first, because its part of a large view may be broken
    by itself; what the others miss is weighed together.
    """
    if missing and not read:
        return {}, f"The clinic's view is empty; {_NOTHING_WITHDRAWN}"
    had = Counter(each.clinic for each in still_open.values())
    lost = Counter(each.clinic for each in missing.values())
    doubtful = {clinic for clinic in lost if _too_many(lost[clinic], had[clinic])}
    rest = {key: each for key, each in missing.items() if each.clinic not in doubtful}
    if _too_many(len(rest), sum(had[clinic] for clinic in had if clinic not in doubtful)):
        doubtful, rest = set(lost), {}
    if not doubtful:
        return rest, ""
    told = [f"{lost[each]} of {had[each]} open sessions of {each}" for each in sorted(doubtful)]
    return rest, f"{', '.join(told)} are missing from the clinic's view; {_NOTHING_WITHDRAWN}"


_NOTHING_WITHDRAWN = (
    "nothing was withdrawn, because the view is probably broken. Check it with the "
    "administrator; if these sessions really are gone: aftercare source accept --missing"
)


def _too_many(missing: int, there: int) -> bool:
    return missing > max(MOST_VANISHED, MOST_VANISHED_SHARE * there)


def _withdraw(db: Connection, missing: Collection[str], tally: Tally, now: datetime) -> None:
    if missing:
        why = "The session was deleted in the clinic's system"
        store.withdraw(db, missing, why, now)
        tally.note(News.WITHDRAWN, missing)


def _note_problem(engine: Transactions, source: Source, problem: str, now: datetime) -> None:
    """Keep the source's fault where ``status`` finds it; log once per change, not per pass."""
    with engine.begin() as db:
        news = store.note_problem(db, source.kind, problem, now)
    if news and problem:
        log.error("source.problem", problem=problem)
    elif news:
        log.info("source.recovered")
