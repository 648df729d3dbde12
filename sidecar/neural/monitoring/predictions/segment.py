"""An open hour of the log: an Arrow stream file that only grows."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from neural.monitoring.predictions.layout import PARQUET, SEGMENT, TEMPORARY, Hour


@dataclass(slots=True)
class Segment:
    """``size``: bytes that are known to be written whole, holding ``rows`` rows. ``waiting``: rows not written yet, all of one schema."""

    hour: Hour
    folder: Path
    stem: str
    fsync: bool = False
    schema: pa.Schema | None = None
    size: int = 0
    rows: int = 0
    waiting: list[pa.RecordBatch] = field(default_factory=list)
    waiting_rows: int = 0

    @property
    def path(self) -> Path:
        return self.folder / f"{self.stem}{SEGMENT}"

    @property
    def parquet(self) -> Path:
        return self.folder / f"{self.stem}{PARQUET}"

    def append(self, rows: pa.RecordBatch) -> None:
        self.schema = rows.schema
        self.waiting.append(rows)
        self.waiting_rows += rows.num_rows

    def flush(self) -> None:
        """Write what waits, in one write. Raises OSError; the file is then as it was before, and what waited still waits."""
        if not self.waiting or self.schema is None:
            return
        if self.size and not self.path.exists():
            self.size = self.rows = 0  # retention took the file: begin again
        rows = pa.Table.from_batches(self.waiting).combine_chunks().to_batches()
        data = b"".join([*([] if self.size else [self.schema.serialize().to_pybytes()]), *(_message(item) for item in rows)])
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with self.path.open("ab", buffering=0) as file:
                written = file.write(data)
                if written != len(data):
                    raise OSError(f"{self.path}: {written} of {len(data)} bytes written")
                if self.fsync:
                    os.fsync(file.fileno())
            if self.fsync and not self.size:
                sync_folders(self.folder)
        except OSError:
            truncate(self.path, self.size)
            raise
        self.waiting, self.waiting_rows = [], 0
        self.size += len(data)
        self.rows += sum(item.num_rows for item in rows)

    def roll(self) -> bool:
        """Write the segment as Parquet beside it, whole or not at all; False when there is nothing to write."""
        table = read_segment(self.path)
        if table is None:
            return False
        temporary = self.parquet.with_suffix(TEMPORARY)
        pq.write_table(table, temporary, compression="zstd")
        if self.fsync:
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
        temporary.replace(self.parquet)
        if self.fsync:
            sync_folders(self.folder)
        return True

    def forget(self) -> int:
        """Drop what waits. Returns the rows."""
        rows, self.waiting, self.waiting_rows = self.waiting_rows, [], 0
        return rows


def sync_folders(folder: Path) -> None:
    """The names of a new file and of the folders above it, to the disk: hour, date, version, model, root."""
    for one in (folder, *list(folder.parents)[:4]):
        number = os.open(one, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def cut_parquet(path: Path, rows: int) -> None:
    """Keep the first ``rows`` rows of a file."""
    table = pq.ParquetFile(path).read()
    if table.num_rows > rows:
        temporary = path.with_suffix(TEMPORARY)
        pq.write_table(table.slice(0, rows), temporary, compression="zstd")
        temporary.replace(path)


def _message(rows: pa.RecordBatch) -> bytes:
    data: bytes = rows.serialize().to_pybytes()
    return data


def truncate(path: Path, size: int) -> None:
    """Cut a file back to ``size`` bytes, as far as the disk lets us; an empty one goes."""
    try:
        if size <= 0:
            path.unlink(missing_ok=True)
        elif path.exists():
            os.truncate(path, size)
    except OSError:
        return  # the next append checks nothing: readers stop at the first broken message


def read_segment(path: Path) -> pa.Table | None:
    """All whole messages of a segment; None when there are none. A torn last message is left out."""
    batches: list[pa.RecordBatch] = []
    try:
        with pa.memory_map(str(path)) as source, pa.ipc.open_stream(source) as reader:
            try:
                for batch in reader:
                    batches.append(batch)  # noqa: PERF402 - what was read before a torn message counts
            except (pa.ArrowInvalid, OSError, EOFError):
                pass
            return pa.Table.from_batches(batches, reader.schema) if batches else None
    except (pa.ArrowInvalid, OSError):
        return None
