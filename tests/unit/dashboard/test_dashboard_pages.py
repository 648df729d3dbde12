from __future__ import annotations

import itertools
import json
from dataclasses import replace

import pytest
from plotly.utils import PlotlyJSONEncoder

from neural.monitoring.clock import ManualClock
from neural.monitoring.dashboard.pages import PAGES
from neural.monitoring.dashboard.rendering import Renderer
from neural.monitoring.errors import StoreError
from neural.monitoring.signal import Outcome, Signal, Verdict
from neural.monitoring.store import MemoryStore

EVERY_PAGE = list(PAGES)


def _url(page):
    return "/" if page == "overview" else f"/{page}"


@pytest.mark.parametrize("page", EVERY_PAGE)
def test_every_page_says_what_is_missing_when_the_store_is_empty(page, empty_store, render, text_of):
    made = render(empty_store, _url(page))
    said = text_of(made.slots["page"])
    assert "could not be made" not in said
    assert any(word in said for word in ("yet", "No ", "not reported", "empty"))


@pytest.mark.parametrize("page", EVERY_PAGE)
def test_every_page_is_valid_json_without_nan(page, store, render):
    made = render(store, _url(page))
    text = json.dumps([made.slots["page"], made.slots["toolbar"], made.slots["nav"]], cls=PlotlyJSONEncoder)
    assert "could not be made" not in text
    assert "NaN" not in text
    assert "Infinity" not in text


@pytest.mark.parametrize("page", EVERY_PAGE)
def test_figures_have_names_for_screen_readers_and_ids_of_their_own(page, store, render, parts_of):
    made = render(store, _url(page))
    figures = parts_of(made.slots["page"], "Figure")
    assert all(getattr(figure, "aria-label") for figure in figures)
    ids = [graph.id for graph in parts_of(made.slots["page"], "Graph")]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("page", EVERY_PAGE)
def test_hostile_names_never_reach_plotly_as_markup(page, store, render, parts_of):
    for graph in parts_of(render(store, _url(page)).slots["page"], "Graph"):
        drawn = json.dumps([{k: v for k, v in trace.items() if k != "meta"} for trace in graph.figure["data"]])
        drawn += json.dumps(graph.figure["layout"])
        assert "<img" not in drawn


@pytest.mark.parametrize("page", EVERY_PAGE)
def test_a_paused_page_before_all_measurements_says_so(page, store, render, text_of, now):
    made = render(store, f"{_url(page)}?until={now - 7200:.0f}&range=1h")
    assert "could not be made" not in text_of(made.slots["page"])
    assert not made.live


def test_the_overview_answers_is_it_well_first(store, render, parts_of, text_of):
    made = render(store)
    assert text_of(parts_of(made.slots["page"], "H1")[0]) == "The inputs have drifted: temp and dewp."
    said = text_of(made.slots["page"])
    for word in (
        "Latency p95",
        "Errors",
        "Error budgets left",
        "Drift by feature",
        "What fired",
        "Where every request went",
        "adds up",
    ):
        assert word in said


def test_the_drift_page_shows_the_worst_feature_until_another_is_chosen(store, render, text_of):
    assert "Reference against now: temp" in text_of(render(store, "/drift").slots["page"])
    assert "Reference against now: dewp" in text_of(render(store, "/drift?feature=dewp").slots["page"])
    assert "Reference against now: temp" in text_of(render(store, "/drift?feature=nonesuch").slots["page"])


def test_moved_bins_are_marked(store, render, parts_of):
    graphs = {graph.id: graph for graph in parts_of(render(store, "/drift").slots["page"], "Graph")}
    reference, now = graphs["drift-distribution"].figure["data"]
    assert len(reference["x"]) == 10
    assert len(set(now["marker"]["color"])) == 2
    assert any("pts" in note["text"] for note in graphs["drift-distribution"].figure["layout"]["annotations"])


def test_the_heat_map_has_a_row_a_feature_with_the_worst_on_top(store, render, parts_of, story):
    graphs = {graph.id: graph for graph in parts_of(render(store, "/drift").slots["page"], "Graph")}
    trace = graphs["drift-heatmap"].figure["data"][0]
    assert trace["meta"][0] == "temp"
    assert len(trace["z"]) == len(story.FEATURES)
    assert trace["zmax"] > 2 * story.THRESHOLD
    turns_warm = trace["colorscale"][2][0] * trace["zmax"]
    assert turns_warm == pytest.approx(story.THRESHOLD)


def test_evidence_is_coloured_by_order_of_magnitude(store, render, parts_of):
    graphs = {graph.id: graph for graph in parts_of(render(store, "/drift?measure=evidence").slots["page"], "Graph")}
    trace = graphs["drift-heatmap"].figure["data"][0]
    assert (trace["zmin"], trace["zmax"]) == (-4.0, 4.0)
    assert max(trace["z"][0]) == 4.0


def test_an_incident_that_is_over_still_leads_the_ranking(render, parts_of, story, now):
    over = MemoryStore()
    story.fill(over, now - 1800)
    story.fill(over, now, incident=False)
    ranks = [
        link
        for link in parts_of(render(over, "/drift?range=1h").slots["page"], "Link")
        if "rank" in (getattr(link, "className", "") or "")
    ]
    assert "feature=temp" in ranks[0].href
    assert "feature=dewp" in ranks[1].href


def test_sequential_evidence_stands_against_its_threshold(store, render, parts_of):
    graphs = {graph.id: graph for graph in parts_of(render(store, "/drift").slots["page"], "Graph")}
    layout = graphs["drift-evidence"].figure["layout"]
    assert layout["yaxis"]["type"] == "log"
    assert layout["shapes"][0]["y0"] == 1.0
    assert layout["annotations"][0]["text"] == "alarm"


def test_quality_ranks_the_troubled_feature_first_and_marks_the_cell(store, render, parts_of, text_of):
    boxes = parts_of(render(store, "/quality").slots["page"], "Div")
    (table,) = [box for box in boxes if getattr(box, "aria-label", "") == "Data quality by feature"]
    first = parts_of(table, "Tr")[1]
    assert text_of(first).startswith("temp")
    assert parts_of(first, "Span")[0].className == "cell-bad"


def test_performance_with_few_labels_is_called_provisional(store, render, text_of):
    said = text_of(render(store, "/performance").slots["page"])
    assert "provisional" in said
    assert "% to 7" in said  # the interval of the accuracy


def test_a_spent_budget_is_said_and_its_objective_can_be_chosen(store, render, text_of):
    said = text_of(render(store, "/slo?slo=fast").slots["page"])
    assert "spent" in said
    assert "“fast” burns its budget" in said


def test_alerts_can_be_filtered_and_carry_their_evidence(store, render, text_of):
    assert "4 alerts" in text_of(render(store, "/alerts").slots["page"])
    critical = text_of(render(store, "/alerts?severity=critical").slots["page"])
    assert "1 alert " in critical
    assert "rows_since_onset" in critical
    assert "No such alert" in text_of(render(store, "/alerts?severity=info&state=resolved").slots["page"])
    assert "labels come after landing" in text_of(render(store, "/alerts").slots["page"])


def test_capture_shows_the_ledger_and_the_failures(store, render, text_of):
    said = text_of(render(store, "/capture").slots["page"])
    for word in ("75,340", "dropped: ring full", "adds up", "inputs[0]: 12 values, shape says 13"):
        assert word in said


def test_an_unknown_page_offers_the_way_back(store, render, parts_of, text_of):
    made = render(store, "/nonesuch")
    assert "no such page" in text_of(made.slots["page"])
    assert [link.href for link in parts_of(made.slots["page"], "Link")] == ["/"]


def _raising(error):
    def fail(*_args, **_kwargs):
        raise error

    return fail


def test_a_store_that_cannot_be_read_is_one_clear_sentence(empty_store, render, text_of, monkeypatch):
    monkeypatch.setattr(empty_store, "latest_signals", _raising(StoreError("state.db: the disk is gone")))
    assert text_of(render(empty_store).slots["page"]) == "The store can't be read. state.db: the disk is gone"


def test_a_fault_of_ours_is_told_without_its_insides(empty_store, render, text_of, monkeypatch, caplog):
    monkeypatch.setattr(empty_store, "latest_signals", _raising(ZeroDivisionError("secret")))
    said = text_of(render(empty_store).slots["page"])
    assert "could not be made" in said
    assert "secret" not in said
    assert "secret" in caplog.text


def test_the_toolbar_offers_every_model_version(now, render, parts_of, store, story):
    two = MemoryStore()
    story.fill(two, now)
    two.write_signals([Signal("requests.rate", 1.0, now - 10, {"model": "other", "version": ""})])
    (select,) = parts_of(render(two).slots["toolbar"], "Select")
    assert [option["label"] for option in select.options] == ["flights · 3", "other"]


def test_pausing_is_a_link_to_this_moment_and_resuming_one_to_now(store, render, parts_of, now):
    live = {link.children: link.href for link in parts_of(render(store, "/drift").slots["toolbar"], "Link")}
    assert live["pause"] == f"/drift?until={now:.0f}"
    paused = {
        link.children: link.href for link in parts_of(render(store, f"/drift?until={now - 60:.0f}").slots["toolbar"], "Link")
    }
    assert paused["resume"] == "/drift"


def test_old_data_is_offered_instead_of_an_empty_page(store, render, parts_of, now):
    made = render(store, "/drift?range=1h", now=now + 86400)
    assert f"/drift?range=1h&until={now:.0f}" in [getattr(link, "href", "") for link in parts_of(made.slots["page"], "Link")]


def test_a_page_is_refreshed_as_often_as_there_is_something_new(render, now):
    def every(step, wanted):
        quick = MemoryStore()
        quick.put_value("sidecar", {"evaluate_every_seconds": step})
        quick.write_signals([Signal("requests.rate", 1.0, now - 1, {"model": "m", "version": "1"})])
        assert render(quick).refresh_seconds == wanted

    every(60, 15)
    every(5, 5)
    every(0.5, 2)


def test_a_view_is_made_once_until_something_is_measured(now):
    store = MemoryStore()
    labels = {"model": "m", "version": "1"}
    store.write_signals([Signal("requests.rate", 1.0, now, labels)])
    clock = ManualClock(now)
    renderer = Renderer(store, prefix="/", clock=clock, refresh_seconds=15)
    first = renderer.render("/", "").slots["page"]
    clock.advance(15)
    assert renderer.render("/", "").slots["page"] is first
    store.write_signals([Signal("requests.rate", 2.0, now + 15, labels)])
    second = renderer.render("/", "").slots["page"]
    assert second is not first
    clock.advance(61)
    assert renderer.render("/", "").slots["page"] is not second


def _graphs(made, parts_of):
    return {graph.id: graph.figure for graph in parts_of(made.slots["page"], "Graph")}


def test_calibration_is_drawn_with_its_intervals_and_stays_on_a_page_of_earlier(store, render, parts_of, now):
    ideal, curve = _graphs(render(store, "/performance"), parts_of)["performance-calibration"]["data"]
    assert (ideal["x"], ideal["y"]) == ([0, 1], [0, 1])
    assert len(curve["x"]) == 10
    assert all(up > 0 for up in curve["error_y"]["array"][1:])
    earlier = _graphs(render(store, f"/performance?until={now - 300:.0f}"), parts_of)
    assert len(earlier["performance-calibration"]["data"][1]["x"]) == 10


def test_estimates_stand_beside_what_labels_said_and_what_is_still_to_come_is_shaded(store, render, parts_of, text_of):
    made = render(store, "/performance?measure=recall")
    figure = _graphs(made, parts_of)["performance-estimates"]
    assert [trace["name"] for trace in figure["data"]] == ["Recall, estimated", "Recall, from labels"]
    (shade,) = [shape for shape in figure["layout"]["shapes"] if shape["type"] == "rect"]
    assert shade["x1"] - shade["x0"] == pytest.approx(95_000, abs=1)
    assert "recall is estimated at" in text_of(made.slots["page"])


def test_the_evidence_of_all_columns_stands_against_the_alarm(store, render, parts_of, text_of):
    made = render(store, "/drift")
    figure = _graphs(made, parts_of)["drift-together"]
    assert figure["layout"]["yaxis"]["type"] == "log"
    assert [note["text"] for note in figure["layout"]["annotations"]] == ["alarm"]
    assert "MMD 0.061" in text_of(made.slots["page"])


def test_whole_rows_that_are_watched_are_drawn_with_their_verdict(own_store, render, parts_of, text_of, now, story):
    reason = "@rows is 0.300 from the reference"
    verdict = Verdict(Outcome.BAD, reason, statistic=0.3, threshold=0.1)
    own_store.write_signals([Signal("drift.mmd", 0.3, now, {**story.MODEL, "feature": "@rows"}, verdict)])
    made = render(own_store, "/drift")
    assert "drift-rows" in _graphs(made, parts_of)
    assert reason in text_of(made.slots["page"])


def test_what_watching_costs_and_every_process_are_told(store, render, text_of):
    said = text_of(render(store, "/capture").slots["page"])
    assert "4.2 µs" in said
    assert "flights-7d9f:worker-2" in said
    assert '"datatype": "…"' in said


def test_only_firing_alerts_can_be_acknowledged_and_whoever_has_one_is_named(own_store, now, text_of, parts_of):
    row = next(row for row in own_store.alerts() if row.rule == "Budget burns")
    own_store.put_alert(replace(row, acknowledged_by="ada"))
    renderer = Renderer(
        own_store,
        prefix="/",
        clock=ManualClock(now),
        refresh_seconds=15,
        silences_url="/api/v1/silences",
        alerts_url="/api/v1/alerts",
    )
    made = renderer.render("/alerts", "")
    buttons = [getattr(one, "data-url") for one in parts_of(made.slots["page"], "Button") if one.children == "I have this"]
    assert buttons == ["/api/v1/alerts/a1/acknowledge"]
    assert "ada has it" in text_of(made.slots["page"])


def test_predictions_that_moved_are_not_called_inputs(own_store, render, text_of, now, story):
    bad = Verdict(Outcome.BAD, "moved", threshold=0.1)
    for name, feature in (("drift.feature_score", "@prediction"), ("drift.feature_score", "@probability:1")):
        own_store.write_signals([Signal(name, 0.4, now, {**story.MODEL, "feature": feature}, bad)])
    said = text_of(render(own_store, "/").slots["page"])
    assert "The inputs have drifted: temp and dewp. The predictions moved too." in said
    assert "probability of 1" in said


def test_quality_shows_the_checks_and_the_findings(store, render, parts_of, text_of):
    said = text_of(render(store, "/quality").slots["page"])
    for words in ("Schema and column order", "every column moves", "Age of the newest row", "duplicate rows", "wind_gust", "498"):
        assert words in said


def test_performance_shows_classes_and_segments_with_intervals_the_worse_segment_first(store, render, parts_of, text_of):
    page = render(store, "/performance").slots["page"]
    tables = {getattr(box, "aria-label", ""): text_of(box) for box in parts_of(page, "Div") if getattr(box, "aria-label", "")}
    assert "62% to 66%" in tables["Performance by class"].replace("\u202f", "").replace("\xa0", "").replace(" %", "%")
    segments = tables["Performance by segment"]
    assert segments.index("carrier=AA") < segments.index("carrier=UA")
    assert "worse" in segments


def test_an_earlier_moment_has_its_objectives_and_findings_although_verdicts_are_kept_only_where_they_change(
    store, render, text_of, now
):
    past = f"?until={now - 120:.0f}"
    objectives = text_of(render(store, f"/slo{past}").slots["page"])
    assert "no data" not in objectives
    assert "kept" in objectives
    found = text_of(render(store, f"/quality{past}").slots["page"])
    assert "Nothing was found." not in found
    assert "the last that was kept" in found
    assert "as it should be" in found


def test_an_alert_has_lasted_as_long_as_the_view_goes(own_store, render, text_of, now):
    row = next(row for row in own_store.alerts() if row.rule == "Data drift")
    own_store.put_alert(replace(row, fired_at=now - 300.0, resolved_at=now - 60.0, state="resolved"))
    assert "firing · 10 s" in text_of(render(own_store, f"/alerts?until={now - 290:.0f}").slots["page"])


def test_the_drift_verdict_calls_the_models_answers_as_people_do(own_store, render, text_of, now, story):
    labels = dict(story.MODEL)
    verdict = Verdict(Outcome.BAD, "temp, @prediction, @probability:1 drifted")
    own_store.write_signals([Signal("drift.alarm", 1.0, now, labels, verdict)])
    for name in ("@prediction", "@probability:1"):
        own_store.write_signals([Signal("drift.feature_score", 0.3, now, {**labels, "feature": name}, verdict)])
    said = text_of(render(own_store, "/drift").slots["page"])
    assert "temp, prediction, probability of 1 drifted" in said
    assert "@" not in said


def test_words_over_moved_bins_never_stand_on_each_other():
    from neural.monitoring.dashboard.bins import Bin
    from neural.monitoring.dashboard.figures import distribution

    moved = [Bin(f"bin {i}", 0.05, 0.2 + i / 1000, True) for i in range(18)]
    places = sorted(note["x"] for note in distribution(moved)["layout"]["annotations"])
    assert len(places) > 1
    assert all(right - left >= 3 for left, right in itertools.pairwise(places))
