"""The loss ledger: every request the capture side saw is in exactly one line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from neural.monitoring.dashboard.reading import Reader
from neural.monitoring.signal import Signal
from neural.monitoring.views.capture import capture

NAMES = ("capture.seen", "capture.shipped", "capture.sampled_out", "capture.dropped")


@dataclass(frozen=True, slots=True)
class Lines:
    """Requests seen, and where they went. ``dropped``: reason → requests."""

    seen: float
    shipped: float
    sampled_out: float
    dropped: Mapping[str, float]
    in_flight: float
    balanced: bool

    @property
    def loss_ratio(self) -> float:
        return sum(self.dropped.values()) / self.seen if self.seen else 0.0

    def lines(self) -> Iterator[tuple[str, float, float | None]]:
        """(line, requests, share of seen), seen first."""
        pairs = [("seen", self.seen), ("shipped", self.shipped), ("sampled out", self.sampled_out)]
        pairs += [(f"dropped: {reason.replace('_', ' ')}", count) for reason, count in sorted(self.dropped.items()) if count]
        pairs += [("in flight", self.in_flight)] if self.in_flight else []
        for name, count in pairs:
            yield name, count, count / self.seen if self.seen else None


def ledger(reader: Reader) -> Lines | None:
    """The ledger at the right edge, summed over sources; None before the first report."""
    if reader.selection.live:
        now = capture(reader.store, reader.now)
        total = now["ledger"]
        if now["status"] == "ok" and total["seen"]:
            return Lines(
                total["seen"], total["shipped"], total["sampled_out"], total["dropped"], total["in_flight"], total["balanced"]
            )
    return _from_signals(_newest(reader))


def _from_signals(signals: list[Signal]) -> Lines | None:
    totals: dict[str, float] = {}
    dropped: dict[str, float] = {}
    for signal in signals:
        totals[signal.name] = totals.get(signal.name, 0.0) + (signal.value or 0.0)
        if signal.name == "capture.dropped":
            reason = signal.labels.get("reason", "unknown")
            dropped[reason] = dropped.get(reason, 0.0) + (signal.value or 0.0)
    if "capture.seen" not in totals:
        return None
    seen, shipped, out = (totals.get(name, 0.0) for name in NAMES[:3])
    rest = seen - shipped - out - sum(dropped.values())
    return Lines(seen, shipped, out, dropped, in_flight=max(rest, 0.0), balanced=rest > -0.5)


def _newest(reader: Reader) -> list[Signal]:
    """Capture signals are of the sidecar, not of one model: whichever model they are written under."""
    latest = reader.latest(NAMES)
    mine = [s for s in latest if all(s.labels.get(k) in (None, "", v) for k, v in reader.labels.items())] or latest
    if all(signal.time <= reader.until for signal in mine):
        return mine
    past = reader.store.read_signals(NAMES, since=reader.since, until=reader.until)
    return list({signal.key: signal for signal in past}.values())
