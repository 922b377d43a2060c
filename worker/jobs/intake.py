"""Intake: rows of any source are judged, compared with what is stored, and kept in bulk.

The database's view, a CSV file and ``POST /sessions`` all come through here.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from worker.rules.identity import is_someone_else
from worker.sources.row import (
    COLUMNS,
    Reading,
    Rejection,
    Withdrawal,
    fingerprint,
    read_row,
    row_key,
    what_happened,
)
from worker.store import arrivals
from worker.store import collected as store
from worker.store.arrivals import Arrival
from worker.store.collected import Fault
from worker.store.engine import planned_afresh
from worker.store.kinds import RowFate

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import Connection

    from worker.rules.facts import Clinic, Patient
    from worker.sources.row import Row
    from worker.store.collected import Known

_CONFIRM = "; nothing is sent for it until the row is put right or a person decides: "
_OTHER_OWNER = "this session id belonged to another patient before" + _CONFIRM
_OTHER_PERSON = (
    "this patient id belonged to someone else before (name, phone and e-mail differ)" + _CONFIRM
)


class News(StrEnum):
    """What a row of the source brings."""

    NEW = "new"
    CHANGED = "changed"
    WITHDRAWN = "withdrawn"
    #: A fault that was not known yet, or that changed.
    FAULTY = "faulty"


@dataclass(slots=True)
class Tally:
    """What reading a source came to."""

    #: So many ids of each kind of news are kept to be shown.
    keep: int = 0
    read: int = 0
    counts: Counter[News] = field(default_factory=Counter)
    examples: dict[News, list[str]] = field(default_factory=lambda: {each: [] for each in News})
    #: The newest ``updated_at``, as far as rows have one.
    newest: datetime | None = None

    def note(self, news: News, keys: Collection[str]) -> None:
        """Count news, and keep the first ids of it."""
        if not keys:
            return
        self.counts[news] += len(keys)
        room = self.keep - len(self.examples[news])
        self.examples[news] += list(keys)[: max(room, 0)]


@dataclass(slots=True)
class Intake:
    """Takes rows in, chunk by chunk.

    Args:
        source: The kind of source that they come from.
        clinics: The clinics that are set up.
        treatments: The treatments that have a protocol.
        go_live: Sessions that ended before are recorded and never planned.
        open_faults: Rows of this source that have a fault by now.
        tally: Counts what comes.
    """

    source: str
    clinics: Mapping[str, Clinic]
    treatments: Collection[str]
    go_live: datetime
    open_faults: Mapping[str, RowFate]
    tally: Tally = field(default_factory=Tally)

    def take(self, db: Connection, rows: Sequence[Row], now: datetime) -> Collection[str]:
        """Bring one chunk of rows into the store; returns the keys of all of them."""
        with planned_afresh(db):
            return self._take(db, rows, now)

    def _take(self, db: Connection, rows: Sequence[Row], now: datetime) -> Collection[str]:
        by_key = {row_key(row): row for row in rows}
        known = store.known_sessions(db, by_key)
        mended: list[str] = []
        changed: dict[str, Row] = {}
        for key, row in by_key.items():
            have = known.get(key)
            if have is None or have.fingerprint != fingerprint(row):
                changed[key] = row
            elif self.open_faults.get(key, RowFate.USED_IN_PART) is not RowFate.USED_IN_PART:
                # Back to what is stored: it was usable then, so it is not rejected now.
                mended.append(key)
        if changed:
            faults = self._take_changed(db, changed, known, now)
            news = store.save_faults(db, self.source, faults.values(), now)
            self.tally.note(News.FAULTY, news)
            mended += [key for key in changed if key in self.open_faults and key not in faults]
        if mended:
            store.mend_faults(db, self.source, mended, now)
        self.tally.read += len(rows)
        return by_key

    def _take_changed(
        self, db: Connection, rows: Mapping[str, Row], known: Mapping[str, Known], now: datetime
    ) -> dict[str, Fault]:
        """Judge the rows, and store what they say; returns those with a fault."""
        readings: dict[str, Reading] = {}
        refused: dict[str, str] = {}
        withdrawn: dict[str, list[str]] = {}
        for key, row in rows.items():
            match read_row(row, clinics=self.clinics, treatments=self.treatments, now=now):
                case Reading() as found:
                    readings[key] = found
                case Rejection(why):
                    refused[key] = why
                case Withdrawal(why) if key in known and not known[key].withdrawn:
                    withdrawn.setdefault(why, []).append(key)
        strangers = self._strangers(db, readings, known)
        for key in strangers:
            del readings[key]
        for key, why in (refused | strangers).items():
            if key in known and known[key].fault != why:
                store.note_fault(db, key, why)
        for why, keys in withdrawn.items():
            store.withdraw(db, keys, why, now)
            self.tally.note(News.WITHDRAWN, keys)
        self._save(db, readings, rows, known, now)
        self._keep_restricting(db, refused, rows, known, now)
        return {
            **{key: _fault(key, RowFate.REJECTED, why, rows) for key, why in refused.items()},
            **{key: _fault(key, RowFate.HELD, why, rows) for key, why in strangers.items()},
            **{
                key: _fault(key, RowFate.USED_IN_PART, "; ".join(found.notes), rows)
                for key, found in readings.items()
                if found.notes
            },
        }

    def _strangers(
        self, db: Connection, readings: Mapping[str, Reading], known: Mapping[str, Known]
    ) -> dict[str, str]:
        """Rows whose session or patient id meant someone else before, with what to tell."""
        stored = arrivals.patients(db, [_owner(each.patient) for each in readings.values()])
        found: dict[str, str] = {}
        for key, reading in readings.items():
            have, before = known.get(key), stored.get(_owner(reading.patient))
            if have and (have.clinic, have.patient_id) != _owner(reading.patient):
                found[key] = f"{_OTHER_OWNER}aftercare source accept {key}"
            elif before and is_someone_else(before, reading.patient):
                found[key] = f"{_OTHER_PERSON}aftercare source accept {key}"
        return found

    def _keep_restricting(
        self,
        db: Connection,
        refused: Mapping[str, str],
        rows: Mapping[str, Row],
        known: Collection[str],
        now: datetime,
    ) -> None:
        """Sessions whose row has a fault: nothing is sent, but the patient was treated.

        What another session of theirs would allow must wait for this one's restrictions too.
        """
        told: dict[str, Reading] = {}
        for key in refused:
            found = what_happened(
                rows[key], clinics=self.clinics, treatments=self.treatments, now=now
            )
            if found is not None:
                told[key] = found
        stored = arrivals.patients(db, [_owner(each.patient) for each in told.values()])
        faulty = [
            (replace(each.session, fault=refused[key]), stored[_owner(each.patient)])
            for key, each in told.items()
            if _owner(each.patient) in stored
        ]
        arrivals.move_faulty(db, [each for each in faulty if each[0].session_id in known], now)
        faulty = [each for each in faulty if each[0].session_id not in known]
        arrivals.add_faulty(db, faulty, source=self.source, go_live_at=self.go_live, now=now)

    def _save(
        self,
        db: Connection,
        readings: Mapping[str, Reading],
        rows: Mapping[str, Row],
        known: Mapping[str, Known],
        now: datetime,
    ) -> None:
        if not readings:
            return
        arrived = [
            Arrival(each.session, each.patient, fingerprint(rows[key]), each.as_of)
            for key, each in readings.items()
        ]
        arrivals.save(db, arrived, known, source=self.source, go_live_at=self.go_live, now=now)
        self.tally.note(News.NEW, [key for key in readings if key not in known])
        self.tally.note(News.CHANGED, [key for key in readings if key in known])
        newest = max(each.as_of for each in readings.values())
        self.tally.newest = max(newest, self.tally.newest or newest)


def _owner(patient: Patient) -> tuple[str, str]:
    return patient.clinic, patient.patient_id


def _fault(key: str, fate: RowFate, why: str, rows: Mapping[str, Row]) -> Fault:
    return Fault(key, fate, why, plain(rows[key]))


def plain(row: Row) -> dict[str, Any]:
    """The contract's columns of a row, as JSON can keep them."""
    return {name: _plain_value(row[name]) for name in COLUMNS if name in row}


def _plain_value(value: object) -> object:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case datetime() | date():
            return value.isoformat()
        case _:
            return str(value)
