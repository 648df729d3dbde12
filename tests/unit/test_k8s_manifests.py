"""The Kubernetes files: built with kubectl's kustomize, held to the published schemas, and hanging together. A cluster shows the rest."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import urllib.parse
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate.utils
import pytest
import yaml

from neural.monitoring.settings import check, load_settings

sys.path.insert(0, str(Path(__file__).parents[1]))
from prometheus_rule import ROOT, RULE, prometheus_rule

K8S = ROOT / "k8s"
BUILDS = sorted(str(path.parent.relative_to(K8S)) for path in K8S.rglob("kustomization.yaml"))
VERSIONS = list(dict.fromkeys(kubernetes_validate.utils.all_versions()))[
    -3:
]  # the packages of strict schemas name a version again
CONFIGS = sorted(K8S.rglob("neural-monitor.yaml"))
CUSTOM = {"InferenceService", "SeldonDeployment", "ServiceMonitor", "PodMonitor", "PrometheusRule"}  # the schemas of others
LEAST_KUSTOMIZE = (4, 0)


def _kubectl() -> str | None:
    """The one of the test environment, else this machine's."""
    return shutil.which("kubectl", path=Path(sys.executable).parent) or shutil.which("kubectl")


def _why_not() -> str:
    kubectl = _kubectl()
    if kubectl is None:
        return "kubectl is not installed"
    said = subprocess.run([kubectl, "version", "--client"], capture_output=True, text=True, check=False, timeout=60).stdout
    found = re.search(r"Kustomize Version: v(\d+)\.(\d+)", said)
    if found is None or (int(found[1]), int(found[2])) < LEAST_KUSTOMIZE:
        return f"kubectl here has no kustomize {LEAST_KUSTOMIZE[0]} or later"
    return ""


@cache
def _built(name: str) -> list[dict[str, Any]]:
    if why := _why_not():
        pytest.skip(why)
    done = subprocess.run(
        [_kubectl() or "", "kustomize", str(K8S / name)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr  # kustomize's warnings: deprecated fields, patches that hit nothing
    return list(yaml.safe_load_all(done.stdout))


def _pod_specs(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    spec = manifest.get("spec", {})
    if manifest["kind"] == "InferenceService":
        own = ("minReplicas", "maxReplicas", "logger", "model")
        return [{key: value for key, value in spec["predictor"].items() if key not in own}]
    if manifest["kind"] == "SeldonDeployment":
        return [one["spec"] for predictor in spec["predictors"] for one in predictor["componentSpecs"]]
    return [spec["template"]["spec"]] if "template" in spec else []


def _sidecar(pod: dict[str, Any]) -> dict[str, Any]:
    (found,) = [one for one in pod["initContainers"] if one["name"] == "neural-monitor"]
    return found


def _pods() -> list[Any]:
    return [pytest.param(name, id=name) for name in BUILDS]


def test_there_is_a_build_for_every_way_of_serving() -> None:
    assert {
        "base",
        "example",
        "overlays/plain",
        "overlays/kserve",
        "overlays/kserve-logger",
        "overlays/seldon",
        "overlays/batch",
    } == set(BUILDS)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", BUILDS)
def test_every_manifest_fits_the_schemas_of_kubernetes(name: str, version: str) -> None:
    """Strictly: an unknown key is an error. Of kinds that Kubernetes does not know, the pods in them are held to its schema."""
    checked = 0
    for manifest in _built(name):
        if manifest["kind"] not in CUSTOM:
            kubernetes_validate.utils.validate(manifest, version, strict=True)
            checked += 1
        for spec in _pod_specs(manifest):
            containers = spec.get("containers") or [{"name": "the-operators"}]  # Seldon and KServe add the model's
            pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "checked"}, "spec": {**spec, "containers": containers}}
            kubernetes_validate.utils.validate(pod, version, strict=True)
    assert checked


def test_a_misspelt_key_would_be_noticed() -> None:
    (deployment,) = [one for one in _built("base") if one["kind"] == "Deployment"]
    wrong = json.loads(json.dumps(deployment))
    wrong["spec"]["template"]["spec"]["initContainers"][0]["restartPolcy"] = "Always"
    with pytest.raises(kubernetes_validate.utils.ValidationError, match="restartPolcy"):
        kubernetes_validate.utils.validate(wrong, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: str(path.parent.relative_to(K8S)))
def test_the_sidecars_configuration_loads_and_has_no_mistake(path: Path) -> None:
    assert not [finding for finding in check(load_settings(path, env={})) if finding.weight == "error"]


@pytest.mark.parametrize("name", BUILDS)
def test_the_sidecar_of_every_pod_is_native_probed_and_locked_down(name: str) -> None:
    pods = [pod for manifest in _built(name) for pod in _pod_specs(manifest)]
    assert pods
    for pod in pods:
        sidecar, outer = _sidecar(pod), pod.get("securityContext", {})
        inner = sidecar["securityContext"]
        assert sidecar["restartPolicy"] == "Always"
        assert sidecar["startupProbe"]
        assert {"requests", "limits"} <= set(sidecar["resources"])
        # the restricted Pod Security Standard, and a root file system nobody writes to
        assert inner["allowPrivilegeEscalation"] is False
        assert inner["capabilities"] == {"drop": ["ALL"]}
        assert inner["readOnlyRootFilesystem"] is True
        assert inner.get("runAsNonRoot", outer.get("runAsNonRoot")) is True
        assert inner.get("seccompProfile", outer.get("seccompProfile")) == {"type": "RuntimeDefault"}
        mounted = {
            mount["name"] for container in (sidecar, *pod.get("containers", ())) for mount in container.get("volumeMounts", ())
        }
        assert mounted <= {volume["name"] for volume in pod["volumes"]}


@pytest.mark.parametrize("name", BUILDS)
def test_pod_and_configuration_name_the_same_places(name: str) -> None:
    manifests = _built(name)
    for pod in [pod for manifest in manifests for pod in _pod_specs(manifest)]:
        sidecar = _sidecar(pod)
        mounts = {mount["name"]: mount["mountPath"] for mount in sidecar["volumeMounts"]}
        (config,) = [volume["configMap"]["name"] for volume in pod["volumes"] if volume["name"] == "config"]
        (data,) = [one["data"] for one in manifests if one["kind"] == "ConfigMap" and one["metadata"]["name"] == config]
        assert sidecar["args"] == ["run", "--config", f"{mounts['config']}/neural-monitor.yaml"]
        settings = yaml.safe_load(data["neural-monitor.yaml"])
        assert settings["store"]["path"] == mounts["state"]
        listen = settings["capture"]["listen"]
        if listen.startswith("unix://"):
            (server,) = pod["containers"]
            assert {"name": "NEURAL_CAPTURE_ENDPOINT", "value": listen} in server["env"]
            assert all(
                listen.startswith(f"unix://{mount['mountPath']}/")
                for container in (server, sidecar)
                for mount in container["volumeMounts"]
                if mount["name"] == "capture"
            )
        else:  # whose logger sends to it, in the same pod
            urls = re.findall(r"https?://[\w.:]+/", json.dumps(manifests))
            assert urllib.parse.urlsplit(listen).netloc in {urllib.parse.urlsplit(url).netloc for url in urls}
            assert listen.startswith("tcp://127.0.0.1:")  # loggers send no token, so nobody else may reach it
        if settings["export"]["prometheus"].get("enabled", True):
            assert sidecar["ports"] == [{"name": "metrics", "containerPort": settings["export"]["prometheus"]["port"]}]
            assert settings["export"]["prometheus"]["host"] == "0.0.0.0"  # the kubelet and Prometheus come from outside the pod
            assert {sidecar[probe]["httpGet"]["path"] for probe in ("startupProbe", "readinessProbe", "livenessProbe")} == {
                "/ready",
                "/health",
            }


def test_policies_monitors_and_budgets_select_the_pods_there_are() -> None:
    manifests = {one["kind"]: one for one in _built("base")}
    labels = manifests["Deployment"]["spec"]["template"]["metadata"]["labels"].items()
    for kind, selector in (("NetworkPolicy", "podSelector"), ("PodDisruptionBudget", "selector")):
        assert manifests[kind]["spec"][selector]["matchLabels"].items() <= labels
    assert manifests["Service"]["spec"]["selector"].items() <= labels
    assert (
        manifests["ServiceMonitor"]["spec"]["selector"]["matchLabels"].items()
        <= manifests["Service"]["metadata"]["labels"].items()
    )
    assert (
        manifests["Deployment"]["spec"]["replicas"] > manifests["PodDisruptionBudget"]["spec"]["maxUnavailable"]
    )  # else it means nothing
    ports = {
        port["name"]
        for pod in _pod_specs(manifests["Deployment"])
        for one in (*pod["initContainers"], *pod["containers"])
        for port in one["ports"]
    }
    assert {rule["port"] for one in manifests["NetworkPolicy"]["spec"]["ingress"] for rule in one["ports"]} == ports
    assert {endpoint["port"] for endpoint in manifests["ServiceMonitor"]["spec"]["endpoints"]} <= ports


def test_a_change_of_the_configuration_reaches_the_running_sidecar() -> None:
    """A ConfigMap without a hash in its name changes in place, and a folder mount (no subPath) shows the change."""
    (deployment,) = [one for one in _built("base") if one["kind"] == "Deployment"]
    (pod,) = _pod_specs(deployment)
    assert all("subPath" not in mount for mount in _sidecar(pod)["volumeMounts"])
    assert "neural-monitor" in {one["metadata"]["name"] for one in _built("base") if one["kind"] == "ConfigMap"}


def test_grafana_gets_every_dashboard() -> None:
    (found,) = [one for one in _built("base") if one["metadata"]["name"] == "neural-dashboards"]
    assert set(found["data"]) == {path.name for path in (ROOT / "config/grafana/dashboards").glob("*.json")}
    assert found["metadata"]["labels"] == {"grafana_dashboard": "1"}
    assert len(json.dumps(found)) < 1 << 20  # a ConfigMap's limit


def test_the_prometheus_rule_is_that_of_the_configuration() -> None:
    assert yaml.safe_load(RULE.read_text()) == prometheus_rule(), "run: python -m tests.prometheus_rule"


def test_the_grace_period_is_longer_than_the_sidecar_drains() -> None:
    from neural.monitoring.app.run import DRAIN_TIMEOUT_SECONDS
    from neural.monitoring.app.serve import GRACE_SECONDS

    for manifest in _built("base"):
        for pod in _pod_specs(manifest):
            assert pod["terminationGracePeriodSeconds"] > DRAIN_TIMEOUT_SECONDS + GRACE_SECONDS


def test_the_containerfile_has_stages_and_ends_as_a_user_without_rights() -> None:
    lines = (ROOT / "config" / "Containerfile").read_text().splitlines()
    stages = [at for at, line in enumerate(lines) if line.startswith("FROM ")]
    assert len(stages) == 2
    last = lines[stages[-1] :]
    assert "USER 10001:10001" in last  # as a number: the kubelet can tell that it is not root
    assert not [line for line in last if line.startswith(("RUN pip", "RUN apt"))]
