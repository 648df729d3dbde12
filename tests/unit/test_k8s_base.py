"""The Kubernetes base hangs together: the parts name each other, and the configuration in it loads. Only a cluster shows the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from neural.monitoring.settings import check, load_settings

BASE = Path(__file__).parents[2] / "k8s" / "base"


def _load(name: str) -> dict[str, Any]:
    return yaml.safe_load((BASE / name).read_text())


@pytest.fixture
def pod() -> dict[str, Any]:
    return _load("deployment.yaml")["spec"]["template"]["spec"]


def test_kustomization_names_every_file_and_no_other() -> None:
    kustomization = _load("kustomization.yaml")
    named = {*kustomization["resources"], *(name for one in kustomization["configMapGenerator"] for name in one["files"])}
    assert named == {path.name for path in BASE.glob("*.yaml")} - {"kustomization.yaml"}


def test_the_sidecars_configuration_loads_and_has_no_mistake() -> None:
    settings = load_settings(BASE / "neural-monitor.yaml", env={})
    assert not [finding for finding in check(settings) if finding.weight == "error"]


def test_both_containers_meet_at_the_socket_the_configuration_names(pod: dict[str, Any]) -> None:
    (listen,) = load_settings(BASE / "neural-monitor.yaml", env={}).capture.listen
    (server,), (sidecar,) = pod["containers"], pod["initContainers"]
    assert {"name": "NEURAL_CAPTURE_ENDPOINT", "value": listen} in server["env"]
    for container in (server, sidecar):
        mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
        assert listen.startswith(f"unix://{mounts['capture']}/")


def test_the_sidecar_is_native_probed_on_its_metrics_port_and_locked_down(pod: dict[str, Any]) -> None:
    (sidecar,) = pod["initContainers"]
    assert sidecar["restartPolicy"] == "Always"
    settings = load_settings(BASE / "neural-monitor.yaml", env={})
    assert sidecar["ports"] == [{"name": "metrics", "containerPort": settings.export.prometheus.port}]
    assert settings.export.prometheus.host == "0.0.0.0"  # the kubelet and Prometheus come from outside the pod
    assert sidecar["startupProbe"]["httpGet"] == {"path": "/metrics", "port": "metrics"}
    assert sidecar["securityContext"]["readOnlyRootFilesystem"]
    assert pod["securityContext"]["runAsNonRoot"]
    written = {mount["mountPath"] for mount in sidecar["volumeMounts"] if not mount.get("readOnly")}
    assert str(settings.store.path) in written
    volumes = {volume["name"] for volume in pod["volumes"]}
    assert {mount["name"] for mount in sidecar["volumeMounts"]} <= volumes
