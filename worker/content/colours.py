"""A clinic may choose any colour; what is written on it or in it must still be readable.

Contrast is WCAG's: https://www.w3.org/TR/WCAG22/#contrast-minimum
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

#: What WCAG AA asks of text.
READABLE = 4.5
#: What it asks of a picture's parts.
VISIBLE = 3.0

#: Grounds of the e-mail and of its timeline, by day and by night; ``layout/email.html`` has them.
PAPER = "#ffffff"
PANEL = "#f6f7f9"
NIGHT = "#1c1f23"
NIGHT_PANEL = "#272b31"

_INKS = ("#ffffff", "#111827", "#000000")
#: Where the store has something else than a colour.
_DEFAULT = "#0f766e"
_SHORT = re.compile(r"#([0-9a-fA-F])([0-9a-fA-F])([0-9a-fA-F])")
_LONG = re.compile(r"#[0-9a-fA-F]{6}")
_STEPS = 40


@dataclass(frozen=True, slots=True)
class Palette:
    """A clinic's colour and what goes with it."""

    #: As the clinic set it.
    accent: str
    #: For words that stand on it.
    ink: str
    #: Its nearest shade for words on the paper, and for bars of the timeline with words on them.
    words: str
    bar: str
    bar_ink: str
    #: The same for dark mode.
    night_words: str
    night_bar: str
    night_bar_ink: str


@lru_cache(maxsize=256)
def palette(colour: str) -> Palette:
    """Everything that an e-mail paints with a clinic's colour."""
    accent = _normal(colour)
    bar, night_bar = shade(accent, PANEL, VISIBLE), shade(accent, NIGHT_PANEL, VISIBLE)
    return Palette(
        accent=accent,
        ink=ink_on(accent),
        words=shade(accent, PAPER, READABLE),
        bar=bar,
        bar_ink=ink_on(bar),
        night_words=shade(accent, NIGHT, READABLE),
        night_bar=night_bar,
        night_bar_ink=ink_on(night_bar),
    )


def ink_on(ground: str) -> str:
    """White or a near black that can be read on ``ground``; on any colour one of them can."""
    return next(ink for ink in _INKS if contrast(ink, ground) >= READABLE)


def shade(colour: str, ground: str, least: float) -> str:
    """The colour itself, or the nearest darker (on a dark ground lighter) one with contrast."""
    end = (0, 0, 0) if _luminance(ground) > 0.5 else (255, 255, 255)  # noqa: PLR2004 (half)
    start = _channels(colour)
    for step in range(_STEPS + 1):
        mixed = [round(a + (b - a) * step / _STEPS) for a, b in zip(start, end, strict=True)]
        found = "#{:02x}{:02x}{:02x}".format(*mixed)
        if contrast(found, ground) >= least:
            break
    return found


def contrast(one: str, other: str) -> float:
    """The contrast of two colours like ``#0f766e``: from 1 (none) to 21 (black on white)."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _normal(colour: str) -> str:
    """``#0f766e`` for every way of writing it; what is no colour becomes the default one."""
    text = colour.strip().lower()
    text = _SHORT.sub(r"#\1\1\2\2\3\3", text) if _SHORT.fullmatch(text) else text
    return text if _LONG.fullmatch(text) else _DEFAULT


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(each / 255) for each in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 (sRGB's own)
