"""A clinic's database of each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sources.native import NativeClinic
from tests.support.databases import fresh_mariadb, fresh_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def source_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind that clinics have."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/clinic's own.db"
    else:
        yield from fresh_postgres() if request.param == "postgresql" else fresh_mariadb()


@pytest.fixture
def clinic(source_url: str) -> Iterator[NativeClinic]:
    """A clinic's database of each kind, without a session yet."""
    clinic = NativeClinic(source_url)
    yield clinic
    clinic.engine.dispose()
