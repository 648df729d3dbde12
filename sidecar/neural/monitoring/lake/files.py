"""Which files hold the rows that are asked for: ``model=<m>/version=<v>/date=YYYY-MM-DD/hour=HH/``, hours in UTC.

The layout is read as any other tool would read it. A folder outside the question is never listed, nor a file in it opened.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote

from neural.monitoring.errors import DataError

_HOUR = timedelta(hours=1)
_UNNAMED = "_"  # the folder of a model or version without a name
_PARQUET, _SEGMENT = ".parquet", ".arrows"


@dataclass(frozen=True, slots=True)
class LogFile:
    """One file of the log. ``rolled``: Parquet, of an hour that is over; else an Arrow stream that may still grow."""

    path: Path
    model: str
    version: str
    rolled: bool


def find_files(
    root: Path, *, model: str | None = None, version: str | None = None, since: float | None = None, until: float | None = None
) -> list[LogFile]:
    """Files that may hold rows with ``since`` ≤ time < ``until`` (Unix seconds). Raises DataError when ``root`` is no folder."""
    if not root.is_dir():
        raise DataError(f"{root}: no such folder: give the folder of a prediction log, <storage path>/predictions")
    found = []
    for model_folder in _named(root, "model", model):
        for version_folder in _named(model_folder, "version", version):
            names = (_value(model_folder), _value(version_folder))
            for folder in sorted(version_folder.glob("date=*/hour=*")):
                if _is_asked(folder, since, until):
                    found += [LogFile(path, *names, path.suffix == _PARQUET) for path in _files(folder)]
    return found


def _named(folder: Path, key: str, wanted: str | None) -> Iterable[Path]:
    return (one for one in sorted(folder.glob(f"{key}=*")) if wanted is None or _value(one) == wanted)


def _value(folder: Path) -> str:
    text = folder.name.split("=", 1)[1]
    return "" if text == _UNNAMED else unquote(text)


def _is_asked(folder: Path, since: float | None, until: float | None) -> bool:
    try:
        start = datetime.strptime(f"{folder.parent.name} {folder.name}", "date=%Y-%m-%d hour=%H").replace(tzinfo=UTC)
    except ValueError:
        return False
    return (until is None or start.timestamp() < until) and (since is None or (start + _HOUR).timestamp() > since)


def _files(folder: Path) -> Iterable[Path]:
    """A rolled segment stays beside its Parquet file for a while: its rows count once."""
    rolled = {path.stem: path for path in folder.glob(f"*{_PARQUET}")}
    open_ = {path.stem: path for path in folder.glob(f"*{_SEGMENT}")}
    return [path for _, path in sorted((open_ | rolled).items())]
