"""Families as delimited protobuf: the one form in which Prometheus takes native histograms.

Message: https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto . Written by hand, for a page has
thousands of series and the same labels again and again; tests read it with Google's protobuf and with a real Prometheus.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby

from neural.monitoring.export.family import Exemplar, Family, Labels, Sample
from neural.monitoring.export.native import SCHEMA, ZERO_THRESHOLD, NativeHistogram, spans_of

PROTOBUF = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
_TYPE = {"counter": 0, "gauge": 1, "info": 1, "histogram": 4}
_DOUBLE = struct.Struct("<d").pack
LabelBytes = Callable[[Labels], bytes]


def render_protobuf(families: Iterable[Family]) -> bytes:
    """The page."""
    label_bytes = _label_writer()
    return b"".join(_delimited(_family(family, label_bytes)) for family in families if family.samples)


def _family(family: Family, label_bytes: LabelBytes) -> bytes:
    spec = family.spec
    metrics = _histograms(family, label_bytes) if spec.kind == "histogram" else _values(family, label_bytes)
    head = _bytes(1, spec.name.encode()) + _bytes(2, spec.help.encode()) + _number(3, _TYPE[spec.kind])
    return head + b"".join(_bytes(4, metric) for metric in metrics)


def _values(family: Family, label_bytes: LabelBytes) -> Iterator[bytes]:
    kind = 3 if family.spec.kind == "counter" else 2
    for sample in family.samples:
        value = _double(1, sample.value)
        if sample.exemplar is not None:
            value += _bytes(2, _exemplar(sample.exemplar, label_bytes))
        yield label_bytes(sample.labels) + _bytes(kind, value)


def _histograms(family: Family, label_bytes: LabelBytes) -> Iterator[bytes]:
    """A family's lines are one histogram after another: buckets, sum, count."""
    for labels, lines in groupby(family.samples, key=_own_labels):
        yield label_bytes(labels) + _bytes(7, _histogram(list(lines), family.native.get(labels), label_bytes))


def _own_labels(sample: Sample) -> Labels:
    return tuple(pair for pair in sample.labels if pair[0] != "le")


def _histogram(lines: list[Sample], native: NativeHistogram | None, label_bytes: LabelBytes) -> bytes:
    """Counts are corrected for sampling, so they may be fractions: the float fields hold them."""
    parts: list[bytes] = []
    for line in lines:
        if line.suffix == "_count":
            parts.append(_double(4, line.value))
        elif line.suffix == "_sum":
            parts.append(_double(2, line.value))
        else:
            bound = float(line.labels[-1][1])
            exemplar = _bytes(3, _exemplar(line.exemplar, label_bytes)) if line.exemplar is not None else b""
            parts.append(_bytes(3, _double(2, bound) + exemplar + _double(4, line.value)))
    if native is not None:
        parts.append(_native(native))
    return b"".join(parts)


def _native(native: NativeHistogram) -> bytes:
    head = _number(5, _zigzag(SCHEMA)) + _double(6, ZERO_THRESHOLD) + _double(8, native.zero)
    # An empty histogram needs one span, or it is taken for a classic one.
    spans = spans_of(native.buckets) or [(0, 0)]
    parts = [_bytes(12, _number(1, _zigzag(gap)) + _number(2, length)) for gap, length in spans]
    return head + b"".join(parts) + b"".join(_double(14, count) for _, count in native.buckets)


def _exemplar(exemplar: Exemplar, label_bytes: LabelBytes) -> bytes:
    seconds = int(exemplar.time)
    moment = _number(1, seconds) + _number(2, int((exemplar.time - seconds) * 1e9))
    return label_bytes((("trace_id", exemplar.trace_id),)) + _double(2, exemplar.value) + _bytes(3, moment)


def _label_writer() -> LabelBytes:
    """Label pairs as bytes, each written once a page. Field 1 of a metric and of an exemplar alike."""
    pairs: dict[tuple[str, str], bytes] = {}

    def one(pair: tuple[str, str]) -> bytes:
        found = pairs.get(pair)
        if found is None:
            found = pairs[pair] = _bytes(1, _bytes(1, pair[0].encode()) + _bytes(2, pair[1].encode("utf-8", "replace")))
        return found

    def write(labels: Labels) -> bytes:
        return b"".join(map(one, labels))

    return write


def _delimited(message: bytes) -> bytes:
    return _varint(len(message)) + message


def _bytes(field: int, value: bytes) -> bytes:
    return bytes((field << 3 | 2,)) + _varint(len(value)) + value


def _number(field: int, value: int) -> bytes:
    return bytes((field << 3,)) + _varint(value)


def _double(field: int, value: float) -> bytes:
    return bytes((field << 3 | 1,)) + _DOUBLE(value)


def _varint(value: int) -> bytes:
    """``value`` is not negative."""
    if value < 0x80:
        return bytes((value,))
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _zigzag(value: int) -> int:
    return value << 1 if value >= 0 else (-value << 1) - 1
