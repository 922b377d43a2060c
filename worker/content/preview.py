"""One page that shows messages as patients see them: on a phone, in a mailbox, by day and by night.

The page is one file without a script, and it asks the network for nothing. Its HTML is in
``preview.html`` beside this module; here the messages become what that page shows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING

from babel import Locale
from jinja2 import Environment, StrictUndefined

from worker.content.calendar import entries
from worker.content.colours import palette
from worker.content.example import COSTLY_NAME, example_patient, example_session, examples
from worker.content.language import day, locale_for, moment
from worker.rules.messages import Channel
from worker.rules.sms import Measure, measure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from zoneinfo import ZoneInfo

    from worker.content.library import Library
    from worker.rules.facts import Clinic
    from worker.rules.messages import Kind, Words
    from worker.rules.protocol import Milestone, Protocol

_FILE = Path(__file__).with_suffix(".html")
_DARK = re.compile(r"\(\s*prefers-color-scheme\s*:\s*dark\s*\)")
_BOTH_SCHEMES = re.compile(r'(color-schemes?(?:" content="|:\s*))light dark')
_PREHEADER = re.compile(r'<div class="preheader"[^>]*>(.*?)</div>', re.DOTALL)
#: What follows a preheader, so that an inbox shows nothing of the body behind it.
_FILLER = "\u034f\u200c\u00a0 \n"
_HINTS = {
    "advice": "goes out always",
    "permission": "never before the restriction has ended",
    "invitation": "only with consent to marketing",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """A message to show: an example, or one from the store."""

    milestone: str
    channel: Channel
    kind: Kind
    due_at: datetime
    words: Words | None
    #: Where a real message stands, and why; or why there are no words.
    status: str = ""
    note: str = ""
    #: The same to a patient whose name is outside the GSM alphabet.
    costly: Words | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """A text message on a phone."""

    body: str
    lock_line: str
    measure: Measure
    #: What it costs with a name outside the GSM alphabet, and whether that name is still in it.
    costly: Measure | None
    costly_named: bool


@dataclass(frozen=True, slots=True)
class Mail:
    """An e-mail in a mailbox."""

    subject: str
    #: What the inbox shows beside the subject.
    preview: str
    text: str
    light: str
    dark: str
    #: The attached calendar's entries: when, and the title.
    entries: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Card:
    """One message."""

    channel: str
    status: str
    note: str
    sms: Text | None = None
    mail: Mail | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """A milestone: when it comes, under which conditions, and its messages."""

    anchor: str
    name: str
    kind: str
    hint: str
    day: int
    after: str
    due: str
    facts: tuple[str, ...]
    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class Chapter:
    """A treatment in one language, or a patient's session."""

    anchor: str
    title: str
    subtitle: str
    language: str
    about: str
    moments: tuple[Moment, ...]
    #: Nobody at the clinic has reviewed the treatment yet.
    sample: bool = False


def example_chapters(
    library: Library, clinic: Clinic, now: datetime, treatments: Iterable[str]
) -> Iterator[Chapter]:
    """Every message of these treatments in every language, to a made-up patient."""
    for treatment in treatments:
        for language in library.languages(treatment):
            session = example_session(treatment, clinic, now)
            patient = example_patient(clinic, language)
            english = locale_for("en", clinic.country)
            about = (
                f"To {patient.first_name}, a made-up patient whose session 1 of 3 ended on "
                f"{moment(session.completed_at, english)}."
            )
            pieces = [
                Piece(
                    each.milestone.name,
                    each.channel,
                    each.milestone.kind,
                    each.due_at,
                    each.words,
                    note=each.problem or each.note,
                    costly=each.costly,
                )
                for each in examples(library, clinic, treatment, language, now)
            ]
            yield chapter(
                pieces,
                clinic=clinic,
                protocol=library.protocols[treatment],
                start=session.completed_at,
                zone=clinic.zone,
                anchor=f"{treatment}-{language}",
                subtitle=Locale.parse(language).get_display_name("en") or language,
                language=language,
                about=about,
            )


def chapter(
    pieces: Sequence[Piece],
    *,
    clinic: Clinic,
    protocol: Protocol,
    start: datetime,
    zone: ZoneInfo,
    anchor: str,
    subtitle: str,
    language: str,
    about: str,
) -> Chapter:
    """Messages of one session, milestone by milestone.

    Args:
        pieces: The messages, in the order of their time.
        clinic: Whose hours count.
        protocol: Tells the conditions.
        start: When the session ended.
        zone: The patient's, for days and times.
        anchor: For links to it.
        subtitle: What tells it from other chapters.
        language: Of the patient.
        about: Who this is.
    """
    names = list(dict.fromkeys(each.milestone for each in pieces))
    moments = []
    for name in names:
        group = [each for each in pieces if each.milestone == name]
        first, milestone = group[0], protocol.milestone(name)
        due = first.due_at.astimezone(zone)
        moments.append(
            Moment(
                anchor=f"{anchor}-{name}",
                name=name.replace("-", " "),
                kind=first.kind.value,
                hint=_HINTS[first.kind.value],
                day=(due.date() - start.astimezone(zone).date()).days,
                after=_after(milestone),
                due=moment(due, locale_for("en", clinic.country)),
                facts=tuple(_facts(milestone, first.due_at, clinic, zone)),
                cards=tuple(_card(each, clinic) for each in group),
            )
        )
    title, sample = protocol.title, protocol.sample
    return Chapter(anchor, title, subtitle, language, about, tuple(moments), sample)


def render_page(chapters: Sequence[Chapter], *, clinic: Clinic, title: str, note: str) -> str:
    """The whole page.

    Args:
        chapters: What it shows.
        clinic: Whose colour it wears.
        title: Its heading.
        note: What whoever opens it should know first.
    """
    env = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    page = env.from_string(_FILE.read_text(encoding="utf-8"))
    return page.render(
        chapters=chapters,
        clinic=clinic,
        colours=palette(clinic.colour),
        title=title,
        note=note,
        costly_name=COSTLY_NAME,
    )


def _after(milestone: Milestone | None) -> str:
    if milestone is None:
        return "no longer in the protocol"
    at = f", then at {milestone.at:%H:%M}" if milestone.at else ""
    return f"{milestone.after} after the session{at}"


def _facts(
    milestone: Milestone | None, due_at: datetime, clinic: Clinic, zone: ZoneInfo
) -> Iterator[str]:
    """When it goes out and when it does not, in sentences for staff."""
    if milestone is None:
        return
    english = locale_for("en", clinic.country)
    until = milestone.useful_for.after(due_at, zone).astimezone(zone)
    yield f"True for {milestone.useful_for}: not sent after {moment(until, english)}"
    if milestone.lifts:
        yield f"Lifts {' and '.join(milestone.lifts)}"
    if milestone.when:
        yield f"Only when {milestone.when}"
    quiet = clinic.hours.quiet_until(due_at, zone)
    if milestone.any_hour_for:
        yield f"Also in quiet hours, for {milestone.any_hour_for}"
    elif quiet:
        opens = moment(quiet.astimezone(zone), english)
        yield f"Falls into quiet hours, so it waits until {opens}"
    else:
        yield f"Only between {clinic.hours.opens:%H:%M} and {clinic.hours.closes:%H:%M}"


def _card(piece: Piece, clinic: Clinic) -> Card:
    words = piece.words
    card = Card(piece.channel.noun, piece.status, piece.note)
    if words is None:
        return card
    if piece.channel is Channel.SMS:
        line = words.text.splitlines()[0] if words.text else ""
        costly = piece.costly.text if piece.costly else ""
        sms = Text(
            body=words.text,
            lock_line=line,
            measure=measure(words.text),
            costly=measure(costly) if costly else None,
            costly_named=COSTLY_NAME in costly,
        )
        return Card(card.channel, card.status, card.note, sms=sms)
    mail = Mail(
        subject=words.subject or "",
        preview=_preheader(words.html or ""),
        text=words.text,
        light=_in_scheme(words.html or "", dark=False),
        dark=_in_scheme(words.html or "", dark=True),
        entries=tuple(_entries(words.calendar, clinic)),
    )
    return Card(card.channel, card.status, card.note, mail=mail)


def _in_scheme(html: str, *, dark: bool) -> str:
    """The e-mail as it looks in one mode, whatever mode the reader of the page is in."""
    fixed = _DARK.sub("all" if dark else "not all", html)
    return _BOTH_SCHEMES.sub(rf"\1{'dark' if dark else 'light'}", fixed)


def _preheader(html: str) -> str:
    found = _PREHEADER.search(html)
    return unescape(found[1]).strip(_FILLER) if found else ""


def _entries(calendar: str | None, clinic: Clinic) -> Iterator[tuple[str, str]]:
    if calendar is None:
        return
    english = locale_for("en", clinic.country)
    for begins, title in entries(calendar):
        if isinstance(begins, datetime):
            yield moment(begins, english), title
        else:
            yield day(datetime.combine(begins, time.min), english), title
