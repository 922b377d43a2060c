"""Fixtures that several test modules share."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import structlog
from freezegun import configure, freeze_time
from structlog.stdlib import ProcessorFormatter

from tests.support.browser import open_browser
from tests.support.databases import (
    fresh_mariadb,
    fresh_postgres,
    migrated_postgres,
    migrated_sqlite,
)
from tests.support.world import World
from worker.store.engine import open_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser
    from sqlalchemy import Engine

#: A Monday in winter, half an hour after the session of ``GOOD_ROW`` would have ended in Madrid.
MONDAY_AFTERNOON = "2026-11-23 14:00:00+00:00"

# How long a test took is told by the real clock (``pytest --durations``).
configure(extend_ignore_list=["_pytest.timing"])

#: A minute or more each.
_LONG = {"test_six_weeks.py", "test_machine.py"}
#: Where files live in memory, on Linux, and how much room they must have.
_MEMORY, _ROOM = Path("/dev/shm"), 4_000_000_000


def pytest_configure() -> None:
    """Tests kill processes, never the power: to wait for the disk proves nothing."""
    if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first, so that no process is left alone with them."""
    items.sort(key=lambda item: item.path.name not in _LONG)


@pytest.fixture(autouse=True)
def _logging_of_its_own() -> Iterator[None]:
    """A test that sets logging up, by a command say, leaves nothing of it to the next one."""
    root = logging.getLogger()
    level = root.level
    yield
    root.setLevel(level)
    ours = [each for each in root.handlers if isinstance(each.formatter, ProcessorFormatter)]
    for handler in ours:
        root.removeHandler(handler)
    if ours:
        structlog.reset_defaults()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind that the worker runs on."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/aftercare.db"
    else:
        yield from fresh_postgres()


@pytest.fixture(params=["sqlite", "postgresql"])
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The worker's own database of each kind, migrated and empty."""
    if request.param == "sqlite":
        yield migrated_sqlite(tmp_path)
    else:
        yield from migrated_postgres()


@pytest.fixture
def mariadb_url() -> Iterator[str]:
    """An empty MariaDB database, for a clinic's source."""
    yield from fresh_mariadb()


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """An empty PostgreSQL database."""
    yield from fresh_postgres()


@pytest.fixture
def engine(migrated_url: str) -> Iterator[Engine]:
    """The worker's database, migrated, on each kind."""
    engine = open_engine(migrated_url)
    yield engine
    engine.dispose()


@pytest.fixture
def world(tmp_path: Path, migrated_url: str) -> Iterator[World]:
    """A clinic and its worker on Monday 23 November 2026 at 15:00 in Madrid, on each database."""
    with freeze_time(MONDAY_AFTERNOON) as frozen:
        world = World(tmp_path, migrated_url, frozen)
        yield world
        world.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real browser, one for all tests of a file."""
    yield from open_browser()
