"""Each fault in a message's words is found, with its file and line, and what to do."""

# ruff: noqa: RUF001 (curly quotes are among the cases)
from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.rules.given import case
from worker.content.lint import Severity

if TYPE_CHECKING:
    from tests.content.lint.conftest import Desk

SMS, SUN, MAIL = "home.sms.txt", "sun-again.sms.txt", "home.email.md"
EXERCISE = "{{ ends.exercise | moment }}"


def test_a_folder_without_a_fault_has_no_finding(desk: Desk) -> None:
    """What is not wrong is not told: each test below puts in the only fault there is."""
    assert desk.findings() == []


@pytest.mark.parametrize(
    ("file", "old", "new", "rule", "line", "told"),
    [
        case("a name that is not there", SMS, "first_name }}", "frist_name }}", "undefined-name",
             1, 'there is no value called "frist_name"; did you mean first_name?'),
        case("a name in a branch that no sample takes", SMS, "Call",
             "{% if sessions_planned > 99 %}{{ clinic.fone }}{% endif %}\nCall", "undefined-name",
             3, 'there is no value called "clinic.fone"; did you mean clinic.phone?'),
        case("a restriction that the protocol does not have", MAIL, "ends.exercise",
             "ends.swimming", "undefined-name", 5, '"ends.swimming"'),
        case("an attribute in brackets", MAIL, "ends.exercise", "ends['swimming']",
             "undefined-name", 5, '"ends.swimming"'),
        case("braces that do not close", MAIL, "moment }}.", "moment.", "unreadable", 0, ""),
        case("a condition without an end", SMS, "{% endif %}!", "!", "unreadable", 0, ""),
        case("a filter that is not there", SMS, "| moment", "| momento", "unreadable", 2,
             "No filter named 'momento'"),
        case("a mail without a subject", MAIL, "# Your evening", "Your evening", "unreadable", 1,
             "the first line must be the subject"),
        case("a moment as the computer writes it", SMS, "ends.exercise | moment", "ends.exercise",
             "bare-moment", 2, "{{ ends.exercise }} would print like 2026-11-26 15:00:00+01:00"),
        case("a sum that fails", MAIL, "Wait", "{{ 1 // sessions_left }} Wait", "cannot-render", 1,
             "for the last session of a course"),
        case("no clinic's name", SUN, "{{ clinic.name }}", "Glow", "no-clinic", 1,
             "write {{ clinic.name }}, so that patients know who writes"),
        case("no phone number", SUN, "Call {{ clinic.phone }}", "Call us", "no-phone", 1,
             "write {{ clinic.phone }}: every message says whom to call"),
        case("a phone number in one branch only", SMS, "Call {{ clinic.phone }}",
             "{% if first_name %}Call {{ clinic.phone }}{% endif %}", "no-phone", 1,
             "missing for a patient without a first name"),
        case("no word how to stop in the first text", SMS, "Reply STOP to stop texts.", "",
             "no-stop", 3, "the first text patients get, and does not say how to stop"),
        case("more than two segments", SMS, "Reply", "x" * 250 + "\nReply", "too-long", 1,
             "segments"),
        case("more than two segments, because of the template's letters", SMS, "Reply",
             "á" + "x" * 60 + "\nReply", "too-long", 1, "because of letters that cost double"),
        case("a private word in the first line of a text", SMS, "!\n", "! The needle is out.\n",
             "private-word", 1, '"needle" stands where a locked phone shows it'),
        case("a private word further down in the first segment", SMS, "Call {{", "Needle? Call {{",
             "private-word", 3, '"needle" stands where a locked phone shows it'),
        case("a private word without its accent", SMS, "Call {{", "Acne? Call {{", "private-word",
             3, '"acne" stands'),
        case("a private word in a subject", MAIL, "# Your evening", "# Your needles and needle",
             "private-word", 1, "in the subject, which a locked phone shows"),
        case("a private word beside the subject", MAIL, "Hi{%", "The needle. Hi{%", "private-word",
             3, "the inbox shows"),
        case("the sun without SPF in a text", SUN, "Sun only with SPF 30+.", "Enjoy the sun!",
             "no-spf", 5, "it allows the sun again without a word about SPF"),
        case("the sun without SPF in a mail", "sun-again.email.md", ", with SPF 30+", "", "no-spf",
             5, "say that the sun is allowed only with SPF 30+"),
        case("a weekday", SMS, EXERCISE, "Thursday", "typed-date", 2, '"Thursday" is typed'),
        case("a day of a month", MAIL, EXERCISE, "26 November", "typed-date", 5, '"26 November"'),
        case("a number of days", SMS, f"until {EXERCISE}", "for 3 days", "typed-date", 2,
             '"3 days" is typed by hand'),
        case("days in words", MAIL, f"until {EXERCISE}", "three days", "typed-date", 5,
             '"three days"'),
        case("a date with a slash", SMS, EXERCISE, "12/11", "typed-date", 2,
             "{{ ends.exercise | moment }} is a day and time"),
        case("HTML in a mail", MAIL, "Wait", "<b>Wait</b>", "html", 5,
             "patients would read <b> as it stands here"),
        case("a script in a mail", MAIL, "Wait", "<script>alert(1)</script> Wait", "html", 5,
             "<script>"),
        case("a form in a mail", MAIL, "Wait", "<form action='/'> Wait", "html", 5, "<form"),
        case("HTML in a text", SMS, "Call", "<br>Call", "html", 3, "a text message has no layout"),
        case("a picture without words", MAIL, "See", "![](https://glow.example.com/a.png) See",
             "image", 7, "the picture has no words"),
        case("a condition across paragraphs", MAIL, "Wait until",
             "Wait {% if first_name %}\n\n## and wait{% endif %} until", "broken-html", 5,
             "for a patient without a first name"),
        case("a mail that Gmail cuts off", MAIL, "Wait", "very " * 22_000 + "Wait", "too-large", 1,
             "Gmail hides what comes after 102"),
        case("a link that is not secure", MAIL, "https://", "http://", "link", 7,
             "http://glow.example.com is not a secure link"),
        case("an insecure link in a text", SMS, "Call", "http://glow.example.com\nCall", "link", 3,
             "write it with https://"),
        case("a link that phones open insecurely", SMS, "Call", "www.glow.example.com\nCall",
             "link", 3, "write https:// in front of it"),
        case("a link that leads nowhere", MAIL, "https://glow.example.com", "booking.html", "link",
             7, 'the link to "booking.html" leads nowhere from a mail'),
        case("a mail that says nothing to some", MAIL, "Hi{% if first_name %} {{ first_name }}"
             "{% endif %},\n\nWait until {{ ends.exercise | moment }}.\n\nSee [our page]"
             "(https://glow.example.com).", "{% if first_name %}\nHi\n{% endif %}",
             "cannot-render", 1, "for a patient without a first name: its subject or text is"),
        case("a mail without a subject for some", MAIL, "# Your evening",
             "# {% if first_name %}Your evening{% endif %}", "cannot-render", 1,
             "an empty message is never sent"),
    ],
)  # fmt: skip
def test_a_fault_is_an_error(  # noqa: PLR0917 (a row of the table)
    desk: Desk, file: str, old: str, new: str, rule: str, line: int, told: str
) -> None:
    """The file, the line, what is wrong and what to do."""
    desk.replace(file, old, new)
    shown = f"templates/{file}" if "/" in file else f"templates/care/en/{file}"
    found = [each for each in desk.findings() if each.severity is Severity.ERROR]
    assert {each.file for each in found} == {shown}, found
    assert rule in {each.rule for each in found}, found
    finding = next(each for each in found if each.rule == rule)
    assert told in str(finding)
    assert line in {0, finding.line}, finding
    assert str(finding).startswith(f"{shown}, line {finding.line}: ")
    assert finding.advice


@pytest.mark.parametrize(
    ("file", "old", "new", "rule", "line", "told"),
    [
        case("a rough length that is the restriction's", MAIL, "Wait until", "For up to 3 days; or",
             "typed-date", 5, '"3 days" is typed by hand'),
        case("a letter that makes the text dear", SMS, "Call {{", "Sí? Call {{", "dear-letter", 3,
             "because of í a text of this message holds 70 characters instead of 160"),
    ],
)  # fmt: skip
def test_what_is_only_worth_a_look_is_a_warning(  # noqa: PLR0917 (a row of the table)
    desk: Desk, file: str, old: str, new: str, rule: str, line: int, told: str
) -> None:
    """It may be meant so."""
    desk.replace(file, old, new)
    (finding,) = [each for each in desk.findings() if each.severity is Severity.WARNING]
    assert (finding.rule, finding.line) == (rule, line)
    assert told in str(finding)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        case("how long a reaction lasts", MAIL, "Wait", "Redness can last 24 to 48 hours. Wait"),
        case("about how long", MAIL, "Wait", "It can last up to a week, or about 9 days. Wait"),
        case("how often", MAIL, "Wait", "Reapply every 2 hours. Wait"),
        case("when the clinic is open", MAIL, "Wait", "We are here Monday to Friday, 24/7. Wait"),
        case("words like months", MAIL, "Wait", "May we say: march on in April? Wait"),
        case("a name that the template makes", SMS, "Call {{ clinic.phone }}",
             "{% set who = clinic.phone %}\nCall {{ who }}"),
        case("a name that is asked for first", MAIL, "Wait",
             "{% if ends.swimming is defined %}{{ ends.swimming | day }}{% endif %} Wait"),
        case("curly quotes and dashes", SMS, "Call", "It’s “ok” – really… Call"),
        case("links that do something else", MAIL, "See",
             "[call](tel:{{ clinic.tel }}), [write](mailto:a@b.example), <https://a.example>. See"),
        case("a comment for colleagues", SMS, "Call", "{# On Thursday: <b>needle</b> #}\nCall"),
        case("a private word below the first lines of a mail", MAIL, "See", "A needle. See"),
        case("a private word inside another", SMS, "Call {{", "Needlework? Call {{"),
        case("two segments", SMS, "Reply", "x" * 80 + "\nReply"),
    ],
)  # fmt: skip
def test_what_is_right_is_left_alone(desk: Desk, file: str, old: str, new: str) -> None:
    """A lint that cries wolf is switched off."""
    desk.replace(file, old, new)
    assert desk.findings() == []


def test_an_empty_text_is_told(desk: Desk) -> None:
    """Before the worker would refuse to send it."""
    desk.write(SUN, "{% if sessions_planned %}{% endif %}\n")
    (finding,) = desk.findings()
    assert "the text is empty; an empty message is never sent" in str(finding)


def test_an_invitation_says_how_to_stop(desk: Desk) -> None:
    """It is marketing, wherever in the course it stands."""
    desk.write(
        "care/protocol.toml",
        desk.read("care/protocol.toml").replace(
            'kind = "permission"\nlifts = ["sun"]', 'kind = "invitation"'
        ),
    )
    (finding,) = desk.findings()
    assert (finding.rule, finding.file) == ("no-stop", "templates/care/en/sun-again.sms.txt")


@pytest.mark.parametrize(
    ("file", "old", "new", "line", "told"),
    [
        ("home.sms.txt", "{{ ends.exercise | day }}", "el sábado 28 de noviembre", 2, "sábado"),
        ("home.email.md", "Hola", "Espera 3 días", 3, "3 días"),
        ("home.email.md", "Hola", "Espera dos semanas", 3, "dos semanas"),
        ("home.email.md", "Hola", "Hasta el 12/11", 3, "12/11"),
    ],
)
def test_spanish_dates_are_found_too(  # noqa: PLR0917 (a row of the table)
    bilingual: Desk, file: str, old: str, new: str, line: int, told: str
) -> None:
    """Each language's own weekdays, months and units."""
    bilingual.replace(f"care/es/{file}", old, new)
    found = [each for each in bilingual.findings() if each.rule == "typed-date"]
    assert {(each.file, each.line) for each in found} == {(f"templates/care/es/{file}", line)}
    assert any(f'"{told}" is typed by hand' in str(each) for each in found)
