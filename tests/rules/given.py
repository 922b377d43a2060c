"""Plain values for the rules to work on; a test says only what it is about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from worker.resources import TEMPLATES
from worker.rules.facts import Clinic, Patient, Session
from worker.rules.gate import Situation
from worker.rules.messages import Channel
from worker.rules.planning import plan, restriction_ends
from worker.rules.protocol import parse_protocol

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet

    from worker.rules.protocol import Milestone

MADRID = ZoneInfo("Europe/Madrid")
PROTOCOL_FILE = TEMPLATES / "microneedling" / "protocol.toml"
MICRONEEDLING = parse_protocol(
    PROTOCOL_FILE.read_text(encoding="utf-8"), treatment="microneedling", file=str(PROTOCOL_FILE)
)
#: Another treatment: it keeps patients out of the sun for longer, and from swimming.
PEEL = parse_protocol(
    """
    title = "Peel"
    restrictions = {sun = "7 days", swimming = "48 hours"}

    [[milestones]]
    name = "sun-again"
    kind = "permission"
    lifts = ["sun", "swimming"]
    after = "7 days"
    useful_for = "2 days"
    """,
    treatment="peel",
    file="peel/protocol.toml",
)
PROTOCOLS = {each.treatment: each for each in (MICRONEEDLING, PEEL)}

CLINIC = Clinic(
    key="glow",
    name="Glow Skin Clinic",
    zone=MADRID,
    country="ES",
    language="en",
    phone="+34910123456",
    email="desk@glow.example.com",
)


def case(name: str, *values: Any) -> ParameterSet:
    """A line of a table of cases, its name first."""
    return pytest.param(*values, id=name)


def moment(text: str) -> datetime:
    """``2026-11-23 15:00+01:00`` in UTC; the offset is written out, so no rule has a say in it."""
    parsed = datetime.fromisoformat(text)
    assert parsed.tzinfo is not None
    return parsed.astimezone(UTC)


def session(ended: str = "2026-11-23 15:00+01:00", **changes: Any) -> Session:
    """The first session of three, ended on a Monday in winter at 15:00 in Madrid."""
    facts: dict[str, Any] = {
        "session_id": "S1",
        "treatment": "microneedling",
        "session_number": 1,
        "sessions_planned": 3,
    }
    return Session(completed_at=moment(ended), **(facts | changes))


def patient(**changes: Any) -> Patient:
    """A patient in Madrid who agreed to everything."""
    facts: dict[str, Any] = {
        "clinic": "glow",
        "patient_id": "P1",
        "first_name": "Ana",
        "phone": "+34600123456",
        "email": "ana@example.com",
        "language": "en",
        "zone": MADRID,
        "sms_consent": True,
        "email_consent": True,
        "marketing_consent": True,
    }
    return Patient(**(facts | changes))


def milestone(name: str = "active-again") -> Milestone:
    """A milestone of the shipped protocol."""
    found = MICRONEEDLING.milestone(name)
    assert found is not None
    return found


def situation(name: str = "active-again", channel: Channel = Channel.SMS) -> Situation:
    """A message of Monday's session, and nothing that speaks against it."""
    it, who = session(), patient()
    [planned] = [
        each
        for each in plan(it, who, [], PROTOCOLS)
        if (each.milestone, each.channel) == (name, channel)
    ]
    return Situation(
        channel=channel,
        kind=planned.kind,
        due_at=planned.due_at,
        expires_at=planned.expires_at,
        session=it,
        patient=who,
        clinic=CLINIC,
        milestone=milestone(name),
        ends=restriction_ends([it], PROTOCOLS, who.zone),
    )
