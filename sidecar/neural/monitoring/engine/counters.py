"""The sidecar's own running totals, and the ledgers its sources report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from neural.wire import CaptureBatch, Ledger


@dataclass(slots=True)
class Totals:
    """What came in since the state began. Counters only ever grow, and survive restarts with the checkpoint."""

    counts: Counter[str] = field(default_factory=Counter[str])
    ledgers: dict[str, Ledger] = field(default_factory=dict[str, Ledger])
    degraded: dict[str, str] = field(default_factory=dict[str, str])
    overhead_ns: dict[str, int] = field(default_factory=dict[str, int])
    received: Counter[str] = field(default_factory=Counter[str])

    def observe(self, batch: CaptureBatch) -> None:
        """Take note of a batch: its ledger replaces the source's last one, for a ledger holds running totals."""
        self.counts["batches"] += 1
        self.counts["events"] += len(batch.events)
        self.received[batch.source] += len(batch.events)
        self.ledgers[batch.source] = batch.ledger
        self.degraded[batch.source] = batch.degraded
        if batch.overhead_ns:
            self.overhead_ns[batch.source] = batch.overhead_ns

    def ledger(self) -> Ledger:
        """All sources' ledgers added up."""
        dropped: Counter[str] = Counter()
        for ledger in self.ledgers.values():
            dropped.update(ledger.dropped)
        each = self.ledgers.values()
        return Ledger(
            seen=sum(one.seen for one in each),
            shipped=sum(one.shipped for one in each),
            sampled_out=sum(one.sampled_out for one in each),
            dropped=dict(dropped),
            in_flight=sum(one.in_flight for one in each),
        )

    def overhead_us(self) -> float | None:
        """The middleware's own cost a request in microseconds: the median over the sources; None when none has said."""
        known = sorted(self.overhead_ns.values())
        return known[len(known) // 2] / 1000 if known else None

    def account(self) -> dict[str, Any]:
        """What the surfaces show of all this, as JSON: the added-up ledger, and each source."""
        return {
            "ledger": ledger_dict(self.ledger()),
            "balanced": self.ledger().balanced,
            "counters": dict(self.counts),
            "overhead_us_p50": self.overhead_us(),
            "sources": {
                source: {
                    **ledger_dict(one),
                    "received": self.received[source],
                    "degraded": self.degraded.get(source, ""),
                    "overhead_ns": self.overhead_ns.get(source, 0),
                }
                for source, one in self.ledgers.items()
            },
        }

    def snapshot(self) -> Mapping[str, Any]:
        ledgers = {source: ledger_dict(one) for source, one in self.ledgers.items()}
        return {
            "counts": dict(self.counts),
            "ledgers": ledgers,
            "degraded": self.degraded,
            "overhead_ns": self.overhead_ns,
            "received": dict(self.received),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.counts = Counter(state["counts"])
        self.ledgers = {source: Ledger(**one) for source, one in state["ledgers"].items()}
        self.degraded = dict(state["degraded"])
        self.overhead_ns = dict(state["overhead_ns"])
        self.received = Counter(state["received"])


def ledger_dict(ledger: Ledger) -> dict[str, Any]:
    """A ledger as JSON."""
    return {
        "seen": ledger.seen,
        "shipped": ledger.shipped,
        "sampled_out": ledger.sampled_out,
        "dropped": dict(ledger.dropped),
        "in_flight": ledger.in_flight,
    }
