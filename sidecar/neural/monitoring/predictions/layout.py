"""Where files are: ``model=<m>/version=<v>/date=YYYY-MM-DD/hour=HH/<writer>-<n>.parquet``, hours in UTC.

What is not finished begins with an underscore, ``_<writer>-<n>.arrows``: Spark, pyarrow and pandas pass over such files when they are asked
for a whole folder. Segments of releases before have no underscore; they are read all the same, and renamed by the writer that restarts.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, unquote

HOUR_SECONDS = 3_600
SEGMENT = ".arrows"
PARQUET = ".parquet"
TEMPORARY = ".tmp"
HIDDEN = "_"
_MAX_NAME = 160  # bytes of a quoted name: file systems stop at 255
_HOUR = re.compile(r"date=(\d{4})-(\d{2})-(\d{2})/hour=(\d{2})")
_STEM = re.compile(r"(?P<writer>[A-Za-z0-9_]+)-(?P<number>\d+)")


@dataclass(frozen=True, slots=True, order=True)
class Hour:
    """One folder of the log. ``start``: Unix seconds, whole hours."""

    start: int
    model: str
    version: str

    @property
    def folder(self) -> Path:
        when = datetime.fromtimestamp(self.start, UTC)
        return Path(f"model={quoted(self.model)}", f"version={quoted(self.version)}", f"date={when:%Y-%m-%d}", f"hour={when:%H}")

    @property
    def end(self) -> int:
        return self.start + HOUR_SECONDS


def quoted(name: str) -> str:
    """A name as a folder: percent-encoded, and cut with a hash where it is very long. "" reads "_"."""
    text = quote(name, safe=" ") or "_"
    if len(text) <= _MAX_NAME:
        return text
    return f"{text[: _MAX_NAME - 20].rsplit('%', 1)[0]}~{hashlib.blake2b(name.encode(), digest_size=8).hexdigest()}"


def hours(root: Path, *, model: str | None = None, version: str | None = None) -> Iterator[tuple[Hour, Path]]:
    """Every hour folder, oldest first."""
    pattern = f"model={quoted(model) if model is not None else '*'}/version={quoted(version) if version is not None else '*'}"
    found = [item for folder in root.glob(f"{pattern}/date=*/hour=*") if (item := _hour_of(folder)) is not None]
    yield from sorted(found, key=lambda item: (item[0], item[1]))


def _hour_of(folder: Path) -> tuple[Hour, Path] | None:
    match = _HOUR.fullmatch("/".join(folder.parts[-2:]))
    if match is None:
        return None
    model, version = (part.split("=", 1)[1] for part in folder.parts[-4:-2])
    year, month, day, hour = (int(group) for group in match.groups())
    try:
        start = datetime(year, month, day, hour, tzinfo=UTC)
    except ValueError:
        return None
    return Hour(int(start.timestamp()), _unquoted(model), _unquoted(version)), folder


def _unquoted(text: str) -> str:
    return "" if text == "_" else unquote(text)


def stem_parts(path: Path) -> tuple[str, int] | None:
    """(writer, number) of a file of the log; None for foreign files."""
    match = _STEM.fullmatch(stem_of(path))
    if match is None or path.suffix not in {SEGMENT, PARQUET}:
        return None
    return match["writer"], int(match["number"])


def stem_of(path: Path) -> str:
    """What a segment and the Parquet file made of it share: ``<writer>-<n>``."""
    return path.stem.removeprefix(HIDDEN) if path.suffix == SEGMENT else path.stem


def parquet_of(path: Path) -> Path:
    """Where a segment's rows are, or will be, as Parquet."""
    return path.with_name(f"{stem_of(path)}{PARQUET}")


def segment_of(path: Path) -> Path:
    """The segment of a Parquet file; of a segment the name it has today."""
    return path.with_name(f"{HIDDEN}{stem_of(path)}{SEGMENT}")


def temporary_of(path: Path) -> Path:
    """Where a file is written before it takes its name."""
    return path.with_name(f"{HIDDEN}{stem_of(path)}{TEMPORARY}")
