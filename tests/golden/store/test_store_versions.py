"""State files of every version of the schema, as their sidecars left them, are brought up to date with all that is in them.

``schema-<version>….sql`` are dumps of such files. A new step of the schema comes with a dump of a file that has it.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from neural.monitoring.app.build import build
from neural.monitoring.errors import StoreError
from neural.monitoring.settings import parse_settings
from neural.monitoring.signal import Signal
from neural.monitoring.store import STATE_FILE, open_store
from neural.monitoring.store.schema import CURRENT, STEPS

HERE = Path(__file__).parent
DUMPS = sorted(HERE.glob("schema-*.sql"))
TABLES = ("points", "latest", "reports", "alerts", "silences", "outbox", "slo_counts", "blobs", "key_values")


def _version(dump: Path) -> int:
    return int(dump.stem.split("-")[1])


def _restored(dump: Path, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    with sqlite3.connect(folder / STATE_FILE) as connection:
        connection.executescript(dump.read_text())
    connection.close()
    return folder


def _schema(path: Path) -> dict[str, str]:
    with sqlite3.connect(path) as connection:
        found = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    connection.close()
    # how a comment or a line break was written does not matter
    return {name: " ".join(line for line in sql.split("--")[0].split()) for name, sql in found}


def _counts(path: Path) -> dict[str, int]:
    with sqlite3.connect(path) as connection:
        found = {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in TABLES}
    connection.close()
    return found


def test_every_version_has_a_file() -> None:
    assert {_version(dump) for dump in DUMPS} == set(range(1, CURRENT + 1))


@pytest.mark.parametrize("dump", DUMPS, ids=lambda dump: dump.stem)
def test_an_old_file_becomes_a_new_one_with_all_its_rows(dump: Path, tmp_path: Path) -> None:
    folder = _restored(dump, tmp_path / "old")
    before = _counts(folder / STATE_FILE)
    if _version(dump) < CURRENT:
        with pytest.raises(StoreError, match="start the sidecar once"):
            open_store(folder, read_only=True)
    open_store(tmp_path / "new").close()
    open_store(folder).close()
    assert _schema(folder / STATE_FILE) == _schema(tmp_path / "new" / STATE_FILE)
    assert _counts(folder / STATE_FILE) == before


@pytest.mark.parametrize("dump", DUMPS, ids=lambda dump: dump.stem)
def test_every_row_of_an_old_file_is_read_and_new_ones_are_written(dump: Path, tmp_path: Path) -> None:
    folder = _restored(dump, tmp_path)
    held = _counts(folder / STATE_FILE)
    store = open_store(folder)
    try:
        assert len(store.read_signals()) == held["points"]
        assert len(store.latest_signals()) == held["latest"]
        assert len(store.alerts()) == held["alerts"]
        assert len(store.silences()) == held["silences"]
        assert len(store.outbox()) == held["outbox"]
        found = sum(len(store.reports(kind, limit=1_000)) for kind in ("drift", "quality", "decode_failure"))
        assert found == held["reports"]
        assert sum(one.verdict is not None for one in store.latest_signals()) > 0
        store.write_signals([Signal("requests.rate", 1.0, 2e9, {"model": "m", "version": "1.0"})])
        assert store.latest_signals(["requests.rate"])[-1].value == 1.0
    finally:
        store.close()


def test_the_rows_of_the_first_files_keep_their_words(tmp_path: Path) -> None:
    store = open_store(_restored(HERE / "schema-1-first.sql", tmp_path))
    alerts = {one.rule: one for one in store.alerts()}
    assert (alerts["drifted"].state, alerts["drifted"].evidence, alerts["drifted"].acknowledged_note) == (
        "firing",
        {"rows": 3},
        "",
    )
    assert [(one.message_id, one.attempts) for one in store.outbox(state="queued")] == [("m1", 2)]
    assert [one.reason for one in store.silences(active_at=1_700_000_100.0)] == ["planned"]
    assert store.slo_counts("availability", since=0, until=2e9)[0][1:] == (99.0, 100.0)
    assert store.blob("pane", "k") == b"\x00\x01bytes"
    store.close()


@pytest.mark.parametrize("name", [dump.stem for dump in DUMPS if dump.stem != "schema-1-first"])  # that one had no engine yet
def test_a_sidecar_goes_on_from_an_old_checkpoint(name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    _restored(HERE / f"{name}.sql", tmp_path / "state")
    sidecar = build(parse_settings(f"model: {{name: m}}\nstore: {{path: {tmp_path}/state}}\n", env={}))
    try:
        assert sidecar.engine._processor.totals.counts["rows"] == 100
        (panes,) = sidecar.engine._panes._models.values()
        assert panes.layout.reference is not None
        assert sum(pane.rows for pane in panes.panes.values()) == 60  # forty were learnt from
        assert [record.message for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []
    finally:
        for part in (sidecar.predictions, sidecar.journal, sidecar.reading_store, sidecar.store):
            part.close()


def test_released_steps_are_as_they_were(tmp_path: Path) -> None:
    """A file made by the first n steps has the tables of the dump of version n."""
    for dump in DUMPS:
        if dump.stem == "schema-1-first":
            continue  # from before the first release
        with sqlite3.connect(tmp_path / f"{dump.stem}.db") as connection:
            for step in STEPS[: _version(dump)]:
                connection.executescript(step)
        connection.close()
        made = _schema(tmp_path / f"{dump.stem}.db")
        (tmp_path / dump.stem).mkdir()
        kept = _schema(_restored(dump, tmp_path / dump.stem) / STATE_FILE)
        assert made == {name: sql for name, sql in kept.items() if name != "schema_version"}
