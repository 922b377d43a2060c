"""Which symptoms a reply complains of: not those that it denies, nor those that have passed.

"No fever" and "the swelling has gone down" complain of nothing. Between a negation and its symptom
only a few known words may stand ("no *signs of* pus"). Anything else might begin another thought,
as in "I can't sleep it is bleeding", and a missed red flag is the worst mistake. For the same
reason a denial can be taken back: "no fever until last night", "it stopped bleeding. It is back".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from itertools import chain
from typing import TYPE_CHECKING

from worker.rules.wording import MASK, has_filled_gap, whole_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from worker.rules.replies import Phrasebook
    from worker.rules.wording import Phrases

_COMMA = " , "
#: How many filling words may stand between a negation and its symptom.
_FILLERS = "{0,6}"


class Gravity(IntEnum):
    """How much a symptom weighs."""

    #: Normal after a session. It counts only in lists: "no redness or swelling".
    MILD = 0
    RED_FLAG = 1
    EMERGENCY = 2


@dataclass(frozen=True, slots=True)
class Symptom:
    """A symptom in a sentence."""

    gravity: Gravity
    match: re.Match[str]

    @property
    def words(self) -> str:
        """The words that name it."""
        return self.match[0]


class Symptoms:
    """A phrasebook's symptoms, made ready to find."""

    def __init__(self, book: Phrasebook, phrases: Phrases) -> None:
        either = phrases.either
        no, between = either(book.negations), either(book.negation_fillers)
        between = rf"(?: (?:{between})){_FILLERS}"
        after = rf"(?: (?:{either(book.past_fillers)})){_FILLERS}"
        self._patterns = (
            (Gravity.EMERGENCY, whole_words(either(book.emergencies))),
            (Gravity.RED_FLAG, whole_words(either(book.red_flags))),
            (Gravity.MILD, whole_words(either(book.mild))),
        )
        self._not_red_flag = whole_words(either(book.not_red_flags))
        self._negation = whole_words(no)
        self._denied = re.compile(rf"(?<!\S)(?:{no}){between} $")
        self._or = re.compile(rf" (?:, )?(?:/|{either(book.alternatives)}){between} ")
        self._past = re.compile(rf"{after} (?:{either(book.past)})(?!\S)")
        self._taken_back = whole_words(either(book.taken_back))

    def complaints(self, sentences: Sequence[str]) -> Iterator[Symptom]:
        """The red flags and emergencies that a message complains of, in its order."""
        masked = [self._not_red_flag.sub(MASK, each) for each in sentences]
        for sentence, following in zip(masked, chain(masked[1:], [""]), strict=False):
            found = list(self._all(sentence))
            for symptom in self._not_denied(found, sentence):
                passed = self._past.match(sentence, symptom.match.end())
                if symptom.gravity is not Gravity.MILD and not passed:
                    yield symptom
            for symptom in found:
                if symptom.gravity is not Gravity.MILD and self._is_back(
                    symptom, sentence, following
                ):
                    yield symptom

    def _all(self, sentence: str) -> Iterator[Symptom]:
        """The gravest symptom at each word that one begins at; they may overlap."""
        for word in re.finditer(r"\S+", sentence):
            for gravity, pattern in self._patterns:
                if match := pattern.match(sentence, word.start()):
                    yield Symptom(gravity, match)
                    break

    def _not_denied(self, symptoms: Sequence[Symptom], sentence: str) -> list[Symptom]:
        """Leave out what is denied: "no fever, chills or pus" denies all three.

        What follows a denied symptom after a comma waits for the "or" that ends the list; without
        one it stands, because "no fever, pus everywhere" must.
        """
        standing: list[Symptom] = []
        waiting: list[Symptom] = []
        denied: re.Match[str] | None = None
        for symptom in symptoms:
            match = symptom.match
            link = sentence[denied.end() : match.start()] if denied else ""
            if denied and match.end() <= denied.end() and not has_filled_gap(denied):
                continue  # a part of it: the "sores" of "no cold sores"
            if self._or.fullmatch(link):
                waiting, denied = [], match
            elif link == _COMMA:
                waiting, denied = [*waiting, symptom], match
            elif self._is_denied(match, sentence):
                standing, waiting, denied = [*standing, *waiting], [], match
            else:
                standing, waiting, denied = [*standing, *waiting, symptom], [], None
        return [*standing, *waiting]

    def _is_back(self, symptom: Symptom, sentence: str, following: str) -> bool:
        """Whether a denial is taken back, later in the sentence or as the next one begins."""
        later = self._taken_back.search(sentence, symptom.match.start())
        return bool(later or self._taken_back.match(following))

    def _is_denied(self, match: re.Match[str], sentence: str) -> bool:
        """Whether a negation stands before it. "No, no puedo respirar" brings its own."""
        own = self._negation.match(match[0])
        return not own and bool(self._denied.search(sentence, 0, match.start()))
