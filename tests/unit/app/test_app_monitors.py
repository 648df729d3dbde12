from __future__ import annotations

from neural.monitoring.app.monitors import build_monitors
from neural.monitoring.settings import parse_settings
from neural.monitoring.store import MemoryStore


def test_performance_is_known_before_drift_asks_how_much_of_it_is_lost(tmp_path):
    settings = parse_settings("model: {name: m}\n", folder=tmp_path)
    names = [monitor.name for monitor in build_monitors(settings, MemoryStore(), lambda: 0.0, ())]
    assert names.index("performance") < names.index("drift")
