"""The seed's four examples run offline, and say what they promise."""

from __future__ import annotations

import logging

from neural.monitoring.examples import basic_monitoring, custom_alerts, drift_detection_demo, production_deployment


def test_basic_monitoring_tells_the_richer_town_from_today(capsys, tmp_path):
    basic_monitoring.main(["--storage-path", str(tmp_path)])
    out = capsys.readouterr().out
    assert "richer  drifting True" in out
    assert "today   drifting False" in out
    assert "most changed: income" in out
    assert "lossy   score" in out
    assert "200 predictions" in out
    assert (tmp_path / "state.db").exists()


def test_drift_detection_demo_finds_what_changed_and_nothing_else(capsys):
    drift_detection_demo.main([])
    out = capsys.readouterr().out
    found = {name: out.split(name, 1)[1].split()[0] for name in drift_detection_demo.WORLDS if name != "nothing changed (2)"}
    assert found["nothing changed"] == "no"
    for name in ("incomes +0.3 σ", "incomes +1 σ", "incomes spread ×2", "one region only", "debt stops mattering"):
        assert found[name] == "yes", name


def test_custom_alerts_reach_the_webhook_once_and_a_broken_condition_is_an_alert(capsys, caplog):
    with caplog.at_level(logging.INFO):
        custom_alerts.main([])
    out = capsys.readouterr().out
    assert out.count("webhook received") == 1
    for told in ("Error rate is 12.00%", "p95 is 900 ms at an accuracy of 81%", "can't be evaluated"):
        assert told in caplog.text
    assert "4 alerts" in out


def test_production_deployment_ends_with_a_health_report_and_metrics(capsys):
    production_deployment.main([])
    out = capsys.readouterr().out
    good, bad = out.split("A bad hour")
    assert "health healthy" in good
    assert "health critical" in bad
    assert 'neural_predictions_total{model="loans"' in bad
    assert "SLO prediction_latency_p95: missed" in bad
