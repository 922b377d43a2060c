"""The templates folder: faults that name their file, dates that follow the protocol."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.content.samples import LANGUAGES, MESSAGES, MILESTONES, TREATMENT, render, template_path
from worker.content import email as mail
from worker.content.library import Library
from worker.errors import TemplateError
from worker.rules.messages import Channel

if TYPE_CHECKING:
    from pathlib import Path

HOME_SMS = "templates/microneedling/en/home.sms.txt"


def _rewrite(path: Path, text: str) -> None:
    """Save a file, visibly later than before."""
    path.write_text(text, encoding="utf-8")
    later = path.stat().st_mtime_ns + 1_000_000
    os.utime(path, ns=(later, later))


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    _rewrite(path, text.replace(old, new))


@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("{{ nonsense }}", "'nonsense' is undefined"),
        ("{{ clinic.nonsense }}", "no attribute 'nonsense'"),
        ("{% if nonsense %}x{% endif %}", "'nonsense' is undefined"),
        ("{{ ends.swimming | moment }}", "no attribute 'swimming'"),
        ("{{ ''.__class__ }}", "unsafe"),
        ("{{ clinic.__init__.__globals__ }}", "unsafe"),
        ("{{ first_name.__class__.__mro__ }}", "unsafe"),
        ("{{ '{0.__class__}'.format(first_name) }}", "unsafe"),
        ("{{ ends.update({'sun': due_at}) }}", "unsafe"),
        ("{{ ends.clear() }}", "unsafe"),
        ("{{ cycler.__init__.__globals__.os }}", "unsafe"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
        ("{% for x in range(10 ** 9) %}{% endfor %}", "Overflow"),
        ("{% include '/etc/passwd' %}", ""),
    ],
)
def test_a_template_can_read_what_it_is_given_and_nothing_else(
    folder: Path, channel: Channel, line: str, fault: str
) -> None:
    """A name that is not there, or a way out of the sandbox: refused, and the file is named."""
    path = template_path(folder, "home", channel, "en")
    head = "# Hi\n\n" if channel is Channel.EMAIL else ""
    _rewrite(path, f"{head}{line}\n")
    with pytest.raises(TemplateError) as raised:
        render(Library(folder), "home", channel, "en")
    shown = f"templates/{path.relative_to(folder)}"
    assert str(raised.value).startswith(f"{shown}: ")
    assert fault in str(raised.value)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("{{ clinic.name ", "line 2: unexpected end of template"),
        ("{% if first_name %}", "line 2: Unexpected end of template"),
        ("{{ first_name | shout }}", "line 2: No filter named 'shout'"),
        ("{% iff x %}", "line 2: Encountered unknown tag 'iff'"),
    ],
)
def test_a_template_that_cannot_be_read_names_file_and_line(
    folder: Path, line: str, fault: str
) -> None:
    """``aftercare check`` shows it before any patient waits; everything else can be used."""
    _rewrite(template_path(folder, "home", Channel.SMS, "en"), f"{{{{ clinic.name }}}}:\n{line}")
    library = Library(folder)
    ((file, problem),) = library.problems.items()
    assert file == HOME_SMS
    assert problem.startswith(f"{HOME_SMS}, {fault}")
    with pytest.raises(TemplateError, match=r"home\.sms\.txt, line 2"):
        render(library, "home", Channel.SMS, "en")
    for milestone, channel in MESSAGES[1:]:
        assert render(library, milestone, channel, "en").text


def test_a_mail_without_a_heading_is_told(folder: Path) -> None:
    """The first line has to be the subject."""
    _rewrite(template_path(folder, "home", Channel.EMAIL, "en"), "Hi!\n\n# Too late\n")
    (problem,) = Library(folder).problems.values()
    assert problem == (
        "templates/microneedling/en/home.email.md: the first line must be the subject, written "
        "as a heading: # Your evening"
    )


def test_a_missing_layout_is_told(folder: Path) -> None:
    """Every e-mail needs the page around it, every text does without."""
    (folder / "layout" / "email.html").unlink()
    library = Library(folder)
    mails = list(folder.glob("*/*/*.email.md"))
    assert len(library.problems) == len(mails) > len(MILESTONES) * len(LANGUAGES)
    assert all("email.html" in problem for problem in library.problems.values())
    assert render(library, "home", Channel.SMS, "en").text


def test_a_template_is_compiled_once(folder: Path) -> None:
    """As long as no file changes the same compiled template is used, pass after pass."""
    library = Library(folder)

    def found(milestone: str) -> object:
        return library.find(
            TREATMENT, milestone, Channel.EMAIL, wanted="en", fallback="en"
        ).compiled

    before = found("home")
    assert not library.refresh()
    assert before is found("home")
    _replace(template_path(folder, "home", Channel.EMAIL, "en"), "Hi", "Hello")
    assert library.refresh()
    assert before is not found("home")
    assert "Hello Ana" in render(library, "home", Channel.EMAIL, "en").text


def test_markdown_and_css_cost_once_per_template(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted: a hundred messages inline no style, read no Markdown and compile nothing."""
    Library(folder)  # now only what is edited below is new
    count: Counter[str] = Counter()

    def counting(name: str) -> None:
        prepare = getattr(mail, name)

        def counted(*args: object) -> object:
            count[name] += 1
            return prepare(*args)

        monkeypatch.setattr(mail, name, counted)

    for name in ("_both", "_inline_css"):
        counting(name)
    home = template_path(folder, "home", Channel.EMAIL, "en")
    _replace(home, "Hi", "Hello there")
    library = Library(folder)
    # Its own words and the footer's are read, and the page is styled.
    assert count == {"_both": 2, "_inline_css": 1}
    told = {render(library, "home", Channel.EMAIL, "en", name=f"Ana{n}").text for n in range(100)}
    assert not library.refresh()
    Library(folder)
    assert (len(told), count) == (100, {"_both": 2, "_inline_css": 1})


# Languages


def test_another_language_gets_the_clinics(folder: Path) -> None:
    """A French patient of a Spanish clinic reads Spanish; a missing file alone falls back too."""
    library = Library(folder)
    found = library.find(TREATMENT, "home", Channel.SMS, wanted="fr", fallback="es")
    assert found.language == "es"
    template_path(folder, "home", Channel.SMS, "en").unlink()
    library.refresh()
    found = library.find(TREATMENT, "home", Channel.SMS, wanted="en", fallback="es")
    assert found.language == "es"
    assert library.missing_translations() == [HOME_SMS]


def test_an_e_mail_that_stands_in_for_a_text_needs_its_template(folder: Path) -> None:
    """Found missing when it is set up, not on the evening when a text fails."""
    texts_only = 'channels = ["sms"]\nfallback = "email"'
    protocol = folder / TREATMENT / "protocol.toml"
    text = protocol.read_text(encoding="utf-8")
    protocol.write_text(text.replace('channels = ["sms", "email"]', texts_only), encoding="utf-8")
    template_path(folder, "home", Channel.EMAIL, "en").unlink()
    missing = Library(folder).missing_translations()
    assert missing == ["templates/microneedling/en/home.email.md"]


def test_a_language_that_nobody_has_is_told(folder: Path) -> None:
    """When the clinic's language has no template either, the missing file is named."""
    with pytest.raises(TemplateError, match=r"^templates/microneedling/de/home.sms.txt is missing"):
        Library(folder).find(TREATMENT, "home", Channel.SMS, wanted="fr", fallback="de")


def test_a_faulty_translation_is_not_passed_over(folder: Path) -> None:
    """A patient is not written to in another language because a file has a typo."""
    _rewrite(template_path(folder, "home", Channel.SMS, "es"), "{{ clinic.name")
    library = Library(folder)
    with pytest.raises(TemplateError, match=r"es/home\.sms\.txt"):
        library.find(TREATMENT, "home", Channel.SMS, wanted="es", fallback="en")


# Dates


@pytest.mark.parametrize(
    ("span", "english", "spanish"),
    [
        ("3 days", "Thursday 26 November, 15:00", "jueves 26 de noviembre, 15:00"),
        ("5 days", "Saturday 28 November, 15:00", "sabado 28 de noviembre, 15:00"),
        ("100 hours", "Friday 27 November, 19:00", "viernes 27 de noviembre, 19:00"),
    ],
)
def test_dates_follow_the_protocol(folder: Path, span: str, english: str, spanish: str) -> None:
    """A restriction that the clinic lengthens is longer in every text, in every language."""
    protocol = folder / TREATMENT / "protocol.toml"
    text = protocol.read_text(encoding="utf-8")
    longer = text.replace('exercise = "3 days"', f'exercise = "{span}"')
    longer = longer.replace('sun = "3 days"', f'sun = "{span}"').replace(
        'after = "3 days"', 'after = "6 days"'
    )
    _rewrite(protocol, longer)
    library = Library(folder)
    assert library.problems == {}
    for milestone in ("home", "first-day"):
        assert english in render(library, milestone, Channel.SMS, "en").text
        assert spanish in render(library, milestone, Channel.SMS, "es").text
        assert english in (render(library, milestone, Channel.EMAIL, "en").html or "")


@pytest.mark.parametrize("language", ["en", "es"])
def test_restrictions_of_different_lengths_are_told_apart(folder: Path, language: str) -> None:
    """When the sun has to wait longer than exercise, each has its own date in each text."""
    _replace(folder / TREATMENT / "protocol.toml", 'sun = "3 days"', 'sun = "7 days"')
    _replace(
        folder / TREATMENT / "protocol.toml", 'lifts = ["exercise", "sun"]', 'lifts = ["exercise"]'
    )
    library = Library(folder)
    assert library.problems == {}
    days = {"en": ("26 November", "30 November"), "es": ("26 de noviembre", "30 de noviembre")}
    for milestone in ("home", "first-day"):
        for channel in Channel:
            text = render(library, milestone, channel, language).text
            assert [each for each in days[language] if each not in text] == []
    for channel in Channel:
        allowed = render(library, "active-again", channel, language).text
        assert days[language][1] in allowed
        assert "SPF" not in allowed


# Who is greeted


@pytest.mark.parametrize("milestone", MILESTONES)
def test_a_name_is_never_markup(folder: Path, milestone: str) -> None:
    """A name with HTML and Markdown in it arrives as the letters that it is made of."""
    library, name = Library(folder), "<b>Ana</b> *x* & {{ 7 * 7 }}"
    mail = render(library, milestone, Channel.EMAIL, "en", name=name)
    assert "&lt;b&gt;Ana&lt;/b&gt; *x* &amp; {{ 7 * 7 }}" in (mail.html or "")
    assert "<b>Ana" not in (mail.html or "")
    assert name in mail.text
    assert name in render(library, milestone, Channel.SMS, "en", name=name).text


@pytest.mark.parametrize("file", ["en/home.email.md", "protocol.toml"])
def test_files_saved_with_notepad_can_be_used(folder: Path, file: str) -> None:
    """A byte order mark and Windows line ends change nothing."""
    path = folder / TREATMENT / file
    text = path.read_text(encoding="utf-8")
    path.write_bytes(text.replace("\n", "\r\n").encode("utf-8-sig"))
    assert Library(folder).problems == {}
