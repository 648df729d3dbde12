"""Which files hold the rows that are asked for: ``model=<m>/version=<v>/date=YYYY-MM-DD/hour=HH/``, hours in UTC.

The layout is read as any other tool would read it. A folder outside the question is never listed, nor a file in it opened; in Google's
store, which knows no folders, all names are listed at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from urllib.parse import unquote

from pyarrow import fs

from neural.monitoring.errors import DataError
from neural.monitoring.lake.places import Place

_HOUR = timedelta(hours=1)
_UNNAMED = "_"  # the folder of a model or version without a name
_Listed = Callable[[str], list[fs.FileInfo]]  # what is in a folder
_PARQUET, _SEGMENT, _HIDDEN = ".parquet", ".arrows", "_"


@dataclass(frozen=True, slots=True)
class LogFile:
    """One file of the log. ``rolled``: Parquet, of an hour that is over; else an Arrow stream that may still grow."""

    path: str
    model: str
    version: str
    rolled: bool


def find_files(
    place: Place, *, model: str | None = None, version: str | None = None, since: float | None = None, until: float | None = None
) -> list[LogFile]:
    """Files that may hold rows with ``since`` ≤ time < ``until`` (Unix seconds). Raises DataError when the store can't be listed."""
    try:
        listed = _folders_of_names(place) if place.has_no_folders else partial(_listed, place)
        return [
            LogFile(path, *names, path.endswith(_PARQUET))
            for folder, names in _versions(listed, place.path, model, version)
            for hour in _hours(listed, folder, since, until)
            for path in _files(listed, hour)
        ]
    except OSError as error:
        raise DataError(f"{place.name}: can't be listed: {str(error).splitlines()[0][:300]}") from None


def _versions(listed: _Listed, root: str, model: str | None, version: str | None) -> Iterator[tuple[str, tuple[str, str]]]:
    for model_folder, found in _named(listed, root, "model"):
        if model is None or found == model:
            for folder, its_version in _named(listed, model_folder, "version"):
                if version is None or its_version == version:
                    yield folder, (found, its_version)


def _hours(listed: _Listed, folder: str, since: float | None, until: float | None) -> Iterator[str]:
    for day_folder, day in _named(listed, folder, "date"):
        start = _day(day)
        if start is None or not _overlaps(start, timedelta(days=1), since, until):
            continue
        for hour_folder, hour in _named(listed, day_folder, "hour"):
            if hour.isdecimal() and int(hour) < 24 and _overlaps(start + int(hour) * _HOUR, _HOUR, since, until):
                yield hour_folder


def _named(listed: _Listed, folder: str, key: str) -> list[tuple[str, str]]:
    """(folder, value) of the folders ``key=value`` in a folder, in order."""
    found = [one.path for one in listed(folder) if one.type == fs.FileType.Directory]
    named = [(path, path.rpartition("/")[2].partition("=")) for path in sorted(found)]
    return [(path, "" if value == _UNNAMED else unquote(value)) for path, (name, _, value) in named if name == key]


def _listed(place: Place, folder: str) -> list[fs.FileInfo]:
    listed: list[fs.FileInfo] = place.files.get_file_info(fs.FileSelector(folder, allow_not_found=True))
    return listed


def _folders_of_names(place: Place) -> _Listed:
    """Folders as the names of the objects tell them: Arrow would list only those that somebody has made a marker for."""
    found = place.files.get_file_info(fs.FileSelector(place.path, recursive=True, allow_not_found=True))
    below: dict[str, dict[str, fs.FileInfo]] = defaultdict(dict)
    for one in found:
        path, info = one.path, one
        while path != place.path and path not in below[path.rpartition("/")[0]]:
            parent = path.rpartition("/")[0]
            below[parent][path] = info
            path, info = parent, fs.FileInfo(parent, fs.FileType.Directory)
    return lambda folder: list(below[folder].values())


def _day(text: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
    except ValueError:
        return None


def _overlaps(start: datetime, length: timedelta, since: float | None, until: float | None) -> bool:
    return (until is None or start.timestamp() < until) and (since is None or (start + length).timestamp() > since)


def _files(listed: _Listed, folder: str) -> list[str]:
    """A rolled segment stays beside its Parquet file for a while: its rows count once."""
    found = [one.path for one in listed(folder) if one.type == fs.FileType.File]
    rolled = {path.removesuffix(_PARQUET): path for path in found if path.endswith(_PARQUET)}
    open_ = {_stem(path): path for path in found if path.endswith(_SEGMENT)}
    return [path for _, path in sorted((open_ | rolled).items())]


def _stem(segment: str) -> str:
    folder, _, name = segment.rpartition("/")
    return f"{folder}/{name.removeprefix(_HIDDEN).removesuffix(_SEGMENT)}"
