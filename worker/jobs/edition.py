"""An edition: the protocols and templates that are in effect, or that would be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from worker.content.library import Library
from worker.store import approvals

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sqlalchemy import Connection

    from worker.rules.protocol import Protocol


@dataclass(frozen=True, slots=True)
class Edition:
    """Protocols and templates by treatment."""

    protocols: Mapping[str, Protocol]
    libraries: Mapping[str, Library]

    @classmethod
    def of(cls, library: Library) -> Edition:
        """What a folder holds."""
        return cls(library.protocols, dict.fromkeys(library.treatments, library))

    @property
    def problems(self) -> list[str]:
        """What cannot be used and why."""
        return sorted({text for each in self.libraries.values() for text in each.problems.values()})

    def contents(self, treatment: str) -> Mapping[str, str]:
        """A treatment's files by path; none when this edition does not have it."""
        library = self.libraries.get(treatment)
        return library.contents(treatment) if library else {}


def signed_off(db: Connection, otherwise: Edition, folder: Path) -> Edition:
    """What was signed off last, treatment by treatment, and ``otherwise`` where nothing was.

    Args:
        db: One consistent view of the store.
        otherwise: For treatments that nobody ever signed off.
        folder: An empty folder for the files that were kept.
    """
    protocols, libraries = dict(otherwise.protocols), dict(otherwise.libraries)
    for treatment in approvals.latest(db):
        home = folder / treatment / "approved"
        for name, text in approvals.contents(db, treatment).items():
            path = home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        libraries[treatment] = Library(home)
        protocols[treatment] = libraries[treatment].protocols[treatment]
    return Edition(protocols, libraries)
