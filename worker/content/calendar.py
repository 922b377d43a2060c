"""The calendar that travels with an e-mail: when things are allowed again, and the next visit.

An entry never says a day too early: what ends at 15:00 is an entry at 15:00, written in UTC, so
that it is the same moment in whatever zone it is looked at. Only the day on which it is time to
book, which nothing depends on, takes the whole day, as it is where the patient lives.

Others may look at a calendar too, so titles name neither the treatment nor a part of the body.

``icalendar`` is imported when the first calendar is made or read: it is 3 MB of a worker.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from worker.errors import TemplateError
from worker.rules.messages import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from icalendar import Event

    from worker.content.layout import Layout
    from worker.rules.protocol import Protocol

#: Long enough to be seen in a calendar, and it keeps nobody from anything.
_ALLOWED_FOR = timedelta(minutes=15)
#: The clinic's system does not say how long the next visit takes.
_VISIT = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)
#: What differs between two calendars that say the same.
_STAMPS = re.compile(r"^(?:DTSTAMP|LAST-MODIFIED|SEQUENCE)[:;].*\r?\n", re.MULTILINE)


def calendar_maker(protocol: Protocol, layout: Layout) -> Callable[[Mapping[str, Any]], str]:
    """Makes a patient's calendar for this treatment, in the layout's language.

    Raises:
        TemplateError: When a title would give the treatment away, or words are missing.
    """
    calendar = layout.words.calendar
    titles = {name: layout.restriction(name).again for name in protocol.restrictions}
    _refuse_private_words({**titles, "booked": calendar.booked, "due": calendar.due}, protocol)

    def make(context: Mapping[str, Any]) -> str:
        from icalendar import Calendar  # noqa: PLC0415

        found = Calendar()
        found.add("prodid", "-//Aftercare//Aftercare//EN")
        found.add("version", "2.0")
        found.add("method", "PUBLISH")
        found.add("x-wr-calname", context["clinic"].name)
        found.add("x-wr-timezone", str(context["completed_at"].tzinfo))
        for event in _events(context, protocol, layout, titles):
            found.add_component(event)
        return bytes(found.to_ical()).decode()

    return make


def entries(calendar: str) -> list[tuple[date, str]]:
    """When each entry begins, where the patient lives, and its title; a whole day is a date."""
    from icalendar import Calendar  # noqa: PLC0415

    found = Calendar.from_ical(calendar)
    zone = ZoneInfo(str(found["X-WR-TIMEZONE"]))
    told = []
    for event in found.walk("VEVENT"):
        begins = event.decoded("dtstart")
        local = begins.astimezone(zone) if isinstance(begins, datetime) else begins
        told.append((local, str(event["summary"])))
    return told


def same_but_for_stamps(one: str, other: str) -> bool:
    """Whether two calendars say the same and were only made at different times."""
    return _STAMPS.sub("", one) == _STAMPS.sub("", other)


def _events(
    context: Mapping[str, Any], protocol: Protocol, layout: Layout, titles: Mapping[str, str]
) -> Iterator[Event]:
    words, now = layout.words.calendar, context["now"]
    for name, title in titles.items():
        begins = _whole_minute(context["ends"][name])
        if begins > now:
            event = _event(context, layout, name, title)
            event.add("dtstart", begins)
            event.add("dtend", begins + _ALLOWED_FOR)
            event.add("transp", "TRANSPARENT")
            yield event
    booked = context["next_session_at"]
    if booked is not None and booked > now:
        event = _event(context, layout, "next-session", words.booked)
        event.add("dtstart", booked.astimezone(UTC))
        event.add("dtend", booked.astimezone(UTC) + _VISIT)
        if context["clinic"].address:
            event.add("location", context["clinic"].address)
        yield event
    elif (due := _next_session_due(context, protocol)) is not None:
        event = _event(context, layout, "next-session", words.due)
        day = due.astimezone(context["completed_at"].tzinfo).date()
        event.add("dtstart", day)
        event.add("dtend", day + timedelta(days=1))
        event.add("transp", "TRANSPARENT")
        yield event


def _event(context: Mapping[str, Any], layout: Layout, name: str, title: str) -> Event:
    """An entry, with one id for each patient and restriction.

    So what a later session's calendar says replaces what an earlier one said, which by then may be
    too early.
    """
    from icalendar import Event  # noqa: PLC0415

    now = context["now"].astimezone(UTC)
    event = Event()
    event.add("uid", str(uuid5(UUID(context["reference"]), name)))
    event.add("dtstamp", now)
    event.add("last-modified", now)
    event.add("sequence", int(now.timestamp()) // 60)
    event.add("summary", f"{context['clinic'].name}: {title}")
    event.add("description", layout.words.calendar.note.render(context).strip())
    event.add("class", "PRIVATE")
    return event


def _next_session_due(context: Mapping[str, Any], protocol: Protocol) -> datetime | None:
    """When it is time to book, for a patient who agreed to be invited."""
    if not context["may_invite"]:
        return None
    facts = {**context, "next_session_booked": context["next_session_at"] is not None}
    done = context["completed_at"]
    return next(
        (
            each.after.after(done, done.tzinfo)
            for each in protocol.milestones
            if each.kind is Kind.INVITATION and each.applies(facts)
        ),
        None,
    )


def _whole_minute(moment: datetime) -> datetime:
    """In UTC; a begun minute counts as over, so that no time is told early."""
    utc = moment.astimezone(UTC)
    whole = utc.replace(second=0, microsecond=0)
    return whole if whole == utc else whole + _MINUTE


def _refuse_private_words(titles: Mapping[str, str], protocol: Protocol) -> None:
    for key, title in titles.items():
        for word in (*protocol.private_words, protocol.title):
            if re.search(rf"\b{re.escape(word)}\b", title, re.IGNORECASE):
                message = (
                    f'the calendar would show "{word}" to whoever looks at it; '
                    f"say {key} in other words in the layout folder"
                )
                raise TemplateError(message)
