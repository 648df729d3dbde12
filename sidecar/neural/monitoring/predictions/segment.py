"""An open hour of the log: an Arrow stream file that only grows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from neural.monitoring.predictions.layout import PARQUET, Hour, segment_of, temporary_of

FULL_BYTES = 64 << 20
"""A segment of this size is rolled before its hour is over: rolling takes about a second then, whatever the traffic."""
ROW_GROUP_BYTES = 2 << 20
"""Rows are turned into Parquet so many bytes at a time: what rolling holds in memory."""

LABEL = "label"
LabelsOf = Callable[[Sequence[str]], Sequence[str | None]]
"""Prediction ids → their labels, None where none is known."""
_LARGE_ROWS = 1_024
"""Batches of so many rows, on average, are written one after the other; smaller ones are copied together first, for each has a head of its own."""


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
    waiting_bytes: int = 0

    @property
    def is_full(self) -> bool:
        return self.size >= FULL_BYTES

    @property
    def path(self) -> Path:
        return segment_of(self.parquet)

    @property
    def parquet(self) -> Path:
        return self.folder / f"{self.stem}{PARQUET}"

    def append(self, rows: pa.RecordBatch) -> None:
        self.schema = rows.schema
        self.waiting.append(rows)
        self.waiting_rows += rows.num_rows
        self.waiting_bytes += rows.nbytes

    def flush(self) -> None:
        """Write what waits, or nothing. Raises OSError; the file is then as it was before, and what waited still waits."""
        if not self.waiting or self.schema is None:
            return
        if self.size and not self.path.exists():
            self.size = self.rows = 0  # retention took the file: begin again
        rows = self.waiting
        if self.waiting_rows < _LARGE_ROWS * len(rows):
            rows = pa.Table.from_batches(rows).combine_chunks().to_batches()
        parts = [*([] if self.size else [self.schema.serialize()]), *(item.serialize() for item in rows)]
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with self.path.open("ab", buffering=0) as file:
                for part in parts:
                    written = file.write(part)
                    if written != part.size:
                        raise OSError(f"{self.path}: {written} of {part.size} bytes written")
                if self.fsync:
                    os.fsync(file.fileno())
            if self.fsync and not self.size:
                sync_folders(self.folder)
        except OSError:
            truncate(self.path, self.size)
            raise
        self.waiting, self.waiting_rows, self.waiting_bytes = [], 0, 0
        self.size += sum(part.size for part in parts)
        self.rows += sum(item.num_rows for item in rows)

    def roll(self, labels: LabelsOf | None = None) -> bool:
        """Write the segment as Parquet beside it, whole or not at all; False when there is nothing to write. ``labels``: joined to the rows
        that have none.
        """
        temporary = temporary_of(self.parquet)
        if not _to_parquet(self.path, temporary, labels):
            return False
        if self.fsync:
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
        temporary.replace(self.parquet)
        if self.fsync:
            sync_folders(self.folder)
        return True

    def forget(self) -> int:
        """Drop what waits. Returns the rows."""
        rows = self.waiting_rows
        self.waiting, self.waiting_rows, self.waiting_bytes = [], 0, 0
        return rows


def _to_parquet(path: Path, target: Path, labels: LabelsOf | None) -> bool:
    """All whole messages of a segment, group by group: a segment of any size fits into memory. False when there are none."""
    try:
        source = pa.OSFile(str(path))
    except OSError:
        return False
    with source:
        try:
            reader = pa.ipc.open_stream(source)
        except (pa.ArrowInvalid, OSError):
            return False
        schema = _with_label(reader.schema) if labels is not None else reader.schema
        with _writer(target, schema) as writer:
            written = sum(_write_group(writer, pa.Table.from_batches(group), labels) for group in _groups(reader))
    if not written:
        target.unlink(missing_ok=True)
    return bool(written)


def _groups(reader: Any) -> Iterator[list[pa.RecordBatch]]:
    group: list[pa.RecordBatch] = []
    size = 0
    while True:
        try:
            batch = reader.read_next_batch()
        except (StopIteration, pa.ArrowInvalid, OSError, EOFError):  # what was read before a torn message counts
            break
        group.append(batch)
        size += batch.nbytes
        if size >= ROW_GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _with_label(schema: pa.Schema) -> pa.Schema:
    """The schema with a column for labels, behind the prediction."""
    if LABEL in schema.names:
        return schema
    return schema.insert(schema.get_field_index("prediction") + 1, pa.field(LABEL, pa.string()))


def _labelled(table: pa.Table, labels: LabelsOf, *, correct: bool = False) -> pa.Table:
    """Labels for the rows that have none; with ``correct`` for all that are known."""
    found = labels(table["prediction_id"].to_pylist())
    if LABEL not in table.column_names:
        at = table.column_names.index("prediction") + 1
        return table.add_column(at, LABEL, pa.array(found, pa.string()))
    pairs = zip(table[LABEL].to_pylist(), found, strict=True)
    both = [new if old is None or (correct and new is not None) else old for old, new in pairs]
    return table.set_column(table.column_names.index(LABEL), LABEL, pa.array(both, pa.string()))


def _write_group(writer: pq.ParquetWriter, table: pa.Table, labels: LabelsOf | None) -> int:
    if labels is not None:
        table = _labelled(table, labels)
    writer.write_table(table, row_group_size=max(table.num_rows, 1))
    return int(table.num_rows)


def relabel(path: Path, labels: LabelsOf, *, fsync: bool = False) -> tuple[int, bool]:
    """Write a Parquet file again with the labels known by now, whole or not at all. Returns the rows looked at, and whether any of them has
    got one; a file that has gone, or is no Parquet, has none. Raises OSError, with nothing left behind.
    """
    try:
        with pq.ParquetFile(path) as file:
            if not any(_gained(file, group, labels) for group in range(file.num_row_groups)):
                return file.metadata.num_rows, False
            temporary = temporary_of(path)
            try:
                _rewrite(file, temporary, labels)
            except OSError:  # a disk that is full needs the room
                temporary.unlink(missing_ok=True)
                raise
            rows = file.metadata.num_rows
    except (FileNotFoundError, pa.ArrowInvalid):
        return 0, False
    if fsync:
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
    temporary.replace(path)
    if fsync:
        sync_folders(path.parent)
    return rows, True


def _gained(file: pq.ParquetFile, group: int, labels: LabelsOf) -> bool:
    held = LABEL in file.schema_arrow.names
    table = file.read_row_group(group, columns=["prediction_id", *([LABEL] if held else [])])
    found = labels(table["prediction_id"].to_pylist())
    before = table[LABEL].to_pylist() if held else [None] * len(found)
    return any(new is not None and new != old for new, old in zip(found, before, strict=True))


def _rewrite(file: pq.ParquetFile, target: Path, labels: LabelsOf) -> None:
    schema = _with_label(file.schema_arrow)
    with _writer(target, schema) as writer:
        for group in range(file.num_row_groups):
            _write_group(writer, _labelled(file.read_row_group(group), labels, correct=True), None)


def _writer(target: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """A dictionary is held for every column until its group is written: of numbers, which hardly repeat, that is memory for nothing."""
    words: Any = [field.name for field in schema if pa.types.is_string(field.type)]
    return pq.ParquetWriter(target, schema, compression="zstd", use_dictionary=words)


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
        temporary = temporary_of(path)
        pq.write_table(table.slice(0, rows), temporary, compression="zstd")
        temporary.replace(path)


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
