"""A milestone's ``when``: an expression that is checked when the protocol is read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.rules.given import case, moment, session
from worker.rules.conditions import unfitting
from worker.rules.messages import Cause, Reason
from worker.rules.protocol import Milestone, ProtocolError, parse_protocol

if TYPE_CHECKING:
    from worker.rules.facts import Session

KNOWN = "known: came_back, next_session_booked, session_number, sessions_left, sessions_planned"


def invitation(when: str) -> Milestone:
    """A milestone with this condition."""
    protocol = parse_protocol(
        f"""
        title = "Peel"

        [[milestones]]
        name = "next-session"
        kind = "invitation"
        after = "4 weeks"
        useful_for = "14 days"
        when = {json.dumps(when)}
        """,
        treatment="peel",
        file="peel/protocol.toml",
    )
    return protocol.milestones[0]


@pytest.mark.parametrize(
    ("when", "facts", "expected"),
    [
        ("sessions_left > 0", {"session_number": 1}, True),  # one of three
        ("sessions_left > 0", {"session_number": 3}, False),  # the last of three
        ("sessions_left > 0", {"session_number": 4}, False),  # one more than planned
        ("sessions_left > 0", {"session_number": None}, False),  # the clinic does not say
        ("not next_session_booked", {}, True),  # not booked
        ("next_session_booked", {"next_session_at": "2026-12-21 15:00+01:00"}, True),  # booked
        ("next_session_booked", {"next_session_at": "2026-11-20 15:00+01:00"}, False),  # long ago
        ("session_number == 1", {"session_number": 2}, False),  # only after the first
        ("sessions_planned >= 4", {"sessions_planned": 6}, True),  # only long courses
        ("sessions_left > 0 and session_number > 1", {}, False),  # two together
    ],
)
def test_a_condition_asks_about_the_course(
    when: str, facts: dict[str, Any], *, expected: bool
) -> None:
    """What the clinic's system does not say counts as nothing left and nothing booked."""
    facts = {
        name: moment(value) if name.endswith("_at") else value for name, value in facts.items()
    }
    assert invitation(when).applies(session(**facts).condition_facts()) == expected


LAST = {"session_number": 3}
BOOKED = {"next_session_at": moment("2026-12-21 15:00+01:00")}
BACK = session("2026-12-14 15:00+01:00", session_id="S2")


@pytest.mark.parametrize(
    ("when", "facts", "others", "expected"),
    [
        ("sessions_left > 0", LAST, [], "this was session 3 of 3"),
        ("session_number == 1", {**LAST, "sessions_planned": None}, [], "this was session 3"),
        ("sessions_planned > 3", {"session_number": None}, [], "the course has 3 sessions"),
        (
            "sessions_left > 0", {"session_number": None}, [],
            "the clinic's system does not say which session of the course this is",
        ),
        (
            "sessions_left > 0", {"sessions_planned": None}, [],
            "the clinic's system does not say how many sessions the course has",
        ),
        ("not next_session_booked", BOOKED, [], "the next session is already booked"),
        ("next_session_booked", {}, [], "the next session is not booked"),
        ("not came_back", {}, [BACK], "the patient has had a later session since"),
        ("came_back", {}, [], "the patient has had no later session"),
        # It is over and booked: only a longer course would bring the invitation.
        (
            "sessions_left > 0 and not next_session_booked", LAST | BOOKED, [],
            "this was session 3 of 3",
        ),
        (
            "not (came_back or next_session_booked)", BOOKED, [BACK],
            "the patient has had a later session since and the next session is already booked",
        ),
    ],
)  # fmt: skip
def test_what_a_condition_rules_out_is_said_in_words(
    when: str, facts: dict[str, Any], others: list[Session], expected: str
) -> None:
    """The fact that stands in the way, never the expression."""
    found = unfitting(session(**facts), invitation(when), others)
    assert found == Reason(Cause.CONDITION, f"Not for this session: {expected}")


def test_a_condition_that_holds_rules_nothing_out() -> None:
    """Session 1 of 3, nothing booked."""
    assert unfitting(session(), invitation("sessions_left > 0"), []) is None


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        case("half an expression", "sessions_left >", "cannot be read as an expression: "),
        case("nothing", "", "cannot be read as an expression: "),
        case("a statement", "{% set a = 1 %}", "cannot be read as an expression: "),
        case("two expressions", "1 }}{{ 2", "cannot be read as an expression: "),
        case("a filter that does not exist", "sessions_left | frob", "cannot be read as "),
        case("a slip of the pen", "sesions_left > 0", f"unknown name sesions_left; {KNOWN}"),
        case("two slips", "b or a", f"unknown name a, b; {KNOWN}"),
        case("the patient's name", "first_name == 'Ana'", f"unknown name first_name; {KNOWN}"),
    ],
)
def test_a_condition_that_cannot_be_read_is_a_fault(when: str, expected: str) -> None:
    """It says so when the protocol is read, by file and key."""
    with pytest.raises(ProtocolError) as raised:
        invitation(when)
    [line] = raised.value.problems
    assert line.startswith(f"peel/protocol.toml: milestones.next-session.when: {expected}")


@pytest.mark.parametrize(
    "when",
    [
        case("a way out of the sandbox", "''.__class__.__mro__"),
        case("a way out through a number", "session_number.__class__.__base__.__subclasses__()"),
        case("a number against a word", "sessions_left > 'two'"),
        case("nothing to divide by", "1 / 0"),
        case("a part that numbers do not have", "sessions_left.total > 1"),
    ],
)
def test_a_condition_that_can_only_fail_is_a_fault(when: str) -> None:
    """It is told when the protocol is read; in the middle of planning nobody could mend it."""
    with pytest.raises(ProtocolError, match=r"milestones\.next-session\.when"):
        invitation(when)
