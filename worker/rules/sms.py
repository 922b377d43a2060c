"""How long an SMS is, counted as the networks bill it, and how to keep it short.

Source: 3GPP TS 23.038 (the GSM 7-bit alphabet) and Twilio's account of segments,
https://www.twilio.com/docs/glossary/what-sms-character-limit
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

import regex

from worker.rules.values import value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: Cost two septets each: an escape and the character.
_EXTENDED = frozenset("\f^{}\\[~]|€")
_GSM = _BASIC | _EXTENDED
_NOT_GSM = re.compile(f"[^{re.escape(''.join(sorted(_GSM)))}]")
_GRAPHEME = regex.compile(r"\X")
#: Below the first combining mark every character stands by itself.
_FIRST_MARK = "\u0300"
_LAST_OF_ONE_UNIT = "\uffff"
#: What a text of one segment holds, in septets and in UTF-16 units, and each segment of several.
_GSM_ALONE, _GSM_JOINED = 160, 153
_UCS_ALONE, _UCS_JOINED = 70, 67

#: Characters that only look different, and what the GSM alphabet has for them. A hyphen, a space
#: or a quote that a word processor put in costs nothing to write plainly.
_PLAIN = {
    "'": "‘’‚‛′‹›`´ʼʹˈ",
    '"': "“”„‟«»″ʺ",
    "-": "‐‑‒–—―−⁃•‣◦▪●",
    "...": "…",
    " ": "\t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u202f\u205f\u3000",
    "\n": "\v\u0085\u2028\u2029",
    "": "\u00ad\u200b\u2060\ufeff",
    "/": "⁄∕", "x": "×", "TM": "™", "->": "→", "1/2": "½", "1/4": "¼", "3/4": "¾",
    "ff": "ﬀ", "fi": "ﬁ", "fl": "ﬂ", "ffi": "ﬃ", "ffl": "ﬄ",
}  # fmt: skip
_LOOK_ALIKES = str.maketrans({char: plain for plain, all_ in _PLAIN.items() for char in all_})
#: The dot that lists use as a bullet; between two l it belongs to a Catalan name, "Gal·la".
_MIDDLE_DOT = re.compile(r"(?<![lL])·|·(?![lL])")
#: Steer the direction of writing. They come with numbers copied from a phone's contacts, and do
#: nothing in a text that has only Latin letters.
_DIRECTIONS = re.compile(r"[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")


@value
class Measure:
    """What a text costs to send."""

    #: ``"GSM-7"`` or ``"UCS-2"``.
    encoding: str
    #: How many messages the network bills.
    segments: int
    #: Septets (GSM-7) or UTF-16 code units (UCS-2).
    units: int


def is_gsm(text: str) -> bool:
    """Whether every character is in the GSM 7-bit alphabet or its extension."""
    return _GSM.issuperset(text)


def use_gsm_look_alikes(text: str) -> str:
    """The text with typographic characters replaced by their plain twins in the GSM alphabet.

    Letters are never replaced: a name stays as its owner writes it. A letter that came in two
    parts (n and a tilde) is put together, which changes nothing but its length.
    """
    if is_gsm(text):
        return text  # nothing in it looks like anything else, as in nearly every text
    plain = unicodedata.normalize("NFC", text).translate(_LOOK_ALIKES)
    plain = _MIDDLE_DOT.sub("-", plain)
    without = _DIRECTIONS.sub("", plain)
    return without if is_gsm(without) else plain


def outside_gsm(text: str) -> str:
    """The characters that are not in the GSM alphabet, each once, in their order."""
    return "".join(dict.fromkeys(char for char in text if char not in _GSM))


def measure(text: str) -> Measure:
    """Count the encoding, segments and units of an SMS, as Twilio bills it."""
    if is_gsm(text):
        units = len(text) + sum(map(text.count, _EXTENDED))
        encoding, alone, joined = "GSM-7", _GSM_ALONE, _GSM_JOINED
    else:
        units = _utf16_units(text)
        encoding, alone, joined = "UCS-2", _UCS_ALONE, _UCS_JOINED
    if units <= alone:
        return Measure(encoding, 1, units)
    if units == len(text) and _has_no_clusters(text):
        return Measure(encoding, -(-units // joined), units)
    costs = _septets(text) if joined == _GSM_JOINED else _grapheme_units(text)
    return Measure(encoding, _fill(costs, joined), units)


def measure_as_if_plain(text: str) -> Measure:
    """How long the text would be if each of its letters were in the GSM alphabet.

    Tells a text that is too long from one that is dear because of how a name is written.
    """
    return measure(_NOT_GSM.sub("x", text))


def _has_no_clusters(text: str) -> bool:
    """Whether every character stands by itself, told without looking for graphemes."""
    return max(text) < _FIRST_MARK


def _fill(costs: Iterable[int], room: int) -> int:
    """Fill one segment after the other; what does not fit into the rest moves on whole."""
    segments, left = 1, room
    for cost in costs:
        if cost > left:
            segments, left = segments + 1, room
        left -= cost
    return segments


def _septets(text: str) -> Iterator[int]:
    return (2 if char in _EXTENDED else 1 for char in text)


def _utf16_units(text: str) -> int:
    return len(text) + sum(char > _LAST_OF_ONE_UNIT for char in text)


def _grapheme_units(text: str) -> Iterator[int]:
    """The units of what a reader sees as one character, which no segment splits.

    Windows' line end is split, as Twilio does, and so is what fits into no segment.
    """
    for grapheme in _GRAPHEME.findall(text):
        units = _utf16_units(grapheme)
        if grapheme == "\r\n" or units > _UCS_JOINED:
            yield from map(_utf16_units, grapheme)
        else:
            yield units
