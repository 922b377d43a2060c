"""The shipped templates pass their own lint, and a second treatment took no code."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from tests.content.samples import GLOW, NAMES, SITUATIONS, Situation
from tests.support.stored import PATIENT
from tests.support.world import MADRID
from worker.content.context import message_context
from worker.content.lint import lint
from worker.rules.facts import Session
from worker.rules.messages import Channel
from worker.rules.planning import plan, restriction_ends

if TYPE_CHECKING:
    from worker.content.library import Library
    from worker.rules.messages import Words

PEEL = "chemical-peel"


def _words(
    library: Library,
    milestone: str,
    channel: Channel,
    language: str,
    *,
    situation: Situation = SITUATIONS["the first of three"],
    name: str = "Ana",
) -> Words:
    session = replace(situation.session, treatment=PEEL)
    others = [replace(situation.later, treatment=PEEL)] if situation.later else []
    patient = replace(PATIENT, first_name=name)
    planned = plan(session, patient, others, library.protocols)
    template = library.find(PEEL, milestone, channel, wanted=language, fallback="en")
    return template.render(
        message_context(
            situation.clinic,
            patient,
            session,
            ends=restriction_ends([session, *others], library.protocols, patient.zone),
            due_at=next(each.due_at for each in planned if each.milestone == milestone),
            language=template.language,
        )
    )


def test_the_shipped_templates_have_no_finding(library: Library) -> None:
    """But that the sample is one; and looking takes no longer than anybody likes to wait."""
    began = time.process_time()
    (finding,) = lint(library)
    assert time.process_time() - began < 5
    assert finding.rule == "sample"
    assert finding.file == "templates/chemical-peel/protocol.toml"


def test_the_sample_says_that_it_is_one(library: Library) -> None:
    """In its title, which staff see, and as a fact that commands ask for."""
    assert library.protocols[PEEL].sample
    assert "sample" in library.protocols[PEEL].title
    assert not library.protocols["microneedling"].sample


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_message_of_the_sample_renders_for_everyone(library: Library, language: str) -> None:
    """In both languages, on both channels, for every name and situation."""
    for milestone in library.protocols[PEEL].milestones:
        for channel in milestone.channels:
            for situation in SITUATIONS.values():
                text = _words(library, milestone.name, channel, language, situation=situation).text
                assert situation.clinic.name in text
            for name in NAMES:
                assert _words(library, milestone.name, channel, language, name=name).text


def test_the_restrictions_of_both_treatments_hold_together(library: Library) -> None:
    """Microneedling on Monday and a peel on Thursday: the sun waits for the later end."""
    needles = Session("S1", "microneedling", datetime(2026, 11, 23, 15, tzinfo=MADRID))
    peel = Session("S2", PEEL, datetime(2026, 11, 26, 15, tzinfo=MADRID))
    ends = restriction_ends([needles, peel], library.protocols, GLOW.zone)
    assert ends["sun"].astimezone(MADRID) == datetime(2026, 12, 10, 15, tzinfo=MADRID)
    assert ends["exfoliation"].astimezone(MADRID) == datetime(2026, 12, 7, 15, tzinfo=MADRID)


@pytest.mark.parametrize(
    ("language", "told"),
    [("en", "Thursday 26 November, 15:00"), ("es", "jueves 26 de noviembre, 15:00")],
)
def test_dates_are_written_in_the_readers_language(
    library: Library, language: str, told: str
) -> None:
    """Forty-eight hours after Tuesday at three, by Babel."""
    tuesday = replace(
        SITUATIONS["the first of three"].session,
        completed_at=datetime(2026, 11, 24, 15, tzinfo=MADRID),
    )
    situation = Situation(tuesday)
    for channel in Channel:
        assert told in _words(library, "home", channel, language, situation=situation).text
