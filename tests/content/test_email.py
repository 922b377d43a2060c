"""From Markdown to the three parts of an e-mail."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from worker.content.email import compile_email
from worker.errors import TemplateError

if TYPE_CHECKING:
    from worker.rules.messages import Words

LAYOUT = """<!DOCTYPE html>
<html><head><title>{{ subject }}</title><style>a { color: #b4531f }
@media (max-width: 600px) { a { color: red !important } }</style></head>
<body><div class="preheader">{{ preheader }}</div><main>{{ body }}</main>
<footer>{{ footer }}</footer></body></html>"""
CONTEXT: dict[str, Any] = {
    "first_name": "Ana",
    "clinic": {"name": "Glow & Co", "phone": "910 12 34 56"},
    "phone_link": "tel:+34910123456",
    "link": "https://glow.example.com/book?a=1&b=2",
    "yes": True,
    "no": False,
    "days": ["Monday", "Tuesday"],
}


def _mail(body: str, *, subject: str = "Your evening", footer: str = "Bye") -> Words:
    return compile_email(f"# {subject}\n\n{body}", footer=footer, layout=LAYOUT).render(CONTEXT)


def _text(body: str) -> str:
    return _mail(body).text.removesuffix("\n\n-- \nBye\n")


def _html(body: str) -> str:
    """What stands where the body goes, without line breaks between tags or styles."""
    (main,) = re.findall(r"<main>(.*?)</main>", _mail(body).html or "", re.DOTALL)
    plain = re.sub(r' style="[^"]*"', "", main)
    return re.sub(r">\n\s*<", "><", plain).strip()


@pytest.mark.parametrize(
    ("markdown", "text", "html"),
    [
        ("One\ntwo", "One\ntwo", "<p>One\ntwo</p>"),
        ("One\n\nTwo", "One\n\nTwo", "<p>One</p><p>Two</p>"),
        ("## What comes\n\nRest", "What comes\n\nRest", "<h2>What comes</h2><p>Rest</p>"),
        (
            "**Sun:** *not yet*, `SPF`",
            "Sun: not yet, SPF",
            "<p><strong>Sun:</strong> <em>not yet</em>, <code>SPF</code></p>",
        ),
        ("- one\n- two", "- one\n- two", "<ul><li>one</li><li>two</li></ul>"),
        ("3. one\n4. two", "3. one\n4. two", '<ol start="3"><li>one</li><li>two</li></ol>'),
        (
            "- one\n  - inner\n- two",
            "- one\n  - inner\n- two",
            "<ul><li>one\n<ul><li>inner</li></ul></li><li>two</li></ul>",
        ),
        ("Before\n\n- one\n\nAfter", "Before\n\n- one\n\nAfter", None),
        ("Above\n\n---\n\nBelow", "Above\n\n---\n\nBelow", "<p>Above</p><hr><p>Below</p>"),
        (
            "See [our page](https://glow.example.com).",
            "See our page (https://glow.example.com).",
            '<p>See <a href="https://glow.example.com">our page</a>.</p>',
        ),
        ("<https://glow.example.com>", "https://glow.example.com", None),
        ("[desk@glow.example.com](mailto:desk@glow.example.com)", "desk@glow.example.com", None),
        ("[write](mailto:desk@glow.example.com)", "write (desk@glow.example.com)", None),
        ("A & B < C", "A & B < C", "<p>A &amp; B &lt; C</p>"),
        ("<b>raw</b>", "<b>raw</b>", "<p>&lt;b&gt;raw&lt;/b&gt;</p>"),
        ("¿Qué tal? 5 °C", "¿Qué tal? 5 °C", "<p>¿Qué tal? 5 °C</p>"),
    ],
)
def test_markdown_becomes_text_and_html(markdown: str, text: str, html: str | None) -> None:
    """Each construct reads well as plain text, and is itself in HTML."""
    assert text == _text(markdown)
    if html is not None:
        assert html == _html(markdown)


@pytest.mark.parametrize(
    ("markdown", "text", "html"),
    [
        ("Hi {{ first_name }}!", "Hi Ana!", "<p>Hi Ana!</p>"),
        ("{{ clinic.name }}", "Glow & Co", "<p>Glow &amp; Co</p>"),
        ("**{{ first_name }}**", "Ana", "<p><strong>Ana</strong></p>"),
        (
            "[{{ clinic.phone }}](tel:+34910123456)",
            "910 12 34 56",
            '<p><a href="tel:+34910123456">910 12 34 56</a></p>',
        ),
        pytest.param(
            "[{{ clinic.phone }}]({{phone_link}})",
            "910 12 34 56",
            '<p><a href="tel:+34910123456">910 12 34 56</a></p>',
        ),
        (
            "[book]({{link}})",
            "book (https://glow.example.com/book?a=1&b=2)",
            '<p><a href="https://glow.example.com/book?a=1&amp;b=2">book</a></p>',
        ),
        ("Hi{% if yes %} Ana{% endif %},", "Hi Ana,", "<p>Hi Ana,</p>"),
        ("Hi{% if no %} Ana{% endif %},", "Hi,", "<p>Hi,</p>"),
        (
            "Hi\n\n{% if yes %}\n\nA\n\n{% else %}\n\nB\n\n{% endif %}\n\nC",
            "Hi\n\nA\n\nC",
            "<p>Hi</p><p>A</p><p>C</p>",
        ),
        (
            "Hi\n{% if no %}\nA\n{% else %}\nB\n{% endif %}\nC",
            "Hi\n\nB\n\nC",
            "<p>Hi</p><p>B</p><p>C</p>",
        ),
        ("One\n\n{% if no %}\n\nTwo\n\n{% endif %}\n\nThree", "One\n\nThree", None),
        (
            "- one\n{% if yes %}\n- two\n{% endif %}\n- three",
            "- one\n\n- two\n\n- three",
            "<ul><li>one</li></ul><ul><li>two</li></ul><ul><li>three</li></ul>",
        ),
        ("- one{% if no %} and a half{% endif %}.", "- one.", "<ul><li>one.</li></ul>"),
        pytest.param(
            "A{% if no %} bit{% endif %}\n\nB",
            "A\n\nB",
            "<p>A</p><p>B</p>",
        ),
        (
            "Hi\n\n{% if yes %}\n## Head\n{% endif %}\n\nBody",
            "Hi\n\nHead\n\nBody",
            "<p>Hi</p><h2>Head</h2><p>Body</p>",
        ),
        (
            "Hi\n\n{% for day in days %}\n- {{ day }}\n{% endfor %}",
            "Hi\n\n- Monday\n\n- Tuesday",
            "<p>Hi</p><ul><li>Monday</li></ul><ul><li>Tuesday</li></ul>",
        ),
        ("One\n\n{# for the staff #}\n\nTwo", "One\n\nTwo", "<p>One</p><p>Two</p>"),
        ("One {# quietly #}two", "One two", "<p>One two</p>"),
        ("{{ first_name\n| upper }}", "ANA", "<p>ANA</p>"),
    ],
)
def test_jinja_and_markdown_do_not_disturb_each_other(
    markdown: str, text: str, html: str | None
) -> None:
    """Values, inline conditions, conditions on lines of their own, loops and comments."""
    assert text == _text(markdown)
    if html is not None:
        assert html == _html(markdown)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("{% if yes %}\nA\n{% endif %}\n\nB", "A\n\nB"),
        ("{% for day in days %}\n- {{ day }}\n{% endfor %}", "- Monday\n\n- Tuesday"),
    ],
)
def test_a_body_may_begin_with_a_condition(body: str, text: str) -> None:
    """What is first is for the author to say, even if it is not for everyone."""
    assert text == _text(body)


@pytest.mark.parametrize(
    "paragraphs",
    ["24 hours later.\n\n3 days later.", "- one\n\n14 days without peeling."],
)
def test_paragraphs_that_begin_with_a_number_stay_apart(paragraphs: str) -> None:
    """In the text part as well a number does not make a list."""
    assert paragraphs == _text(paragraphs)


@pytest.mark.parametrize(
    ("first_line", "subject"),
    [
        ("# Your evening", "Your evening"),
        ("#   Your evening  ", "Your evening"),
        ("# Your evening #", "Your evening"),
        ("\n\n# Your evening", "Your evening"),
        (
            "# Hi{% if yes %} {{ first_name }}{% endif %} from {{ clinic.name }}",
            "Hi Ana from Glow & Co",
        ),
        ("# ¿Cómo estás?", "¿Cómo estás?"),
    ],
)
def test_the_first_heading_is_the_subject(first_line: str, subject: str) -> None:
    """Plain text on one line, with the patient's facts; in the page's title it is escaped."""
    mail = compile_email(f"{first_line}\n\nBody", footer="Bye", layout=LAYOUT).render(CONTEXT)
    assert subject == mail.subject
    assert f"<title>{subject.replace('&', '&amp;')}</title>" in (mail.html or "")
    assert mail.text == "Body\n\n-- \nBye\n"


@pytest.mark.parametrize(
    "source", ["", "Hi!", "## Not the first level", "#No blank", "Hi\n\n# Late"]
)
def test_without_a_heading_there_is_no_mail(source: str) -> None:
    """The author is told how to write the subject."""
    with pytest.raises(TemplateError, match="the first line must be the subject"):
        compile_email(source, footer="", layout=LAYOUT)


def test_a_subject_never_breaks_out_of_its_line() -> None:
    """A name with a line break in it adds no header to the mail."""
    template = compile_email("# Hi {{ first_name }}\n\nBody", footer="", layout=LAYOUT)
    mail = template.render({"first_name": "Ana\r\nBcc: eve@example.com"})
    assert mail.subject == "Hi Ana Bcc: eve@example.com"


def test_the_footer_follows_a_signature_line() -> None:
    """Mail programs fold away what stands below "-- "; its values are filled in too."""
    mail = _mail("Body", footer="{{ clinic.name }}\n\n[write](mailto:desk@glow.example.com)")
    assert mail.text == "Body\n\n-- \nGlow & Co\n\nwrite (desk@glow.example.com)\n"
    assert "<footer><p>Glow &amp; Co</p>" in re.sub(r' style="[^"]*"', "", mail.html or "")


def test_the_inbox_shows_the_first_paragraph() -> None:
    """Beside the subject stands what the mail begins with, not a heading of the layout."""
    mail = _mail("Hi {{ first_name }},\nhow are you?\n\nMore")
    assert '<div class="preheader">Hi Ana, how are you?</div>' in (mail.html or "")


@pytest.mark.parametrize(
    ("shown", "body"),
    [
        ("What to expect tonight.", "> What to expect tonight.\n\nHi {{ first_name }},"),
        ("For Ana &amp; Co, in two lines", "\n> For {{ first_name }} & Co,\n> in two lines\n\nHi"),
        ("Thank you, Ana.", "Hi {{ first_name }},\n\nThank you, {{ first_name }}.\n\nMore"),
        ("Gracias.", "Hola:\n\nGracias.\n\nMás"),
        ("", "Hi,\n\n{% if yes %}\n\nThanks.\n\n{% endif %}"),
    ],
)
def test_the_inbox_shows_what_matters(shown: str, body: str) -> None:
    """What the author quotes below the subject, or else the first paragraph behind the greeting."""
    mail = _mail(body)
    assert f'<div class="preheader">{shown}</div>' in (mail.html or "")
    assert "&gt;" not in (mail.html or "")
    assert not mail.text.startswith(">")


def test_styles_are_copied_onto_the_elements() -> None:
    """Mail programs that drop <style> keep the colours; rules for small screens stay."""
    html = _mail("[page](https://glow.example.com)").html or ""
    assert re.search(r'<a href="https://glow.example.com" style="color: ?#b4531f;?">page</a>', html)
    assert "@media" in html


def test_a_value_cannot_bring_markup_or_tags() -> None:
    """What a patient's fact holds is shown as it is: no HTML, no Markdown, no Jinja."""
    template = compile_email("# Hi\n\nDear {{ first_name }}", footer="", layout=LAYOUT)
    name = "<script>x</script> **bold** [a](http://x) {{ 7 * 7 }}"
    mail = template.render({"first_name": name})
    assert "<script" not in (mail.html or "")
    assert f"Dear {name}" in mail.text
    assert "&lt;script&gt;x&lt;/script&gt; **bold** [a](http://x) {{ 7 * 7 }}" in (mail.html or "")
