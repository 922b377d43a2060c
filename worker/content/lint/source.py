"""What a template's source gives away, before anything is filled in: each fault with its line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import TYPE_CHECKING

from jinja2 import TemplateSyntaxError, nodes

from worker.content.context import ClinicWords
from worker.content.language import environment
from worker.content.lint.dates import typed_dates
from worker.content.lint.finding import Finding, error, warning
from worker.rules.messages import Channel
from worker.rules.sms import outside_gsm, use_gsm_look_alikes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import timedelta

_env = environment(html=False)
_TARGET = re.compile(r"\]\(\s*<?([^)\s>]*)|^\[[^\]]+\]:\s*<?(\S+)", re.MULTILINE)
_ALLOWED = ("https://", "mailto:", "tel:", "{{")
_HTTP = re.compile(r"http://\S*", re.IGNORECASE)
_WWW = re.compile(r"(?<![/\w.])www\.\S+", re.IGNORECASE)
_IMAGE_WITHOUT_WORDS = re.compile(r"!\[\s*\]\(")
_HTML = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]*)(?:\s[^<>]*)?/?>")
_CLINIC = frozenset(field.name for field in fields(ClinicWords))
#: Values that are moments; printed as they are they read "2026-11-26 15:00:00+01:00".
_MOMENTS = frozenset({"completed_at", "due_at", "next_session_at", "end"})
_GUARDS = frozenset({"defined", "undefined"})


@dataclass(frozen=True, slots=True)
class Source:
    """A template as its author wrote it, and what holds where it stands."""

    #: As people see it.
    file: str
    text: str
    language: str
    #: None for a footer.
    channel: Channel | None
    #: Every name it may use.
    names: frozenset[str]
    #: The protocol's restrictions; a footer stands under every treatment's mails and has none.
    restrictions: Mapping[str, timedelta]
    #: What else it may ask for behind a dot, by the name before it: ``timetable.days``.
    objects: Mapping[str, frozenset[str]] = field(default_factory=dict)
    #: What a restriction's end is called here; "" where each has a name of its own.
    end: str = ""

    def findings(self) -> Iterator[Finding]:
        """Everything that is wrong with it."""
        faults = list(self.reading_findings())
        yield from faults
        if any(each.rule == "unreadable" for each in faults):
            return
        yield from self._links()
        for line, words in self.literals():
            yield from self._words(line, words)

    def reading_findings(self) -> Iterator[Finding]:
        """What Jinja cannot read, and names that are not there."""
        try:
            tree = _env.parse(self.text)
            _env.compile(_env.parse(self.text))
        except TemplateSyntaxError as fault:
            yield self._unreadable(fault)
            return
        yield from self._names(tree)
        yield from self._bare_moments(tree)

    def line_of(self, words: str) -> int:
        """The first line that says this, or 1."""
        lowered = words.casefold()
        lines = self.text.casefold().splitlines()
        return next((at for at, line in enumerate(lines, 1) if lowered in line), 1)

    def _unreadable(self, fault: TemplateSyntaxError) -> Finding:
        return error(
            "unreadable",
            self.file,
            fault.lineno,
            f"{(fault.message or 'it cannot be read').rstrip('.')}",
            "compare its braces and tags with a message that works: {{ value }}, {% if … %}, "
            "{% endif %}",
        )

    def _names(self, tree: nodes.Template) -> Iterator[Finding]:
        """Names that are not there; those that the template sets itself are."""
        own = {each.name for each in tree.find_all(nodes.Name) if each.ctx != "load"}
        known = self.names | own | set(_env.globals)
        asked_for = {
            self._dotted(test.node) for test in tree.find_all(nodes.Test) if test.name in _GUARDS
        }
        for name in tree.find_all(nodes.Name):
            if name.name not in known | asked_for:
                yield self._undefined(name.lineno, name.name, name.name, known)
        for part in tree.find_all((nodes.Getattr, nodes.Getitem)):
            parts = self._parts(part)
            if parts is not None and self._dotted(part) not in asked_for:
                whole, attribute, there = parts
                if attribute not in there:
                    yield self._undefined(part.lineno, f"{whole}.{attribute}", attribute, there)

    def _dotted(self, node: nodes.Node) -> str:
        parts = self._parts(node)
        return f"{parts[0]}.{parts[1]}" if parts else str(getattr(node, "name", ""))

    def _parts(self, part: nodes.Node) -> tuple[str, str, frozenset[str]] | None:
        """``clinic.phone`` as its two names and what there is; None for anything else."""
        whole = getattr(part, "node", None)
        attribute = getattr(part, "attr", None) or getattr(getattr(part, "arg", None), "value", 0)
        if not isinstance(whole, nodes.Name) or not isinstance(attribute, str):
            return None
        known = {"clinic": _CLINIC, **self.objects}
        if self.restrictions:
            known["ends"] = frozenset(self.restrictions)
        there = known.get(whole.name)
        return None if there is None else (whole.name, attribute, there)

    def _undefined(
        self, line: int, name: str, last: str, there: frozenset[str] | set[str]
    ) -> Finding:
        near = get_close_matches(last, sorted(there), n=1)
        hint = f"did you mean {name.removesuffix(last)}{near[0]}?" if near else ""
        listed = ", ".join(sorted(there - {"range", "dict", "lipsum", "cycler", "joiner"}))
        return error(
            "undefined-name",
            self.file,
            line,
            f'there is no value called "{name}"',
            hint or f"there are: {listed.replace('namespace, ', '')}",
        )

    def _bare_moments(self, tree: nodes.Template) -> Iterator[Finding]:
        for output in tree.find_all(nodes.Output):
            for value in output.nodes:
                name = getattr(value, "name", "")
                parts = self._parts(value)
                if (isinstance(value, nodes.Name) and name in _MOMENTS) or (
                    parts and parts[0] == "ends"
                ):
                    shown = f"{parts[0]}.{parts[1]}" if parts else name
                    yield error(
                        "bare-moment",
                        self.file,
                        value.lineno,
                        f"{{{{ {shown} }}}} would print like 2026-11-26 15:00:00+01:00",
                        f"write {{{{ {shown} | moment }}}}, or day or clock instead of moment",
                    )

    def literals(self) -> Iterator[tuple[int, str]]:
        """What stands outside of Jinja's tags, line by line."""
        for line, kind, value in _env.lex(self.text):
            if kind == "data":
                for offset, words in enumerate(value.split("\n")):
                    yield line + offset, words

    def _links(self) -> Iterator[Finding]:
        for found in _TARGET.finditer(self.text) if self.channel is not Channel.SMS else ():
            target = found[1] if found[1] is not None else found[2]
            if not target.casefold().startswith((*_ALLOWED, "http://")):
                yield error(
                    "link",
                    self.file,
                    self._line_at(found.start()),
                    f'the link to "{target}" leads nowhere from a mail',
                    "write the whole address, beginning with https:// (or tel: or mailto:)",
                )
        for found in _IMAGE_WITHOUT_WORDS.finditer(self.text):
            yield error(
                "image",
                self.file,
                self._line_at(found.start()),
                "the picture has no words for those who do not see it",
                "write what it shows between the brackets: ![A cool gel](https://…)",
            )

    def _line_at(self, position: int) -> int:
        return self.text.count("\n", 0, position) + 1

    def _words(self, line: int, words: str) -> Iterator[Finding]:
        for found in _HTTP.finditer(words):
            shown = found[0].rstrip(").,>")
            advice = "write it with https://"
            yield error("link", self.file, line, f"{shown} is not a secure link", advice)
        for found in _WWW.finditer(words):
            what = f"{found[0].rstrip(').,')} opens as a link that is not secure"
            yield error("link", self.file, line, what, "write https:// in front of it")
        yield from self._html(line, words)
        yield from self._dates(line, words)
        if self.channel is Channel.SMS:
            yield from self._letters(line, words)

    def _html(self, line: int, words: str) -> Iterator[Finding]:
        for found in _HTML.finditer(words):
            yield error(
                "html",
                self.file,
                line,
                f"patients would read {found[0]} as it stands here",
                "take it out; for bold write **so**"
                if self.channel is not Channel.SMS
                else "take it out; a text message has no layout",
            )

    def _dates(self, line: int, words: str) -> Iterator[Finding]:
        for found in typed_dates(words, self.language, self.restrictions.values()):
            finding = warning if found.rough else error
            name = self.end or f"ends.{next(iter(self.restrictions), 'exercise')}"
            yield finding(
                "typed-date",
                self.file,
                line,
                f'"{found.words.strip()}" is typed by hand, and stays when the protocol changes',
                f"let Aftercare work it out: {{{{ {name} | moment }}}} is a day and time, "
                f"{{{{ {name} | day }}}} a day",
            )

    def _letters(self, line: int, words: str) -> Iterator[Finding]:
        if letters := outside_gsm(use_gsm_look_alikes(words)):
            shown = " ".join(letters)
            yield warning(
                "dear-letter",
                self.file,
                line,
                f"because of {shown} a text of this message holds 70 characters instead of 160",
                "choose another word or spelling if you can",
            )
