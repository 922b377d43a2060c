"""Import: a file of completed sessions, once, when a person brings it.

Its lines pass through the same validation and the same intake as the clinic's database. A file is
a part of the truth: what is not in it stays as it is, nothing is ever withdrawn because it is
missing. Importing the same file again changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from worker.errors import AftercareError
from worker.jobs.intake import Intake, News, Tally
from worker.sources.row import COLUMNS, row_key
from worker.store import clinics as clinic_store
from worker.store import collected as store
from worker.store.kinds import RowFate

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from worker.sources.csv import CsvFile, Line
    from worker.store.collected import Fault
    from worker.store.engine import Transactions

#: What the file's sessions are kept under.
CSV = "csv"


@dataclass(frozen=True, slots=True)
class Complaint:
    """A line that needs mending."""

    line: Line
    #: The column that the reason speaks of; several have commas between them.
    column: str
    reason: str
    #: The session counts nevertheless, without the faulty part.
    used: bool


@dataclass(slots=True)
class Import:
    """What an import came to."""

    tally: Tally
    rejected: int = 0
    used_in_part: int = 0
    #: Lines of sessions that the clinic's database brings by itself: it knows better.
    left_alone: int = 0
    #: Sessions that ended before go-live: recorded, and nothing is sent for them.
    before_go_live: int = 0
    go_live_at: datetime | None = None
    #: The first few lines that need mending.
    complaints: list[Complaint] = field(default_factory=list)

    @property
    def unchanged(self) -> int:
        """Lines that brought nothing new."""
        counts = self.tally.counts
        news = counts[News.NEW] + counts[News.CHANGED] + counts[News.WITHDRAWN]
        return max(self.tally.read - news - self.rejected, 0)


def import_file(
    engine: Transactions,
    file: CsvFile,
    *,
    treatments: Collection[str],
    go_live: datetime | None,
    clock: Callable[[], datetime],
    has_database: bool = False,
    complain: Callable[[Complaint], None] = lambda _: None,
    after_chunk: Callable[[Connection], None] = lambda _: None,
    keep: int = 0,
) -> Import:
    """Bring a file's sessions in.

    Args:
        engine: The worker's database, or a rehearsal of it.
        file: The file.
        treatments: The treatments that have a protocol.
        go_live: The operator's wish; by default that of the clinic's database, or else now.
        clock: The present moment.
        has_database: Whether the clinic's database is read as well: what it brought stays its own.
        complain: Is told of each line that needs mending.
        after_chunk: Is called at the end of each transaction.
        keep: How many ids of each kind of news, and complaints, to keep for showing.

    Raises:
        AftercareError: When no clinic is set up, or the file cannot be read to its end.
    """
    now = clock()
    with engine.begin() as db:
        clinics = clinic_store.all_clinics(db)
        state = store.source_state(db, CSV, go_live or _usual_go_live(db), now)
        faults = {row["row_key"]: row["fate"] for row in store.open_faults(db, CSV)}
    if not clinics:
        message = "No clinic is set up yet; run: aftercare clinic add"
        raise AftercareError(message)
    if file.clinic and file.clinic not in clinics:
        message = f'There is no clinic "{file.clinic}"; there are: {", ".join(clinics)}'
        raise AftercareError(message)
    intake = Intake(CSV, clinics, treatments, state["go_live_at"], faults, Tally(keep=keep))
    found = Import(intake.tally, go_live_at=state["go_live_at"])
    for lines in file.chunks():
        with engine.begin() as db:
            others = _left_alone(db, lines) if has_database else set()
            own = [line for line in lines if row_key(line.row) not in others]
            keys = intake.take(db, [line.row for line in own], clock())
            told = list(_complaints(file, own, store.faults_among(db, CSV, keys)))
            # A line without an id could never be recognised as mended: the report has it.
            nameless = [key for key in keys if key.startswith("row-")]
            store.mend_faults(db, CSV, nameless, now)
            found.before_go_live += store.before_go_live(db, keys)
            after_chunk(db)
        found.left_alone += len(lines) - len(own)
        found.rejected += sum(not each.used for each in told)
        found.used_in_part += sum(each.used for each in told)
        found.complaints += told[: max(keep - len(found.complaints), 0)]
        for each in told:
            complain(each)
    return found


def _usual_go_live(db: Connection) -> datetime | None:
    """The first import goes live with the clinic's database, if there is one."""
    states = store.all_sources(db)
    if not states or any(each["name"] == CSV for each in states):
        return None
    earliest: datetime = min(each["go_live_at"] for each in states)
    return earliest


def _left_alone(db: Connection, lines: Sequence[Line]) -> set[str]:
    return store.owned_by(db, "sql", [row_key(line.row) for line in lines])


def _complaints(
    file: CsvFile, lines: Sequence[Line], faults: Mapping[str, Fault]
) -> Iterator[Complaint]:
    for line in lines:
        key = row_key(line.row)
        fault = faults.get(key)
        if fault is None:
            continue
        # Each of several lines with one id is told about the other.
        reason = file.clash(line) or fault.reason
        used = fault.fate is RowFate.USED_IN_PART
        yield Complaint(line, columns_named(reason), reason, used)


def columns_named(reason: str) -> str:
    """The columns that a reason speaks of: each fault begins with its column's name."""
    words = [part.split(maxsplit=1)[0].rstrip(":") for part in reason.split("; ") if part.split()]
    named = [word for word in dict.fromkeys(words) if word in COLUMNS]
    if not named and reason.startswith("this "):
        # "this session id belonged to another patient before"
        named = ["session_id" if reason.startswith("this session") else "patient_id"]
    return ", ".join(named)
