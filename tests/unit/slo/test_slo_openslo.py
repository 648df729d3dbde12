"""OpenSLO v1 in and out: what we write we read back the same, and foreign documents are read or refused with a reason."""

from __future__ import annotations

import pytest
import yaml

from neural.monitoring.errors import ConfigError
from neural.monitoring.slo import SLOSettings
from neural.monitoring.slo.openslo import export_openslo, import_openslo

ALL = [
    SLOSettings.model_validate(fields)
    for fields in [
        {"name": "up", "type": "availability", "target": "99.9%", "window": "30d", "description": "It answers."},
        {"name": "fast", "type": "latency", "threshold": "100ms", "target": "99%", "window": "28d", "model": "fraud"},
        {"name": "right", "type": "accuracy", "target": "95%", "window": "24h"},
        {"name": "errors", "type": "error_rate", "target": "99.5%", "window": "90m"},
        {"name": "busy", "type": "throughput", "threshold": 50, "target": "99%", "window": "week"},
        {"name": "Stable.Model", "type": "drift_free", "target": "99%", "window": "month", "time_zone": "Europe/Berlin"},
    ]
]

FOREIGN = """
apiVersion: openslo/v1
kind: SLO
metadata: {name: web-latency, annotations: {neural-monitoring/type: latency}}
spec:
  service: web
  indicatorRef: my-sli
  timeWindow: [{duration: 4w, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{op: lte, value: 0.25, targetPercent: 99.5}]
---
apiVersion: openslo/v1
kind: SLI
metadata: {name: my-sli}
spec: {thresholdMetric: {metricSource: {type: Prometheus, spec: {query: whatever}}}}
"""


def test_what_is_written_is_read_back_the_same():
    for slo in ALL:
        [back] = import_openslo(export_openslo([slo]))
        assert back == slo


def test_many_documents_are_one_file():
    assert [slo.name for slo in import_openslo(export_openslo(ALL))] == [slo.name for slo in ALL]


def test_a_written_document_has_the_fields_the_standard_asks_for():
    for document in yaml.safe_load_all(export_openslo(ALL)):
        assert (document["apiVersion"], document["kind"]) == ("openslo/v1", "SLO")
        spec = document["spec"]
        assert spec["budgetingMethod"] in ("Occurrences", "Timeslices")
        assert len(spec["timeWindow"]) == 1
        assert ("calendar" in spec["timeWindow"][0]) != spec["timeWindow"][0]["isRolling"]
        assert set(spec["indicator"]["spec"]["ratioMetric"]) == {"counter", "good", "total"}
        assert document["metadata"]["name"].islower()
        assert ("timeSliceTarget" in spec["objectives"][0]) == (spec["budgetingMethod"] == "Timeslices")


def test_a_foreign_document_that_says_what_it_is_is_read():
    [slo] = import_openslo(FOREIGN)
    assert (slo.name, slo.type, slo.limit, slo.goal, slo.window) == ("web-latency", "latency", 0.25, 0.995, 28 * 86400.0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("annotations: {neural-monitoring/type: latency}", "annotations: {}"), "say what it is in the annotation"),
        (("4w", "1M"), "no fixed length"),
        (("4w", "5 weeks"), "not an OpenSLO duration"),
        (("4w, isRolling: true", "4w, isRolling: false"), "not a day, week"),
        (("objectives: [{op: lte, value: 0.25, targetPercent: 99.5}]", "objectives: 3"), "not a valid SLO"),
        (("targetPercent: 99.5", "targetPercent: 100"), "less than 1"),
        (("kind: SLO", "kind: Service"), "no document of kind SLO"),
        (("apiVersion: openslo/v1\nkind: SLO", "apiVersion: openslo/v1alpha\nkind: SLO"), "no document of kind SLO"),
        (("metadata:", "metadata: {{"), "not YAML"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_mistakes_are_named(change, words):
    with pytest.raises(ConfigError, match=words):
        import_openslo(FOREIGN.replace(*change, 1))
