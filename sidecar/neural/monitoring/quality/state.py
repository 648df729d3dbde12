"""The quality monitor's memory of one model version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from neural.monitoring.quality.counting import Examples, RowCounter
from neural.monitoring.quality.detect import Base
from neural.monitoring.quality.findings import Trouble
from neural.monitoring.quality.history import History
from neural.monitoring.quality.order import ColumnOrder
from neural.monitoring.quality.outliers import Bounds
from neural.monitoring.quality.standing import Standing
from neural.monitoring.quality.stuck import Runs
from neural.monitoring.quality.tally import Tally


@dataclass(slots=True)
class State:
    """What the monitor keeps of one model version. ``recovered``: from when on a column's trouble is looked at again, after it was over.
    ``worst``: the highest rate of each trouble that is not over; ``first``: when its first bad row came.
    """

    counter: RowCounter
    fresh: Tally = field(default_factory=Tally)
    history: History = field(default_factory=History)
    runs: Runs = field(default_factory=Runs)
    evaluated_at: float | None = None
    rates: dict[str, dict[Trouble, Base]] = field(default_factory=dict[str, dict[Trouble, Base]])
    since: dict[tuple[str, str], float] = field(default_factory=dict[tuple[str, str], float])
    recovered: dict[tuple[str, str], float] = field(default_factory=dict[tuple[str, str], float])
    worst: dict[tuple[str, str], float] = field(default_factory=dict[tuple[str, str], float])
    first: dict[tuple[str, str], float] = field(default_factory=dict[tuple[str, str], float])
    standing: Standing = field(default_factory=Standing)

    def to_json(self) -> dict[str, Any]:
        return {
            "fresh": self.fresh.to_json(),
            "history": self.history.to_json(),
            "runs": self.runs.to_json(),
            "examples": [[*key, list(one.row_ids), list(one.values)] for key, one in self.counter.examples.items()],
            "newest": self.counter.newest,
            "order": list(self.counter.order.expected),
            "compared": self.counter.waiting(),
            "evaluated_at": self.evaluated_at,
            "reference": self.counter.reference_hash,
            "bounds": {name: [bounds.low, bounds.high, bounds.method] for name, bounds in self.counter.bounds.items()},
            "rates": {
                name: {trouble.value: [base.count, base.n] for trouble, base in kinds.items()}
                for name, kinds in self.rates.items()
            },
            "since": [[*key, time] for key, time in self.since.items()],
            "recovered": [[*key, time] for key, time in self.recovered.items()],
            "worst": [[*key, rate] for key, rate in self.worst.items()],
            "first": [[*key, time] for key, time in self.first.items()],
            "standing": [[*key, time] for key, time in self.standing.since.items()],
        }

    def fill(self, item: Mapping[str, Any]) -> None:
        self.fresh = Tally.from_json(item["fresh"])
        self.history = History.from_json(item["history"])
        self.runs = Runs.from_json(item["runs"])
        self.counter.examples = {
            (column, Trouble(trouble)): Examples(tuple(ids), tuple(*values)) for column, trouble, ids, *values in item["examples"]
        }
        self.counter.newest = item.get("newest")
        self.counter.order = ColumnOrder(item.get("order", ()))
        self.counter.resume(item.get("compared", {}))
        self.evaluated_at = item["evaluated_at"]
        self.counter.reference_hash = item["reference"]
        self.counter.bounds = {name: Bounds(*bounds) for name, bounds in item["bounds"].items()}
        self.rates = {
            name: {Trouble(trouble): Base(*base) for trouble, base in kinds.items()} for name, kinds in item["rates"].items()
        }
        self.since = {(column, trouble): float(time) for column, trouble, time in item["since"]}
        self.recovered = {(column, trouble): float(time) for column, trouble, time in item.get("recovered", ())}
        self.first = {(column, trouble): float(time) for column, trouble, time in item.get("first", ())}
        self.standing.since = {(column, kind): float(time) for column, kind, time in item.get("standing", ())}
        self.worst = {(column, trouble): float(rate) for column, trouble, rate in item.get("worst", ())}
