"""A fault in what all e-mails share is told where it stands, once, and not at every message."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.rules.given import case
from worker.content.lint import Severity
from worker.resources import TEMPLATES

if TYPE_CHECKING:
    from tests.content.lint.conftest import Desk

ERROR, WARNING = Severity.ERROR, Severity.WARNING
DRAWING, TEXT, WORDS, FOOTER = "timeline.html", "timeline.txt", "en.toml", "en.footer.md"
#: What a message needs to show the timeline and to bring a calendar.
SHOWS = "\n\n{{ timeline }}\n\nSee"


@pytest.fixture
def pictured(desk: Desk) -> Desk:
    """A folder without a fault, in which an e-mail has the timeline and a calendar."""
    desk.replace("home.email.md", "See", SHOWS)
    desk.replace(
        "care/protocol.toml", 'useful_for = "1 day"', 'useful_for = "1 day"\ncalendar = true'
    )
    assert desk.findings() == []
    return desk


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        case("a tag that closes nothing", "</body>", "</main></body>", "</main> closes nothing"),
        case("a tag that is not closed", "</body>", "<div></body>", "<div> is not closed"),
        case("a script", "</body>", "<script>x()</script></body>", "a script, which mail programs"),
        case("a form", "</body>", "<form></form></body>", "a form, which mail programs disarm"),
        case("a picture without words", "</body>", '<img src="https://a.example/b.png"></body>',
             "the picture has no words"),
        case("a picture from an insecure address", "</body>",
             '<img alt="" src="http://a.example/b.png"></body>', "is not a secure link"),
        case("no place for the words", "{{ body }}", "", "every mail would lack its body"),
        case("a name that is not there", "</body>", "{{ clinic.fone }}</body>", "clinic.fone"),
        case("braces that do not close", "</body>", "{{ clinic.name </body>", ""),
    ],
)  # fmt: skip
def test_a_fault_of_the_layout_is_told_as_its_own(
    desk: Desk, old: str, new: str, told: str
) -> None:
    """One finding at the layout's line, not one for every mail."""
    desk.replace("layout/email.html", old, new)
    found = [each for each in desk.findings() if each.rule != "no-phone"]
    assert {each.file for each in found} == {"templates/layout/email.html"}, found
    assert any(told in str(each) for each in found)
    assert all(each.severity is ERROR and each.line for each in found)


def test_a_footer_is_linted_like_a_mail(desk: Desk) -> None:
    """It stands under every mail."""
    desk.write("layout/en.footer.md", "Until Thursday: [x](http://a.example) {{ clinic.nam }}\n")
    found = {each.rule for each in desk.findings() if "en.footer.md, line 1" in str(each)}
    assert found == {"typed-date", "link", "undefined-name", "no-unsubscribe", "no-address"}


@pytest.mark.parametrize(
    ("file", "old", "new", "line", "told"),
    [
        case("a name that is not there", DRAWING, "timetable.today", "timetable.todai", 5,
             "did you mean timetable.today?"),
        case("a row's value that is not there", DRAWING, "row.says", "row.sais", 9, "row.says?"),
        case("the same in the text part", TEXT, "row.says", "row.sais", 3, "row.says?"),
        case("a loop without an end", DRAWING, "{% endfor %}<tr>", "<tr>", 12,
             "Unexpected end of template"),
        case("a tag that is not closed", DRAWING, '<tr><td class="tl-end"',
             '<tr><td><b></td></tr><tr><td class="tl-end"', 13, "<b> is not closed"),
        case("a condition that crosses a tag", DRAWING, "{% if row.free %}<td",
             "<td><b>{% if row.allowed %}</b>{% endif %}</td>{% if row.free %}<td", 1,
             "its HTML breaks at <"),
        case("a sum that fails", DRAWING, "{{ row.name }}", "{{ row.name + 1 }}", 9,
             "it cannot be drawn"),
        case("a script", DRAWING, '<tr><td class="tl-today">',
             '<tr><td><script>x()</script></td></tr><tr><td class="tl-today">', 5, "a script"),
        case("a picture from an insecure address", DRAWING, '<tr><td class="tl-today">',
             "<tr><td><img alt='' src='http://a.example/b.png'></td></tr>"
             '<tr><td class="tl-today">', 5, "not a secure link"),
        case("a style from an insecure address", "email.html", ".header { padding",
             ".header { background: url('http://a.example/b.png'); padding", 27,
             '"http://a.example/b.png" in a style is not secure'),
        case("a word that is not filled in", WORDS, "{{ day }}.", "{{ dai }}.", 7,
             "did you mean day?"),
        case("an end as the computer writes it", WORDS, "it until {{ end | moment }}",
             "it until {{ end }}", 29, "{{ end }} would print like 2026-11-26"),
        case("a number of days", WORDS, "it until {{ end | moment }}", "it for 3 days", 29,
             "{{ end | moment }} is a day and time"),
        case("a weekday", WORDS, "it until {{ end | moment }}", "it until Thursday", 29,
             '"Thursday" is typed by hand'),
        case("the sun without SPF on the timeline", WORDS, '"only with SPF 30+"', '"allowed again"',
             30, "sun.allowed allows the sun again without a word about SPF"),
        case("the sun without SPF in the calendar", WORDS, "allowed again, only with SPF 30+",
             "allowed again", 31, "sun.again allows the sun"),
        case("a private word in the calendar", WORDS, "exercise allowed again",
             "you may move after the needle", 25, 'the calendar would show "needle"'),
        case("the treatment's name in the calendar", WORDS, "your next visit", "your Care visit",
             12, 'the calendar would show "care"'),
        case("braces in a title", WORDS, "your next visit", "visit to {{ clinic.name }}", 12,
             "booked is not filled in"),
        case("HTML", WORDS, '"allowed again"', '"<b>again"', 24, "patients would read <b>"),
        case("a key that is not known", WORDS, "booked =", "bookd =", 12, "bookd: unknown key"),
        case("a key that is missing", WORDS, "booked =", "bookd =", 11, "booked: is missing"),
        case("not TOML", WORDS, "booked =", "booked", 12, "not valid TOML"),
        case("a restriction without words", WORDS, "[restrictions.sun]", "[restrictions.moon]", 1,
             "there are no words for the restriction sun of care; add [restrictions.sun]"),
        case("a footer without the link", FOOTER, "{{ unsubscribe_url }}", "https://a.example", 5,
             "nobody could unsubscribe"),
    ],
)  # fmt: skip
def test_a_fault_is_told_where_it_stands(  # noqa: PLR0917 (a row of the table)
    pictured: Desk, file: str, old: str, new: str, line: int, told: str
) -> None:
    """The file and the line; no message is blamed for it."""
    if "unsubscribe" in old:
        pictured.replace(f"layout/{file}", "{% if unsubscribe_url %}", "{% if first_name %}")
    pictured.replace(f"layout/{file}", old, new)
    found = [each for each in pictured.findings() if each.severity is ERROR]
    assert {each.file for each in found} == {f"templates/layout/{file}"}, found
    assert all(each.line and each.advice for each in found)
    assert any(each.line == line and told in str(each) for each in found), found


def test_a_fault_of_one_language_hides_no_other(pictured: Desk) -> None:
    """With the English words broken, a fault in a Spanish e-mail is still found."""
    for name in ("home.sms.txt", "sun-again.sms.txt", "home.email.md", "sun-again.email.md"):
        pictured.write(f"care/es/{name}", pictured.read(name))
    pictured.write("care/es/home.email.md", "# Hola\n\n{{ 1 // 0 }}\n")
    pictured.replace("layout/en.toml", "booked =", "booked")
    found = {(each.rule, each.file) for each in pictured.findings()}
    assert ("unreadable", "templates/layout/en.toml") in found
    assert ("cannot-render", "templates/care/es/home.email.md") in found


def test_a_footer_without_an_address_is_worth_a_look(desk: Desk) -> None:
    """Under an invitation to book it has to be there."""
    desk.replace(
        "layout/en.footer.md", "{% if clinic.address %}, {{ clinic.address }}{% endif %}", ""
    )
    (finding,) = desk.findings()
    assert (finding.severity, finding.rule) == (WARNING, "no-address")


# The page behind "unsubscribe"


@pytest.mark.parametrize(
    ("file", "old", "new", "line", "told"),
    [
        case("a name that is not there", "unsubscribe.html", "{{ heading }}</h1>",
             "{{ heding }}</h1>", 45, "did you mean heading?"),
        case("a script", "unsubscribe.html", "<main>", "<main><script></script>", 41,
             "the page's policy does not let run"),
        case("a tag that is not closed", "unsubscribe.html", "</main>", "", 41, "<main> is not"),
        case("a value that words do not have", "en.toml", "Questions? Call {{ clinic }}",
             "Questions? Call {{ clinic.name }}", 5, '"clinic.name"'),
        case("a page without a heading", "en.toml", 'heading = "This link does not work"', "", 52,
             "unknown.heading is missing"),
        case("not TOML", "en.toml", "[common]", "[common", 4, ""),
        case("a heading that is a number", "en.toml", 'heading = "This link does not work"',
             "heading = 1", 1, "unknown cannot be made"),
    ],
)  # fmt: skip
def test_a_fault_of_the_unsubscribe_page_is_told(  # noqa: PLR0917 (a row of the table)
    desk: Desk, file: str, old: str, new: str, line: int, told: str
) -> None:
    """Patients see the shipped page meanwhile, and the clinic does not notice."""
    shutil.copytree(TEMPLATES / "pages", desk.folder / "pages")
    assert desk.findings() == []
    desk.replace(f"pages/{file}", old, new)
    (found,) = desk.findings()
    assert (found.severity, found.file) == (ERROR, f"templates/pages/{file}")
    assert (told in str(found), found.line) == (True, line), found
