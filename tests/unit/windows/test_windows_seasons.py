"""References by hour of the week: what is counted, what is expected of a stretch of time, and where it comes from."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neural.monitoring.app.references import file_reference
from neural.monitoring.clock import ManualClock
from neural.monitoring.errors import ConfigError, ReferenceDataError
from neural.monitoring.records import RecordBatch
from neural.monitoring.settings import parse_settings
from neural.monitoring.windows import PaneStore, Reference, ReferenceSettings, WindowSettings, build_reference, columns_from
from neural.monitoring.windows.seasonal import in_season
from neural.monitoring.windows.seasons import FEWEST_ROWS, PARTS, TIME, add_rows, hour_name, hours_at

MONDAY = datetime(2026, 11, 2, tzinfo=UTC).timestamp()
HOUR, WEEK = 3600.0, 604_800.0


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def rows(random, times):
    """A daily rhythm in the numbers and in the words; every tenth number is missing at night."""
    day = np.sin(2 * np.pi * times / 86_400)
    x = 10.0 + 3.0 * day + random.normal(size=len(times))
    night = (times % 86_400) < 6 * HOUR
    return {
        "x": np.where(night & (random.random(len(times)) < 0.1), np.nan, x),
        "c": np.where(random.random(len(times)) < 0.5 + 0.4 * day, "sun", "moon").tolist(),
        "t": [f"word{int(value)} and more" for value in random.integers(0, 30, len(times))],
    }


def weeks(count, per_hour, seed=0):
    random = np.random.default_rng(seed)
    times = MONDAY + np.sort(random.uniform(0, count * WEEK, int(count * 168 * per_hour)))
    return {**rows(random, times), TIME: times}


def built(columns, seasonal="hour_of_week"):
    return build_reference(columns_from(columns), source="test", created_at=0.0, seasonal=seasonal)


@pytest.mark.parametrize(
    ("moment", "seasonal", "name"),
    [
        ("2026-11-02 09:30", "hour_of_week", "Mon 09:00"),
        ("2026-11-08 23:59", "hour_of_week", "Sun 23:00"),
        ("1970-01-01 00:00", "hour_of_week", "Thu 00:00"),
        ("1969-12-28 05:00", "hour_of_week", "Sun 05:00"),
        ("2026-11-08 23:59", "hour_of_day", "23:00"),
    ],
)
def test_hours_are_those_of_the_calendar_in_utc(moment, seasonal, name):
    assert hour_name(int(hours_at(np.array([at(moment)]), seasonal)[0]), seasonal) == name


def test_rows_between_two_hours_count_in_both_and_all_of_them_once():
    for minute, wanted in ((30, {9: 1.0}), (0, {8: 0.5, 9: 0.5}), (45, {9: 0.75, 10: 0.25})):
        found = {}
        add_rows(found, 8, at(f"2026-11-02 09:{minute:02d}"), "hour_of_week")
        assert {hour: count / PARTS / 8 for hour, count in found.items()} == wanted
    found = {}
    add_rows(found, 1, at("2026-11-08 23:50"), "hour_of_week")
    assert set(found) == {167, 0}


@pytest.mark.parametrize("seed", range(3))
def test_the_hours_of_every_column_add_up_to_the_column(seed):
    columns = weeks(1, 5, seed)
    columns["x"][::7] = np.inf
    gone = np.random.default_rng(seed).random(len(columns[TIME])) < 0.2
    every, some = built(columns), built({**columns, TIME: np.where(gone, np.nan, columns[TIME])})
    for reference in (every, some):
        for name, column in reference.columns.items():
            by_hour = reference.seasons.of(name)
            assert by_hour.shape == (168, len(column.counts))
            whole = by_hour.sum(axis=0)
            assert (whole <= column.counts).all()
            if reference is every:
                assert whole.tolist() == column.counts.tolist()
    assert every.seasons.rows.sum() == len(gone)
    assert some.seasons.rows.sum() == len(gone) - gone.sum()
    assert TIME not in every.columns


def test_seasons_are_part_of_the_content_and_survive_being_written():
    columns = weeks(1, 10)
    flat = build_reference(
        columns_from({name: values for name, values in columns.items() if name != TIME}), source="test", created_at=0.0
    )
    reference = built(columns)
    again = Reference.from_bytes(reference.to_bytes())
    assert again.hash == reference.hash == replace(again, hash="").hash
    assert flat.hash != reference.hash != built(columns, "hour_of_day").hash
    assert (again.seasons.counts == reference.seasons.counts).all()
    damaged = reference.to_bytes().replace(b'"seasonal":"hour_of_week"', b'"seasonal":"hour_of_day"')
    with pytest.raises(ReferenceDataError):
        Reference.from_bytes(damaged)


def test_an_hour_is_expected_to_be_as_that_hour_was():
    columns = weeks(4, 40)
    reference = built(columns)
    hour = hours_at(columns[TIME], "hour_of_week") == 9
    expected = in_season(reference, {9: 500 * PARTS}).columns
    x = columns["x"][hour]
    assert expected["x"].n == np.isfinite(x).sum()
    assert expected["x"].counts.tolist() == reference.seasons.of("x")[9].tolist()
    assert expected["x"].mean == pytest.approx(np.nanmean(x))
    assert expected["x"].std == pytest.approx(np.nanstd(x))
    assert expected["x"].q1 == pytest.approx(np.nanquantile(x, 0.25), abs=0.1)
    assert expected["c"].counts[: len(expected["c"].labels)].sum() == hour.sum()
    night = in_season(reference, {2: 500 * PARTS}).columns["x"]
    assert night.missing_rate == pytest.approx(0.1, abs=0.05)
    assert in_season(reference, {}) is reference


def test_a_mixture_of_hours_weighs_them_by_the_rows_that_came():
    reference = built(weeks(4, 40))
    one, two = (in_season(reference, {hour: PARTS}).columns["x"] for hour in (6, 18))
    mixed = in_season(reference, {6: 300 * PARTS, 18: 100 * PARTS}).columns["x"]
    assert mixed.mean == pytest.approx(0.75 * one.mean + 0.25 * two.mean, rel=0.01)
    assert max(one.n, two.n) < mixed.n < one.n + two.n, "worth fewer rows than both hours have, since they count unequally"
    shares = 0.75 * one.counts / one.n + 0.25 * two.counts / two.n
    assert mixed.counts / mixed.n == pytest.approx(shares, abs=0.01)


@pytest.mark.parametrize(
    ("emptied", "source"),
    [
        ([], "own"),
        ([33], "around"),
        (range(30, 37), "same hour"),
        ([*range(30, 37), *range(9, 168, 24)], "all"),
    ],
)
def test_an_hour_with_too_few_rows_borrows_from_the_nearest_that_have_them(emptied, source):
    columns = weeks(2, 40)
    kept = ~np.isin(hours_at(columns[TIME], "hour_of_week"), list(emptied))
    seasons = built({name: np.asarray(values)[kept] for name, values in columns.items()}).seasons
    wanted = {"own": (33,), "around": (32, 33, 34), "same hour": tuple(range(9, 168, 24)), "all": tuple(range(168))}
    assert set(seasons.sources[33]) == set(wanted[source])
    assert seasons.borrowing({33: PARTS, 100: PARTS}) == (0.0 if source == "own" else 0.5)
    assert seasons.rows[list(seasons.sources[33])].sum() >= FEWEST_ROWS


def batch(columns, chosen):
    features = {name: np.asarray(values)[chosen] for name, values in columns.items() if name != TIME}
    return RecordBatch("m", "1", columns[TIME][chosen], [""] * len(chosen), columns_from(features))


def test_a_windows_hours_are_the_same_in_any_batches_and_order_and_after_a_restart():
    reference = built(weeks(1, 20))
    random = np.random.default_rng(5)
    times = MONDAY + WEEK + random.uniform(0, 7000, 600)
    columns = {**rows(random, times), TIME: times}

    def fed(parts, *, restart=False):
        panes = PaneStore(WindowSettings(pane="1m", length="2h"), ManualClock(MONDAY + WEEK + 7000))
        panes.set_default_reference(reference)
        for part in parts:
            panes.add_rows(batch(columns, part))
            if restart:
                state = panes.snapshot()
                panes = PaneStore(WindowSettings(pane="1m", length="2h"), ManualClock(MONDAY + WEEK + 7000))
                panes.restore(state)
        found = panes.evaluation("m", "1", MONDAY + WEEK + 7000)
        return found.window.seasons, found.latest.seasons, found.expected.columns["x"].counts.tolist()

    whole = fed([np.arange(600)])
    mixed = random.permutation(600)
    assert fed(np.array_split(mixed, 7)) == fed(np.array_split(mixed, 3), restart=True) == whole
    assert sum(whole[0].values()) == 600 * PARTS
    assert set(whole[0]) == {167, 0, 1, 2}


def test_a_seasonal_reference_is_learnt_from_traffic_over_a_restart_too():
    columns = weeks(2, 6)
    learning = ReferenceSettings(learn="8d", seasonal="hour_of_week", max_rows=100_000)

    def learnt(*, restart):
        clock = ManualClock(MONDAY)
        panes = PaneStore(WindowSettings(), clock, learning)
        for part in np.array_split(np.arange(len(columns[TIME])), 40):
            clock.advance(float(columns[TIME][part[-1]]) - clock())
            panes.add_rows(batch(columns, part))
            if restart and panes.reference("m", "1") is None:
                state = panes.snapshot()
                panes = PaneStore(WindowSettings(), clock, learning)
                panes.restore(state)
            if panes.reference("m", "1") is not None:
                return panes.reference("m", "1")
        raise AssertionError("nothing was learnt")

    reference = learnt(restart=False)
    assert TIME not in reference.columns
    assert reference.seasons.rows.sum() == reference.rows
    assert reference.seasons.rows.min() >= 1
    assert learnt(restart=True).hash == reference.hash


@pytest.mark.parametrize("told", ["timestamps", "text", "milliseconds"])
def test_a_file_says_when_its_rows_were(tmp_path, told):
    columns = weeks(1, 10)
    times = columns.pop(TIME)
    stamps = {
        "timestamps": pa.array((times * 1e6).astype(np.int64), pa.timestamp("us")),
        "text": [datetime.fromtimestamp(one, UTC).isoformat() for one in times],
        "milliseconds": np.round(times * 1e3),
    }
    pq.write_table(pa.table({**columns, "asked_at": stamps[told]}), tmp_path / "reference.parquet")
    section = "reference: {source: reference.parquet, seasonal: hour_of_week, time: asked_at}"
    reference, _ = file_reference(parse_settings(f"model: {{name: m}}\n{section}\n", folder=tmp_path), lambda: 0.0)
    assert reference.feature_names[:3] == ("x", "c", "t")
    assert "asked_at" not in reference.columns
    assert reference.seasons.rows.tolist() == np.bincount(hours_at(times, "hour_of_week"), minlength=168).tolist()


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("{source: reference.csv, seasonal: hour_of_week}", "reference.time"),
        ("{source: reference.csv, seasonal: hour_of_week, time: word}", "holds no times"),
        ("{seasonal: hour_of_week}", "learn: 7d"),
        ("{seasonal: hour_of_day, learn: 2h}", "learn: 1d"),
        ("{seasonal: hour_of_moon, source: reference.csv}", "hour_of_week"),
    ],
)
def test_a_seasonal_reference_that_can_not_be_is_said_in_one_line(tmp_path, section, said):
    (tmp_path / "reference.csv").write_text("x,word\n1,a\n2,b\n")
    with pytest.raises(ConfigError) as caught:
        file_reference(parse_settings(f"model: {{name: m}}\nreference: {section}\n", folder=tmp_path), lambda: 0.0)
    assert said in str(caught.value)
