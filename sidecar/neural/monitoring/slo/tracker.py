"""The seed's SLOTracker: measured values in, compliance, budget and breaches out."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from neural.monitoring.clock import Clock, system_clock
from neural.monitoring.errors import DataError
from neural.monitoring.slo.budget import budget_remaining
from neural.monitoring.slo.report import SLAReport
from neural.monitoring.slo.seed import SLO
from neural.monitoring.slo.track import Track
from neural.monitoring.store import Store, open_store

_STORE_KEY = "slo_tracker"
_KEEP_WINDOWS = 32
"""How many windows back measurements are kept, for reports."""
_SAVE_EVERY_SECONDS = 1.0
"""Measurements are written in groups; ``flush`` and reading the status write what is left."""


class SLOTracker:
    """Objectives on measured values.

    With ``storage_path`` the state is kept in that folder's store and a new tracker on the same folder continues. Use from several
    threads is the caller's affair. Unlike the seed's: a latency target is not taken for a share, error rates have a budget of
    ``target``, and one file holds everything.
    """

    def __init__(
        self, storage_path: str | Path | None = None, *, store: Store | None = None, clock: Clock = system_clock
    ) -> None:
        self._clock = clock
        self._owned = store is None and storage_path is not None
        self._store = open_store(Path(storage_path)) if self._owned and storage_path is not None else store
        self._tracks: dict[str, Track] = {}
        self._saved_at = -math.inf
        self._dirty = False
        self._load()

    @property
    def slos(self) -> dict[str, SLO]:
        """The objectives by name."""
        return {name: track.slo for name, track in self._tracks.items()}

    def add_slo(self, slo: SLO) -> None:
        """Add an objective, or change the one of that name; what was measured before stays when target and window are the same."""
        held = self._tracks.get(slo.name)
        if held is None or held.slo.terms != slo.terms:
            self._tracks[slo.name] = Track(slo)
        else:
            held.slo = slo
        self._touch()

    def remove_slo(self, name: str) -> bool:
        """Forget an objective. False when there is none of that name."""
        gone = self._tracks.pop(name, None) is not None
        self._touch()
        return gone

    def record_measurement(self, slo_name: str, actual_value: float, timestamp: float | None = None) -> bool:
        """Count one measured value (latency in seconds). Returns whether it meets the target.

        Raises DataError for unknown names, NaN and infinities.
        """
        track = self._tracks.get(slo_name)
        if track is None:
            raise DataError(f"there is no SLO named {slo_name!r}; there are: {', '.join(sorted(self._tracks)) or 'none'}")
        value = float(actual_value)
        if not math.isfinite(value):
            raise DataError(f"a measurement of {slo_name!r} must be a finite number, not {actual_value!r}")
        at = self._clock() if timestamp is None else float(timestamp)
        track.record(value, at)
        self._touch()
        return track.slo.is_met_by(value)

    def get_slo_status(self, name: str) -> dict[str, Any]:
        """The window that ends now.

        ``status`` is "ok" (there is data), "no_data" or "not_found"; ``is_meeting`` says whether the objective is met.
        """
        track = self._tracks.get(name)
        if track is None:
            return {"status": "not_found", "slo": name}
        self.flush()
        now = self._clock()
        since = now - track.slo.window_seconds
        until = now + track.slot_seconds  # the slot that holds now, too
        total = track.within(since, until)
        if not total.measurements:
            nothing = {"compliance_rate": None, "is_meeting": None, "total_measurements": 0, "error_budget_remaining": None}
            return {"status": "no_data", "slo": track.slo.to_dict(), **nothing, **_breaches(track, since, now)}
        left = budget_remaining(track.counts(since, until), track.slo.goal)
        return {
            "status": "ok",
            "slo": track.slo.to_dict(),
            "compliance_rate": total.met / total.measurements,
            "is_meeting": left is not None and left >= -1e-9,
            "total_measurements": total.measurements,
            "error_budget_remaining": left,
            "recent_compliance": sum(track.recent) / len(track.recent) if track.recent else None,
            **_breaches(track, since, now),
        }

    def get_all_slo_status(self) -> dict[str, dict[str, Any]]:
        """``get_slo_status`` of every objective."""
        return {name: self.get_slo_status(name) for name in self._tracks}

    def generate_sla_report(self, name: str, start_time: float | None = None, end_time: float | None = None) -> SLAReport:
        """Compliance between two times (Unix seconds; the window that ends now when left out). Raises DataError for an unknown name."""
        track = self._tracks.get(name)
        if track is None:
            raise DataError(f"there is no SLO named {name!r}; there are: {', '.join(sorted(self._tracks)) or 'none'}")
        end = self._clock() + track.slot_seconds if end_time is None else end_time
        start = end - track.slo.window_seconds - track.slot_seconds if start_time is None else start_time
        return SLAReport.of_track(track, start, end)

    def flush(self) -> None:
        """Write what hasn't been written."""
        if self._store is None or not self._dirty:
            return
        now = self._clock()
        with self._store.transaction():
            for track in self._tracks.values():
                track.save(self._store)
                track.forget_before(now - _KEEP_WINDOWS * track.slo.window_seconds)
            self._store.put_value(_STORE_KEY, [track.to_dict() for track in self._tracks.values()])
        self._saved_at, self._dirty = now, False

    def close(self) -> None:
        """Write what is left; close the store if this tracker opened it."""
        self.flush()
        if self._owned and self._store is not None:
            self._store.close()
            self._store = None

    def _touch(self) -> None:
        self._dirty = True
        if abs(self._clock() - self._saved_at) >= _SAVE_EVERY_SECONDS:
            self.flush()

    def _load(self) -> None:
        if self._store is not None:
            for data in self._store.value(_STORE_KEY, []):
                since = self._clock() - _KEEP_WINDOWS * float(data["slo"]["window_seconds"])
                track = Track.load(data, self._store, since)
                self._tracks[track.slo.name] = track


def _breaches(track: Track, since: float, now: float) -> dict[str, Any]:
    episodes = list(track.breaches(since, now))
    durations = [episode.duration(now) for episode in episodes]
    current = episodes[-1] if episodes and episodes[-1].end is None else None
    return {
        "total_breaches": len(episodes),
        "total_breach_duration": sum(durations),
        "max_breach_duration": max(durations, default=0.0),
        "current_breach": None if current is None else current.to_dict(now),
        "current_breach_duration": 0.0 if current is None else current.duration(now),
    }
