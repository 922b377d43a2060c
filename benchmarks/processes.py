"""Starting and ending the processes that take part: servers, and whatever is measured."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

#: Nothing that is measured takes longer, in seconds.
_PATIENCE = 1_800


class FailedError(Exception):
    """A measured process failed; its text is what it said last."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of one thing."""

    count: int
    seconds: float
    cpu: float
    rss: float
    #: Whatever else it told.
    more: dict[str, float]

    @property
    def rate(self) -> float:
        """How many a second."""
        return self.count / self.seconds


class Child:
    """A measured thing, started and ready to work."""

    def __init__(
        self,
        module: str,
        log: Path,
        options: Mapping[str, Any],
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._log = log
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.child", module, json.dumps(options)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, **(env or {})},
            )
        self._line()

    def go(self) -> None:
        """Let it work."""
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def result(self) -> dict[str, float]:
        """What it told when it was done."""
        found = cast("dict[str, float]", json.loads(self._line()))
        self._process.wait(_PATIENCE)
        return found

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait(_PATIENCE)
            last = self._log.read_text(errors="replace").strip().splitlines()[-1:]
            raise FailedError(last[0] if last else "it ended without a word")
        return line


def together(children: list[Child]) -> Sample:
    """Let them work at the same time; counted and timed as one."""
    for child in children:
        child.go()
    found = [child.result() for child in children]
    known = {"began", "ended", "cpu", "rss", "count"}
    return Sample(
        count=int(sum(each["count"] for each in found)),
        seconds=max(each["ended"] for each in found) - min(each["began"] for each in found),
        cpu=sum(each["cpu"] for each in found),
        rss=max(each["rss"] for each in found),
        more={name: value for name, value in found[0].items() if name not in known},
    )


def free_port() -> int:
    """A port that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return cast("int", probe.getsockname()[1])


def answers(port: int) -> bool:
    """Whether something listens on this port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def server(name: str, *arguments: str) -> Iterator[int]:
    """A server of ``benchmarks.servers`` on a free port; yields the port."""
    port = free_port()
    command = [sys.executable, "-m", f"benchmarks.servers.{name}", str(port), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield port
        finally:
            process.terminate()


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """A Redis of our own, which keeps nothing; yields its URL.

    Raises:
        FailedError: When there is none to start.
    """
    port = free_port()
    program = shutil.which("redis-server")
    if program is None:
        message = "redis-server is missing: install Redis"
        raise FailedError(message)
    command = [program, "--port", str(port), "--save", "", "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            while not answers(port):
                time.sleep(0.05)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.terminate()


def taken(port: int) -> int:
    """How many messages the Twilio server on this port took so far."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/count") as answer:
        return int(answer.read())
