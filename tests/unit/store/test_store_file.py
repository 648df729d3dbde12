"""What only a file does: readers beside a writer, versions, corruption, folders that can't be used."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading

import pytest

from neural.monitoring.clock import ManualClock
from neural.monitoring.errors import StoreError
from neural.monitoring.signal import Signal
from neural.monitoring.store import open_store
from neural.monitoring.store.schema import CURRENT, STEPS


def test_a_reader_sees_what_a_writer_commits_and_nothing_of_what_it_has_not(tmp_path):
    writer = open_store(tmp_path)
    reader = open_store(tmp_path, read_only=True)
    with writer.transaction():
        writer.put_value("x", 1)
        assert reader.value("x") is None
    assert reader.value("x") == 1
    reader.close()
    writer.close()


def test_a_reader_may_not_write(tmp_path):
    open_store(tmp_path).close()
    reader = open_store(tmp_path, read_only=True)
    with pytest.raises(StoreError, match="reading only"):
        reader.put_value("x", 1)
    reader.close()


def test_a_reader_makes_nothing_where_there_is_nothing(tmp_path):
    with pytest.raises(StoreError, match="no monitoring data here"):
        open_store(tmp_path / "none", read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_another_process_reads_while_this_one_writes(tmp_path):
    code = "import sys; from neural.monitoring.store import open_store; print(open_store(sys.argv[1], read_only=True).value('x'))"
    writer = open_store(tmp_path)
    with writer.transaction():
        writer.put_value("x", 1)
        inside = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True).stdout
    after = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True).stdout
    assert (inside.strip(), after.strip()) == ("None", "1")
    writer.close()


def test_state_survives_a_killed_writer(tmp_path):
    code = (
        "import os, sys; from neural.monitoring.store import open_store\n"
        "s = open_store(sys.argv[1]); s.put_value('kept', 1)\n"
        "c = s.transaction(); c.__enter__(); s.put_value('lost', 1); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code, tmp_path], check=False).returncode == 9
    store = open_store(tmp_path)
    assert (store.value("kept"), store.value("lost")) == (1, None)
    store.close()


@pytest.mark.parametrize(
    "content", [b"this is no database" * 100, b"SQLite format 3\0" + b"\xff" * 5000], ids=["other file", "broken header"]
)
def test_a_corrupt_file_is_set_aside_loudly_and_state_begins_anew(tmp_path, caplog, content):
    (tmp_path / "state.db").write_bytes(content)
    store = open_store(tmp_path, clock=ManualClock(0.0))
    store.put_value("x", 1)
    assert store.value("x") == 1
    assert (tmp_path / "state.db.corrupt-19700101T000000Z").read_bytes() == content
    assert "is corrupt" in caplog.text
    store.close()


def test_corruption_met_while_running_costs_one_error_and_then_goes_on(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr("neural.monitoring.store.database.QUICK_CHECK_BYTES", 0)
    store = open_store(tmp_path)
    store.write_signals([Signal("error_rate", 0.1, float(t), {"model": "m"}) for t in range(2000)])
    store.close()
    store = open_store(tmp_path)
    with (tmp_path / "state.db").open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom((tmp_path / "state.db").stat().st_size - 4096))
    with pytest.raises(StoreError, match="set aside"):
        store.write_signals([Signal("error_rate", 0.1, 5000.0, {"model": "m"})])
    store.write_signals([Signal("error_rate", 0.1, 5000.0, {"model": "m"})])
    assert [s.time for s in store.read_signals()] == [5000.0]
    assert "history begins anew" in caplog.text
    store.close()


def test_a_reader_follows_a_replaced_file(tmp_path):
    first = open_store(tmp_path)
    first.put_value("x", "old")
    reader = open_store(tmp_path, read_only=True)
    assert reader.value("x") == "old"
    first.close()
    (tmp_path / "state.db").rename(tmp_path / "aside")
    second = open_store(tmp_path)
    second.put_value("x", "new")
    assert reader.value("x") == "new"
    reader.close()
    second.close()


def test_a_file_of_a_newer_version_is_left_alone(tmp_path):
    open_store(tmp_path).close()
    with sqlite3.connect(tmp_path / "state.db") as connection:
        connection.execute("INSERT INTO schema_version VALUES (?, 0)", (CURRENT + 1,))
    connection.close()
    for read_only in (True, False):
        with pytest.raises(StoreError, match="newer version"):
            open_store(tmp_path, read_only=read_only)


def test_an_empty_file_is_made_into_a_store_but_not_by_a_reader(tmp_path):
    (tmp_path / "state.db").touch()
    with pytest.raises(StoreError, match="is empty"):
        open_store(tmp_path, read_only=True)
    open_store(tmp_path).close()
    open_store(tmp_path, read_only=True).close()


def test_a_folder_that_is_a_file_is_one_clear_line(tmp_path):
    (tmp_path / "taken").touch()
    with pytest.raises(StoreError, match="can't be used as storage path"):
        open_store(tmp_path / "taken")


def test_a_writer_that_holds_the_lock_too_long_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("neural.monitoring.store.database.BUSY_TIMEOUT_SECONDS", 0.05)
    one, other = open_store(tmp_path), open_store(tmp_path)
    with one.transaction(), pytest.raises(StoreError, match="locked by another process"):
        other.put_value("x", 1)
    other.put_value("x", 1)
    one.close()
    other.close()


def test_connections_of_ended_threads_are_closed(tmp_path):
    store = open_store(tmp_path)
    for _ in range(10):
        thread = threading.Thread(target=store.value, args=("x",))
        thread.start()
        thread.join()
    assert len(store._database._connections) <= 2
    store.close()


def test_retention_gives_space_back_to_the_file_system(tmp_path):
    store = open_store(tmp_path)
    store.write_signals([Signal("x", float(t), float(t), {"f": f}) for t in range(5000) for f in "abcd"])
    store.apply_retention({"signals": 10.0}, now=4999.0)
    assert (tmp_path / "state.db").stat().st_size < 100_000
    store.close()


def test_the_file_can_be_read_without_permission_to_write(tmp_path):
    store = open_store(tmp_path)
    store.put_value("x", 1)
    store.close()
    tmp_path.chmod(0o555)
    (tmp_path / "state.db").chmod(0o444)
    try:
        reader = open_store(tmp_path, read_only=True)
        assert reader.value("x") == 1
        reader.close()
    finally:
        tmp_path.chmod(0o755)


def test_a_full_disk_is_one_error_and_leaves_the_state_whole(tmp_path):
    store = open_store(tmp_path)
    store.put_value("kept", 1)
    connection = store._database._connection()
    connection.execute("PRAGMA max_page_count = 40").fetchone()
    with pytest.raises(StoreError, match="full"):
        store.put_blob("pane", "large", b"x" * 1_000_000)
    assert store.value("kept") == 1
    connection.execute("PRAGMA max_page_count = 1000000").fetchone()
    store.put_blob("pane", "large", b"x" * 1_000_000)
    assert len(store.blob("pane", "large")) == 1_000_000
    store.close()


def test_a_disk_that_fills_up_under_a_process_costs_writes_not_the_state(tmp_path):
    code = (
        "import resource, signal, sys\n"
        "from neural.monitoring.errors import StoreError\n"
        "from neural.monitoring.store import open_store\n"
        "s = open_store(sys.argv[1]); s.put_value('kept', 1)\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))\n"
        "errors = 0\n"
        "for i in range(50):\n"
        "    try: s.put_blob('pane', str(i), b'x' * 20_000)\n"
        "    except StoreError: errors += 1\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
        "s.put_value('after', 2)\n"
        "print(errors > 0, s.value('kept'), s.value('after'), len(s.blobs('pane')) == 50 - errors)"
    )
    said = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=False)
    assert said.stdout.strip() == "True 1 2 True", said.stderr


def test_the_first_schema_is_brought_up_to_date_with_its_data(tmp_path, monkeypatch):
    """A later version adds a step: an old file gains it once, whoever opens it."""
    store = open_store(tmp_path)
    store.put_value("kept", 1)
    store.close()
    monkeypatch.setattr("neural.monitoring.store.schema.STEPS", (*STEPS, "CREATE TABLE later (x); INSERT INTO later VALUES (1)"))
    monkeypatch.setattr("neural.monitoring.store.schema.CURRENT", CURRENT + 1)
    with pytest.raises(StoreError, match="start the sidecar once"):
        open_store(tmp_path, read_only=True)
    for _ in range(2):
        store = open_store(tmp_path)
        assert store.value("kept") == 1
        store.close()
    with sqlite3.connect(tmp_path / "state.db") as connection:
        assert connection.execute("SELECT count(*) FROM later").fetchone() == (1,)
    connection.close()


def test_a_step_that_fails_changes_nothing(tmp_path, monkeypatch):
    open_store(tmp_path).close()
    monkeypatch.setattr(
        "neural.monitoring.store.schema.STEPS", (*STEPS, "CREATE TABLE later (x); INSERT INTO nowhere VALUES (1)")
    )
    monkeypatch.setattr("neural.monitoring.store.schema.CURRENT", CURRENT + 1)
    with pytest.raises(StoreError, match="nowhere"):
        open_store(tmp_path)
    monkeypatch.undo()
    open_store(tmp_path).close()


def test_every_commit_can_be_asked_to_reach_the_disk(tmp_path):
    for fsync, level in ((False, 1), (True, 2)):
        store = open_store(tmp_path, fsync=fsync)
        store.put_value("x", 1)
        assert store._database._connection().execute("PRAGMA synchronous").fetchone() == (level,)
        store.close()
