"""A start for the view: SQL from a guess, with a mark where a person decides.

What cannot be known is written so that nothing is sent: no consent, no session that took place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from worker.sources.guess import DONE, column, consent, guess
from worker.sources.tables import few_values, tables_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Connection

    from worker.sources.guess import Guess
    from worker.sources.tables import Table

#: Longer expressions stick out, so that the usual ones stay readable.
_WIDEST = 40
#: The mark that a person looks for.
DECIDE = "DECIDE"
_HEAD = f"""\
-- A start for the view that Aftercare reads, guessed from the names of your tables and columns.
-- Read every line: what is marked {DECIDE} needs a person who knows this database.
-- Nothing is sent for a session until its line says that it took place and its patient consents.
"""


@dataclass(frozen=True, slots=True)
class Proposal:
    """SQL to start from."""

    #: The query alone, to be tried or used as SOURCE_QUERY.
    query: str
    #: How many lines a person has to decide.
    open_questions: int

    @property
    def view(self) -> str:
        """The statement that makes the view."""
        return f"{_HEAD}CREATE VIEW completed_sessions AS\n{self.query};\n"


def propose(db: Connection, treatments: Collection[str]) -> Proposal | None:
    """A view for this database; None when no table looks like sessions.

    Args:
        db: The clinic's database, read-only.
        treatments: The keys of the treatments that have a protocol.
    """
    found = guess(tables_of(db))
    if found is None:
        return None
    lines = _Lines(db, found, sorted(treatments)).write()
    return Proposal(lines, lines.count(f"-- {DECIDE}"))


class _Lines:
    """Writes the query, column by column."""

    def __init__(self, db: Connection, found: Guess, treatments: Sequence[str]) -> None:
        self._db = db
        self._found = found
        self._treatments = treatments
        self._dialect = db.dialect
        self._where: list[str] = []

    def write(self) -> str:
        """The whole query."""
        columns = [
            ("session_id", *self._key()),
            ("treatment", *self._treatment()),
            ("completed_at", *self._completed_at()),
            ("patient_id", *self._patient_id()),
            *((name, *self._of_patient(name)) for name in ("first_name", "phone", "email")),
            *((name, *self._consent(name, what)) for name, what in _CONSENTS),
            *self._optional(),
            ("status", *self._status()),
        ]
        width = min(max(len(value) for _, value, _ in columns), _WIDEST)
        lines = [
            f"    {value:<{width}} AS {name}{',' if name != 'status' else ''}"
            + (f"  -- {note}" if note else "")
            for name, value, note in columns
        ]
        return "\n".join(["SELECT", *lines, *self._from(), *self._conditions()])

    # Where columns come from

    def _quoted(self, name: str) -> str:
        return self._dialect.identifier_preparer.quote(name)

    def _of(self, alias: str, name: str) -> str:
        return f"{alias}.{self._quoted(name)}"

    @property
    def _people(self) -> tuple[str, Table]:
        """The table that has the patients' details, and its alias."""
        return ("p", self._found.people) if self._found.people else ("a", self._found.sessions)

    def _from(self) -> list[str]:
        found = self._found
        lines = [f"FROM {self._quoted(found.sessions.name)} a"]
        for alias, table, link in (
            ("p", found.people, found.to_people),
            ("s", found.services, found.to_services),
        ):
            if table is not None:
                _, target = found.sessions.links.get(link, ("", (table.key or ("id",))[0]))
                on = f"{self._of(alias, target)} = {self._of('a', link)}"
                lines.append(f"JOIN {self._quoted(table.name)} {alias} ON {on}")
        return lines

    def _conditions(self) -> list[str]:
        return [f"WHERE {' AND '.join(self._where)}"] if self._where else []

    # The columns

    def _key(self) -> tuple[str, str]:
        key = self._found.sessions.key or (self._found.sessions.columns[0],)
        note = "" if self._found.sessions.key else f"{DECIDE}: is this different in every row?"
        return self._of("a", key[0]), note

    def _treatment(self) -> tuple[str, str]:
        alias, of = ("s", self._found.services)
        title = column(of, "title")
        if of is None:
            alias, of = ("a", self._found.sessions)
            title = column(of, "service")
        names = few_values(self._db, of.name, title) if title else []
        known = {name: key for name in names for key in self._treatments if _means(name, key)}
        ours = _listed(self._treatments)
        if not title:
            return _text("decide"), f"{DECIDE}: which treatment is it? Templates: {ours}"
        value = self._of(alias, title)
        if not known:
            note = f"{DECIDE}: which of {_listed(names)} is one of {ours}?"
            return value, f"{note} Write: CASE {value} WHEN … THEN {ours} END"
        self._where.append(f"{value} IN ({', '.join(map(_text, known))})")
        cases = " ".join(f"WHEN {_text(name)} THEN {_text(key)}" for name, key in known.items())
        return f"CASE {value} {cases} END", ""

    def _completed_at(self) -> tuple[str, str]:
        sessions = self._found.sessions
        if ended := column(sessions, "ended"):
            return self._of("a", ended), ""
        started, minutes = column(sessions, "started"), column(sessions, "minutes")
        value = self._of("a", started)
        if not minutes:
            return value, f"{DECIDE}: this is when a session starts; add how long it takes"
        return self._later(value, self._of("a", minutes)), ""

    def _later(self, start: str, minutes: str) -> str:
        kind = self._dialect.name
        if kind == "sqlite":
            return f"datetime({start}, '+' || {minutes} || ' minutes')"
        if kind in {"mysql", "mariadb"}:
            return f"DATE_ADD({start}, INTERVAL {minutes} MINUTE)"
        if kind == "mssql":
            return f"DATEADD(minute, {minutes}, {start})"
        return f"{start} + {minutes} * INTERVAL '1' MINUTE"

    def _patient_id(self) -> tuple[str, str]:
        if self._found.people is not None:
            return self._of("a", self._found.to_people), ""
        name = column(self._found.sessions, "email") or column(self._found.sessions, "phone")
        return self._of("a", name), f"{DECIDE}: there is no table of patients; is this one's own?"

    def _of_patient(self, name: str) -> tuple[str, str]:
        alias, table = self._people
        found = column(table, name)
        if not found:
            return "NULL", f"{DECIDE}: no column looks like a {name.replace('_', ' ')}"
        whole = name == "first_name" and not column_is_first(found)
        note = f"{DECIDE}: messages greet with this; is it the first name alone?" if whole else ""
        return self._of(alias, found), note

    def _consent(self, name: str, what: str) -> tuple[str, str]:
        alias, table = self._people
        if found := consent(table, name):
            return self._of(alias, found), f"{DECIDE}: does this mean consent to {what}?"
        if name == "marketing_consent":
            return "0", "no column is about marketing: nobody is invited to book"
        return "0", f"{DECIDE}: no column is about consent to {what}; nobody gets any until one is"

    def _optional(self) -> list[tuple[str, str, str]]:
        alias, table = self._people
        sessions = self._found.sessions
        wanted = [
            ("language", alias, column(table, "language")),
            ("time_zone", alias, column(table, "zone")),
            ("session_number", "a", column(sessions, "number")),
            ("sessions_planned", "a", column(sessions, "planned")),
        ]
        found = [(name, self._of(where, each), "") for name, where, each in wanted if each]
        if updated := column(sessions, "updated"):
            value = self._of("a", updated)
            if created := column(sessions, "created"):
                value = f"COALESCE({value}, {self._of('a', created)})"
            found.append(("updated_at", value, ""))
        return found

    def _status(self) -> tuple[str, str]:
        state = column(self._found.sessions, "state")
        if not state:
            note = f"{DECIDE}: nothing says that a session took place; how can one tell?"
            return _text("unknown"), note
        value = self._of("a", state)
        known = few_values(self._db, self._found.sessions.name, state)
        done = [each for each in known if DONE.match(each.strip())]
        if not done:
            note = f"{DECIDE}: which of these means that it took place: {_listed(known)}?"
            return value, f"{note} Write: CASE {value} WHEN … THEN 'completed' END"
        cases = " ".join(f"WHEN {_text(each)} THEN 'completed'" for each in done)
        text = "CHAR" if self._dialect.name in {"mysql", "mariadb"} else "VARCHAR(40)"
        return f"CASE {value} {cases} ELSE CAST({value} AS {text}) END", ""


_CONSENTS = (
    ("sms_consent", "text messages"),
    ("email_consent", "e-mails"),
    ("marketing_consent", "invitations to book"),
)


def column_is_first(name: str) -> bool:
    """Whether a column holds first names alone, and not whole names."""
    return any(each in name.lower() for each in ("first", "given", "fname", "fore", "vor", "pren"))


def _means(service: str, treatment: str) -> bool:
    """Whether a clinic's service is a treatment: ``Micro-needling (face)`` is ``microneedling``."""
    plain = "".join(letter for letter in service.lower() if letter.isalnum())
    return "".join(letter for letter in treatment.lower() if letter.isalnum()) in plain


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _listed(values: Sequence[str], most: int = 8) -> str:
    """Values in one line of a comment."""
    shown = ", ".join(_text(" ".join(each.split())) for each in values[:most]) or "none"
    return shown + (" …" if len(values) > most else "")
