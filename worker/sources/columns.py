"""Which columns of a file are the contract's, however their heads are written."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from worker.errors import SourceError
from worker.sources.row import COLUMNS, REQUIRED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Other heads that can mean nothing else. A plain "date" or "name" is not here: it may be when the
#: session began, or the patient's whole name.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "session_id": (
        *("session", "session_no", "session_nr", "appointment_id", "appointment_no", "booking_id"),
        *("visit_id", "id_sesion", "id_cita", "termin_id", "sitzungs_id"),
    ),
    "treatment": ("treatment_key", "service", "procedure", "tratamiento", "servicio", "behandlung"),
    "completed_at": (
        *("completed", "completed_on", "ended_at", "end_time", "session_end", "finished_at"),
        *("date_completed", "fin_sesion", "hora_fin", "ende", "beendet_am"),
    ),
    "patient_id": (
        *("patient", "patient_no", "patient_number", "client_id", "customer_id", "chart_number"),
        *("mrn", "id_paciente", "id_cliente", "patienten_id", "patientennummer", "kundennummer"),
    ),
    "first_name": ("firstname", "given_name", "forename", "nombre", "nombre_de_pila", "vorname"),
    "phone": (
        *("mobile", "mobile_phone", "mobile_number", "phone_number", "cell", "cell_phone", "tel"),
        *("telephone", "telefono", "telefono_movil", "movil", "telefon", "handy", "mobil"),
    ),
    "email": (
        *("e_mail", "mail", "email_address", "e_mail_address", "correo", "correo_electronico"),
        "e_mail_adresse",
    ),
    "sms_consent": (
        *("consent_sms", "sms_ok", "sms_opt_in", "allow_sms", "text_consent"),
        *("consentimiento_sms", "sms_einwilligung"),
    ),
    "email_consent": (
        *("consent_email", "e_mail_consent", "email_ok", "email_opt_in", "allow_email"),
        *("consentimiento_email", "e_mail_einwilligung", "email_einwilligung"),
    ),
    "marketing_consent": (
        *("consent_marketing", "marketing", "marketing_ok", "marketing_opt_in"),
        *("consentimiento_marketing", "marketing_einwilligung"),
    ),
    "clinic": ("clinic_key", "clinica", "klinik"),
    "language": ("lang", "idioma", "sprache"),
    "time_zone": ("timezone", "tz", "zona_horaria", "zeitzone"),
    "session_number": ("numero_de_sesion", "sitzung_nummer"),
    "sessions_planned": ("planned_sessions", "total_sessions", "sessions_total"),
    "next_session_at": ("next_session", "next_appointment", "proxima_sesion", "proxima_cita"),
    "status": ("session_status", "estado"),
    "updated_at": ("updated", "last_updated", "modified", "modified_at", "last_modified"),
}
_MEANINGS = {head: column for column, heads in SYNONYMS.items() for head in heads}
_NOT_A_WORD = re.compile(r"[^a-z0-9]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def plain_head(head: str) -> str:
    """A head without the ways of writing it: ``Session-ID`` and ``SessionId`` are the same."""
    spread = _CAMEL.sub("_", head.strip())
    letters = unicodedata.normalize("NFKD", spread).encode("ascii", "ignore").decode()
    return _NOT_A_WORD.sub("_", letters.lower()).strip("_")


def known_columns(heads: Sequence[str]) -> int:
    """How many of the contract's columns are among these heads."""
    plain = {plain_head(head) for head in heads}
    return len({_MEANINGS.get(each, each) for each in plain} & set(COLUMNS))


def find_columns(heads: Sequence[str], file: str) -> Mapping[str, int]:
    """Where each column of the contract stands; other columns are ignored.

    A head that is the contract's own name goes before one that only means the same.

    Raises:
        SourceError: When a column is missing or stands there twice; says what to do.
    """
    found: dict[str, list[int]] = {}
    meant: dict[str, list[int]] = {}
    for place, head in enumerate(heads):
        plain = plain_head(head)
        if plain in COLUMNS:
            found.setdefault(plain, []).append(place)
        elif plain in _MEANINGS:
            meant.setdefault(_MEANINGS[plain], []).append(place)
    places = {**meant, **found}
    missing = [name for name in REQUIRED if name not in places]
    if missing:
        message = (
            f"{file} has no column {', '.join(missing)}; its first line must name the columns "
            f"(leave a cell empty where the clinic has nothing). A file needs: "
            f"{', '.join(REQUIRED)}"
        )
        raise SourceError(message)
    for name, several in places.items():
        if len(several) > 1:
            twice = " and ".join(f"“{heads[place].strip()}”" for place in several)
            message = f"{file} has several columns for {name}: {twice}; remove or rename one"
            raise SourceError(message)
    return {name: places[name][0] for name in COLUMNS if name in places}
