"""How a text is taken apart and how a phrase of the lists is understood."""

# ruff: noqa: RUF001 (people type look-alike characters)
from __future__ import annotations

import pytest

from worker.rules.wording import Phrases, Spelling, sentences, split_phrase, whole_words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Stop. Thank you", ["stop", "thank you"]),
        ("Don’t STOP!", ["dont stop"]),
        ("¿Más ampollas?", ["mas ampollas"]),
        ("one, two/three", ["one , two / three"]),
        ("opt-out - Maria", ["opt out", "maria"]),
        ("38.5 degrees, s.t.o.p", ["385 degrees , stop"]),
        ("ok 😡 no :) yes <3", ["ok", "no", "yes"]),
        ('what does "stop" mean', ["what does stop mean"]),
        ("ｓｔｏｐ 𝐧𝐨𝐰 st\u200bop", ["stop now stop"]),
        ("", []),
        (" \n…!", []),
    ],
)
def test_a_text_falls_into_plain_sentences(text: str, expected: list[str]) -> None:
    """Case, accents, apostrophes and fancy letters go; the borders of thoughts stay."""
    assert sentences(text) == expected


def test_a_picture_that_a_list_names_is_a_sentence_of_its_own() -> None:
    """Others only end a sentence."""
    assert sentences("ok 🛑 thanks 👍 bye", {"🛑"}) == ["ok", "🛑", "thanks", "bye"]


SPELLING = Spelling([("stop", ("stpo",)), ("don't", ("do not",)), ("unsubscribe", ())], frozenset())


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("stpo", "stop"),
        ("do not stop", "dont stop"),
        ("stoooop", "stop"),
        ("stopp", "stop"),
        ("pleaseee", "please"),
        ("unsubscirbe", "unsubscribe"),
        ("unsubscribbe", "unsubscribe"),
        ("unsbscribe", "unsubscribe"),
        ("unsubscriube", "unsubscribe"),
        ("spot tops", "spot tops"),
        ("too", "too"),
    ],
)
def test_misspellings_are_put_right(written: str, expected: str) -> None:
    """Listed ones, held keys, doubled letters; in long words also swapped, missing and added."""
    assert SPELLING.mend(written) == expected


@pytest.mark.parametrize(
    ("phrase", "fits", "fails"),
    [
        ("pus", ["pus", "the pus is"], ["pushing", "campus"]),
        ("bleed*", ["bleed", "bleeding a lot"], ["nosebleed"]),
        ("red/sore spots", ["red spots", "my sore spots"], ["red", "spots", "dark spots"]),
        ("stop ... texts", ["stop texts", "stop your silly old texts"],
         ["stop not these texts", "stop a b c d texts", "stop , texts"]),
        ("don't text", ["dont text", "please dont text me"], ["dont you text"]),
        ("opt-out", ["opt out"], ["opt", "out"]),
    ],
)  # fmt: skip
def test_a_phrase_means_what_a_clinician_would_think(
    phrase: str, fits: list[str], fails: list[str]
) -> None:
    """Whole words; a star, a slash and a gap as the lists explain them."""
    phrases = Phrases(SPELLING, turns=["not"])
    pattern = whole_words(phrases.either([phrase]))
    assert [text for text in fits if not pattern.search(text)] == []
    assert [text for text in fails if pattern.search(text)] == []


@pytest.mark.parametrize(
    "phrase", ["", "  ", "... fever", "red ...", "a*", "*", "fever,", "b*d", "a/"]
)
def test_a_phrase_that_cannot_work_says_so(phrase: str) -> None:
    """In words for whoever edits the list, with the phrase."""
    with pytest.raises(ValueError, match="word"):
        split_phrase(phrase)
