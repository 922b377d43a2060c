"""Taking the worker's database away: connections cut, the server refusing, the disk full."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, make_url, text

from tests.support.databases import POSTGRES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def hang_up(url: str) -> int:
    """Cut every connection to a PostgreSQL database; returns how many there were."""
    cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = :name"
    admin = create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as db:
            return int(db.execute(text(cut), {"name": make_url(url).database}).scalar_one())
    finally:
        admin.dispose()


@contextmanager
def closed(url: str) -> Iterator[None]:
    """As long as this lasts, a PostgreSQL database takes no connection and has none."""
    _allow_connections(url, allowed=False)
    hang_up(url)
    try:
        yield
    finally:
        _allow_connections(url, allowed=True)


def _allow_connections(url: str, *, allowed: bool) -> None:
    admin = create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    with admin.connect() as db:
        name = make_url(url).database
        db.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {str(allowed).lower()}"))
    admin.dispose()


class SmallDisk:
    """A file system that a test can fill."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self) -> None:
        """Leave not a byte."""
        with self._filler.open("wb", buffering=0) as filler:
            try:
                while filler.write(b"\0" * 4096):
                    pass
            except OSError:
                return

    def make_room(self) -> None:
        """Leave all that the filler took."""
        self._filler.unlink()


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[SmallDisk]:
    """A tmpfs of its own; skips where this user may not mount one."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    allowed = os.geteuid() == 0 and subprocess.run(mount, check=False, capture_output=True)
    if not allowed or allowed.returncode:
        pytest.skip("a disk that can be filled is mounted by root only")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
