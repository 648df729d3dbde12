"""Which inferences get a span: OTel's own samplers by name, decided by trace id, so that all services keep the same traces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from neural.monitoring.export.trace_context import TraceParent

_TRACE_ID_BITS = 64  # the ratio sampler looks at the low 64 bits of the trace id


@dataclass(frozen=True, slots=True)
class SpanSampler:
    """``ratio`` of the traces; ``parent_decides``: a caller's sampled flag goes before the ratio, both ways."""

    ratio: float = 1.0
    parent_decides: bool = True

    def keeps(self, trace_id: int, parent: TraceParent | None) -> bool:
        if parent is not None and self.parent_decides:
            return parent.sampled
        return (trace_id & ((1 << _TRACE_ID_BITS) - 1)) < round(self.ratio * (1 << _TRACE_ID_BITS))


def sampler_from(share: float | None, env: Mapping[str, str]) -> SpanSampler:
    """The file's share by trace id; without it OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG; unknown names mean the default."""
    if share is not None:
        return SpanSampler(share, parent_decides=False)
    name = env.get("OTEL_TRACES_SAMPLER", "").strip() or "parentbased_always_on"
    parent_decides = name.startswith("parentbased_")
    kind = name.removeprefix("parentbased_")
    if kind == "always_off":
        return SpanSampler(0.0, parent_decides)
    if kind == "traceidratio":
        return SpanSampler(_share(env.get("OTEL_TRACES_SAMPLER_ARG", "")), parent_decides)
    return SpanSampler(1.0, parent_decides or kind != "always_on")


def _share(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 1.0
