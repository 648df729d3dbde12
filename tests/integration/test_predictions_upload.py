"""The prediction log's copy in an object store: real clients against stores on this machine, and stores that fail."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from pyarrow import fs
from tests.integration.object_stores import STORES

from neural.monitoring.errors import ConfigError
from neural.monitoring.predictions import PredictionLog, PredictionLogSettings
from neural.monitoring.predictions.sampling import sampled_places
from neural.monitoring.predictions.settings import UploadSettings
from neural.monitoring.predictions.upload import LONGEST_WAIT_SECONDS, Uploader, build_uploader
from neural.monitoring.records import Column, Kind, RecordBatch
from neural.monitoring.settings import load_settings

sys.path.insert(0, str(Path(__file__).parents[1]))
from sidecars import SidecarProcess, batch, event

HOUR = 3600.0
NOW = 1_700_000_000.0 - 1_700_000_000.0 % HOUR


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class Flaky(fs.FileSystemHandler):
    """A local folder as an object store that can be down, and counts what it is asked."""

    def __init__(self, folder: Path) -> None:
        self.inner = fs.SubTreeFileSystem(str(folder), fs.LocalFileSystem())
        self.down, self.asked, self.written = False, 0, 0

    def _up(self) -> fs.FileSystem:
        self.asked += 1
        if self.down:
            raise OSError("connection refused")
        return self.inner

    def get_file_info(self, paths: list[str]) -> Any:
        return self._up().get_file_info(paths)

    def open_output_stream(self, path: str, metadata: Any) -> Any:
        self.written += 1
        self._up().create_dir(path.rpartition("/")[0], recursive=True)
        return self.inner.open_output_stream(path)

    def get_type_name(self) -> str:
        return "flaky"

    def normalize_path(self, path: str) -> str:
        return path

    def _none(self, *_: Any) -> Any:
        raise NotImplementedError

    get_file_info_selector = create_dir = delete_dir = delete_dir_contents = delete_root_dir_contents = delete_file = _none
    move = copy_file = open_input_stream = open_input_file = open_append_stream = _none


def rows(first: int, n: int, at: float) -> RecordBatch:
    x = Column("x", Kind.NUMERIC, np.arange(first, first + n, dtype=np.float64), np.zeros(n, dtype=np.bool_))
    return RecordBatch("m", "1", np.full(n, at), [f"id{i}" for i in range(first, first + n)], {"x": x})


def a_day(log: PredictionLog, clock: Clock, hours: int = 6) -> None:
    """An hour's rows each, rolled, and let go by two checkpoints."""
    for hour in range(hours):
        log.append(rows(hour * 10, 10, clock.now + 10))
        clock.now += HOUR + 120
        clock.now -= clock.now % HOUR - 120  # two minutes into the next hour
        log.roll(clock.now)
        log.checkpoint()
        log.checkpoint()


def ids(folder: Path) -> list[str]:
    return sorted(
        ds.dataset(folder, format="parquet", partitioning="hive").to_table(columns=["prediction_id"])["prediction_id"].to_pylist()
    )


@pytest.fixture
def log(tmp_path: Path) -> tuple[PredictionLog, Clock, Path]:
    clock = Clock()
    return PredictionLog(tmp_path / "log", PredictionLogSettings(), clock), clock, tmp_path / "log"


def test_a_store_that_is_down_for_an_hour_gets_everything_once_when_it_is_back(log, tmp_path: Path) -> None:
    writer, clock, root = log
    store = Flaky(tmp_path)
    uploader = Uploader(root, fs.PyFileSystem(store), "copy", "pod-1", clock)
    a_day(writer, clock)
    store.down = True
    end, attempts = clock.now + HOUR, 0
    while clock.now < end:
        clock.now += uploader.step()
        attempts += 1
    assert attempts == store.asked < 25  # 1, 2, 4 … 300 s: nobody hammers a store that is down
    assert uploader.stats() | {"upload_errors": float(attempts), "waiting_files": 6.0, "uploaded_files": 0.0} == uploader.stats()
    store.down = False
    back = clock.now
    while uploader.stats()["uploaded_files"] < 6:
        clock.now += uploader.step()
    assert clock.now - back <= LONGEST_WAIT_SECONDS
    assert ids(tmp_path / "copy") == sorted(f"id{i}" for i in range(60))
    asked = store.asked
    uploader.step()
    assert store.asked == asked  # what is there is not asked for again
    Uploader(root, fs.PyFileSystem(store), "copy", "pod-1", clock).step()
    assert store.written == 6  # nor sent again by the next process


def test_a_copy_broken_off_is_replaced(log, tmp_path: Path) -> None:
    writer, clock, root = log
    store = Flaky(tmp_path)
    a_day(writer, clock, hours=1)
    uploader = Uploader(root, fs.PyFileSystem(store), "copy", "pod-1", clock)
    uploader.step()
    (copy,) = (tmp_path / "copy").rglob("*.parquet")
    whole = copy.read_bytes()
    copy.write_bytes(whole[:100])
    Uploader(root, fs.PyFileSystem(store), "copy", "pod-1", clock).step()
    assert copy.read_bytes() == whole


def test_an_hour_that_a_restart_may_take_back_is_not_sent(log, tmp_path: Path) -> None:
    writer, clock, root = log
    writer.append(rows(0, 10, clock.now))
    writer.checkpoint()
    clock.now += HOUR + 120
    writer.roll(clock.now)
    store = Flaky(tmp_path)
    uploader = Uploader(root, fs.PyFileSystem(store), "copy", "pod-1", clock)
    uploader.step()
    assert store.written == 0
    writer.checkpoint()
    writer.checkpoint()
    uploader.step()
    assert store.written == 1


def test_the_last_look_sends_open_hours_and_their_end_replaces_them(log, tmp_path: Path) -> None:
    writer, clock, root = log
    store = Flaky(tmp_path)
    writer.append(rows(0, 10, clock.now))
    writer.close()
    Uploader(root, fs.PyFileSystem(store), "copy", "pod-1", clock).finish(10)
    assert ids(tmp_path / "copy") == sorted(f"id{i}" for i in range(10))
    writer.append(rows(10, 10, clock.now))
    a_day(writer, clock, hours=1)
    Uploader(root, fs.PyFileSystem(store), "copy", "pod-1", clock).step()
    assert set(ids(tmp_path / "copy")) >= {f"id{i}" for i in range(20)}
    assert len(ids(tmp_path / "copy")) == len(ids(root))


def test_two_pods_share_a_bucket(tmp_path: Path) -> None:
    for pod in ("my-model-7d9f-abcde", "my-model-7d9f-fghij"):
        clock = Clock()
        writer = PredictionLog(tmp_path / pod, PredictionLogSettings(), clock)
        a_day(writer, clock, hours=2)
        build_uploader(tmp_path / pod, UploadSettings(url=f"file://{tmp_path}/bucket", name=pod), clock).step()
    assert len(list((tmp_path / "bucket").rglob("*.parquet"))) == 4
    assert len(ids(tmp_path / "bucket")) == 40
    assert not list((tmp_path / "bucket").rglob("*.tmp"))


def _sent_by(folder: Path, bucket: Path, host: str, monkeypatch: pytest.MonkeyPatch, name: str = "") -> list[str]:
    """An hour's rows by a sidecar that starts in ``folder``; what is in the bucket then."""
    clock = Clock()
    monkeypatch.setattr("neural.monitoring.predictions.upload.socket.gethostname", lambda: host)
    uploader = build_uploader(folder, UploadSettings(url=f"file://{bucket}", name=name), clock)
    a_day(PredictionLog(folder, PredictionLogSettings(), clock), clock, hours=1)
    uploader.step()
    return sorted(path.name for path in bucket.rglob("*.parquet"))


@pytest.mark.parametrize("name", ["", "my-model"])
def test_a_pod_that_comes_back_with_an_empty_disk_writes_over_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    _sent_by(tmp_path / "first", tmp_path / "bucket", "pod-0", monkeypatch, name)
    found = _sent_by(tmp_path / "second", tmp_path / "bucket", "pod-0", monkeypatch, name)
    assert len(found) == 2
    assert all(re.fullmatch(rf"{name.replace('-', '_') or 'pod_0'}_[0-9a-f]{{8}}_main-1.parquet", one) for one in found)
    assert len(ids(tmp_path / "bucket")) == 20


def test_a_pod_that_comes_back_with_its_disk_under_another_name_sends_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _sent_by(tmp_path / "disk", tmp_path / "bucket", "my-model-abcde", monkeypatch)
    found = _sent_by(tmp_path / "disk", tmp_path / "bucket", "my-model-fghij", monkeypatch)
    assert len(found) == 2  # an hour's rows each
    assert len({one.rpartition("_")[0] for one in found}) == 1


def test_a_log_from_before_goes_on_under_the_name_it_had(tmp_path: Path) -> None:
    clock = Clock()
    a_day(PredictionLog(tmp_path / "log", PredictionLogSettings(), clock), clock, hours=1)
    for _ in range(2):
        build_uploader(tmp_path / "log", UploadSettings(url=f"file://{tmp_path}/bucket", name="pod-1"), clock).step()
    assert [path.name for path in (tmp_path / "bucket").rglob("*.parquet")] == ["pod_1_main-1.parquet"]


@pytest.mark.parametrize("ceiling", ["bytes", "files", "age"])
def test_the_log_keeps_within_its_ceilings_and_the_oldest_goes_first(tmp_path: Path, ceiling: str) -> None:
    clock = Clock()
    limits = {"bytes": {"max_size": 1 << 20}, "files": {"max_files": 10}, "age": {"keep": 5 * HOUR}}[ceiling]
    writer = PredictionLog(tmp_path, PredictionLogSettings(**limits), clock)
    for hour in range(20):
        n = 6_000 if ceiling == "bytes" else 10
        batch = rows(hour * n, n, clock.now + 10)
        noise = np.random.default_rng(hour).normal(size=n)
        writer.append(
            RecordBatch(
                "m", "1", batch.times, batch.row_ids, {"x": Column("x", Kind.NUMERIC, noise, np.zeros(n, dtype=np.bool_))}
            )
        )
        clock.now += HOUR
        writer.roll(clock.now + 120)
        writer.checkpoint()
        writer.checkpoint()
    files = sorted(tmp_path.rglob("*.parquet"))
    size = sum(path.stat().st_size for path in files)
    assert 0 < len(files) < 20
    assert {"bytes": size <= 1 << 20, "files": len(files) <= 10, "age": len(files) <= 6}[ceiling]
    assert max(int(path.stem.split("-")[1]) for path in files) == 20  # the newest is there
    assert writer.stats()["expired_files"] > 0


@pytest.mark.parametrize(
    "url", ["s3://bucket/x", "gs://bucket/x", "gcs://bucket/x", "abfss://box@account.dfs.core.windows.net/x", "file:///x"]
)
def test_every_kind_of_store_can_be_named(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Constructing a client sends nothing."""
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    assert build_uploader(tmp_path, UploadSettings(url=url), Clock()).stats()["waiting_files"] == 0


def test_a_bucket_without_a_region_is_one_clear_line_and_no_call_into_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError, match="region"):
        build_uploader(tmp_path, UploadSettings(url="s3://bucket/x"), Clock())


def test_a_url_that_says_nothing_is_refused_without_its_secrets(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't be used") as refused:
        build_uploader(tmp_path, UploadSettings(url="s3://key:secret@bucket/x?nonsense=1&region=x"), Clock())
    assert "secret" not in str(refused.value)


def test_a_url_with_a_signature_in_it_is_shown_nowhere(tmp_path: Path) -> None:
    url = "abfss://box@account.dfs.core.windows.net/x?sv=2020-08-04&sig=SECRET"
    settings = UploadSettings(url=url)
    assert "SECRET" not in settings.model_dump_json() + repr(settings) + str(settings.model_dump(mode="json"))
    for wrong in (f"{url}&nonsense=1", "abfss://key:SECRET@[x/y?sig=SECRET"):
        with pytest.raises(ConfigError) as refused:
            build_uploader(tmp_path, UploadSettings(url=wrong), Clock())
        assert "SECRET" not in str(refused.value)
    file = tmp_path / "neural-monitor.yaml"
    file.write_text('model: {name: m}\npredictions: {upload: {url: "ftp://key:SECRET@host/x"}}\n')
    with pytest.raises(ConfigError, match="not a URL of an object store") as refused:
        load_settings(file, env={})
    assert "SECRET" not in str(refused.value)


@pytest.fixture(scope="module", params=sorted(STORES))
def bucket(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with STORES[request.param](tmp_path_factory.mktemp("store")) as url:
        yield url


def stored(url: str) -> dict[str, int]:
    """Sizes of what is under a URL, by name."""
    store, path = fs.FileSystem.from_uri(url)
    found = store.get_file_info(fs.FileSelector(path, recursive=True, allow_not_found=True))
    return {one.path.removeprefix(f"{path}/"): one.size for one in found if one.type == fs.FileType.File}


def under(url: str, folder: str) -> str:
    return url.replace("bucket/logs", f"bucket/{folder}")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # moto's own
def test_a_store_gets_the_log_and_tools_read_it_there(log, bucket: str) -> None:
    writer, clock, root = log
    url = under(bucket, "whole")
    a_day(writer, clock, hours=3)
    uploader = build_uploader(root, UploadSettings(url=url, name="pod-1"), clock)
    uploader.start()  # on its thread, as in the sidecar
    deadline = time.monotonic() + 60
    while uploader.stats()["uploaded_files"] < 3:
        assert time.monotonic() < deadline, uploader.stats()
        time.sleep(0.05)
    uploader.finish(10)
    store, path = fs.FileSystem.from_uri(url)
    table = ds.dataset(path, filesystem=store, format="parquet", partitioning="hive").to_table()
    assert sorted(table["prediction_id"].to_pylist()) == sorted(f"id{i}" for i in range(30))
    assert set(table["model"].to_pylist()) == {"m"}


KILLED = """
import os, shutil, sys
from pathlib import Path
from neural.monitoring.predictions import upload
from neural.monitoring.predictions.settings import UploadSettings

def half(source, sink, length):
    if whole.pop() is False:
        sink.write(source.read(Path(source.name).stat().st_size // 2))
        os.kill(os.getpid(), 9)
    sink.write(source.read())

whole = [False, True]  # the first file, then the second
upload.shutil.copyfileobj = half
upload.build_uploader(Path(sys.argv[1]), UploadSettings(url=sys.argv[2], name="pod-1")).step()
"""


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_what_a_killed_process_left_half_is_not_shown_and_the_next_one_goes_on(log, bucket: str) -> None:
    """Killed with 6 MB of the second file sent: a multipart upload, a resumable one, staged blocks."""
    writer, clock, root = log
    url = under(bucket, "killed")
    a_day(writer, clock, hours=3)
    files = sorted(root.rglob("*.parquet"))
    files[1].write_bytes(np.random.default_rng(0).bytes(12 << 20))
    done = subprocess.run([sys.executable, "-c", KILLED, str(root), url], check=False, capture_output=True, timeout=60)
    assert done.returncode == -9, done.stderr
    shown = {name: size for name, size in stored(url).items() if not name.rpartition("/")[2].startswith("_")}
    assert shown == {f"{files[0].parent.relative_to(root)}/pod_1_{files[0].name}": files[0].stat().st_size}
    settings = UploadSettings(url=url, name="pod-1")
    again = build_uploader(root, settings, clock)
    again.step()
    assert again.stats() | {"uploaded_files": 2.0, "upload_errors": 0.0, "waiting_files": 0.0} == again.stats()
    whole = {f"{file.parent.relative_to(root)}/pod_1_{file.name}": file.stat().st_size for file in files}
    assert stored(url) == whole  # and nothing is left of the first attempt
    twice = build_uploader(root, settings, clock)
    twice.step()
    assert twice.stats()["uploaded_files"] == 0
    store, path = fs.FileSystem.from_uri(url)
    with store.open_output_stream(f"{path}/{min(whole)}") as sink:
        sink.write(b"of another size")
    third = build_uploader(root, settings, clock)
    third.step()
    assert third.stats()["uploaded_files"] == 1
    assert stored(url) == whole


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_sidecar_samples_its_log_and_leaves_all_of_it_in_the_store_when_it_stops(tmp_path: Path) -> None:
    """An hour that was over, and the one that is open; the same rows as anybody would choose who knows the ids."""
    more = {
        "predictions": {"upload": {"url": f"file://{tmp_path}/bucket"}, "sampling": "50%"},
        "store": {"checkpoint_every": "1s"},
    }
    sidecar = SidecarProcess(tmp_path, more)
    try:
        sidecar.start()
        now = time.time()
        sent = {f"{hour}-{at}": now - hour * HOUR for hour in (0, 3) for at in range(100)}
        sidecar.send([batch("server", 1, [event(one, [{"x": 1.0}], [0.5], started=at) for one, at in sent.items()])])
        deadline = time.monotonic() + 30
        while not list((sidecar.state / "predictions").rglob("*.parquet")):
            assert time.monotonic() < deadline, sidecar.said()
            time.sleep(0.1)
        sidecar.stop()
    finally:
        sidecar.close()
    files = [path for path in (tmp_path / "bucket").rglob("*") if path.is_file()]
    assert len(files) == 2
    tables = [pq.read_table(file, columns=["prediction_id", "weight"], partitioning=None) for file in files]
    chosen = [list(sent)[at] for at in sampled_places(list(sent), 0.5)]
    assert sorted(one for table in tables for one in table["prediction_id"].to_pylist()) == sorted(chosen)
    assert {one for table in tables for one in table["weight"].to_pylist()} == {2.0}
