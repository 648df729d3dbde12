"""Connections to one SQLite database: a file in WAL mode (a connection per thread), or memory (one connection behind a lock)."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
import time as wall
import weakref
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from neural.monitoring.clock import Clock, system_clock
from neural.monitoring.errors import StoreError
from neural.monitoring.store import schema

log = logging.getLogger(__name__)

BUSY_TIMEOUT_SECONDS = 5.0
"""How long a statement waits for another process' lock before it gives up."""
WAL_SIZE_LIMIT_BYTES = 16 * 2**20
"""The write-ahead log is cut back to this after a checkpoint."""
QUICK_CHECK_BYTES = 32 * 2**20
"""Files up to this size are checked whole when opened; larger ones would delay the start (their faults show when met)."""
VACUUM_PAGES = 20_000
"""Free pages given back at a time (80 MB): the writer must not stand still over a large deletion."""
_CORRUPT_CODES = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class Database:
    """One SQLite database, safe to use from any thread.

    ``path`` None means memory. A file that turns out to be corrupt is set aside beside its place (never deleted), a warning
    says so loudly, and a new one is begun; ``reading`` and ``transaction`` turn SQLite's errors into a StoreError of one line.
    """

    def __init__(self, path: Path | None, *, read_only: bool = False, fsync: bool = False, clock: Clock = system_clock) -> None:
        self.path, self.read_only, self._fsync = path, read_only, fsync
        self._clock = clock
        self._write_lock = threading.RLock()
        self._local = threading.local()
        self._connections: list[tuple[weakref.ref[threading.Thread], sqlite3.Connection]] = []
        self._guard = threading.Lock()
        self._generation = 0  # grows when the file is replaced, so that every thread opens the new one
        self._closed = False
        self._memory = _connect_memory() if path is None else None
        self._prepare()

    @property
    def where(self) -> str:
        return str(self.path) if self.path else "memory"

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection to read with; in memory it is held for the block, in a file nothing is held."""
        with self._held() if self._memory else contextlib.nullcontext():
            try:
                yield self._connection()
            except sqlite3.Error as error:
                raise self._translated(error) from error

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """BEGIN IMMEDIATE … COMMIT, or ROLLBACK on any exception. Nesting in one thread joins the outer transaction."""
        if self.read_only:
            raise StoreError(f"{self.where}: opened for reading only")
        with self._held():
            if getattr(self._local, "depth", 0):
                yield self._connection()
                return
            try:
                connection = self._connection()
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.Error as error:
                raise self._translated(error) from error
            self._local.depth = 1
            try:
                yield connection
                connection.execute("COMMIT")
            except sqlite3.Error as error:
                _rollback(connection)
                raise self._translated(error) from error
            except BaseException:
                _rollback(connection)
                raise
            finally:
                self._local.depth = 0

    def close(self) -> None:
        """Close every thread's connection. Later calls raise StoreError."""
        with self._held():
            self._closed = True
            self._close_connections()
            if self._memory:
                self._memory.close()

    def size_bytes(self) -> int:
        """What the database holds: its pages in use (not the free ones)."""
        with self.reading() as connection:
            pages, free, page_bytes = (
                int(connection.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "freelist_count", "page_size")
            )
        return (pages - free) * page_bytes

    def compact(self) -> None:
        """Give free pages back to the file system and carry the write-ahead log over. Inside a transaction it does nothing."""
        with self._held():
            if getattr(self._local, "depth", 0):
                return
            try:
                connection = self._connection()
                connection.executescript(f"PRAGMA incremental_vacuum({VACUUM_PAGES})")  # execute() would step it once: one page
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()  # waits for no reader
            except sqlite3.Error as error:
                raise self._translated(error) from error

    @contextlib.contextmanager
    def _held(self) -> Iterator[None]:
        with self._write_lock:
            yield

    def _prepare(self) -> None:
        """Migrate or check the file, once, when it is opened."""
        if self.read_only:
            with self.reading() as connection:
                schema.check_readable(connection, self.where)
            return
        try:
            self._prepare_writer()
        except sqlite3.DatabaseError as error:
            if not _is_corrupt(error):
                raise self._translated(error) from error
            self._set_aside(error)
            self._prepare_writer()

    def _prepare_writer(self) -> None:
        connection = self._connection()
        if self.path and self.path.stat().st_size <= QUICK_CHECK_BYTES:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok":
                fault = sqlite3.DatabaseError(str(found).splitlines()[-1])
                fault.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
                raise fault
        schema.migrate(connection, self.where, self._clock())

    def _connection(self) -> sqlite3.Connection:
        if self._closed:
            raise StoreError(f"{self.where}: the store is closed")
        if self._memory:
            return self._memory
        if self.read_only:
            self._notice_replaced_file()
        if getattr(self._local, "generation", -1) != self._generation:
            self._local.connection = self._open()
            self._local.generation = self._generation
        connection: sqlite3.Connection = self._local.connection
        return connection

    def _open(self) -> sqlite3.Connection:
        assert self.path is not None
        connection = _connect_reader(self.path) if self.read_only else _connect_writer(self.path, fsync=self._fsync)
        with self._guard:
            for thread, old in self._connections:
                running = thread()
                if running is None or not running.is_alive():
                    old.close()
            self._connections = [item for item in self._connections if (t := item[0]()) is not None and t.is_alive()]
            self._connections.append((weakref.ref(threading.current_thread()), connection))
        return connection

    def _notice_replaced_file(self) -> None:
        """A sidecar that set a corrupt file aside has begun a new one: readers follow it."""
        assert self.path is not None
        try:
            found = self.path.stat().st_ino
        except OSError:
            return
        if getattr(self._local, "inode", found) != found:
            self._local.generation = -1
        self._local.inode = found

    def _translated(self, error: sqlite3.Error) -> StoreError:
        if _is_corrupt(error) and not self.read_only and self.path is not None:
            self._local.depth = 0
            self._set_aside(error)
            self._prepare_writer()
            return StoreError(f"{self.where}: was corrupt ({error}); set aside, and a new one begun")
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
            return StoreError(f"{self.where}: locked by another process for more than {BUSY_TIMEOUT_SECONDS:.0f} s")
        return StoreError(f"{self.where}: {error}")

    def _set_aside(self, error: sqlite3.Error) -> None:
        assert self.path is not None
        with self._held():
            self._close_connections()
            self._generation += 1
            stamp = wall.strftime("%Y%m%dT%H%M%SZ", wall.gmtime(self._clock()))
            aside = _free_name(self.path.with_name(f"{self.path.name}.corrupt-{stamp}"))
            for suffix in ("", "-wal", "-shm"):
                with contextlib.suppress(FileNotFoundError):
                    Path(f"{self.path}{suffix}").rename(f"{aside}{suffix}")
            log.error("state file %s is corrupt (%s): set aside as %s; history begins anew", self.path, error, aside)

    def _close_connections(self) -> None:
        with self._guard:
            for _, connection in self._connections:
                connection.close()
            self._connections.clear()


def _connect_memory() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)


def _connect_writer(path: Path, *, fsync: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=BUSY_TIMEOUT_SECONDS)
    try:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
        # NORMAL: a killed process loses nothing, a power cut at most the last transactions. FULL: nothing, for a disk write each.
        connection.execute(f"PRAGMA synchronous = {'FULL' if fsync else 'NORMAL'}")
        connection.execute(f"PRAGMA journal_size_limit = {WAL_SIZE_LIMIT_BYTES}").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def _connect_reader(path: Path) -> sqlite3.Connection:
    """Read beside a writer. A folder nobody may write to, with no writer at work, is read as an immutable file."""
    for options in ("mode=ro", "mode=ro&immutable=1"):
        uri = f"file:{quote(str(path.absolute()))}?{options}"
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=BUSY_TIMEOUT_SECONDS)
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            connection.close()
            if "immutable" in options or error.sqlite_errorcode & 0xFF not in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}:
                raise
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    raise AssertionError  # the loop returns or raises


def _rollback(connection: sqlite3.Connection) -> None:
    with contextlib.suppress(sqlite3.Error):
        connection.execute("ROLLBACK")


def _is_corrupt(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _CORRUPT_CODES


def _free_name(path: Path) -> Path:
    candidate, number = path, 1
    while candidate.exists():
        number += 1
        candidate = path.with_name(f"{path.name}-{number}")
    return candidate
