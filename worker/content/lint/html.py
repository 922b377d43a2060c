"""HTML that would break in a mail program or a browser."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from worker.content.lint.finding import Finding, error

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

#: Gmail hides what comes after this many bytes.
MOST_BYTES = 102_000
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source"}
    | {"track", "wbr"}
)
#: What a mail must not hold, each with what mail programs do about it.
IN_MAIL = {
    "script": "a script, which mail programs throw away, often with the whole mail",
    "form": "a form, which mail programs disarm; link to a page instead",
    "iframe": "a frame, which mail programs leave empty",
    "object": "an embedded object, which mail programs throw away",
    "embed": "an embedded object, which mail programs throw away",
}
#: What a page must not hold: its policy lets nothing run and nothing be fetched.
IN_PAGE = {
    "script": "a script, which the page's policy does not let run",
    "iframe": "a frame, which the page's policy does not let load",
    "object": "an embedded object, which the page's policy does not let load",
    "embed": "an embedded object, which the page's policy does not let load",
}
_OUT_OF_SIGHT = re.compile(
    r"<!--.*?-->|<style\b.*?</style>|<!doctype[^>]*>", re.DOTALL | re.IGNORECASE
)
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)((?:\"[^\"]*\"|'[^']*'|[^<>\"'])*?)(/?)>")
_JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
#: What a style sheet would fetch from an address that is not secure.
_FETCHED = re.compile(r"(?:url\(\s*['\"]?|@import\s+['\"])(http:[^'\")\s]*)", re.IGNORECASE)


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


def place_findings(source: str, file: str, places: Iterable[str]) -> Iterator[Finding]:
    """The page round every mail has to say where the mail's words go."""
    for place in places:
        if place not in source:
            yield error(
                "html",
                file,
                1,
                f"{place} is nowhere in it, so every mail would lack its {place[3:-3]}",
                f"write {place} where the {place[3:-3]} belongs",
            )


def page_findings(
    source: str, file: str, *, active: Mapping[str, str] = IN_MAIL
) -> Iterator[Finding]:
    """What is wrong with HTML that stands in a file of its own.

    Args:
        source: With its Jinja tags.
        file: As people see it.
        active: Elements that must not be there, each with why.
    """
    for found in _FETCHED.finditer(source):
        line = source.count("\n", 0, found.start()) + 1
        what = f'"{found[1]}" in a style is not secure'
        yield error("link", file, line, what, "write it with https://, or take it out")
    parser = _Page(file, active)
    parser.feed(_JINJA.sub(_keep_lines, source))
    parser.close()
    yield from parser.findings


def _keep_lines(found: re.Match[str]) -> str:
    return "https:" + "\n" * found[0].count("\n")


class _Page(HTMLParser):
    """Looks at each tag of a page where it stands."""

    def __init__(self, file: str, active: Mapping[str, str]) -> None:
        super().__init__()
        self.file = file
        self._active = active
        self.findings: list[Finding] = []
        self._open: list[tuple[str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Anything active, a picture without words, an insecure address."""
        values = dict(attrs)
        if tag not in _VOID:
            self._open.append((tag, self.getpos()[0]))
        if tag in self._active:
            self._note(f"there is {self._active[tag]}", f"take <{tag}> out")
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
