"""The ``aftercare`` command, run in this process as an operator runs it in a shell."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from worker.cli import main
from worker.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


#: The options of ``aftercare clinic add`` that every clinic has.
GLOW = {
    "--name": "Glow Skin Clinic",
    "--time-zone": "Europe/Madrid",
    "--phone": "910 123 456",
    "--country": "es",
    "--language": "en",
    "--email": "desk@glow.example.com",
}


@dataclass(frozen=True, slots=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def told(self) -> str:
        """Everything it said, without line breaks that only the terminal's width made."""
        return " ".join(f"{self.out} {self.err}".split())


@dataclass(frozen=True, slots=True)
class Shell:
    """A shell in an empty folder, with no setting but those that are exported."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def __post_init__(self) -> None:
        self.monkeypatch.chdir(self.folder)
        for name in Settings.model_fields:
            self.monkeypatch.delenv(name.upper(), raising=False)
        self.export(DATABASE_URL=f"sqlite:///{self.folder}/aftercare.db")

    def export(self, **settings: str) -> None:
        """Set environment variables."""
        for name, value in settings.items():
            self.monkeypatch.setenv(name, value)

    def run(self, *words: str) -> Done:
        """``aftercare`` with these words."""
        self.monkeypatch.setattr(sys, "argv", ["aftercare", *words])
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = self.capsys.readouterr()
        code = ended.value.code
        return Done(code if isinstance(code, int) else int(code is not None), said.out, said.err)


def words_of(options: dict[str, str]) -> list[str]:
    """Options as they stand on a command line."""
    return [word for pair in options.items() for word in pair]


def add_clinic(shell: Shell, key: str = "glow", **changes: str) -> None:
    """Set up a clinic like :data:`GLOW`."""
    options = GLOW | {f"--{name}": value for name, value in changes.items()}
    done = shell.run("clinic", "add", key, *words_of(options))
    assert (done.code, done.err) == (0, "")
