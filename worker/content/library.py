"""The templates folder, read, compiled and watched for edits.

One faulty file never stops the others: what can be used is used, and every fault is kept with the
file's name and what to do about it.
"""

from __future__ import annotations

import copy
import hashlib
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import TemplateError as JinjaError
from jinja2 import TemplateSyntaxError

from worker.content.calendar import calendar_maker
from worker.content.email import EmailTemplate, Picture, compile_email
from worker.content.layout import read_layout
from worker.content.sms import SmsTemplate, compile_sms
from worker.content.timeline import timetable
from worker.errors import TemplateError
from worker.rules.messages import Channel, Words
from worker.rules.protocol import Milestone, Protocol, ProtocolError, parse_protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

# An edit costs the compiling of what was edited; a copy of the folder costs none at all.
_compile_sms = lru_cache(maxsize=512)(compile_sms)
_compile_email = lru_cache(maxsize=512)(compile_email)

SUFFIX = {Channel.SMS: ".sms.txt", Channel.EMAIL: ".email.md"}
#: What patients' words are made from; a picture or an editor's backup beside it changes no version.
_SOURCES = frozenset({".toml", ".txt", ".md", ".html", ".css", ".svg"})
#: Stands round every treatment's messages.
LAYOUT = "layout"


@dataclass(frozen=True, slots=True)
class Template:
    """One message's template in one language, ready to be filled in."""

    file: str
    language: str
    #: What a message is made from: the treatment's version (what ``aftercare approve`` signs off),
    #: a dash, and a digest of just those files that make this message's words.
    version: str
    compiled: EmailTemplate | SmsTemplate

    @property
    def digest(self) -> str:
        """Changes when this template or what stands round it does, and only then."""
        return self.version.partition("-")[2]

    def render(self, context: Mapping[str, Any]) -> Words:
        """The words for one patient.

        Raises:
            TemplateError: When it says something that the context does not have; names the file.
        """
        try:
            return self.compiled.render(context)
        except Exception as error:  # noqa: BLE001 (a template is the clinic's code)
            raise TemplateError(_explain(self.file, error)) from None


class Library:
    """Every treatment's protocol and templates under one folder, as last read.

    Safe to use from several threads: :meth:`refresh` reads everything anew and then puts it in
    place at once.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._seen: frozenset[tuple[str, int, int]] = frozenset()
        self._shelf = _Shelf(folder)
        self.refresh()

    @property
    def protocols(self) -> Mapping[str, Protocol]:
        """The protocols that can be used, by treatment."""
        return self._shelf.protocols

    @property
    def problems(self) -> Mapping[str, str]:
        """What cannot be used and why, by file."""
        return self._shelf.problems

    def faults(self) -> list[str]:
        """What staff should know of: what cannot be used, and what goes out in another language."""
        return [
            *sorted(self.problems.values()),
            *(
                f"{file} is missing; patients of this language get the clinic's language instead"
                if self.has_translation(file)
                else f"{file} is missing, in every other language too, so its message waits"
                for file in self.missing_translations()
            ),
        ]

    @property
    def versions(self) -> Mapping[str, str]:
        """The version of each treatment: of everything that makes its messages."""
        return {name: version_of(files) for name, files in self._shelf.contents.items()}

    def contents(self, treatment: str) -> Mapping[str, str]:
        """The files that a treatment's messages are made from, as they were read, by path."""
        return self._shelf.contents[treatment]

    def pinned(self) -> Library:
        """This very reading of the folder: what is checked against it is what is rendered."""
        return copy.copy(self)

    @property
    def treatments(self) -> frozenset[str]:
        """Every folder with a protocol, usable or not: a fault there is no unknown treatment."""
        return frozenset(path.parent.name for path in self.folder.glob("*/protocol.toml"))

    def refresh(self) -> bool:
        """Read the folder again if a file in it changed; returns whether one did."""
        files = [path for path in sorted(self.folder.rglob("*")) if path.is_file()]
        stats = [(path, path.stat()) for path in files]
        seen = frozenset((str(path), stat.st_mtime_ns, stat.st_size) for path, stat in stats)
        if seen == self._seen:
            return False
        shelf = _Shelf(self.folder)
        shelf.fill(sorted(self.treatments))
        self._seen, self._shelf = seen, shelf
        return True

    def find(
        self, treatment: str, milestone: str, channel: Channel, *, wanted: str, fallback: str
    ) -> Template:
        """The template of a message, in the patient's language or else the clinic's.

        Raises:
            TemplateError: When it is missing or faulty; names the file.
        """
        shelf = self._shelf
        name = _name(treatment, wanted, milestone, channel)
        if name not in shelf.templates:
            name = _name(treatment, fallback, milestone, channel)
        found = shelf.templates.get(name)
        if isinstance(found, TemplateError):
            raise found
        if found is None:
            message = f"{shelf.shown(name)} is missing"
            raise TemplateError(message)
        return found

    def languages(self, treatment: str) -> list[str]:
        """The languages that a usable treatment has a folder for."""
        return self._shelf.languages(treatment)

    def name(self, treatment: str, language: str, milestone: str, channel: Channel) -> str:
        """Where a message's template lies, from the folder."""
        return _name(treatment, language, milestone, channel)

    def shown(self, name: str) -> str:
        """How to name a file of the folder to people."""
        return self._shelf.shown(name)

    def missing_translations(self) -> list[str]:
        """Templates that one language of a treatment should have and does not."""
        shelf = self._shelf
        return [
            shelf.shown(name)
            for treatment, protocol in shelf.protocols.items()
            for language in shelf.languages(treatment)
            for milestone in protocol.milestones
            for channel in milestone.every_channel
            if (name := _name(treatment, language, milestone.name, channel)) not in shelf.templates
        ]

    def has_translation(self, shown: str) -> bool:
        """Whether a message that one language lacks is there in another."""
        treatment, _, name = shown.removeprefix(self.shown("")).split("/")
        return any((self.folder / treatment).glob(f"*/{name}"))


class _Shelf:
    """One reading of the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.protocols: dict[str, Protocol] = {}
        self.problems: dict[str, str] = {}
        self.templates: dict[str, Template | TemplateError] = {}
        #: By treatment: the text of each file that its messages are made from.
        self.contents: dict[str, dict[str, str]] = {}
        self._read: dict[Path, bytes] = {}

    def fill(self, treatments: Iterable[str]) -> None:
        """Read every protocol, then compile every template that it asks for."""
        for treatment in treatments:
            self._read_contents(treatment)
            self._read_protocol(treatment)
        for treatment, protocol in self.protocols.items():
            for language in self.languages(treatment):
                for milestone in protocol.milestones:
                    for channel in milestone.every_channel:
                        name = _name(treatment, language, milestone.name, channel)
                        self._compile(name, channel, language, protocol, milestone)

    def languages(self, treatment: str) -> list[str]:
        """The languages that a treatment has a folder for."""
        folders = (path for path in (self._folder / treatment).iterdir() if path.is_dir())
        return sorted(path.name for path in folders if not path.name.startswith("."))

    def shown(self, name: str) -> str:
        """How to name a file to people."""
        return f"{self._folder.name}/{name}"

    def _read_contents(self, treatment: str) -> None:
        found = self.contents[treatment] = {}
        for folder in (self._folder / treatment, self._folder / LAYOUT):
            for path in sorted(folder.rglob("*")):
                name = path.relative_to(self._folder).as_posix()
                if path.suffix not in _SOURCES or path.name.startswith(".") or not path.is_file():
                    continue
                try:
                    found[name] = self._text(path, errors="replace")
                except OSError as error:
                    problem = f"{self.shown(name)}: cannot be read ({type(error).__name__})"
                    self.problems[self.shown(name)] = problem

    def _text(self, path: Path, *, errors: str = "strict") -> str:
        """A file's text, without what only an editor or an operating system put in.

        Every file is read once: the version is that of the very text that is compiled.
        """
        if path not in self._read:
            self._read[path] = path.read_bytes()
        text = self._read[path].decode("utf-8-sig", errors)
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def _read_protocol(self, treatment: str) -> None:
        path = self._folder / treatment / "protocol.toml"
        shown = self.shown(f"{treatment}/protocol.toml")
        try:
            text = self._text(path)
            self.protocols[treatment] = parse_protocol(text, treatment=treatment, file=shown)
        except ProtocolError as error:
            self.problems[shown] = str(error)
        except (OSError, UnicodeDecodeError) as error:
            self.problems[shown] = f"{shown}: cannot be read ({type(error).__name__})"

    def _compile(
        self,
        name: str,
        channel: Channel,
        language: str,
        protocol: Protocol,
        milestone: Milestone,
    ) -> None:
        path = self._folder / name
        if not path.is_file():
            return
        try:
            source = self._text(path)
            compiled = (
                _compile_sms(source)
                if channel is Channel.SMS
                else self._email(source, language, protocol, milestone)
            )
            own = {"template": source}
            if channel is Channel.EMAIL:
                own |= {"protocol": protocol.version, **self._round_emails(protocol, language)}
            treatment_version = version_of(self.contents[protocol.treatment])
            version = f"{treatment_version}-{version_of(own)[:8]}"
            self.templates[name] = Template(self.shown(name), language, version, compiled)
        except (TemplateError, JinjaError, OSError, UnicodeDecodeError) as error:
            problem = _explain(self.shown(name), error)
            self.problems[self.shown(name)] = problem
            self.templates[name] = TemplateError(problem)

    def _email(
        self, source: str, language: str, protocol: Protocol, milestone: Milestone
    ) -> EmailTemplate:
        layout = read_layout(self._folder / LAYOUT, language, read_file=self._text)
        compiled = _compile_email(
            source,
            footer=layout.footer,
            layout=layout.page,
            picture=Picture(layout.picture, layout.picture_text),
        )
        return replace(
            compiled,
            timetable=partial(timetable, layout=layout, names=tuple(protocol.restrictions)),
            calendar=calendar_maker(protocol, layout) if milestone.calendar else None,
        )

    def _round_emails(self, protocol: Protocol, language: str) -> dict[str, str]:
        """What stands round every e-mail in a language: all of the layout but other languages'."""
        others = {each for each in self.languages(protocol.treatment) if each != language}
        return {
            name: text
            for name, text in self.contents[protocol.treatment].items()
            if name.startswith(f"{LAYOUT}/")
            and name.removeprefix(f"{LAYOUT}/").partition(".")[0] not in others
        }


def version_of(files: Mapping[str, str]) -> str:
    """A short digest of texts by name: the same on every machine, whatever its line ends."""
    digest = hashlib.sha256()
    for name, text in sorted(files.items()):
        for part in (name, text):
            data = part.encode()
            digest.update(len(data).to_bytes(8) + data)
    return digest.hexdigest()[:12]


def _name(treatment: str, language: str, milestone: str, channel: Channel) -> str:
    return f"{treatment}/{language}/{milestone}{SUFFIX[channel]}"


def _explain(file: str, error: Exception) -> str:
    """A fault in a template, with its file and line where there is one. Never a value."""
    if isinstance(error, TemplateSyntaxError):
        return f"{file}, line {error.lineno}: {error.message}"
    if isinstance(error, FileNotFoundError):
        return f"{file} needs {Path(error.filename).name} in the layout folder, which is missing"
    if isinstance(error, JinjaError | TemplateError):
        return f"{file}: {error}"
    return f"{file}: cannot be rendered ({type(error).__name__})"
