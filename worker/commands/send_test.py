"""``aftercare send-test``: one real message to an address of your own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer

from worker.channels.base import Envelope
from worker.channels.mime import new_message_ref
from worker.commands.output import output
from worker.content.context import message_context
from worker.content.costs import describe_cost
from worker.content.library import Library
from worker.errors import AftercareError
from worker.parts import open_store, utc_now
from worker.providers import open_senders
from worker.rules.contacts import read_email, read_language, read_phone
from worker.rules.facts import Clinic, Patient, Session
from worker.rules.messages import Channel
from worker.rules.outcomes import Accepted
from worker.rules.planning import plan, restriction_ends
from worker.rules.sms import measure
from worker.settings import Mode, load_settings
from worker.store.clinics import all_clinics
from worker.store.engine import reading

if TYPE_CHECKING:
    from worker.rules.messages import Words
    from worker.settings import Settings

Address = Annotated[str, typer.Argument(help="A phone number or an e-mail address of your own.")]
Treatment = Annotated[str, typer.Option(help="A folder in templates.")]
MilestoneName = Annotated[str, typer.Option("--milestone", help="Which message.")]
Language = Annotated[str, typer.Option(help="By default the clinic's.")]
ClinicKey = Annotated[str, typer.Option("--clinic", help="By default the only one.")]


def send_test(
    address: Address,
    treatment: Treatment = "microneedling",
    milestone: MilestoneName = "home",
    language: Language = "",
    clinic_key: ClinicKey = "",
) -> None:
    """Send one message with sample facts to an address of your own.

    In trial mode it lands in the outbox; in team mode only the team's addresses are reached.
    """
    settings = load_settings()
    clinic = _clinic(settings, clinic_key)
    channel = Channel.EMAIL if "@" in address else Channel.SMS
    try:
        to = read_email(address) if "@" in address else read_phone(address, clinic.country)
        chosen = read_language(language) if language else clinic.language
    except ValueError as error:
        message = f"{address}: {error}" if not language else str(error)
        raise AftercareError(message) from None
    words = _sample(settings, clinic, treatment, milestone, channel, chosen)
    envelope = Envelope(
        channel=channel,
        address=to,
        words=words,
        attempt_id=uuid4().hex,
        sender=clinic.sender(channel),
        from_name=clinic.name,
        reply_to=clinic.email,
        message_ref=new_message_ref(clinic.mail_from or settings.mail_from),
    )
    sender = open_senders(settings, utc_now)[channel]
    try:
        outcome = sender.send(envelope)
    finally:
        sender.close()
    if not isinstance(outcome, Accepted):
        raise AftercareError(outcome.why)
    output.print(f"{outcome.why}: {milestone} as {channel.noun} to {to}", markup=False)
    if channel is Channel.SMS:
        output.print(f"The text has {describe_cost(measure(words.text))}", markup=False)
    if settings.aftercare_mode is Mode.TRIAL:
        output.print(f"See {settings.aftercare_outbox}/index.html", markup=False)


def _clinic(settings: Settings, key: str) -> Clinic:
    with reading(open_store(settings)).begin() as db:
        clinics = all_clinics(db)
    if key in clinics:
        return clinics[key]
    if not key and len(clinics) == 1:
        return next(iter(clinics.values()))
    known = ", ".join(clinics) or "none; run: aftercare clinic add"
    message = f"Name a clinic with --clinic; there are: {known}"
    raise AftercareError(message)


def _sample(  # noqa: PLR0917 (what a message is chosen by)
    settings: Settings,
    clinic: Clinic,
    treatment: str,
    milestone: str,
    channel: Channel,
    language: str,
) -> Words:
    """The message as a sample patient would get it who was treated just before."""
    library = Library(settings.aftercare_templates)
    protocol = library.protocols.get(treatment)
    if protocol is None:
        known = ", ".join(sorted(library.protocols)) or "none"
        problem = "; ".join(library.problems.values())
        message = f"No usable treatment {treatment}; there are: {known}. {problem}"
        raise AftercareError(message)
    if protocol.milestone(milestone) is None:
        known = ", ".join(each.name for each in protocol.milestones)
        message = f"{treatment} has no milestone {milestone}; there are: {known}"
        raise AftercareError(message)
    template = library.find(
        treatment, milestone, channel, wanted=language, fallback=clinic.language
    )
    patient = Patient(
        clinic=clinic.key,
        patient_id="sample",
        first_name="Alex",
        phone=clinic.phone,
        email=clinic.email,
        language=language,
        zone=clinic.zone,
        sms_consent=True,
        email_consent=True,
        marketing_consent=True,
    )
    session = Session("sample", treatment, utc_now(), session_number=1, sessions_planned=3)
    ends = restriction_ends([session], library.protocols, clinic.zone)
    planned = plan(session, patient, [], library.protocols)
    due_at = next(each.due_at for each in planned if each.milestone == milestone)
    context = message_context(
        clinic, patient, session, ends=ends, due_at=due_at, language=template.language
    )
    return template.render(context)
