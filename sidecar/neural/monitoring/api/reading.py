"""GET: the views as they are, and signals over time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neural.monitoring.api import schemas
from neural.monitoring.api.operation import Call, Operation, Reply
from neural.monitoring.api.parameters import AT, MODEL, SINCE, UNTIL, VERSION, Parameter, limit
from neural.monitoring.api.problems import Problem
from neural.monitoring.clock import Clock
from neural.monitoring.store import Store
from neural.monitoring.views import ask, signal_dict

WINDOW = Parameter("window", "How many of the newest evaluations are summed up.", "integer", default=100, least=1, most=100_000)
HOURS = Parameter("hours", "How far back, in hours.", "number", default=24.0, least=0.001, most=87_600)
SEVERITY = Parameter("severity", "Only alerts of this severity.", choices=("info", "warning", "critical"))
NAME = Parameter("name", "Only the objective of this name.", example="fast")
SIGNAL = Parameter("name", "Only signals of this name; may be repeated.", many=True, example=["drift.score"])
FEATURE = Parameter("feature", "Only signals of this feature.", example="age")
MAX_POINTS = 10_000

_QUESTIONS: Mapping[str, tuple[str, tuple[Parameter, ...]]] = {
    "status": ("Everything on one page", (MODEL, VERSION, AT)),
    "drift": ("Has the data drifted, which features, and why", (WINDOW, MODEL, VERSION, AT)),
    "quality": ("Is the data sound", (WINDOW, MODEL, VERSION, AT)),
    "performance": ("How good the model is, as far as labels are known", (MODEL, VERSION, AT)),
    "slo": ("Objectives, error budgets and burn rates", (NAME, MODEL, VERSION, AT)),
    "alerts": ("What fired, and what fires now", (HOURS, SEVERITY, AT)),
    "references": ("What traffic is compared with, column by column", (MODEL, VERSION, AT)),
    "ledger": ("Where every request went", (AT,)),
    "health": ("One word and the reasons", (MODEL, VERSION, AT)),
}


@dataclass(frozen=True, slots=True)
class Asking:
    """A view as an operation's handler."""

    question: str
    store: Store
    clock: Clock

    def __call__(self, call: Call) -> Reply:
        wanted = {key: value for key, value in call.query.items() if value is not None}
        answer = ask(self.question, self.store, self.clock(), wanted)
        if answer["status"] == "unknown_slo":
            raise Problem(404, f"there is no objective {wanted['name']!r}", known=answer["known"])
        return Reply(answer)


def view_operations(store: Store, clock: Clock) -> dict[str, Operation]:
    """Name of the question → its GET operation."""
    return {
        name: Operation(
            name,
            summary,
            Asking(name, store, clock),
            parameters,
            response={"$ref": f"#/components/schemas/{schemas.NAMES[name]}"},
            problems=(404,) if name == "slo" else (),
        )
        for name, (summary, parameters) in _QUESTIONS.items()
    }


@dataclass(frozen=True, slots=True)
class Signals:
    """The newest signal of every series, and one name over time."""

    store: Store

    def latest(self, call: Call) -> Reply:
        found = self.store.latest_signals(call.query["name"], labels=_labels(call))
        return Reply({"signals": [signal_dict(signal) for signal in found]})

    def over_time(self, call: Call) -> Reply:
        """Newest page first, each page in time order; ``next`` leads to the page before it."""
        query, name = call.query, call.path["name"]
        found = self.store.read_signals(
            [name], labels=_labels(call), since=query["since"], until=query["until"], limit=query["limit"]
        )
        following = None
        if len(found) == query["limit"] and found[0].time < found[-1].time:
            # A moment cut in two by the page's edge is shown whole on the next page.
            first = found[0].time
            found = [signal for signal in found if signal.time > first]
            following = first
        return Reply({"name": name, "signals": [signal_dict(signal) for signal in found], "next": _next(call, until=following)})


def _labels(call: Call) -> dict[str, str]:
    return {key: call.query[key] for key in ("model", "version", "feature") if call.query.get(key) is not None}


def _next(call: Call, *, until: float | None) -> dict[str, Any] | None:
    """The query parameters of the next page, or None on the last one."""
    if until is None:
        return None
    return {key: value for key, value in {**call.query, "until": until}.items() if value is not None}


def signal_operations(store: Store) -> tuple[Operation, Operation]:
    """GET /signals and GET /signals/{name}."""
    signals = Signals(store)
    latest = Operation(
        "signals", "The newest signal of every series", signals.latest, (SIGNAL, MODEL, VERSION, FEATURE),
        response={"$ref": "#/components/schemas/Signals"},
    )  # fmt: skip
    over_time = Operation(
        "signal_history", "One signal over time, newest page first", signals.over_time,
        (MODEL, VERSION, FEATURE, SINCE, UNTIL, limit(1000, MAX_POINTS)),
        response={"$ref": "#/components/schemas/SignalPage"},
    )  # fmt: skip
    return latest, over_time
