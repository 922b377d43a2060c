"""What an edit changed, as ``plan --diff`` and ``approve`` show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.content.samples import render
from worker.content.edits import line_diff, shown
from worker.rules.messages import Channel

if TYPE_CHECKING:
    from worker.content.library import Library


def test_the_calendar_is_part_of_what_a_patient_reads(library: Library) -> None:
    """Its dates where the patient lives, so an edited title or restriction shows."""
    told = shown(render(library, "home", Channel.EMAIL, "en")).splitlines()
    assert told[0] == "Subject: Your notes for the next few days"
    assert told[-4:] == [
        "Calendar: Thu 26 Nov 15:00, Glow Clinic: exercise allowed again",
        "Calendar: Thu 26 Nov 15:00, Glow Clinic: sun allowed again, only with SPF 30+",
        "Calendar: Mon 07 Dec 15:00, Glow Clinic: exfoliating allowed again, gently",
        "Calendar: Mon 21 Dec, Glow Clinic: time to book your next visit",
    ]


def test_a_line_that_begins_with_dashes_is_no_heading() -> None:
    """Signatures and lists do; a diff has headings that look like them."""
    assert list(line_diff("a\n-- \nb", "a\n++ \nb")) == [" a", "--- ", "+++ ", " b"]
