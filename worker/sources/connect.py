"""Opening the clinic's database: read-only where it can be, with a limit on every wait."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy import NullPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from worker.errors import SourceError

if TYPE_CHECKING:
    import sqlite3

    from sqlalchemy import URL, Engine

#: One statement may take this long in the clinic's database, in seconds.
STATEMENT_SECONDS = 120
_CONNECT_SECONDS = 10
#: SQLite looks at the clock after so many steps of its machine: some milliseconds' worth.
_STEPS = 100_000

#: What people write before ``://``, with the driver that we use for it.
DRIVERS = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
    "mssql": "mssql+pymssql",
    "sqlserver": "mssql+pymssql",
    "oracle": "oracle+oracledb",
}
#: Drivers that are installed under another name than they are imported by.
_PACKAGES = {
    "MySQLdb": "mysqlclient",
    "psycopg2": "psycopg2-binary",
    "mysql": "mysql-connector-python",
    "cx_Oracle": "oracledb",
}


def source_url(text: str) -> URL:
    """A database URL as people and hosting platforms write it, with the driver we use.

    Raises:
        ValueError: When it is no URL; in words that follow the setting's name.
    """
    try:
        url = make_url(text.strip())
    except (ArgumentError, ValueError):
        message = "is not a database URL; write it like postgresql://user:password@host/db or sqlite:///aftercare.db"
        raise ValueError(message) from None
    if "@" in (url.host or ""):
        # What follows the first @ would be taken for the host, and told as one.
        message = "has an @ in its user name or password; write it there as %40"
        raise ValueError(message)
    return url.set(drivername=DRIVERS.get(url.drivername.lower(), url.drivername))


def open_read_only(url: URL, seconds: int = STATEMENT_SECONDS) -> Engine:
    """An engine that cannot write, as far as the database lets us say so.

    Args:
        url: With its driver, as :func:`source_url` gives it.
        seconds: How long one statement may take.

    Raises:
        SourceError: When the driver is missing; says what to install.
    """
    try:
        return _open(url, seconds)
    except NoSuchModuleError:
        message = (
            f"SOURCE_URL: no Python driver for {url.drivername}:// is installed; write it like "
            "postgresql://, mysql://, mssql://, oracle:// or sqlite:///, or install a SQLAlchemy "
            "dialect for it"
        )
        raise SourceError(message) from None
    except ModuleNotFoundError as error:
        module = (error.name or url.drivername).partition(".")[0]
        package = _PACKAGES.get(module, module)
        message = (
            f"SOURCE_URL needs the Python driver {module}; install it with: pip install {package}"
        )
        raise SourceError(message) from None


def _open(url: URL, seconds: int) -> Engine:
    """No pool: between two passes nothing of ours stays open in the clinic's database."""
    backend = url.get_backend_name()
    if backend == "sqlite":
        return create_engine(
            "sqlite://",
            creator=lambda: _open_sqlite(url, seconds),
            poolclass=NullPool,
            hide_parameters=True,
        )
    engine = create_engine(
        url,
        poolclass=NullPool,
        hide_parameters=True,
        connect_args=_connect_arguments(f"{backend}+{url.get_driver_name()}", seconds),
    )
    if backend in {"mysql", "mariadb"}:
        event.listen(engine, "connect", lambda each, _: _prepare_mysql(each, seconds))
    if backend == "oracle":
        event.listen(engine, "connect", lambda each, _: _prepare_oracle(each, seconds))
    return engine


def _connect_arguments(driver: str, seconds: int) -> dict[str, Any]:
    """Nobody waits for ever for a server that is gone."""
    match driver:
        case "postgresql+psycopg":
            limits = f"-c default_transaction_read_only=on -c statement_timeout={seconds}s"
            patience = {"connect_timeout": _CONNECT_SECONDS, "tcp_user_timeout": seconds * 1000}
            return {**patience, "options": limits}
        case "mysql+pymysql" | "mariadb+pymysql":
            # The server's own limit comes first, and says why.
            return {"connect_timeout": _CONNECT_SECONDS, "read_timeout": seconds + 10}
        case "mssql+pymssql":
            return {"login_timeout": _CONNECT_SECONDS, "timeout": seconds}
        case "oracle+oracledb":
            return {"tcp_connect_timeout": _CONNECT_SECONDS}
    return {}


def _open_sqlite(url: URL, seconds: int) -> sqlite3.Connection:
    import sqlite3  # noqa: PLC0415 (0.8 MB, where nothing else is SQLite)

    connection = sqlite3.connect(
        f"file:{quote(url.database or '')}?mode=ro", uri=True, timeout=_CONNECT_SECONDS
    )
    # One letter in an old encoding must not make the whole view unreadable.
    connection.text_factory = partial(str, encoding="utf-8", errors="replace")
    end = time.monotonic() + seconds
    connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
    return connection


def _prepare_mysql(connection: Any, seconds: int) -> None:  # noqa: ANN401 (a driver's)
    """MariaDB and MySQL name the time limit differently, and give it in other units."""
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION TRANSACTION READ ONLY")
        cursor.execute("SELECT VERSION()")
        mariadb = "mariadb" in str(cursor.fetchone()[0]).lower()
        limit = (
            ("max_statement_time", seconds) if mariadb else ("max_execution_time", seconds * 1000)
        )
        cursor.execute("SET SESSION {} = {}".format(*limit))


def _prepare_oracle(connection: Any, seconds: int) -> None:  # noqa: ANN401 (a driver's)
    connection.call_timeout = seconds * 1000
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
