"""What the figures were taken on."""

from __future__ import annotations

import os
import platform
import sqlite3
from pathlib import Path

from sqlalchemy import create_engine, text

from benchmarks.databases import POSTGRES, has_postgres

_SETTINGS = ("server_version", "fsync", "synchronous_commit", "shared_buffers")


def describe_machine() -> str:
    """Processor, load, Python and databases, in a sentence."""
    parts = [
        f"{os.cpu_count()} x {_processor()}",
        platform.system(),
        f"Python {platform.python_version()}",
        f"SQLite {sqlite3.sqlite_version}",
        f"load {os.getloadavg()[0]:.1f}",
    ]
    if has_postgres():
        engine = create_engine(POSTGRES)
        with engine.connect() as db:
            found = [f"{each} {db.execute(text(f'SHOW {each}')).scalar()}" for each in _SETTINGS]
        engine.dispose()
        parts.append(f"PostgreSQL ({', '.join(found)})")
    return ", ".join(parts)


def _processor() -> str:
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
