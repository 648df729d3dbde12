"""The study's parts run, and say what they should on a small scale."""

from __future__ import annotations

import numpy as np
import pytest
from tests.study import page
from tests.study.__main__ import RESULTS
from tests.study.budget import run_autocorrelated
from tests.study.delay import run_delay
from tests.study.intervals import half_width, mean_between, median
from tests.study.page import DOCS
from tests.study.pools import METHOD_RULES, VERDICTS, datasets, our_pool, rates
from tests.study.streams import Setting, run
from tests.study.worlds import World


def test_a_large_shift_is_found_soon():
    found = run_delay(World.of("normal"), 1.0, 2, features=5, batch_rows=100, reference_rows=2_000, calm=3, limit=1_000, runs=2)
    assert found.median <= 300


def test_rules_are_asked_side_by_side():
    calm, moved = our_pool("normal", 100, 0.0, 1), our_pool("normal", 100, 1.0, 1)
    assert len(calm["effect"]) == 50
    assert float(METHOD_RULES["KS, p < .05"](calm).mean()) < 0.2
    without, drift = rates(VERDICTS, datasets(calm, calm, 0, count=50)), rates(VERDICTS, datasets(calm, moved, 5, count=50))
    assert set(without) == set(drift) == set(VERDICTS)
    assert without["ours, window of the stream, at 1 in 43,200 looks"] == 0.0
    assert set(drift.values()) == {1.0}


@pytest.mark.slow
def test_a_peer_and_we_read_the_same_streams():
    class Mean:
        """Alarms when the mean of the last 50 rows is over 1."""

        def __init__(self):
            self.rows = []

        def step(self, row):
            self.rows = [*self.rows[-49:], float(row[0])]
            return len(self.rows) == 50 and float(np.mean(self.rows)) > 1.0

    found = run(Setting("mean of 50", lambda shape, features, seed: Mean(), 1, 3, 2_000, 500), "normal", our_rows=2_000)
    assert found["false_alarms"]["peer"] == [0, 2_000]
    alarms, read = found["false_alarms"]["ours"]
    assert read >= 2_000 * alarms
    last = found["delays"][-1]
    assert last["ours"]["found"] == 1.0
    assert last["ours"]["median"] <= 200


def test_rows_in_runs_are_drawn_as_runs_and_exchangeable_ones_keep_the_budget():
    (few, _) = run_autocorrelated(0.0, "exchangeable", reference_rows=2_000, columns=20, steps=60)
    (many, _) = run_autocorrelated(0.99, "runs", reference_rows=2_000, columns=20, steps=10)
    assert few.mean_between >= few.threshold
    assert many.alarms > few.alarms


def test_intervals_are_those_of_the_textbook():
    """Garwood's interval of a Poisson count of 10 is 4.795 to 18.39; of none, up to 3.689."""
    low, high = mean_between(10, 1_000)
    assert low == pytest.approx(1_000 / 18.39, rel=1e-3)
    assert high == pytest.approx(1_000 / 4.795, rel=1e-3)
    assert mean_between(0, 1_000) == (pytest.approx(1_000 / 3.689, rel=1e-3), np.inf)
    assert half_width(1_000) == pytest.approx(0.031, abs=1e-3)


def test_the_interval_of_a_median_holds_it_as_often_as_it_says():
    random = np.random.default_rng(0)
    held = [low <= np.log(2.0) <= high for low, high in (median(list(row)) for row in random.exponential(size=(2_000, 21)))]
    assert np.mean(held) >= 0.95


def test_every_table_of_the_page_is_of_the_results(tmp_path, monkeypatch):
    """The page in the repository is what the results in the repository make of it."""
    monkeypatch.setattr(page, "DOCS", tmp_path)
    (tmp_path / "images").mkdir()
    page.write_page(RESULTS)
    assert (tmp_path / "study.md").read_text(encoding="utf-8") == (DOCS / "study.md").read_text(encoding="utf-8")
