"""Which tables and columns of a booking system mean what, judged by their names.

A guess is only a start for the view: a person reads every line of it. Consent is the exception to
guessing: where no column is plainly about it, nobody has consented.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from worker.sources.tables import Table

#: How tables of each role are called, the likelier first; English, Spanish, German, French.
_SESSIONS = (
    r"appointments?$|citas?$|termine?$|rendez_?vous$",
    r"bookings?$|reservations?$|reservas?$|buchungen$",
    r"sessions?$|visits?$|encounters?$|treatments?_done$|sesiones$|besuche$",
    r"appointment|booking|calendar_events?$|visit",
)
_PEOPLE = (
    r"patients?$|patient_data$|pacientes?$|patienten$",
    r"customers?$|clients?$|clientes?$|kunden$",
    r"people$|persons?$|contacts?$|members?$",
    r"users?$|patient|customer|client",
)
_SERVICES = (
    r"services?$|treatments?$|servicios?$|tratamientos?$|leistungen$|behandlungen$",
    r"procedures?$|(appointment|booking|visit)_(types?|categories)$",
    r"calendar_categories$|products?$|categories$|types?$",
)

#: How columns are called, the likelier first.
_NAMES: dict[str, tuple[str, ...]] = {
    "ended": (
        r"(completed|ended|finished|checked_?out|check_?out)(_at|_on|_time|_date)?$",
        r"end(_?(at|time|datetime|date_?time|on))?$|ends(_at)?$|fin$|fin_at$|ende$",
    ),
    "started": (
        r"start(_?(at|time|datetime|date_?time|on))?$|starts(_at)?$|starting_at$|inicio$|beginn$",
        r"(appointment|booking|visit|session)_?(at|time|datetime|date)$|scheduled(_at|_for)?$",
        r"date_?time$|datetime$|fecha(_hora)?$|date$",
    ),
    "minutes": (r"minutes$|duration(_min(ute)?s)?$|dauer$|duracion$",),
    "state": (r"status$|state$|estado$|appt_?status$|apptstatus$|stage$",),
    "first_name": (
        r"first_?name$|given_?name$|fname$|vorname$|prenom$|forename$",
        r"nombre$",
        r"(full_?|customer_?|client_?|patient_?)?name$",
    ),
    "phone": (
        r"mobile(_?(number|phone|no))?$|cell(_?phone)?$|phone_?(cell|mobile)$|movil$|handy$",
        r"phone(_?(number|no))?$|telephone$|tel$|telefono$|telefon$|(customer|client)_?phone$",
        r"phone",
    ),
    "email": (r"e_?mail(_?address)?$|mail$|correo$|(customer|client|patient)_?email$",),
    "language": (r"language$|lang$|locale$|preferred_?language$|idioma$|sprache$",),
    "zone": (r"time_?zone$|tz$|zone$|zona_horaria$",),
    "updated": (
        r"(updated|modified|changed|last_?modified|last_?updated?)(_?(at|on|time|datetime))?$",
        r"update_?(datetime|time|d_?at)$|date_?modified$|mod_?time$",
    ),
    "created": (r"(created|inserted|booked)(_?(at|on))?$|create_?(datetime|time|d_?at)$",),
    "number": (r"session_?(number|no|nr|index)$",),
    "planned": (r"sessions_?(planned|total|count)$|(planned|total)_?sessions$|of_?planned$",),
    "service": (
        r"(service|treatment|procedure|servicio|tratamiento|leistung|behandlung)(_?(name|type))?$",
        r"(appointment|booking|visit)_?type$",
    ),
    "title": (r"name$|title$|(service|treatment)_?name$|nombre$|bezeichnung$|pc_catname$",),
}
_AGREES = r"consent|_ok$|_?opt_?in|allow|accept|agree|permission|permit|subscri"
_REFUSES = r"opt_?out|unsubscri|do_?not|^no_|dnc|refus|block|declin"
_CONSENTS = {
    "sms_consent": rf"(sms|text|txt)s?.*({_AGREES})|({_AGREES}).*(sms|text)",
    "email_consent": rf"(e_?mail|mail)s?.*({_AGREES})|({_AGREES}).*(e_?mail)",
    "marketing_consent": rf"(marketing|newsletter|offers?|promo\w*).*({_AGREES}|$)"
    rf"|({_AGREES}).*(marketing|offer|newsletter)",
}
#: Staff are people as well; they are not the patient.
_STAFF = re.compile(r"provider|staff|doctor|employee|practitioner|user_id$|created_by|updated_by")
_PATIENT = re.compile(r"patient|customer|client|paciente|cliente|kunde|pid$|person|member|contact")
#: Words that say that a session took place.
DONE = re.compile(
    r"^(completed?|done|finished|fulfilled|attended|checked[ _-]?out|"
    r"realizad[ao]|completad[ao]|erledigt|abgeschlossen|termin[eé]e?)$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Guess:
    """What seems to mean what."""

    sessions: Table
    #: Patients, and the column of ``sessions`` that points to them; None when it has their facts.
    people: Table | None
    to_people: str
    services: Table | None
    to_services: str


def guess(tables: Sequence[Table]) -> Guess | None:
    """The tables of sessions, patients and services; None when nothing looks like sessions."""
    named = _ranked(tables, _SESSIONS)
    by_shape = [each for each in tables if each not in named]
    for sessions in filter(has_time, [*named, *by_shape]):
        people, to_people = _pointed_to(sessions, _ranked(tables, _PEOPLE), _PATIENT)
        if people is None:
            people, to_people = _reached(sessions, tables)
        if people is None and (sessions in by_shape or not _can_be_reached(sessions)):
            continue
        services, to_services = _pointed_to(sessions, _ranked(tables, _SERVICES), None)
        return Guess(sessions, people, to_people, services, to_services)
    return None


def _can_be_reached(table: Table) -> bool:
    """Whether it says how to reach somebody."""
    return bool(column(table, "phone") or column(table, "email"))


def has_time(table: Table) -> bool:
    """Whether it says when something took place."""
    return bool(column(table, "ended") or column(table, "started"))


def column(table: Table | None, meaning: str) -> str:
    """The column that seems to have a meaning; empty when none does."""
    return _first(table.columns, _NAMES[meaning]) if table else ""


def consent(table: Table | None, which: str) -> str:
    """A column that is plainly about consent; one that records a refusal is not turned around."""
    if table is None:
        return ""
    likely = [each for each in table.columns if re.search(_CONSENTS[which], each.lower())]
    return next((each for each in likely if not re.search(_REFUSES, each.lower())), "")


def _first(names: Iterable[str], patterns: Sequence[str]) -> str:
    """The first name by the likeliest pattern; a prefix such as ``pc_`` is no hindrance."""
    known = list(names)
    for pattern in patterns:
        for name in known:
            if re.match(rf"([a-z]{{1,4}}_)?({pattern})", name.lower()):
                return name
    return ""


def _ranked(tables: Sequence[Table], patterns: Sequence[str]) -> list[Table]:
    """Tables whose name fits, the likelier and the shorter first."""
    found: list[Table] = []
    for pattern in patterns:
        fits = [each for each in tables if re.search(pattern, each.name.lower())]
        found += sorted((each for each in fits if each not in found), key=_length)
    return found


def _length(table: Table) -> int:
    return len(table.name)


def _pointed_to(
    sessions: Table, likely: Sequence[Table], wanted: re.Pattern[str] | None
) -> tuple[Table | None, str]:
    """The likeliest table that a session points to, and by which column."""
    for table in likely:
        if table is sessions:
            continue
        links = [name for name, (target, _) in sessions.links.items() if target == table.name]
        links = links or [name for name in sessions.columns if _names(name, table)]
        chosen = [name for name in links if wanted and wanted.search(name.lower())]
        chosen = chosen or [name for name in links if not _STAFF.search(name.lower())]
        if chosen:
            return table, chosen[0]
    return None, ""


def _reached(sessions: Table, tables: Sequence[Table]) -> tuple[Table | None, str]:
    """Whatever its name: a table that a session refers to and that says how to reach somebody."""
    known = {each.name: each for each in tables}
    for name, (target, _) in sessions.links.items():
        table = known.get(target)
        if table and table is not sessions and _can_be_reached(table) and not _STAFF.search(name):
            return table, name
    return None, ""


def _names(name: str, table: Table) -> bool:
    """Whether a column's name points to a table without a foreign key: ``customer_id``, ``pid``."""
    stem = re.sub(r"^[a-z]{1,4}_", "", re.sub(r"_data$", "", table.name.lower()))
    one = {stem, *(stem.removesuffix(many) for many in ("s", "es", "n", "en")), table.name.lower()}
    words = {f"{each}_id" for each in one} | {f"id_{each}" for each in one}
    words |= {f"{each}id" for each in one} | ({"pid", "pc_pid"} if "patient" in stem else set())
    return name.lower() in words
