"""The real ``aftercare`` command as a process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_ROOT = Path(__file__).resolve().parents[2]
_COMMAND = (sys.executable, "-m", "worker")
#: Enough for a busy machine; nothing should need a tenth of it.
PATIENCE = 25


def wait_for(condition: Callable[[], object], what: str) -> None:
    """Wait until something holds; fail when it takes too long."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE} s for {what}"
        time.sleep(0.05)


@dataclass(frozen=True)
class Finished:
    """A command that has ended, and all that it wrote."""

    code: int
    output: str


def run_command(*arguments: str, folder: Path, environment: Mapping[str, str]) -> Finished:
    """Run ``aftercare`` to its end."""
    done = subprocess.run(
        [*_COMMAND, *arguments],
        cwd=folder,
        env=_only(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return Finished(done.returncode, done.stdout)


@dataclass
class Worker:
    """A running ``aftercare run``, or ``web``; leaving its context kills it if it still runs."""

    process: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(
        cls, log: Path, *arguments: str, folder: Path, environment: Mapping[str, str]
    ) -> Worker:
        """Start it, writing to a file."""
        with log.open("wb") as out:
            process = subprocess.Popen(
                [*_COMMAND, *(arguments or ("run",))],
                cwd=folder,
                env=_only(environment),
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        return cls(process, log)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(timeout=PATIENCE)

    @property
    def output(self) -> str:
        """What it wrote so far."""
        return self.log.read_text(encoding="utf-8")

    @property
    def events(self) -> list[dict[str, Any]]:
        """Its log lines, without one that is still being written."""
        lines = self.output.splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def told(self, event: str) -> list[dict[str, Any]]:
        """Its log lines with one event."""
        return [each for each in self.events if each["event"] == event]

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        """Wait until something holds, as long as the worker lives."""

        def holds() -> object:
            assert self.process.poll() is None, f"the worker ended:\n{self.output}"
            return condition()

        wait_for(holds, what)

    def stop(self) -> int:
        """SIGTERM; returns the exit code, which has to come within 30 seconds."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)


def _only(environment: Mapping[str, str]) -> dict[str, str]:
    """These settings and nothing of the developer's own."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, "PYTHONPATH": str(_ROOT), "COLUMNS": "200", **environment}
