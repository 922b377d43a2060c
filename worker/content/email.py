"""From a Markdown template to the three parts of an e-mail: subject, text and HTML.

All that is costly happens once per template. The Jinja tags are put out of the way, Markdown
becomes HTML and plain text, the layout goes round it, CSS is inlined, and the tags come back: what
is left for each message is Jinja.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import css_inline
from markdown_it import MarkdownIt

from worker.content.language import environment
from worker.content.plaintext import plain_text
from worker.errors import TemplateError
from worker.rules.messages import Words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from jinja2 import Template

    from worker.content.timeline import Timetable

_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_BLOCK_LINE = re.compile(r"^[ \t]*(\{%.*?%\}|\{#.*?#\})[ \t]*$", re.MULTILINE)
_HEADING = re.compile(r"\A\s*#[ \t]+(.+?)[ \t]*#*[ \t]*(?:\n|\Z)")
#: Below it stands the footer; mail programs fold it away.
_SIGNATURE = "-- \n"
_WORD = re.compile(r"<!--jinjablock(\d+)x-->|jinja(?:value|block)(\d+)x")
#: An element's tag, or a block tag of Jinja's that stands between elements.
_BETWEEN = re.compile(r"<[^>]*>|jinjablock\d+x")
#: The line below the heading that the inbox shows.
_PREVIEW = re.compile(r"\A\s*((?:>[^\n]*(?:\n|\Z))+)")
#: Where a template wants the timeline.
_PICTURE = re.compile(r"^[ \t]*\{\{-?[ \t]*timeline[ \t]*-?\}\}[ \t]*$", re.MULTILINE)
_PICTURE_WORD = "jinjablockpicturex"
_GAPS = re.compile(r"\n{3,}")
#: Behind a phone number its own link says nothing new.
_CALLS = re.compile(r" \(tel:[^)\s]*\)")

_markdown = MarkdownIt("commonmark", {"html": False, "typographer": False})
_inliner = css_inline.CSSInliner(
    keep_style_tags=True, keep_at_rules=True, load_remote_stylesheets=False
)
# Blank lines between paragraphs mean something here, so Jinja leaves every line break.
_html_env = environment(html=True, trim=False)
_text_env = environment(html=False, trim=False)


@dataclass(frozen=True, slots=True)
class Picture:
    """The timeline, as HTML and as text, to be filled in with a patient's ``timetable``."""

    html: str
    text: str


@dataclass(frozen=True, slots=True)
class EmailTemplate:
    """A compiled e-mail template."""

    subject: Template
    text: Template
    html: Template
    #: Whether it shows the timeline; then ``timetable`` works out what that shows.
    pictured: bool = False
    timetable: Callable[[Mapping[str, Any]], Timetable] | None = None
    #: What is attached; None where the protocol asks for nothing.
    calendar: Callable[[Mapping[str, Any]], str] | None = None

    def render(self, context: Mapping[str, Any]) -> Words:
        """The e-mail for one patient; see ``context.py`` for what a template may say.

        Raises:
            TemplateError: When nothing is left to say.
        """
        if self.pictured and self.timetable is not None:
            context = {**context, "timetable": self.timetable(context)}
        subject = " ".join(self.subject.render(context).split())
        text = _CALLS.sub("", self.text.render(context))
        text = _GAPS.sub("\n\n", text).strip() + "\n"
        if not subject or text.startswith(_SIGNATURE):
            message = "its subject or text is empty; an empty message is never sent"
            raise TemplateError(message)
        return Words(
            text=text,
            subject=subject,
            html=self.html.render(context),
            calendar=self.calendar(context) if self.calendar else None,
            language=context.get("language", ""),
        )


def compile_email(
    source: str,
    *,
    footer: str,
    layout: str,
    picture: Picture | None = None,
) -> EmailTemplate:
    """Compile a template.

    Args:
        source: Markdown whose first line is a heading: the subject. A quote below it (``> …``) is
            what the inbox shows beside the subject.
        footer: Markdown below every e-mail in this language.
        layout: The HTML page around it, with ``{{ body }}``, ``{{ footer }}``, ``{{ subject }}``
            and ``{{ preheader }}`` where those go.
        picture: What stands where the source has ``{{ timeline }}`` on a line of its own.

    Raises:
        TemplateError: When there is no heading.
        jinja2.TemplateSyntaxError: When Jinja cannot read it.
    """
    heading = _HEADING.match(source)
    if heading is None:
        message = "the first line must be the subject, written as a heading: # Your evening"
        raise TemplateError(message)
    subject, body = heading[1], source[heading.end() :]
    tags = _Tags()
    preview = _PREVIEW.match(body)
    body = body[preview.end() :] if preview else body
    body, pictures = _PICTURE.subn(f"\n{_PICTURE_WORD}\n" if picture else r"\g<0>", body)
    body_html, body_text = _both(tags.hide(body))
    footer_html, footer_text = _both(tags.hide(footer))
    first = _unquoted(tags.hide(preview[1])) if preview else _first_sentence(body_text)
    page = (
        layout.replace("{{ body }}", tags.unwrap_blocks(body_html))
        .replace("{{ footer }}", tags.unwrap_blocks(footer_html))
        .replace("{{ subject }}", escape(tags.hide(subject), quote=False))
        .replace("{{ preheader }}", escape(first, quote=False))
    )
    text = f"{body_text}\n\n{_SIGNATURE}{footer_text}"
    if picture and pictures:
        page = page.replace(_PICTURE_WORD, tags.hide_between(picture.html))
        text = text.replace(_PICTURE_WORD, picture.text)
    return EmailTemplate(
        subject=_text_env.from_string(subject),
        text=_text_env.from_string(tags.restore(text)),
        html=_html_env.from_string(tags.restore(_inline_css(tags.hide(page)))),
        pictured=bool(picture and pictures),
    )


def _both(markdown: str) -> tuple[str, str]:
    tokens = _markdown.parse(markdown)
    html = _markdown.renderer.render(tokens, _markdown.options, {})
    return html, plain_text(tokens)


def _inline_css(page: str) -> str:
    """Styles copied onto the elements. What stands before the doctype (Jinja's own) stays there."""
    start = max(page.lower().find("<!doctype"), 0)
    return page[:start] + _inliner.inline(page[start:])


def _unquoted(quote: str) -> str:
    """The words of a Markdown quote, on one line."""
    return " ".join(line.strip().removeprefix(">").strip() for line in quote.splitlines()).strip()


def _first_sentence(text: str) -> str:
    """The first paragraph that is more than a greeting, for the inbox to show.

    None when it depends on a condition: half a condition is no text, and a whole one may not hold.
    """
    paragraphs = [each.replace("\n", " ") for each in text.strip().split("\n\n")]
    first = next((each for each in paragraphs if not each.endswith((",", ":"))), "")
    return "" if "jinjablock" in first else first


class _Tags:
    """Hides Jinja tags behind words that Markdown, HTML and CSS leave alone."""

    def __init__(self) -> None:
        self._hidden: list[str] = []

    def hide(self, source: str) -> str:
        """Put a word in each tag's place; a tag on a line of its own becomes a block."""
        alone = _BLOCK_LINE.sub(r"\n\1\n", source)
        return _TAG.sub(self._word, alone)

    def _word(self, found: re.Match[str]) -> str:
        self._hidden.append(found[0])
        kind = "value" if found[0].startswith("{{") else "block"
        return f"jinja{kind}{len(self._hidden) - 1}x"

    def unwrap_blocks(self, html: str) -> str:
        """A paragraph that holds only block tags is none."""
        return re.sub(r"<p>((?:jinjablock\w+?x\s*)+)</p>", r"\1", html)

    def hide_between(self, source: str) -> str:
        """As :meth:`hide`, with block tags as comments: in a table other words would be put out."""
        hidden = _TAG.sub(self._word, source)
        return _BETWEEN.sub(lambda it: it[0] if it[0][0] == "<" else f"<!--{it[0]}-->", hidden)

    def restore(self, text: str) -> str:
        """Put every tag back."""
        return _WORD.sub(lambda found: self._hidden[int(found[1] or found[2])], text)
