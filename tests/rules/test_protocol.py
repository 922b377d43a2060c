"""A protocol that can be used, and every fault of one that cannot."""

from __future__ import annotations

from datetime import time

import pytest

from tests.rules.given import MICRONEEDLING, case
from worker.rules.messages import Channel, Kind
from worker.rules.protocol import Protocol, ProtocolError, parse_protocol
from worker.rules.timing import SendingHours, Span

GOOD = """
title = "Peel"

[restrictions]
sun = "3 days"

[[milestones]]
name = "home"
kind = "advice"
after = "15 minutes"
useful_for = "6 hours"
any_hour_for = "1 hour"

[[milestones]]
name = "sun-again"
kind = "permission"
lifts = ["sun"]
after = "3 days"
at = "10:00"
useful_for = "4 days"
channels = ["sms"]

[[milestones]]
name = "next-session"
kind = "invitation"
after = "4 weeks"
useful_for = "14 days"
when = "sessions_left > 0"
"""


def parse(text: str, hours: SendingHours | None = None) -> Protocol:
    return parse_protocol(text, treatment="peel", file="peel/protocol.toml", hours=hours)


def faults(text: str) -> list[str]:
    """What is wrong with a protocol, each line without the file's name that it begins with."""
    with pytest.raises(ProtocolError) as raised:
        parse(text)
    assert str(raised.value) == "\n".join(raised.value.problems)
    file = "peel/protocol.toml: "
    assert all(line.startswith(file) for line in raised.value.problems)
    return [line.removeprefix(file) for line in raised.value.problems]


def changed(old: str, new: str) -> str:
    """The good protocol with one thing changed."""
    assert GOOD.count(old) == 1, old
    return GOOD.replace(old, new)


def test_the_shipped_protocol_says_what_the_article_says() -> None:
    """Three days without exercise and sun, fourteen without exfoliating; six milestones."""
    expected = {"exercise": Span.parse("3 days"), "sun": Span.parse("3 days")}
    assert MICRONEEDLING.restrictions == expected | {"exfoliation": Span.parse("14 days")}
    assert [(each.name, each.kind) for each in MICRONEEDLING.milestones] == [
        ("home", Kind.ADVICE),
        ("first-day", Kind.ADVICE),
        ("active-again", Kind.PERMISSION),
        ("exfoliate-again", Kind.PERMISSION),
        ("next-session", Kind.INVITATION),
        ("course-complete", Kind.ADVICE),
    ]
    lifted = {name for each in MICRONEEDLING.milestones for name in each.lifts}
    assert lifted == set(MICRONEEDLING.restrictions)


def test_a_good_protocol_is_read_to_the_letter() -> None:
    """Every key ends up where the rules look for it; both channels unless it says otherwise."""
    protocol = parse(GOOD)
    assert (protocol.treatment, protocol.title) == ("peel", "Peel")
    home, sun_again, _ = protocol.milestones
    assert home.channels == (Channel.SMS, Channel.EMAIL)
    assert home.any_hour_for == Span.parse("1 hour")
    assert sun_again.channels == (Channel.SMS,)
    assert (sun_again.lifts, sun_again.at) == (("sun",), time(10))
    assert protocol.milestone("sun-again") == sun_again
    assert protocol.milestone("moon-again") is None


def test_the_version_changes_whenever_the_text_does() -> None:
    """So that an edited protocol is noticed, and an untouched one is not."""
    assert parse(GOOD).version == parse(GOOD).version
    assert parse(GOOD).version != parse(changed('"4 days"', '"5 days"')).version


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        case("unknown key at the top",
             'title = "Peel"', 'title = "Peel"\ncolour = "red"',
             "colour: unknown key; check the spelling or remove it"),
        case("unknown key in a milestone",
             'at = "10:00"', 'ta = "10:00"',
             "milestones.sun-again.ta: unknown key; check the spelling or remove it"),
        case("missing title", 'title = "Peel"', "", "title: is missing"),
        case("missing key in a milestone",
             'useful_for = "4 days"', "", "milestones.sun-again.useful_for: is missing"),
        case("a milestone without a name, by its place",
             'name = "home"', "", "milestones[0].name: is missing"),
        case("a length of time that is none",
             'after = "15 minutes"', 'after = "soon"',
             'milestones.home.after: "soon" is not a length of time; '
             'write it like "15 minutes" or "3 days"'),
        case("a length of time without quotes",
             'after = "15 minutes"', "after = 15",
             'milestones.home.after: must be a text like "3 days"'),
        case("a restriction's length",
             'sun = "3 days"', 'sun = "3 moons"',
             'restrictions.sun: "3 moons" is not a length of time; '
             'write it like "15 minutes" or "3 days"'),
        case("a time of day that is none",
             'at = "10:00"', 'at = "ten"',
             'milestones.sun-again.at: "ten" is not a time of day; write it like "10:00"'),
        case("a switch in quotes",
             'any_hour_for = "1 hour"', 'any_hour_for = "1 hour"\njoins = "yes"',
             "milestones.home.joins: write true or false, without quotes"),
        case("a text in place of a text",
             'channels = ["sms"]', 'channels = ["sms"]\nfallback = "sms"',
             'milestones.sun-again.fallback: only "email" can take the place of a text message'),
        case("an e-mail in place of an e-mail",
             'channels = ["sms"]', 'channels = ["email"]\nfallback = "email"',
             "milestones.sun-again: `fallback` is for a text message that failed: "
             'put "sms" into `channels`'),
        case("no channel at all",
             'channels = ["sms"]', "channels = []",
             'milestones.sun-again.channels: name "sms", "email" or both, each once'),
        case("the same channel twice",
             'channels = ["sms"]', 'channels = ["sms", "sms"]',
             'milestones.sun-again.channels: name "sms", "email" or both, each once'),
        case("a permission that lifts nothing",
             'lifts = ["sun"]', "lifts = []",
             "milestones.sun-again: a permission names the restrictions it lifts in `lifts`"),
        case("advice that lifts something",
             'kind = "advice"', 'kind = "advice"\nlifts = ["sun"]',
             "milestones.home: only a permission has `lifts`"),
        case("a restriction that is not there",
             'lifts = ["sun"]', 'lifts = ["moon"]',
             'milestones.sun-again.lifts: no restriction "moon"; [restrictions] has: sun'),
        case("two milestones of one name",
             'name = "next-session"', 'name = "home"',
             "milestones.home: the name is used 2 times; make it unique"),
        case("a permission a day too early",
             'after = "3 days"', 'after = "2 days"',
             'milestones.sun-again.after: "2 days" allows sun before its restriction of '
             '"3 days" has ended; make it at least "3 days"'),
        case("72 hours for 3 days: an hour too early when clocks go back",
             'after = "3 days"', 'after = "72 hours"',
             'milestones.sun-again.after: "72 hours" allows sun before its restriction of '
             '"3 days" has ended; make it at least "3 days"'),
        case("3 days for 72 hours: an hour too early when clocks go forward",
             'sun = "3 days"', 'sun = "72 hours"',
             'milestones.sun-again.after: "3 days" allows sun before its restriction of '
             '"72 hours" has ended; make it at least "72 hours"'),
        case("a truth window shorter than the quiet night",
             'useful_for = "4 days"', 'useful_for = "12 hours"',
             'milestones.sun-again.useful_for: "12 hours" is shorter than the quiet night of '
             "13 hours, so a message that waits for the morning would be dropped; "
             'make it at least "15 hours"'),
    ],
)  # fmt: skip
def test_a_fault_names_its_key_and_what_to_do(old: str, new: str, expected: str) -> None:
    """One fault, one line: the file, the key, what is wrong and how to mend it."""
    assert faults(changed(old, new)) == [expected]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        case("a kind that does not exist",
             'kind = "advice"', 'kind = "gossip"', "milestones.home.kind: "),
        case("a channel that does not exist",
             'channels = ["sms"]', 'channels = ["pigeon"]', "milestones.sun-again.channels.[0]: "),
        case("a name with a space, which no file would have",
             'name = "home"', 'name = "at home"', "milestones.at home.name: "),
        case("a restriction in capitals",
             'sun = "3 days"', 'SUN = "3 days"', "restrictions.SUN."),
        case("a time of day that is a number",
             'at = "10:00"', "at = 10", "milestones.sun-again.at: "),
        case("an empty title", 'title = "Peel"', 'title = ""', "title: "),
        case("no milestones at all", GOOD[GOOD.index("[[milestones]]"):], "", "milestones: "),
        case("a quote too few", 'title = "Peel"', 'title = "Peel', "not valid TOML: "),
        case("a key twice", 'at = "10:00"', 'at = "10:00"\nat = "11:00"', "not valid TOML: "),
        case("an empty file", GOOD, "", "title: is missing"),
    ],
)  # fmt: skip
def test_a_fault_of_form_names_its_key(old: str, new: str, expected: str) -> None:
    """Where a library finds the words, the key still says where to look."""
    assert faults(changed(old, new))[0].startswith(expected)


def test_the_truth_window_outlasts_the_clinics_own_night() -> None:
    """A clinic that closes earlier has a longer night, and needs longer windows."""
    text = changed('useful_for = "4 days"', 'useful_for = "14 hours"')
    assert parse(text).milestones
    with pytest.raises(ProtocolError, match="quiet night of 16 hours"):
        parse(text, SendingHours(time(10), time(18)))


def test_a_window_as_long_as_the_night_is_too_short() -> None:
    """Due at 20:00 for 13 hours it ends at 9:00 with the night, so it could never be sent."""
    text = changed('at = "10:00"', 'at = "20:00"')
    found = faults(text.replace('useful_for = "4 days"', 'useful_for = "13 hours"'))
    assert [line.partition(":")[0] for line in found] == ["milestones.sun-again.useful_for"]


def test_every_fault_is_told_at_once() -> None:
    """Whoever mends a protocol sees the whole list, not one fault per attempt."""
    text = (
        GOOD.replace('after = "15 minutes"', 'after = "soon"')
        .replace('at = "10:00"', 'at = "ten"')
        .replace('title = "Peel"', 'title = "Peel"\ncolour = "red"')
    )
    keys = {line.partition(": ")[0] for line in faults(text)}
    assert keys == {"milestones.home.after", "milestones.sun-again.at", "colour"}


def test_every_contradiction_is_told_at_once() -> None:
    """A name used twice, a restriction that is not there and a window too short: three lines."""
    text = (
        GOOD.replace('name = "next-session"', 'name = "home"')
        .replace('lifts = ["sun"]', 'lifts = ["moon"]')
        .replace('useful_for = "4 days"', 'useful_for = "1 hour"')
    )
    keys = [line.partition(": ")[0] for line in faults(text)]
    where = "milestones.sun-again"
    assert keys == ["milestones.home", f"{where}.useful_for", f"{where}.lifts"]
