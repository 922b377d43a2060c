"""A language's words for the timeline and the calendar: ``layout/en.toml``."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from worker.content.layout import parse_words
from worker.content.library import LAYOUT
from worker.content.lint.finding import Finding, error
from worker.content.lint.rendered import SPF, SUN, any_of, fold
from worker.content.lint.source import Source
from worker.content.lint.toml import line_of_fault, line_of_key
from worker.errors import TemplateError
from worker.rules.messages import Channel

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from worker.content.library import Library
    from worker.rules.protocol import Protocol

#: The texts that are filled in, by their key, each with what it may say beside a message's values.
_FILLED_IN = {
    "today": frozenset({"day"}),
    "note": frozenset[str](),
    "wait": frozenset({"end"}),
    "allowed": frozenset({"end"}),
}
_TIMELINE = re.compile(r"\{\{-?\s*timeline\s*-?\}\}")

#: A key's whole path in the file.
_Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """One language's file, with the treatments that use it."""

    library: Library
    language: str
    #: Every value that a message's template is given.
    names: frozenset[str]

    def findings(self) -> Iterator[Finding]:
        """Everything that is wrong in it; nothing when it is missing, which is told elsewhere."""
        if not self._path.is_file():
            return
        text = self._path.read_text(encoding="utf-8-sig", errors="replace")
        try:
            parse_words(text, self._file)
        except TemplateError as fault:
            for problem in str(fault).splitlines():
                what = problem.removeprefix(f"{self._file}: ")
                line, advice = line_of_fault(text, what), "compare it with the shipped en.toml"
                yield error("unreadable", self._file, line, what, advice)
            return
        data = tomllib.loads(text)
        for path, words in _texts(data):
            line = line_of_key(text, *path)
            yield from self._of(path, words, line)
        yield from self._missing(data, text)

    @property
    def _path(self) -> Path:
        return self.library.folder / LAYOUT / f"{self.language}.toml"

    @property
    def _file(self) -> str:
        return self.library.shown(f"{LAYOUT}/{self.language}.toml")

    def _of(self, path: _Path, words: str, line: int) -> Iterator[Finding]:
        """One text of the file."""
        more = _FILLED_IN.get(path[-1])
        if more is None and "{" in words:
            what = f"{path[-1]} is not filled in, so patients would read its braces as they stand"
            yield error("not-filled-in", self._file, line, what, "say it without a value")
            return
        restrictions = {
            name: (span.shortest + span.longest) / 2
            for protocol in self.library.protocols.values()
            for name, span in protocol.restrictions.items()
        }
        source = Source(
            file=self._file,
            text=words,
            language=self.language,
            channel=None,
            names=self.names | (more or frozenset()),
            restrictions=restrictions,
            end="end",
        )
        for finding in source.findings():
            yield replace(finding, line=line + finding.line - 1)
        yield from self._is_careful(path, words, line)

    def _is_careful(self, path: _Path, words: str, line: int) -> Iterator[Finding]:
        """The sun only with SPF, and nothing private in a calendar that others may look at."""
        key, about = path[-1], path[-2]
        if key in {"allowed", "again"} and SUN.search(about) and not SPF.search(words):
            what = f"{about}.{key} allows the sun again without a word about SPF"
            advice = "say that the sun is allowed only with SPF 30+"
            yield error("no-spf", self._file, line, what, advice)
        if key not in {"again", "booked", "due"}:
            return
        for protocol in self.library.protocols.values():
            private = any_of((*protocol.private_words, protocol.title))
            found = private.search(fold(words)) if _uses(protocol, about) else None
            if found:
                yield error(
                    "private-word",
                    self._file,
                    line,
                    f'the calendar would show "{found[0]}" to whoever looks at it',
                    f"say {key} in other words",
                )
                return

    def _missing(self, data: Mapping[str, Any], text: str) -> Iterator[Finding]:
        """Restrictions that a message shows and the file has no words for."""
        told = data["restrictions"]
        for protocol in self.library.protocols.values():
            if not self._shows_restrictions(protocol):
                continue
            for name in sorted(protocol.restrictions.keys() - told.keys()):
                yield error(
                    "missing",
                    self._file,
                    line_of_key(text, "restrictions", name),
                    f"there are no words for the restriction {name} of {protocol.treatment}",
                    f"add [restrictions.{name}] with name, wait, allowed and again",
                )

    def _shows_restrictions(self, protocol: Protocol) -> bool:
        """Whether an e-mail of the treatment has a calendar or the timeline."""
        folder = self.library.folder / protocol.treatment / self.language
        mails = {
            each: folder / f"{each.name}.email.md"
            for each in protocol.milestones
            if Channel.EMAIL in each.every_channel
        }
        return any(
            milestone.calendar or _TIMELINE.search(path.read_text("utf-8-sig", errors="replace"))
            for milestone, path in mails.items()
            if path.is_file()
        )


def _uses(protocol: Protocol, about: str) -> bool:
    """Whether the treatment's calendar shows a title: of the visit, or of this restriction."""
    has_calendar = any(each.calendar for each in protocol.milestones)
    return has_calendar and (about == "calendar" or about in protocol.restrictions)


def _texts(data: Mapping[str, Any], path: _Path = ()) -> Iterator[tuple[_Path, str]]:
    for key, value in data.items():
        if isinstance(value, dict):
            yield from _texts(value, (*path, key))
        else:
            yield (*path, key), value
