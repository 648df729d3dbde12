"""The verdicts that stood when an inference was told, for its span."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from neural.monitoring.signal import Signal
from neural.monitoring.views import Snapshot, SnapshotBoard

Verdicts = Callable[[str, str], Mapping[str, str]]
"""(model, version) → attribute → ok, bad or unknown."""

_ATTRIBUTE_OF: Mapping[str, str] = {"drift.alarm": "neural.verdict.drift", "quality.alarm": "neural.verdict.quality"}


def board_verdicts(board: SnapshotBoard) -> Verdicts:
    """From the published snapshot; looked through once a snapshot."""
    last: tuple[Snapshot | None, dict[tuple[str, str], dict[str, str]]] = (None, {})

    def verdicts(model: str, version: str) -> Mapping[str, str]:
        nonlocal last
        current = board.current()
        if current is not last[0]:
            last = (current, _by_model(current.signals if current is not None else ()))
        return last[1].get((model, version), {})

    return verdicts


def no_verdicts(model: str, version: str) -> Mapping[str, str]:
    """Where there is no board."""
    del model, version
    return {}


def _by_model(signals: Sequence[Signal]) -> dict[tuple[str, str], dict[str, str]]:
    found: dict[tuple[str, str], dict[str, str]] = {}
    for signal in signals:
        attribute = _ATTRIBUTE_OF.get(signal.name)
        if attribute is not None and signal.verdict is not None:
            key = (signal.labels.get("model", ""), signal.labels.get("version", ""))
            found.setdefault(key, {})[attribute] = signal.verdict.outcome.value
    return found
