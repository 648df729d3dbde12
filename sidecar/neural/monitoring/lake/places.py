"""Where a log is: a folder, or a URL of an object store that pyarrow knows."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pyarrow import ArrowException, fs

from neural.monitoring.errors import DataError

_GOOGLE = "gs"
_SCHEMES = {"gcs": _GOOGLE, "s3a": "s3"}  # as pyarrow spells it
_AZURE = re.compile(r"(?P<container>[^/@:]+)@(?P<account>[^/@:]+\.dfs\.[^/@:]+)(?:/|$)")
_SPARK_SCHEMES = {"s3": "s3a", "gcs": "gs"}  # as Hadoop's clients spell it


@dataclass(frozen=True, slots=True)
class Place:
    """``path`` is the log's folder inside ``files``. ``name`` is what messages call it, without credentials or options. ``account``: the host
    of an Azure account, where the URL names one.
    """

    files: Any
    path: str
    name: str
    scheme: str = ""
    account: str = ""

    @property
    def is_local(self) -> bool:
        return not self.scheme

    @property
    def has_no_folders(self) -> bool:
        """What is listed is objects alone."""
        return self.scheme == _GOOGLE

    def spark_path(self, path: str) -> str:
        """A file of this place as Spark is told of it."""
        if self.is_local:
            return path
        if self.account:  # Azure's: pyarrow's paths begin with the container
            container, _, rest = path.partition("/")
            return f"{self.scheme}://{container}@{self.account}/{rest}"
        return f"{_SPARK_SCHEMES.get(self.scheme, self.scheme)}://{path}"


def place_of(where: Path | str) -> Place:
    """``s3://bucket/prefix?region=…``, ``gs://…``, ``abfss://…``, ``file:///…`` or a folder. Credentials come from the environment, as
    the store's own tools read them. Raises DataError when there is no such folder, or no such kind of store.
    """
    text = str(where)
    scheme, found, rest = text.partition("://")
    if not found or scheme == "file":
        folder = Path(urlsplit(text).path if found else text)
        if not folder.is_dir():
            raise DataError(f"{folder}: no such folder: give the folder of a prediction log, <storage path>/predictions")
        return Place(fs.LocalFileSystem(), os.fspath(folder.absolute()), os.fspath(folder))
    if (
        scheme in {"s3", "s3a"}
        and "region=" not in rest
        and not (os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"))
    ):
        raise DataError(
            f"{scheme}://{_plain(rest)}: the bucket's region is not known: write ?region=… behind it, or set AWS_REGION"
        )
    try:
        files, path = fs.FileSystem.from_uri(f"{_SCHEMES.get(scheme, scheme)}://{rest}")
    except (ArrowException, OSError, ValueError) as error:
        why = str(error).splitlines()[0].replace(rest, _plain(rest))[:200]
        raise DataError(f"{scheme}://{_plain(rest)}: no place for a log that is known here: {why}") from None
    azure = _AZURE.match(rest) if scheme.startswith("abfs") else None
    account = azure["account"] if azure else ""
    return Place(files, path.rstrip("/"), f"{scheme}://{_plain(rest)}", _SCHEMES.get(scheme, scheme), account)


def _plain(rest: str) -> str:
    return rest.partition("?")[0].rpartition("@")[2]
