"""The prediction log: rows in, Arrow while the hour is open, Parquet when it is over.

Exactly once across restarts: ``checkpoint`` says how long each open segment is, and ``restore`` cuts away what came after, since the journal
will bring it again. An hour that was rolled keeps its segment until two checkpoints later, so that a restore from the checkpoint before the
roll finds it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from neural.monitoring.clock import Clock, system_clock
from neural.monitoring.predictions.late import LateLabels
from neural.monitoring.predictions.layout import (
    HIDDEN,
    HOUR_SECONDS,
    PARQUET,
    SEGMENT,
    Hour,
    hours,
    segment_of,
    stem_of,
    stem_parts,
    temporary_of,
)
from neural.monitoring.predictions.retention import enforce
from neural.monitoring.predictions.rows import arrow_rows
from neural.monitoring.predictions.sampling import rows_at, sampled_places
from neural.monitoring.predictions.segment import LabelsOf, Segment, cut_parquet, truncate
from neural.monitoring.predictions.settings import PredictionLogSettings
from neural.monitoring.records import RecordBatch

GRACE_SECONDS = 60.0  # rows this late still join their open hour
MAX_AHEAD_SECONDS = 3_600.0  # a row further in the future has a broken clock: it is filed under now
_BATCH_BYTES = 1 << 20  # of one segment: wide rows are written earlier than batch_rows says
_MAX_WAITING_ROWS = 65_536  # over all open segments
_MAX_REFUSED_ROWS = 4 * _MAX_WAITING_ROWS  # held while the disk refuses; beyond, rows are dropped and counted

_Key = tuple[Hour, tuple[str, ...]]


class PredictionLog:
    """Appends rows under ``path``; one writer name per process. ``append`` and ``roll`` count disk errors
    and never raise: the log must not stop the sidecar. What the disk refuses waits in memory. ``fsync``: what a checkpoint covers is on
    the disk, so that it survives a power cut."""

    def __init__(
        self,
        path: Path | str,
        settings: PredictionLogSettings | None = None,
        clock: Clock = system_clock,
        *,
        writer: str = "main",
        fsync: bool = False,
    ) -> None:
        self._root = Path(path)
        self._settings = settings or PredictionLogSettings()
        self._clock, self._writer, self._fsync = clock, writer, fsync
        self._segments: dict[_Key, Segment] = {}
        self._next = self._first_free_number()
        self._rolled: list[Path] = []  # since the last checkpoint
        self._superseded: list[Path] = []  # before it: no restore can need them after the next one
        self._late = LateLabels(self._root, writer, fsync=fsync)
        self._counts: Counter[str] = Counter()

    def _own_files(self) -> list[tuple[int, Path]]:
        found = []
        for _, folder in hours(self._root):
            for path in list(folder.iterdir()):
                parts = stem_parts(path)
                if parts is not None and parts[0] == self._writer:
                    found.append((parts[1], _named_as_today(path)))
        return found

    def _first_free_number(self) -> int:
        return 1 + max((number for number, _ in self._own_files()), default=0)

    def append(
        self,
        batch: RecordBatch,
        *,
        labels: Sequence[str | None] | None = None,
        metadata: Sequence[str | None] | None = None,
    ) -> None:
        """Add rows; they are on disk at the next checkpoint, or when enough wait."""
        if not len(batch) or not self._settings.enabled:
            return
        if self._settings.sampling < 1:
            places = sampled_places(batch.row_ids, self._settings.sampling)
            self._counts["sampled_out"] += len(batch) - len(places)
            if not len(places):
                return
            batch = rows_at(batch, places, self._settings.sampling)
            labels, metadata = ([values[at] for at in places] if values else None for values in (labels, metadata))
        times = self._filed_times(batch.times)
        rows = arrow_rows(batch, times, features=self._settings.features, labels=labels, metadata=metadata)
        starts = np.floor(times / HOUR_SECONDS).astype(np.int64) * HOUR_SECONDS
        shape = tuple(f"{field.name}\0{field.type}" for field in rows.schema)
        for start in starts[:1] if starts.min() == starts.max() else np.unique(starts):
            segment = self._segment((Hour(int(start), batch.model, batch.version), shape))
            chosen = np.flatnonzero(starts == start)
            segment.append(rows if len(chosen) == len(batch) else _chosen(rows, chosen))
            if segment.waiting_rows >= self._settings.batch_rows or segment.waiting_bytes >= _BATCH_BYTES:
                self._flush(segment)
        self._counts["rows"] += len(batch)
        if sum(segment.waiting_rows for segment in self._segments.values()) > _MAX_WAITING_ROWS:
            self.flush()
            self._bound()

    def _bound(self) -> None:
        if sum(segment.waiting_rows for segment in self._segments.values()) > _MAX_REFUSED_ROWS:
            self._counts["dropped"] += sum(segment.forget() for segment in self._segments.values())

    def _filed_times(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        now = self._clock()
        sane = np.isfinite(times) & (times >= 0) & (times <= now + MAX_AHEAD_SECONDS)
        return times if sane.all() else np.where(sane, times, now)

    def _segment(self, key: _Key) -> Segment:
        segment = self._segments.get(key)
        if segment is not None and segment.is_full:
            self._segments[key[0], (segment.path.stem,)] = self._segments.pop(key)  # waits for the next roll
            segment = None
        if segment is None:
            hour = key[0]
            segment = Segment(hour, self._root / hour.folder, f"{self._writer}-{self._next}", self._fsync)
            self._next += 1
            self._segments[key] = segment
        return segment

    def flush(self) -> None:
        """Write every waiting row."""
        for segment in self._segments.values():
            self._flush(segment)

    def _flush(self, segment: Segment) -> None:
        try:
            segment.flush()
        except OSError:
            self._counts["write_errors"] += 1

    def checkpoint(self) -> Mapping[str, Any]:
        """Write what waits, and say where everything ends. JSON-able. Raises OSError when the disk refuses: then there is no checkpoint,
        and the journal keeps the rows.
        """
        self.flush()
        waiting = sum(segment.waiting_rows for segment in self._segments.values())
        if waiting:
            raise OSError(f"{self._root}: {waiting} rows can't be written")
        for path in self._superseded:
            path.unlink(missing_ok=True)
        self._superseded, self._rolled = self._rolled, []
        ends = {str(item.path.relative_to(self._root)): [item.size, item.rows] for item in self._segments.values() if item.size}
        return {"writer": self._writer, "next": self._next, "segments": ends, "late_labels": self._late.snapshot()}

    def restore(self, checkpoint: Mapping[str, Any]) -> None:
        """Go back to a checkpoint: what was written after it will be appended again. An empty one stands for the beginning."""
        self._segments, self._rolled, self._superseded = {}, [], []
        ends: Mapping[str, Sequence[int]] = {  # a checkpoint of a release before knows segments by another name
            str(segment_of(Path(name))): end for name, end in checkpoint.get("segments", {}).items()
        }
        self._late.restore(checkpoint.get("late_labels", ()))
        first_new = int(checkpoint.get("next", 0))
        own = self._own_files()
        present = {str(path.relative_to(self._root)) for _, path in own}
        for number, path in own:
            segment = str(segment_of(path).relative_to(self._root))
            if not checkpoint:
                stale = segment in present  # what is Parquet alone was there before
            elif number >= first_new:
                stale = True
            elif path.suffix == PARQUET:
                stale = segment in ends and segment in present
            else:
                stale = segment not in ends
            if stale:
                path.unlink(missing_ok=True)
            elif segment in ends:
                self._cut(path, *ends[segment])
        self._next = max(first_new, self._first_free_number())
        self._adopt(ends)

    @staticmethod
    def _cut(path: Path, size: int, rows: int) -> None:
        if path.suffix == SEGMENT:
            truncate(path, size)
        else:
            cut_parquet(path, rows)  # the segment is gone already: checkpoints were asked for that never became the last one

    def _adopt(self, ends: Mapping[str, Sequence[int]]) -> None:
        """Segments of before are rolled with their hour; new rows go to new ones."""
        for hour, folder in hours(self._root):
            for path in folder.glob(f"{HIDDEN}{self._writer}-*{SEGMENT}"):
                end = ends.get(str(path.relative_to(self._root)))
                if end is not None:
                    size, rows = min(end[0], path.stat().st_size), end[1]
                    self._segments[hour, (path.stem,)] = Segment(hour, folder, stem_of(path), self._fsync, size=size, rows=rows)

    def roll(self, now: float, labels: LabelsOf | None = None, *, unfinished: bool = False) -> int:
        """Turn hours that are over into Parquet, with the labels that are known by now, then keep the log within its age and size. Returns
        the files written. ``unfinished``: open hours too, for a writer that ends.
        """
        written = 0
        for key, segment in list(self._segments.items()):
            if segment.hour.end + GRACE_SECONDS > now and not segment.is_full and not unfinished:
                continue
            self._flush(segment)
            if segment.waiting_rows:
                continue  # the disk refuses: tried again at the next roll
            del self._segments[key]
            try:
                written += segment.roll(labels)
            except OSError:
                self._counts["write_errors"] += 1
                temporary_of(segment.parquet).unlink(missing_ok=True)
                self._segments[key] = segment  # tried again at the next roll
                continue
            self._rolled.append(segment.path)
        if labels is not None:
            self._add_late_labels(now, labels)
        removed = enforce(
            self._root,
            now,
            keep_seconds=self._settings.keep,
            max_bytes=self._settings.max_size,
            max_files=self._settings.max_files,
        )
        self._counts["expired_files"] += removed
        return written

    def labelled(self, model: str, version: str, times: NDArray[np.float64]) -> None:
        """Labels have come for predictions of these times: where their hour is Parquet already, a later ``roll`` writes it again with them."""
        if self._settings.enabled:
            self._late.note(model, version, times)

    def _add_late_labels(self, now: float, labels: LabelsOf) -> None:
        try:
            self._counts["relabelled_files"] += self._late.step(now, labels)
        except OSError:
            self._counts["write_errors"] += 1

    def stats(self) -> dict[str, float]:
        """Rows appended, left out by sampling, dropped (the disk refused), errors, files expired, files written again with labels, rows waiting."""
        names = ("rows", "sampled_out", "dropped", "write_errors", "expired_files", "relabelled_files")
        waiting = sum(segment.waiting_rows for segment in list(self._segments.values()))  # asked from other threads too
        return {**{name: float(self._counts[name]) for name in names}, "waiting": float(waiting)}

    def close(self) -> None:
        """Write what waits. Open hours stay segments; the next process, or a reader, finds them."""
        self.flush()


def _chosen(rows: pa.RecordBatch, places: NDArray[np.int64]) -> pa.RecordBatch:
    """Rows of one hour mostly lie together: then nothing is copied, and pyarrow.compute is not loaded."""
    first, count = int(places[0]), len(places)
    return rows.slice(first, count) if int(places[-1]) - first == count - 1 else rows.take(places)


def _named_as_today(path: Path) -> Path:
    """A segment of a release before gets its underscore; where the disk refuses it keeps its name."""
    if path.suffix != SEGMENT or path == segment_of(path):
        return path
    try:
        return path.rename(segment_of(path))
    except OSError:
        return path
