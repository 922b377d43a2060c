"""An e-mail in place of a text message that failed for good, where the milestone says so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.rules.given import case, moment, patient, session, situation
from worker.rules.gate import Send, Skip, gate
from worker.rules.messages import Cause, Channel, Reason, Status
from worker.rules.planning import ExistingMessage, PlannedMessage, plan, replan
from worker.rules.protocol import parse_protocol

TEXT = """
title = "Peel"

[[milestones]]
name = "home"
kind = "advice"
after = "15 minutes"
useful_for = "6 hours"
any_hour_for = "1 hour"
channels = ["sms"]
fallback = "email"
"""
PEEL = parse_protocol(TEXT, treatment="peel", file="peel/protocol.toml")
BOTH = parse_protocol(
    TEXT.replace('["sms"]', '["sms", "email"]'), treatment="peel", file="peel/protocol.toml"
)
STANDS_BY = Reason(Cause.FALLBACK, "It goes by e-mail only if the text message cannot be delivered")
STANDS_IN = Reason(
    Cause.FALLBACK, "The text message could not be delivered, so it goes by e-mail instead"
)
IT = session("2026-11-23 15:00+01:00", treatment="peel")
NOW = moment("2026-11-23 15:20+01:00")


def planned(*lost: str, **who: Any) -> list[PlannedMessage]:
    return plan(IT, patient(**who), [], {"peel": PEEL}, lost=lost)


def stored(message: PlannedMessage, **changes: Any) -> ExistingMessage:
    return ExistingMessage(
        **{
            "id": 2,
            "milestone": message.milestone,
            "channel": message.channel,
            "status": Status.SKIPPED if message.skip else Status.PLANNED,
            "reason": message.skip or message.why,
            "due_at": message.due_at,
            "expires_at": message.expires_at,
            "attempts": 0,
            **changes,
        }
    )


def test_while_the_text_may_arrive_the_e_mail_stands_by() -> None:
    """It is planned as skipped, and says what it is there for."""
    text, mail = planned()
    assert (text.channel, text.skip) == (Channel.SMS, None)
    assert (mail.channel, mail.skip) == (Channel.EMAIL, STANDS_BY)


def test_when_the_text_failed_the_e_mail_goes() -> None:
    """In the same window, once; planning again changes nothing more."""
    [_, before], [text, mail] = planned(), planned("home")
    [(number, revived)] = replan([mail], [stored(before)], NOW).move
    assert (number, revived.name, revived.reason) == (2, "revived", STANDS_IN)
    assert revived.sets["due_at"] == text.due_at
    assert replan([mail], [stored(mail)], NOW).move == ()


@pytest.mark.parametrize(
    ("changes", "now"),
    [
        case("its truth window is over", {}, "2026-11-23 21:15+01:00"),
        case("it was tried already", {"attempts": 1}, "2026-11-23 15:20+01:00"),
        case("it left", {"status": Status.SENT}, "2026-11-23 15:20+01:00"),
        case("the patient said stop to e-mails", {"reason": Reason(Cause.OPTED_OUT, "stop")},
             "2026-11-23 15:20+01:00"),
    ],
)  # fmt: skip
def test_it_never_goes_late_twice_or_unwanted(changes: dict[str, Any], now: str) -> None:
    """A failed text changes none of that."""
    [_, before], [_, mail] = planned(), planned("home")
    assert replan([mail], [stored(before, **changes)], moment(now)).move == ()


@pytest.mark.parametrize(
    ("who", "cause"),
    [({"email_consent": False}, Cause.NO_CONSENT), ({"email": None}, Cause.NO_ADDRESS)],
)
def test_it_needs_a_consent_and_an_address_of_its_own(who: dict[str, Any], cause: Cause) -> None:
    """Who agreed to texts did not agree to e-mails."""
    [_, mail] = planned("home", **who)
    assert mail.skip is not None
    assert mail.skip.cause is cause


def test_an_e_mail_that_goes_anyway_stands_in_for_nothing() -> None:
    """With both channels named there is one e-mail, whatever becomes of the text."""
    for lost in ((), ("home",)):
        found = plan(IT, patient(), [], {"peel": BOTH}, lost=lost)
        assert [(each.channel.value, each.skip) for each in found] == [
            ("sms", None),
            ("email", None),
        ]


@pytest.mark.parametrize(
    ("failed", "expected"),
    [
        (False, Skip(STANDS_BY)),
        (True, Send()),
    ],
)
def test_the_gate_asks_once_more_whether_the_text_failed(*, failed: bool, expected: object) -> None:
    """Staff may have sent the text again meanwhile."""
    it = replace(
        situation("home", Channel.EMAIL),
        milestone=PEEL.milestones[0],
        session=IT,
        text_failed=failed,
    )
    assert gate(it, NOW) == expected
