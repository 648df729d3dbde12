"""The whole page, word for word. UPDATE_GOLDEN=1 writes it anew: read it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from export_fakes import board, totals

from neural.monitoring.export import SidecarMetrics

GOLDEN = Path(__file__).parents[2] / "golden" / "export"
MOVING = ("neural_sidecar_cpu_seconds_total", "neural_metrics_scrape_seconds", "neural_build_info")


@pytest.mark.parametrize(("name", "accept"), [("page.txt", ""), ("page.openmetrics", "application/openmetrics-text")])
def test_the_page_is_as_kept(name, accept):
    text = SidecarMetrics(board(), totals(), stats={"ingest": lambda: {"batches": 4.0}}).page(accept)[1]
    text = "".join(line for line in text.splitlines(keepends=True) if not line.startswith(MOVING))
    kept = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        kept.write_text(text)
    assert text == kept.read_text()
