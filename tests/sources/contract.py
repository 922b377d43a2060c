"""The suite that every source passes: a database's view, a file, whatever yields rows.

Subclass :class:`SourceContract` and give it a fixture ``kept``: something that keeps the rows it is
given as that kind of source keeps them, in its own types, and opens a source on them.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from sqlalchemy import select

from tests.sources.reading import NOW
from tests.support.clinic_database import GOOD_ROW
from tests.support.stored import everything
from tests.support.world import CLINIC
from worker.errors import SourceError
from worker.jobs.collect import collect
from worker.jobs.intake import News
from worker.sources.row import REQUIRED, Reading, read_row
from worker.store.clinics import add_clinic
from worker.store.collected import open_faults
from worker.store.engine import open_engine
from worker.store.schema import migrate
from worker.store.tables import PATIENTS, SESSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from worker.jobs.intake import Tally
    from worker.sources.base import Source

#: What patients' rows may hold.
NAMES = ["Zoë", "Łukasz", "O'Brien; DROP TABLE", "Ana, María", 'Eva "Evi"', "小林", "-", "=1+1"]


class Kept(Protocol):
    """Rows, kept as one kind of source keeps them."""

    def keep(self, *rows: dict[str, Any]) -> None:
        """Replace everything by these rows; each has the same columns."""

    def source(self) -> Source:
        """A new source on what is kept."""


def row(session_id: Any = "S1", **changes: Any) -> dict[str, Any]:
    """:data:`GOOD_ROW` with changes."""
    return {**GOOD_ROW, "session_id": session_id, **changes}


def rows_of(source: Source, since: datetime | None = None) -> list[dict[str, Any]]:
    """Everything that a source yields."""
    return [dict(each) for chunk in source.read(since) for each in chunk]


def readings(source: Source) -> list[Reading]:
    """Every row, understood; it is an error if one cannot be."""
    clinics, treatments = {"glow": CLINIC}, {"microneedling"}
    found = [
        read_row(each, clinics=clinics, treatments=treatments, now=NOW) for each in rows_of(source)
    ]
    good = [each for each in found if isinstance(each, Reading)]
    assert len(good) == len(found), found
    return good


class SourceContract:
    """See the module."""

    @pytest.fixture
    def engine(self, tmp_path: Path) -> Iterator[Engine]:
        """The worker's own database, with a clinic."""
        engine = open_engine(f"sqlite:///{tmp_path}/aftercare.db")
        migrate(engine)
        with engine.begin() as db:
            add_clinic(db, CLINIC, NOW)
        yield engine
        engine.dispose()

    @staticmethod
    def collect(engine: Engine, source: Source, *, later: timedelta = timedelta(0)) -> Tally:
        """One pass over the source, at NOW or later."""
        return collect(
            engine,
            source,
            treatments={"microneedling"},
            go_live=NOW - timedelta(days=1),
            clock=lambda: NOW + later,
            keep=10,
        )

    # Reading

    def test_a_row_means_what_it_says(self, kept: Kept) -> None:
        """Ids, times, consents and the course arrive as facts, with nothing to remark."""
        kept.keep(row(sms_consent="1", email_consent="0", next_session_at="2026-12-21 10:00:00"))
        (found,) = readings(kept.source())
        session, patient = found.session, found.patient
        assert (session.session_id, patient.patient_id) == ("S1", "P1")
        assert session.completed_at == datetime(2026, 11, 23, 14, tzinfo=UTC)
        assert (session.session_number, session.sessions_planned) == (1, 3)
        assert session.next_session_at == datetime(2026, 12, 21, 9, tzinfo=UTC)
        assert (patient.phone, patient.email) == ("+34600123456", "ana@example.com")
        assert (patient.sms_consent, patient.email_consent) == (True, False)
        assert found.notes == ()

    def test_names_arrive_letter_by_letter(self, kept: Kept) -> None:
        """Other scripts, quotes, delimiters and what a spreadsheet takes for a formula."""
        kept.keep(*(row(f"S{number}", first_name=name) for number, name in enumerate(NAMES)))
        found = sorted(readings(kept.source()), key=lambda each: each.session.session_id)
        assert [each.patient.first_name for each in found] == NAMES

    def test_ids_stay_as_they_are_written(self, kept: Kept) -> None:
        """No leading zero is lost, and nothing becomes a number or a date on the way."""
        ids = ["0012", "1-2", "6f9619ff-8b86-d011-b42d-00c04fc964ff", "1e5", "A 7"]
        kept.keep(*(row(each, patient_id=each) for each in ids))
        found = readings(kept.source())
        assert sorted(each.session.session_id for each in found) == sorted(ids)
        assert sorted(each.patient.patient_id for each in found) == sorted(ids)

    def test_what_is_empty_is_nothing(self, kept: Kept) -> None:
        """An optional column without a value means the default."""
        empty = ("language", "time_zone", "session_number", "sessions_planned", "next_session_at")
        kept.keep(row(**dict.fromkeys(empty), email=None))
        (found,) = readings(kept.source())
        assert (found.patient.language, found.patient.zone) == (CLINIC.language, CLINIC.zone)
        assert (found.session.session_number, found.patient.email) == (None, None)

    def test_nothing_to_read_is_no_fault(self, kept: Kept) -> None:
        """A clinic that opens tomorrow has no sessions today."""
        kept.keep(row())
        kept.keep()
        assert rows_of(kept.source()) == []

    def test_thousands_of_rows_come_in_chunks_each_once(self, kept: Kept) -> None:
        """A long history is never held in one piece, and nothing is left out or doubled."""
        ids = [f"S{number:05}" for number in range(2_500)]
        kept.keep(*(row(each, patient_id=each) for each in ids))
        sizes, met = [], []
        for chunk in kept.source().read(None):
            sizes.append(len(chunk))
            met += [each["session_id"] for each in chunk]
        assert sorted(met) == ids
        assert max(sizes) <= 1_000

    @pytest.mark.parametrize("column", REQUIRED)
    def test_a_missing_column_is_named(self, kept: Kept, column: str) -> None:
        """Without a column that must be there nothing is read, and the complaint names it."""
        kept.keep({name: value for name, value in row().items() if name != column})
        with pytest.raises(SourceError, match=column) as fault:
            rows_of(kept.source())
        assert not [each for each in ("Ana", "600", "ana@") if each in str(fault.value)]

    def test_columns_of_the_clinics_own_do_no_harm(self, kept: Kept) -> None:
        """Whatever else is there is passed over."""
        kept.keep(row(shoe_size="41", phone_of_the_aunt="910 000 000"))
        assert len(readings(kept.source())) == 1

    def test_changes_are_never_overlooked(self, kept: Kept) -> None:
        """Whatever is asked for, a row that was written since is among what comes."""
        kept.keep(row("S1"), row("S2", updated_at="2026-11-25 15:00:00"))
        source = kept.source()
        assert len(rows_of(source)) == 2
        since = datetime(2026, 11, 24, 12, tzinfo=UTC)
        assert "S2" in [each["session_id"] for each in rows_of(source, since)]

    # Collecting

    def test_reading_again_writes_nothing(self, kept: Kept, engine: Engine) -> None:
        """The second pass finds nothing new, and no row of any table is another."""
        kept.keep(row("S1"), row("S2", phone="no"), row("S3", sms_consent="perhaps"))
        source = kept.source()
        tally = self.collect(engine, source)
        assert tally.counts == {News.NEW: 2, News.FAULTY: 2}
        with engine.begin() as db:
            before = everything(db, but=frozenset({"source_state"}))
        tally = self.collect(engine, kept.source(), later=timedelta(hours=1))
        assert (tally.read, tally.counts.total()) == (3, 0)
        with engine.begin() as db:
            assert everything(db, but=frozenset({"source_state"})) == before

    def test_one_bad_row_stops_no_other(self, kept: Kept, engine: Engine) -> None:
        """It is kept with its reason; the rows before and after it are taken."""
        kept.keep(row("S1"), row("S2", patient_id="P2", time_zone="Spain"), row("S3"))
        self.collect(engine, kept.source())
        with engine.begin() as db:
            stored = select(SESSIONS.c.session_id).order_by(SESSIONS.c.session_id)
            assert db.execute(stored).scalars().all() == ["S1", "S3"]
            (fault,) = open_faults(db)
        assert fault["row_key"] == "S2"
        assert fault["reason"].startswith('time_zone "Spain" is not a time zone')

    def test_a_change_is_taken(self, kept: Kept, engine: Engine) -> None:
        """An edited row changes its session and its patient."""
        kept.keep(row("S1"), row("S2", patient_id="P2"))
        self.collect(engine, kept.source())
        kept.keep(row("S1", phone="600 222 222"), row("S2", patient_id="P2"))
        tally = self.collect(engine, kept.source(), later=timedelta(minutes=1))
        assert tally.examples[News.CHANGED] == ["S1"]
        with engine.begin() as db:
            wanted = select(PATIENTS.c.phone).where(PATIENTS.c.patient_id == "P1")
            assert db.execute(wanted).scalar_one() == "+34600222222"

    def test_a_status_withdraws(self, kept: Kept, engine: Engine) -> None:
        """A session that is marked otherwise than completed does not count any more."""
        kept.keep(row("S1"), row("S2"))
        self.collect(engine, kept.source())
        kept.keep(row("S1", status="cancelled"), row("S2"))
        tally = self.collect(engine, kept.source(), later=timedelta(minutes=1))
        assert tally.examples[News.WITHDRAWN] == ["S1"]

    def test_an_id_with_another_patient_is_held(self, kept: Kept, engine: Engine) -> None:
        """The stored patient stays as they are, and the row waits for a person."""
        kept.keep(row("S1"))
        self.collect(engine, kept.source())
        kept.keep(row("S1", patient_id="P2", phone="600 999 888"))
        self.collect(engine, kept.source(), later=timedelta(minutes=1))
        with engine.begin() as db:
            assert db.execute(select(PATIENTS.c.patient_id)).scalars().all() == ["P1"]
            assert [each["fate"] for each in open_faults(db)] == ["held"]
