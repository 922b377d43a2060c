"""The file ``.env``: settings are put in, what stands there already stays as it is."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING
from uuid import uuid4

from dotenv import dotenv_values

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_SETTING = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=")


def read(path: Path) -> dict[str, str]:
    """The settings in the file; none when there is no file."""
    return {name: value or "" for name, value in dotenv_values(path, encoding="utf-8").items()}


def write(path: Path, settings: Mapping[str, str]) -> None:
    """Put settings in, each in its old line or at the end. Only its owner may read the file.

    The file is replaced in one step: a full disk leaves the old one as it was.
    """
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    left = dict(settings)
    for number, line in enumerate(lines):
        found = _SETTING.match(line)
        if found and found[1] in settings:
            lines[number] = _line(found[1], settings[found[1]])
            left.pop(found[1], None)
    lines += [_line(name, value) for name, value in left.items()]
    beside = path.with_name(f"{path.name}.{uuid4().hex[:8]}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def _line(name: str, value: str) -> str:
    """A setting as the file has it; in quotes where a blank or a sign would end it."""
    if re.fullmatch(r"[A-Za-z0-9_./:@%+,?&=~-]*", value):
        return f"{name}={value}"
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"{name}='{escaped}'"
