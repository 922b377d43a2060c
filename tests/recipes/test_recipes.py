"""The recipes' views, taken from their pages and made on the systems' own tables.

In each system Ana's session 101 and Ben's 103 are done: Ana wants texts and has the next session
booked, Ben wants e-mails and reads Spanish. Whatever else is there is no session yet, no session of
ours, or nothing that may be used.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, create_engine, make_url, select, text

from tests.recipes import systems
from tests.support.databases import fresh_mariadb, fresh_postgres
from tests.support.world import CLINIC, MADRID
from worker.jobs.collect import collect
from worker.sources.sql import SqlSource
from worker.store.clinics import add_clinic
from worker.store.collected import open_faults
from worker.store.engine import open_engine
from worker.store.schema import migrate
from worker.store.tables import PATIENTS, SESSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import RowMapping

_RECIPES = Path(__file__).parents[2] / "docs" / "recipes"
#: 16:00 in Madrid on the day of the sessions.
NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)


def sql_of(page: str) -> list[str]:
    """The SQL on a recipe's page: first the view, then a user that sees nothing else."""
    return re.findall(r"```sql\n(.*?)```", (_RECIPES / page).read_text(encoding="utf-8"), re.DOTALL)


def run(engine: Engine, script: str) -> None:
    """Run statements one by one, as the clinic's administrator does."""
    with engine.begin() as db:
        for statement in script.split(";\n"):
            if statement.strip():
                db.execute(text(statement.replace(":", "\\:")))


class Clinic:
    """A clinic with a booking system, and a worker that reads its view."""

    def __init__(self, folder: Path, url: str, source_url: str = "", now: datetime = NOW) -> None:
        self.bookings = create_engine(url)
        self.now = now
        self.source = SqlSource(source_url or url)
        self.own = open_engine(f"sqlite:///{folder}/aftercare.db")
        migrate(self.own)
        with self.own.begin() as db:
            add_clinic(db, CLINIC, now)

    def collect(self) -> None:
        """One pass, later than the one before."""
        self.now += timedelta(minutes=11)
        collect(
            self.own,
            self.source,
            treatments={"microneedling"},
            go_live=self.now - timedelta(days=60),
            clock=lambda: self.now,
        )

    def sessions(self) -> dict[str, RowMapping]:
        """What is stored and still counts, with its patient, by session id."""
        joined = select(SESSIONS, PATIENTS).join(
            PATIENTS, SESSIONS.c.patient_id == PATIENTS.c.patient_id
        )
        with self.own.begin() as db:
            rows = db.execute(joined.where(SESSIONS.c.withdrawn == "")).mappings()
            return {row["session_id"]: row for row in rows}

    def faults(self) -> dict[str, str]:
        """Why rows are rejected, by session id."""
        with self.own.begin() as db:
            return {row["row_key"]: row["reason"] for row in open_faults(db)}

    def close(self) -> None:
        """Let go of the databases."""
        self.bookings.dispose()
        self.own.dispose()


def reading_user(page: str, url: str) -> tuple[str, str, str]:
    """The page's own user under a name of its own: how to make it, its URL, how to drop it."""
    address, name = make_url(url), f"aftercare_{uuid4().hex[:8]}"
    made = re.sub(r"\b\w+(?=\.completed_sessions)", str(address.database), sql_of(page)[1])
    made = made.replace("'aftercare'", f"'{name}'")
    own = address.set(username=name, password="a-long-password")
    return made, own.render_as_string(hide_password=False), f"DROP USER '{name}'@'%'"


@pytest.fixture
def mariadb(tmp_path: Path) -> Iterator[Any]:
    """Makes a clinic on MariaDB, read by the user that its recipe makes."""
    made: list[tuple[Clinic, str]] = []
    for url in fresh_mariadb():

        def make(page: str, script: str, now: datetime, url: str = url) -> Clinic:
            grant, source_url, forget = reading_user(page, url)
            clinic = Clinic(tmp_path, url, source_url, now)
            made.append((clinic, forget))
            run(clinic.bookings, script)
            run(clinic.bookings, sql_of(page)[0])
            run(clinic.bookings, grant)
            return clinic

        yield make
        for clinic, forget in made:
            run(clinic.bookings, forget)
            clinic.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def plain(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Clinic]:
    """The plain system on each of its databases."""
    if request.param == "sqlite":
        urls: Any = [f"sqlite:///{tmp_path}/bookings.db"]
    else:
        urls = fresh_postgres()
    for url in urls:
        clinic = Clinic(tmp_path, url)
        if request.param == "postgresql":
            name = make_url(url).database
            run(clinic.bookings, f"ALTER DATABASE {name} SET timezone TO 'Europe/Madrid'")
            clinic.bookings.dispose()
        moment = "TEXT" if request.param == "sqlite" else "TIMESTAMP WITH TIME ZONE"
        run(clinic.bookings, systems.PLAIN.format(moment=moment))
        run(clinic.bookings, sql_of("plain.md")[0])
        yield clinic
        clinic.close()


def expect_ana_and_ben(found: dict[str, RowMapping]) -> None:
    """Who is reached how, and in which language."""
    ana, ben = found["101"], found["103"]
    assert (ana["first_name"], ana["phone"], ana["language"]) == ("Ana", "+34600123456", "en")
    assert (ana["sms_consent"], ana["email_consent"]) == (True, False)
    assert ana["marketing_consent"] is False
    assert (ben["first_name"], ben["phone"], ben["language"]) == ("Ben", "+34600222333", "es")
    assert (ben["sms_consent"], ben["email_consent"]) == (False, True)
    assert (ben["email"], ben["email_problem"]) == ("ben@example.com", "")
    assert (ana["treatment"], ben["treatment"]) == ("microneedling", "microneedling")


def madrid(moment: datetime) -> str:
    """As the clinic's clock shows it."""
    return f"{moment.astimezone(MADRID):%Y-%m-%d %H:%M}"


def test_easy_appointments(mariadb: Any) -> None:
    """Only what staff marked as completed, with the consent of the custom fields."""
    clinic = mariadb("easyappointments.md", systems.EASY_APPOINTMENTS, NOW)
    clinic.collect()
    found = clinic.sessions()
    assert sorted(found) == ["101", "103"]
    expect_ana_and_ben(found)
    assert found["103"]["marketing_consent"] is True
    assert madrid(found["101"]["completed_at"]) == "2026-11-23 15:00"
    assert madrid(found["101"]["next_session_at"]) == "2026-12-21 10:00"
    # A provider whose zone is not set: hours wrong would be a day too early.
    assert clinic.faults() == {"106": "completed_at is empty"}

    run(
        clinic.bookings,
        """
        UPDATE ea_appointments SET status = 'Cancelled', update_datetime = '2026-11-23 16:05:00'
            WHERE id = 101;
        UPDATE ea_users SET custom_field_2 = 'no', update_datetime = '2026-11-23 16:05:00'
            WHERE id = 12;
        UPDATE ea_users SET timezone = 'Europe/Madrid' WHERE id = 2;
        """,
    )
    clinic.collect()
    found = clinic.sessions()
    assert sorted(found) == ["103", "106"]
    assert found["103"]["email_consent"] is False
    assert clinic.faults() == {}


def test_openemr(mariadb: Any) -> None:
    """Only who was checked out, lives, and said YES."""
    with_today = systems.OPENEMR.format(today="CURRENT_DATE")
    now = datetime.now(UTC)
    clinic = mariadb("openemr.md", with_today, now)
    clinic.collect()
    found = clinic.sessions()
    assert sorted(found) == ["101", "103"]
    expect_ana_and_ben(found)
    ended = found["101"]["completed_at"].astimezone(MADRID)
    booked = found["101"]["next_session_at"].astimezone(MADRID)
    assert (ended.hour, ended.minute) == (0, 1)
    assert (booked.date() - ended.date(), booked.hour) == (timedelta(days=28), 10)
    assert found["103"]["next_session_at"] is None
    assert clinic.faults() == {}

    run(
        clinic.bookings,
        """
        UPDATE patient_data SET hipaa_allowsms = 'NO' WHERE pid = 11;
        DELETE FROM openemr_postcalendar_events WHERE pc_eid = 103;
        UPDATE openemr_postcalendar_events SET pc_apptstatus = '>' WHERE pc_eid = 104;
        """,
    )
    clinic.collect()
    found = clinic.sessions()
    assert sorted(found) == ["101", "104"]
    assert found["101"]["sms_consent"] is False


def test_a_plain_system(plain: Clinic) -> None:
    """The course is counted, and an empty consent is none."""
    plain.collect()
    found = plain.sessions()
    assert sorted(found) == ["101", "103", "99"]
    expect_ana_and_ben(found)
    assert madrid(found["101"]["completed_at"]) == "2026-11-23 15:00"
    assert madrid(found["101"]["next_session_at"]) == "2026-12-21 10:00"
    assert (found["101"]["session_number"], found["101"]["sessions_planned"]) == (2, 4)
    assert (found["103"]["session_number"], found["103"]["sessions_planned"]) == (1, None)
    assert plain.faults() == {}

    run(
        plain.bookings,
        """
        UPDATE appointments SET state = 'cancelled', updated_at = '2026-11-23 16:05:00'
            WHERE id = 101;
        """,
    )
    plain.collect()
    assert sorted(plain.sessions()) == ["103", "99"]


@pytest.mark.parametrize("page", sorted(_RECIPES.glob("*.md")), ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """From a recipe to the next page."""
    for link in re.findall(r"\]\(([^)#]+\.md)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / link).is_file(), link
