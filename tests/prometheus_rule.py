"""k8s/base/prometheusrule.yaml, written from config/prometheus: ``python -m tests.prometheus_rule``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
RULE = ROOT / "k8s" / "base" / "prometheusrule.yaml"
SOURCES = ("rules.yaml", "alerts.yaml", "fleet.yaml")


def prometheus_rule() -> dict[str, Any]:
    groups = [
        group for name in SOURCES for group in yaml.safe_load((ROOT / "config" / "prometheus" / name).read_text())["groups"]
    ]
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "neural-monitoring", "labels": {"app.kubernetes.io/name": "my-model"}},
        "spec": {"groups": groups},
    }


if __name__ == "__main__":
    head = f"# Written from config/prometheus ({', '.join(SOURCES)}) by python -m tests.prometheus_rule.\n"
    RULE.write_text(head + yaml.safe_dump(prometheus_rule(), sort_keys=False, width=1000, allow_unicode=True))
