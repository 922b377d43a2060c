"""A message before it is claimed: which template it takes, and what goes into it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from worker.content.context import message_context
from worker.rules.values import value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from worker.content.library import Library, Template
    from worker.rules.facts import Clinic, Patient, Session
    from worker.rules.messages import Channel, Words


@value
class Draft:
    """A template and the values for one patient: two drafts that are equal read the same."""

    template: Template
    context: Mapping[str, Any]

    def render(self) -> Words:
        """The words.

        Raises:
            TemplateError: When the template says something that is not there; names the file.
        """
        return self.template.render(self.context)

    def reads_like(self, other: Draft) -> bool:
        """Whether both surely make the same words, told without making them."""
        same = self.template.digest == other.template.digest
        return same and self.context == other.context


def draft(
    library: Library,
    clinic: Clinic,
    patient: Patient,
    session: Session,
    *,
    milestone: str,
    channel: Channel,
    ends: Mapping[str, datetime],
    due_at: datetime,
    now: datetime | None = None,
    treatments: Sequence[str] = (),
    unsubscribe_url: str = "",
) -> Draft:
    """The draft of a message, in the patient's language or else the clinic's.

    Raises:
        TemplateError: When its template is missing or faulty; names the file.
    """
    template = library.find(
        session.treatment, milestone, channel, wanted=patient.language, fallback=clinic.language
    )
    context = message_context(
        clinic,
        patient,
        session,
        ends=ends,
        due_at=due_at,
        language=template.language,
        treatments=treatments,
        unsubscribe_url=unsubscribe_url,
        now=now,
    )
    return Draft(template, context)
