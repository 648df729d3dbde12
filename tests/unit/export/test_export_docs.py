"""The pages under docs/ say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from neural.monitoring.export.catalogue import CATALOGUE
from neural.monitoring.export.reference import metrics_markdown
from neural.wire import Flag, Outcome

ROOT = Path(__file__).parents[3]
SOURCES = ROOT / "sidecar" / "neural" / "monitoring" / "export"


def test_the_metrics_page_is_current_and_whole():
    page = (ROOT / "docs" / "metrics.md").read_text()
    assert page == metrics_markdown(), "run: python -m neural.monitoring.export.reference docs/metrics.md"
    assert all(f"| `{name}` |" in page for name in CATALOGUE)


def test_every_attribute_of_a_span_is_documented_and_the_other_way_round():
    text = (ROOT / "docs" / "spans.md").read_text()
    code = "".join(
        (SOURCES / name).read_text()
        for name in ("inference.py", "verdicts.py", "span_export.py", "otlp_messages.py", "incidents.py")
    )
    said = set(re.findall(r'"((?:ml|neural|http|rpc|url|server|user_agent|error)\.[a-z_.]+)"', code)) - {
        "neural.monitoring",
        "neural.alert.label.",
        "neural.incident",  # what ids are made from
    }
    missing = {name for name in said if f"`{name}`" not in text}
    assert missing == set()
    documented = set(re.findall(r"^\| `((?:ml|neural)\.[a-z_.]+)`", text, re.MULTILINE))
    assert documented <= said


def test_every_flag_and_outcome_is_documented():
    text = (ROOT / "docs" / "spans.md").read_text()
    assert all(f"`{outcome.name.lower()}`" in text for outcome in Outcome)
    assert all(f"`{flag.name.lower()}`" in text for flag in Flag if flag)


def test_every_variable_that_is_read_is_documented():
    text = (ROOT / "docs" / "spans.md").read_text()
    code = "".join(
        (SOURCES / name).read_text() for name in ("span_options.py", "sampling.py", "otlp_transport.py", "reporter.py")
    )
    for name in set(re.findall(r'"(OTEL_[A-Z_]+)"', code)):
        prefix, _, last = name.rpartition("_")
        assert f"`{name}`" in text or (prefix.endswith(("OTLP", "OTLP_TRACES")) and f"`{last}`" in text), name


def test_every_variable_of_otel_that_is_read_is_documented():
    text = (ROOT / "docs" / "spans.md").read_text()
    code = "".join(path.read_text() for path in SOURCES.glob("*.py"))
    read = set(re.findall(r'"(OTEL_[A-Z_]+)"', code)) - {
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TIMEOUT",
        "OTEL_EXPORTER_OTLP_HEADERS",
    }
    assert {name for name in read if f"`{name}`" not in text} == set()
    table = text[text.index("| variable | here |") : text.index("Not read")]
    assert {name for name in re.findall(r"`(OTEL_[A-Z_]+)`", table) if not name.endswith(("_EXPORTER", "_"))} <= read
