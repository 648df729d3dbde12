"""Every detector of concept drift passes these, without being named here."""

from __future__ import annotations

import json

import numpy as np
import pytest

from neural.monitoring.drift.errors import ERROR_DETECTORS

ALL = pytest.mark.parametrize("make", ERROR_DETECTORS.values(), ids=ERROR_DETECTORS.keys())


def flips(random, n, rate):
    return (random.random(n) < rate).astype(float)


@ALL
def test_a_rise_of_the_error_rate_is_found(make):
    random = np.random.default_rng(0)
    detector = make()
    assert detector.update(flips(random, 500, 0.1)) is None
    change = detector.update(flips(random, 1000, 0.6))
    assert change is not None
    assert change.worse
    assert 0.0 <= change.before < 0.3
    assert change.after > 0.4


@ALL
def test_right_answers_only_are_no_change(make):
    assert make().update(np.zeros(5000)) is None


@ALL
def test_no_rows_are_no_change(make):
    assert make().update(np.empty(0)) is None


@ALL
def test_batches_do_not_matter(make):
    random = np.random.default_rng(1)
    errors = np.concatenate([flips(random, 1000, 0.05), flips(random, 300, 0.9)])
    whole, parts = make(), make()
    whole.update(errors)
    for part in np.array_split(errors, 13):
        parts.update(part)
    assert whole.snapshot() == parts.snapshot()


@ALL
def test_a_restart_in_between_changes_nothing(make):
    random = np.random.default_rng(2)
    errors = np.concatenate([flips(random, 400, 0.2), flips(random, 800, 0.8)])
    one, two = make(), make()
    one.update(errors[:300])
    two.restore(json.loads(json.dumps(one.snapshot(), allow_nan=False)))
    assert one.update(errors[300:]) == two.update(errors[300:])
    assert one.snapshot() == two.snapshot()


@ALL
def test_after_a_change_it_finds_the_next(make):
    random = np.random.default_rng(3)
    detector = make()
    found = [detector.update(flips(random, 1500, rate)) for rate in (0.05, 0.5, 0.95)]
    assert found[1] is not None
    assert found[2] is not None


def test_adwin_seldom_alarms_without_a_change():
    random = np.random.default_rng(4)
    assert sum(ERROR_DETECTORS["adwin"]().update(flips(random, 3000, 0.2)) is not None for _ in range(40)) <= 2


def test_adwin_forgets_what_was_before_the_change():
    random = np.random.default_rng(5)
    detector = ERROR_DETECTORS["adwin"]()
    detector.update(flips(random, 3000, 0.1))
    detector.update(flips(random, 1000, 0.7))
    assert detector.mean == pytest.approx(0.7, abs=0.08)
    assert len(detector.snapshot()["sizes"]) < 80
