"""docs/scale.md: its inputs are measured again or found where they were published, its tables are worked out again."""

from __future__ import annotations

import re
import time
from pathlib import Path

import httpx
import pytest
from tests.scale.costs import Bill, Fleet, Measured, Prices
from tests.scale.measure import batches, log_bytes, reference, series_by_name, wire_bytes
from tests.scale.page import figure, size, written
from tests.sidecars import SidecarProcess, free_port

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "scale.md").read_text(encoding="utf-8")
MEASURED = Measured()
WITHIN = 0.05  # of what is stated


def test_every_table_is_what_the_inputs_come_to() -> None:
    assert re.findall(r"<!-- (\w+):", PAGE) == ["inputs", "growing", "spread", "bends"]
    assert written(PAGE) == PAGE, "run python -m tests.scale"
    assert written(PAGE, measured=Measured(wire_bytes=1)) != PAGE


def test_the_bytes_of_an_event_and_of_a_row_are_as_stated(tmp_path: Path) -> None:
    assert wire_bytes() == pytest.approx(MEASURED.wire_bytes, rel=WITHIN)
    open_bytes, parquet_bytes = log_bytes(tmp_path)
    assert open_bytes == pytest.approx(MEASURED.open_log_bytes, rel=WITHIN)
    assert parquet_bytes == pytest.approx(MEASURED.log_bytes, rel=WITHIN)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # httpcore and refused connections
def test_the_series_of_a_pod_and_of_a_column_are_as_stated(tmp_path: Path) -> None:
    found = {features: _series(tmp_path / str(features), features) for features in (20, 40)}
    assert found[20]["neural_feature_bin_total"] == MEASURED.bin_series
    assert sum(found[20].values()) == pytest.approx(MEASURED.series, rel=WITHIN)
    further = (sum(found[40].values()) - sum(found[20].values())) / 20
    assert further == pytest.approx(MEASURED.series_column, abs=1.5)


def _series(folder: Path, features: int) -> dict[str, int]:
    folder.mkdir()
    reference(folder / "reference.parquet", features)
    port = free_port()
    objectives = [
        {"name": "available", "type": "availability", "target": "99.9%", "window": "28d"},
        {"name": "fast", "type": "latency", "threshold": "100ms", "target": "99%", "window": "28d"},
    ]
    sidecar = SidecarProcess(
        folder,
        {
            "model": {"name": "m", "version": "1"},
            "reference": {"source": str(folder / "reference.parquet")},
            "slos": objectives,
            "export": {"prometheus": {"enabled": True, "port": port}},
        },
    )
    sidecar.start()
    try:
        sidecar.send(batches(2, features=features, start=time.time() - 10))
        seen, deadline = {}, time.monotonic() + 20
        while time.monotonic() < deadline:
            now = series_by_name(httpx.get(f"http://127.0.0.1:{port}/metrics").text)
            if now == seen and now["neural_feature_drift"]:
                break  # two looks apart, nothing more came
            seen = now
            time.sleep(1.5)
        return dict(seen)
    finally:
        sidecar.close()


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ("performance.md", f"{MEASURED.server_seconds * 1e6:.1f} µs [7.9, 9.2]"),
        ("performance.md", f"{MEASURED.sidecar_seconds * 1e6:.1f} µs an event"),
        ("scale.md", f"| 100 M | profile | 397 | {MEASURED.analyze_seconds * 1e8:.0f} |"),
    ],
)
def test_what_is_measured_elsewhere_stands_there(document: str, text: str) -> None:
    assert text in (DOCS / document).read_text(encoding="utf-8")


def test_the_budget_of_series_is_that_of_the_settings() -> None:
    from neural.monitoring.export import Budget
    from neural.monitoring.export.fleet import BINS_AT_MOST, BinTotals
    from neural.monitoring.settings import parse_settings

    settings = parse_settings("model: {name: m}\n", folder=Path(), env={}).export.prometheus
    assert (settings.max_series, settings.fleet_columns, settings.max_label_values) == (20_000, 100, 500)
    assert Budget().max_series == settings.max_series
    assert BINS_AT_MOST == 12
    assert BinTotals().left_out == 0


def test_a_fleet_is_the_sum_of_its_pods() -> None:
    one, many = Fleet(1, 100.0), Fleet(1_000, 100.0)
    assert many.series == 1_000 * one.series
    assert many.sidecar_cores == pytest.approx(1_000 * one.sidecar_cores)
    assert many.wire_bytes == one.wire_bytes  # of each pod
    assert Bill(many).total == pytest.approx(1_000 * Bill(one).total)
    assert Bill(one, Prices(0, 0, 0, 0)).total == 0


def test_a_small_fleet_by_hand() -> None:
    fleet = Fleet(2, 10.0, measured=Measured(wire_bytes=500, log_bytes=100, open_log_bytes=200, server_seconds=1e-5, sidecar_seconds=2e-5, sidecar_cores=0.01))  # fmt: skip
    assert fleet.journal_bytes == 10 * 500 * 30
    assert fleet.log_bytes_a_day == 2 * 10 * 86_400 * 100
    assert fleet.objects_a_day == 48
    assert Fleet(1, 1_000.0, measured=Measured(open_log_bytes=100)).objects_a_day == 24 * 6  # 360 MB an hour, 64 MiB a file
    assert fleet.server_cores == pytest.approx(2e-4)
    assert fleet.sidecar_cores == pytest.approx(0.02 + 4e-4)
    bill = Bill(fleet, Prices(core_hour=1, gib_hour=0, object_gb_month=1, put_thousand=1))
    assert bill.cores == pytest.approx(730 * 0.0206)
    assert bill.objects == pytest.approx(0.1728 * 7 + 48 * 30 / 1000)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.0041, "0.004"), (0.253, "0.25"), (1.234, "1.23"), (7.0, "7"), (47_400, "47,000"), (14_220, "14,200")],
)
def test_figures_have_as_many_digits_as_they_are_worth(value: float, text: str) -> None:
    assert figure(value) == text
    assert size(47_400) == "47 kB"
