"""KServe's and Seldon's payload loggers: two CloudEvents, one inference.

Request and response arrive as separate CloudEvents that share an id, in either order. Halves wait, bounded in number, bytes and
age; those that stay alone are counted in the source's ledger as dropped.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from neural.monitoring.clock import Clock
from neural.wire import CaptureBatch, CaptureEvent, Ledger

NANOSECONDS: Final = 1_000_000_000
_MAX_SERVICES: Final = 1000  # inference services with a ledger of their own; the others share one
_OTHERS: Final = "_other"


@dataclass(frozen=True, slots=True)
class CloudEventSettings:
    """Bounds on halves that wait for their other half."""

    max_pending: int = 20_000
    max_pending_bytes: int = 64 * 2**20
    max_age_seconds: float = 120.0  # as long as a slow model may take


@dataclass(frozen=True, slots=True)
class Half:
    """A request or a response as its logger sent it. ``time`` is Unix seconds."""

    identity: str
    is_request: bool
    model: str
    time: float
    body: bytes
    content_type: str = ""
    version: str = ""
    status: int = 200
    traceparent: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(slots=True)
class _Service:
    """The running totals of one inference service."""

    sequence: int = 0
    seen: int = 0
    paired: int = 0
    waiting: int = 0
    dropped: Counter[str] = field(default_factory=Counter[str])

    def ledger(self) -> Ledger:
        return Ledger(self.seen, self.paired, 0, dict(self.dropped), self.waiting)


@dataclass(slots=True)
class _Waiting:
    half: Half
    since: float


class Pairing:
    """Joins halves by model and id. Not thread-safe: the service's lock guards it."""

    def __init__(self, settings: CloudEventSettings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._prefix = f"cloudevents:{clock():.3f}"  # a new source each start: totals begin anew
        self._waiting: OrderedDict[tuple[str, str], _Waiting] = OrderedDict()
        self._waiting_bytes = 0
        self._services: dict[str, _Service] = {}
        self._repeats = 0

    def add(self, half: Half) -> Iterable[CaptureBatch]:
        """Batches to journal: the inference that became whole, and the ledgers of halves that were given up."""
        given_up = self._give_up()
        key = (half.model, half.identity)
        other = self._waiting.get(key)
        if other is not None and other.half.is_request == half.is_request:
            self._repeats += 1
            return self._ledgers(given_up)
        if other is None:
            self._wait(key, half)
            given_up |= self._give_up()
            return self._ledgers(given_up)
        self._forget(key)
        pair = (other.half, half) if other.half.is_request else (half, other.half)
        name = self._service_name(half.model)
        self._services[name].paired += 1
        return [*self._ledgers(given_up - {name}), self._batch(name, (joined(*pair),))]

    def expire(self) -> Iterable[CaptureBatch]:
        return self._ledgers(self._give_up())

    def stats(self) -> dict[str, float]:
        dropped = sum((service.dropped for service in self._services.values()), Counter[str]())
        return {
            "cloudevents.paired": float(sum(service.paired for service in self._services.values())),
            "cloudevents.waiting": float(len(self._waiting)),
            "cloudevents.repeats": float(self._repeats),
            **{f"cloudevents.{reason}": float(count) for reason, count in dropped.items()},
        }

    def _wait(self, key: tuple[str, str], half: Half) -> None:
        service = self._services[self._service_name(half.model)]
        service.seen += 1
        service.waiting += 1
        self._waiting[key] = _Waiting(half, self._clock())
        self._waiting_bytes += len(half.body)

    def _forget(self, key: tuple[str, str]) -> Half:
        half = self._waiting.pop(key).half
        self._waiting_bytes -= len(half.body)
        self._services[self._service_name(half.model)].waiting -= 1
        return half

    def _give_up(self) -> set[str]:
        """Drops halves that are too old or too many; the names of the services they belong to."""
        settings, changed = self._settings, set[str]()
        oldest_kept = self._clock() - settings.max_age_seconds
        while self._waiting:
            key, first = next(iter(self._waiting.items()))
            crowded = len(self._waiting) > settings.max_pending or self._waiting_bytes > settings.max_pending_bytes
            if not crowded and first.since >= oldest_kept:
                break
            half = self._forget(key)
            name = self._service_name(half.model)
            self._services[name].dropped["unpaired_request" if half.is_request else "unpaired_response"] += 1
            changed.add(name)
        return changed

    def _ledgers(self, names: set[str]) -> list[CaptureBatch]:
        return [self._batch(name, ()) for name in sorted(names)]

    def _batch(self, name: str, events: tuple[CaptureEvent, ...]) -> CaptureBatch:
        service = self._services[name]
        service.sequence += 1
        resource = {"service.name": name, "neural.transport": "cloudevents"}
        return CaptureBatch(f"{self._prefix}:{name}", service.sequence, events, service.ledger(), resource)

    def _service_name(self, model: str) -> str:
        if model not in self._services:
            if len(self._services) >= _MAX_SERVICES:
                model = _OTHERS
            self._services.setdefault(model, _Service())
        return model


def joined(request: Half, response: Half) -> CaptureEvent:
    """Both halves as one captured request. The latency is the distance of their times: as exact as the logger's clock."""
    return CaptureEvent(
        prediction_id=request.identity,
        started_unix_ns=int(request.time * NANOSECONDS),
        duration_ns=max(0, int((response.time - request.time) * NANOSECONDS)),
        status=response.status,
        path="/",
        model=request.model,
        version=request.version or response.version,
        traceparent=request.traceparent or response.traceparent,
        request_size=len(request.body),
        response_size=len(response.body),
        request_body=request.body,
        response_body=response.body,
        request_headers={"content-type": request.content_type, **request.headers},
        response_headers={"content-type": response.content_type},
    )
