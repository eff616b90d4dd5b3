"""SQLite, opened one way. The journal, the limiter and the mirror's manifest each keep a file of their own."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

from .errors import ConfigError, Unrecorded

Row = sqlite3.Row
IntegrityError = sqlite3.IntegrityError
OperationalError = sqlite3.OperationalError
DatabaseError = sqlite3.DatabaseError

# Disks of another system, where SQLite's locks and its shared memory do not hold, so that a journal would lie.
_FAR = ("nfs", "cifs", "smb", "afs", "afpfs", "ceph", "davfs", "webdav", "glusterfs", "lustre", "beegfs", "ncpfs")
_FAR_FUSE = ("sshfs", "rclone", "s3fs", "ceph", "davfs", "glusterfs")
_ROOM = 100_000  # bytes; SQLite needs this much beside a file
DOUBTFUL = ("9p",)  # a folder of the host in some virtual machines, and a container's own disk in others
LOCAL_DISK = "set SYNCRO_NB_HOME to a folder on a local disk"


class Connection(sqlite3.Connection):
    """A connection that several threads may share: whoever holds its `lock` for a transaction is alone in it."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.lock = RLock()

    def execute(self, *args: Any) -> sqlite3.Cursor:
        with self.lock:
            return super().execute(*args)


def open_database(path: Path, schema: str, version: int, *, durable: bool) -> Connection:
    """Open (and make) the database file at `path`, in WAL mode and with no implicit transactions.

    `durable` commits survive a power cut (`synchronous=FULL`, 0.2 ms each); others survive a crash of the program.
    Several processes may open one file; a writer waits up to 30 s for another. Raises ConfigError if the file cannot be
    made, is no database, or was written by a newer version of this package; a durable one also on a disk of another system.
    """
    kind = far_disk(path.parent) if durable else ""
    if kind and kind not in DOUBTFUL:
        raise ConfigError(f"{path} would be on a disk of another system ({kind}), where it may be lost; {LOCAL_DISK}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            path, timeout=30, isolation_level=None, check_same_thread=False, factory=Connection
        )
        connection.row_factory = sqlite3.Row
        _switch_to_wal(connection)
        connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        connection.execute("PRAGMA foreign_keys=ON")
        _migrate(connection, schema, version, path)
    except (sqlite3.Error, OSError) as error:
        raise ConfigError(f"cannot keep data at {path}: {trouble(path, error, LOCAL_DISK)}") from None
    return connection


def trouble(path: Path, error: Exception, otherwise: str) -> str:
    """What is wrong with a file of SQLite's and what to do: it says "disk I/O error" and "unable to open" of most things."""
    if isinstance(error, sqlite3.Error) and _is_full(path.parent):
        return "the disk is full; make room and try again"
    there = next((folder for folder in path.parents if folder.is_dir()), path.parent)
    if not os.access(there, os.W_OK):
        return f"the folder {there} may not be written; allow it, or {LOCAL_DISK}"
    return f"{error}; {otherwise}"


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < _ROOM
    except OSError:
        return False


def far_disk(folder: Path) -> str:
    """The kind of disk, if it belongs to another system ("nfs4", "network share"); "" for a local one, or if nobody says."""
    import psutil

    where = folder.resolve()
    try:
        disks = [one for one in psutil.disk_partitions(all=True) if where.is_relative_to(one.mountpoint)]
    except OSError:
        disks = []
    # Of two on one folder the last hides the others.
    disk = max(reversed(disks), key=lambda one: len(one.mountpoint), default=None)
    if where.drive.startswith("\\\\") or (disk and "remote" in disk.opts.split(",")):  # both are Windows' words
        return "network share"
    kind = disk.fstype.lower() if disk else ""
    name = kind.removeprefix("fuse.")
    far = name.startswith(_FAR_FUSE) if kind.startswith("fuse.") else name.startswith((*_FAR, *_FAR_FUSE, *DOUBTFUL))
    return kind if far else ""


@contextmanager
def committed(connection: Connection, what: str) -> Iterator[None]:
    """One transaction. Raises Unrecorded, with nothing changed, if it cannot be put on the disk; `what` is the file in words."""
    with connection.lock:  # forms carry batches out in a thread of their own
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except IntegrityError:
            raise
        except DatabaseError as error:
            raise Unrecorded(f"{what} cannot be written ({error}); nothing more is sent") from None


@contextmanager
def alone(path: Path) -> Iterator[bool]:
    """Whether this is the only one at work on what `path` stands for; while the block lasts, no other is.

    The lock is the operating system's: it ends with the process, however that ends, and holds while it is only suspended.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            yield False
        else:
            yield True
    finally:
        connection.close()


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
