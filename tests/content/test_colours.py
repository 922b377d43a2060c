"""Whatever colour a clinic chooses, what is written in it or on it can be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.content.colours import (
    NIGHT,
    NIGHT_PANEL,
    PANEL,
    PAPER,
    contrast,
    ink_on,
    palette,
)

#: Yellow, white, black, the middle grey that neither ink likes, neon, and a colour in three digits.
ODD = ["#ffff00", "#ffffff", "#000000", "#757575", "#777777", "#00ff00", "#ff00ff", "#abc"]


@pytest.mark.parametrize(
    ("expected", "one", "other"),
    [
        (21.0, "#000000", "#ffffff"),
        (1.0, "#0f766e", "#0f766e"),
        (4.48, "#777777", "#ffffff"),
        (3.99, "#ff0000", "#ffffff"),
        (8.59, "#0000ff", "#ffffff"),
    ],
)
def test_contrast_is_wcags(expected: float, one: str, other: str) -> None:
    """As the published formula has it, whichever colour comes first."""
    assert expected == pytest.approx(contrast(one, other), abs=0.01)
    assert contrast(one, other) == contrast(other, one)


def assert_readable(colour: str) -> None:
    it = palette(colour)
    assert contrast(it.ink, it.accent) >= 4.5
    assert contrast(it.words, PAPER) >= 4.5
    assert contrast(it.night_words, NIGHT) >= 4.5
    assert contrast(it.bar, PANEL) >= 3
    assert contrast(it.night_bar, NIGHT_PANEL) >= 3
    assert contrast(it.bar_ink, it.bar) >= 4.5
    assert contrast(it.night_bar_ink, it.night_bar) >= 4.5


@pytest.mark.parametrize("colour", ODD)
def test_odd_colours_can_be_read(colour: str) -> None:
    """The colours that go wrong first."""
    assert_readable(colour)


@given(st.integers(0, 0xFFFFFF))
def test_any_colour_can_be_read(number: int) -> None:
    """And every other one."""
    assert_readable(f"#{number:06x}")


@pytest.mark.parametrize("colour", ["#0f766e", "#7c2d12", "#1d4ed8"])
def test_a_colour_that_can_be_read_is_left_alone(colour: str) -> None:
    """A clinic's own colour is changed no more than it must."""
    assert (colour, colour) == (palette(colour).accent, palette(colour).words)


@pytest.mark.parametrize("text", ["", "teal", "red; } body { display: none", "#12", "#zzzzzz"])
def test_what_is_no_colour_becomes_the_default(text: str) -> None:
    """A style sheet is no place for whatever the database may hold."""
    assert palette(text) == palette("#0f766e")


def test_dark_ink_is_not_black_where_it_need_not_be() -> None:
    """On pale colours a near black, on dark ones white."""
    assert [ink_on(each) for each in ("#fde68a", "#134e4a")] == ["#111827", "#ffffff"]
