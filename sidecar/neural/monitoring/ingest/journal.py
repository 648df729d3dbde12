"""The journal: what was acknowledged is here, in order, until the engine has made it durable elsewhere.

Append-only segment files. Each entry is framed by its length and a CRC-32; a frame torn by a crash at the end of the last segment is
cut off when the journal is opened, and a damaged frame further back costs the rest of its segment, counted, never the journal.

A position is the logical offset just behind an entry: ``read_from(position of the last entry you have dealt with)`` goes on with
the next one. Positions grow over restarts and truncation.
"""

from __future__ import annotations

import fcntl
import os
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from itertools import chain
from pathlib import Path
from typing import Final, Literal

from neural.monitoring.clock import Clock, system_clock
from neural.monitoring.errors import StoreError

Position = int
FsyncPolicy = Literal["never", "batch"]

_FRAME: Final = struct.Struct("<IIBd")  # payload length, CRC-32 of kind, time and payload, kind, received_at
_CHECKED: Final = struct.Struct("<Bd")
_SUFFIX: Final = ".journal"
_MAX_PAYLOAD: Final = 2**30  # bytes; a longer length is damage, not data
DEFAULT_SEGMENT_BYTES: Final = 64 * 2**20
DEFAULT_MAX_BYTES: Final = 2**30


class EntryKind(IntEnum):
    """What an entry's payload is."""

    BATCH = 1  # the bytes of a capture batch, as received
    LABELS = 2  # canonical JSON: {"labels": [{"id", "label", "time"}, …]}
    TICK = 3  # JSON {"now": Unix seconds}: the engine asked for an evaluation, here in the order of the data


class JournalFull(StoreError):
    """The journal has reached its ceiling: nothing more is acknowledged until a checkpoint frees room."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it was appended. ``received_at`` is Unix seconds; ``position`` lies behind the entry."""

    kind: EntryKind
    payload: bytes
    position: Position
    received_at: float


@dataclass(slots=True)
class _Segment:
    path: Path
    base: int  # logical offset of its first byte
    size: int

    @property
    def end(self) -> int:
        return self.base + self.size


class Journal:
    """Appended to by the ingest side, read by the engine. Thread-safe. One process at a time, kept by a lock file.

    ``fsync``: "never" leaves writing back to the kernel (survives a killed process, not a power cut); "batch" syncs every append.
    ``max_bytes`` is a ceiling: ``append`` raises ``JournalFull`` rather than dropping what was acknowledged.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        segment_bytes: int = DEFAULT_SEGMENT_BYTES,
        max_bytes: int = DEFAULT_MAX_BYTES,
        fsync: FsyncPolicy = "never",
        clock: Clock = system_clock,
    ) -> None:
        self._path = Path(path)
        self._segment_bytes, self._max_bytes, self.fsync, self._clock = segment_bytes, max_bytes, fsync, clock
        self._lock = threading.Lock()
        self.damaged_bytes = 0  # skipped or cut off because they were no whole entry
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            self._owner = _own(self._path / "lock")
            self._segments = self._open_segments()
            self._file = os.open(self._segments[-1].path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreError(f"the journal in {self._path} can't be opened: {error.strerror or error}") from error

    def append(self, kind: EntryKind, payload: bytes, *, received_at: float | None = None) -> Position:
        """Writes one entry and returns the position behind it. Raises JournalFull, or StoreError when the disk refuses."""
        received_at = self._clock() if received_at is None else received_at
        checksum = zlib.crc32(payload, zlib.crc32(_CHECKED.pack(kind, received_at)))
        frame = _FRAME.pack(len(payload), checksum, kind, received_at)
        with self._lock:
            if self._file < 0:
                raise StoreError(f"the journal in {self._path} is closed")
            size = len(frame) + len(payload)
            if self._size() + size > self._max_bytes:
                raise JournalFull(f"the journal in {self._path} holds {self._size()} bytes, its ceiling is {self._max_bytes}")
            try:
                if self._segments[-1].size and self._segments[-1].size + size > self._segment_bytes:
                    self._roll()
                self._write(frame, payload)
            except OSError as error:
                raise StoreError(f"the journal in {self._path} can't be written: {error.strerror or error}") from error
            segment = self._segments[-1]
            segment.size += size
            return segment.end

    def _write(self, frame: bytes, payload: bytes) -> None:
        """All or nothing: what a full disk took of an entry is cut off again."""
        try:
            written = os.writev(self._file, (frame, payload))
            while written < len(frame) + len(payload):
                rest = memoryview(frame + payload)[written:]
                written += os.write(self._file, rest)
            if self.fsync == "batch":
                os.fdatasync(self._file)
        except OSError:
            os.ftruncate(self._file, self._segments[-1].size)
            raise

    def read_from(self, position: Position | None = None) -> Iterator[Entry]:
        """The entries behind ``position`` (None: all), oldest first, up to the end as it is when the call begins.

        A position beyond the end is one whose entries a power cut took after they had been dealt with: the journal goes on behind it, so
        that no position is ever given twice.
        """
        with self._lock:
            if position is not None and position > self._segments[-1].end:
                self._roll(position)
            segments = [_Segment(one.path, one.base, one.size) for one in self._segments]
        after = -1 if position is None else position
        return chain.from_iterable(self._read_segment(segment, after) for segment in segments if segment.end > after)

    def truncate_before(self, position: Position) -> None:
        """Frees the segments that hold nothing behind ``position``. The last segment stays."""
        with self._lock:
            while len(self._segments) > 1 and self._segments[0].end <= position:
                self._segments.pop(0).path.unlink(missing_ok=True)
            last = self._segments[-1]
            if last.size and last.end <= position:  # all of it is dealt with: begin anew behind it
                self._roll()
                self._segments.pop(0).path.unlink(missing_ok=True)

    @property
    def size_bytes(self) -> int:
        with self._lock:
            return self._size()

    @property
    def end(self) -> Position:
        """The position behind the last entry."""
        with self._lock:
            return self._segments[-1].end

    @property
    def fullness(self) -> float:
        """Share of the ceiling in use."""
        return self.size_bytes / self._max_bytes

    def close(self) -> None:
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
                os.close(self._owner)
                self._file = -1

    def _size(self) -> int:
        return sum(segment.size for segment in self._segments)

    def _roll(self, base: int | None = None) -> None:
        """Begins a new segment, at the end or further on."""
        base = self._segments[-1].end if base is None else base
        segment = _Segment(self._path / f"{base:020d}{_SUFFIX}", base, 0)
        file = os.open(segment.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.close(self._file)
        self._file = file
        self._segments.append(segment)
        if self.fsync == "batch":
            _sync_folder(self._path)

    def _open_segments(self) -> list[_Segment]:
        paths = sorted(path for path in self._path.glob(f"*{_SUFFIX}") if path.stem.isdigit())
        segments = [_Segment(path, int(path.stem), path.stat().st_size) for path in paths]
        if not segments:
            return [_Segment(self._path / f"{0:020d}{_SUFFIX}", 0, 0)]
        last = segments[-1]
        whole = 0
        for entry in self._read_segment(last, -1, count_damage=False):
            whole = entry.position - last.base
        if whole < last.size:
            self.damaged_bytes += last.size - whole
            os.truncate(last.path, whole)
            last.size = whole
        return segments

    def _read_segment(self, segment: _Segment, after: int, *, count_damage: bool = True) -> Iterator[Entry]:
        offset = 0
        try:
            with segment.path.open("rb") as file:
                while offset < segment.size:
                    entry = _read_entry(file.read(_FRAME.size), file.read, segment.base + offset)
                    if entry is None:
                        break
                    offset = entry.position - segment.base
                    if entry.position > after:
                        yield entry
        except FileNotFoundError:  # freed while it was being read
            return
        if count_damage:
            self.damaged_bytes += segment.size - offset


def _read_entry(head: bytes, read: Callable[[int], bytes], at: int) -> Entry | None:
    """The entry at a logical offset; None when the bytes are no whole entry."""
    if len(head) < _FRAME.size:
        return None
    length, checksum, kind, received_at = _FRAME.unpack(head)
    if length > _MAX_PAYLOAD or kind not in _KINDS:
        return None
    payload = read(length)
    if len(payload) < length or zlib.crc32(payload, zlib.crc32(_CHECKED.pack(kind, received_at))) != checksum:
        return None
    return Entry(EntryKind(kind), payload, at + _FRAME.size + length, received_at)


def _own(path: Path) -> int:
    """Locks the folder for this process. Raises StoreError when another one has it."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise StoreError(f"{path.parent} is in use by another sidecar: stop it, or set another store path") from None
    return file


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


_KINDS: Final = frozenset(int(kind) for kind in EntryKind)
