"""What a patient's reply means: stop, start, help, a red flag, or something for staff.

A missed stop and a missed red flag are worse than a false one, so both are looked for in every
sentence and in every language; what stays unclear goes to staff, who read it. The words are the
clinic's own, see ``templates/replies``.
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING

from worker.rules.symptoms import Gravity, Symptoms
from worker.rules.wording import MASK, Phrases, Spelling, known_words, sentences, whole_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class Meaning(StrEnum):
    """What a reply asks for."""

    #: No more messages on this channel.
    STOP = "stop"
    #: Messages again, after a stop.
    START = "start"
    #: Who is this, and how do I reach you?
    HELP = "help"
    #: A sign that a clinician must look at.
    RED_FLAG = "red_flag"
    #: Anything else: a person reads it.
    STAFF = "staff"


#: The names of the templates that answer a reply, ``replies/<language>/<name>.sms.txt``.
STOPPED, STARTED, HELP, RED_FLAG, EMERGENCY = ANSWERS = (
    *("stopped", "started", "help"),
    *("red-flag", "emergency"),
)

#: What SMS providers act on and answer by themselves when it is the whole message, in any case.
#: https://help.twilio.com/articles/223134027
KEYWORDS = {
    Meaning.STOP: frozenset(
        {"stop", "unsubscribe", "end", "quit", "stopall", "revoke", "optout", "cancel"}
    ),
    Meaning.START: frozenset({"start", "yes", "unstop"}),
    Meaning.HELP: frozenset({"help", "info"}),
}
#: A keyword that people also answer to a question with: it counts only when quite alone.
_ALSO_AN_ANSWER = frozenset({"yes"})
_PUNCTUATION = string.punctuation + string.whitespace + "¡¿…"


@dataclass(frozen=True, slots=True)
class Phrasebook:
    """What patients write in one language. :mod:`worker.rules.wording` tells how phrases work."""

    language: str
    #: A stop as a whole message, a whole sentence, or between commas.
    stop_words: tuple[str, ...] = ()
    #: A stop only as the whole message.
    stop_messages: tuple[str, ...] = ()
    #: A stop wherever they stand; at the beginning of a sentence; at its end.
    stop_phrases: tuple[str, ...] = ()
    stop_beginnings: tuple[str, ...] = ()
    stop_endings: tuple[str, ...] = ()
    #: These only look like a stop.
    not_stop: tuple[str, ...] = ()
    start_words: tuple[str, ...] = ()
    help_words: tuple[str, ...] = ()
    #: Words that change nothing: please, thanks, good morning.
    courtesy: tuple[str, ...] = ()
    red_flags: tuple[str, ...] = ()
    #: Red flags that cannot wait until the clinic calls back.
    emergencies: tuple[str, ...] = ()
    #: Symptoms that are normal for a while: staff read them, but "no redness or pus" denies both.
    mild: tuple[str, ...] = ()
    #: These only look like a red flag.
    not_red_flags: tuple[str, ...] = ()
    #: What denies the symptom after it, and what may stand in between.
    negations: tuple[str, ...] = ()
    negation_fillers: tuple[str, ...] = ()
    #: What says that the symptom before it has passed, and what may stand in between.
    past: tuple[str, ...] = ()
    past_fillers: tuple[str, ...] = ()
    #: "or" carries a negation on to the next symptom; "but" never does.
    alternatives: tuple[str, ...] = ()
    contrasts: tuple[str, ...] = ()
    #: What takes a denial back: "no fever until last night", "it stopped bleeding, then came back".
    taken_back: tuple[str, ...] = ()
    #: For each word the other ways in which people write it.
    spelling: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def phrases(self) -> frozenset[str]:
        """Every phrase in every list."""
        names = [each.name for each in fields(self) if each.name not in {"language", "spelling"}]
        return frozenset(chain.from_iterable(getattr(self, name) for name in names))


@dataclass(frozen=True, slots=True)
class Reading:
    """A reply, understood."""

    meaning: Meaning
    #: The words that decided, with misspellings put right; empty for staff.
    matched: str = ""
    #: A red flag for which the patient is told to call the emergency services.
    emergency: bool = False
    #: A red flag in a message that says stop as well: the stop acts too.
    also_stop: bool = False
    #: Nothing but a keyword, which the SMS provider acts on and answers by itself.
    keyword: bool = False

    @property
    def stops(self) -> bool:
        """Whether messages end, whatever else the reply means."""
        return self.also_stop or self.meaning is Meaning.STOP


def classify(text: str, phrasebooks: Iterable[Phrasebook]) -> Reading:
    """What a reply means, read in every language that there is a phrasebook for.

    Patients answer in any language, so neither the order of the phrasebooks nor the patient's own
    language makes a difference. Any text has a meaning; nothing is raised.
    """
    return _reader(tuple(sorted(phrasebooks, key=lambda book: book.language))).read(text)


@lru_cache(maxsize=8)
def _reader(books: tuple[Phrasebook, ...]) -> _Reader:
    lists = {
        each.name: tuple(chain.from_iterable(getattr(book, each.name) for book in books))
        for each in fields(Phrasebook)
        if each.name != "language"
    }
    return _Reader(Phrasebook("all", **lists))


class _Reader:
    """All phrasebooks as one, made ready to read with."""

    def __init__(self, book: Phrasebook) -> None:
        known = known_words(book.phrases)
        self._pictures = frozenset(word for word in known if not word.isalnum())
        self._spelling = Spelling(book.spelling, known)
        phrases = Phrases(self._spelling, turns=(*book.negations, *book.contrasts))
        self._symptoms = Symptoms(book, phrases)
        self._stops = _Stops(book, phrases)
        polite = phrases.either(book.courtesy)
        start = {*book.start_words, *KEYWORDS[Meaning.START]} - _ALSO_AN_ANSWER
        help_ = {*book.help_words, *KEYWORDS[Meaning.HELP]}
        self._orders = (
            (Meaning.START, _nothing_but(phrases.either(start), polite)),
            (Meaning.HELP, _nothing_but(phrases.either(help_), polite)),
        )

    def read(self, text: str) -> Reading:
        found = [self._spelling.mend(each) for each in sentences(text, self._pictures)]
        keyword = any(text.strip().casefold() in words for words in KEYWORDS.values())
        stop = self._stops.first(found)
        if complaints := list(self._symptoms.complaints(found)):
            gravest = max(complaints, key=lambda symptom: symptom.gravity)
            emergency = gravest.gravity is Gravity.EMERGENCY
            return Reading(Meaning.RED_FLAG, gravest.words, emergency, also_stop=bool(stop))
        if stop:
            return Reading(Meaning.STOP, stop, keyword=keyword)
        message = _joined(found)
        for meaning, order in self._orders:
            if order.fullmatch(message):
                return Reading(meaning, message, keyword=keyword)
        if text.strip(_PUNCTUATION).casefold() in _ALSO_AN_ANSWER:
            return Reading(Meaning.START, message, keyword=keyword)
        return Reading(Meaning.STAFF)


class _Stops:
    """Every way to say stop."""

    def __init__(self, book: Phrasebook, phrases: Phrases) -> None:
        polite = phrases.either(book.courtesy)
        either = phrases.either
        everything = {*book.stop_messages, *book.stop_words, *KEYWORDS[Meaning.STOP]}
        self._message = _nothing_but(either(everything), polite)
        self._clause = _nothing_but(either(book.stop_words), polite)
        self._ways = (
            whole_words(either(book.stop_phrases)),
            re.compile(rf"^(?>(?:(?:{polite}) )*)(?:{either(book.stop_beginnings)})(?!\S)"),
            re.compile(rf"(?<!\S)(?:{either(book.stop_endings)})(?>(?: (?:{polite}))*)$"),
        )
        self._not_stop = whole_words(either(book.not_stop))

    def first(self, found: Sequence[str]) -> str:
        """The first words that say stop; empty when none do."""
        message = _joined(found)
        if self._message.fullmatch(message):
            return message
        return next(chain.from_iterable(map(self._in_sentence, found)), "")

    def _in_sentence(self, sentence: str) -> Iterator[str]:
        yield from filter(self._clause.fullmatch, sentence.split(" , "))
        clear = self._not_stop.sub(MASK, sentence)
        yield from (match[0] for way in self._ways if (match := way.search(clear)))


def _nothing_but(words: str, polite: str) -> re.Pattern[str]:
    """A pattern for one or more of these words, and courtesy round them."""
    return re.compile(
        rf"(?>(?:(?:{polite}) )*)(?:{words})(?!\S)(?>(?: (?:{words}|{polite})(?!\S))*)"
    )


def _joined(found: Sequence[str]) -> str:
    """The words of a message without any sign between them."""
    return " ".join(word for word in " ".join(found).split(" ") if word not in {",", "/"})
