"""The part of ``aftercare init`` that is about the clinic's database: look, understand, propose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table

from worker.commands.ask import ask, ask_secret
from worker.commands.output import local, output
from worker.errors import SourceError
from worker.sources.connect import source_url
from worker.sources.proposal import propose
from worker.sources.row import OPTIONAL, REQUIRED, Reading, Withdrawal, read_row
from worker.sources.sql import VIEW, SqlSource
from worker.sources.tables import has_view, tables_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import URL

    from worker.rules.facts import Clinic
    from worker.sources.proposal import Proposal
    from worker.sources.row import Rejection, Row

#: So many sessions are shown as they are understood.
_SHOWN = 5
_WITHOUT = {
    "clinic": "needed as soon as two clinics are set up",
    "marketing_consent": "nobody is invited to book the next session",
    "language": "everybody reads the clinic's language",
    "time_zone": "everybody lives in the clinic's time zone",
    "session_number": "messages cannot say which session of the course it was",
    "sessions_planned": "messages cannot say how many are left",
    "next_session_at": "a booking that exists is not known",
    "status": "every row counts as a session that took place",
    "updated_at": "every pass reads everything",
}


@dataclass(frozen=True, slots=True)
class Judge:
    """What rows are read with."""

    clinics: Mapping[str, Clinic]
    treatments: Collection[str]
    now: datetime

    def read(self, row: Row) -> Reading | Withdrawal | Rejection:
        """What a row means."""
        return read_row(row, clinics=self.clinics, treatments=self.treatments, now=self.now)


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of looking at the clinic's database."""

    #: The view is there with every column that must be.
    complete: bool
    #: SQL for a view to start from, when there is none.
    proposal: str = ""


def ask_source(default: str) -> str:
    """The clinic's database, asked for until it answers; empty when that is for later."""
    output.print(
        "\nThe clinic's database is only ever read. Write it like\n"
        "  postgresql://reader@host/clinic    mysql://reader@host/clinic\n"
        "  sqlite:////path/to/clinic.db       mssql:// and oracle:// as well",
        markup=False,
    )
    known = source_url(default) if default else None
    shown = known.render_as_string(hide_password=True) if known else ""
    while True:
        url = ask("The clinic's database (empty: later)", _read_url, shown)
        if url is None:
            return ""
        if known is not None and url.password == _HIDDEN:
            url = url.set(password=known.password)
        elif url.username and url.password is None:
            password = ask_secret(f"Password of {url.username} (not shown; empty: none)")
            url = url.set(password=password) if password else url
        text = url.render_as_string(hide_password=False)
        try:
            reach(text)
        except SourceError as error:
            output.print(f"{error}", style="red", markup=False, soft_wrap=True)
            # The password may be what was wrong, so it is asked for once more.
            shown = url._replace(password=None).render_as_string()
            continue
        return text


#: How SQLAlchemy shows a password.
_HIDDEN = "***"


def _read_url(text: str) -> URL | None:
    return source_url(text) if text else None


def reach(url: str) -> None:
    """Connect once.

    Raises:
        SourceError: When that fails; says what to do.
    """
    with SqlSource(url).connected():
        pass


def look(url: str, query: str | None, judge: Judge) -> Looked:
    """Show the columns and the first sessions of the view, or else propose a view.

    Raises:
        SourceError: When the database cannot be read.
    """
    source = SqlSource(url, query)
    if query is None:
        with source.connected() as db:
            if not has_view(db, VIEW):
                made = propose(db, judge.treatments)
                seen = [each.name for each in tables_of(db)]
                return _show_proposal(made, url, judge) if made else _nothing_found(seen)
    names, rows = source.sample(_SHOWN)
    return Looked(complete=show(source.name, names, rows, judge))


def show(name: str, names: Sequence[str], rows: Sequence[Row], judge: Judge) -> bool:
    """Print which columns are there and what the rows mean; returns whether nothing is missing."""
    missing = [each for each in REQUIRED if each not in names]
    output.print(f"\n[bold]{name}[/] has {len(names)} columns.")
    for each in missing:
        output.print(f"  [red]✗[/] {each} is missing: it must be there, NULL where there is none")
    for each in OPTIONAL:
        if each not in names:
            output.print(f"  [dim]·[/] {each} is not there: {_WITHOUT[each]}")
    if missing:
        return False
    if not rows:
        output.print("It has no rows yet.")
        return True
    table = Table("session", "ended", "patient", "phone", "e-mail", "may be told by")
    odd = []
    for row in rows:
        found = judge.read(row)
        if isinstance(found, Reading):
            table.add_row(*_cells(found))
            odd += [f"session {found.session.session_id}: {note}" for note in found.notes]
        else:
            kind = "does not count" if isinstance(found, Withdrawal) else "cannot be used"
            odd.append(f"session {row.get('session_id')} {kind}: {found.why}")
    output.print(f"\nThe first {len(rows)} rows, as they are understood:")
    if table.row_count:
        output.print(table)
    for line in odd:
        output.print(f"  {line}", markup=False, soft_wrap=True)
    return True


def _cells(found: Reading) -> list[str]:
    session, patient = found.session, found.patient
    consents = {
        "text": patient.sms_consent,
        "e-mail": patient.email_consent,
        "offers": patient.marketing_consent,
    }
    return [
        f"{session.session_id} {session.treatment}",
        local(session.completed_at, patient.zone),
        f"{patient.patient_id} {patient.first_name}",
        patient.phone or "-",
        patient.email or "-",
        ", ".join(name for name, yes in consents.items() if yes) or "nothing",
    ]


def _listed(names: Sequence[str], most: int = 12) -> str:
    """Names of tables in one line."""
    if not names:
        return "no tables"
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if names[most:] else "")


def _nothing_found(seen: Sequence[str]) -> Looked:
    output.print(
        f"\nThere is no view {VIEW}, and no table here looks like appointments with patients. Is "
        f"it the right database, and may this user read its tables? It can see {_listed(seen)}. "
        "README.md says what the view needs, and has an example to start from.",
        markup=False,
        soft_wrap=True,
    )
    return Looked(complete=False)


def _show_proposal(made: Proposal, url: str, judge: Judge) -> Looked:
    """The SQL to start from, and what Aftercare would understand with it as it stands."""
    output.print(f"\nThere is no view [bold]{VIEW}[/] yet. A start, from the tables there are:\n")
    output.print(made.view, markup=False, soft_wrap=True, style="cyan")
    try:
        names, rows = SqlSource(url, made.query).sample(_SHOWN)
        show("This query", names, rows, judge)
    except SourceError as error:
        output.print(f"It does not run as it stands: {error}", markup=False, soft_wrap=True)
    return Looked(complete=False, proposal=made.view)


def save_proposal(file: Path, proposal: str) -> bool:
    """Write the SQL, unless the file is there and says something else; returns whether it does."""
    if file.exists():
        return file.read_text(encoding="utf-8") == proposal
    file.write_text(proposal, encoding="utf-8")
    return True
