"""Faults in a treatment's ``protocol.toml``, each with its line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from worker.content.lint.finding import Finding, error, warning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker.content.library import Library

_LINE = re.compile(r"line (\d+)")
_OF_A_MILESTONE = 3


def protocol_findings(library: Library) -> Iterator[Finding]:
    """What is wrong with the protocols; each was read already."""
    for treatment in sorted(library.treatments):
        path = library.folder / treatment / "protocol.toml"
        shown = library.shown(f"{treatment}/protocol.toml")
        text = path.read_text(encoding="utf-8-sig", errors="replace")
        for problem in library.problems.get(shown, "").splitlines():
            what = problem.removeprefix(f"{shown}: ")
            advice = "until this is mended nothing is sent for the treatment"
            yield error("protocol", shown, _line_of_fault(text, what), what, advice)
        protocol = library.protocols.get(treatment)
        if protocol and protocol.sample:
            yield warning(
                "sample",
                shown,
                _line_of(text, r"sample\s*="),
                "the treatment is a sample to start from",
                "have your clinician review every message, then take this line out",
            )
        if protocol and not any(each.strip() for each in protocol.private_words):
            yield warning(
                "no-private-words",
                shown,
                1,
                "there are no private_words, so nothing can tell whether a locked phone gives "
                "the treatment away",
                "list the words that do, in every language",
            )


def _line_of_fault(text: str, what: str) -> int:
    """Where the key stands that a fault begins with: ``milestones.home.after: …``."""
    if found := _LINE.search(what):
        return int(found[1])
    parts = what.partition(":")[0].split(".")
    if parts[0] != "milestones" or len(parts) == 1:
        return _line_of(text, rf"{re.escape(parts[-1])}\s*=")
    milestone = _line_of(text, rf'name\s*=\s*"{re.escape(parts[1])}"')
    if len(parts) < _OF_A_MILESTONE:
        return milestone
    return _line_of(text, rf"{re.escape(parts[2])}\s*=", after=milestone)


def _line_of(text: str, pattern: str, *, after: int = 1) -> int:
    """The first line from ``after`` on that begins like this, or ``after``."""
    wanted = re.compile(rf"\s*{pattern}")
    lines = text.splitlines()[after - 1 :]
    return next((at for at, line in enumerate(lines, after) if wanted.match(line)), after)
