"""Where the files beside the code are: at the top of a checkout, inside an installed wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _folder(name: str) -> Path:
    installed = _PACKAGE / "data" / name
    return installed if installed.is_dir() else _PACKAGE.parent / name


TEMPLATES = _folder("templates")
MIGRATIONS = _folder("migrations")
