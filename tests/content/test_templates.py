"""The shipped words: short, private, true, and the same promises in every language."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.content.samples import (
    GLOW,
    LANGUAGES,
    MESSAGES,
    MILESTONES,
    MONDAY,
    NAMES,
    SITUATIONS,
    TREATMENT,
    Situation,
    render,
    shipped,
)
from worker.content.language import day, locale_for, moment
from worker.rules.contacts import show_phone
from worker.rules.messages import Channel
from worker.rules.planning import restriction_ends
from worker.rules.sms import is_gsm, measure, measure_as_if_plain

if TYPE_CHECKING:
    from worker.content.library import Library

in_each_language = pytest.mark.parametrize("language", LANGUAGES)
for_each_milestone = pytest.mark.parametrize("milestone", MILESTONES)
for_each_message = pytest.mark.parametrize(
    ("milestone", "channel"), MESSAGES, ids=[f"{name}-{channel}" for name, channel in MESSAGES]
)


def test_nothing_is_missing_or_faulty(library: Library) -> None:
    """Every milestone has its words on every channel in every language."""
    assert (library.problems, library.missing_translations()) == ({}, [])
    assert tuple(each.name for each in library.protocols[TREATMENT].milestones) == MILESTONES


@in_each_language
@for_each_message
def test_every_message_renders_for_everyone(
    library: Library, milestone: str, channel: Channel, language: str
) -> None:
    """Whoever reads it and whatever holds for the session: whole words, clinic and phone in it."""
    for situation in SITUATIONS.values():
        phone = show_phone(situation.clinic.phone, situation.clinic.country)
        for name in NAMES:
            words = render(library, milestone, channel, language, situation=situation, name=name)
            assert situation.clinic.name in words.text
            assert phone in words.text
            assert name[:40] in words.text or channel is Channel.SMS
            for part in (words.text, words.subject or "", words.html or ""):
                assert not re.search(r"\{\{|\{%|%\}|\}\}|jinja|\bNone\b|Undefined| ,|\(\)", part)


@in_each_language
@for_each_milestone
def test_no_text_is_longer_than_two_segments(
    library: Library, milestone: str, language: str
) -> None:
    """For every situation and length of name, and for every day of a year.

    Letters outside the GSM alphabet that a name brings along may cost more.
    """
    for situation in SITUATIONS.values():
        for name in NAMES:
            found = render(
                library, milestone, Channel.SMS, language, situation=situation, name=name
            )
            assert measure_as_if_plain(found.text).segments <= 2
            assert measure(found.text).segments <= (2 if is_gsm(name) else 5)
    for days in range(0, 365, 2):
        session = replace(MONDAY, completed_at=MONDAY.completed_at + timedelta(days=days))
        found = render(library, milestone, Channel.SMS, language, situation=Situation(session))
        assert measure(found.text).segments <= 2


@in_each_language
@for_each_milestone
def test_a_name_is_kept_as_its_owner_writes_it(
    library: Library, milestone: str, language: str
) -> None:
    """In any script, whatever its letters cost; only one that is far too long may be left out."""
    for name in ("Zoë", "Łukasz", "María", "小明", "Александра", "محمد", "Zoë 👩‍⚕️"):
        assert name in render(library, milestone, Channel.SMS, language, name=name).text
    endless = "Krungthepmahanakhon" * 10
    text = render(library, milestone, Channel.SMS, language, name=endless).text
    assert measure(text).segments <= 2


@in_each_language
def test_a_clinic_may_be_called_clinica(library: Library, language: str) -> None:
    """The commonest name of a clinic in Spanish fits into two segments as well."""
    situation = Situation(MONDAY, clinic=replace(GLOW, name="Clínica Sol"))
    for milestone in MILESTONES:
        found = render(library, milestone, Channel.SMS, language, situation=situation)
        assert measure(found.text).segments <= 2


@in_each_language
def test_most_texts_are_one_segment(library: Library, language: str) -> None:
    """Of a year's texts to Ana, from a clinic with an everyday name, most cost one segment."""
    lengths = []
    for days in range(0, 365, 5):
        session = replace(MONDAY, completed_at=MONDAY.completed_at + timedelta(days=days))
        for milestone in MILESTONES:
            found = render(library, milestone, Channel.SMS, language, situation=Situation(session))
            lengths.append(measure(found.text).segments)
    assert lengths.count(1) > len(lengths) / 2


@in_each_language
@for_each_milestone
def test_texts_are_written_in_the_gsm_alphabet(
    library: Library, milestone: str, language: str
) -> None:
    """No letter of ours makes a text twice as dear; only a name or the clinic's may."""
    for situation in SITUATIONS.values():
        found = render(library, milestone, Channel.SMS, language, situation=situation)
        assert is_gsm(found.text), found.text


@in_each_language
def test_the_first_text_says_how_to_stop(library: Library, language: str) -> None:
    """And so does the invitation, which is marketing."""
    for milestone in ("home", "next-session"):
        for situation in SITUATIONS.values():
            found = render(library, milestone, Channel.SMS, language, situation=situation)
            assert "STOP" in found.text


@in_each_language
@for_each_message
def test_a_lock_screen_gives_nothing_away(
    library: Library, milestone: str, channel: Channel, language: str
) -> None:
    """No private word of the protocol in the first line of a text or in a subject."""
    private = library.protocols[TREATMENT].private_words
    assert len(private) > 10
    for situation in SITUATIONS.values():
        words = render(library, milestone, channel, language, situation=situation)
        shown = (words.subject or words.text.splitlines()[0]).casefold()
        found = [word for word in private if re.search(rf"\b{re.escape(word)}\b", shown)]
        assert found == []


@in_each_language
@for_each_milestone
def test_the_inbox_gives_nothing_away(library: Library, milestone: str, language: str) -> None:
    """What stands beside the subject is a sentence of its own, without a private word."""
    private = library.protocols[TREATMENT].private_words
    html = render(library, milestone, Channel.EMAIL, language).html or ""
    (shown,) = re.findall(r'<div class="preheader"[^>]*>([^<]*)</div>', html)
    shown = shown.strip("\u034f\u200c\u00a0 ")
    assert len(shown) > 30
    assert not shown.startswith(("Hi", "Hola"))
    found = [word for word in private if re.search(rf"\b{re.escape(word)}\b", shown, re.IGNORECASE)]
    assert found == []


@in_each_language
def test_the_sun_comes_back_with_spf_only(library: Library, language: str) -> None:
    """The permission never calls the sun safe, and names SPF 30 wherever it allows it."""
    for channel in Channel:
        found = render(library, "active-again", channel, language)
        assert "SPF 30" in found.text
        assert not re.search(r"\bsafe\b|\bsegur[oa]\b", found.text, re.IGNORECASE)


@in_each_language
@for_each_milestone
def test_an_e_mail_wears_the_clinics_colour(
    library: Library, milestone: str, language: str
) -> None:
    """Its name and colour, in the reader's language, complete with a text for those without."""
    words = render(library, milestone, Channel.EMAIL, language)
    html = words.html or ""
    assert GLOW.colour in html
    assert f'<html lang="{language}"' in html
    assert html.count("<body") == html.count("</body>") == html.count("</html>") == 1
    assert "<img" not in html
    assert f"tel:{GLOW.phone}" in html
    assert GLOW.address in words.text


@in_each_language
@for_each_milestone
def test_the_first_heading_is_the_subject(library: Library, milestone: str, language: str) -> None:
    """What the file's first line says is what the inbox shows, and the body does not repeat it."""
    heading = shipped(milestone, Channel.EMAIL, language).splitlines()[0]
    words = render(library, milestone, Channel.EMAIL, language)
    assert f"# {words.subject}" == heading
    assert f"{words.subject}\n" not in words.text
    assert f"<title>{words.subject}</title>" in (words.html or "")


@in_each_language
@pytest.mark.parametrize("milestone", ["home", "first-day"])
def test_the_first_messages_say_what_waits_until_when(
    library: Library, milestone: str, language: str
) -> None:
    """Exercise and sun in every text, exfoliation in every e-mail and in the first text."""
    ends = restriction_ends([MONDAY], library.protocols, GLOW.zone)
    locale = locale_for(language, GLOW.country)
    for channel in Channel:
        text = render(library, milestone, channel, language).text
        wanted = {"exercise", "sun"}
        wanted |= {"exfoliation"} if channel is Channel.EMAIL or milestone == "home" else set()
        for name in wanted:
            assert moment(ends[name].astimezone(GLOW.zone), locale) in text


@in_each_language
@for_each_milestone
def test_the_phone_number_is_written_once(library: Library, milestone: str, language: str) -> None:
    """In the text part nobody reads "910 12 34 56 (tel:+34910123456)"."""
    assert "tel:" not in render(library, milestone, Channel.EMAIL, language).text


@in_each_language
def test_red_flags_are_in_the_first_e_mails(library: Library, language: str) -> None:
    """When to call the clinic, and when the emergency services."""
    words = {
        "en": ("pus", "fever", "blisters", "emergency services"),
        "es": ("pus", "fiebre", "ampollas", "servicios de emergencia"),
    }[language]
    for milestone in ("home", "first-day"):
        text = render(library, milestone, Channel.EMAIL, language).text
        assert [word for word in words if word not in text] == []


@in_each_language
def test_a_booked_session_is_told_with_its_day(library: Library, language: str) -> None:
    """The message about exfoliating says when they come back, unless that is over."""
    locale = locale_for(language, GLOW.country)
    for situation, told in (
        ("the next one is booked", True),
        ("the next one was booked for last week", False),
    ):
        session = SITUATIONS[situation].session
        assert session.next_session_at is not None
        for channel in Channel:
            found = render(
                library, "exfoliate-again", channel, language, situation=SITUATIONS[situation]
            )
            assert (day(session.next_session_at, locale) in found.text) is told
