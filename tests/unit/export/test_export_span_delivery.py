"""Spans on their way: which are made, what waits, what is dropped, refused or sent."""

from __future__ import annotations

import numpy as np
import pytest
from opentelemetry.sdk.trace.export import SpanExportResult
from span_fakes import NOTHING, PARENT, START, Collected, batch, event, options

from neural.monitoring.export.sampling import SpanSampler, sampler_from
from neural.monitoring.export.spans import SpanEmitter


def test_a_full_queue_drops_and_counts():
    collected = Collected()
    collected.gate.clear()
    emitter = SpanEmitter(options(queue=4, batch=2), collected)
    events = [event(prediction_id=f"p{i}", started_unix_ns=START + i) for i in range(10)]
    assert emitter.emit(batch(*events), NOTHING) == 4
    assert collected.entered.wait(10)
    stats = emitter.stats()
    assert (stats["queued"], stats["dropped"], stats["waiting"]) == (4, 6, 4)
    collected.gate.set()
    assert emitter.stop(10)
    assert emitter.stats()["exported"] == 4
    assert [len(one) for one in collected.batches] == [2, 2]


@pytest.mark.parametrize("answer", [SpanExportResult.FAILURE, RuntimeError("broken")], ids=["refused", "raised"])
def test_a_failed_export_is_counted_and_the_next_goes_on(answer):
    collected = Collected(answer)
    emitter = SpanEmitter(options(), collected)
    emitter.emit(batch(event()), NOTHING)
    assert emitter.flush(10)
    collected.answer = SpanExportResult.SUCCESS
    emitter.emit(batch(event()), NOTHING)
    assert emitter.stop(10)
    stats = emitter.stats()
    assert (stats["queued"], stats["exported"], stats["failed"], stats["waiting"]) == (2, 1, 1, 0)


def test_stopping_counts_what_is_left_as_failed():
    collected = Collected()
    collected.gate.clear()
    emitter = SpanEmitter(options(batch=1), collected)
    emitter.emit(batch(event(), event(prediction_id="p2")), NOTHING)
    assert collected.entered.wait(10)
    assert not emitter.stop(0.05)
    emitter._thread.join(10)
    stats = emitter.stats()
    assert stats["queued"] == stats["exported"] + stats["failed"] == 2
    assert emitter.emit(batch(event()), NOTHING) == 0
    assert emitter.stats()["dropped"] == 1


def test_full_batches_go_without_waiting_for_the_delay():
    collected = Collected()
    emitter = SpanEmitter(options(batch=2), collected)
    emitter.emit(batch(event(), event(prediction_id="p2")), NOTHING)
    assert collected.entered.wait(10)
    emitter.stop(10)


@pytest.mark.parametrize(
    ("share", "env", "expected"),
    [
        (None, {}, SpanSampler(1.0, True)),
        (0.25, {"OTEL_TRACES_SAMPLER": "always_off"}, SpanSampler(0.25, False)),
        (None, {"OTEL_TRACES_SAMPLER": "always_on"}, SpanSampler(1.0, False)),
        (None, {"OTEL_TRACES_SAMPLER": "always_off"}, SpanSampler(0.0, False)),
        (None, {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.5"}, SpanSampler(0.5, False)),
        (None, {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.5"}, SpanSampler(0.5, True)),
        (None, {"OTEL_TRACES_SAMPLER": "parentbased_always_off"}, SpanSampler(0.0, True)),
        (None, {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "x"}, SpanSampler(1.0, False)),
        (None, {"OTEL_TRACES_SAMPLER": "jaeger_remote"}, SpanSampler(1.0, True)),
    ],
)
def test_samplers_are_otels_own(share, env, expected):
    assert sampler_from(share, env) == expected


def test_an_unsampled_caller_gets_no_span_and_it_is_counted():
    collected = Collected()
    emitter = SpanEmitter(options(), collected)
    emitter.emit(batch(event(traceparent=PARENT[:-1] + "0"), event(prediction_id="p2")), NOTHING)
    emitter.stop(10)
    assert emitter.stats()["sampled_out"] == 1
    assert len(collected.spans) == 1


def test_the_ratio_keeps_its_share_of_traces():
    sampler = SpanSampler(0.3, parent_decides=False)
    ids = np.random.default_rng(0).integers(0, 2**63, size=4000)
    kept = sum(sampler.keeps(int(one) * 2, None) for one in ids)
    assert 1050 < kept < 1350
