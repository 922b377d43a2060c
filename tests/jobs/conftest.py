"""Worlds that differ from the usual one: another clinic, a copy of the templates to edit."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
from freezegun import freeze_time

from tests.conftest import MONDAY_AFTERNOON
from tests.support.world import World
from worker.resources import TEMPLATES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def new_world(tmp_path: Path, migrated_url: str) -> Iterator[Callable[..., World]]:
    """Makes a world with what is given, on Monday 23 November 2026 at 15:00, on each database."""
    made: list[World] = []
    with freeze_time(MONDAY_AFTERNOON) as frozen:

        def make(**given: Any) -> World:
            made.append(World(tmp_path, migrated_url, frozen, **given))
            return made[-1]

        yield make
        for world in made:
            world.close()


@pytest.fixture
def own_templates(tmp_path: Path) -> Path:
    """The clinic's own copy of the templates, to edit."""
    return shutil.copytree(TEMPLATES, tmp_path / "templates")
