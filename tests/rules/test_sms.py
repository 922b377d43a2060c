"""How long a text message is, as the networks count it."""

# ruff: noqa: RUF001 (the look-alike characters are what it is about)
from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.given import case
from worker.rules.sms import Measure, is_gsm, measure, use_gsm_look_alikes

FAMILY = "👨‍👩‍👧‍👦"  # four people and three joiners: one character of 11 units
FLAG = "🇪🇸"  # two letters of two units each
ZALGO = "a" + "\u0301" * 100  # one character that fits into no segment


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        case("nothing", "", Measure("GSM-7", 1, 0)),
        case("160 characters", "a" * 160, Measure("GSM-7", 1, 160)),
        case("161 characters", "a" * 161, Measure("GSM-7", 2, 161)),
        case("two full segments", "a" * 306, Measure("GSM-7", 2, 306)),
        case("one more", "a" * 307, Measure("GSM-7", 3, 307)),
        case("a euro costs two: 159 and €", "a" * 159 + "€", Measure("GSM-7", 2, 161)),
        case("158 and € just fit", "a" * 158 + "€", Measure("GSM-7", 1, 160)),
        case("80 brackets", "[" * 80, Measure("GSM-7", 1, 160)),
        case("a € that would straddle moves on: 152, €, 152",
             "a" * 152 + "€" + "a" * 152, Measure("GSM-7", 3, 306)),
        case("a € that ends a segment stays: 151, €, 153",
             "a" * 151 + "€" + "a" * 153, Measure("GSM-7", 2, 306)),
        case("a line break counts one", "a" * 159 + "\n", Measure("GSM-7", 1, 160)),
        case("an é is free", "é" * 160, Measure("GSM-7", 1, 160)),
        case("Ç is free", "Ç" * 160, Measure("GSM-7", 1, 160)),
        case("one ç makes it UCS-2", "a" * 159 + "ç", Measure("UCS-2", 3, 160)),
        case("one curly apostrophe makes three segments of 160 characters",
             "a" * 159 + "’", Measure("UCS-2", 3, 160)),
        case("70 of UCS-2", "я" * 70, Measure("UCS-2", 1, 70)),
        case("71 of UCS-2", "я" * 71, Measure("UCS-2", 2, 71)),
        case("two full segments of UCS-2", "я" * 134, Measure("UCS-2", 2, 134)),
        case("one more of UCS-2", "я" * 135, Measure("UCS-2", 3, 135)),
        case("an emoji counts two", "я" * 68 + "😀", Measure("UCS-2", 1, 70)),
        case("an emoji too many", "я" * 69 + "😀", Measure("UCS-2", 2, 71)),
        case("an emoji is never split: 66, 😀, 66",
             "я" * 66 + "😀" + "я" * 66, Measure("UCS-2", 3, 134)),
        case("a family alone", FAMILY, Measure("UCS-2", 1, 11)),
        case("a family is never split: 60, family, 56",
             "я" * 60 + FAMILY + "я" * 57, Measure("UCS-2", 3, 128)),
        case("a family that ends a segment: 56, family, 67",
             "я" * 56 + FAMILY + "я" * 67, Measure("UCS-2", 2, 134)),
        case("a flag is never split: 64, flag, 64",
             "я" * 64 + FLAG + "я" * 64, Measure("UCS-2", 3, 132)),
        case("what fits into no segment is split after all", ZALGO, Measure("UCS-2", 2, 101)),
    ],
)  # fmt: skip
def test_a_text_is_counted_as_the_networks_bill_it(text: str, expected: Measure) -> None:
    """Encoding, segments and units, at every edge where one more costs another message."""
    assert measure(text) == expected


@pytest.mark.parametrize("char", "@£$¥èéùìòÇ\nØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà\f^{}\\[~]|€")
def test_what_the_gsm_alphabet_has(char: str) -> None:
    """The basic table and its extension."""
    assert is_gsm(char)


@pytest.mark.parametrize("char", "çáíóúêâãõÁÍÓÚ`\t\u00a0°×™’“”–—…•😀я")
def test_what_the_gsm_alphabet_lacks(char: str) -> None:
    """One of these makes the whole message UCS-2, at less than half the length."""
    assert not is_gsm(char)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        case("apostrophes", "don’t, ‘this’, it´s, o`clock", "don't, 'this', it's, o'clock"),
        case("quotes", "“this” and „that“ and «those»", '"this" and "that" and "those"'),
        case("dashes", "3–4 days — or more ‑ or −1", "3-4 days - or more - or -1"),
        case("ellipsis", "wait…", "wait..."),
        case("spaces", "10:00\u202fa.m.\u00a0or\tlater", "10:00 a.m. or later"),
        case("what cannot be seen", "so\u00adft, ze\u200bro, \ufeffmark", "soft, zero, mark"),
        case("signs", "2×1 • Glow™", "2x1 - GlowTM"),
    ],
)
def test_characters_that_only_look_different_are_written_plainly(text: str, expected: str) -> None:
    """What a word processor put in must not cost the clinic a second segment."""
    assert use_gsm_look_alikes(text) == expected
    assert is_gsm(use_gsm_look_alikes(text))


@pytest.mark.parametrize(
    "name", ["Begoña", "José", "Íñigo", "François", "Zoë", "Łukasz", "Nguyễn", "Анна", "Müller"]
)
def test_a_name_stays_as_its_owner_writes_it(name: str) -> None:
    """Letters are never touched, whatever they cost."""
    assert use_gsm_look_alikes(name) == name


@settings(deadline=None, max_examples=300)
@given(st.text(st.sampled_from("aé€[ç😀я\n\r" + FAMILY + FLAG), max_size=400))
def test_no_text_is_counted_shorter_than_it_is(text: str) -> None:
    """As many segments as its units need, and no more than if every character cost the most."""
    found = measure(text)
    single, joined = (160, 153) if found.encoding == "GSM-7" else (70, 67)
    least = 1 if found.units <= single else -(-found.units // joined)
    assert least <= found.segments <= max(1, len(text))
    assert (found.encoding == "GSM-7") == is_gsm(text)


@settings(deadline=None, max_examples=300)
@given(st.text(st.sampled_from("aéñ€Łő\n\r"), max_size=400))
def test_the_quick_count_is_the_careful_count(text: str) -> None:
    """Texts without clusters are counted without looking for any, to the same segments."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("worker.rules.sms._has_no_clusters", lambda _: False)
        careful = measure(text)
    assert measure(text) == careful
