"""How people write: a text's sentences, their misspelt words, and phrases to look for in them.

A phrase is a few words as a person would type them, with three signs: ``bleed*`` is any word that
begins like that, ``red/sore`` is either word, and ``...`` is up to three words in between, none of
which may turn the meaning round.
"""

# ruff: noqa: RUF001 (people type look-alike characters)
from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

import regex

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

#: Apostrophes and what people type instead: "don't" is one word, "dont".
_APOSTROPHES = str.maketrans(dict.fromkeys("'’‘‛ʼ´`′", ""))
#: Accents, variation selectors, joiners and other characters without a place of their own.
_UNSEEN = frozenset({"Mn", "Me", "Cf"})
_SMILEYS = re.compile(r"[:;=]-?(?:[()*\\|]+|[dpo3]+(?!\w))|<+3+|\^+_*\^+|(?<!\w)x+d+(?!\w)")
_SPELT_OUT = re.compile(r"(?<!\w)[^\W\d_](?:[ .*-][^\W\d_]){2,}(?!\w)")
_DECIMAL_POINT = re.compile(r"(?<=\d)[.,](?=\d)")
_HYPHEN = re.compile(r"(?<=\w)[-‐](?=\w)")
_DASH = re.compile(r"\s-+|-+\s")
#: A word, a comma, a slash, a picture, or the end of a sentence. The rest only separates.
_TOKEN = regex.compile(r"[^\W_]+|[,/]|\p{So}|[.!?¡¿:;()\[\]{}|\n\r。–—]")
_STRETCHED = re.compile(r"([^\W\d_])\1{2,}")
_DOUBLED = re.compile(r"(.)\1+")
_PHRASE_WORD = regex.compile(r"[^\W_]+|[^\W_]{2,}\*|\p{So}")
_GAP = "..."
#: Stands where a phrase was taken out of a sentence. No phrase has it.
MASK = "*"
#: Words this short have real neighbours: "too" is no stretched "to".
_SHORT = 3
#: So have shorter ones than this when letters swap: "form" and "from".
_LONG_ENOUGH = 5
#: Only in words as long as "unsubscribe" may a letter be missing or too many.
_VERY_LONG = 9


def fold(text: str) -> str:
    """The text in lower case, without accents, apostrophes and fancy letters."""
    plain = unicodedata.normalize("NFKC", text.translate(_APOSTROPHES)).translate(_APOSTROPHES)
    letters = unicodedata.normalize("NFKD", plain.casefold())
    return "".join(char for char in letters if unicodedata.category(char) not in _UNSEEN)


def sentences(text: str, pictures: Collection[str] = ()) -> list[str]:
    """The sentences of a text, folded: words, commas and slashes with one space between.

    Emoji end a sentence; one that is among ``pictures`` is a sentence of its own.
    """
    plain = _SMILEYS.sub("\n", fold(text))
    plain = _SPELT_OUT.sub(lambda found: re.sub(r"[ .*-]", "", found[0]), plain)
    plain = _DASH.sub("\n", _HYPHEN.sub(" ", _DECIMAL_POINT.sub("", plain)))
    found: list[list[str]] = [[]]
    for piece in _TOKEN.findall(plain):
        if piece[0].isalnum() or piece in ",/":
            found[-1].append(piece)
        else:
            found += [[piece], []] if piece in pictures else [[]]
    return [" ".join(words) for words in found if words]


def split_phrase(phrase: str) -> list[list[str]]:
    """The words of a phrase, each with its alternatives; a gap stands as ``...``.

    Raises:
        ValueError: In words for whoever edits the list.
    """
    plain = _HYPHEN.sub(" ", fold(phrase)).replace(_GAP, f" {_GAP} ")
    words = [[_GAP] if word == _GAP else word.split("/") for word in plain.split()]
    if not words or [_GAP] in (words[0], words[-1]):
        message = f'"{phrase}" must begin and end with a word'
        raise ValueError(message)
    for word in (each for alternatives in words for each in alternatives):
        if word != _GAP and not _PHRASE_WORD.fullmatch(word):
            message = (
                f'"{phrase}" has "{word}", which is no word; beside words there may be bleed* '
                "(two letters or more before the star), red/sore and ... between words"
            )
            raise ValueError(message)
    return words


def known_words(phrases: Iterable[str]) -> frozenset[str]:
    """Every word that stands in these phrases in full."""
    words = (word for phrase in phrases for either in split_phrase(phrase) for word in either)
    return frozenset(word for word in words if word != _GAP and not word.endswith("*"))


class Spelling:
    """The right words for what people type.

    Args:
        listed: For each word the other ways of writing it that are known, one word or several.
        known: Words that are right as they are.
    """

    def __init__(
        self, listed: Iterable[tuple[str, Collection[str]]], known: frozenset[str]
    ) -> None:
        listed = sorted(listed)
        self._right = {fold(wrong): fold(word) for word, others in listed for wrong in others}
        forms = sorted(self._right, key=len, reverse=True)
        self._listed = whole_words("|".join(map(re.escape, forms)))
        targets = sorted({fold(word) for word, _ in listed}, reverse=True)
        self._known = known.union(forms, targets)
        self._shapes = {_shape(form): form for form in [*forms, *targets] if len(form) >= _SHORT}
        self._slips = {slip: word for word in targets for slip in _slips(word)}
        self._long = frozenset(word for word in targets if len(word) >= _VERY_LONG)

    def mend(self, sentence: str) -> str:
        """The sentence with its misspelt words put right, as far as they are known."""
        return self.replace_listed(" ".join(map(self._word, sentence.split(" "))))

    def replace_listed(self, words: str) -> str:
        """Replace only what the list has, which is what a phrase needs."""
        return self._listed.sub(lambda found: self._right[found[0]], words)

    def _word(self, word: str) -> str:
        if word in self._known or len(word) <= _SHORT:
            return word
        near = self._shapes.get(_shape(word)) or self._slips.get(word)
        if near is None and len(word) > _VERY_LONG:
            near = min(self._long.intersection(_one_less(word)), default=None)
        return near or _STRETCHED.sub(r"\1", word)


def _shape(word: str) -> str:
    """A word without doubled letters."""
    return _DOUBLED.sub(r"\1", word)


def _slips(word: str) -> Iterator[str]:
    """A long word with two neighbours swapped, a very long one also with a letter missing."""
    if len(word) >= _LONG_ENOUGH:
        for at in range(len(word) - 1):
            yield word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if len(word) >= _VERY_LONG:
        yield from _one_less(word)


def _one_less(word: str) -> Iterator[str]:
    return (word[:at] + word[at + 1 :] for at in range(len(word)))


class Phrases:
    """Turns lists of phrases into patterns that fit a mended sentence.

    Args:
        spelling: Phrases are put right as sentences are, so that both agree.
        turns: Words that turn the meaning round; a gap in a phrase never spans one.
    """

    def __init__(self, spelling: Spelling, turns: Iterable[str] = ()) -> None:
        self._spelling = spelling
        self._gap = ""
        barrier = self.either(turns)
        self._gap = rf"((?: (?!(?:{barrier})(?!\S))[^\s,]+){{0,3}}?)"

    def either(self, phrases: Iterable[str]) -> str:
        """A pattern for any one of these phrases, the longest first; none if there are none."""
        sources = sorted({self._source(each) for each in phrases}, key=lambda it: (-len(it), it))
        return "|".join(sources) or r"(?!)"

    def _source(self, phrase: str) -> str:
        plain = " ".join("/".join(alternatives) for alternatives in split_phrase(phrase))
        parts: list[str] = []
        for alternatives in split_phrase(self._spelling.replace_listed(plain)):
            if alternatives == [_GAP]:
                parts[-1] += self._gap
            else:
                parts.append("(?:" + "|".join(map(_word_source, alternatives)) + ")")
        return " ".join(parts)


def _word_source(word: str) -> str:
    return re.escape(word[:-1]) + r"[^\s,]*" if word.endswith("*") else re.escape(word)


def whole_words(source: str) -> re.Pattern[str]:
    """A pattern that begins and ends where words do."""
    return re.compile(rf"(?<!\S)(?:{source or '(?!)'})(?!\S)")


def has_filled_gap(match: re.Match[str]) -> bool:
    """Whether other words stand in a gap of the phrase that matched."""
    return any(match.groups())
