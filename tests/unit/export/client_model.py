"""Prometheus' metrics.proto, as far as it is written here, for Google's protobuf: what a page in protobuf is read with."""

from __future__ import annotations

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.internal.decoder import _DecodeVarint32

_KIND = {"string": 9, "double": 1, "uint64": 4, "int64": 3, "int32": 5, "uint32": 13, "sint32": 17, "sint64": 18}
MESSAGES = {
    "LabelPair": ("1 name string", "2 value string"),
    "Gauge": ("1 value double",),
    "Counter": ("1 value double", "2 exemplar Exemplar"),
    "Time": ("1 seconds int64", "2 nanos int32"),
    "Exemplar": ("1 label LabelPair*", "2 value double", "3 timestamp Time"),
    "Bucket": ("1 cumulative_count uint64", "4 cumulative_count_float double", "2 upper_bound double", "3 exemplar Exemplar"),
    "BucketSpan": ("1 offset sint32", "2 length uint32"),
    "Histogram": (
        "1 sample_count uint64", "4 sample_count_float double", "2 sample_sum double", "3 bucket Bucket*", "5 schema sint32",
        "6 zero_threshold double", "7 zero_count uint64", "8 zero_count_float double", "12 positive_span BucketSpan*",
        "13 positive_delta sint64*", "14 positive_count double*",
    ),
    "Metric": ("1 label LabelPair*", "2 gauge Gauge", "3 counter Counter", "7 histogram Histogram"),
    "MetricFamily": ("1 name string", "2 help string", "3 type int32", "4 metric Metric*"),
}  # fmt: skip


def _family_class():
    file = descriptor_pb2.FileDescriptorProto(name="test_client_model.proto", package="test.client_model", syntax="proto2")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for text in fields:
            number, field, kind = text.split()
            made = message.field.add(name=field, number=int(number), label=3 if kind.endswith("*") else 1)
            kind = kind.rstrip("*")
            if kind in _KIND:
                made.type = _KIND[kind]
            else:
                made.type, made.type_name = 11, f".test.client_model.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("test.client_model.MetricFamily"))


FAMILY = _family_class()


def families(body: bytes) -> dict:
    """Name → family."""
    found, at = {}, 0
    while at < len(body):
        size, at = _DecodeVarint32(body, at)
        family = FAMILY.FromString(body[at : at + size])
        found[family.name] = family
        at += size
    return found
