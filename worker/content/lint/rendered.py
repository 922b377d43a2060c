"""What a message says once it is filled in, for every sample that would get it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from worker.content.lint.finding import Finding, error, warning
from worker.content.lint.html import MOST_BYTES, unbalanced
from worker.content.sms import MOST_SEGMENTS
from worker.errors import TemplateError
from worker.rules.messages import Channel, Kind
from worker.rules.sms import is_gsm, measure, measure_as_if_plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from worker.content.library import Template
    from worker.content.lint.source import Source
    from worker.content.samples import Sample
    from worker.rules.messages import Words
    from worker.rules.protocol import Milestone, Protocol

#: The words that Twilio stops at, and the usual Spanish ones, which Aftercare stops at.
_STOP = re.compile(r"\b(STOP|UNSUBSCRIBE|QUIT|CANCEL|OPTOUT|ALTO|BAJA)\b")
#: The sun protection factor, in the languages that have another name for it.
SPF = re.compile(r"\b(SPF|FPS|LSF)\b", re.IGNORECASE)
#: A restriction's name that means the sun.
SUN = re.compile(r"(?:^|_)(?:sun|sunlight|sunbathing|sun_exposure|tanning|sol)(?:_|$)")
_SUN_WORD = re.compile(r"\b(?:sun|sol|soleil|sonne)\b")
_PREHEADER = re.compile(r'<div class="preheader"[^>]*>(.*?)</div>', re.DOTALL)
#: A locked phone shows about this much of an SMS; it is one segment in the GSM alphabet.
_ON_LOCK_SCREEN = 160


@dataclass(frozen=True)
class Rendered:
    """A message's template with everything that is needed to fill it in."""

    template: Template
    source: Source
    milestone: Milestone
    channel: Channel
    protocols: Mapping[str, Protocol]
    treatment: str
    #: Whether no text of the course comes before it.
    is_first_sms: bool

    def findings(self, samples: Sequence[Sample]) -> Iterator[Finding]:
        """What is wrong, each fault once, for the first sample that shows it."""
        told: set[str] = set()
        fitting = [each for each in samples if each.fits(self.milestone)]
        for sample in fitting or samples:
            for finding in self._of(sample):
                if finding.rule not in told:
                    told.add(finding.rule)
                    yield finding

    def _of(self, sample: Sample) -> Iterator[Finding]:
        name, language = self.milestone.name, self.template.language
        context = sample.context(name, language, self.protocols)
        try:
            words = self.template.render(context)
        except TemplateError as fault:
            what = str(fault).removeprefix(f"{self.source.file}: ")
            yield self._error(
                "cannot-render", f"for {sample.about}: {what}", "mend it, or ask who wrote it"
            )
            return
        yield from self._is_complete(words, sample)
        yield from self._is_private(words, sample)
        if self._allows_sun(context) and not SPF.search(words.text):
            yield self._error(
                "no-spf",
                f"it allows the sun again without a word about SPF (for {sample.about})",
                "say that the sun is allowed only with SPF 30+",
                self._sun_line,
            )
        if self.channel is Channel.SMS:
            yield from self._is_short(words, sample)
            yield from self._says_how_to_stop(words)
        else:
            yield from self._is_sound(words, sample)

    def _is_complete(self, words: Words, sample: Sample) -> Iterator[Finding]:
        who = f"for {sample.about}"
        text = fold(words.text)
        if fold(sample.clinic.name) not in text:
            advice = "write {{ clinic.name }}, so that patients know who writes"
            yield self._error("no-clinic", f"the clinic's name is missing {who}", advice)
        if sample.phone not in words.text:
            advice = "write {{ clinic.phone }}: every message says whom to call"
            yield self._error("no-phone", f"the clinic's phone number is missing {who}", advice)

    def _is_private(self, words: Words, sample: Sample) -> Iterator[Finding]:
        """No treatment or body word where others can read along; the clinic's name is its own."""
        name = fold(sample.clinic.name)
        for place, shown in self._on_a_lock_screen(words):
            found = self._private_words.search(fold(shown).replace(name, " "))
            if found:
                yield self._error(
                    "private-word",
                    f'"{found[0]}" stands {place}',
                    "choose a word that does not give the treatment away, or say it further down",
                    self.source.line_of(found[0]),
                )

    def _on_a_lock_screen(self, words: Words) -> Iterator[tuple[str, str]]:
        if self.channel is Channel.SMS:
            first = words.text.partition("\n")[0]
            shown = max(first, words.text[:_ON_LOCK_SCREEN], key=len)
            yield "where a locked phone shows it", shown
            return
        yield "in the subject, which a locked phone shows", words.subject or ""
        for preheader in _PREHEADER.findall(words.html or ""):
            yield "in the first lines, which the inbox shows beside the subject", preheader
        yield "in the first line, which the inbox shows", words.text.partition("\n")[0]

    def _is_short(self, words: Words, sample: Sample) -> Iterator[Finding]:
        """Two segments at most; letters of a patient's name may cost more, and are kept."""
        own_letters = is_gsm(sample.first_name)
        found = (measure if own_letters else measure_as_if_plain)(words.text)
        if found.segments <= MOST_SEGMENTS:
            return
        letters = "" if found.encoding == "GSM-7" else ", because of letters that cost double"
        what = (
            f"for {sample.about} the text has {found.segments} segments "
            f"({found.units} characters{letters})"
        )
        advice = f"shorten it to {MOST_SEGMENTS}; each segment is billed as a text of its own"
        finding = self._warning if sample.real_clinic else self._error
        yield finding("too-long", what, advice)

    def _says_how_to_stop(self, words: Words) -> Iterator[Finding]:
        if _STOP.search(words.text):
            return
        if self.is_first_sms:
            what = "it is the first text patients get, and does not say how to stop"
        elif self.milestone.kind is Kind.INVITATION:
            what = "it is an invitation, and does not say how to stop"
        else:
            return
        advice = 'add a line such as "Reply STOP to stop texts."'
        yield self._error("no-stop", what, advice, len(self.source.text.rstrip().splitlines()) or 1)

    def _is_sound(self, words: Words, sample: Sample) -> Iterator[Finding]:
        html = words.html or ""
        if tag := unbalanced(html):
            yield self._error(
                "broken-html",
                f"for {sample.about} the mail's HTML breaks at <{tag}>",
                "let a condition begin and end in one sentence, or put {% if … %} and {% endif %} "
                "on lines of their own between paragraphs",
                self._crossing_line,
            )
        size = len(html.encode())
        if size > MOST_BYTES:
            what = f"the mail has {size // 1000} KB, and Gmail hides what comes after 102"
            yield self._error("too-large", what, "shorten it")

    def _allows_sun(self, context: Mapping[str, object]) -> bool:
        ends, due_at = context["ends"], context["due_at"]
        return any(
            SUN.search(name) and ends[name] <= due_at  # type: ignore[index]
            for name in self.milestone.lifts
        )

    @cached_property
    def _sun_line(self) -> int:
        """The last line that speaks of the sun: the branch in which it is allowed."""
        told = (at for at, words in self.source.literals() if _SUN_WORD.search(fold(words)))
        return max(told, default=1)

    @cached_property
    def _crossing_line(self) -> int:
        """Where a condition begins in the middle of a line that it does not end in."""
        for at, line in enumerate(self.source.text.splitlines(), 1):
            tags = re.findall(r"\{%-?\s*(if|endif|for|endfor)\b", line)
            begins = sum(tag in ("if", "for") for tag in tags)
            if begins != len(tags) - begins and not re.fullmatch(r"\s*\{%.*%\}\s*", line):
                return at
        return 1

    @cached_property
    def _private_words(self) -> re.Pattern[str]:
        return any_of(self.protocols[self.treatment].private_words)

    def _error(self, rule: str, what: str, advice: str, line: int = 1) -> Finding:
        return error(rule, self.source.file, line, what, advice)

    def _warning(self, rule: str, what: str, advice: str, line: int = 1) -> Finding:
        return warning(rule, self.source.file, line, what, advice)


@lru_cache
def any_of(words: tuple[str, ...]) -> re.Pattern[str]:
    """Finds one of these words, whole, in a text that was folded."""
    return re.compile(rf"\b(?:{'|'.join(re.escape(fold(each)) for each in words) or '(?!)'})\b")


def fold(text: str) -> str:
    """In small letters without accents."""
    if text.isascii():
        return text.casefold()
    letters = unicodedata.normalize("NFD", text.casefold())
    return "".join(each for each in letters if not unicodedata.combining(each))
