"""A copy of the log in an object store: hours that are over, under the same layout, each file once.

Resumable and idempotent without a state of its own: what is there in the same size is not sent again, what was broken off is not
there (a file takes its name when it is whole), and a file sent twice is the same file. Files are named after the sidecar, so that pods
share a bucket.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from neural.monitoring.clock import Clock, system_clock
from neural.monitoring.errors import ConfigError
from neural.monitoring.predictions.identity import name_in_store
from neural.monitoring.predictions.layout import (
    HIDDEN,
    PARQUET,
    SEGMENT,
    TEMPORARY,
    hours,
    parquet_of,
    segment_of,
    stem_of,
    stem_parts,
    temporary_of,
)
from neural.monitoring.predictions.segment import read_segment
from neural.monitoring.predictions.settings import UploadSettings

log = logging.getLogger(__name__)
LOOK_EVERY_SECONDS = 30.0
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 1.0, 300.0
"""After a failure: doubled from the first to the longest, so that a store that comes back is found within five minutes."""
_CHUNK_BYTES = 1 << 20
_DISK, _AZURE = "local", "abfs"  # as pyarrow names its file systems
_SHOWN_EARLY = {_DISK, _AZURE}
_SCHEMES = {"gcs": "gs"}  # as pyarrow spells it
_NAME = re.compile(r"[^A-Za-z0-9_]+")


_State = tuple[int, int]
"""Size and time of change (ns) of a file."""


def _state(path: Path) -> _State:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


class Uploader:
    """Copies files that will not change any more. ``step`` does the work of one look; ``start`` looks again and again on a thread."""

    def __init__(self, root: Path, target: fs.FileSystem, prefix: str, name: str, clock: Clock = system_clock) -> None:
        self._root, self._target, self._prefix, self._clock = root, target, prefix.rstrip("/"), clock
        plain = _NAME.sub("_", name)
        self._name = plain if plain[:1] not in {"", HIDDEN} else f"x{plain}"  # readers of a folder pass over what begins with it
        self._done: dict[Path, _State] = {}  # as it was sent: one that got labels since is sent again
        self._counts: Counter[str] = Counter()
        self._wait = FIRST_WAIT_SECONDS
        self._waiting_files = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="neural-upload", daemon=True)

    def step(self) -> float:
        """Send what is not there yet, oldest first, up to the first failure. Returns the seconds to wait before the next look."""
        todo = [path for path in self._finished() if not self._is_sent(path)]
        self._waiting_files = len(todo)
        for path in todo:
            if self._stop.is_set():
                break
            if not self._sent(path):
                wait, self._wait = self._wait, min(2 * self._wait, LONGEST_WAIT_SECONDS)
                return wait
            self._waiting_files -= 1
            self._wait = FIRST_WAIT_SECONDS
        return LOOK_EVERY_SECONDS

    def _finished(self) -> Iterator[Path]:
        """Parquet whose segment is gone: no restart takes it back. What retention took is forgotten."""
        self._done = {path: state for path, state in self._done.items() if path.exists()}
        return (path for path in self._rolled() if not segment_of(path).exists())

    def _rolled(self) -> Iterator[Path]:
        for _, folder in hours(self._root):
            yield from (path for path in sorted(folder.glob(f"*{PARQUET}")) if stem_parts(path) is not None)

    def _sent(self, path: Path) -> bool:
        try:
            state = size, _ = _state(path)
            key = self._key(path)
            if path in self._done or self._target.get_file_info(key).size != size:
                self._copy(path, key)
                self._counts["uploaded_files"] += 1
                self._counts["uploaded_bytes"] += size
        except FileNotFoundError:
            self._counts["gone_before_upload"] += 1  # retention was faster: the store was away for too long
        except (OSError, pa.ArrowException) as error:
            self._counts["upload_errors"] += 1
            if self._wait == FIRST_WAIT_SECONDS:  # once for each outage, not for each attempt
                log.warning("the prediction log can't be copied to %s: %s; it is tried again", self._prefix, _one_line(error))
            return False
        else:
            self._done[path] = state
        return True

    def _is_sent(self, path: Path) -> bool:
        try:
            return path in self._done and self._done[path] == _state(path)
        except FileNotFoundError:
            return True

    def _key(self, path: Path) -> str:
        folder = path.parent.relative_to(self._root).as_posix()
        return f"{self._prefix}/{folder}/{self._name}_{stem_of(path)}{PARQUET}"

    def _copy(self, path: Path, key: str) -> None:
        """S3 and GCS show an object when its stream is closed; Azure shows an empty one from the start, and a disk what is written so far:
        there a file takes its name when it is whole.
        """
        kind = self._target.type_name
        folder, _, name = key.rpartition("/")
        place = f"{folder}/{HIDDEN}{name}{TEMPORARY}" if kind in _SHOWN_EARLY else key
        if kind == _DISK:
            self._target.create_dir(folder, recursive=True)
        with path.open("rb") as source, self._target.open_output_stream(place) as sink:
            shutil.copyfileobj(source, sink, _CHUNK_BYTES)
        if kind == _DISK:
            self._target.move(place, key)
        elif place != key:  # Azure can rename in accounts with a hierarchical namespace only, and copy within the store in all
            self._target.copy_file(place, key)
            self._target.delete_file(place)

    def start(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._stop.wait(self._guarded_step())

    def _guarded_step(self) -> float:
        try:
            return self.step()
        except Exception:
            self._counts["upload_errors"] += 1
            log.exception("a look at what is to be uploaded failed; the next one follows")
            return LOOK_EVERY_SECONDS

    def finish(self, timeout_seconds: float) -> None:
        """Send what a restart may still take back and the open hours as well, as far as they go: the pod's disk may go with the pod. What
        goes on is sent again later.
        """
        self._stop.set()
        worker = threading.Thread(
            target=self._send_the_rest, name="neural-upload-rest", daemon=True
        )  # a client's calls have no deadline
        worker.start()
        worker.join(timeout_seconds)
        if worker.is_alive():
            log.warning("%s does not answer: what it has not got of the prediction log is on this disk", self._prefix)

    def _send_the_rest(self) -> None:
        if self._thread.is_alive():
            self._thread.join()
        for path in [*self._rolled(), *self._open()]:
            if not self._is_sent(path) and not self._sent_at_last(path):
                return

    def _open(self) -> Iterator[Path]:
        for _, folder in hours(self._root):
            yield from sorted(path for path in folder.glob(f"*{SEGMENT}") if not parquet_of(path).exists())

    def _sent_at_last(self, path: Path) -> bool:
        if path.suffix == PARQUET:
            return self._sent(path)
        table = read_segment(path)
        if table is None:
            return True
        temporary = temporary_of(path)
        try:
            pq.write_table(table, temporary, compression="zstd")
            self._copy(temporary, self._key(path))
            self._counts["uploaded_files"] += 1
        except (OSError, pa.ArrowException) as error:
            self._counts["upload_errors"] += 1
            log.warning("%s can't be copied to %s: %s", path.name, self._prefix, _one_line(error))
            return False
        finally:
            temporary.unlink(missing_ok=True)
        return True

    def stats(self) -> dict[str, float]:
        """Files and bytes sent, errors, files gone before they could be sent, files waiting."""
        names = ("uploaded_files", "uploaded_bytes", "upload_errors", "gone_before_upload")
        return {**{name: float(self._counts[name]) for name in names}, "waiting_files": float(self._waiting_files)}


def build_uploader(root: Path, settings: UploadSettings, clock: Clock = system_clock) -> Uploader:
    """Raises ConfigError when the URL names no store that this pyarrow knows. Nothing is sent yet."""
    url = settings.url.get_secret_value()
    scheme, _, rest = url.partition("://")
    if scheme == "s3" and "region=" not in rest:
        rest += f"{'&' if '?' in rest else '?'}region={_region()}"  # else the client asks the network before it exists
    try:
        target, prefix = fs.FileSystem.from_uri(f"{_SCHEMES.get(scheme, scheme)}://{rest}")
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ConfigError(f"{_without_secrets(url)} can't be used: {_one_line(error)}", key="predictions.upload.url") from None
    return Uploader(root, target, prefix, name_in_store(root, settings.name, socket.gethostname()), clock)


def _region() -> str:
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not region:
        raise ConfigError(
            "the bucket's region is not known", key="predictions.upload.url", hint="write ?region=… behind it, or set AWS_REGION"
        )
    return region


def _without_secrets(url: str) -> str:
    return re.sub(r"//[^/@]*@", "//…@", url.partition("?")[0])


def _one_line(error: Exception) -> str:
    """Without what may stand in a URL behind its path, or before its host."""
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return re.sub(r"\?[^\s'\"]+", "?…", re.sub(r"//[^/@\s]*@", "//…@", text))[:300]
