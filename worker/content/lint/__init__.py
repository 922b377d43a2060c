"""Lint for everything a patient can read: faults found before a patient finds them.

It reads the templates folder and nothing else: no database, no clock; nothing is sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.content.library import LAYOUT
from worker.content.lint.files import folder_findings, missing_translations
from worker.content.lint.finding import Finding, Severity, error
from worker.content.lint.html import layout_findings
from worker.content.lint.protocols import protocol_findings
from worker.content.lint.rendered import Rendered
from worker.content.lint.source import Source
from worker.content.samples import samples
from worker.errors import TemplateError
from worker.rules.contacts import is_language
from worker.rules.messages import Channel

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import timedelta

    from worker.content.library import Library
    from worker.content.samples import Sample
    from worker.rules.facts import Clinic
    from worker.rules.protocol import Milestone, Protocol

__all__ = ["Finding", "Severity", "lint"]

#: What is put into a page before Jinja sees it: into the layout, and into an e-mail.
_PLACES = frozenset({"body", "footer", "subject", "preheader"})
_PICTURES = frozenset({"timeline"})


def lint(library: Library, clinics: Sequence[Clinic] = ()) -> list[Finding]:
    """Everything that is wrong in a templates folder: errors first, then by file and line.

    Args:
        library: The folder, as read.
        clinics: The clinics that are set up here: their names have to fit into the texts, and
            their languages have to be there.
    """
    found = [
        *protocol_findings(library),
        *folder_findings(library, clinics),
        *missing_translations(library),
        *_Messages(library, clinics).findings(),
    ]
    return sorted(
        dict.fromkeys(found),
        key=lambda it: (it.severity is Severity.WARNING, it.file, it.line, it.rule),
    )


class _Messages:
    """Every message of every treatment and language, and the layout they share."""

    def __init__(self, library: Library, clinics: Sequence[Clinic]) -> None:
        self._library = library
        self._clinics = clinics
        self._names = self._names_in_templates()

    def findings(self) -> Iterator[Finding]:
        layout = list(self._layout())
        yield from layout
        is_readable = not any(each.rule in {"unreadable", "undefined-name"} for each in layout)
        for treatment, protocol in sorted(self._library.protocols.items()):
            for language in filter(is_language, self._library.languages(treatment)):
                tried = samples(treatment, language, self._clinics)
                for milestone in protocol.milestones:
                    for channel in milestone.every_channel:
                        if channel is Channel.SMS or is_readable:
                            yield from self._message(protocol, milestone, channel, language, tried)

    def _message(
        self,
        protocol: Protocol,
        milestone: Milestone,
        channel: Channel,
        language: str,
        tried: Sequence[Sample],
    ) -> Iterator[Finding]:
        name = self._library.name(protocol.treatment, language, milestone.name, channel)
        if not (self._library.folder / name).is_file():
            return
        restrictions = {
            each: (span.shortest + span.longest) / 2 for each, span in protocol.restrictions.items()
        }
        source = self._source(name, language, channel, restrictions=restrictions)
        faults = list(source.findings())
        yield from faults
        if {"unreadable", "undefined-name"} & {each.rule for each in faults}:
            return
        try:
            template = self._library.find(
                protocol.treatment, milestone.name, channel, wanted=language, fallback=language
            )
        except TemplateError as fault:
            what = str(fault).removeprefix(f"{source.file}: ")
            if f"in the {LAYOUT} folder" not in what:  # that is told once for all of them
                yield error("unreadable", source.file, 1, what, "mend it like a message that works")
            return
        first_sms = (
            next(each for each in protocol.milestones if Channel.SMS in each.channels)
            if channel is Channel.SMS
            else None
        )
        yield from Rendered(
            template=template,
            source=source,
            milestone=milestone,
            channel=channel,
            protocols=self._library.protocols,
            treatment=protocol.treatment,
            is_first_sms=milestone is first_sms,
        ).findings(tried)

    def _layout(self) -> Iterator[Finding]:
        folder = self._library.folder / LAYOUT
        if (folder / "email.html").is_file():
            page = self._source(f"{LAYOUT}/email.html", "en", None, more=_PLACES)
            yield from page.reading_findings()
            yield from layout_findings(page.text, page.file)
        languages = {
            each
            for treatment in self._library.protocols
            for each in self._library.languages(treatment)
        }
        for language in sorted(filter(is_language, languages)):
            name = f"{LAYOUT}/{language}.footer.md"
            if (self._library.folder / name).is_file():
                yield from self._source(name, language, None).findings()

    def _source(
        self,
        name: str,
        language: str,
        channel: Channel | None,
        *,
        restrictions: Mapping[str, timedelta] | None = None,
        more: frozenset[str] = frozenset(),
    ) -> Source:
        path = self._library.folder / name
        return Source(
            file=self._library.shown(name),
            text=path.read_text(encoding="utf-8-sig", errors="replace"),
            language=language,
            channel=channel,
            names=self._names | more,
            restrictions=restrictions or {},
        )

    def _names_in_templates(self) -> frozenset[str]:
        """Every value that a message's template is given."""
        protocols = self._library.protocols
        for treatment, protocol in protocols.items():
            sample = samples(treatment, "en")[0]
            context = sample.context(protocol.milestones[0].name, "en", protocols)
            return frozenset(context) | _PICTURES
        return frozenset()
