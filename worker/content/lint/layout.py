"""The layout folder: the page round every e-mail, its footers, the timeline's drawing."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from worker.content.language import environment
from worker.content.layout import read_layout
from worker.content.library import LAYOUT
from worker.content.lint.finding import Finding, Severity, error, warning
from worker.content.lint.html import page_findings, place_findings, unbalanced
from worker.content.lint.languages import languages_of
from worker.content.lint.layout_words import Words
from worker.content.lint.source import Source
from worker.content.samples import samples
from worker.content.timeline import Day, Row, Timetable, timetable
from worker.errors import TemplateError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from worker.content.library import Library

_PLACES = ("{{ body }}", "{{ footer }}")
#: What is put into the page before Jinja sees it.
_PLACED = frozenset({"body", "footer", "subject", "preheader"})
_DRAWINGS = ("timeline.html", "timeline.txt")


@dataclass(frozen=True, slots=True)
class LayoutFolder:
    """What all e-mails share; a fault here is told here, once, and not at every message."""

    library: Library
    #: Every value that a message's template is given.
    names: frozenset[str]

    def findings(self) -> Iterator[Finding]:
        """Everything that is wrong in it, but for files that are missing."""
        if (text := self._read("email.html")) is not None:
            page = self._source("email.html", text, more=_PLACED)
            yield from page.reading_findings()
            yield from place_findings(text, page.file, _PLACES)
            yield from page_findings(text, page.file)
        words: list[Finding] = []
        for language in languages_of(self.library):
            yield from self._footer(language)
            words += Words(self.library, language, self.names).findings()
        yield from words
        # Without its words the timeline cannot be tried.
        can_be_tried = not any(each.severity is Severity.ERROR for each in words)
        for name in _DRAWINGS:
            yield from self._drawing(name, tried=can_be_tried)

    def _footer(self, language: str) -> Iterator[Finding]:
        name = f"{language}.footer.md"
        text = self._read(name)
        if text is None:
            return
        footer = self._source(name, text, language)
        yield from footer.findings()
        last = len(text.rstrip().splitlines()) or 1
        if "unsubscribe_url" not in text:
            yield error(
                "no-unsubscribe",
                footer.file,
                last,
                "it has no {{ unsubscribe_url }}, so nobody could unsubscribe from the e-mail",
                "write {% if unsubscribe_url %}[unsubscribe here]({{ unsubscribe_url }}){% endif %}"
                " in it",
            )
        if "clinic.address" not in text:
            yield warning(
                "no-address",
                footer.file,
                last,
                "it has no {{ clinic.address }}, which laws ask for under an invitation to book",
                "write {{ clinic.address }} in it",
            )

    def _drawing(self, name: str, *, tried: bool) -> Iterator[Finding]:
        text = self._read(name)
        if text is None:
            return
        is_html = name.endswith(".html")
        source = self._source(name, text, more=frozenset({"timetable"}))
        faults = [
            *(source.reading_findings() if is_html else source.findings()),
            *(page_findings(text, source.file) if is_html else ()),
        ]
        yield from faults
        if tried and not faults:
            yield from self._filled_in(text, source.file, is_html=is_html)

    def _filled_in(self, text: str, file: str, *, is_html: bool) -> Iterator[Finding]:
        """The first fault that shows when it is drawn for samples."""
        template = environment(html=is_html, trim=not is_html).from_string(text)
        for context in self._timetables():
            try:
                drawn = template.render(context)
            except Exception as fault:  # noqa: BLE001 (a template is the clinic's code)
                what = f"it cannot be drawn: {fault}"
                advice = "compare it with the file that came with Aftercare"
                yield error("cannot-render", file, _line_of(fault), what, advice)
                return
            if is_html and (tag := unbalanced(drawn)):
                what = f"its HTML breaks at <{tag}>"
                yield error("html", file, 1, what, "close every tag in the branch that opens it")
                return

    def _timetables(self) -> Iterator[Mapping[str, Any]]:
        """Every treatment's timeline, before anything is allowed and after everything is."""
        library = self.library
        for language in languages_of(self.library):
            try:
                layout = read_layout(library.folder / LAYOUT, language)
            except (TemplateError, OSError):
                continue  # told where it is wrong
            for treatment, protocol in library.protocols.items():
                sample = samples(treatment, language)[0]
                for milestone in (protocol.milestones[0], protocol.milestones[-1]):
                    context = sample.context(milestone.name, language, library.protocols)
                    shown = timetable(context, layout, tuple(protocol.restrictions))
                    yield {**context, "timetable": shown}

    def _read(self, name: str) -> str | None:
        path = self.library.folder / LAYOUT / name
        return path.read_text(encoding="utf-8-sig", errors="replace") if path.is_file() else None

    def _source(
        self, name: str, text: str, language: str = "en", *, more: frozenset[str] = frozenset()
    ) -> Source:
        return Source(
            file=self.library.shown(f"{LAYOUT}/{name}"),
            text=text,
            language=language,
            channel=None,
            names=self.names | more,
            restrictions={},
            objects={
                "timetable": _fields(Timetable),
                "day": _fields(Day),
                "row": _fields(Row),
            },
        )


def _fields(of: type[Day | Row | Timetable]) -> frozenset[str]:
    return frozenset(each.name for each in fields(of))


def _line_of(fault: Exception) -> int:
    """Where in the template it happened, as Jinja tells it."""
    frames = traceback.extract_tb(fault.__traceback__)
    return next((each.lineno or 1 for each in reversed(frames) if each.name == _JINJA_FRAME), 1)


#: What Jinja calls a template's own code in a traceback.
_JINJA_FRAME = "top-level template code"
