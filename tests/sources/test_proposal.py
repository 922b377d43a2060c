"""A start for the view: what is guessed, and that nothing dangerous ever is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, make_url, text

from tests.sources.reading import NOW
from tests.support.world import CLINIC
from worker.sources.connect import open_read_only
from worker.sources.guess import consent, guess
from worker.sources.proposal import propose
from worker.sources.row import Reading, Rejection, Withdrawal, read_row
from worker.sources.sql import SqlSource
from worker.sources.tables import Table

if TYPE_CHECKING:
    from worker.sources.proposal import Proposal

TREATMENTS = {"microneedling"}

#: A booking system that says everything.
COMPLETE = """
CREATE TABLE staff (id INTEGER PRIMARY KEY, name VARCHAR(50));
CREATE TABLE services (id INTEGER PRIMARY KEY, name VARCHAR(50));
CREATE TABLE clients (id INTEGER PRIMARY KEY, first_name VARCHAR(50), last_name VARCHAR(50),
  mobile VARCHAR(50), email VARCHAR(50), locale VARCHAR(9), sms_opt_in INTEGER,
  email_opt_in INTEGER, created_at TIMESTAMP);
CREATE TABLE appointments (id INTEGER PRIMARY KEY, staff_id INTEGER REFERENCES staff (id),
  client_id INTEGER REFERENCES clients (id), service_id INTEGER REFERENCES services (id),
  starts_at TIMESTAMP NULL, ends_at TIMESTAMP NULL, state VARCHAR(20), updated_at TIMESTAMP NULL);
INSERT INTO staff VALUES (7, 'Dr. Vega');
INSERT INTO services VALUES (1, 'Micro-needling face'), (2, 'Botox');
INSERT INTO clients (id, first_name, mobile, email, locale, sms_opt_in, email_opt_in)
  VALUES (7, 'Ana', '600 123 456', 'ana@example.com', 'en', 1, 0);
INSERT INTO appointments VALUES
  (1, 7, 7, 1, '2026-11-23 14:00:00', '2026-11-23 15:00:00', 'done', '2026-11-23 15:00:00'),
  (2, 7, 7, 1, '2026-11-23 14:00:00', '2026-11-23 15:00:00', 'no show', '2026-11-23 15:00:00'),
  (3, 7, 7, 2, '2026-11-23 14:00:00', '2026-11-23 15:00:00', 'done', '2026-11-23 15:00:00');
"""
#: One that says little, in Spanish, without a foreign key.
MEAGRE = """
CREATE TABLE tratamientos (id INTEGER PRIMARY KEY, nombre VARCHAR(50));
CREATE TABLE pacientes (id INTEGER PRIMARY KEY, nombre VARCHAR(50), movil VARCHAR(50),
  sms_opt_out INTEGER);
CREATE TABLE citas (id INTEGER PRIMARY KEY, paciente_id INTEGER, tratamiento_id INTEGER,
  fecha_hora TIMESTAMP NULL, duracion INTEGER, estado VARCHAR(20));
INSERT INTO tratamientos VALUES (1, 'Limpieza');
INSERT INTO pacientes VALUES (7, 'Ana García', '600 123 456', 0);
INSERT INTO citas VALUES (1, 7, 1, '2026-11-23 14:15:00', 45, 'anulada');
"""
#: Names that nobody foresaw; what is what shows in how the tables hang together.
FOREIGN = """
CREATE TABLE arvot (id INTEGER PRIMARY KEY, avain VARCHAR(9));
CREATE TABLE asiakkaat (id INTEGER PRIMARY KEY, etunimi VARCHAR(50), email VARCHAR(50));
CREATE TABLE kaynnit (id INTEGER PRIMARY KEY, asiakas INTEGER REFERENCES asiakkaat (id),
  service VARCHAR(50), end_time TIMESTAMP NULL);
INSERT INTO asiakkaat VALUES (7, 'Aino', 'aino@example.com');
INSERT INTO kaynnit VALUES (1, 7, 'Microneedling', '2026-11-23 14:15:00');
"""


def proposal_for(url: str, tables: str) -> Proposal:
    """What is proposed for these tables."""
    engine = create_engine(url)
    with engine.begin() as db:
        for statement in filter(str.strip, tables.split(";")):
            db.execute(text(statement))
    engine.dispose()
    with open_read_only(make_url(url)).connect() as db:
        made = propose(db, TREATMENTS)
    assert made is not None
    return made


def understood(url: str, query: str) -> dict[str, Reading | Withdrawal | Rejection]:
    """What its rows mean, by session."""
    _, rows = SqlSource(url, query).sample(9)
    return {
        str(row["session_id"]): read_row(
            row, clinics={"glow": CLINIC}, treatments=TREATMENTS, now=NOW
        )
        for row in rows
    }


def test_tables_that_say_everything_need_little_deciding(source_url: str) -> None:
    """Patients, not staff; ends, not starts; services by name; and the view can be made of it."""
    made = proposal_for(source_url, COMPLETE)
    found = understood(source_url, made.query)
    assert set(found) == {"1", "2"}
    assert isinstance(found["2"], Withdrawal)
    done = found["1"]
    assert isinstance(done, Reading)
    assert done.session.treatment == "microneedling"
    assert done.session.completed_at.hour == 14
    patient = done.patient
    assert (patient.first_name, patient.phone, patient.language) == ("Ana", "+34600123456", "en")
    assert (patient.sms_consent, patient.email_consent) == (True, False)
    assert "does this mean consent" in made.query
    engine = create_engine(source_url)
    with engine.begin() as db:
        db.execute(text(made.view))
    engine.dispose()
    source = SqlSource(source_url)
    source.check()
    assert len([row for chunk in source.read(None) for row in chunk]) == 2


def test_what_is_not_known_sends_nothing(source_url: str) -> None:
    """No consent is made up, a refusal is not turned around, and no session counts by itself."""
    made = proposal_for(source_url, MEAGRE)
    assert made.query.count("0 ") >= 3
    assert "0 " in made.query.split("AS sms_consent")[0].rsplit("\n", 1)[-1]
    assert "opt_out" not in made.query
    assert made.open_questions >= 5
    (found,) = understood(source_url, made.query).values()
    assert isinstance(found, Withdrawal)
    settled = made.query.replace("a.estado ", "'completed' ").replace(
        "s.nombre ", "'microneedling' "
    )
    (found,) = understood(source_url, settled).values()
    assert isinstance(found, Reading)
    assert (found.patient.sms_consent, found.patient.email_consent) == (False, False)
    assert found.session.completed_at.hour == 14


@pytest.mark.parametrize(
    ("columns", "which", "found"),
    [
        (["sms_opt_in"], "sms_consent", "sms_opt_in"),
        (["hipaa_allowsms"], "sms_consent", "hipaa_allowsms"),
        (["texts_ok"], "sms_consent", "texts_ok"),
        (["consent_email"], "email_consent", "consent_email"),
        (["newsletter"], "marketing_consent", "newsletter"),
        (["accepts_marketing"], "marketing_consent", "accepts_marketing"),
        (["sms_opt_out"], "sms_consent", ""),
        (["no_sms", "unsubscribed_email"], "sms_consent", ""),
        (["email_unsubscribed"], "email_consent", ""),
        (["do_not_text"], "sms_consent", ""),
        (["email", "mobile", "notes", "context"], "sms_consent", ""),
        (["email", "email_verified"], "email_consent", ""),
        (["consent_photo", "terms_accepted"], "sms_consent", ""),
    ],
)
def test_consent_is_only_what_is_plainly_about_it(
    columns: list[str], which: str, found: str
) -> None:
    """A column that records a refusal, or is about something else, is nobody's consent."""
    assert consent(Table("patients", tuple(columns)), which) == found


def test_staff_are_not_patients() -> None:
    """Where both are in one table, the link that names the customer is followed."""
    users = Table("ea_users", ("id", "first_name", "email", "mobile_number"), ("id",))
    columns = ("id", "start_datetime", "end_datetime", "id_users_provider", "id_users_customer")
    links = dict.fromkeys(columns[3:], ("ea_users", "id"))
    found = guess([users, Table("ea_appointments", columns, ("id",), links)])
    assert found is not None
    assert (found.sessions.name, found.to_people) == ("ea_appointments", "id_users_customer")


@pytest.mark.parametrize(
    "tables",
    [
        [],
        [Table("invoices", ("id", "total"))],
        [Table("appointments", ("id", "colour"))],
        [Table("appointments", ("id", "starts_at"))],
        [Table("patients", ("id", "first_name", "email"))],
    ],
    ids=["nothing", "something else", "no time", "no patient", "no sessions"],
)
def test_where_nothing_fits_nothing_is_proposed(tables: list[Table]) -> None:
    """A wrong start would cost more time than none."""
    assert guess(tables) is None


def test_tables_are_known_by_how_they_hang_together(source_url: str) -> None:
    """Names in a language that nobody foresaw: what has a time and refers to who can be written to.

    The treatment may stand in a column of the session itself.
    """
    query = proposal_for(source_url, FOREIGN).query
    assert "FROM kaynnit a\nJOIN asiakkaat p ON p.id = a.asiakas" in query
    assert "CASE a.service WHEN 'Microneedling' THEN 'microneedling' END AS treatment" in query
    assert "a.end_time" in query


def test_a_german_plural_is_no_hindrance() -> None:
    """``kunde_id`` points to ``Kunden``, with or without a foreign key."""
    people = Table("Kunden", ("id", "vorname", "handy"), ("id",))
    found = guess([people, Table("Termine", ("id", "kunde_id", "ende"), ("id",))])
    assert found is not None
    assert (found.people, found.to_people) == (people, "kunde_id")
