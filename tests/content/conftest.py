"""The templates that ship, and a copy to edit."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from worker.content.library import Library
from worker.resources import TEMPLATES

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def library() -> Library:
    """The templates that ship with the worker."""
    return Library(TEMPLATES)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of them, to edit."""
    return shutil.copytree(TEMPLATES, tmp_path / "templates")
