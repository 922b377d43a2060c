"""The folder ``pages``: what opens when a patient follows "unsubscribe" in an e-mail."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from worker.content.lint.finding import Finding, Severity, error
from worker.content.lint.html import IN_PAGE, page_findings
from worker.content.lint.source import Source
from worker.content.lint.toml import line_of_fault, line_of_key
from worker.content.pages import FAULTS, FOLDER, Button, render
from worker.content.samples import CLINIC
from worker.errors import describe
from worker.resources import TEMPLATES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: What the words may say, and what the frame gets beside them.
_WORDS = frozenset({"clinic", "phone", "tel", "colour"})
_FRAME = _WORDS | {"language", "nonce", "heading", "paragraphs", "buttons", "contact"}
#: Here the clinic is a name and nothing else.
_PLAIN = {"clinic": frozenset[str]()}
_BUTTONS = ("all", "invitations")
_ADVICE = "until it is mended the page that came with Aftercare is shown"


def unsubscribe_findings(root: Path) -> Iterator[Finding]:
    """What is wrong with the clinic's own pages; without any, the shipped ones are used."""
    folder = root / FOLDER
    if not folder.is_dir():
        return
    files = [_Words(root, path) for path in sorted(folder.glob("*.toml"))]
    faults = [*_frame(root), *(each for file in files for each in file.findings())]
    yield from faults
    if not any(each.severity is Severity.ERROR for each in faults):
        for file in files:
            yield from file.trial()


def _frame(root: Path) -> Iterator[Finding]:
    path = root / FOLDER / "unsubscribe.html"
    shown = f"{root.name}/{FOLDER}/{path.name}"
    if not path.is_file():
        advice = "copy it from the templates that came with Aftercare, or remove the folder"
        yield error("missing", shown, 0, "is missing, so these pages are not used", advice)
        return
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    yield from Source(shown, text, "en", None, _FRAME, {}, _PLAIN).reading_findings()
    yield from page_findings(text, shown, active=IN_PAGE)


@dataclass(frozen=True, slots=True)
class _Words:
    """The pages' words in one language."""

    root: Path
    path: Path

    def findings(self) -> Iterator[Finding]:
        """What cannot be read, what is missing, and each text's own faults."""
        text = self.path.read_text(encoding="utf-8-sig", errors="replace")
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as fault:
            yield self._error("unreadable", line_of_fault(text, str(fault)), f"{fault}")
            return
        shipped = tomllib.loads((TEMPLATES / FOLDER / "en.toml").read_text(encoding="utf-8"))
        for page, words in shipped.items():
            for key in words:
                if key not in data.get(page, {}):
                    line = line_of_key(text, page, key)
                    yield self._error("missing", line, f"{page}.{key} is missing")
        for page, words in data.items():
            yield from self._of_page(text, page, words)

    def _of_page(self, text: str, page: str, words: Any) -> Iterator[Finding]:  # noqa: ANN401 (TOML)
        if not isinstance(words, dict):
            return
        for key, value in words.items():
            line = line_of_key(text, page, key)
            for each in value if isinstance(value, list) else [value]:
                source = Source(self._shown, str(each), self.path.stem, None, _WORDS, {}, _PLAIN)
                for finding in source.findings():
                    yield replace(finding, line=line)

    def trial(self) -> Iterator[Finding]:
        """The first page that cannot be made."""
        pages = tomllib.loads(self.path.read_text(encoding="utf-8-sig"))
        for page in pages.keys() - {"common"}:
            buttons = [Button(each, each) for each in _BUTTONS if each in pages[page]]
            try:
                render(self.path.parent, page, [self.path.stem], CLINIC, buttons, "nonce")
            except FAULTS as fault:
                yield self._error("cannot-render", 1, f"{page} cannot be made ({describe(fault)})")
                return

    def _error(self, rule: str, line: int, what: str) -> Finding:
        return error(rule, self._shown, line, what, _ADVICE)

    @property
    def _shown(self) -> str:
        return f"{self.root.name}/{FOLDER}/{self.path.name}"
