"""Each tricky text costs what Twilio bills, and what holds for every text."""

# ruff: noqa: RUF001 (the look-alike characters are what it is about)
from __future__ import annotations

import unicodedata

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.table_sms import DOCTOR, FAMILY, FLAG, KSHI, TABLE, G
from worker.rules.sms import (
    Measure,
    is_gsm,
    measure,
    measure_as_if_plain,
    outside_gsm,
    use_gsm_look_alikes,
)

#: Short runs of everything that makes counting hard.
ANY_TEXT = st.lists(
    st.sampled_from(
        (
            *("a" * 50, "a", "é", "€", "[", "\r\n", "\n", "ç", "я" * 20, "😀", "e\u0301"),
            *(FAMILY, FLAG, DOCTOR, KSHI, "🏽", "\u0301", "\u200d", "’", "…"),
        )
    ),
    max_size=25,
).map("".join)
quickly = settings(deadline=None, max_examples=150)


@pytest.mark.parametrize(("text", "encoding", "units", "segments"), TABLE)
def test_a_tricky_text_costs_what_twilio_bills(
    text: str, encoding: str, units: int, segments: int
) -> None:
    """Encoding, units and segments, each worked out by hand."""
    assert Measure(encoding, segments, units) == measure(text)


def test_the_table_is_long_and_has_no_text_twice() -> None:
    """At least 120 different texts, and more than 40 of them in each encoding."""
    texts = {row[0] for row in TABLE}
    gsm = sum(row[1] == G for row in TABLE)
    assert len(texts) == len(TABLE) >= 120
    assert gsm > 40 < len(TABLE) - gsm


def _in_bits(text: str) -> int:
    """The segments counted another way: bits of a 140-octet message, 48 of them for the header."""
    escaped = set("\f^{}\\[~]|€")
    if is_gsm(text):
        bits = [14 if char in escaped else 7 for char in text]
    else:
        bits = []
        for grapheme in regex.findall(r"\r|\n|\X", text):
            size = len(grapheme.encode("utf-16-be", "surrogatepass")) * 8
            whole = size <= 1120 - 48
            bits += [size] if whole else [8 * len(char.encode("utf-16-be")) for char in grapheme]
    if sum(bits) <= 1120:
        return 1
    free, segments = 0, 0
    for need in bits:
        if need > free:
            free, segments = 1120 - 48, segments + 1
        free -= need
    return segments


@quickly
@given(ANY_TEXT)
def test_segments_agree_with_the_bits_of_a_message(text: str) -> None:
    """Counting septets and units, and counting bits, come to the same."""
    assert _in_bits(text) == measure(text).segments


@quickly
@given(ANY_TEXT, ANY_TEXT)
def test_a_longer_text_is_never_cheaper(first: str, second: str) -> None:
    """Whatever is written behind a text of the same encoding, it costs at least as much."""
    one, both = measure(first), measure(first + second)
    if one.encoding == both.encoding:
        assert one.segments <= both.segments
        assert one.units <= both.units


@quickly
@given(ANY_TEXT)
def test_what_a_reader_sees_as_one_character_is_not_split(text: str) -> None:
    """A text whose characters fill segments to the brim is not billed as if they could part."""
    graphemes = regex.findall(r"\X", text)
    largest = max((len(each.encode("utf-16-le")) // 2 for each in graphemes), default=1)
    found = measure(text)
    if found.encoding == "UCS-2" and largest <= 67 and found.segments > 1:
        # Every segment but the last has less than one whole character's room left.
        assert found.units > (found.segments - 1) * (67 - largest)


@quickly
@given(ANY_TEXT)
def test_writing_plainly_is_idempotent_and_never_leaves_the_alphabet(text: str) -> None:
    """Look-alikes are replaced once and for all, and a GSM text stays one."""
    plain = use_gsm_look_alikes(text)
    assert use_gsm_look_alikes(plain) == plain
    if is_gsm(text):
        assert plain == text
    assert not set(outside_gsm(plain)) & set("’…")
    assert is_gsm(text) == (outside_gsm(text) == "")


@quickly
@given(st.text(st.characters(categories=["L", "M"]), max_size=20))
def test_letters_are_never_replaced(name: str) -> None:
    """Whatever a name is written in, it stays the same name."""
    plain = use_gsm_look_alikes(name)
    ligatures_and_marks = "ﬀﬁﬂﬃﬄʼʹʺˈ"
    if not set(name) & set(ligatures_and_marks):
        assert unicodedata.normalize("NFC", name) == plain


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Zoe\u0308 y Begon\u0303a", "Zoë y Begoña"),
        ("Gal·la, o GAL·LA", "Gal·la, o GAL·LA"),
        ("uno · dos", "uno - dos"),
        ("call \u202a+34 910 123 456\u202c", "call +34 910 123 456"),
        ("محمد \u200f!", "محمد \u200f!"),
        ("one\u2028two", "one\ntwo"),
        ("\u2002en\u2003em\u2009thin", " en em thin"),
        ("‹x› ″y″ ′z′", "'x' \"y\" 'z'"),
        ("▪ one ● two ‣ three", "- one - two - three"),
        ("ﬁrst ½ → 3⁄4", "first 1/2 -> 3/4"),
        ("👩‍⚕️", "👩‍⚕️"),
    ],
)  # fmt: skip
def test_what_programs_put_in_is_taken_out(text: str, expected: str) -> None:
    """Bullets, spaces, marks from a contact list: plain, unless they belong to a name or emoji."""
    assert expected == use_gsm_look_alikes(text)


def test_a_dear_text_is_told_from_a_long_one() -> None:
    """With plain letters it would be one segment; the letters of the name make it three."""
    text = "Łukasz" + "a" * 150
    assert (measure(text).segments, measure_as_if_plain(text).segments) == (3, 1)
    assert measure_as_if_plain("я" * 307).segments == 3
