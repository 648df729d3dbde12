"""A sidecar that was killed, and an engine that was not, given the same journal: they must agree on everything."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neural.monitoring.app.build import build
from neural.monitoring.app.sidecar import Sidecar
from neural.monitoring.clock import ManualClock
from neural.monitoring.ingest import Journal
from neural.monitoring.ingest.journal import Entry, EntryKind
from neural.monitoring.predictions import read_predictions
from neural.monitoring.settings import load_settings
from neural.monitoring.signal import Signal
from neural.wire.decode import decode_batch

RELATIVE = 1e-9
"""A checkpoint lets go of the rows gathered so far, so sums are formed in another order: they may differ in the last bits."""
OWN = ("sidecar.",)
"""What a sidecar says of its own memory and time is not of the data."""
OWN_PARTS = frozenset({"ingest", "joiner"})
"""The one is fed by the senders, not by the journal; the other's ids are hashed with a salt of its own."""


def agreed(config: Path, journal: Path, spare_folder: Path, *, acknowledged: int) -> dict[str, Any]:
    """Raises AssertionError where they don't agree. ``journal``: every segment the killed sidecar has ever written."""
    entries = list(_entries(journal))
    sequences = [decode_batch(one.payload).sequence for one in entries if one.kind is EntryKind.BATCH]
    assert sequences == list(range(1, len(sequences) + 1)), "a batch is missing, twice, or out of order"
    assert acknowledged <= len(sequences) <= acknowledged + 1  # the last one may have been journalled and not answered
    clock = ManualClock(entries[-1].received_at)
    killed, spared = _built(config, None, clock), _built(config, spare_folder, clock)
    try:
        for entry in entries:
            clock.now = entry.received_at
            spared.engine._apply(entry, replay=False)
        for one in (killed, spared):
            one.engine._evaluate(clock(), replay=False)
            one.predictions.flush()
        return _compared(killed, spared)
    finally:
        for one in (killed, spared):
            _closed(one)


def _closed(sidecar: Sidecar) -> None:
    """It was never started."""
    for part in (sidecar.predictions, sidecar.journal, sidecar.reading_store, sidecar.store):
        part.close()


def _entries(folder: Path) -> Iterable[Entry]:
    journal = Journal(folder)
    yield from journal.read_from(None)
    assert journal.damaged_bytes == 0
    journal.close()


def _built(config: Path, folder: Path | None, clock: ManualClock) -> Sidecar:
    settings = load_settings(config)
    if folder is not None:
        settings = settings.model_copy(update={"store": settings.store.model_copy(update={"path": str(folder)})})
    return build(settings, clock)


def _compared(killed: Sidecar, spared: Sidecar) -> dict[str, Any]:
    counters = [one.store.value("capture")["counters"] for one in (killed, spared)]
    assert counters[0] == counters[1], counters
    ids = [sorted(read_predictions(one.storage_path / "predictions")["prediction_id"].to_pylist()) for one in (killed, spared)]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == len(ids[0]) == counters[0]["rows"]
    return {
        "rows": counters[0]["rows"],
        "labels_joined": counters[0].get("labels_matched", 0),
        "panes": _same_panes(killed, spared),
        "verdicts": _same_signals(killed, spared),
        "alerts": _same_alerts(killed, spared),
        "parts": _same_parts(killed, spared),
    }


def _same_panes(killed: Sidecar, spared: Sidecar) -> int:
    compared = 0
    models = [one.engine._panes._models for one in (killed, spared)]
    assert models[0].keys() == models[1].keys()
    for key, found in models[0].items():
        wanted = models[1][key]
        assert found.panes.keys() == wanted.panes.keys()
        for number, pane in [*found.panes.items(), (None, found.latest)]:
            other = wanted.latest if number is None else wanted.panes[number]
            assert pane.rows == other.rows
            assert pane.names == other.names
            np.testing.assert_array_equal(pane.counts, other.counts)
            np.testing.assert_array_equal(pane.low, other.low)
            np.testing.assert_array_equal(pane.high, other.high)
            np.testing.assert_allclose(pane.sums, other.sums, rtol=RELATIVE, atol=RELATIVE)
            compared += 1
    return compared


def _same_signals(killed: Sidecar, spared: Sidecar) -> int:
    """Every point that was ever stored, by series and time: value and verdict."""
    found, wanted = (_points(one.store.read_signals()) for one in (killed, spared))
    differing = {key: (found.get(key), value) for key, value in wanted.items() if not same(found.get(key), value)}
    assert not differing, dict(list(differing.items())[:10])
    assert found.keys() == wanted.keys()
    return len(wanted)


def _points(signals: Iterable[Signal]) -> dict[Any, Any]:
    return {
        (one.name, *sorted((one.labels or {}).items()), one.time): (
            one.value,
            None
            if one.verdict is None
            else (one.verdict.outcome, one.verdict.statistic, one.verdict.threshold, one.verdict.sample_size),
        )
        for one in signals
        if not one.name.startswith(OWN)
    }


def _same_alerts(killed: Sidecar, spared: Sidecar) -> int:
    """Rule, state, and when each came and went."""
    found, wanted = (
        sorted(
            (one.rule, one.state, one.severity, one.started_at, one.fired_at or 0.0, one.resolved_at or 0.0)
            for one in sidecar.store.alerts()
        )
        for sidecar in (killed, spared)
    )
    assert found == wanted, (found, wanted)
    return len(wanted)


def _same_parts(killed: Sidecar, spared: Sidecar) -> int:
    """The state of monitors and decoders, as a checkpoint would hold it."""
    parts = [one.engine._checkpointer.parts for one in (killed, spared)]
    names = parts[0].keys() - OWN_PARTS
    for name in names:
        found, wanted = (_without_examples(json.loads(json.dumps(one[name].snapshot()))) for one in parts)
        assert same(found, wanted), f"{name}{_where(found, wanted)}"
    return len(names)


def _without_examples(value: Any) -> Any:
    """Which rows stand for the others depends on how rows were gathered, and a checkpoint lets go of what was gathered."""
    if isinstance(value, dict):
        return {key: _without_examples(inner) for key, inner in value.items() if key not in ("examples", "repeated")}
    return [_without_examples(inner) for inner in value] if isinstance(value, list) else value


def same(one: Any, other: Any) -> bool:
    """Equal, floats within ``RELATIVE``."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=RELATIVE, abs_tol=1e-12)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.ndarray):
        return bool(np.allclose(one, other, rtol=RELATIVE))
    return bool(one == other)


def _where(one: Any, other: Any) -> str:
    """The path to the first difference, and the two values there."""
    if isinstance(one, Mapping) and isinstance(other, Mapping) and one.keys() == other.keys():
        return next(f".{key}{_where(value, other[key])}" for key, value in one.items() if not same(value, other[key]))
    if isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        return next(f"[{at}]{_where(*pair)}" for at, pair in enumerate(zip(one, other, strict=True)) if not same(*pair))
    return f": {one!r:.500} is not {other!r:.500}"
