"""What the source said: sessions, faulty rows, and how far reading has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, func, insert, select, update

from worker.store.kinds import RowFate
from worker.store.lists import one_of
from worker.store.tables import REJECTED_ROWS, SESSIONS, SOURCE_STATE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping


#: A session that is not planned yet counts as open for this long after it ended.
FRESH = timedelta(days=60)


#: So many ids fit into one statement on every database.
_BATCH = 1_000


class Known(NamedTuple):
    """What is stored of a session, as far as reading needs to know."""

    fingerprint: str
    clinic: str
    patient_id: str
    withdrawn: str
    fault: str


class OpenSession(NamedTuple):
    """A session that still counts."""

    clinic: str
    completed_at: datetime


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a row, and what became of it."""

    row_key: str
    fate: RowFate
    reason: str
    #: The row itself, as plain JSON values.
    row: dict[str, Any]


#: Asked for every chunk of rows, so put together once. Columns stand in the order of the fields.
_KNOWN = select(SESSIONS.c.session_id, *(SESSIONS.c[name] for name in Known._fields)).where(
    one_of(SESSIONS.c.session_id, "ids")
)
_REPLAN = (
    update(SESSIONS)
    .where(
        SESSIONS.c.clinic == bindparam("of_clinic"),
        one_of(SESSIONS.c.patient_id, "patient_ids"),
        SESSIONS.c.open_until >= bindparam("now"),
    )
    .values(needs_plan=True)
)


def known_sessions(db: Connection, session_ids: Collection[str]) -> dict[str, Known]:
    """The stored sessions among these, by id."""
    rows = db.execute(_KNOWN, {"ids": list(session_ids)}).all()
    return {row[0]: Known(*row[1:]) for row in rows}


def by_clinic(owners: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """The ids of patients, clinic by clinic."""
    found: dict[str, set[str]] = {}
    for clinic, patient_id in owners:
        found.setdefault(clinic, set()).add(patient_id)
    return found


def replan_patients(db: Connection, owners: Iterable[tuple[str, str]], now: datetime) -> None:
    """Mark the open sessions of these patients (clinic, patient id) to be planned again."""
    for clinic, patient_ids in by_clinic(owners).items():
        asked = {"of_clinic": clinic, "patient_ids": list(patient_ids), "now": now}
        db.execute(_REPLAN, asked)


def note_fault(db: Connection, session_id: str, fault: str) -> None:
    """A known session's row cannot be used any more: nothing is sent until it is mended."""
    key = SESSIONS.c.session_id == session_id
    # Without its fingerprint the row counts as new once it is mended, even to what it was.
    db.execute(update(SESSIONS).where(key).values(fault=fault, fingerprint=""))


def withdraw(db: Connection, session_ids: Collection[str], why: str, now: datetime) -> None:
    """These sessions do not count any more."""
    for some in batched(session_ids, _BATCH):
        these = SESSIONS.c.session_id.in_(some)
        owners = db.execute(
            select(SESSIONS.c.clinic, SESSIONS.c.patient_id).where(these).distinct()
        ).all()
        db.execute(
            update(SESSIONS)
            .where(these)
            # Without its fingerprint the row counts as new, should it come back.
            .values(withdrawn=why, fingerprint="", needs_plan=True, collected_at=now)
        )
        replan_patients(db, [(row.clinic, row.patient_id) for row in owners], now)


def open_sessions(db: Connection, source: str, now: datetime) -> dict[str, OpenSession]:
    """Sessions of a source that still count, by id."""
    rows = db.execute(
        select(SESSIONS.c.session_id, SESSIONS.c.clinic, SESSIONS.c.completed_at).where(
            SESSIONS.c.open_until >= now, SESSIONS.c.withdrawn == "", SESSIONS.c.source == source
        )
    )
    return {row[0]: OpenSession(*row[1:]) for row in rows.all()}


# Faulty rows


def save_faults(db: Connection, source: str, faults: Iterable[Fault], now: datetime) -> list[str]:
    """Keep faulty rows with their reasons; returns the keys of those that are news."""
    by_key = {fault.row_key: fault for fault in faults}
    if not by_key:
        return []
    stored = {row["row_key"]: row for row in db.execute(_faults_of(source, by_key)).mappings()}
    news: list[str] = []
    for key, fault in by_key.items():
        facts: dict[str, Any] = {"fate": fault.fate, "reason": fault.reason, "row": fault.row}
        facts |= {"last_changed_at": now, "mended_at": None, "dismissed_by": ""}
        before = stored.get(key)
        if before is None:
            identity = {"source": source, "row_key": key, "first_seen_at": now}
            db.execute(insert(REJECTED_ROWS).values({**identity, **facts}))
        elif _is_news(before, fault):
            db.execute(
                update(REJECTED_ROWS).where(REJECTED_ROWS.c.id == before["id"]).values(facts)
            )
        else:
            continue
        news.append(key)
    return news


def _is_news(before: RowMapping, fault: Fault) -> bool:
    """Whether a faulty row is another than the one that is stored, or one that had been mended."""
    came_back = before["mended_at"] is not None and not before["dismissed_by"]
    return came_back or before["reason"] != fault.reason or _row_changed(before, fault)


def _row_changed(before: RowMapping, fault: Fault) -> bool:
    # A row that was erased after the retention time is not stored again because of that.
    return before["row"] is not None and before["row"] != fault.row


def dismiss_fault(db: Connection, row_id: int, by: str, now: datetime) -> None:
    """Nobody will mend this row: it is told no more, until it says something else."""
    db.execute(
        update(REJECTED_ROWS)
        .where(REJECTED_ROWS.c.id == row_id)
        .values(mended_at=now, last_changed_at=now, dismissed_by=by)
    )


def mend_faults(db: Connection, source: str, row_keys: Collection[str], now: datetime) -> None:
    """These rows are fine now, or gone."""
    for some in batched(row_keys, _BATCH):
        db.execute(
            update(REJECTED_ROWS)
            .where(
                REJECTED_ROWS.c.source == source,
                REJECTED_ROWS.c.row_key.in_(some),
                REJECTED_ROWS.c.mended_at.is_(None),
            )
            .values(mended_at=now, last_changed_at=now)
        )


def fates(db: Connection, source: str) -> dict[str, RowFate]:
    """What became of a source's rows that nobody has mended yet, by key."""
    wanted = select(REJECTED_ROWS.c.row_key, REJECTED_ROWS.c.fate)
    wanted = wanted.where(REJECTED_ROWS.c.mended_at.is_(None), REJECTED_ROWS.c.source == source)
    return {row.row_key: row.fate for row in db.execute(wanted)}


def count_held(db: Connection) -> int:
    """How many rows wait for a person, because their id meant someone else before."""
    held = (REJECTED_ROWS.c.fate == RowFate.HELD) & REJECTED_ROWS.c.mended_at.is_(None)
    return db.execute(select(func.count()).where(held)).scalar_one()


def open_faults(db: Connection, source: str | None = None) -> list[RowMapping]:
    """Faulty rows that nobody has mended yet, of one source or of all, the oldest first."""
    wanted = select(REJECTED_ROWS).where(REJECTED_ROWS.c.mended_at.is_(None))
    if source is not None:
        wanted = wanted.where(REJECTED_ROWS.c.source == source)
    return list(db.execute(wanted.order_by(REJECTED_ROWS.c.id)).mappings())


def faults_among(db: Connection, source: str, row_keys: Collection[str]) -> dict[str, Fault]:
    """The faults of these rows that nobody has mended, by the row's key."""
    wanted = _faults_of(source, row_keys).where(REJECTED_ROWS.c.mended_at.is_(None))
    return {
        each["row_key"]: Fault(each["row_key"], each["fate"], each["reason"], each["row"] or {})
        for each in db.execute(wanted).mappings()
    }


def owned_by(db: Connection, source: str, session_ids: Collection[str]) -> set[str]:
    """Which of these sessions a source brought."""
    wanted = select(SESSIONS.c.session_id).where(
        SESSIONS.c.session_id.in_(session_ids), SESSIONS.c.source == source
    )
    return set(db.execute(wanted).scalars())


def before_go_live(db: Connection, session_ids: Collection[str]) -> int:
    """How many of these sessions are recorded only."""
    wanted = select(func.count()).where(
        SESSIONS.c.session_id.in_(session_ids), SESSIONS.c.before_go_live
    )
    return db.execute(wanted).scalar_one()


def batched(keys: Iterable[str], size: int) -> Iterator[list[str]]:
    """The keys in lists of at most ``size``."""
    left = iter(keys)
    while some := list(islice(left, size)):
        yield some


def _faults_of(source: str, row_keys: Collection[str]) -> Any:  # noqa: ANN401 (a long Select type)
    return select(REJECTED_ROWS).where(
        REJECTED_ROWS.c.source == source, REJECTED_ROWS.c.row_key.in_(row_keys)
    )


# How far reading has come


def source_state(db: Connection, name: str, go_live: datetime | None, now: datetime) -> RowMapping:
    """The state of a source; go-live is set once, at the first start, or by the operator."""
    stored = select(SOURCE_STATE).where(SOURCE_STATE.c.name == name)
    if db.execute(stored).first() is None:
        values = {"name": name, "go_live_at": go_live or now, "problem": "", "doubt": ""}
        db.execute(insert(SOURCE_STATE).values(values))
    elif go_live is not None:
        _move_go_live(db, name, go_live)
    return db.execute(stored).mappings().one()


def _move_go_live(db: Connection, name: str, go_live: datetime) -> None:
    moved = update(SOURCE_STATE).where(
        SOURCE_STATE.c.name == name, SOURCE_STATE.c.go_live_at != go_live
    )
    if db.execute(moved.values(go_live_at=go_live)).rowcount:
        before = SESSIONS.c.completed_at < go_live
        again = update(SESSIONS).where(SESSIONS.c.source == name)
        db.execute(again.values(before_go_live=before, needs_plan=True))


def all_sources(db: Connection) -> list[RowMapping]:
    """Every source's state."""
    rows = db.execute(select(SOURCE_STATE).order_by(SOURCE_STATE.c.name))
    return list(rows.mappings())


def note_reading(
    db: Connection,
    name: str,
    *,
    watermark: datetime | None,
    swept_rows: int | None,
    doubt: str,
    now: datetime,
) -> None:
    """A pass over the source came to its end; ``swept_rows`` is None when it read changes only."""
    changes: dict[str, Any] = {"read_at": now, "doubt": doubt}
    changes |= {"watermark": watermark} if watermark else {}
    changes |= {"swept_at": now, "swept_rows": swept_rows} if swept_rows is not None else {}
    _update_state(db, name, changes)


def note_problem(db: Connection, name: str, problem: str, now: datetime) -> bool:
    """Keep the source's present fault, empty when there is none; returns whether it is news."""
    news = SOURCE_STATE.c.problem != problem
    since = {"problem": problem, "problem_since": now if problem else None}
    done = db.execute(update(SOURCE_STATE).where(SOURCE_STATE.c.name == name, news).values(since))
    return done.rowcount > 0


def _update_state(db: Connection, name: str, changes: dict[str, Any]) -> None:
    db.execute(update(SOURCE_STATE).where(SOURCE_STATE.c.name == name).values(changes))
