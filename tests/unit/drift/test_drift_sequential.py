from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats
from tests.study.budget import run_budget
from tests.study.worlds import WORLDS, World

from neural.monitoring.drift.bins import Bins, bins_of
from neural.monitoring.drift.evidence import EvidenceModel
from neural.monitoring.drift.runs import Runs
from neural.monitoring.drift.sequential import STARTS, SequentialDetector
from neural.monitoring.drift.tilt import TiltModel
from neural.monitoring.windows import build_reference, column_of
from neural.monitoring.windows.grid import count_cells

MONTH = 30 * 86_400.0


def bins_for(values):
    reference = build_reference({"x": column_of("x", values)}, source="test", created_at=0.0).columns["x"]
    return reference, bins_of(reference)


class One:
    """One numeric column, a minute at a time."""

    def __init__(self, seed=0, rows=10_000):
        self.random = np.random.default_rng(seed)
        self.reference, self.bins = bins_for(self.random.normal(size=rows))
        self.detector = SequentialDetector([self.bins])
        self.now = 0.0

    def minute(self, values):
        self.now += 60.0
        cells = count_cells(np.asarray(values, float), self.reference.edges)
        counts = np.bincount(self.bins.group, weights=cells, minlength=len(self.bins))
        return self.detector.step(counts, self.now, elapsed=60.0, seconds_between=MONTH, patience=3600.0)

    def rows(self, n=200, shift=0.0):
        return self.random.normal(shift, 1.0, n)


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("rows", [200, 5000])
def test_false_alarms_are_no_more_frequent_than_the_budget(world, rows):
    threshold = 50.0
    (found,) = run_budget(
        World.of(world), reference_rows=rows, batch_rows=80, columns=30, steps=120, thresholds=[threshold], seed=3
    )
    assert found.mean_between >= threshold, found


@pytest.mark.parametrize(("shift", "rows"), [(0.2, 3000), (0.3, 1500), (0.5, 800), (1.0, 400)])
def test_shifts_are_found_within_so_many_rows(shift, rows):
    one = One()
    for _ in range(30):
        assert not one.minute(one.rows()).alarm
    needed = 0
    while not one.minute(one.rows(100, shift)).alarm:
        needed += 100
        assert needed <= rows


def test_it_says_since_when():
    one = One()
    for _ in range(100):
        one.minute(one.rows())
    began = one.now
    while not (standing := one.minute(one.rows(shift=0.6))).alarm:
        pass
    assert abs(standing.drifting[0].since - began) <= 300.0


def test_a_weak_drift_stays_alarmed_while_it_lasts_and_ends_when_it_ends():
    one = One(seed=1)
    while not one.minute(one.rows(shift=0.25)).alarm:
        pass
    alarmed = [one.minute(one.rows(shift=0.25)).alarm for _ in range(60)]
    assert np.mean(alarmed) > 0.9
    for _ in range(60):
        last = one.minute(one.rows())
    assert not last.alarm


def test_a_drift_that_turns_into_another_stays_an_alarm():
    one = One(seed=2)
    while not one.minute(one.rows(shift=1.0)).alarm:
        pass
    assert all(one.minute(one.rows(shift=-1.0)).alarm for _ in range(20))


def test_a_column_that_sends_nothing_more_is_given_up():
    one = One(seed=3)
    while not one.minute(one.rows(shift=1.0)).alarm:
        pass
    assert one.minute([]).alarm
    for _ in range(62):
        last = one.minute([])
    assert not last.alarm


def test_memory_does_not_grow_with_time():
    one = One()
    for _ in range(500):
        one.minute(one.rows(20))
    assert len(one.detector._starts) == STARTS
    assert len(json.dumps(one.detector.snapshot())) < 40_000


def test_no_counts_carry_no_evidence():
    one = One()
    model = EvidenceModel([one.bins])
    assert model.log_evidence(np.zeros((1, len(one.bins))))[0, 0] == pytest.approx(0.0, abs=1e-12)


def test_e_values_have_mean_at_most_one_without_drift():
    """Over references and rows together, as the detector's guarantee needs it."""
    random = np.random.default_rng(4)
    found = []
    for _ in range(400):
        reference, bins = bins_for(random.normal(size=300))
        cells = count_cells(random.normal(size=200), reference.edges)
        counts = np.bincount(bins.group, weights=cells, minlength=len(bins))
        found.append(np.exp(EvidenceModel([bins]).log_evidence(counts[None, :])[0, 0]))
    assert np.mean(found) < 1.2


def test_rows_in_bursts_count_for_fewer():
    one = One(seed=6)
    for _ in range(30):
        one.minute(np.repeat(one.rows(20), 10))
    assert 7 <= one.detector.runs.effect[0] <= 16
    assert not any(one.minute(np.repeat(one.rows(20), 10)).alarm for _ in range(150))
    assert any(one.minute(np.repeat(one.rows(20, shift=1.0), 10)).alarm for _ in range(20))


def test_independent_rows_count_in_full_even_after_a_drift():
    runs = Runs([Bins(np.arange(4), np.full(4, 25.0), tuple("abcd"), 0, ordered=True)])
    random = np.random.default_rng(6)
    for at in range(200):
        share = [0.25] * 4 if at < 100 else [0.7, 0.1, 0.1, 0.1]
        runs.step(random.multinomial(100, share).astype(float))
        assert runs.effect[0] == 1.0


def test_bins_of_ever_new_ids_expect_ever_new_ids():
    random = np.random.default_rng(7)
    ids = [f"id{k}" for k in random.integers(0, 10**9, 2000)]
    _, bins = bins_for(np.array(ids, dtype=object))
    assert bins.labels[0] == "unseen"
    assert bins.expected[0] / bins.expected.sum() > 0.99


def test_bins_of_few_whole_numbers_know_what_lies_between():
    _, bins = bins_for(np.random.default_rng(8).integers(0, 10, 5000).astype(float))
    assert bins.labels[-1] == "between known values"
    assert bins.expected[-1] <= 1.0


def test_a_shift_of_an_ordered_column_is_nearly_as_strong_evidence_as_when_its_size_were_known():
    """The best that anyone can do is the likelihood ratio of the true shift: here about n θ²/2 less what the mixtures cost."""
    random = np.random.default_rng(8)
    reference, bins = bins_for(random.normal(size=50_000))
    model = EvidenceModel([bins])
    found = []
    for _ in range(40):
        cells = count_cells(random.normal(0.3, 1.0, 500), reference.edges)
        counts = np.bincount(bins.group, weights=cells, minlength=len(bins))
        found.append(model.log_evidence(counts[None, :])[0, 0])
    best = 500 * 0.3**2 / 2
    assert best - 6.0 <= np.mean(found) <= best


@pytest.mark.parametrize("world", ["normal", "small counts (Poisson 2)", "nine zeros of ten"])
def test_tilts_have_mean_one_where_shares_are_known_from_so_many_rows(world):
    """Exact, so only chance moves it: shares drawn from what reference and learnt rows leave open, rows from these shares."""
    random = np.random.default_rng(9)
    bins = bins_of(World.of(world).reference(random, 300))
    assert bins is not None
    learnt = random.multinomial(200, bins.expected / bins.expected.sum()).astype(float)
    shares = random.dirichlet(bins.expected + learnt, 20_000)
    counts = np.stack([random.multinomial(20, share) for share in shares]).astype(float)
    found = np.exp(TiltModel([bins]).log_evidence(counts, np.tile(learnt, (20_000, 1)))[:, 0])
    assert np.mean(found) == pytest.approx(1.0, abs=4 * np.std(found) / np.sqrt(20_000))


@pytest.mark.parametrize("rows", [200, 10_000])
def test_a_slow_drift_is_found_although_the_null_learns_meanwhile(rows):
    one = One(seed=10, rows=rows)
    when = next((at for at in range(1_500) if one.minute(one.rows(100, shift=at / 4_000)).alarm), None)
    assert when is not None


def test_a_small_shift_is_found_against_a_small_reference_once_traffic_has_been_seen():
    """200 rows can't tell a shift of 0.25 σ from their own chance; the calm rows before it can."""
    one = One(seed=11, rows=200)
    assert not any(one.minute(one.rows()).alarm for _ in range(100))
    assert any(one.minute(one.rows(shift=0.25)).alarm for _ in range(30))


def test_rows_of_a_drift_are_not_learnt_from():
    one = One(seed=12)
    for _ in range(50):
        one.minute(one.rows())
    while not one.minute(one.rows(shift=1.0)).alarm:
        pass
    for _ in range(20):
        one.minute(one.rows(shift=1.0))
    while one.minute(one.rows()).alarm:
        pass
    learnt = one.detector._total - one.detector._base
    assert 0 < learnt.sum() <= 50 * 200
    moved = np.abs(learnt / learnt.sum() - one.bins.expected / one.bins.expected.sum()).sum() / 2
    assert moved < 0.05


def test_an_alarm_is_raised_on_evidence_as_of_now():
    one = One(seed=13)
    while not one.minute(one.rows(shift=0.4)).alarm:
        pass
    assert set(one.detector._updated) == {one.detector._count}


def test_merging_starts_keeps_what_is_staked():
    one = One(seed=14)
    for _ in range(STARTS):
        one.minute(one.rows(20))
    before = one.detector.refresh()[0]
    one.detector._merge(5)
    assert one.detector._weigh()[0] == pytest.approx(before, abs=1e-9)
    assert len(one.detector._starts) == STARTS - 1


def test_a_state_of_before_the_null_learnt_goes_on_and_learns_from_what_comes():
    one = One(seed=15)
    for _ in range(20):
        one.minute(one.rows())
    state = one.detector.snapshot()
    old = {key: value for key, value in state.items() if key not in ("log_weights", "base")}
    again = One(seed=15)
    again.detector.restore({**old, "weights": [60.0] * len(state["times"])})
    assert again.detector._base.sum() == again.detector._total.sum() == 20 * 200
    assert not any(again.minute(again.rows()).alarm for _ in range(30))
    while not (found := again.minute(again.rows(shift=0.5))).alarm:
        pass
    assert found.log_model >= 0.0


def test_a_tilt_says_nothing_of_columns_without_an_order():
    words = np.array(["a"] * 500 + ["b"] * 300 + ["c"] * 200, dtype=object)
    _, bins = bins_for(words)
    tilt = TiltModel([bins])
    assert tilt.log_evidence(np.array([[0.0, 5.0, 90.0, 5.0]]))[0, 0] == pytest.approx(0.0)


class Large(One):
    """A reference of a million rows, and a hundred thousand rows a minute."""

    def __init__(self, smallest):
        super().__init__(rows=1_000_000)
        self.detector = SequentialDetector([self.bins], smallest=smallest)

    def minute(self, shift):
        shares = np.diff([0.0, *stats.norm.cdf(self.reference.edges - shift), 1.0])
        expected = np.bincount(self.bins.group, weights=shares, minlength=len(self.bins))
        counts = self.random.multinomial(100_000, expected / expected.sum()).astype(float)
        self.now += 60.0
        return self.detector.step(counts, self.now, elapsed=60.0, seconds_between=MONTH, patience=3600.0)


def test_a_difference_that_only_many_rows_can_show_is_no_alarm_but_is_told():
    assert any(one.minute(0.03).alarm for one in [Large(0.0)] for _ in range(5))
    large = Large(0.02)
    for _ in range(40):
        standing = large.minute(0.03)  # standard deviations: 1.2 % of the rows
        assert not standing.alarm
    assert standing.small[0] == pytest.approx(0.012, abs=0.003)
    assert standing.log_model < 0.0
    assert standing.log_evidence[0] < 0.0
    again = Large(0.02)
    again.detector.restore(json.loads(json.dumps(large.detector.snapshot())))
    again.now, again.random = large.now, np.random.default_rng(1)
    large.random = np.random.default_rng(1)
    ours, theirs = large.minute(0.03), again.minute(0.03)
    assert ours.small == theirs.small
    assert ours.log_evidence.tolist() == theirs.log_evidence.tolist()


def test_a_drift_that_matters_is_found_at_once_after_one_that_does_not():
    large = Large(0.02)
    for _ in range(60):
        assert not large.minute(0.02).alarm
    since = large.now
    assert any(large.minute(0.15).alarm for _ in range(3))
    assert large.detector.episodes[0].since >= since - 60.0


def test_a_drift_that_shrinks_below_what_matters_ends():
    large = Large(0.02)
    assert any(large.minute(0.2).alarm for _ in range(3))
    assert any(not large.minute(0.02).alarm for _ in range(5))
    assert not any(large.minute(0.02).alarm for _ in range(10))
