"""HTML that would break in a mail program."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from worker.content.lint.finding import Finding, error

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Gmail hides what comes after this many bytes.
MOST_BYTES = 102_000
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source"}
    | {"track", "wbr"}
)
_ACTIVE = {
    "script": "a script, which mail programs throw away, often with the whole mail",
    "form": "a form, which mail programs disarm; link to a page instead",
    "iframe": "a frame, which mail programs leave empty",
    "object": "an embedded object, which mail programs throw away",
    "embed": "an embedded object, which mail programs throw away",
}
_OUT_OF_SIGHT = re.compile(
    r"<!--.*?-->|<style\b.*?</style>|<!doctype[^>]*>", re.DOTALL | re.IGNORECASE
)
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)((?:\"[^\"]*\"|'[^']*'|[^<>\"'])*?)(/?)>")
_JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_PLACES = ("{{ body }}", "{{ footer }}")


def unbalanced(html: str) -> str:
    """The first tag that is not closed, or closed where it was not open; empty when all is well."""
    open_tags: list[str] = []
    for closes, name, _, closed in _TAG.findall(_OUT_OF_SIGHT.sub("", html)):
        tag = name.lower()
        if tag in _VOID or closed:
            continue
        if not closes:
            open_tags.append(tag)
        elif open_tags and open_tags[-1] == tag:
            open_tags.pop()
        else:
            return open_tags[-1] if open_tags else tag
    return open_tags[-1] if open_tags else ""


def layout_findings(source: str, file: str) -> Iterator[Finding]:
    """What is wrong with the page around every mail."""
    for place in _PLACES:
        if place not in source:
            yield error(
                "html",
                file,
                1,
                f"{place} is nowhere in it, so every mail would lack its {place[3:-3]}",
                f"write {place} where the {place[3:-3]} belongs",
            )
    parser = _Layout(file)
    parser.feed(_JINJA.sub(_keep_lines, source))
    parser.close()
    yield from parser.findings


def _keep_lines(found: re.Match[str]) -> str:
    return "https:" + "\n" * found[0].count("\n")


class _Layout(HTMLParser):
    """Looks at each tag of the layout where it stands."""

    def __init__(self, file: str) -> None:
        super().__init__()
        self.file = file
        self.findings: list[Finding] = []
        self._open: list[tuple[str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Anything active, a picture without words, an insecure address."""
        values = dict(attrs)
        if tag not in _VOID:
            self._open.append((tag, self.getpos()[0]))
        if tag in _ACTIVE:
            self._note(f"there is {_ACTIVE[tag]}", f"take <{tag}> out")
        if tag == "img" and values.get("alt") is None:
            self._note("the picture has no words for those who do not see it", 'add alt="…"')
        for name in ("href", "src", "background", "action"):
            target = values.get(name) or "https:"
            if not target.startswith(("https:", "mailto:", "tel:", "#", "cid:", "data:image/")):
                self._note(f'"{target}" is not a secure link', "write it with https://")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """``<td />`` opens nothing."""
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        """A tag that closes another than the last one opened."""
        if tag in _VOID:
            return
        if self._open and self._open[-1][0] == tag:
            self._open.pop()
        elif any(tag == each for each, _ in self._open):
            while self._open[-1][0] != tag:
                self._not_closed(*self._open.pop())
            self._open.pop()
        else:
            self._note(f"</{tag}> closes nothing", "take it out, or look for what it should close")

    def close(self) -> None:
        """What is still open at the end."""
        super().close()
        for tag, line in self._open:
            self._not_closed(tag, line)

    def _not_closed(self, tag: str, line: int) -> None:
        what, advice = f"<{tag}> is not closed", f"write </{tag}> where it ends"
        self.findings.append(error("html", self.file, line, what, advice))

    def _note(self, what: str, advice: str) -> None:
        self.findings.append(error("html", self.file, self.getpos()[0], what, advice))
