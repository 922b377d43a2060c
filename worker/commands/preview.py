"""``aftercare preview``: every message as patients see it, on one page."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError

from worker.commands.output import output
from worker.content.context import message_context
from worker.content.language import day, locale_for, moment
from worker.content.library import Library
from worker.content.preview import Piece, chapter, example_chapters, render_page
from worker.demo.story import CLINIC
from worker.errors import AftercareError, NotFoundError, TemplateError, describe
from worker.parts import open_store, utc_now
from worker.rules.messages import WAITING, Words
from worker.rules.planning import restriction_ends
from worker.settings import load_settings
from worker.store import overview
from worker.store.cases import cases
from worker.store.clinics import all_clinics
from worker.store.engine import reading

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping

    from worker.content.preview import Chapter
    from worker.rules.facts import Clinic
    from worker.settings import Settings
    from worker.store.cases import Case

Out = Annotated[Path, typer.Option(help="The file to write.")]
Open = Annotated[bool, typer.Option("--open", help="Show it in the browser.")]
Treatment = Annotated[str, typer.Option(help="Only this treatment, a folder in templates.")]
ClinicKey = Annotated[str, typer.Option("--clinic", help="Whose name and colour; or the first.")]
PatientId = Annotated[str, typer.Option("--patient", help="A patient's real messages.")]
SessionId = Annotated[str, typer.Option("--session", help="A session's real messages.")]


def preview(  # noqa: PLR0917 (Typer's options)
    out: Out = Path("aftercare-preview.html"),
    show: Open = False,
    treatment: Treatment = "",
    clinic_key: ClinicKey = "",
    patient: PatientId = "",
    session: SessionId = "",
) -> None:
    """Write one page with every message as the patient will see it; nothing is sent.

    With --patient or --session: what was sent as it left, and what is planned as it reads now.
    """
    settings, now = load_settings(), utc_now()
    library = Library(settings.aftercare_templates)
    if patient or session:
        page = _real_page(settings, library, patient or session, now, by_patient=bool(patient))
    else:
        page = _example_page(settings, library, treatment, clinic_key, now)
    out.parent.mkdir(parents=True, exist_ok=True)
    if patient or session:
        # It holds a patient's name and words, so it is for nobody else on this machine.
        out.touch(mode=0o600)
        out.chmod(0o600)
    out.write_text(page, encoding="utf-8")
    output.print(f"See {out}", markup=False, soft_wrap=True)
    if show:
        webbrowser.open(out.resolve().as_uri())


def _example_page(
    settings: Settings, library: Library, treatment: str, key: str, now: datetime
) -> str:
    # A sample is for later; what patients get comes first.
    treatments = sorted(library.protocols, key=lambda it: (library.protocols[it].sample, it))
    if treatment:
        if treatment not in treatments:
            known = ", ".join(treatments) or "none"
            message = f"No usable treatment {treatment}; there are: {known}"
            raise NotFoundError(message)
        treatments = [treatment]
    if not treatments:
        message = f"AFTERCARE_TEMPLATES: {library.folder} has no protocol that can be used"
        raise AftercareError(message)
    clinic, note = _clinic(settings, key)
    output.print(note, markup=False, soft_wrap=True)
    chapters = list(example_chapters(library, clinic, now, treatments))
    title = f"What patients of {clinic.name} read"
    return render_page(chapters, clinic=clinic, title=title, note=note)


def _clinic(settings: Settings, key: str) -> tuple[Clinic, str]:
    """Whose messages to show, and a word about it; a sample clinic where none is set up."""
    made_up = f"{CLINIC.name} is a made-up clinic"
    try:
        clinics = _clinics(settings)
    except OperationalError as error:
        why = f"DATABASE_URL: the worker's database does not answer ({describe(error)})"
        if key:
            raise AftercareError(why) from None
        return CLINIC, f"{why}, so this shows a sample: {made_up}. Nothing was sent to anybody."
    if key and key not in clinics:
        message = f'There is no clinic "{key}"; there are: {", ".join(clinics) or "none"}'
        raise NotFoundError(message)
    if not clinics:
        return CLINIC, f"No clinic is set up yet, so this shows a sample: {made_up}."
    clinic = clinics[key] if key else next(iter(clinics.values()))
    return clinic, "Every message as it would arrive, to made-up patients. Nothing was sent."


def _clinics(settings: Settings) -> dict[str, Clinic]:
    """The clinics; looking at samples makes no database where there is none."""
    url = make_url(settings.database_url)
    file = url.database if url.get_backend_name() == "sqlite" else None
    if file and file != ":memory:" and not Path(file).exists():
        return {}
    with reading(open_store(settings)).begin() as db:
        return all_clinics(db)


def _real_page(
    settings: Settings, library: Library, which: str, now: datetime, *, by_patient: bool
) -> str:
    with reading(open_store(settings)).begin() as db:
        rows = overview.find_sessions(db, which, patients_only=by_patient)
        rows = [row for row in rows if by_patient or row["session_id"] == which]
        if not rows:
            message = f"Nothing is known of {'patient' if by_patient else 'session'} {which}"
            raise NotFoundError(message)
        clinic = all_clinics(db)[rows[0]["clinic"]]
        found = cases(db, [row["session_id"] for row in rows])
        chapters = [
            _chapter(db, library, clinic, found[row["session_id"]], now)
            for row in rows
            if row["treatment"] in library.protocols
        ]
    if not chapters:
        message = f"No usable protocol for {rows[0]['treatment']}; see aftercare check"
        raise AftercareError(message)
    title = f"What {rows[0]['first_name'] or 'this patient'} reads"
    note = "What was sent is shown as it left, what is planned as it would read now."
    return render_page(chapters, clinic=clinic, title=title, note=note)


def _chapter(
    db: Connection, library: Library, clinic: Clinic, case: Case, now: datetime
) -> Chapter:
    session, zone = case.session, case.patient.zone
    english = locale_for("en", clinic.country)
    rows = overview.messages_of(db, session.session_id)
    return chapter(
        [_piece(row, library, clinic, case, now) for row in rows],
        clinic=clinic,
        protocol=library.protocols[session.treatment],
        start=session.completed_at,
        zone=zone,
        anchor=f"session-{session.session_id}",
        subtitle=f"session of {day(session.completed_at.astimezone(zone), english)}",
        language=case.patient.language,
        about=f"Session {session.session_id}, times in {zone.key}.",
    )


def _piece(row: RowMapping, library: Library, clinic: Clinic, case: Case, now: datetime) -> Piece:
    words, note = None, row["reason"]
    if row["status"] in WAITING:
        try:
            words = _as_it_reads_now(row, library, clinic, case, now)
        except TemplateError as error:
            note = str(error)
    elif row["body"] is not None:
        words = Words(row["body"], row["subject"], row["html"], row["calendar"])
    if row["sent_at"] is not None:
        left = row["sent_at"].astimezone(case.patient.zone)
        note = f"It left on {moment(left, locale_for('en', clinic.country))}. {note}"
    return Piece(
        row["milestone"],
        row["channel"],
        row["kind"],
        row["due_at"],
        words,
        status=row["status"].value,
        note=note,
    )


def _as_it_reads_now(
    row: RowMapping, library: Library, clinic: Clinic, case: Case, now: datetime
) -> Words:
    patient, session = case.patient, case.session
    template = library.find(
        session.treatment,
        row["milestone"],
        row["channel"],
        wanted=patient.language,
        fallback=clinic.language,
    )
    context = message_context(
        clinic,
        patient,
        session,
        ends=restriction_ends(case.sessions, library.protocols, patient.zone),
        due_at=row["due_at"],
        language=template.language,
        now=max(now, row["due_at"]),
    )
    return template.render(context)
