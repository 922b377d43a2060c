"""Twilio's webhooks: receipts and what patients text back.

https://www.twilio.com/docs/usage/webhooks/webhooks-security: the signature covers the address that
Twilio calls and every parameter. The address is ``PUBLIC_URL`` and the path, never a header of the
request: behind a proxy, or from a forger, those say anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import structlog
from fastapi import APIRouter, Depends
from fastapi.responses import Response
from starlette.datastructures import FormData
from starlette.requests import Request  # noqa: TC002 (FastAPI reads it)
from twilio.request_validator import (
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    RequestValidator,
    get_signature_algorithm,
)

from worker.channels.base import Inbound
from worker.channels.twilio import read_receipt
from worker.content.phrases import usable_phrasebooks
from worker.jobs.receipts import receive
from worker.jobs.replies import take_reply
from worker.web.doors import posted_form

if TYPE_CHECKING:
    from datetime import datetime

    from worker.settings import Settings
    from worker.web.doors import Doors

log = structlog.get_logger()

_FORBIDDEN, _TAKEN = 403, 204
_NO_ANSWER = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
_KEYWORDS = frozenset({"STOP", "START", "HELP"})

Form = Annotated[FormData, Depends(posted_form)]


@dataclass(frozen=True, slots=True)
class Seal:
    """Tells whether a request is Twilio's own.

    Args:
        public_url: ``PUBLIC_URL``.
        auth_token: ``TWILIO_AUTH_TOKEN``, which signs also where an API key sends.
        webhook_secret: ``TWILIO_WEBHOOK_SECRET``, of a signing key, where one is used.
    """

    public_url: str
    auth_token: str
    webhook_secret: str = ""

    @classmethod
    def of(cls, settings: Settings) -> Seal:
        """As the settings have it."""
        return cls(
            settings.public_url.rstrip("/"),
            settings.twilio_auth_token.get_secret_value(),
            settings.twilio_webhook_secret.get_secret_value(),
        )

    def is_on(self, request: Request, form: FormData) -> bool:
        """Whether a request is signed, for this address and these parameters."""
        signature = request.headers.get(SIGNATURE_HEADER, "")
        by_key = request.headers.get(SIGNATURE_SETTINGS_HEADER, "")
        # A signing key has a secret of its own; with no settings named, the token signs.
        secret = self.webhook_secret if by_key and self.webhook_secret else self.auth_token
        if not (self.public_url and secret and signature):
            return False
        if not all(isinstance(value, str) for _, value in form.multi_items()):
            return False
        query = request.scope["query_string"].decode("latin-1")
        url = f"{self.public_url}{request.scope['path']}{'?' if query else ''}{query}"
        algorithm = get_signature_algorithm(by_key)
        return bool(RequestValidator(secret).validate(url, form, signature, algorithm))


def twilio_routes(doors: Doors) -> APIRouter:
    """The two webhooks."""
    router = APIRouter()
    seal = Seal.of(doors.settings)

    @router.post("/twilio/status")
    def status(request: Request, form: Form, attempt: str = "") -> Response:
        """What became of a message."""
        if not seal.is_on(request, form):
            log.warning("webhook.not_signed", webhook="status")
            return Response(status_code=_FORBIDDEN)
        said, code = _text(form, "MessageStatus"), _text(form, "ErrorCode")
        receipt = read_receipt(said, int(code) if code.isdecimal() else None)
        sid = _text(form, "MessageSid")
        if sid:
            receive(doors.engine, receipt, provider_id=sid, attempt_id=attempt, now=doors.clock())
        return Response(status_code=_TAKEN)

    @router.post("/twilio/inbound")
    def inbound(request: Request, form: Form) -> Response:
        """What a patient texts back. Twilio answers nothing: answers leave on their own."""
        if not seal.is_on(request, form):
            log.warning("webhook.not_signed", webhook="inbound")
            return Response(status_code=_FORBIDDEN)
        text = _inbound(form, doors.clock())
        if text is not None:
            books = usable_phrasebooks(doors.settings.aftercare_templates)
            take_reply(doors.engine, text, phrasebooks=books, now=text.received_at)
        return Response(_NO_ANSWER, media_type="application/xml")

    return router


def _inbound(form: FormData, now: datetime) -> Inbound | None:
    """The text; None when it carries no id or no sender, and so is none."""
    sid, address = _text(form, "MessageSid"), _text(form, "From")
    if not (sid and address):
        return None
    # Only with Advanced Opt-Out does Twilio say that it acted and answered itself.
    keyword = _text(form, "OptOutType").upper()
    return Inbound(
        provider_id=sid,
        address=address,
        to=_text(form, "To"),
        body=_text(form, "Body"),
        received_at=now,
        keyword=keyword if keyword in _KEYWORDS else "",
    )


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value if isinstance(value, str) else ""
