"""Alerts: an e-mail to the clinic for what cannot wait, at most one per cause and hour."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import structlog

from worker.channels.base import Envelope
from worker.channels.mime import new_message_ref
from worker.jobs.inbox import REPLIES
from worker.rules.messages import Channel, Words
from worker.rules.outcomes import Accepted
from worker.store import channels, collected, leases, overview
from worker.store.clinics import all_clinics
from worker.store.kinds import RowFate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from worker.channels.base import Sender
    from worker.rules.facts import Clinic

log = structlog.get_logger()

#: Prefix of the leases that keep an alert from being repeated: nobody gives one back.
ALERT = "alert/"
_EVERY = timedelta(hours=1)
#: A database that restarts is back before anybody could look.
_PATIENCE = timedelta(minutes=5)
#: When the alert itself could not be sent.
_AGAIN = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Alert:
    """What staff are told at once. Neither text names a patient."""

    cause: str
    subject: str
    text: str
    #: The clinics whose matter it is; None when it is everybody's.
    clinics: frozenset[str] | None = None


def pressing(db: Connection, now: datetime) -> list[Alert]:
    """What cannot wait for somebody to look at ``aftercare status``."""
    patient = now - _PATIENCE
    alerts = [
        Alert(
            f"paused-{channel}",
            f"{channel.noun.capitalize()}s to patients are paused",
            f"{channel.noun.capitalize()}s to patients are paused since {pause.since:%H:%M} UTC:\n"
            f"\n  {pause.problem}\n\nThey are tried again by themselves; nothing is lost, but what "
            "is out of date by then is not sent.",
        )
        for channel, pause in channels.pauses(db).items()
    ]
    alerts += [
        _unreadable(row["name"], row["problem"])
        for row in collected.all_sources(db)
        if row["problem"] and row["problem_since"] <= patient
    ]
    alerts += _sender_alerts(db)
    alerts += _stranger_alerts(db)
    for clinic, held in overview.held_by_clinic(db).items():
        text = f"{held} messages wait for a person to decide. See: aftercare status"
        told = Alert(f"held-{clinic}", "Messages wait for a decision", text, frozenset({clinic}))
        alerts.append(told)
    return alerts


def _unreadable(name: str, problem: str) -> Alert:
    what, until = (
        ("patients' replies", "nobody here learns what patients reply")
        if name == REPLIES
        else ("the clinic's completed sessions", "patients of new sessions hear nothing")
    )
    subject = "Patients' replies" if name == REPLIES else "Completed sessions"
    return Alert(
        f"source-{name}",
        f"{subject} cannot be read",
        f"Aftercare cannot read {what}:\n\n  {problem}\n\nUntil this is mended, {until}.",
    )


def _stranger_alerts(db: Connection) -> list[Alert]:
    """Rows with an id of somebody else: the matter of the clinic that they name."""
    if not collected.count_held(db):
        return []
    clinics = all_clinics(db)
    rows = [row["row"] or {} for row in collected.open_faults(db) if row["fate"] is RowFate.HELD]
    strangers = Counter(str(row.get("clinic") or "") for row in rows)
    return [
        Alert(
            f"strangers-{clinic}",
            "An id now belongs to someone else",
            f"{count} rows of the clinic's view have the id of another patient's session or of "
            "someone else. Nothing is sent for them until the row is put right or you decide. "
            "See: aftercare source",
            frozenset({clinic}) if clinic in clinics else None,
        )
        for clinic, count in strangers.items()
    ]


def _sender_alerts(db: Connection) -> list[Alert]:
    """A clinic's own sender in trouble is the matter of whoever sends by it, and nobody else's."""
    clinics = all_clinics(db)
    return [
        Alert(
            f"paused-{channel}-{sender}",
            f"{channel.noun.capitalize()}s to patients are paused",
            f"{channel.noun.capitalize()}s from {sender} are paused since {pause.since:%H:%M} UTC:"
            f"\n\n  {pause.problem}\n\nThey are tried again by themselves; nothing is lost, but "
            "what is out of date by then is not sent.",
            frozenset(key for key, each in clinics.items() if each.sender(channel) == sender),
        )
        for (channel, sender), pause in channels.sender_pauses(db).items()
    ]


@dataclass(frozen=True, slots=True)
class Alerter:
    """Sends alerts by e-mail.

    Args:
        engine: The worker's database.
        sender: The e-mail channel.
        mail_from: The address that alerts come from.
        clock: The present moment.
    """

    engine: Engine
    sender: Sender
    mail_from: str
    clock: Callable[[], datetime]

    def send_pressing(self) -> int:
        """Send what has not been told within the hour; returns how many e-mails went out."""
        now = self.clock()
        with self.engine.begin() as db:
            clinics = all_clinics(db)
            news = [
                (alert, address, f"{alert.cause}/{key}")
                for alert in pressing(db, now)
                for address, key in _staff(clinics, alert.clinics).items()
                if _is_new(db, f"{alert.cause}/{key}", now)
            ]
        return sum(self._send(*each) for each in news)

    def _send(self, alert: Alert, address: str, told_as: str) -> bool:
        outcome = self.sender.send(
            Envelope(
                channel=Channel.EMAIL,
                address=address,
                words=Words(text=alert.text + "\n", subject=f"Aftercare: {alert.subject}"),
                attempt_id=uuid4().hex,
                from_name="Aftercare",
                message_ref=new_message_ref(self.mail_from),
            )
        )
        told = isinstance(outcome, Accepted)
        log.warning("alert.sent" if told else "alert.not_sent", cause=told_as)
        if not told:
            until = self.clock() + _AGAIN
            with self.engine.begin() as db:
                leases.renew(db, [ALERT + told_as], _holder(told_as), until=until)
        return told


def _staff(clinics: Mapping[str, Clinic], wanted: frozenset[str] | None) -> dict[str, str]:
    """The addresses of staff of these clinics, or of all, each with the key it goes by."""
    # Clinics may share an address: then the first one's key stands for it.
    some = {key: each for key, each in clinics.items() if wanted is None or key in wanted}
    return {each.email: key for key, each in reversed(some.items())}


def _is_new(db: Connection, cause: str, now: datetime) -> bool:
    """Whether this cause has not been told within the hour; then it counts as told."""
    return leases.take_free(db, ALERT + cause, _holder(cause), until=now + _EVERY, now=now)


def _holder(cause: str) -> str:
    return f"told-{cause}"
