"""The folder ``replies``: how patients' replies are read, and what they are answered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from worker.content.answers import render_answer
from worker.content.lint.finding import Finding, error, warning
from worker.content.lint.rendered import any_of, fold
from worker.content.lint.source import Source
from worker.content.lint.toml import line_of_fault
from worker.content.phrases import FOLDER, phrasebook_problems
from worker.content.samples import CLINIC
from worker.content.sms import MOST_SEGMENTS
from worker.errors import TemplateError
from worker.resources import TEMPLATES
from worker.rules.contacts import show_phone
from worker.rules.messages import Channel
from worker.rules.replies import ANSWERS
from worker.rules.sms import measure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from worker.content.library import Library

_ENDING = ".sms.txt"
#: A clinic with a name of usual length: an answer that fits for it fits.
_CLINIC = replace(CLINIC, name="Clinica Dermatologica Sol")


def reply_findings(library: Library) -> Iterator[Finding]:
    """What is wrong with the lists and the answers; the shipped ones serve meanwhile."""
    root = library.folder
    if not (root / FOLDER).is_dir():
        yield warning(
            "missing",
            f"{root.name}/{FOLDER}",
            0,
            "is missing, so patients' replies are read with the lists that came with Aftercare",
            "copy the folder from there if your clinician wants to change the lists",
        )
        return
    yield from _lists(root)
    private = {word for each in library.protocols.values() for word in each.private_words}
    for folder in sorted(path for path in (root / FOLDER).glob("*") if path.is_dir()):
        for path in sorted(folder.glob(f"*{_ENDING}")):
            yield from _Answer(root, path, tuple(sorted(private))).findings()
        for name in ANSWERS:
            inside = f"{FOLDER}/{folder.name}/{name}{_ENDING}"
            if not any((base / inside).is_file() for base in (root, TEMPLATES)):
                what = "is missing, so patients of this language are answered in another"
                yield error("missing", f"{root.name}/{inside}", 0, what, "write it")


def _lists(root: Path) -> Iterator[Finding]:
    for problem in phrasebook_problems(root):
        shown, _, what = problem.partition(": ")
        path = root / FOLDER / shown.rpartition("/")[2]
        text = path.read_text(encoding="utf-8-sig", errors="replace") if path.is_file() else ""
        advice = "mend it: until then the lists that came with Aftercare are used"
        yield error("replies", shown, line_of_fault(text, what), what, advice)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What patients are answered to one kind of reply."""

    root: Path
    path: Path
    private_words: tuple[str, ...]

    def findings(self) -> Iterator[Finding]:
        """What its source gives away, then what it says."""
        if self.path.name.removesuffix(_ENDING) not in ANSWERS:
            what = "answers nothing: no reply is answered by this name"
            yield error("unused", self._shown, 0, what, f"the answers are {', '.join(ANSWERS)}")
            return
        source = Source(
            file=self._shown,
            text=self.path.read_text(encoding="utf-8-sig", errors="replace"),
            language=self.path.parent.name,
            channel=Channel.SMS,
            names=frozenset({"clinic", "first_name", "emergency_number", "stopped"}),
            restrictions={},
        )
        # A doctor "within 24 hours" is no date of the protocol.
        faults = [each for each in source.findings() if each.rule != "typed-date"]
        yield from faults
        if {"unreadable", "undefined-name"} & {each.rule for each in faults}:
            return
        told: set[str] = set()
        for stopped in (False, True):
            for finding in self._says(source, stopped=stopped):
                if finding.rule not in told:
                    told.add(finding.rule)
                    yield finding

    def _says(self, source: Source, *, stopped: bool) -> Iterator[Finding]:
        try:
            text = render_answer(self.path, _CLINIC, stopped=stopped).text
        except TemplateError as fault:
            what = str(fault).removeprefix(f"{self._shown}: ")
            yield error("cannot-render", self._shown, 1, what, "compare it with the shipped one")
            return
        if measure(text).segments > MOST_SEGMENTS:
            what = f"it takes more than {MOST_SEGMENTS} SMS"
            yield error("too-long", self._shown, 1, what, "make it shorter")
        if _CLINIC.name not in text:
            advice = "write {{ clinic.name }}, so that patients know who answers"
            yield error("no-clinic", self._shown, 1, "the clinic's name is missing", advice)
        if show_phone(_CLINIC.phone, _CLINIC.country) not in text:
            advice = "write {{ clinic.phone }}: every answer says whom to call"
            yield error("no-phone", self._shown, 1, "the clinic's phone number is missing", advice)
        if found := any_of(self.private_words).search(fold(text.replace(_CLINIC.name, ""))):
            yield error(
                "private-word",
                self._shown,
                source.line_of(found[0]),
                f'"{found[0]}" stands where a locked phone shows it',
                "choose a word that does not give the treatment away",
            )

    @property
    def _shown(self) -> str:
        return f"{self.root.name}/{self.path.relative_to(self.root).as_posix()}"
