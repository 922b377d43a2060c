"""Lint for everything a patient can read: faults found before a patient finds them.

It reads the templates folder and nothing else: no database, no clock; nothing is sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from worker.content.library import LAYOUT
from worker.content.lint.files import folder_findings, missing_translations
from worker.content.lint.finding import Finding, Severity, error
from worker.content.lint.languages import languages_of, unanswered, untranslated
from worker.content.lint.layout import LayoutFolder
from worker.content.lint.pages import unsubscribe_findings
from worker.content.lint.protocols import protocol_findings
from worker.content.lint.rendered import Rendered
from worker.content.lint.replies import reply_findings
from worker.content.lint.source import Source
from worker.content.samples import samples
from worker.errors import TemplateError
from worker.rules.contacts import is_language
from worker.rules.messages import Channel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from worker.content.library import Library
    from worker.content.samples import Sample
    from worker.rules.facts import Clinic
    from worker.rules.protocol import Milestone, Protocol

__all__ = ["Finding", "Severity", "lint"]

#: What is put into an e-mail before Jinja sees it.
_PICTURES = frozenset({"timeline"})
#: Faults of the layout with which no e-mail can be tried.
_STOP_EMAILS = frozenset({"unreadable", "undefined-name", "cannot-render"})


def lint(library: Library, clinics: Sequence[Clinic] = ()) -> list[Finding]:
    """Everything that is wrong in a templates folder: errors first, then by file and line.

    Args:
        library: The folder, as read.
        clinics: The clinics that are set up here: their names have to fit into the texts, and
            their languages have to be there.
    """
    names = _names_in_templates(library)
    shared = [*folder_findings(library, clinics), *LayoutFolder(library, names).findings()]
    found = [
        *protocol_findings(library),
        *shared,
        *missing_translations(library, clinics),
        *untranslated(library.folder, languages_of(library)),
        *unanswered(library.folder, languages_of(library)),
        *reply_findings(library),
        *unsubscribe_findings(library.folder),
        *_Messages(library, clinics, names, _Layout.of(shared, library)).findings(),
    ]
    return sorted(
        dict.fromkeys(found),
        key=lambda it: (it.severity is Severity.WARNING, it.file, it.line, it.rule),
    )


def _names_in_templates(library: Library) -> frozenset[str]:
    """Every value that a message's template is given."""
    for treatment, protocol in library.protocols.items():
        sample = samples(treatment, "en")[0]
        context = sample.context(protocol.milestones[0].name, "en", library.protocols)
        return frozenset(context) | _PICTURES
    return frozenset()


@dataclass(frozen=True, slots=True)
class _Layout:
    """What is wrong with the layout: told there, and not once more at every message."""

    shown: str
    errors: Sequence[Finding]

    @classmethod
    def of(cls, shared: Sequence[Finding], library: Library) -> _Layout:
        shown = library.shown(f"{LAYOUT}/")
        faults = [each for each in shared if each.file.startswith(shown)]
        return cls(shown, [each for each in faults if each.severity is Severity.ERROR])

    def stops_emails(self, language: str) -> bool:
        """Whether no e-mail of a language can be tried: something all of them share is broken."""
        return any(
            each.rule in _STOP_EMAILS and self._language(each) in {"", language}
            for each in self.errors
        )

    def tells(self, finding: Finding) -> bool:
        """Whether a message's fault is one of the layout's."""
        about = self.shown in finding.what or f"in the {LAYOUT} folder" in finding.what
        if finding.rule == "broken-html":
            return any(each.rule == "html" for each in self.errors)
        return about and bool(self.errors)

    def _language(self, finding: Finding) -> str:
        """Whose file it is; "" for what all languages share."""
        name = finding.file.removeprefix(self.shown).partition(".")[0]
        return name if is_language(name) else ""


@dataclass(frozen=True, slots=True)
class _Messages:
    """Every message of every treatment and language."""

    _library: Library
    _clinics: Sequence[Clinic]
    _names: frozenset[str]
    _layout: _Layout

    def findings(self) -> Iterator[Finding]:
        for treatment, protocol in sorted(self._library.protocols.items()):
            for language in filter(is_language, self._library.languages(treatment)):
                tried = samples(treatment, language, self._clinics)
                channels = {Channel.SMS} if self._layout.stops_emails(language) else set(Channel)
                for milestone in protocol.milestones:
                    for channel in channels.intersection(milestone.every_channel):
                        for each in self._message(protocol, milestone, channel, language, tried):
                            if not self._layout.tells(each):
                                yield each

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
        text = (self._library.folder / name).read_text(encoding="utf-8-sig", errors="replace")
        shown = self._library.shown(name)
        source = Source(shown, text, language, channel, self._names, restrictions)
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
