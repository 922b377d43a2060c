"""The unsubscribe page, and the one-click button of mail programs (RFC 8058).

Opening the link changes nothing: scanners and previews open every link of an e-mail. Posting acts,
without a login: the link is signed, and whoever has it has the e-mail.

What stops is decided by what the e-mail was. From an e-mail about care, all e-mails to that
address stop. An invitation to book is a list of its own, with a consent of its own: one click on
it stops invitations and leaves the notes on care, which the patient may still need; the page
offers both.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import structlog
from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import FormData
from starlette.requests import Request  # noqa: TC002 (FastAPI reads it)

from worker.content.links import Links
from worker.content.pages import FALLBACK, Button, Pages
from worker.errors import ConfigurationError, describe
from worker.rules.messages import Channel, Kind
from worker.store import decisions
from worker.store.clinics import all_clinics
from worker.store.engine import reading
from worker.store.letters import letter
from worker.store.patient_events import PATIENT, By
from worker.web.doors import posted_form

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from worker.rules.facts import Clinic
    from worker.store.letters import Letter
    from worker.web.doors import Doors

log = structlog.get_logger()

_BY = By(PATIENT, "unsubscribe link")
_WHY = "The patient unsubscribed"
_WHY_INVITATIONS = "The patient unsubscribed from them"
_ALL, _INVITATIONS = Button("all", "all"), Button("invitations", "invitations")

Form = Annotated[FormData, Depends(posted_form)]


@dataclass(frozen=True, slots=True)
class Visit:
    """A link that is ours: the e-mail it came with, and the clinic that sent it."""

    letter: Letter
    clinic: Clinic
    #: Where that e-mail went; empty when the retention time is over and it is erased.
    address: str

    @property
    def invites(self) -> bool:
        """Whether it was an invitation to book."""
        return self.letter.kind is Kind.INVITATION


@dataclass(frozen=True, slots=True)
class Desk:
    """Finds out what a link means, and does it."""

    doors: Doors
    links: Links
    pages: Pages

    def visit(self, db: Connection, token: str) -> Visit | None:
        """What a token is about; None when it is not one of ours."""
        ticket = self.links.read(token)
        found = letter(db, ticket.message_id) if ticket else None
        if ticket is None or found is None:
            return None
        fits = (each for each in found.addresses if self.links.is_for(ticket, each))
        address = next(fits, "")
        if not address and not found.erased:
            return None  # a link from a database that is no more
        return Visit(found, all_clinics(db)[found.clinic], address)

    def look(self, token: str, request: Request) -> Response:
        """The page before anything has happened."""
        with reading(self.doors.engine).begin() as db:
            visit = self.visit(db, token)
            if visit is None:
                return self._unknown(db, request)
            stopped = decisions.is_stopped(db, Channel.EMAIL, visit.address, self.doors.clock())
        if not visit.address:
            return self.page("forgotten", request, visit)
        if stopped:
            return self.page("already", request, visit)
        if visit.invites:
            return self.page("ask-invitation", request, visit, buttons=(_INVITATIONS, _ALL))
        return self.page("ask", request, visit, buttons=(_ALL,))

    def act(self, token: str, form: FormData, request: Request) -> Response:
        """Do it; twice is once."""
        with self.doors.engine.begin() as db:
            visit = self.visit(db, token)
            if visit is None:
                return self._unknown(db, request)
            everything = form.get("stop", "") == _ALL.value or not visit.invites
            if visit.address:
                self._stop(db, visit, everything=everything)
        log.info("unsubscribed", everything=everything, known=bool(visit.address))
        if form.get("List-Unsubscribe") == "One-Click":
            return PlainTextResponse("Unsubscribed.\n")  # nobody reads it
        if not visit.address:
            return self.page("forgotten", request, visit)
        if everything:
            return self.page("done", request, visit)
        return self.page("done-invitations", request, visit, buttons=(_ALL,))

    def _stop(self, db: Connection, visit: Visit, *, everything: bool) -> None:
        now, about = self.doors.clock(), visit.letter
        if everything:
            decisions.stop(db, Channel.EMAIL, visit.address, by=_BY, why=_WHY, now=now)
        else:
            decisions.stop_invitations(
                db, about.clinic, about.patient_id, by=_BY, now=now, why=_WHY_INVITATIONS
            )

    def _unknown(self, db: Connection, request: Request) -> Response:
        clinics = list(all_clinics(db).values())
        # With several clinics nobody knows which one it would have been.
        clinic = clinics[0] if len(clinics) == 1 else None
        return self.page("unknown", request, clinic=clinic, status=404)

    def page(
        self,
        name: str,
        request: Request,
        visit: Visit | None = None,
        *,
        clinic: Clinic | None = None,
        buttons: Sequence[Button] = (),
        status: int = 200,
    ) -> Response:
        """One state of the page, in the language of the e-mail or else of the browser."""
        clinic = visit.clinic if visit else clinic
        of_letter = [visit.letter.language] if visit else []
        of_clinic = [clinic.language] if clinic else []
        languages = [*of_letter, *_accepted(request), *of_clinic, FALLBACK]
        nonce = secrets.token_urlsafe(16)
        html = self.pages.unsubscribe(
            name, languages=languages, clinic=clinic, buttons=buttons, nonce=nonce
        )
        return HTMLResponse(html, status, {"Content-Security-Policy": _policy(nonce)})


def unsubscribe_routes(doors: Doors) -> APIRouter:
    """The page, and what its button and mail programs post to."""
    router = APIRouter()
    settings = doors.settings
    links = Links(settings.public_url, settings.secret_key)
    desk = Desk(doors, links, Pages(settings.aftercare_templates))

    def away(request: Request, error: Exception) -> Response:
        log.error("database.unreachable", setting="DATABASE_URL", error=describe(error))
        return desk.page("later", request, status=503)

    @router.get("/unsubscribe/{token}")
    def look(token: str, request: Request) -> Response:
        """Shows the button."""
        try:
            return desk.look(token, request)
        except (SQLAlchemyError, ConfigurationError) as error:
            return away(request, error)

    @router.post("/unsubscribe/{token}")
    def act(token: str, request: Request, form: Form) -> Response:
        """Acts."""
        try:
            return desk.act(token, form, request)
        except (SQLAlchemyError, ConfigurationError) as error:
            return away(request, error)

    return router


def _policy(nonce: str) -> str:
    return (
        f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    )


def _accepted(request: Request) -> list[str]:
    """The browser's languages, ``es`` for ``es-MX;q=0.8``, in the order they stand in."""
    named = request.headers.get("Accept-Language", "").split(",")[:8]
    codes = [each.partition(";")[0].strip().partition("-")[0].lower() for each in named]
    return [each for each in codes if each.isalpha()]
