"""What the dashboards have in common: the choices at the top, and how series are called."""

from __future__ import annotations

from neural.monitoring.export.grafana.panels import BAD, GOOD, Variable

ME = 'model=~"$model",version=~"$version"'
MODEL_CHOICE = Variable("model", "label_values(neural_predictions_total, model)", "Model")
VERSION_CHOICE = Variable("version", 'label_values(neural_predictions_total{model=~"$model"}, version)', "Version")
FEATURE_CHOICE = Variable("feature", 'label_values(neural_feature_drift{model=~"$model"}, feature)', "Feature")
SLO_CHOICE = Variable("slo", 'label_values(neural_slo_compliance_ratio{model=~"$model"}, slo)', "SLO")
NAME = "{{model}} {{version}}"
LATENCY = "neural_prediction_latency_seconds"


def latency_quantile(q: float, selector: str = "") -> str:
    """A quantile by model and version, of classic buckets or, where Prometheus keeps native histograms instead, of those."""
    chosen = f"{{{selector}}}" if selector else ""
    classic = f"histogram_quantile({q:g}, sum by (le, model, version) (rate({LATENCY}_bucket{chosen}[$__rate_interval])))"
    return f"{classic} or histogram_quantile({q:g}, sum by (model, version) (rate({LATENCY}{chosen}[$__rate_interval])))"


YES_NO = {"0": ("no", GOOD), "1": ("yes", BAD)}
