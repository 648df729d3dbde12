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
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
OPERATORS_SERVERS = {"overlays/kserve-logger", "overlays/seldon"}


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


def _containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod["initContainers"], *pod.get("containers", ())]


def _pods(name: str) -> list[dict[str, Any]]:
    return [pod for manifest in _built(name) for pod in _pod_specs(manifest)]


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
def test_the_sidecar_of_every_pod_is_native_probed_bounded_and_told_its_secrets(name: str) -> None:
    pods = _pods(name)
    assert pods
    for pod in pods:
        sidecar = _sidecar(pod)
        assert sidecar["restartPolicy"] == "Always"
        paths = {probe: sidecar[probe]["httpGet"] for probe in PROBES}
        assert [one["path"] for one in paths.values()] == ["/ready", "/ready", "/health"]
        assert {one["port"] for one in paths.values()} == {"metrics"}
        startup = sidecar["startupProbe"]
        assert startup["failureThreshold"] * startup["periodSeconds"] >= 60  # the journal's replay
        assert {"cpu", "memory", "ephemeral-storage"} <= set(sidecar["resources"]["requests"])
        assert {"memory", "ephemeral-storage"} <= set(sidecar["resources"]["limits"])
        assert {"secretRef": {"name": "neural-monitor", "optional": True}} in sidecar["envFrom"]
        mounted = {mount["name"] for one in _containers(pod) for mount in one.get("volumeMounts", ())}
        assert mounted == {volume["name"] for volume in pod["volumes"]}


@pytest.mark.parametrize("name", BUILDS)
def test_the_model_server_that_is_ours_to_write_is_probed_and_bounded(name: str) -> None:
    """Where an operator brings the server, its pod has no container of ours but the sidecar."""
    servers = [(pod, one) for pod in _pods(name) for one in pod.get("containers", ())]
    assert bool(servers) == (name not in OPERATORS_SERVERS)
    for pod, server in servers:
        if pod.get("restartPolicy") != "Never":  # a job has nobody to answer
            assert set(PROBES) <= set(server)
            ports = {port["name"] for port in server["ports"]}
            for probe in PROBES:
                (how,) = {"httpGet", "tcpSocket"} & set(server[probe])
                assert server[probe][how]["port"] in ports
        assert {"cpu", "memory", "ephemeral-storage"} <= set(server["resources"]["requests"])
        assert {"memory", "ephemeral-storage"} <= set(server["resources"]["limits"])


@pytest.mark.parametrize("name", BUILDS)
def test_every_container_of_ours_fits_the_restricted_pod_security_standard_and_writes_to_no_root(name: str) -> None:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/, field by field."""
    for pod in _pods(name):
        outer = pod.get("securityContext", {})
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        kinds = {kind for volume in pod["volumes"] for kind in volume if kind != "name"}
        assert kinds <= {
            "configMap",
            "csi",
            "downwardAPI",
            "emptyDir",
            "ephemeral",
            "persistentVolumeClaim",
            "projected",
            "secret",
        }
        assert all("sizeLimit" in volume["emptyDir"] for volume in pod["volumes"] if "emptyDir" in volume)
        for container in _containers(pod):
            inner = container["securityContext"]
            assert inner["allowPrivilegeEscalation"] is False
            assert inner["capabilities"] == {"drop": ["ALL"]}
            assert not inner.get("privileged")
            assert inner["readOnlyRootFilesystem"] is True
            assert {"/tmp"} <= {mount["mountPath"] for mount in container["volumeMounts"]}  # what it may write to instead
            assert inner.get("runAsNonRoot", outer.get("runAsNonRoot")) is True
            assert inner.get("runAsUser", outer.get("runAsUser")) != 0
            assert inner.get("seccompProfile", outer.get("seccompProfile")) == {"type": "RuntimeDefault"}
            assert not [port for port in container.get("ports", ()) if "hostPort" in port]


@pytest.mark.parametrize("name", BUILDS)
def test_the_capture_socket_is_on_an_emptydir_that_both_mount(name: str) -> None:
    for pod in _pods(name):
        places = {
            one["name"]: mount["mountPath"]
            for one in _containers(pod)
            for mount in one["volumeMounts"]
            if mount["name"] == "capture"
        }
        if name in OPERATORS_SERVERS:  # fed over loopback
            assert not places
            continue
        assert set(places.values()) == {"/var/run/neural"}
        assert len(places) == 2
        (volume,) = [one for one in pod["volumes"] if one["name"] == "capture"]
        assert set(volume) == {"name", "emptyDir"}


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
        assert sidecar["ports"] == [{"name": "metrics", "containerPort": settings["export"]["prometheus"]["port"]}]
        assert settings["export"]["prometheus"]["host"] == "0.0.0.0"  # the kubelet and Prometheus come from outside the pod


def _pod_labels(manifest: dict[str, Any]) -> dict[str, str]:
    """Those that the pods of a workload carry; operators add theirs."""
    name = manifest["metadata"]["name"]
    added = {"InferenceService": "serving.kserve.io/inferenceservice", "SeldonDeployment": "seldon-deployment-id"}
    if manifest["kind"] in added:
        return {added[manifest["kind"]]: name}
    labels: dict[str, str] = manifest["spec"]["template"]["metadata"]["labels"]
    return labels


def _replicas(manifest: dict[str, Any]) -> int:
    spec = manifest["spec"]
    return int(
        spec.get("replicas") or spec.get("predictor", {}).get("minReplicas") or spec.get("predictors", [{}])[0].get("replicas", 1)
    )


@pytest.mark.parametrize("name", BUILDS)
def test_policies_monitors_and_budgets_select_the_pods_there_are(name: str) -> None:
    manifests = {one["kind"]: one for one in _built(name)}
    (workload,) = [one for one in manifests.values() if _pod_specs(one)]
    labels = _pod_labels(workload).items()
    (pod,) = _pod_specs(workload)
    ports = {port["name"] for one in _containers(pod) for port in one.get("ports", ())}
    policy = manifests["NetworkPolicy"]["spec"]
    assert policy["podSelector"]["matchLabels"].items() <= labels
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}  # what is not named is refused
    *_, monitoring = policy["ingress"]
    assert monitoring["ports"] == [{"port": "metrics"}]
    assert monitoring["from"][0]["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "monitoring"}
    asked = {rule["port"] for one in policy["ingress"] for rule in one["ports"]}
    assert {port for port in asked if isinstance(port, str)} == ports
    assert (len(asked) > len(ports)) == (name in OPERATORS_SERVERS)  # the operator's own ports, by number
    assert {"port": 53, "protocol": "UDP"} in policy["egress"][0]["ports"]
    if workload["kind"] == "Job":
        assert "PodDisruptionBudget" not in manifests  # it would mean nothing
        return
    budget = manifests["PodDisruptionBudget"]["spec"]
    assert budget["selector"]["matchLabels"].items() <= labels
    assert _replicas(workload) > budget["maxUnavailable"]  # else it means nothing
    if "Service" in manifests:
        assert manifests["Service"]["spec"]["selector"].items() <= labels
    if "ServiceMonitor" in manifests:
        selector, found = manifests["ServiceMonitor"]["spec"]["selector"], manifests["Service"]["metadata"]["labels"].items()
        endpoints = manifests["ServiceMonitor"]["spec"]["endpoints"]
    elif "PodMonitor" in manifests:
        selector, found = manifests["PodMonitor"]["spec"]["selector"], labels
        endpoints = manifests["PodMonitor"]["spec"]["podMetricsEndpoints"]
    else:  # without the operator: Prometheus finds the pods by their annotation
        assert workload["spec"]["template"]["metadata"]["annotations"] == {"neural.dev/scrape": "true"}
        return
    assert selector["matchLabels"].items() <= found
    assert {endpoint["port"] for endpoint in endpoints} <= ports
    assert endpoints[0]["relabelings"] == [{"targetLabel": "job", "replacement": "neural-sidecar"}]
    assert "PrometheusRule" in manifests


@pytest.mark.parametrize("name", sorted(set(BUILDS) - {"overlays/batch"}))
def test_a_change_of_the_configuration_reaches_the_running_sidecar(name: str) -> None:
    """A ConfigMap without a hash in its name changes in place, and a folder mount (no subPath) shows the change."""
    (pod,) = _pods(name)
    assert all("subPath" not in mount for mount in _sidecar(pod)["volumeMounts"])
    assert "neural-monitor" in {one["metadata"]["name"] for one in _built(name) if one["kind"] == "ConfigMap"}


@pytest.mark.parametrize("name", sorted(set(BUILDS) - {"overlays/batch"}))
def test_grafana_gets_every_dashboard(name: str) -> None:
    (found,) = [one for one in _built(name) if one["metadata"]["name"] == "neural-dashboards"]
    assert set(found["data"]) == {path.name for path in (ROOT / "config/grafana/dashboards").glob("*.json")}
    assert found["metadata"]["labels"] == {"grafana_dashboard": "1"}
    assert len(json.dumps(found)) < 1 << 20  # a ConfigMap's limit


def test_the_prometheus_rule_is_that_of_the_configuration() -> None:
    assert yaml.safe_load(RULE.read_text()) == prometheus_rule(), "run: python -m tests.prometheus_rule"


@pytest.mark.parametrize("name", BUILDS)
def test_the_grace_period_is_longer_than_the_sidecar_drains(name: str) -> None:
    from neural.monitoring.app.run import DRAIN_TIMEOUT_SECONDS
    from neural.monitoring.app.serve import GRACE_SECONDS

    for pod in _pods(name):
        assert pod["terminationGracePeriodSeconds"] > DRAIN_TIMEOUT_SECONDS + GRACE_SECONDS


def test_the_containerfile_has_stages_and_ends_as_a_user_without_rights() -> None:
    lines = (ROOT / "config" / "Containerfile").read_text().splitlines()
    stages = [at for at, line in enumerate(lines) if line.startswith("FROM ")]
    assert len(stages) == 2
    last = lines[stages[-1] :]
    assert "USER 10001:10001" in last  # as a number: the kubelet can tell that it is not root
    assert not [line for line in last if line.startswith(("RUN pip", "RUN apt"))]
