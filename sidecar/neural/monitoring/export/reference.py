"""docs/metrics.md, written from the catalogue: ``python -m neural.monitoring.export.reference docs/metrics.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from neural.monitoring.export.catalogue import CAPTURE, FLEET, MONITORS, SEED, SIDECAR, TRAFFIC
from neural.monitoring.export.family import MetricSpec
from neural.monitoring.export.from_signals import METRIC_OF
from neural.monitoring.export.totals import LATENCY_BOUNDS

_HEAD = """\
# Metrics

What `/metrics` says, on the sidecar's port (`export.prometheus.port`, 9090) and with `neural monitor prometheus` over stored data.
The page is Prometheus text 0.0.4, OpenMetrics 1.0.0, or delimited protobuf, whatever the `Accept` header prefers. OpenMetrics and protobuf
carry trace ids: on latency buckets the newest request of each, on `neural_drift_evaluations_total{outcome="bad"}` one of the requests
that came in with the drift. Protobuf carries latencies as native histograms too (schema 3: buckets grow by 9 %), which is what a
Prometheus with `--enable-feature=native-histograms` asks for and keeps instead of the classic buckets.

- Counters and histograms are corrected for sampling, survive restarts with the checkpoint, and add over pods.
  Of gauges that are scores, take `max` or `min` over pods.
- A gauge without data is absent: there is no NaN, and no 0 that means "unknown".
- A label marked with * takes many values. Beyond `export.prometheus.max_label_values` the rest shares `_other` (counters added up, of gauges the
  largest); `neural_metrics_folded_series` says how many series that were, `neural_metrics_folded_samples_total` counts them over all scrapes.
- Metrics of your own stand on the same page: register them with `MetricsRegistry`. A monitor of your own needs nothing:
  its signals are in `neural_signal`.
"""
_GROUPS: Sequence[tuple[str, Sequence[MetricSpec]]] = (
    ("The twelve", SEED),
    ("Traffic", TRAFFIC),
    ("Monitors", MONITORS),
    ("Capture", CAPTURE),
    ("Sidecar", SIDECAR),
    ("Fleet", FLEET),
)


def metrics_markdown() -> str:
    """The page's text."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _HEAD
    for title, specs in _GROUPS:
        yield f"## {title}\n\n| metric | kind | labels | what |\n|---|---|---|---|"
        for spec in specs:
            labels = ", ".join(f"{label}*" if label == spec.wide else label for label in spec.labels)
            yield f"| `{spec.name}` | {spec.kind} | {labels} | {spec.help} |"
        yield ""
    yield f"Latency buckets, in seconds: {', '.join(f'{bound:g}' for bound in LATENCY_BOUNDS)}.\n"
    yield "## Signals and their metrics\n\n| signal | metric |\n|---|---|"
    for signal, (metric, fixed) in METRIC_OF.items():
        names = next(spec for _, specs in _GROUPS for spec in specs if spec.name == metric).labels
        own = ",".join(f'{name}="{value}"' for name, value in zip(names[len(names) - len(fixed) :], fixed, strict=True))
        yield f"| `{signal}` | `{metric}{f'{{{own}}}' if own else ''}` |"
    yield '| `drift.<method>` by feature | `neural_feature_drift{method="<method>"}` |'
    yield '| `performance.<metric>` | `neural_model_performance{metric="<metric>"}` |'
    yield '| any other | `neural_signal{signal="<name>"}` |'


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(metrics_markdown(), encoding="utf-8")
