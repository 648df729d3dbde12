"""Dashboards and rules say only what the sidecar exports."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from neural.monitoring.export.catalogue import CATALOGUE
from neural.monitoring.export.grafana import DASHBOARDS, Panel, dashboard_json, write_dashboards
from neural.monitoring.settings import check, load_settings

CONFIG = Path(__file__).parents[3] / "config"
NAMES = {name for name, spec in CATALOGUE.items() if spec.kind != "histogram"} | {
    f"{name}{suffix}"
    for name, spec in CATALOGUE.items()
    if spec.kind == "histogram"
    for suffix in ("", "_bucket", "_sum", "_count")  # native, classic
}
METRIC = re.compile(r"(?<![\w:])neural_\w+")
LABELS = re.compile(r"(neural_\w+)\{([^}]*)\}")
PANELS = [(board, panel) for board in DASHBOARDS for panel in board.panels if panel.kind != "row"]
panels = pytest.mark.parametrize(("board", "panel"), PANELS, ids=[f"{board.uid}: {panel.title}" for board, panel in PANELS])


def base(name: str) -> str:
    return re.sub(r"_(bucket|sum|count)$", "", name) if name not in CATALOGUE else name


@panels
def test_every_metric_and_label_of_a_panel_exists(board, panel: Panel):
    for query in panel.queries:
        assert set(METRIC.findall(query.expr)) <= NAMES
        assert METRIC.search(query.expr)
        for name, labels in LABELS.findall(query.expr):
            used = set(re.findall(r"(\w+)\s*[=!]", labels))
            assert used <= {*CATALOGUE[base(name)].labels, "le"}


@panels
def test_every_panel_says_what_it_shows_in(board, panel: Panel):
    assert panel.unit
    assert panel.title
    for query in panel.queries:
        for label in re.findall(r"{{(\w+)}}", query.legend):
            grouped = re.findall(r"by \(([^)]*)\)", query.expr)
            known = {part.strip() for group in grouped for part in group.split(",")} if grouped else {"instance", "job"}
            if not grouped:
                known |= {one for name in METRIC.findall(query.expr) for one in CATALOGUE[base(name)].labels}
            assert label in known


@pytest.mark.parametrize("board", DASHBOARDS, ids=lambda board: board.uid)
def test_panels_fill_the_grid_without_overlap(board):
    taken: set[tuple[int, int]] = set()
    for panel in dashboard_json(board)["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_variables_ask_for_metrics_that_exist():
    for board in DASHBOARDS:
        for variable in board.variables:
            name, label = re.fullmatch(r"label_values\((neural_\w+)(?:{.*})?, (\w+)\)", variable.query).groups()
            assert label in CATALOGUE[name].labels
        used = set(re.findall(r"\$(\w+)", " ".join(query.expr for panel in board.panels for query in panel.queries)))
        assert used - {"__rate_interval"} <= {variable.name for variable in board.variables}


def test_ids_are_their_own():
    assert len({board.uid for board in DASHBOARDS}) == len(DASHBOARDS)
    for board in DASHBOARDS:
        ids = [panel["id"] for panel in dashboard_json(board)["panels"]]
        assert len(set(ids)) == len(ids)


def test_the_files_in_the_repository_are_current(tmp_path):
    for written in write_dashboards(tmp_path):
        kept = CONFIG / "grafana" / "dashboards" / written.name
        assert kept.read_text() == written.read_text(), (
            "run: python -m neural.monitoring.export.grafana config/grafana/dashboards"
        )
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in (CONFIG / "grafana" / "dashboards").iterdir()}


@pytest.mark.parametrize("name", ["rules.yaml", "alerts.yaml"])
def test_every_metric_of_a_rule_exists(name):
    groups = yaml.safe_load((CONFIG / "prometheus" / name).read_text())["groups"]
    recorded = {
        rule["record"]
        for group in yaml.safe_load((CONFIG / "prometheus" / "rules.yaml").read_text())["groups"]
        for rule in group["rules"]
    }
    for rule in (rule for group in groups for rule in group["rules"]):
        assert set(METRIC.findall(rule["expr"])) <= NAMES
        assert set(re.findall(r"neural:[\w:]+", rule["expr"])) <= recorded


def test_every_alert_says_what_and_why():
    groups = yaml.safe_load((CONFIG / "prometheus" / "alerts.yaml").read_text())["groups"]
    for rule in (rule for group in groups for rule in group["rules"]):
        assert set(rule["annotations"]) == {"summary", "description"}
        assert rule["labels"]["severity"] in {"info", "warning", "critical"}


def test_what_compose_mounts_and_builds_is_there():
    compose = yaml.safe_load((CONFIG / "compose.yaml").read_text())
    for service in compose["services"].values():
        for volume in service["volumes"]:
            source = volume.partition(":")[0]
            assert source in compose["volumes"] or (CONFIG / source).exists(), source
    assert (CONFIG / "Containerfile").exists()


def test_the_sidecar_of_compose_is_sound():
    env = {"NEURAL_CAPTURE_TOKEN": "t", "NEURAL_DASHBOARD_TOKEN": "d"}
    settings = load_settings(CONFIG / "compose-sidecar.yaml", env=env)
    found = [finding for finding in check(settings) if finding.key != "store.path"]  # its folder is the container's
    assert found == []


def test_the_collector_starts_its_pipelines_with_the_memory_limiter():
    config = yaml.safe_load((CONFIG / "otel" / "collector.yaml").read_text())
    for pipeline in config["service"]["pipelines"].values():
        assert pipeline["processors"][0] == "memory_limiter"
        assert set(pipeline["receivers"]) <= set(config["receivers"])
        assert set(pipeline["exporters"]) <= set(config["exporters"])


def test_grafana_finds_data_source_and_dashboards():
    provisioning = CONFIG / "grafana" / "provisioning"
    source = yaml.safe_load((provisioning / "datasources" / "prometheus.yaml").read_text())["datasources"][0]
    assert source["type"] == "prometheus"
    provider = yaml.safe_load((provisioning / "dashboards" / "neural.yaml").read_text())["providers"][0]
    mounts = yaml.safe_load((CONFIG / "compose.yaml").read_text())["services"]["grafana"]["volumes"]
    assert f"./grafana/dashboards:{provider['options']['path']}:ro" in mounts


def test_dashboards_are_plain_json():
    for board in DASHBOARDS:
        assert json.loads(json.dumps(dashboard_json(board)))["schemaVersion"] >= 36
