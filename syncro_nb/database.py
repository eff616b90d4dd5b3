"""SQLite, opened one way. The journal, the limiter and the mirror's manifest each keep a file of their own."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from .errors import ConfigError

Connection = sqlite3.Connection
Row = sqlite3.Row
IntegrityError = sqlite3.IntegrityError
OperationalError = sqlite3.OperationalError


def open_database(path: Path, schema: str, version: int, *, durable: bool) -> Connection:
    """Open (and make) the database file at `path`, in WAL mode and with no implicit transactions.

    `durable` commits survive a power cut (`synchronous=FULL`, 0.2 ms each); others survive a crash of the program.
    Several processes may open one file; a writer waits up to 30 s for another. Raises ConfigError if the file cannot be
    made, is no database, or was written by a newer version of this package.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        _switch_to_wal(connection)
        connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        connection.execute("PRAGMA foreign_keys=ON")
        _migrate(connection, schema, version, path)
    except (sqlite3.Error, OSError) as error:
        raise ConfigError(
            f"cannot keep data at {path}: {error}; set SYNCRO_NB_HOME to a folder on a local disk"
        ) from None
    return connection


def _switch_to_wal(connection: Connection) -> None:
    """SQLite's own waiting does not cover this switch, which fails at once while another process makes the same file."""
    for pause in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, None):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if pause is None:
                raise
            time.sleep(pause)


def _migrate(connection: Connection, schema: str, version: int, path: Path) -> None:
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found > version:
        raise ConfigError(
            f"{path} was written by a newer syncro_nb (format {found}, this one knows {version}); update it"
        )
    if found == version:
        return
    connection.execute("BEGIN IMMEDIATE")  # another process may be making the same file
    if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
        for statement in schema.split(";\n"):
            if statement.strip():
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version={version}")
    connection.execute("COMMIT")
